use std::fmt::Write as _;

use super::BOUND;
use crate::golden::assert_golden;
use crate::protocol::Answer;
use crate::providers::{Failure, FailureClass, Wire, classify, decode_answer};

fn outcome(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => serde_json::to_string(answer).unwrap(),
        Err(failure) => format!("{:?} {failure}", failure.class),
    }
}

fn decoded(body: &str) -> Result<Answer, Failure> {
    decode_answer(Wire::Anthropic, BOUND, body.as_bytes())
}

fn saying(content: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":{content},{rest}}}"#
    )
}

const USAGE: &str = r#""usage":{"input_tokens":9,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,"output_tokens":4,"service_tier":"standard"}"#;
const STOP: &str = r#""stop_reason":"end_turn","stop_sequence":null"#;

#[test]
fn answers_in_every_shape() {
    let text = r#"[{"type":"text","text":"Hola 🚀"}]"#;
    let with = |content: &str| saying(content, &format!("{STOP},{USAGE}"));
    let stopped = |reason: &str| saying(text, &format!(r#""stop_reason":{reason},{USAGE}"#));
    let used = |usage: &str| saying(text, &format!(r#"{STOP},"usage":{usage}"#));
    let cases: Vec<(&str, String)> = vec![
        ("plain", with(text)),
        ("through the binding", saying(text, &format!(r#"{STOP},{USAGE},"gatewayMetadata":{{"keySource":"Unified"}}"#))),
        ("in the REST envelope", format!(r#"{{"success":true,"errors":[],"result":{}}}"#, with(text))),
        ("texts", with(r#"[{"type":"text","text":"a"},{"type":"text","text":""},{"type":"text","text":"b"}]"#)),
        ("tools", saying(r#"[{"type":"text","text":"I look."},{"type":"tool_use","id":"t1","name":"f","input":{"z": 1,"a":2}},{"type":"tool_use","id":"t2","name":"g","input":{}},{"type":"tool_use","id":"t3","name":"h"}]"#, &format!(r#""stop_reason":"tool_use",{USAGE}"#))),
        ("thinking", with(r#"[{"type":"thinking","thinking":"Hm.","signature":"c2ln"},{"type":"thinking","thinking":"","signature":"c2lo"},{"type":"redacted_thinking","data":"cmVk"},{"type":"text","text":"a"}]"#)),
        ("cited", with(r#"[{"type":"text","text":"a","citations":[{"type":"page_location","cited_text":"q","document_title":"D","start_page_number": 1},{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"q","encrypted_index":"E"},7]}]"#)),
        ("hosted tools", saying(r#"[{"type":"server_tool_use","id":"s","name":"web_search","input":{"query": "x"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]}]"#, &format!(r#""stop_reason":"pause_turn",{USAGE}"#))),
        ("stop sequence", saying(text, &format!(r#""stop_reason":"stop_sequence","stop_sequence":"END",{USAGE}"#))),
        ("max_tokens", stopped("\"max_tokens\"")),
        ("context window", stopped("\"model_context_window_exceeded\"")),
        ("refusal", stopped("\"refusal\"")),
        ("a reason to come", stopped("\"mood\"")),
        ("no reason", stopped("null")),
        ("no reason at the bound", saying(text, r#""usage":{"input_tokens":9,"output_tokens":4096}"#)),
        ("refusal without words", saying("[]", &format!(r#""stop_reason":"refusal",{USAGE}"#))),
        ("nothing", saying("[]", &format!("{STOP},{USAGE}"))),
        ("usage missing", saying(text, STOP)),
        ("usage without a cache", used(r#"{"input_tokens":9,"output_tokens":4}"#)),
        ("usage of the cache alone", used(r#"{"input_tokens":0,"cache_read_input_tokens":8,"output_tokens":4}"#)),
        ("usage of zeros", used(r#"{"input_tokens":0,"output_tokens":0}"#)),
        ("usage absurd", used(r#"{"input_tokens":1e300,"output_tokens":4}"#)),
        ("usage negative", used(r#"{"input_tokens":9,"output_tokens":-4}"#)),
        ("priority", used(r#"{"input_tokens":9,"output_tokens":4,"service_tier":"priority"}"#)),
        ("empty body", String::new()),
        ("HTML", "<html>502</html>".to_owned()),
        ("invalid JSON", r#"{"content":["#.to_owned()),
        ("a list", "[]".to_owned()),
        ("no content", r#"{"type":"message"}"#.to_owned()),
        ("an error object", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#.to_owned()),
        ("too many calls", with(&format!("[{}]", vec![r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#; 129].join(",")))),
    ];
    let mut shown = String::new();
    for (name, body) in cases {
        let result = decoded(&body);
        let body: String = body.chars().take(400).collect();
        writeln!(shown, "# {name}\n{body}\n{}", outcome(&result)).unwrap();
    }
    assert_golden("anthropic_provider_answers", &shown);
}

#[test]
fn cached_tokens_are_counted_once() {
    let body = saying("[]", &format!("{STOP},{USAGE}"));
    let usage = decoded(&body).unwrap().usage.unwrap();
    assert_eq!(
        (
            usage.input_tokens,
            usage.cached_input_tokens,
            usage.cache_write_tokens
        ),
        (14, 3, 2)
    );
}

#[test]
fn failures_are_classified() {
    use FailureClass::{
        BadRequest, Capacity, ContentPolicy, ContextLength, DailyLimit, NotFound, ServerError,
        Timeout, Unauthorized,
    };
    let cases = [
        (
            400,
            "invalid_request_error",
            "max_tokens: Field required",
            BadRequest,
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
            ContextLength,
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            ContextLength,
        ),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            ContentPolicy,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            DailyLimit,
        ),
        (
            401,
            "authentication_error",
            "invalid x-api-key",
            Unauthorized,
        ),
        (402, "billing_error", "pay", DailyLimit),
        (403, "permission_error", "no", Unauthorized),
        (404, "not_found_error", "model: claude-9", NotFound),
        (408, "timeout_error", "slow", Timeout),
        (413, "request_too_large", "too large", ContextLength),
        (429, "rate_limit_error", "slow down", Capacity),
        (500, "api_error", "Internal server error", ServerError),
        (504, "timeout_error", "slow", Timeout),
        (529, "overloaded_error", "Overloaded", Capacity),
    ];
    for (status, kind, message, class) in cases {
        let body = serde_json::json!({
            "type": "error", "error": { "type": kind, "message": message }, "request_id": "r",
        });
        let failure = classify(status, Some(3), body.to_string().as_bytes());
        assert_eq!(failure.class, class, "{status} {kind} {message}");
        assert_eq!(
            (failure.status, failure.retry_after),
            (Some(status), Some(3))
        );
    }
}

/// <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#1-hour-cache-duration>
#[test]
fn what_is_kept_for_an_hour_is_counted_apart() {
    let used = |creation: &str| {
        let usage = format!(
            r#"{STOP},"usage":{{"input_tokens":9,"cache_creation_input_tokens":7,{creation}"output_tokens":4}}"#
        );
        let usage = decoded(&saying("[]", &usage)).unwrap().usage.unwrap();
        (usage.cache_write_tokens, usage.cache_write_1h_tokens)
    };
    let both = r#""cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":5},"#;
    assert_eq!(used(both), (7, 5));
    assert_eq!(used(""), (7, 0));
    assert_eq!(used(r#""cache_creation":null,"#), (7, 0));
    let absurd = r#""cache_creation":{"ephemeral_1h_input_tokens":99},"#;
    assert_eq!(used(absurd), (7, 7));
}
