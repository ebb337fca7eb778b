use std::fmt::Write as _;

use super::*;
use crate::error::{Error, Kind};
use crate::golden::assert_golden;
use crate::http::{Body, Reply};
use crate::money::Nanos;
use crate::protocol::assembly::replay;
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{
    Answer, Choice, Citation, Content, Event, Family, FinishReason, Json, Part, Signature, Source,
    ToolCall,
};
use crate::usage::Usage;

const USAGE: Usage = Usage {
    input_tokens: 1_000,
    cached_input_tokens: 100,
    cache_write_tokens: 50,
    cache_write_1h_tokens: 20,
    audio_input_tokens: 0,
    output_tokens: 200,
    reasoning_tokens: 20,
    units: crate::usage::Units::NONE,
    estimated: false,
};

fn head(sources: Vec<Source>) -> Head {
    Head {
        request: "1".to_owned(),
        created: 1_800_000_000,
        operation: "chat".into(),
        model: "@cf/x/y".to_owned(),
        sources,
    }
}

fn source() -> Source {
    Source {
        document: "d1".to_owned(),
        title: "Envíos".to_owned(),
        uri: "https://example.com/envios".to_owned(),
        passage: "Entregamos en 24 h.".to_owned(),
        score: 0.875,
    }
}

fn text(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
        citations: Vec::new(),
    }
}

fn thought(text: &str, signature: Option<(Family, &str)>) -> Content {
    Content::Reasoning {
        text: text.to_owned(),
        signature: signature.map(|(family, value)| Signature::new(family, value)),
    }
}

fn call(id: &str, arguments: &str) -> Content {
    Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "weather".to_owned(),
        arguments: arguments.to_owned(),
        signature: None,
    })
}

fn choice(contents: Vec<Content>, reason: FinishReason) -> Choice {
    Choice::new(contents.into_iter().map(Part::new).collect(), reason)
}

fn cited() -> Content {
    let native = r#"{"type":"char_location","cited_text":"24 h","document_index":0,"document_title":"D","start_char_index":0,"end_char_index":4}"#;
    Content::Text {
        text: "Sí".to_owned(),
        citations: vec![
            Citation {
                native: Some((Family::Anthropic, Json::parse(native).unwrap())),
                ..Citation::default()
            },
            Citation {
                url: Some("https://a.example".to_owned()),
                title: Some("A".to_owned()),
                native: Some((Family::OpenAi, Json::parse("{}").unwrap())),
                ..Citation::default()
            },
            Citation::default(),
        ],
    }
}

