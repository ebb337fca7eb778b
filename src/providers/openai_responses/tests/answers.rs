use std::fmt::Write as _;

use super::{BOUND, deployment};
use crate::golden::assert_golden;
use crate::protocol::Answer;
use crate::providers::{Failure, Wire, decode_answer};

fn decoded(body: &str) -> Result<Answer, Failure> {
    decode_answer(Wire::OpenAiResponses, BOUND, body.as_bytes())
}

fn outcome(result: &Result<Answer, Failure>) -> String {
    match result {
        Ok(answer) => serde_json::to_string(answer).unwrap(),
        Err(failure) => format!("{:?} {failure}", failure.class),
    }
}

const USAGE: &str = r#""usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":3},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":16}"#;

fn saying(output: &str, rest: &str) -> String {
    format!(r#"{{"id":"resp_1","object":"response","error":null,"output":{output},{rest}}}"#)
}

fn message(content: &str) -> String {
    format!(
        r#"{{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":{content}}}"#
    )
}

fn call(id: &str, arguments: &str) -> String {
    format!(
        r#"{{"type":"function_call","id":"fc_{id}","call_id":"{id}","name":"f","arguments":"{arguments}"}}"#
    )
}

#[test]
fn answers_in_every_shape() {
    let text =
        message(r#"[{"type":"output_text","text":"Hola 🚀","annotations":[],"logprobs":[]}]"#);
    let done = format!(r#""status":"completed","service_tier":"default",{USAGE}"#);
    let with = |items: &str| saying(&format!("[{items}]"), &done);
    let ended = |rest: &str| saying(&format!("[{text}]"), rest);
    let used = |usage: &str| ended(&format!(r#""status":"completed","usage":{usage}"#));
    let reasoning = r#"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."},{"type":"summary_text","text":"Yes."}],"encrypted_content":"gAAA.B=="}"#;
    let cases: Vec<(&str, String)> = vec![
        ("plain", with(&text)),
        ("in the REST envelope", format!(r#"{{"success":true,"errors":[],"result":{}}}"#, with(&text))),
        ("texts", with(&message(r#"[{"type":"output_text","text":"a"},{"type":"output_text","text":""},{"type":"output_text","text":"b"}]"#))),
        ("reasoning", with(&format!("{reasoning},{text}"))),
        ("reasoning that is hidden", with(&format!(r#"{{"type":"reasoning","id":"rs 1@x","summary":[],"encrypted_content":"gA=="}},{text}"#))),
        ("reasoning in full", with(&format!(r#"{{"type":"reasoning","id":"rs_1","summary":[{{"type":"summary_text","text":"S"}}],"content":[{{"type":"reasoning_text","text":"All of it."}}]}},{text}"#))),
        ("reasoning without anything", with(&format!(r#"{{"type":"reasoning","id":"rs_1","summary":[]}},{text}"#))),
        ("functions", with(&format!("{},{},{}", call("a", r#"{\"z\": 1}"#), call("b", ""), text))),
        ("a function without its id", with(r#"{"type":"function_call","id":"fc_1","name":"f","arguments":"{}"}"#)),
        ("a refusal", with(&message(r#"[{"type":"refusal","refusal":"No."}]"#))),
        ("cited", with(&message(r#"[{"type":"output_text","text":"Sí","annotations":[{"type":"url_citation","url":"https://a.example","title":"A","start_index":0,"end_index":2},{"type":"file_citation","file_id":"file-1","filename":"a.pdf","index":2},7]}]"#))),
        ("probabilities", with(&message(r#"[{"type":"output_text","text":"a","logprobs":[{"token":"a","logprob":-0.5,"top_logprobs":[]}]}]"#))),
        ("tools of OpenAI's", with(&format!(r#"{{"type":"web_search_call","id":"ws_1","status":"completed","action": {{"type":"search","query":"x"}}}},{text}"#))),
        ("too long", ended(&format!(r#""status":"incomplete","incomplete_details":{{"reason":"max_output_tokens"}},{USAGE}"#))),
        ("filtered", ended(r#""status":"incomplete","incomplete_details":{"reason":"content_filter"}"#)),
        ("incomplete for no reason", ended(r#""status":"incomplete","incomplete_details":null"#)),
        ("a call that was cut", saying(&format!("[{}]", call("a", r#"{\"z"#)), r#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#)),
        ("no status", ended(USAGE)),
        ("no status at the bound", ended(r#""usage":{"input_tokens":9,"output_tokens":4096}"#)),
        ("nothing", with("")),
        ("usage missing", ended(r#""status":"completed""#)),
        ("usage of zeros", used(r#"{"input_tokens":0,"output_tokens":0}"#)),
        ("usage absurd", used(r#"{"input_tokens":1e300,"output_tokens":4}"#)),
        ("flex", ended(r#""status":"completed","service_tier":"flex""#)),
        ("failed", r#"{"id":"resp_1","object":"response","status":"failed","error":{"code":"server_error","message":"The model failed."},"output":[]}"#.to_owned()),
        ("failed for the rate", r#"{"status":"failed","error":{"code":"rate_limit_exceeded","message":"Slow down."},"output":[]}"#.to_owned()),
        ("failed without a word", r#"{"status":"failed","error":null,"output":[]}"#.to_owned()),
        ("cancelled", r#"{"status":"cancelled","error":null,"output":[]}"#.to_owned()),
        ("in the background", r#"{"status":"queued","error":null,"output":[]}"#.to_owned()),
        ("an error object", r#"{"error":{"message":"Bad","type":"invalid_request_error","param":"input","code":null}}"#.to_owned()),
        ("an error of the gateway", r#"{"success":false,"result":[],"error":[{"code":2009,"message":"bad credential"}]}"#.to_owned()),
        ("empty body", String::new()),
        ("HTML", "<html>502</html>".to_owned()),
        ("invalid JSON", r#"{"output":["#.to_owned()),
        ("a list", "[]".to_owned()),
        ("no output", r#"{"object":"response","status":"completed"}"#.to_owned()),
        ("an item that is none", with("7")),
        ("a chat completion", r#"{"object":"chat.completion","choices":[{"message":{"content":"a"}}]}"#.to_owned()),
        ("too many calls", with(&vec![call("a", "{}"); 129].join(","))),
    ];
    let mut shown = String::new();
    for (name, body) in cases {
        let result = decoded(&body);
        let body: String = body.chars().take(400).collect();
        writeln!(shown, "# {name}\n{body}\n{}", outcome(&result)).unwrap();
    }
    assert_golden("responses_provider_answers", &shown);
}

#[test]
fn who_was_asked_is_told_of_the_reasoning() {
    let body = saying(
        r#"[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gA=="}]"#,
        r#""status":"completed""#,
    );
    let mut answer = decoded(&body).unwrap();
    deployment().sign(&mut answer);
    let shown = serde_json::to_string(&answer).unwrap();
    assert!(shown.contains(&deployment().0), "{shown}");
    assert!(shown.contains(r#""item":"rs_1""#), "{shown}");
}
