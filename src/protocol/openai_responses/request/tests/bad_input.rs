use super::super::parse;
use super::{CALL, OUTPUT, USER, saying, with};
use crate::protocol::openai_chat::MAX_TOOLS;

fn check_refused(body: &str, param: &str, part: &str) {
    let Err(error) = parse(body.as_bytes()) else {
        panic!("taken: {body}")
    };
    assert_eq!(error.param.as_deref(), Some(param), "{error} in {body}");
    assert!(error.message.contains(part), "{error} in {body}");
}

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
