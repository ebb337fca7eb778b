use std::fmt::Write as _;

use super::*;
use crate::error::{Error, Kind};
use crate::golden::assert_golden;
use crate::protocol::assembly::replay;
use crate::protocol::{Answer, Choice, Event, ToolCall, openai_error};

fn head(sources: Vec<Source>) -> Head {
    Head {
        id: "chatcmpl-1".to_owned(),
        created: 1_800_000_000,
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

fn choice(text: Option<&str>, finish_reason: FinishReason) -> Choice {
    Choice {
        text: text.map(str::to_owned),
        reasoning: None,
        refusal: None,
        tool_calls: Vec::new(),
        finish_reason,
    }
}

fn tool_choice() -> Choice {
    let call = |id: &str| ToolCall {
        id: id.to_owned(),
        name: "weather".to_owned(),
        arguments: "{\"city\":\"Lugo\"}".to_owned(),
    };
    Choice {
        tool_calls: vec![call("a"), call("b")],
        ..choice(None, FinishReason::ToolCalls)
    }
}

const USAGE: Usage = Usage {
    input_tokens: 1_000,
    cached_input_tokens: 100,
    output_tokens: 200,
    units: crate::usage::Units::NONE,
    estimated: false,
};

fn answers() -> Vec<(&'static str, Vec<Choice>, Vec<Source>)> {
    let reasoning = Choice {
        reasoning: Some("Hm.".to_owned()),
        ..choice(Some("Sí"), FinishReason::Stop)
    };
    let refusal = Choice {
        refusal: Some("No.".to_owned()),
        ..choice(None, FinishReason::ContentFilter)
    };
    let two = vec![
        choice(Some("a"), FinishReason::Stop),
        choice(Some(""), FinishReason::Length),
    ];
    vec![
        (
            "plain",
            vec![choice(Some("Hola 🚀 \"x\"\n"), FinishReason::Stop)],
            Vec::new(),
        ),
        (
            "grounded",
            vec![choice(Some("24 h"), FinishReason::Stop)],
            vec![source()],
        ),
        ("tools", vec![tool_choice()], Vec::new()),
        ("reasoning", vec![reasoning], Vec::new()),
        ("refusal", vec![refusal], Vec::new()),
        ("two choices, grounded", two, vec![source()]),
    ]
}

#[test]
fn answers_and_streams_for_clients() {
    let mut shown = String::new();
    for (name, choices, sources) in answers() {
        let answer = Answer {
            choices,
            usage: Some(USAGE),
        };
        let whole = render(&answer, &head(sources.clone()), &USAGE, Nanos::new(118_000));
        writeln!(shown, "# {name}\n{}", String::from_utf8(whole).unwrap()).unwrap();
        for include_usage in [false, true] {
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
        allow: Some("POST"),
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
