use std::fmt::Write as _;

use super::*;
use crate::error::{Error, Kind};
use crate::golden::assert_golden;
use crate::protocol::assembly::replay;
use crate::protocol::writer::StreamWriter;
use crate::protocol::{Answer, Choice, Content, Event, Part, Source, ToolCall, openai_error};

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

fn choice(contents: Vec<Content>, finish_reason: FinishReason) -> Choice {
    let parts = contents.into_iter().map(Part::new).collect();
    Choice::new(parts, finish_reason)
}

fn text(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
        citations: Vec::new(),
    }
}

fn reasoning(text: &str, signature: Option<Signature>) -> Content {
    Content::Reasoning {
        text: text.to_owned(),
        signature,
    }
}

fn tool_choice() -> Choice {
    let call = |id: &str, signature| {
        Content::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "weather".to_owned(),
            arguments: "{\"city\":\"Lugo\"}".to_owned(),
            signature,
        })
    };
    let signature = Some(Signature::new(Family::Google, "Eg=="));
    let calls = vec![call("a", signature), call("b", None)];
    choice(calls, FinishReason::ToolCalls)
}

/// A choice with everything that has a place of its own in this wire.
fn rich() -> Choice {
    let signature = |value: &str| Signature::new(Family::Anthropic, value);
    let citation = Citation {
        url: Some("https://a.example".to_owned()),
        title: Some("A".to_owned()),
        span: Some((0, 2)),
        ..Citation::default()
    };
    let cited = Content::Text {
        text: "Sí".to_owned(),
        citations: vec![citation, Citation::default()],
    };
    let contents = vec![
        reasoning("Hm.", Some(signature("s1"))),
        Content::RedactedReasoning(signature("r1")),
        cited,
    ];
    let token = r#"{"token":"S","logprob":-0.5,"bytes":[83],"top_logprobs":[]}"#;
    Choice {
        logprobs: Json::parse(token).into_iter().collect(),
        ..choice(contents, FinishReason::Stop)
    }
}

const USAGE: Usage = Usage {
    input_tokens: 1_000,
    cached_input_tokens: 100,
    cache_write_tokens: 50,
    cache_write_1h_tokens: 0,
    audio_input_tokens: 25,
    output_tokens: 200,
    reasoning_tokens: 150,
    units: crate::usage::Units::NONE,
    estimated: false,
};

fn answers() -> Vec<(&'static str, Vec<Choice>, Vec<Source>)> {
    let only = |content: Content, reason| vec![choice(vec![content], reason)];
    let refusal = Content::Refusal("No.".to_owned());
    let thought = vec![reasoning("Hm.", None), text("Sí")];
    let two = vec![
        choice(vec![text("a")], FinishReason::Stop),
        choice(vec![text("")], FinishReason::Length),
    ];
    let plain = only(text("Hola 🚀 \"x\"\n"), FinishReason::Stop);
    let grounded = only(text("24 h"), FinishReason::Stop);
    let refused = only(refusal, FinishReason::ContentFilter);
    vec![
        ("plain", plain, Vec::new()),
        ("grounded", grounded, vec![source()]),
        ("tools", vec![tool_choice()], Vec::new()),
        (
            "reasoning",
            vec![choice(thought, FinishReason::Stop)],
            Vec::new(),
        ),
        ("signatures, citations, logprobs", vec![rich()], Vec::new()),
        ("refusal", refused, Vec::new()),
        ("two choices, grounded", two, vec![source()]),
    ]
}

