mod streams;
mod whole;

use std::rc::Rc;

use serde_json::Value;

use super::*;
use crate::money::Nanos;
use crate::protocol::writer::Head;
use crate::protocol::{
    Answer, Bill, Choice, Citation, Content, Family, FinishReason, Json, Maker, Media, Part,
    Signature, ToolCall,
};
use crate::usage::Usage;

const USAGE: Usage = Usage {
    input_tokens: 1_000,
    cached_input_tokens: 100,
    cache_write_tokens: 50,
    cache_write_1h_tokens: 0,
    audio_input_tokens: 0,
    output_tokens: 200,
    reasoning_tokens: 150,
    units: crate::usage::Units::NONE,
    estimated: false,
};

fn head() -> Head {
    Head {
        request: "1".to_owned(),
        created: 1_800_000_000,
        operation: "chat".into(),
        model: "@cf/x/y".to_owned(),
        sources: Vec::new(),
    }
}

fn thread(fields: &str) -> Rc<Thread> {
    let body = format!(r#"{{"model":"auto","input":"Hi"{fields}}}"#);
    parse(body.as_bytes()).unwrap().thread.unwrap()
}

const ENCRYPTED: &str = r#","include":["reasoning.encrypted_content"]"#;

fn bill() -> Bill<'static> {
    Bill {
        usage: &USAGE,
        cost: Nanos::new(1_500),
    }
}

fn answer(contents: Vec<Content>, reason: FinishReason) -> Answer {
    let parts = contents.into_iter().map(Part::new).collect();
    Answer {
        choices: vec![Choice::new(parts, reason)],
        ..Answer::default()
    }
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

fn call(id: &str, arguments: &str, signature: Option<Signature>) -> Content {
    Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "weather".to_owned(),
        arguments: arguments.to_owned(),
        signature,
    })
}

fn signature(family: Family, value: &str) -> Signature {
    Signature::new(family, value)
}

fn cited() -> Content {
    let citation = Citation {
        url: Some("https://a.example".to_owned()),
        title: Some("A".to_owned()),
        span: Some((0, 2)),
        ..Citation::default()
    };
    Content::Text {
        text: "Sí".to_owned(),
        citations: vec![citation, Citation::default()],
    }
}

/// What is told of a file has no address.
fn cited_by_files() -> Content {
    let native = r#"{"type":"file_citation","file_id":"file-1","filename":"a.pdf","index":2}"#;
    let citation = Citation {
        title: Some("a.pdf".to_owned()),
        native: Json::parse(native).map(|json| (Family::OpenAi, json)),
        ..Citation::default()
    };
    Content::Text {
        text: "Sí".to_owned(),
        citations: vec![citation],
    }
}

fn made() -> Signature {
    Signature {
        maker: Some(Maker {
            deployment: "0a1b2c3d4e5f".to_owned(),
            item: "rs_1".to_owned(),
        }),
        ..signature(Family::OpenAi, "gAAA.B==")
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn answers() -> Vec<(&'static str, Answer)> {
    use FinishReason::{ContentFilter, Length, Refusal, Stop, ToolCalls};
    let hosted = Content::Native {
        family: Family::OpenAi,
        block: Json::parse(r#"{"type":"web_search_call","id":"ws_1"}"#).unwrap(),
    };
    let foreign = Content::Native {
        family: Family::Anthropic,
        block: Json::parse(r#"{"type":"server_tool_use"}"#).unwrap(),
    };
    let anthropic = |value| signature(Family::Anthropic, value);
    let weighed = Answer {
        choices: vec![Choice {
            logprobs: Json::parse(r#"{"token":"S","logprob":-0.5}"#)
                .into_iter()
                .collect(),
            ..Choice::new(vec![Part::text("S")], Stop)
        }],
        service_tier: Some("flex".to_owned()),
        ..Answer::default()
    };
    vec![
        ("a text", answer(vec![text("¿Qué tal? 😀\n")], Stop)),
        ("nothing", answer(Vec::new(), Stop)),
        ("an empty text", answer(vec![text("")], Stop)),
        ("two texts", answer(vec![text("a"), text("b")], Stop)),
        ("a cited text", answer(vec![cited()], Stop)),
        ("probabilities and tier", weighed),
        ("too long", answer(vec![text("a")], Length)),
        ("filtered", answer(vec![text("a")], ContentFilter)),
        (
            "a refusal",
            answer(vec![Content::Refusal("No.".to_owned())], Refusal),
        ),
        ("a refusal without words", answer(Vec::new(), Refusal)),
        (
            "text, then a refusal",
            answer(vec![text("a"), Content::Refusal("No.".to_owned())], Refusal),
        ),
        (
            "reasoning",
            answer(
                vec![reasoning("Hm.", Some(anthropic("s"))), text("a")],
                Stop,
            ),
        ),
        (
            "hidden reasoning",
            answer(
                vec![
                    reasoning("", Some(signature(Family::OpenAi, "s"))),
                    Content::RedactedReasoning(anthropic("r")),
                    text("a"),
                ],
                Stop,
            ),
        ),
        (
            "a call",
            answer(vec![call("a", r#"{"city":"Lugo"}"#, None)], ToolCalls),
        ),
        (
            "everything before calls",
            answer(
                vec![
                    reasoning("Hm.", None),
                    text("Let me see."),
                    call("a", "{}", Some(Signature::new(Family::Google, "t"))),
                    call("b", "", None),
                ],
                ToolCalls,
            ),
        ),
        (
            "text between calls",
            answer(
                vec![call("a", "{}", None), text("and"), call("b", "{}", None)],
                ToolCalls,
            ),
        ),
        (
            "a call that was cut",
            answer(vec![call("a", "{\"ci", None)], Length),
        ),
        (
            "tools of the provider",
            answer(vec![hosted, foreign, text("Found.")], Stop),
        ),
        (
            "letters of many scripts",
            answer(vec![text("日本語 العربية 👩‍👩‍👧 \u{2028} \"\\")], Stop),
        ),
        ("paused", answer(vec![text("a")], FinishReason::Pause)),
        ("filtered at once", answer(Vec::new(), ContentFilter)),
        ("cited by files", answer(vec![cited_by_files()], Stop)),
        (
            "reasoning in two",
            answer(
                vec![
                    reasoning("Hm.", Some(signature(Family::OpenAi, "s1"))),
                    reasoning("Yes.", Some(signature(Family::OpenAi, "s2"))),
                    text("a"),
                ],
                Stop,
            ),
        ),
        (
            "reasoning that only its maker can read",
            answer(vec![reasoning("", Some(made())), text("a")], Stop),
        ),
        (
            "several calls",
            answer(
                vec![
                    call("a", r#"{"city":"Ávila"}"#, None),
                    call("b", "{}", None),
                    call("c", r#"{"city":"A Coruña"}"#, None),
                ],
                ToolCalls,
            ),
        ),
        (
            "a picture",
            answer(
                vec![Content::Image(Media::inline("image/png", "eA=="))],
                Stop,
            ),
        ),
    ]
}

fn rendered(thread: &Thread, answer: &Answer) -> Value {
    serde_json::from_slice(&render(thread, answer, &head(), bill())).unwrap()
}
