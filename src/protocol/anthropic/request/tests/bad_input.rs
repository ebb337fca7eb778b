mod messages;

use self::messages::MESSAGES;
use super::{MAX_MESSAGES, parse, parsed, saying, with};
use crate::protocol::anthropic::parse_count;
use crate::protocol::openai_chat::MAX_TOOLS;

/// (field of the body, path, part of the message)
const FIELDS: &[(&str, &str, &str)] = &[
    (r#""model":7"#, "model", "must be a string, not a number"),
    (r#""model":"""#, "model", "must not be empty"),
    (
        r#""max_tokens":0"#,
        "max_tokens",
        "an integer from 1 to 1000000, not 0",
    ),
    (r#""max_tokens":"9""#, "max_tokens", "not a string"),
    (r#""max_tokens":1.5"#, "max_tokens", "not 1.5"),
    (r#""messages":[]"#, "messages", "Send at least one message"),
    (
        r#""messages":"Hi""#,
        "messages",
        "must be an array, not a string",
    ),
    (
        r#""system":7"#,
        "system",
        "a string or an array of blocks, not a number",
    ),
    (
        r#""system":[{"type":"image","source":{}}]"#,
        "system[0].type",
        "can stand here",
    ),
    (r#""system":["S"]"#, "system[0]", "must be an object"),
    (
        r#""temperature":1.1"#,
        "temperature",
        "a number from 0 to 1, not 1.1",
    ),
    (r#""temperature":"hot""#, "temperature", "not a string"),
    (r#""top_p":-1"#, "top_p", "a number from 0 to 1"),
    (r#""top_k":0"#, "top_k", "an integer from 1"),
    (
        r#""stop_sequences":"END""#,
        "stop_sequences",
        "must be an array",
    ),
    (
        r#""stop_sequences":["a",1]"#,
        "stop_sequences[1]",
        "must be a string",
    ),
    (r#""stream":1"#, "stream", "true or false"),
    (
        r#""service_tier":"flex""#,
        "service_tier",
        "\"auto\" or \"standard_only\"",
    ),
    (r#""metadata":[]"#, "metadata", "must be an object"),
    (
        r#""metadata":{"user_id":7}"#,
        "metadata.user_id",
        "must be a string",
    ),
    (r#""thinking":true"#, "thinking", "must be an object"),
    (r#""thinking":{}"#, "thinking.type", "is required"),
    (
        r#""thinking":{"type":"on"}"#,
        "thinking.type",
        "must be \"enabled\"",
    ),
    (
        r#""thinking":{"type":"enabled"}"#,
        "thinking.budget_tokens",
        "is required",
    ),
    (
        r#""thinking":{"type":"enabled","budget_tokens":1023}"#,
        "thinking.budget_tokens",
        "from 1024 to",
    ),
    (
        r#""thinking":{"type":"enabled","budget_tokens":2000}"#,
        "thinking.budget_tokens",
        "less than `max_tokens`, which is 2000",
    ),
    (
        r#""thinking":{"type":"adaptive","display":"full"}"#,
        "thinking.display",
        "\"summarized\"",
    ),
    (
        r#""output_config":[]"#,
        "output_config",
        "must be an object",
    ),
    (
        r#""output_config":{"effort":"minimal"}"#,
        "output_config.effort",
        "must be \"low\"",
    ),
    (
        r#""output_config":{"effort":3}"#,
        "output_config.effort",
        "must be a string",
    ),
    (
        r#""output_config":{"format":{"type":"text"}}"#,
        "output_config.format.type",
        "must be \"json_schema\"",
    ),
    (
        r#""output_config":{"format":{"type":"json_schema"}}"#,
        "output_config.format.schema",
        "is required",
    ),
    (
        r#""output_config":{"format":{"type":"json_schema","schema":"x"}}"#,
        "output_config.format.schema",
        "must be an object",
    ),
    (r#""tools":{}"#, "tools", "must be an array"),
    (r#""tools":["f"]"#, "tools[0]", "must be an object"),
    (
        r#""tools":[{"input_schema":{}}]"#,
        "tools[0].name",
        "is required",
    ),
    (
        r#""tools":[{"name":"a b","input_schema":{}}]"#,
        "tools[0].name",
        "letters, digits",
    ),
    (
        r#""tools":[{"name":"f"}]"#,
        "tools[0].input_schema",
        "is required",
    ),
    (
        r#""tools":[{"name":"f","input_schema":[]}]"#,
        "tools[0].input_schema",
        "must be an object",
    ),
    (
        r#""tools":[{"name":"f","input_schema":{},"description":1}]"#,
        "tools[0].description",
        "must be a string",
    ),
    (
        r#""tools":[{"name":"f","input_schema":{},"cache_control":{"type":"forever"}}]"#,
        "tools[0].cache_control.type",
        "must be \"ephemeral\"",
    ),
    (
        r#""tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}]"#,
        "tools[1].name",
        "name of another tool",
    ),
    (
        r#""tools":[{"type":7,"name":"f","input_schema":{}}]"#,
        "tools[0].type",
        "must be a string",
    ),
    (
        r#""tool_choice":"auto""#,
        "tool_choice",
        "must be an object",
    ),
    (
        r#""tool_choice":{"type":"required"}"#,
        "tool_choice.type",
        "must be \"auto\"",
    ),
    (
        r#""tool_choice":{"type":"tool"}"#,
        "tool_choice.name",
        "is required",
    ),
    (
        r#""tool_choice":{"type":"tool","name":"f"}"#,
        "tool_choice",
        "names \"f\", which is not among the tools",
    ),
    (
        r#""tool_choice":{"type":"any"}"#,
        "tool_choice",
        "there is none",
    ),
    (
        r#""tool_choice":{"type":"auto","disable_parallel_tool_use":1}"#,
        "tool_choice.disable_parallel_tool_use",
        "true or false",
    ),
    (r#""prompt":"Hi""#, "prompt", "is not a field of messages"),
    (
        r#""max_tokens_to_sample":5"#,
        "max_tokens_to_sample",
        "is not a field of messages",
    ),
];

fn check(body: &str, path: &str, message: &str) {
    // Of two fields of one name in some of these bodies the last one counts.
    let Err(error) = parse(body.as_bytes()) else {
        panic!("accepted {body}");
    };
    let shown = (error.status(), error.param.as_deref());
    assert_eq!(shown, (400, Some(path)), "{body}");
    let message = message.replace("can stand here", "is not a block that can stand here");
    assert!(error.message.contains(&message), "{error} in {body}");
    assert!(error.message.starts_with(&format!("`{path}` ")), "{error}");
}

#[test]
fn bad_fields_are_refused_with_their_path() {
    for (field, path, message) in FIELDS {
        check(&with(field), path, message);
    }
}

#[test]
fn bad_messages_are_refused_with_their_path() {
    for (messages, path, message) in MESSAGES {
        check(&saying(messages), path, message);
    }
}

#[test]
fn what_is_required_is_named() {
    let without = |name: &str| with(&format!("\"{name}\":null"));
    check(&without("model"), "model", "is required");
    check(&without("messages"), "messages", "is required");
    check(&without("max_tokens"), "max_tokens", "is required");
    let counted = parse_count(without("max_tokens").as_bytes()).unwrap();
    assert_eq!(counted.max_output_tokens, None);
}

#[test]
fn bad_bodies_are_refused() {
    let nested = format!(
        "{{\"messages\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let cases: [(&[u8], &str); 5] = [
        (b"", "The body is empty"),
        (b"{\"model\":", "line 1 column 9"),
        (b"[]", "must be a JSON object, not an array"),
        (b"{\"model\":\"\xC3\x28\"}", "not valid UTF-8 (byte 10)"),
        (nested.as_bytes(), "deeper than 128"),
    ];
    for (body, message) in cases {
        let error = parse(body).unwrap_err();
        assert_eq!((error.status(), &error.param), (400, &None));
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn counts_are_bounded() {
    let message = r#"{"role":"user","content":"Hi"}"#;
    let messages = |count: usize| saying(&format!("[{}]", vec![message; count].join(",")));
    assert_eq!(parsed(&messages(MAX_MESSAGES)).messages.len(), MAX_MESSAGES);
    check(&messages(MAX_MESSAGES + 1), "messages", "at most 4096");
    let tools = |count: usize| {
        let tool = |index| format!(r#"{{"name":"f{index}","input_schema":{{}}}}"#);
        let tools: Vec<String> = (0..count).map(tool).collect();
        with(&format!("\"tools\":[{}]", tools.join(",")))
    };
    assert_eq!(parsed(&tools(MAX_TOOLS)).tools.len(), MAX_TOOLS);
    check(&tools(1_000), "tools", "at most 128");
    let bomb = format!(
        r#""tools":[{{"name":"f","input_schema":{{"x":"{}"}}}}]"#,
        "y".repeat(256 * 1024)
    );
    check(
        &with(&bomb),
        "tools[0].input_schema",
        "at most 262144 bytes",
    );
}
