//! A streamed answer as chunks of `GenerateContentResponse`, in server-sent events or as the elements
//! of an array.
//!
//! Arguments of calls come whole in this wire, so calls wait until theirs are. The reason why each
//! candidate stopped waits for the last chunk, which also tells usage and cost.

use std::collections::BTreeMap;

use super::answer::{
    CandidateBody, ResponseBody, UsageBody, arguments, call, finish_reason, part, signed,
};
use super::body::{ContentBody, PartBody};
use super::error;
use super::grounding::{CitationsBody, GroundingBody};
use super::logprobs::LogprobsBody;
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{Citation, Event, FinishReason, Source, ToolCall};
use crate::sse;
use crate::usage::Usage;

/// Writes chunks as server-sent events.
#[derive(Debug)]
pub struct EventWriter(Chunks);

impl EventWriter {
    /// A writer of a stream that has not begun.
    #[must_use]
    pub const fn new(head: Head) -> Self {
        Self(Chunks::new(head))
    }
}

impl StreamWriter for EventWriter {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.0
            .push(event, &mut |chunk| sse::write_json(out, &chunk));
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        self.0
            .finish(usage, cost, &mut |chunk| sse::write_json(out, &chunk));
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        sse::write_json(out, &error::object(error));
    }
}

/// Writes chunks as the elements of an array.
#[derive(Debug)]
pub struct ArrayWriter {
    chunks: Chunks,
    /// Something stands in the array.
    begun: bool,
}

impl ArrayWriter {
    /// A writer of a stream that has not begun.
    #[must_use]
    pub const fn new(head: Head) -> Self {
        Self {
            chunks: Chunks::new(head),
            begun: false,
        }
    }
}

impl StreamWriter for ArrayWriter {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        let begun = &mut self.begun;
        self.chunks
            .push(event, &mut |chunk| element(begun, &chunk, out));
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        let begun = &mut self.begun;
        self.chunks
            .finish(usage, cost, &mut |chunk| element(begun, &chunk, out));
        out.push(b']');
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        element(&mut self.begun, &error::object(error), out);
        out.push(b']');
    }

    /// White space between elements means nothing.
    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.push(b'\n');
    }
}

fn element<T: serde::Serialize>(begun: &mut bool, value: &T, out: &mut Vec<u8>) {
    let first = !std::mem::replace(begun, true);
    out.extend_from_slice(if first { b"[" } else { b",\r\n" });
    out.extend(serde_json::to_vec(value).unwrap_or_default());
}

/// Makes chunks of events.
#[derive(Debug)]
struct Chunks {
    head: Head,
    /// Sources ride on the first chunk.
    begun: bool,
    choices: BTreeMap<u32, ChoiceState>,
}

#[derive(Debug, Default)]
struct ChoiceState {
    /// Calls that have not been written.
    calls: BTreeMap<u32, ToolCall>,
    /// A thought may go on, and be signed.
    thinks: bool,
    /// The whole text, which citations point into.
    text: String,
    citations: Vec<Citation>,
    finish: Option<FinishReason>,
}

type Emit<'e> = dyn FnMut(ResponseBody<'_>) + 'e;

impl Chunks {
    const fn new(head: Head) -> Self {
        Self {
            head,
            begun: false,
            choices: BTreeMap::new(),
        }
    }