fn native(family: Family) -> Content {
    let block =
        r#"{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query": "x"}}"#;
    Content::Native {
        family,
        block: Json::parse(block).unwrap(),
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn answers() -> Vec<(&'static str, Choice, Vec<Source>)> {
    use FinishReason::{ContentFilter, Length, Pause, Refusal, Stop, ToolCalls};
    let own = |value| Some((Family::Anthropic, value));
    let redacted = Content::RedactedReasoning(Signature::new(Family::Anthropic, "cmVk"));
    let foreign = Content::RedactedReasoning(Signature::new(Family::OpenAi, "gAAA"));
    let mut stopped = choice(vec![text("a")], Stop);
    stopped.stop_sequence = Some("END".to_owned());
    let signed = ToolCall {
        id: "g".to_owned(),
        name: "weather".to_owned(),
        arguments: "{}".to_owned(),
        signature: Some(Signature::new(Family::Google, "Eg==")),
    };
    let plain = |contents, reason| (choice(contents, reason), Vec::new());
    let cases = [
        ("plain", plain(vec![text("Hola 🚀 \"x\"\n")], Stop)),
        (
            "grounded",
            (choice(vec![text("24 h")], Stop), vec![source()]),
        ),
        ("stop sequence", (stopped, Vec::new())),
        ("length", plain(vec![text("a")], Length)),
        ("pause", plain(vec![native(Family::Anthropic)], Pause)),
        (
            "foreign block",
            plain(vec![native(Family::OpenAi), text("a")], Stop),
        ),
        ("filter", plain(vec![text("a")], ContentFilter)),
        ("refusal without words", plain(Vec::new(), Refusal)),
        (
            "refusal in words",
            plain(vec![Content::Refusal("No.".to_owned())], Stop),
        ),
        ("nothing", plain(Vec::new(), Stop)),
        (
            "empty text",
            plain(vec![text(""), text("a"), text("")], Stop),
        ),
        ("texts", plain(vec![text("a"), text("b")], Stop)),
        ("cited", plain(vec![text("a"), cited(), text("b")], Stop)),
        (
            "tool",
            plain(
                vec![text("I look."), call("a", r#"{"city": "Lugo"}"#)],
                ToolCalls,
            ),
        ),
        (
            "tools",
            plain(
                vec![
                    call("a", "{}"),
                    call("b", r#"{"x":1}"#),
                    text("then"),
                    call("c", ""),
                ],
                ToolCalls,
            ),
        ),
        (
            "tool with broken arguments",
            plain(vec![call("a", r#"{"city""#), call("b", "[1]")], ToolCalls),
        ),
        (
            "signed call",
            plain(vec![Content::ToolCall(signed)], ToolCalls),
        ),
        (
            "reasoning",
            plain(
                vec![
                    thought("Hm.", own("c2ln")),
                    thought("", own("c2lo")),
                    text("a"),
                ],
                Stop,
            ),
        ),
        (
            "reasoning unsigned",
            plain(
                vec![thought("Hm.", None), thought("", None), text("a")],
                Stop,
            ),
        ),
        (
            "reasoning of another",
            plain(
                vec![
                    thought("Hm.", Some((Family::Google, "Eg=="))),
                    foreign,
                    text("a"),
                ],
                Stop,
            ),
        ),
        ("redacted", plain(vec![redacted, text("a")], Stop)),
    ];
    cases
        .into_iter()
        .map(|(name, (choice, sources))| (name, choice, sources))
        .collect()
}

/// The bytes of a stream that brings `events`.
fn written(events: &[Event], sources: Vec<Source>) -> String {
    let mut writer = EventWriter::new(head(sources), 77);
    let mut out = Vec::new();
    for event in events {
        writer.push(event, &mut out);
    }
    writer.finish(&USAGE, Nanos::new(118_000), &mut out);
    String::from_utf8(out).unwrap()
}

/// The data of the events of a stream.
fn data(stream: &str) -> Vec<serde_json::Value> {
    let lines = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn answers_and_streams_for_clients() {
    let mut shown = String::new();
    for (name, choice, sources) in answers() {
        let answer = Answer {
            choices: vec![choice],
            usage: Some(USAGE),
            service_tier: Some("default".to_owned()),
        };
        let whole = render(&answer, &head(sources.clone()), &USAGE, Nanos::new(118_000));
        writeln!(shown, "# {name}\n{}", String::from_utf8(whole).unwrap()).unwrap();
        let stream = written(&replay(&answer), sources);
        for line in stream.lines().filter(|line| line.starts_with("data: ")) {
            writeln!(shown, "  {line}").unwrap();
        }
    }
    assert_golden("anthropic_answers", &shown);
}

#[test]
fn events_are_named_as_their_type() {
    let events = [Event::Text {
        choice: 0,
        text: "a".to_owned(),
    }];
    let stream = written(&events, Vec::new());
    let mut lines = stream.lines();
    let mut names = Vec::new();
    while let (Some(name), Some(data), Some("")) = (lines.next(), lines.next(), lines.next()) {
        let name = name.strip_prefix("event: ").unwrap();
        assert!(
            data.starts_with(&format!("data: {{\"type\":\"{name}\"")),
            "{data}"
        );
        names.push(name);
    }
    let expected = [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names, expected);
}

fn arguments(index: u32, id: Option<&str>, arguments: &str) -> Event {
    Event::ToolCall {
        choice: 0,
        index,
        id: id.map(str::to_owned),
        name: id.map(|_| "weather".to_owned()),
        arguments: arguments.to_owned(),
        signature: None,
    }
}

/// What the blocks of a stream hold, checked to come one after the other.
fn blocks(stream: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut open = None;
    for event in data(stream) {
        let index = event["index"].as_u64();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(blocks.len() as u64)), "{stream}");
                open = index;
                let block = &event["content_block"];
                let name = block["id"].as_str().or(block["type"].as_str());
                blocks.push((name.unwrap().to_owned(), String::new()));
            }
            "content_block_delta" => {
                assert_eq!(open, index, "{stream}");
                let delta = &event["delta"];
                let more = delta["partial_json"].as_str().or(delta["text"].as_str());
                blocks.last_mut().unwrap().1.push_str(more.unwrap());
            }
            "content_block_stop" => assert_eq!(open.take(), index, "{stream}"),
            _ => {}
        }
    }
    assert_eq!(open, None);
    blocks
}

#[test]
fn parallel_tool_calls_keep_their_ids_and_arguments_however_they_interleave() {
    let streams = [
        vec![
            arguments(0, Some("a"), ""),
            arguments(1, Some("b"), "{\"x\""),
            arguments(0, None, "{\"y\":"),
            arguments(2, Some("c"), ""),
            arguments(1, None, ":1}"),
            arguments(0, None, "2}"),
            arguments(2, None, "{}"),
        ],
        vec![
            arguments(0, Some("a"), "{\"y\":2}"),
            arguments(1, Some("b"), "{\"x\":1}"),
            arguments(2, Some("c"), "{}"),
        ],
        vec![
            arguments(0, Some("a"), "{"),
            arguments(0, None, "\"y\":2"),
            arguments(1, Some("b"), "{\"x\":1}"),
            arguments(2, Some("c"), "{}"),
            arguments(0, None, "}"),
        ],
    ];
    for events in streams {
        let expected = [("a", "{\"y\":2}"), ("b", "{\"x\":1}"), ("c", "{}")];
        let blocks = blocks(&written(&events, Vec::new()));
        let shown: Vec<(&str, &str)> = blocks
            .iter()
            .map(|(id, text)| (id.as_str(), text.as_str()))
            .collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn a_call_is_not_held_back_by_one_that_is_complete() {
    let mut writer = EventWriter::new(head(Vec::new()), 1);
    let mut out = Vec::new();
    writer.push(&arguments(0, Some("a"), "{}"), &mut out);
    writer.push(&arguments(1, Some("b"), "{\"x\""), &mut out);
    let stream = String::from_utf8(out).unwrap();
    let last = data(&stream).pop().unwrap();
    assert_eq!(last["delta"]["partial_json"], "{\"x\"");
}

#[test]
fn usage_at_the_start_and_the_end_is_that_of_a_whole_answer() {
    let text = Event::Text {
        choice: 0,
        text: "a".to_owned(),
    };
    let known = data(&written(&[Event::Usage(USAGE), text.clone()], Vec::new()));
    let start = &known[0]["message"]["usage"];
    let end = &known[known.len() - 2]["usage"];
    let answer = Answer {
        choices: vec![choice(vec![self::text("a")], FinishReason::Stop)],
        usage: Some(USAGE),
        service_tier: None,
    };
    let whole = render(&answer, &head(Vec::new()), &USAGE, Nanos::new(118_000));
    let whole: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    assert_eq!(*end, whole["usage"]);
    for name in [
        "input_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    ] {
        assert_eq!(start[name], end[name], "{name}");
    }
    assert_eq!(end["input_tokens"], 850, "without what was cached");
    let unknown = data(&written(&[text], Vec::new()));
    assert_eq!(unknown[0]["message"]["usage"]["input_tokens"], 77);
}

#[test]
fn a_failed_stream_ends_with_an_error_event_and_without_message_stop() {
    let mut writer = EventWriter::new(head(Vec::new()), 1);
    let mut out = Vec::new();
    let text = "a".to_owned();
    writer.push(&Event::Text { choice: 0, text }, &mut out);
    let error =
        Error::new(Kind::UpstreamFailed, "The model broke off. Retry.").with_detail("inside");
    writer.error(&error, &mut out);
    let stream = String::from_utf8(out).unwrap();
    let end = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"The model broke off. Retry.\"},\"request_id\":\"1\"}\n\n";
    assert!(stream.ends_with(end), "{stream}");
    assert!(!stream.contains("message_stop") && !stream.contains("inside"));
}

#[test]
fn a_silent_stream_is_kept_alive_by_pings() {
    let mut out = Vec::new();
    EventWriter::new(head(Vec::new()), 1).keep_alive(&mut out);
    assert_eq!(out, b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

fn told(reply: Reply) -> serde_json::Value {
    let Body::Bytes(body) = reply.body else {
        panic!("no body");
    };
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn errors_have_anthropics_types_and_headers() {
    let cases = [
        (Kind::InvalidRequest, 400, "invalid_request_error"),
        (Kind::Unauthenticated, 401, "authentication_error"),
        (Kind::BudgetExhausted, 402, "billing_error"),
        (Kind::Forbidden, 403, "permission_error"),
        (Kind::ModelNotFound, 404, "not_found_error"),
        (Kind::PayloadTooLarge, 413, "request_too_large"),
        (Kind::RateLimited, 429, "rate_limit_error"),
        (Kind::Internal, 500, "api_error"),
        (Kind::UpstreamFailed, 502, "api_error"),
        (Kind::Unavailable, 503, "overloaded_error"),
        (Kind::DeadlineExceeded, 504, "timeout_error"),
    ];
    for (kind, status, name) in cases {
        let error = Error::new(kind, "No.").retry_after(7).with_detail("inside");
        let reply = error_body(&error, "req_1");
        let headers = ["x-request-id", "retry-after", "x-should-retry"].map(|it| reply.header(it));
        let retry = if kind.row().retry { "true" } else { "false" };
        assert_eq!(headers, [Some("req_1"), Some("7"), Some(retry)]);
        assert_eq!(reply.status, status);
        let expected = serde_json::json!({
            "type": "error", "error": { "type": name, "message": "No." }, "request_id": "req_1",
        });
        assert_eq!(told(reply), expected);
    }
}
