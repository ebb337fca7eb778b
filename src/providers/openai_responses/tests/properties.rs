use std::rc::Rc;

use proptest::prelude::*;

use super::streams::streams;
use super::{BOUND, decode_stream, deployment, encoded, respond};
use crate::money::Nanos;
use crate::protocol::assembly::{assemble, replay};
use crate::protocol::openai_responses::{EventWriter, Thread, parse, render};
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{
    Answer, Bill, Choice, Content, Event, Family, FinishReason, Maker, Part, Signature, ToolCall,
};
use crate::providers::{Wire, decode_answer};
use crate::usage::Usage;

/// A part that this wire carries to a client and back.
fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        ".{1,12}".prop_map(|text| Content::Text {
            text,
            citations: Vec::new()
        }),
        (".{0,12}", "[a-zA-Z0-9.=]{1,9}").prop_map(|(text, value)| Content::Reasoning {
            text,
            signature: Some(made(&value)),
        }),
        ("[a-z]{1,6}", "[a-z]{0,6}").prop_map(|(name, value)| Content::ToolCall(ToolCall {
            id: name.clone(),
            name,
            arguments: format!("{{\"a\": \"{value}\"}}"),
            signature: None,
        })),
    ]
}

/// Reasoning as this deployment made it.
fn made(value: &str) -> Signature {
    let maker = Maker {
        deployment: deployment().0,
        item: "rs_1".to_owned(),
    };
    Signature {
        maker: Some(maker),
        ..Signature::new(Family::OpenAi, value)
    }
}

fn answers() -> impl Strategy<Value = Answer> {
    let length = any::<bool>();
    (prop::collection::vec(content(), 0..6), length).prop_map(|(contents, length)| {
        let parts: Vec<Part> = contents.into_iter().map(Part::new).collect();
        let calls = parts.iter().any(|part| part.tool_call().is_some());
        let reason = match (length, calls) {
            (true, _) => FinishReason::Length,
            (false, true) => FinishReason::ToolCalls,
            (false, false) => FinishReason::Stop,
        };
        Answer {
            choices: vec![Choice::new(parts, reason)],
            usage: Some(Usage {
                input_tokens: 9,
                cached_input_tokens: 3,
                output_tokens: 7,
                reasoning_tokens: 2,
                ..Usage::default()
            }),
            service_tier: Some("default".to_owned()),
        }
    })
}

fn head() -> Head {
    Head {
        request: "1".into(),
        created: 1_800_000_000,
        operation: "chat".into(),
        model: "m".into(),
        sources: Vec::new(),
    }
}

fn thread() -> Rc<Thread> {
    let request = respond(r#""input":"Hi","include":["reasoning.encrypted_content"]"#);
    request.thread.unwrap()
}

/// What is written tells the reasoning with its maker, which a provider does not: to read it again as
/// a provider's, each signature is what it was.
fn unsigned(mut answer: Answer) -> Answer {
    for part in &mut answer.choices[0].parts {
        if let Content::Reasoning {
            signature: Some(signature),
            ..
        } = &mut part.content
        {
            *signature = Signature::from_wire(&signature.value, Family::OpenAi);
        }
    }
    answer
}

proptest! {
    #[test]
    fn a_rendered_response_decodes_to_itself(answer in answers()) {
        let usage = &answer.usage.unwrap();
        let body = render(&thread(), &answer, &head(), Bill { usage, cost: Nanos::ZERO });
        let read = decode_answer(Wire::OpenAiResponses, u32::MAX, &body).unwrap();
        prop_assert_eq!(unsigned(read), answer);
    }

    #[test]
    fn a_written_stream_decodes_to_its_answer(answer in answers(), size in 1_usize..50) {
        let mut writer = EventWriter::new(thread(), head());
        let mut body = Vec::new();
        for event in &replay(&answer) {
            writer.push(event, &mut body);
            writer.keep_alive(&mut body);
        }
        writer.finish(&answer.usage.unwrap(), Nanos::ZERO, &mut body);
        let (events, result) = decode_stream(&body, size);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(unsigned(assemble(&events)), answer);
    }

    #[test]
    fn reasoning_goes_back_to_its_maker_byte_for_byte(value in "[a-zA-Z0-9.=+/@-]{1,40}", text in "[a-zé🚀 ]{1,9}") {
        let parts = vec![Part::new(Content::Reasoning { text: text.clone(), signature: Some(made(&value)) })];
        let answer = Answer { choices: vec![Choice::new(parts, FinishReason::Stop)], ..Answer::default() };
        let usage = &Usage::default();
        let body = render(&thread(), &answer, &head(), Bill { usage, cost: Nanos::ZERO });
        let response: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let next = serde_json::json!({"model": "m", "input": [
            {"role": "user", "content": "Hi"}, response["output"][0], {"role": "user", "content": "b"},
        ]});
        let request = parse(next.to_string().as_bytes()).unwrap();
        let sent: serde_json::Value = serde_json::from_str(&encoded(&request).unwrap().body).unwrap();
        prop_assert_eq!(&sent["input"][1], &serde_json::json!({
            "type": "reasoning", "id": "rs_1",
            "summary": [{"type": "summary_text", "text": text}], "encrypted_content": value,
        }));
    }

    #[test]
    fn an_answer_has_one_end_and_usage_alone_may_follow(which in any::<prop::sample::Index>()) {
        let streams = streams();
        let (events, result) = decode_stream(which.get(&streams).1.as_bytes(), 13);
        let ends = events.iter().filter(|event| matches!(event, Event::Finish { .. })).count();
        prop_assert_eq!(ends, usize::from(result.is_ok()));
        if result.is_ok() {
            prop_assert!(matches!(events.last(), Some(Event::Finish { .. })), "{:?}", events);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_answer(Wire::OpenAiResponses, BOUND, &bytes);
        let _ = decode_stream(&bytes, 7);
    }

    #[test]
    fn mutated_streams_never_panic_and_split_alike(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let streams = streams();
        let mut body = which.get(&streams).1.clone().into_bytes();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        prop_assert_eq!(decode_stream(&body, usize::MAX), decode_stream(&body, 1));
    }
}