    fn push(&mut self, event: &Event, emit: &mut Emit<'_>) {
        match event {
            Event::ToolCall { choice, .. } => self.choice(*choice).take_call(event),
            Event::Citation { choice, citation } => {
                self.choice(*choice).citations.push(citation.clone());
            }
            Event::Finish { choice, reason, .. } => self.choice(*choice).finish = Some(*reason),
            Event::Logprobs { choice, tokens } => {
                let body = CandidateBody {
                    index: *choice,
                    logprobs_result: LogprobsBody::of(tokens),
                    ..CandidateBody::default()
                };
                self.write(vec![body], None, emit);
            }
            Event::PartEnd { choice } => self.choice(*choice).thinks = false,
            Event::Reasoning { text, .. } if text.is_empty() => {}
            Event::Reasoning { choice, text } => {
                self.said(*choice, emit).thinks = true;
                let thought = PartBody {
                    thought: true,
                    ..PartBody::text(text)
                };
                self.part(*choice, thought, emit);
            }
            Event::ReasoningSignature { choice, signature } => {
                let thought = std::mem::take(&mut self.said(*choice, emit).thinks);
                self.part(*choice, signed(signature, thought), emit);
            }
            Event::Refusal { choice, text } | Event::Text { choice, text } => {
                let state = self.said(*choice, emit);
                state.thinks = false;
                state.text.push_str(text);
                if !text.is_empty() {
                    self.part(*choice, PartBody::text(text), emit);
                }
            }
            Event::Whole { choice, part } => {
                self.said(*choice, emit).thinks = false;
                if let Some(body) = self::part(part) {
                    self.part(*choice, body, emit);
                }
            }
            Event::ServiceTier(_) | Event::Usage(_) => {}
        }
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, emit: &mut Emit<'_>) {
        let mut malformed = Vec::new();
        for index in self.choices.keys().copied().collect::<Vec<_>>() {
            for call in std::mem::take(&mut self.choice(index).calls).into_values() {
                self.call(index, &call, emit);
                if arguments(&call.arguments).is_none() {
                    malformed.push(index);
                }
            }
        }
        let choices = std::mem::take(&mut self.choices);
        let last = choices.iter().map(|(index, state)| {
            let reason = state.finish.unwrap_or(FinishReason::Stop);
            CandidateBody {
                // Clients read the text of every chunk.
                content: Some(ContentBody {
                    parts: vec![PartBody::text("")],
                    role: Some("model"),
                }),
                finish_reason: Some(finish_reason(reason, malformed.contains(index))),
                index: *index,
                citation_metadata: CitationsBody::of(&state.citations),
                grounding_metadata: GroundingBody::of(&state.citations, &state.text),
                ..CandidateBody::default()
            }
        });
        let usage = UsageBody::new(usage, cost);
        self.write(last.collect(), Some(usage), emit);
    }

    fn choice(&mut self, index: u32) -> &mut ChoiceState {
        self.choices.entry(index).or_default()
    }

    /// A choice that says something after its calls, which are written first where they are whole.
    fn said(&mut self, index: u32, emit: &mut Emit<'_>) -> &mut ChoiceState {
        let calls = &self.choice(index).calls;
        if !calls.is_empty()
            && calls
                .values()
                .all(|call| arguments(&call.arguments).is_some())
        {
            for call in std::mem::take(&mut self.choice(index).calls).into_values() {
                self.call(index, &call, emit);
            }
        }
        self.choice(index)
    }

    fn call(&mut self, index: u32, call: &ToolCall, emit: &mut Emit<'_>) {
        if let Some(body) = self::call(call) {
            self.part(index, body, emit);
        }
    }

    fn part(&mut self, index: u32, part: PartBody<'_>, emit: &mut Emit<'_>) {
        let candidate = CandidateBody {
            content: Some(ContentBody {
                parts: vec![part],
                role: Some("model"),
            }),
            index,
            ..CandidateBody::default()
        };
        self.write(vec![candidate], None, emit);
    }

    fn write(
        &mut self,
        candidates: Vec<CandidateBody<'_>>,
        usage_metadata: Option<UsageBody>,
        emit: &mut Emit<'_>,
    ) {
        let first = !std::mem::replace(&mut self.begun, true);
        let sources: &[Source] = if first { &self.head.sources } else { &[] };
        emit(ResponseBody {
            candidates,
            prompt_feedback: None,
            usage_metadata,
            model_version: &self.head.model,
            response_id: &self.head.request,
            sources,
        });
    }
}

impl ChoiceState {
    fn take_call(&mut self, event: &Event) {
        let Event::ToolCall {
            index,
            id,
            name,
            arguments,
            signature,
            ..
        } = event
        else {
            return;
        };
        self.thinks = false;
        if id.is_none() && !self.calls.contains_key(index) {
            return;
        }
        let call = self.calls.entry(*index).or_default();
        if let Some(id) = id {
            call.id.clone_from(id);
        }
        if let Some(name) = name {
            call.name.clone_from(name);
        }
        if signature.is_some() {
            call.signature.clone_from(signature);
        }
        call.arguments.push_str(arguments);
    }
}
