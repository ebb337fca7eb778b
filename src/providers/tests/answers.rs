use std::fmt::Write as _;

use super::BOUND;
use crate::golden::assert_golden;
use crate::protocol::Answer;
use crate::providers::Wire::{
    Anthropic, Gemini, OpenAiChat, OpenAiResponses, WorkersAiChat, WorkersAiNative,
};
use crate::providers::{Failure, FailureClass, Wire, decode_answer, told_usage};

fn outcome(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => serde_json::to_string(answer).unwrap(),
        Err(failure) => format!("{:?} {failure}", failure.class),
    }
}

#[test]
fn answers_in_every_shape() {
    let usage = r#""usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":3}}"#;
    let chat = |message: &str, reason: &str| {
        format!(
            r#"{{"id":"x","choices":[{{"index":0,"message":{message},"finish_reason":{reason}}}],{usage}}}"#
        )
    };
    let used = |fields: &str| format!(r#"{{"response":"a","usage":{fields}}}"#);
    let cases: Vec<(&str, Wire, String)> = vec![
        ("native", WorkersAiNative, format!(r#"{{"response":"Hola 🚀","tool_calls":[],{usage}}}"#)),
        ("native in the REST envelope", WorkersAiNative, r#"{"result":{"response":"a"},"success":true,"errors":[],"messages":[]}"#.into()),
        ("native object", WorkersAiNative, r#"{"response":{"b": 1,"a":[2.50]}}"#.into()),
        ("native number", WorkersAiNative, r#"{"response":42}"#.into()),
        ("native empty text", WorkersAiNative, r#"{"response":""}"#.into()),
        ("native tools", WorkersAiNative, r#"{"response":"","tool_calls":[{"name":"f","arguments":{"z": 1,"a":2}},{"name":"g","arguments":"{\"a\":1}"},{"name":"h"},{"arguments":{}}]}"#.into()),
        ("native reasoning", WorkersAiNative, r#"{"response":"<think>\nHm.\n</think>\n\nYes"}"#.into()),
        ("native cut at the bound", WorkersAiNative, used(r#"{"prompt_tokens":5,"completion_tokens":100}"#)),
        ("native from a chat model", WorkersAiChat, r#"{"response":"a","finish_reason":"length"}"#.into()),
        ("chat", WorkersAiChat, chat(r#"{"role":"assistant","content":"a","tool_calls":[]}"#, r#""stop""#)),
        ("chat reasoning_content", WorkersAiChat, chat(r#"{"content":"a","reasoning_content":"Hm."}"#, r#""stop""#)),
        ("chat reasoning", WorkersAiChat, chat(r#"{"content":"a","reasoning":"Hm.","reasoning_content":null}"#, r#""eos""#)),
        ("chat from a native model", WorkersAiNative, chat(r#"{"content":"<think>Hm.</think>a"}"#, "null")),
        ("chat tools", OpenAiChat, chat(r#"{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"type":"function","function":{"name":"g","arguments":{"a":1}}},{"id":"c3","function":{"name":"h","arguments":""}}]}"#, r#""stop""#)),
        ("chat parts", OpenAiChat, chat(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, r#""end_turn""#)),
        ("chat refusal", OpenAiChat, chat(r#"{"content":null,"refusal":"No."}"#, r#""content_filter""#)),
        ("chat think is text at OpenAI", OpenAiChat, chat(r#"{"content":"<think>a</think>b"}"#, r#""stop""#)),
        ("legacy reasons", OpenAiChat, r#"{"choices":[{"index":1,"message":{"content":"b"},"finish_reason":"function_call"},{"index":0,"message":{"content":"a"},"finish_reason":"max_tokens"}]}"#.into()),
        ("text completion", WorkersAiChat, r#"{"object":"text_completion","choices":[{"text":"<think>Hm.</think>a","finish_reason":"stop"}]}"#.into()),
        ("usage of another name", OpenAiChat, used(r#"{"input_tokens":5,"output_tokens":2.0}"#)),
        ("usage by total", OpenAiChat, used(r#"{"prompt_tokens":5,"total_tokens":8}"#)),
        ("usage partial", OpenAiChat, used(r#"{"prompt_tokens":5}"#)),
        ("usage negative", OpenAiChat, used(r#"{"prompt_tokens":5,"completion_tokens":-1,"total_tokens":8}"#)),
        ("usage absurd", OpenAiChat, used(r#"{"prompt_tokens":5,"completion_tokens":1e300}"#)),
        ("usage text", OpenAiChat, used(r#"{"prompt_tokens":"5","completion_tokens":1}"#)),
        ("usage of zeros", OpenAiChat, used(r#"{"prompt_tokens":0,"completion_tokens":0}"#)),
        ("usage with more cached than read", OpenAiChat, used(r#"{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}}"#)),
        ("usage null", OpenAiChat, used("null")),
        ("empty body", OpenAiChat, String::new()),
        ("HTML", OpenAiChat, "<html>502</html>".into()),
        ("invalid JSON", WorkersAiNative, r#"{"response":"a"#.into()),
        ("a JSON text", WorkersAiNative, r#""a secret answer""#.into()),
        ("no choices", WorkersAiChat, r#"{"choices":[]}"#.into()),
        ("a choice without a message", WorkersAiChat, r#"{"choices":[{}]}"#.into()),
        ("response null", WorkersAiNative, r#"{"response":null,"tool_calls":[]}"#.into()),
        ("an error object", OpenAiChat, r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#.into()),
        ("an error of the envelope", WorkersAiNative, r#"{"success":false,"result":null,"errors":[{"code":3040,"message":"Capacity temporarily exceeded, please try again."}]}"#.into()),
        ("stopped by an error", WorkersAiChat, chat(r#"{"content":""}"#, r#""error""#)),
    ];
    let mut shown = String::new();
    for (name, wire, body) in cases {
        let result = decode_answer(wire, BOUND, body.as_bytes());
        writeln!(shown, "# {name} ({wire:?})\n{body}\n{}", outcome(&result)).unwrap();
    }
    assert_golden("provider_answers", &shown);
}

#[test]
fn what_an_answer_of_no_use_says_it_used_is_read() {
    let openai = r#"{"choices":[{}],"usage":{"prompt_tokens":9,"completion_tokens":4}}"#;
    let wrapped = format!(r#"{{"result":{openai},"success":true}}"#);
    let response =
        r#"{"status":"in_progress","output":[],"usage":{"input_tokens":9,"output_tokens":4}}"#;
    let message = r#"{"type":"message","usage":{"input_tokens":9,"output_tokens":4}}"#;
    let gemini = r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":4}}"#;
    for (wire, body) in [
        (OpenAiChat, openai),
        (WorkersAiChat, &wrapped),
        (WorkersAiNative, openai),
        (OpenAiResponses, response),
        (Anthropic, message),
        (Gemini, gemini),
    ] {
        let failure = decode_answer(wire, BOUND, body.as_bytes()).unwrap_err();
        assert_eq!(failure.class, FailureClass::Malformed, "{wire:?}");
        assert!(failure.class.cost_unknown());
        let used = told_usage(wire, body.as_bytes()).unwrap();
        assert_eq!((used.input_tokens, used.output_tokens), (9, 4), "{wire:?}");
        let cut = body.strip_suffix('}').unwrap();
        for nothing in ["", "[]", "{}", "<html>", cut] {
            assert_eq!(told_usage(wire, nothing.as_bytes()), None, "{nothing}");
        }
        assert_eq!(told_usage(wire, b"{\"usage\":\xFF}"), None);
    }
}
