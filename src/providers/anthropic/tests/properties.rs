use proptest::prelude::*;

use super::streams::streams;
use super::{BOUND, decode_stream, encoded};
use crate::money::Nanos;
use crate::protocol::anthropic::{EventWriter, parse, render};
use crate::protocol::assembly::{assemble, replay};
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{Answer, Choice, Content, Family, FinishReason, Part, Signature, ToolCall};
use crate::providers::{Wire, decode_answer};
use crate::usage::Usage;

/// Parts that Anthropic's wire carries to a client and back.
fn content() -> impl Strategy<Value = Content> {
    let signature = |value: String| Signature::new(Family::Anthropic, value);
    prop_oneof![
        ".{1,12}".prop_map(|text| Content::Text {
            text,
            citations: Vec::new()
        }),
        (".{0,12}", "[a-z]{1,4}").prop_map(move |(text, value)| Content::Reasoning {
            text,
            signature: Some(signature(value))
        }),
        ".{1,12}".prop_map(|text| Content::Reasoning {
            text,
            signature: None
        }),
        "[a-z]{1,4}".prop_map(move |value| Content::RedactedReasoning(signature(value))),
        ("[a-z]{1,6}", "[a-z]{0,6}").prop_map(|(name, value)| Content::ToolCall(ToolCall {
            id: name.clone(),
            name,
            arguments: format!("{{\"a\": \"{value}\"}}"),
            signature: None,
        })),
    ]
}

fn answers() -> impl Strategy<Value = Answer> {
    let reason = prop::sample::select(vec![
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::Refusal,
        FinishReason::Pause,
        FinishReason::ToolCalls,
    ]);
    let usage = (0_u64..1_000, 0_u64..1_000, 1_u64..1_000, 0_u64..1_000);
    (prop::collection::vec(content(), 0..6), reason, usage).prop_map(|(parts, reason, usage)| {
        let parts = parts.into_iter().map(Part::new).collect();
        let (read, written, fresh, output_tokens) = usage;
        Answer {
            choices: vec![Choice::new(parts, reason)],
            usage: Some(Usage {
                input_tokens: [read, written, fresh].iter().sum(),
                cached_input_tokens: read,
                cache_write_tokens: written,
                cache_write_1h_tokens: written / 3,
                output_tokens,
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
        model: "claude".into(),
        sources: Vec::new(),
    }
}

proptest! {
    #[test]
    fn a_rendered_answer_decodes_to_itself(answer in answers()) {
        let usage = answer.usage.unwrap();
        let body = render(&answer, &head(), &usage, Nanos::new(1));
        prop_assert_eq!(decode_answer(Wire::Anthropic, u32::MAX, &body).unwrap(), answer);
    }

    #[test]
    fn a_written_stream_decodes_to_its_answer(answer in answers(), size in 1_usize..50) {
        let usage = answer.usage.unwrap();
        let mut writer = EventWriter::new(head(), 1);
        let mut body = Vec::new();
        for event in &replay(&answer) {
            writer.push(event, &mut body);
            writer.keep_alive(&mut body);
        }
        writer.finish(&usage, Nanos::ZERO, &mut body);
        let (events, result) = decode_stream(&body, size);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(assemble(&events), answer);
    }

    #[test]
    fn an_answer_goes_back_to_its_maker_as_it_came(answer in answers()) {
        let body = render(&answer, &head(), &answer.usage.unwrap(), Nanos::ZERO);
        let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let mut results = Vec::new();
        for block in message["content"].as_array().unwrap() {
            if block["type"] == "tool_use" {
                results.push(serde_json::json!({"type": "tool_result", "tool_use_id": block["id"]}));
            }
        }
        results.push(serde_json::json!({"type": "text", "text": "Go on"}));
        let body = serde_json::json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": message["content"]},
            {"role": "user", "content": results},
        ]});
        // Ids repeat by chance.
        if let Ok(request) = parse(body.to_string().as_bytes()) {
            let sent: serde_json::Value = serde_json::from_str(&encoded(&request).unwrap().body).unwrap();
            let unsigned = |block: &&serde_json::Value| block["signature"] == "";
            let blank = |block: &&serde_json::Value| {
                block["text"].as_str().is_some_and(|text| text.trim().is_empty())
            };
            let expected: Vec<&serde_json::Value> = message["content"].as_array().unwrap().iter()
                .filter(|block| !unsigned(block) && !blank(block)).collect();
            if !expected.is_empty() {
                let content = sent["messages"][1]["content"].as_array().unwrap();
                prop_assert_eq!(content.iter().collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_answer(Wire::Anthropic, BOUND, &bytes);
        let _ = decode_stream(&bytes, 7);
    }

    #[test]
    fn mutated_streams_never_panic_and_split_alike(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let streams = streams();
        let mut body = streams[which.index(streams.len())].1.clone().into_bytes();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        prop_assert_eq!(decode_stream(&body, usize::MAX), decode_stream(&body, 1));
    }
}