/// One choice each.
fn choices() -> Vec<(&'static str, Vec<Content>, FinishReason)> {
    use FinishReason::{ContentFilter, Length, Pause, Refusal, Stop, ToolCalls};
    let call = |id: &str, arguments: &str| {
        Content::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "weather".to_owned(),
            arguments: arguments.to_owned(),
            signature: None,
        })
    };
    let signed = |family| Some(Signature::new(family, "Eg=="));
    let foreign = Content::Native {
        family: Family::Anthropic,
        block: Json::parse(r#"{"type":"server_tool_use"}"#).unwrap(),
    };
    vec![
        ("nothing", vec![], Stop),
        ("empty text", vec![text("")], Stop),
        ("cut", vec![text("a")], Length),
        ("cut before any text", vec![reasoning("Hm.", None)], Length),
        ("filtered", vec![text("a")], ContentFilter),
        ("filtered at once", vec![], ContentFilter),
        ("refused in words", vec![text("No.")], Refusal),
        (
            "refused in its field",
            vec![Content::Refusal("No.".to_owned())],
            Stop,
        ),
        ("paused", vec![text("a"), foreign], Pause),
        ("texts", vec![text("a"), text("b")], Stop),
        ("text and call", vec![text("a"), call("c", "{}")], ToolCalls),
        ("broken arguments", vec![call("c", "{\"a\"")], Length),
        ("call without arguments", vec![call("c", "")], ToolCalls),
        (
            "thought of OpenAI's",
            vec![reasoning("Hm.", signed(Family::OpenAi)), text("a")],
            Stop,
        ),
        (
            "signature alone",
            vec![reasoning("", signed(Family::Google)), text("a")],
            Stop,
        ),
        (
            "two thoughts",
            vec![
                reasoning("H", signed(Family::Anthropic)),
                reasoning("m", signed(Family::Anthropic)),
                text("a"),
            ],
            Stop,
        ),
        (
            "unicode",
            vec![text("¿日本語🚀? \"\\ \n \u{1} \u{2028}")],
            Stop,
        ),
    ]
}

#[test]
fn answers_and_streams_for_clients() {
    let mut shown = String::new();
    let single = choices()
        .into_iter()
        .map(|(name, contents, reason)| (name, vec![choice(contents, reason)], Vec::new()));
    for (name, choices, sources) in answers().into_iter().chain(single) {
        let answer = Answer {
            choices,
            usage: Some(USAGE),
            service_tier: None,
        };
        let whole = render(&answer, &head(sources.clone()), &USAGE, Nanos::new(118_000));
        writeln!(shown, "# {name}\n{}", String::from_utf8(whole).unwrap()).unwrap();
        let forms = if name == "plain" {
            &[false, true][..]
        } else {
            &[true]
        };
        for include_usage in forms.iter().copied() {
            let mut writer = ChunkWriter::new(head(sources.clone()), include_usage);
            let mut out = Vec::new();
            for event in &replay(&answer) {
                writer.push(event, &mut out);
            }
            writer.finish(&USAGE, Nanos::new(118_000), &mut out);
            writeln!(shown, "# {name}, streamed, include_usage {include_usage}").unwrap();
            shown.push_str(&String::from_utf8(out).unwrap().replace("\n\n", "\n"));
        }
    }
    assert_golden("client_answers", &shown);
}

#[test]
fn a_failed_stream_ends_with_an_error_and_without_done() {
    let mut writer = ChunkWriter::new(head(Vec::new()), true);
    let mut out = Vec::new();
    let text = "a".to_owned();
    writer.push(&Event::Text { choice: 0, text }, &mut out);
    let error =
        Error::new(Kind::UpstreamFailed, "The model broke off. Retry.").with_detail("inside");
    writer.error(&error, &mut out);
    let text = String::from_utf8(out).unwrap();
    let last = text.trim_end().lines().last().unwrap();
    assert_eq!(
        last,
        r#"data: {"error":{"message":"The model broke off. Retry.","type":"upstream_error","param":null,"code":"upstream_failed"}}"#
    );
    assert!(!text.contains("[DONE]") && !text.contains("inside"));
}

#[test]
fn errors_carry_their_headers_and_no_detail() {
    let error = Error::invalid(
        "messages[0].role",
        "`messages[0].role` is not a known role.",
    );
    let error = Error {
        allow: Some("POST".into()),
        ..error.retry_after(7).with_detail("inside")
    };
    let reply = openai_error::error_body(&error, "req_1");
    let headers =
        ["content-type", "x-request-id", "retry-after", "allow"].map(|name| reply.header(name));
    assert_eq!(
        (reply.status, headers),
        (
            400,
            [
                Some("application/json"),
                Some("req_1"),
                Some("7"),
                Some("POST")
            ]
        )
    );
    let crate::http::Body::Bytes(body) = reply.body else {
        panic!("no body");
    };
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"error":{"message":"`messages[0].role` is not a known role.","type":"invalid_request_error","param":"messages[0].role","code":"invalid_request"}}"#
    );
}
