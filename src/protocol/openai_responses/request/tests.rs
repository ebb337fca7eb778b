mod bad_input;

use proptest::prelude::*;

use super::*;
use crate::golden::assert_golden;

/// A valid body with one more field.
fn with(field: &str) -> String {
    format!(r#"{{"model":"auto","input":"Hi",{field}}}"#)
}

/// A body of these items.
fn saying(items: &str) -> String {
    format!(r#"{{"model":"auto","input":{items}}}"#)
}

const USER: &str = r#"{"role":"user","content":"Hi"}"#;
const CALL: &str = r#"{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}"#;
const OUTPUT: &str = r#"{"type":"function_call_output","call_id":"c1","output":"x"}"#;

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
#[expect(clippy::too_many_lines, reason = "a table")]
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
            "a text of no words and nulls",
            with(r#""instructions":"","temperature":null,"tools":null,"store":null"#),
        ),
        (
            "an operation",
            with(r#""metadata":{"operation":"faq","ticket":"7"},"store":false"#),
        ),
        (
            "streamed",
            with(r#""stream":true,"stream_options":{"include_obfuscation":false}"#),
        ),
        (
            "class of service and penalties",
            with(
                r#""service_tier":"flex","frequency_penalty":0.5,"presence_penalty":-0.5,"x_new":1"#,
            ),
        ),
        (
            "as hard as it can",
            with(r#""reasoning":{"effort":"xhigh","generate_summary":"concise"}"#),
        ),
        (
            "any tool",
            with(
                r#""tools":[{"type":"function","name":"f"},{"type":"mcp","server_label":"s","server_url":"https://a.example"}],"tool_choice":"required","max_tool_calls":2"#,
            ),
        ),
        (
            "system in the middle",
            saying(&format!(
                r#"[{USER},{{"role":"assistant","content":[]}},{{"role":"system","content":[{{"type":"input_text","text":"s"}}]}},{USER}]"#
            )),
        ),
        (
            "reasoning that only its maker can read",
            saying(&format!(
                r#"[{USER},{{"type":"reasoning","id":"rs_1_0","summary":[],"encrypted_content":"esclusa.openai@0a1b@rs_1.gAAA.B=="}},{CALL},{OUTPUT}]"#
            )),
        ),
        (
            "a text between calls",
            saying(&format!(
                r#"[{USER},{CALL},{{"role":"assistant","content":"And."}},{{"type":"function_call","call_id":"c2","name":"g","arguments":"{{}}"}},{OUTPUT},{{"type":"function_call_output","call_id":"c2","output":""}}]"#
            )),
        ),
        ("what is stored", with(r#""previous_response_id":"resp_1""#)),
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
