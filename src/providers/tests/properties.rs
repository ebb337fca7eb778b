use proptest::prelude::*;

use super::streams::streams;
use super::{BOUND, WIRES, decode_stream};
use crate::money::Nanos;
use crate::protocol::assembly::{assemble, replay};
use crate::protocol::openai_chat::{ChunkWriter, render};
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{Answer, Choice, Content, FinishReason, Part, Source, ToolCall};
use crate::providers::Wire::OpenAiChat;
use crate::providers::{classify, decode_answer, told_usage, workers_ai};
use crate::usage::Usage;

/// Answers that both wires can carry: no empty texts, and a reason that fits the calls.
fn answers() -> impl Strategy<Value = Answer> {
    let text = || prop::option::of(".{1,12}");
    let call = ("[a-z]{1,6}", ".{1,12}");
    let reason = prop::sample::select(vec![
        FinishReason::Stop,
        FinishReason::Length,
        FinishReason::ContentFilter,
    ]);
    let choice = (
        text(),
        text(),
        text(),
        prop::collection::vec(call, 0..4),
        reason,
    )
        .prop_map(|(text, reasoning, refusal, calls, reason)| {
            let reason = match reason {
                FinishReason::Stop if !calls.is_empty() => FinishReason::ToolCalls,
                reason => reason,
            };
            let reasoning = reasoning.map(|text| Content::Reasoning {
                text,
                signature: None,
            });
            let text = text.map(|text| Content::Text {
                text,
                citations: Vec::new(),
            });
            let calls = (0..).zip(calls).map(|(index, (name, arguments))| {
                Content::ToolCall(ToolCall {
                    id: format!("id{index}"),
                    name,
                    arguments,
                    signature: None,
                })
            });
            let said = reasoning.into_iter().chain(text);
            let said = said.chain(refusal.map(Content::Refusal)).chain(calls);
            Choice::new(said.map(Part::new).collect(), reason)
        });
    let usage = prop::option::of((1_u64..1_000_000, 0_u64..1_000_000)).prop_map(|usage| {
        usage.map(|(input_tokens, output_tokens)| Usage {
            input_tokens,
            output_tokens,
            cached_input_tokens: input_tokens / 2,
            ..Usage::default()
        })
    });
    (prop::collection::vec(choice, 1..4), usage).prop_map(|(choices, usage)| Answer {
        choices,
        usage,
        service_tier: None,
    })
}

fn head() -> Head {
    let source = Source {
        document: "d1".into(),
        title: "Envíos".into(),
        uri: String::new(),
        passage: "24 h".into(),
        score: 0.5,
    };
    Head {
        request: "1".into(),
        created: 1_800_000_000,
        operation: "chat".into(),
        model: "@cf/x/y".into(),
        sources: vec![source],
    }
}

proptest! {
    #[test]
    fn replayed_answers_assemble_again(answer in answers()) {
        prop_assert_eq!(assemble(&replay(&answer)), answer);
    }

    #[test]
    fn a_rendered_answer_decodes_to_itself(mut answer in answers()) {
        let usage = answer.usage.get_or_insert(Usage { input_tokens: 1, ..Usage::default() });
        let usage = *usage;
        let body = render(&answer, &head(), &usage, Nanos::new(1));
        // Nothing said is an empty text.
        for choice in &mut answer.choices {
            let silent = choice.text().is_none() && choice.refusal().is_none();
            if silent && choice.tool_calls().next().is_none() {
                choice.parts.push(Part::text(""));
            }
        }
        prop_assert_eq!(decode_answer(OpenAiChat, u32::MAX, &body).unwrap(), answer);
    }

    #[test]
    fn a_written_stream_decodes_to_its_answer(mut answer in answers(), size in 1_usize..50) {
        let usage = answer.usage.get_or_insert(Usage { input_tokens: 1, ..Usage::default() });
        let usage = *usage;
        let mut writer = ChunkWriter::new(head(), true);
        let mut body = Vec::new();
        for event in &replay(&answer) {
            writer.push(event, &mut body);
        }
        writer.finish(&usage, Nanos::ZERO, &mut body);
        let (events, result) = decode_stream(OpenAiChat, &body, size);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(assemble(&events), answer);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for wire in WIRES {
            let _ = decode_answer(wire, BOUND, &bytes);
            let _ = told_usage(wire, &bytes);
            let _ = decode_stream(wire, &bytes, 7);
        }
        let _ = classify(500, None, &bytes);
        let _ = workers_ai::decode_embedding(&bytes, 2);
        let _ = workers_ai::decode_rerank(&bytes, 2);
    }

    #[test]
    fn mutated_streams_never_panic_and_split_alike(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let streams = streams();
        let (_, wire, body) = &streams[which.index(streams.len())];
        let mut body = body.clone().into_bytes();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let whole = decode_stream(*wire, &body, usize::MAX);
        let split = decode_stream(*wire, &body, 1);
        prop_assert_eq!(whole.1, split.1);
        prop_assert_eq!(assemble(&whole.0), assemble(&split.0));
        let _ = decode_answer(*wire, BOUND, &body);
    }
}
