use std::fmt::Write as _;

use proptest::prelude::*;

use super::{ArrayWriter, EventWriter, error_body, render};
use crate::config::Wire;
use crate::error::{Error, Kind};
use crate::golden::assert_golden;
use crate::http::Body;
use crate::money::Nanos;
use crate::protocol::assembly::{assemble, replay};
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{
    Answer, Choice, Citation, Content, Event, Family, FinishReason, Json, Media, Part, Signature,
    Source, ToolCall,
};
use crate::providers::{StreamDecoder, decode_answer};
use crate::usage::Usage;

fn head() -> Head {
    Head {
        request: "r1".to_owned(),
        created: 1_800_000_000,
        operation: "chat".into(),
        model: "gemini-2.5-flash".to_owned(),
        sources: Vec::new(),
    }
}

fn source() -> Source {
    Source {
        document: "d1".to_owned(),
        title: "Envíos".to_owned(),
        uri: String::new(),
        passage: "24 h".to_owned(),
        score: 0.5,
    }
}

const USAGE: Usage = Usage {
    input_tokens: 1_000,
    cached_input_tokens: 100,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    audio_input_tokens: 25,
    output_tokens: 200,
    reasoning_tokens: 150,
    units: crate::usage::Units::NONE,
    estimated: false,
};

fn thought(text: &str, family: Option<Family>) -> Content {
    Content::Reasoning {
        text: text.to_owned(),
        signature: family.map(|family| Signature::new(family, "Eg==")),
    }
}

fn text(text: &str) -> Content {
    Part::text(text).content
}

fn call(id: &str, arguments: &str, family: Option<Family>) -> Content {
    Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "look".to_owned(),
        arguments: arguments.to_owned(),
        signature: family.map(|family| Signature::new(family, "Eg==")),
    })
}

fn choice(contents: Vec<Content>, reason: FinishReason) -> Choice {
    Choice::new(contents.into_iter().map(Part::new).collect(), reason)
}

