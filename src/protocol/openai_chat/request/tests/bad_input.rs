use super::{MAX_MESSAGES, MAX_SCHEMA_BYTES, parse, parsed, saying, with};
use crate::protocol::openai_chat::MAX_TOOLS;

/// (body, path, part of the message)
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_fields() -> Vec<(String, &'static str, &'static str)> {
    let cases = [
        (r#""model":7"#, "model", "must be a string, not a number"),
        (r#""model":"""#, "model", "must not be empty"),
        (r#""model":null"#, "model", "is required. Name a model"),
        (r#""messages":[]"#, "messages", "Send at least one message"),
        (
            r#""messages":"Hi""#,
            "messages",
            "must be an array, not a string",
        ),
        (r#""messages":null"#, "messages", "is required"),
        (
            r#""temperature":-0.1"#,
            "temperature",
            "a number from 0 to 2, not -0.1",
        ),
        (
            r#""temperature":2.01"#,
            "temperature",
            "a number from 0 to 2",
        ),
        (
            r#""temperature":1e999"#,
            "temperature",
            "a number from 0 to 2, not 1e999",
        ),
        (
            r#""temperature":"hot""#,
            "temperature",
            "a number from 0 to 2, not a string",
        ),
        (r#""top_p":1.1"#, "top_p", "a number from 0 to 1"),
        (r#""n":0"#, "n", "an integer from 1 to 8, not 0"),
        (r#""n":9"#, "n", "an integer from 1 to 8"),
        (r#""n":1.5"#, "n", "an integer from 1 to 8, not 1.5"),
        (
            r#""max_tokens":0"#,
            "max_tokens",
            "an integer from 1 to 1000000",
        ),
        (r#""max_tokens":-1"#, "max_tokens", "not -1"),
        (
            r#""max_completion_tokens":1000001"#,
            "max_completion_tokens",
            "from 1 to 1000000",
        ),
        (
            r#""max_tokens":99999999999999999999999"#,
            "max_tokens",
            "from 1 to 1000000",
        ),
        (
            r#""presence_penalty":-2.5"#,
            "presence_penalty",
            "a number from -2 to 2",
        ),
        (
            r#""frequency_penalty":3"#,
            "frequency_penalty",
            "a number from -2 to 2",
        ),
        (r#""seed":1.5"#, "seed", "an integer of 64 bits"),
        (
            r#""seed":"1""#,
            "seed",
            "an integer of 64 bits, not a string",
        ),
        (
            r#""stop":["a","b","c","d","e"]"#,
            "stop",
            "at most 4 elements, not 5",
        ),
        (
            r#""stop":["a",1]"#,
            "stop[1]",
            "must be a string, not a number",
        ),
        (
            r#""stop":true"#,
            "stop",
            "a string or an array of at most 4 strings",
        ),
        (r#""top_logprobs":21"#, "top_logprobs", "from 0 to 20"),
        (r#""logprobs":1"#, "logprobs", "true or false"),
        (
            r#""stream":"true""#,
            "stream",
            "must be true or false, not a string",
        ),
        (
            r#""stream_options":{"include_usage":true}"#,
            "stream_options",
            "only allowed with `stream: true`",
        ),
        (
            r#""stream":true,"stream_options":{"include_usage":1}"#,
            "stream_options.include_usage",
            "true or false",
        ),
        (
            r#""metadata":[]"#,
            "metadata",
            "must be an object, not an array",
        ),
        (
            r#""metadata":{"operation":7}"#,
            "metadata.operation",
            "must be a string",
        ),
        (r#""tools":{}"#, "tools", "must be an array, not an object"),
        (
            r#""tools":[{"type":"function"}]"#,
            "tools[0].function",
            "is required",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":""}}]"#,
            "tools[0].function.name",
            "must not be empty",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":"f","parameters":"x"}}]"#,
            "tools[0].function.parameters",
            "must be an object",
        ),
        (r#""tools":[{"name":"f"}]"#, "tools[0].type", "is required"),
        (r#""tool_choice":1"#, "tool_choice", "\"auto\""),
        (
            r#""response_format":"json""#,
            "response_format",
            "must be an object",
        ),
        (
            r#""response_format":{"type":"xml"}"#,
            "response_format.type",
            "must be \"text\"",
        ),
        (
            r#""response_format":{"type":"json_schema"}"#,
            "response_format.json_schema",
            "is required",
        ),
        (
            r#""response_format":{"type":"json_schema","json_schema":{"name":"n"}}"#,
            "response_format.json_schema.schema",
            "is required",
        ),
        (
            r#""tools":[{"type":"web_search"}]"#,
            "tools[0].type",
            "must be \"function\"",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#,
            "tools[1].function.name",
            "is the name of another tool",
        ),
        (
            r#""tool_choice":"required""#,
            "tool_choice",
            "but there is none",
        ),
        (
            r#""tool_choice":{"type":"function","function":{"name":"g"}}"#,
            "tool_choice",
            "names \"g\", which is not among the tools",
        ),
        (r#""tool_choice":"some""#, "tool_choice", "\"auto\""),
        (r#""functions":[]"#, "functions", "was replaced by `tools`"),
        (
            r#""modalities":["text","audio"]"#,
            "modalities[1]",
            "POST /v1/audio/speech",
        ),
        (
            r#""reasoning_effort":"huge""#,
            "reasoning_effort",
            "\"xhigh\"",
        ),
        (r#""logit_bias":[]"#, "logit_bias", "must be an object"),
        (r#""user":{}"#, "user", "must be a string"),
        (
            r#""prompt":"Hi""#,
            "prompt",
            "Put the prompt into `messages`",
        ),
    ];
    cases
        .map(|(field, path, message)| (with(field), path, message))
        .into()
}

fn bad_messages() -> Vec<(String, &'static str, &'static str)> {
    let call = r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}"#;
    let cases = [
        (r#"["Hi"]"#.to_owned(), "messages[0]", "must be an object, not a string"),
        (r#"[{"content":"Hi"}]"#.to_owned(), "messages[0].role", "is required"),
        (r#"[{"role":"robot","content":"Hi"}]"#.to_owned(), "messages[0].role", "is not a known role. Send \"system\""),
        (r#"[{"role":"User","content":"Hi"}]"#.to_owned(), "messages[0].role", "is not a known role"),
        (r#"[{"role":7,"content":"Hi"}]"#.to_owned(), "messages[0].role", "must be a string"),
        (r#"[{"role":"user"}]"#.to_owned(), "messages[0].content", "is required"),
        (r#"[{"role":"user","content":null}]"#.to_owned(), "messages[0].content", "is required"),
        (r#"[{"role":"user","content":7}]"#.to_owned(), "messages[0].content", "a string or an array of parts, not a number"),
        (r#"[{"role":"user","content":[]}]"#.to_owned(), "messages[0].content", "at least one part"),
        (r#"[{"role":"user","content":"a\u0000b"}]"#.to_owned(), "messages[0].content", "NUL"),
        (r#"[{"role":"user","content":"\ud83d"}]"#.to_owned(), "messages[0].content", "surrogate"),
        (r#"[{"role":"user","name":"\u0000","content":"Hi"}]"#.to_owned(), "messages[0].name", "NUL"),
        (r#"[{"role":"user","content":["Hi"]}]"#.to_owned(), "messages[0].content[0]", "must be an object"),
        (r#"[{"role":"user","content":[{"text":"Hi"}]}]"#.to_owned(), "messages[0].content[0].type", "is required"),
        (r#"[{"role":"user","content":"Hi"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"video"}]}]"#.to_owned(), "messages[1].content[1].type", "is not a known part"),
        (r#"[{"role":"user","content":[{"type":"text","text":"a\u0000"}]}]"#.to_owned(), "messages[0].content[0].text", "NUL"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":"https://x"}]}]"#.to_owned(), "messages[0].content[0].image_url", "must be an object"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]"#.to_owned(), "messages[0].content[0].image_url.url", "is required"),
        (r#"[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA"}}]}]"#.to_owned(), "messages[0].content[0].input_audio.format", "is required"),
        (r#"[{"role":"assistant"}]"#.to_owned(), "messages[0].content", "Send a text, or `tool_calls`"),
        (r#"[{"role":"assistant","content":null,"tool_calls":[]}]"#.to_owned(), "messages[0].content", "is required"),
        (r#"[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]"#.to_owned(), "messages[0].tool_calls[0].id", "is required"),
        (r#"[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":{}}}]}]"#.to_owned(), "messages[0].tool_calls[0].function.arguments", "must be a string"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]"#.to_owned(), "messages[0].content[0].image_url.url", "must be an https URL"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:text/html;base64,AAAA"}}]}]"#.to_owned(), "messages[0].content[0].image_url.url", "malformed data URL"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,AAAA"}}]}]"#.to_owned(), "messages[0].content[0].image_url.url", "malformed data URL"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,A*=="}}]}]"#.to_owned(), "messages[0].content[0].image_url.url", "not valid base64"),
        (r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png","detail":"huge"}}]}]"#.to_owned(), "messages[0].content[0].image_url.detail", "must be \"auto\""),
        (r#"[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"ogg"}}]}]"#.to_owned(), "messages[0].content[0].input_audio.format", "\"wav\" or \"mp3\""),
        (r#"[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf"}}]}]"#.to_owned(), "messages[0].content[0].file.file_data", "is required"),
        (r#"[{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]"#.to_owned(), "messages[0].content[0].type", "must be \"text\""),
        (r#"[{"role":"user","content":[{"type":"refusal","refusal":"No."}]}]"#.to_owned(), "messages[0].content[0].type", "of the assistant only"),
        (r#"[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"forever"}}]}]"#.to_owned(), "messages[0].content[0].cache_control.type", "ephemeral"),
        (r#"[{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}},{"id":"c","function":{"name":"f","arguments":"{}"}}]}]"#.to_owned(), "messages[0].tool_calls[1].id", "is the id of another call"),
        (format!(r#"[{call},{{"role":"tool","tool_call_id":"c","content":"1"}},{{"role":"tool","tool_call_id":"c","content":"2"}}]"#), "messages[2].tool_call_id", "has its result already"),
        (r#"[{"role":"tool","content":"1"}]"#.to_owned(), "messages[0].tool_call_id", "is required"),
        (format!(r#"[{call},{{"role":"tool","content":"1"}}]"#), "messages[1].tool_call_id", "is required"),
        (format!(r#"[{call},{{"role":"tool","tool_call_id":"d","content":"1"}}]"#), "messages[1].tool_call_id", "names no tool call"),
        (format!(r#"[{call},{{"role":"user","content":"Hi"}}]"#), "messages[1]", "leaves the tool call \"c\" without a result"),
        (format!("[{call}]"), "messages", "leaves the tool call \"c\" without a result"),
    ];
    cases
        .map(|(messages, path, message)| (saying(&messages), path, message))
        .into()
}

#[test]
fn bad_input_is_refused_with_its_path() {
    for (body, path, message) in bad_fields().into_iter().chain(bad_messages()) {
        // Of the two `model` or `messages` fields in some of these bodies the last one counts.
        let Err(error) = parse(body.as_bytes()) else {
            panic!("accepted {body}");
        };
        assert_eq!(
            (error.status(), error.param.as_deref()),
            (400, Some(path)),
            "{body}"
        );
        assert!(
            error.message.contains(message),
            "{} in {body}",
            error.message
        );
        assert!(
            error.message.starts_with(&format!("`{path}` ")),
            "{}",
            error.message
        );
    }
}

#[test]
fn bad_bodies_are_refused() {
    let nested = format!(
        "{{\"messages\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let cases: [(&[u8], &str); 7] = [
        (b"", "The body is empty"),
        (
            b"{\"model\":",
            "EOF while parsing a value at line 1 column 9",
        ),
        (b"{\"model\":\"auto\",}", "line 1 column 17"),
        (b"\"Hi\"", "must be a JSON object, not a string"),
        (b"{\"model\":\"\xC3\x28\"}", "not valid UTF-8 (byte 10)"),
        (b"{\"model\":\"a\0\"}", "control character"),
        (nested.as_bytes(), "deeper than 128"),
    ];
    for (body, message) in cases {
        let error = parse(body).unwrap_err();
        assert_eq!((error.status(), error.param), (400, None));
        assert!(error.message.contains(message), "{}", error.message);
    }
}

#[test]
fn counts_are_bounded() {
    let message = r#"{"role":"user","content":"Hi"}"#;
    let messages = |count: usize| saying(&format!("[{}]", vec![message; count].join(",")));
    assert_eq!(parsed(&messages(MAX_MESSAGES)).messages.len(), MAX_MESSAGES);
    let error = parse(messages(MAX_MESSAGES + 1).as_bytes()).unwrap_err();
    assert!(
        error.message.contains("at most 4096 elements, not 4097"),
        "{}",
        error.message
    );
    let tool = |index: usize| format!(r#"{{"type":"function","function":{{"name":"f{index}"}}}}"#);
    let tools = |count: usize| {
        let tools: Vec<String> = (0..count).map(tool).collect();
        with(&format!("\"tools\":[{}]", tools.join(",")))
    };
    assert_eq!(parsed(&tools(MAX_TOOLS)).tools.len(), MAX_TOOLS);
    for count in [MAX_TOOLS + 1, 1_000] {
        let error = parse(tools(count).as_bytes()).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("tools"));
    }
    let bomb = format!(r#"{{"description":"{}"}}"#, "x".repeat(MAX_SCHEMA_BYTES));
    let schema = with(&format!(
        r#""response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{bomb}}}}}"#
    ));
    let error = parse(schema.as_bytes()).unwrap_err();
    assert_eq!(
        error.param.as_deref(),
        Some("response_format.json_schema.schema")
    );
}
