use proptest::prelude::*;

use super::*;
use crate::golden::assert_golden;
use crate::protocol::openai_chat::MAX_TOOLS;

/// A valid body with one more field.
fn with(field: &str) -> String {
    format!(r#"{{"model":"auto","input":"Hi",{field}}}"#)
}

/// A body of these items.
fn saying(items: &str) -> String {
    format!(r#"{{"model":"auto","input":{items}}}"#)
}

fn check_refused(body: &str, param: &str, part: &str) {
    let Err(error) = parse(body.as_bytes()) else {
        panic!("taken: {body}")
    };
    assert_eq!(error.param.as_deref(), Some(param), "{error} in {body}");
    assert!(error.message.contains(part), "{error} in {body}");
}

const USER: &str = r#"{"role":"user","content":"Hi"}"#;
const CALL: &str = r#"{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}"#;
const OUTPUT: &str = r#"{"type":"function_call_output","call_id":"c1","output":"x"}"#;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_fields_are_refused_by_their_path() {
    let cases = [
        (r#""model":7"#, "model", "must be a string"),
        (r#""model":"""#, "model", "must not be empty"),
        (r#""model":null"#, "model", "is required"),
        (r#""input":null"#, "input", "is required"),
        (r#""input":"""#, "input", "must not be empty"),
        (r#""input":[]"#, "input", "must not be empty"),
        (r#""input":{}"#, "input", "a string or an array"),
        (r#""instructions":[]"#, "instructions", "must be a string"),
        (r#""n":1"#, "n", "is not a field of responses"),
        (
            r#""messages":[]"#,
            "messages",
            "is not a field of responses",
        ),
        (r#""prompt":{"id":"p"}"#, "prompt", "stored prompt"),
        (
            r#""conversation":"c""#,
            "conversation",
            "previous_response_id",
        ),
        (r#""background":true"#, "background", "come later"),
        (r#""background":1"#, "background", "true or false"),
        (r#""store":"yes""#, "store", "true or false"),
        (
            r#""previous_response_id":"""#,
            "previous_response_id",
            "must not be empty",
        ),
        (r#""include":"all""#, "include", "an array"),
        (r#""include":[1]"#, "include[0]", "a string"),
        (r#""stream":1"#, "stream", "true or false"),
        (r#""stream_options":{}"#, "stream_options", "stream: true"),
        (
            r#""stream":true,"stream_options":{"include_obfuscation":1}"#,
            "stream_options.include_obfuscation",
            "true or false",
        ),
        (r#""temperature":2.1"#, "temperature", "0 to 2"),
        (r#""top_p":-1"#, "top_p", "0 to 1"),
        (r#""top_logprobs":21"#, "top_logprobs", "0 to 20"),
        (r#""max_output_tokens":0"#, "max_output_tokens", "1 to"),
        (r#""max_tool_calls":0"#, "max_tool_calls", "1 to"),
        (r#""truncation":"some""#, "truncation", "\"auto\""),
        (r#""metadata":[]"#, "metadata", "an object"),
        (r#""metadata":{"a":1}"#, "metadata.a", "a string"),
        (r#""text":"json""#, "text", "an object"),
        (r#""text":{"format":"json"}"#, "text.format", "an object"),
        (r#""text":{"format":{}}"#, "text.format.type", "is required"),
        (
            r#""text":{"format":{"type":"xml"}}"#,
            "text.format.type",
            "must be",
        ),
        (
            r#""text":{"format":{"type":"json_schema","schema":{}}}"#,
            "text.format.name",
            "is required",
        ),
        (
            r#""text":{"format":{"type":"json_schema","name":"a"}}"#,
            "text.format.schema",
            "is required",
        ),
        (
            r#""text":{"format":{"type":"json_schema","name":"a","schema":[]}}"#,
            "text.format.schema",
            "an object",
        ),
        (r#""text":{"verbosity":3}"#, "text.verbosity", "a string"),
        (r#""reasoning":"high""#, "reasoning", "an object"),
        (
            r#""reasoning":{"effort":"most"}"#,
            "reasoning.effort",
            "must be",
        ),
        (
            r#""reasoning":{"summary":"long"}"#,
            "reasoning.summary",
            "must be",
        ),
        (r#""tools":{}"#, "tools", "an array"),
        (r#""tools":[{}]"#, "tools[0].type", "is required"),
        (
            r#""tools":[{"type":"custom","name":"f"}]"#,
            "tools[0].type",
            "free text",
        ),
        (
            r#""tools":[{"type":"function"}]"#,
            "tools[0].name",
            "is required",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":"f"}}]"#,
            "tools[0].name",
            "is required",
        ),
        (
            r#""tools":[{"type":"function","name":"f"},{"type":"function","name":"f"}]"#,
            "tools[1].name",
            "another tool",
        ),
        (
            r#""tools":[{"type":"function","name":"f","parameters":7}]"#,
            "tools[0].parameters",
            "an object",
        ),
        (r#""tool_choice":"some""#, "tool_choice", "must be"),
        (
            r#""tool_choice":"required""#,
            "tool_choice",
            "there is none",
        ),
        (
            r#""tool_choice":{"type":"allowed_tools"}"#,
            "tool_choice.type",
            "Offer only",
        ),
        (
            r#""tool_choice":{"type":"function"}"#,
            "tool_choice.name",
            "is required",
        ),
        (
            r#""tool_choice":{"type":"function","name":"g"}"#,
            "tool_choice",
            "not among the tools",
        ),
    ];
    for (field, param, part) in cases {
        check_refused(&with(field), param, part);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_items_are_refused_by_their_path() {
    let message = |role: &str, content: &str| format!(r#"{{"role":"{role}","content":{content}}}"#);
    let part = |part: &str| message("user", &format!("[{part}]"));
    let cases = [
        ("7".to_owned(), "input[0]", "an object"),
        ("{}".to_owned(), "input[0].role", "is required"),
        (
            r#"{"type":"thing"}"#.to_owned(),
            "input[0].type",
            "not a known item",
        ),
        (
            r#"{"type":"custom_tool_call"}"#.to_owned(),
            "input[0].type",
            "not a known item",
        ),
        (
            message("tool", "\"x\""),
            "input[0].role",
            "not a known role",
        ),
        (
            r#"{"role":"user"}"#.to_owned(),
            "input[0].content",
            "is required",
        ),
        (
            message("user", "[]"),
            "input[0].content",
            "must not be empty",
        ),
        (message("user", "{}"), "input[0].content", "a string or"),
        (
            part(r#"{"type":"text","text":"x"}"#),
            "input[0].content[0].type",
            "not a known part",
        ),
        (
            part(r#"{"type":"output_text","text":"x"}"#),
            "input[0].content[0].type",
            "not a known part",
        ),
        (
            message("assistant", r#"[{"type":"input_text","text":"x"}]"#),
            "input[0].content[0].type",
            "what an assistant says",
        ),
        (
            message(
                "system",
                r#"[{"type":"input_image","image_url":"https://a.example/b"}]"#,
            ),
            "input[0].content[0].type",
            "input_text",
        ),
        (
            part(r#"{"type":"input_text"}"#),
            "input[0].content[0].text",
            "is required",
        ),
        (
            part(r#"{"type":"input_image"}"#),
            "input[0].content[0].image_url",
            "is required",
        ),
        (
            part(r#"{"type":"input_image","image_url":"file:///etc/passwd"}"#),
            "input[0].content[0].image_url",
            "https URL",
        ),
        (
            part(r#"{"type":"input_image","image_url":"data:image/png,x"}"#),
            "input[0].content[0].image_url",
            "malformed data URL",
        ),
        (
            part(r#"{"type":"input_image","image_url":"data:text/plain;base64,eA=="}"#),
            "input[0].content[0].image_url",
            "malformed data URL",
        ),
        (
            part(r#"{"type":"input_image","image_url":{"url":"https://a.example/b"}}"#),
            "input[0].content[0].image_url",
            "a string",
        ),
        (
            part(r#"{"type":"input_image","image_url":"https://a.example/b","detail":"x"}"#),
            "input[0].content[0].detail",
            "must be",
        ),
        (
            part(r#"{"type":"input_file","filename":"a"}"#),
            "input[0].content[0].file_data",
            "is required",
        ),
        (
            part(r#"{"type":"input_file","file_data":"data:application/pdf;base64,x"}"#),
            "input[0].content[0].file_data",
            "base64",
        ),
        (
            part(r#"{"type":"input_audio","input_audio":{"data":"eA==","format":"ogg"}}"#),
            "input[0].content[0].input_audio.format",
            "must be",
        ),
        (OUTPUT.to_owned(), "input[0].call_id", "names no tool call"),
        (
            format!("{CALL},{OUTPUT},{OUTPUT}"),
            "input[2].call_id",
            "its result already",
        ),
        (CALL.to_owned(), "input", "without a result"),
        (format!("{CALL},{USER}"), "input[1]", "without a result"),
        (format!("{CALL},{CALL}"), "input[1].call_id", "another call"),
        (
            r#"{"type":"function_call","name":"f","arguments":"{}"}"#.to_owned(),
            "input[0].call_id",
            "is required",
        ),
        (
            r#"{"type":"function_call","call_id":"c","name":"f","arguments":{}}"#.to_owned(),
            "input[0].arguments",
            "a string",
        ),
        (
            r#"{"type":"function_call_output","call_id":"c"}"#.to_owned(),
            "input[0].output",
            "is required",
        ),
        (
            r#"{"type":"item_reference"}"#.to_owned(),
            "input[0].id",
            "is required",
        ),
        (
            r#"{"type":"reasoning","summary":"x"}"#.to_owned(),
            "input[0].summary",
            "an array",
        ),
        (
            r#"{"type":"reasoning","summary":[{}]}"#.to_owned(),
            "input[0].summary[0].text",
            "is required",
        ),
        (
            r#"{"type":"reasoning","encrypted_content":7}"#.to_owned(),
            "input[0].encrypted_content",
            "a string",
        ),
    ];
    for (items, param, part) in cases {
        check_refused(&saying(&format!("[{items}]")), param, part);
    }
}

#[test]
fn sizes_are_bounded() {
    let tools: Vec<String> = (0..1_000)
        .map(|number| format!(r#"{{"type":"function","name":"f{number}"}}"#))
        .collect();
    let tools = format!(r#""tools":[{}]"#, tools.join(","));
    check_refused(&with(&tools), "tools", &format!("at most {MAX_TOOLS}"));
    let items = vec![USER; 5_000].join(",");
    check_refused(&saying(&format!("[{items}]")), "input", "at most 4096");
    let pairs: Vec<String> = (0..17).map(|n| format!(r#""k{n}":"v""#)).collect();
    let metadata = format!(r#""metadata":{{{}}}"#, pairs.join(","));
    check_refused(&with(&metadata), "metadata", "at most 16");
    let long = format!(r#""metadata":{{"k":"{}"}}"#, "v".repeat(513));
    check_refused(&with(&long), "metadata.k", "512");
    let deep = format!(r#""x":{}{}"#, "[".repeat(200), "]".repeat(200));
    let error = parse(with(&deep).as_bytes()).unwrap_err();
    assert!(error.message.contains("deeper"), "{error}");
    for body in ["", "[]", "{", "\u{7f}"] {
        assert!(parse(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn what_is_left_out_is_told() {
    let body = with(
        r#""truncation":"auto","include":["file_search_call.results","reasoning.encrypted_content"],
        "text":{"odd":1},"reasoning":{"odd":1},"stream":true,
        "stream_options":{"include_obfuscation":true},"tools":[{"type":"function","name":"f","odd":1}]"#,
    );
    let request = parse(body.as_bytes()).unwrap();
    let mut fields: Vec<&str> = request
        .warnings
        .iter()
        .map(|warning| warning.field.as_str())
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "include[0]",
            "reasoning.odd",
            "stream_options.include_obfuscation",
            "text.odd",
            "tools[0].odd",
            "truncation",
        ]
    );
}

#[test]
fn unknown_fields_go_to_providers_of_the_same_wire() {
    let body = with(r#""prompt_cache_key":"k","safety_identifier":"s","new":{"a":1},"odd":null"#);
    let request = parse(body.as_bytes()).unwrap();
    assert_eq!(request.extras.family, Some(Family::OpenAi));
    let names: Vec<&str> = request
        .extras
        .fields
        .0
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["prompt_cache_key", "safety_identifier", "new"]);
}

/// What a request says beside its conversation.
fn settings(request: &ChatRequest) -> String {
    format!(
        "{:?} {:?} {:?} {:?}\n{:?} {:?} {:?}\nlogprobs {:?}, tier {:?}, user {:?}, verbosity {:?}",
        request.tools,
        request.tool_choice,
        request.parallel_tool_calls,
        request.response_format,
        request.max_output_tokens,
        request.sampling,
        request.reasoning,
        request.logprobs,
        request.service_tier,
        request.user,
        request.verbosity,
    )
}

#[test]
fn requests_are_read_as_they_are_meant() {
    use std::fmt::Write as _;
    let cases = [
        ("plain", with(r#""user":"u""#)),
        ("instructions", with(r#""instructions":"Be brief.""#)),
        (
            "sampling",
            with(r#""temperature":0.5,"top_p":0.9,"top_logprobs":2,"max_output_tokens":9"#),
        ),
        (
            "thinking",
            with(r#""reasoning":{"effort":"high","summary":"auto"},"text":{"verbosity":"low"}"#),
        ),
        ("not thinking", with(r#""reasoning":{"effort":"none"}"#)),
        (
            "logprobs",
            with(r#""include":["message.output_text.logprobs"]"#),
        ),
        (
            "schema",
            with(
                r#""text":{"format":{"type":"json_schema","name":"a","schema":{"type":"object"},"strict":true}}"#,
            ),
        ),
        ("json", with(r#""text":{"format":{"type":"json_object"}}"#)),
        (
            "tools",
            with(
                r#""tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false},{"type":"web_search"}],"tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false"#,
            ),
        ),
        (
            "roles",
            saying(
                r#"[{"role":"system","content":"s"},{"role":"developer","content":"d"},{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},{"role":"assistant","content":"c"},{"role":"user","content":"e"}]"#,
            ),
        ),
        (
            "media",
            saying(
                r#"[{"role":"user","content":[{"type":"input_image","image_url":"https://a.example/b.png","detail":"low"},{"type":"input_image","image_url":"data:image/png;base64,eA=="},{"type":"input_image","file_id":"file_1"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,eA=="},{"type":"input_file","file_url":"https://a.example/c.pdf"},{"type":"input_audio","input_audio":{"data":"eA==","format":"wav"}}]}]"#,
            ),
        ),
        (
            "turns of tools",
            saying(&format!(
                r#"[{USER},{{"type":"reasoning","id":"rs_1","summary":[{{"type":"summary_text","text":"Hm."}}],"encrypted_content":"abc"}},{CALL},{{"type":"function_call","call_id":"c2","name":"g","arguments":"","extra_content":{{"google":{{"thought_signature":"t"}}}}}},{OUTPUT},{{"type":"function_call_output","call_id":"c2","output":[{{"type":"input_text","text":"y"}},{{"type":"input_image","image_url":"data:image/png;base64,eA=="}}]}},{{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{{"type":"output_text","text":"z","annotations":[],"logprobs":[]}}]}},{USER}]"#
            )),
        ),
        (
            "reasoning",
            saying(&format!(
                r#"[{USER},{{"type":"reasoning","summary":[],"encrypted_content":"esclusa.anthropic.sig"}},{{"type":"reasoning","summary":[],"encrypted_content":"esclusa.redacted.esclusa.anthropic.hidden"}},{{"type":"reasoning","summary":[],"content":[{{"type":"reasoning_text","text":"all"}}]}},{{"type":"reasoning","id":"rs_2","summary":[]}},{{"role":"assistant","content":[{{"type":"refusal","refusal":"No."}}]}},{USER}]"#
            )),
        ),
        (
            "hosted calls",
            saying(&format!(
                r#"[{USER},{{"type":"web_search_call","id":"ws_1","status":"completed"}},{{"role":"assistant","content":"Found."}},{USER}]"#
            )),
        ),
        (
            "unicode",
            saying(r#""\u00bfQu\u00e9 tal? \ud83d\ude00 \n\t""#),
        ),
    ];
    let usual = parse(saying(r#""Hi""#).as_bytes()).unwrap();
    let mut golden = String::new();
    for (name, body) in cases {
        let request = parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"));
        let thread = request.thread.clone().unwrap();
        writeln!(golden, "# {name}\n{body}").unwrap();
        for message in &request.messages {
            writeln!(golden, "{:?} {:?}", message.role, message.parts).unwrap();
        }
        let told = settings(&request);
        if told != settings(&usual) {
            writeln!(golden, "{told}").unwrap();
        }
        let kept: Vec<&str> = thread
            .items
            .iter()
            .map(crate::protocol::Json::get)
            .collect();
        writeln!(golden, "keeps {}\n", kept.join(" ")).unwrap();
    }
    assert_golden("responses_requests", &golden);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body);
    }

    #[test]
    fn no_item_makes_it_panic(
        items in prop::collection::vec(prop::sample::select(vec![
            USER, CALL, OUTPUT, "{}", "null", "[]",
            r#"{"type":"reasoning","summary":[]}"#,
            r#"{"id":"msg_a_0"}"#,
            r#"{"role":"assistant","content":[]}"#,
        ]), 0..8)
    ) {
        let _ = parse(saying(&format!("[{}]", items.join(","))).as_bytes());
    }
}