fn cited() -> Content {
    let page = Citation {
        url: Some("https://a.example".to_owned()),
        title: Some("A".to_owned()),
        quote: Some("ganó".to_owned()),
        span: Some((3, 7)),
        native: None,
    };
    let work = Citation {
        native: Json::parse(r#"{"startIndex":1,"endIndex":2,"uri":"https://b.example"}"#)
            .map(|json| (Family::Google, json)),
        ..Citation::default()
    };
    Content::Text {
        text: "Él ganó.".to_owned(),
        citations: vec![page.clone(), work, Citation { span: None, ..page }],
    }
}

fn answers() -> Vec<(&'static str, Vec<Choice>)> {
    use FinishReason::{ContentFilter, Length, Pause, Refusal, Stop, ToolCalls};
    let (google, anthropic) = (Some(Family::Google), Some(Family::Anthropic));
    let one = |contents, reason| vec![choice(contents, reason)];
    let native = Content::Native {
        family: Family::Google,
        block: Json::parse(r#"{"executableCode":{"code":"1"}}"#).unwrap(),
    };
    let foreign = Content::Native {
        family: Family::OpenAi,
        block: Json::parse("{}").unwrap(),
    };
    let token = r#"{"token":"S","logprob":-0.5,"bytes":[83],"top_logprobs":[{"token":"N","logprob":-1.5}]}"#;
    let told = Choice {
        logprobs: Json::parse(token).into_iter().collect(),
        ..choice(vec![text("S")], Stop)
    };
    vec![
        ("plain", one(vec![text("Hola 🚀 \"x\"\n")], Stop)),
        ("empty", one(Vec::new(), Stop)),
        ("cut", one(vec![text("a")], Length)),
        ("filtered", one(Vec::new(), ContentFilter)),
        (
            "refused",
            one(vec![Content::Refusal("No.".to_owned())], Refusal),
        ),
        ("paused", one(vec![text("a")], Pause)),
        ("thought", one(vec![thought("Hm.", None), text("Sí")], Stop)),
        (
            "signed text",
            one(
                vec![thought("Hm.", None), thought("", google), text("Sí")],
                Stop,
            ),
        ),
        (
            "another family's thought",
            one(vec![thought("Hm.", anthropic), text("Sí")], Stop),
        ),
        (
            "redacted",
            one(
                vec![
                    Content::RedactedReasoning(Signature::new(Family::Anthropic, "x")),
                    text("Sí"),
                ],
                Stop,
            ),
        ),
        (
            "signature at the end",
            one(vec![text("Sí"), thought("", google)], Stop),
        ),
        (
            "call",
            one(vec![call("a", r#"{"z": 1,"a":2}"#, google)], ToolCalls),
        ),
        (
            "parallel calls",
            one(
                vec![
                    text("Look."),
                    call("a", "{}", google),
                    call("b", "{}", None),
                ],
                ToolCalls,
            ),
        ),
        (
            "text after a call",
            one(vec![call("a", "{}", None), text("Done.")], Stop),
        ),
        (
            "malformed call",
            one(vec![text("a"), call("a", "{\"z", None)], ToolCalls),
        ),
        ("cut call", one(vec![call("a", "{\"z", None)], Length)),
        (
            "picture",
            one(
                vec![Content::Image(Media::inline("image/png", "AA=="))],
                Stop,
            ),
        ),
        ("blocks", one(vec![native, foreign], Stop)),
        ("cited", one(vec![cited()], Stop)),
        ("log probabilities", vec![told]),
        (
            "two",
            vec![
                choice(vec![text("a")], Stop),
                choice(vec![text("b")], Length),
            ],
        ),
    ]
}

fn written(writer: &mut dyn StreamWriter, answer: &Answer) -> Vec<u8> {
    let mut out = Vec::new();
    for event in &replay(answer) {
        writer.push(event, &mut out);
    }
    writer.finish(&USAGE, Nanos::new(118_000), &mut out);
    out
}

fn answer(choices: Vec<Choice>) -> Answer {
    Answer {
        choices,
        usage: Some(USAGE),
        service_tier: None,
    }
}

#[test]
fn answers_and_streams_for_gemini_clients() {
    let mut shown = String::new();
    for (name, choices) in answers() {
        let answer = answer(choices);
        let whole = render(&answer, &head(), &USAGE, Nanos::new(118_000));
        writeln!(shown, "# {name}\n{}", String::from_utf8(whole).unwrap()).unwrap();
        let streamed = written(&mut EventWriter::new(head()), &answer);
        let streamed = String::from_utf8(streamed).unwrap().replace("\n\n", "\n");
        shown.push_str(&streamed);
        let array = written(&mut ArrayWriter::new(head()), &answer);
        let array: Vec<serde_json::Value> = serde_json::from_slice(&array).unwrap();
        let events = streamed
            .lines()
            .map(|line| line.strip_prefix("data: ").unwrap());
        let events: Vec<serde_json::Value> = events
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        assert_eq!(array, events, "{name}");
    }
    assert_golden("gemini_client_answers", &shown);
}

#[test]
fn sources_ride_on_the_first_chunk_only() {
    let sources = vec![source()];
    let head = Head { sources, ..head() };
    let answer = answer(vec![choice(vec![text("a"), text("b")], FinishReason::Stop)]);
    let out = written(&mut EventWriter::new(head.clone()), &answer);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("\"sources\"").count(), 1);
    assert!(
        text.lines()
            .next()
            .unwrap()
            .contains("\"sources\":[{\"document\":\"d1\"")
    );
    let whole = render(&answer, &head, &USAGE, Nanos::ZERO);
    assert!(String::from_utf8(whole).unwrap().contains("\"sources\""));
}

/// Tool arguments in no, one and many chunks, of calls side by side.
#[test]
fn arguments_in_any_chunks_come_whole() {
    let delta = |index, id: Option<&str>, arguments: &str| Event::ToolCall {
        choice: 0,
        index,
        id: id.map(str::to_owned),
        name: id.map(|_| "f".to_owned()),
        arguments: arguments.to_owned(),
        signature: None,
    };
    let events = [
        delta(0, Some("a"), ""),
        delta(1, Some("b"), "{\"x\""),
        delta(0, None, "{}"),
        delta(1, None, ":1}"),
        delta(2, Some("c"), "{\"y\":2}"),
        Event::Finish {
            choice: 0,
            reason: FinishReason::ToolCalls,
            stop_sequence: None,
        },
    ];
    let mut writer = EventWriter::new(head());
    let mut out = Vec::new();
    for event in &events {
        writer.push(event, &mut out);
    }
    assert!(out.is_empty(), "no half of a call");
    writer.finish(&USAGE, Nanos::ZERO, &mut out);
    let text = String::from_utf8(out).unwrap();
    let places = [
        r#"{"id":"a","name":"f","args":{}}"#,
        r#"{"id":"b","name":"f","args":{"x":1}}"#,
        r#"{"id":"c","name":"f","args":{"y":2}}"#,
    ];
    let places = places.map(|call| text.find(call).unwrap_or_else(|| panic!("{call}: {text}")));
    assert!(places.is_sorted());
}

#[test]
fn a_failed_stream_ends_with_an_error_and_without_a_reason() {
    let error =
        Error::new(Kind::UpstreamFailed, "The model broke off. Retry.").with_detail("inside");
    let writers: [(Box<dyn StreamWriter>, bool); 2] = [
        (Box::new(EventWriter::new(head())), false),
        (Box::new(ArrayWriter::new(head())), true),
    ];
    for (mut writer, array) in writers {
        let mut out = Vec::new();
        writer.keep_alive(&mut out);
        let text = "a".to_owned();
        writer.push(&Event::Text { choice: 0, text }, &mut out);
        writer.keep_alive(&mut out);
        writer.error(&error, &mut out);
        let text = String::from_utf8(out).unwrap();
        let told = r#"{"error":{"code":502,"message":"The model broke off. Retry.","status":"UNAVAILABLE"}}"#;
        assert!(
            text.contains(told) && !text.contains("finishReason") && !text.contains("inside"),
            "{text}"
        );
        if array {
            let elements: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(elements.len(), 2);
        }
    }
    let mut out = Vec::new();
    ArrayWriter::new(head()).error(&error, &mut out);
    assert!(out.starts_with(b"[{\"error\""));
}

#[test]
fn errors_have_googles_form() {
    let shown = |error: &Error| {
        let reply = error_body(error, "req_1");
        assert_eq!(reply.header("x-request-id"), Some("req_1"));
        let Body::Bytes(body) = reply.body else {
            panic!("no body");
        };
        (reply.status, String::from_utf8(body).unwrap())
    };
    let invalid = Error::invalid("contents", "`contents` is required.").with_detail("inside");
    assert_eq!(
        shown(&invalid),
        (
            400,
            r#"{"error":{"code":400,"message":"`contents` is required.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents","description":"`contents` is required."}]}]}}"#.to_owned()
        )
    );
    let limited = Error::new(Kind::RateLimited, "Slow down.").retry_after(7);
    assert_eq!(
        shown(&limited),
        (
            429,
            r#"{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7s"}]}}"#.to_owned()
        )
    );
    assert_eq!(error_body(&limited, "r").header("retry-after"), Some("7"));
    let statuses = [
        (Kind::BudgetExhausted, 402, "FAILED_PRECONDITION"),
        (Kind::Unauthenticated, 401, "UNAUTHENTICATED"),
        (Kind::Forbidden, 403, "PERMISSION_DENIED"),
        (Kind::ModelNotFound, 404, "NOT_FOUND"),
        (Kind::Internal, 500, "INTERNAL"),
        (Kind::Unavailable, 503, "UNAVAILABLE"),
        (Kind::DeadlineExceeded, 504, "DEADLINE_EXCEEDED"),
    ];
    for (kind, code, status) in statuses {
        let (found, body) = shown(&Error::new(kind, "m"));
        assert_eq!(found, code);
        assert!(
            body.contains(&format!(
                r#""code":{code},"message":"m","status":"{status}""#
            )),
            "{body}"
        );
    }
}

/// Answers that this wire carries without loss.
fn any_answer() -> impl Strategy<Value = Answer> {
    let content = prop_oneof![
        ".{1,12}".prop_map(|text| Part::text(text).content),
        ".{1,12}".prop_map(|text| thought(&text, None)),
        ("[a-z]{1,6}", any::<bool>(), 0_u32..9).prop_map(|(id, signed, number)| {
            let arguments = format!("{{\"n\":{number}}}");
            call(&id, &arguments, signed.then_some(Family::Google))
        }),
        Just(thought("", Some(Family::Google))),
    ];
    let reason = prop::sample::select(vec![
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::ContentFilter,
    ]);
    let one = (prop::collection::vec(content, 0..6), reason).prop_map(|(contents, reason)| {
        let calls = contents.iter().any(|it| matches!(it, Content::ToolCall(_)));
        let reason = match reason {
            FinishReason::Stop if calls => FinishReason::ToolCalls,
            reason => reason,
        };
        let mut contents = contents;
        // Texts in a row are one in this wire, and so are thoughts.
        contents.dedup_by(|next, before| {
            matches!(
                (&*before, next),
                (Content::Text { .. }, Content::Text { .. })
                    | (Content::Reasoning { .. }, Content::Reasoning { .. })
            )
        });
        choice(contents, reason)
    });
    prop::collection::vec(one, 1..4).prop_map(answer)
}

fn decoded(body: &[u8], size: usize) -> Answer {
    let mut decoder = StreamDecoder::new(Wire::Gemini, 100);
    let mut events = Vec::new();
    for chunk in body.chunks(size) {
        decoder.feed(chunk, &mut events).unwrap();
    }
    decoder.finish(&mut events).unwrap();
    assemble(&events)
}

/// What clients are told of usage has no figure for what was written to a cache.
fn parts_of(answer: &Answer) -> Vec<(String, FinishReason)> {
    let parts = |choice: &Choice| serde_json::to_string(&choice.parts).unwrap();
    let choices = answer.choices.iter();
    choices
        .map(|choice| (parts(choice), choice.finish_reason))
        .collect()
}

proptest! {
    #[test]
    fn a_written_stream_decodes_to_its_answer(answer in any_answer(), size in 1_usize..50) {
        let body = written(&mut EventWriter::new(head()), &answer);
        let again = decoded(&body, size);
        prop_assert_eq!(parts_of(&again), parts_of(&answer));
        prop_assert_eq!(again.usage, answer.usage);
    }

    #[test]
    fn a_rendered_answer_decodes_to_its_parts(answer in any_answer()) {
        let body = render(&answer, &head(), &USAGE, Nanos::new(1));
        let again = decode_answer(Wire::Gemini, u32::MAX, &body).unwrap();
        let reasons = |answer: &Answer| answer.choices.iter().map(|it| it.finish_reason).collect::<Vec<_>>();
        prop_assert_eq!(reasons(&again), reasons(&answer));
        prop_assert_eq!(again.usage, answer.usage);
        for (again, choice) in again.choices.iter().zip(&answer.choices) {
            prop_assert_eq!(again.text(), choice.text());
            prop_assert_eq!(again.reasoning(), choice.reasoning());
            let calls = |choice: &Choice| choice.tool_calls().map(|call| (call.id.clone(), call.arguments.clone())).collect::<Vec<_>>();
            prop_assert_eq!(calls(again), calls(choice));
        }
    }
}
