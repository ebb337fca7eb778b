//! Streamed answers and whole ones, each from the other: a stream is assembled to be cached and
//! audited, a cached answer is replayed to a client that streams.

use std::collections::BTreeMap;

use super::{Answer, Choice, Event, FinishReason, ToolCall};
use crate::usage::Usage;

/// Makes a whole answer of a stream's events.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    choices: BTreeMap<u32, Partial>,
    usage: Option<Usage>,
}

/// A choice of which the stream has brought some.
#[derive(Clone, Debug, Default)]
struct Partial {
    text: Option<String>,
    reasoning: Option<String>,
    refusal: Option<String>,
    calls: BTreeMap<u32, ToolCall>,
    finish: Option<FinishReason>,
}

impl Assembler {
    /// Takes the next event.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Finish { choice, reason } => self.choice(*choice).finish = Some(*reason),
            Event::Reasoning { choice, text } => append(&mut self.choice(*choice).reasoning, text),
            Event::Refusal { choice, text } => append(&mut self.choice(*choice).refusal, text),
            Event::Text { choice, text } => append(&mut self.choice(*choice).text, text),
            Event::ToolCall {
                choice,
                index,
                id,
                name,
                arguments,
            } => {
                let call = self
                    .choice(*choice)
                    .calls
                    .entry(*index)
                    .or_insert_with(empty_call);
                if let Some(id) = id {
                    call.id.clone_from(id);
                }
                if let Some(name) = name {
                    call.name.clone_from(name);
                }
                call.arguments.push_str(arguments);
            }
            Event::Usage(usage) => self.usage = Some(*usage),
        }
    }

    /// What the stream said it used, so far.
    #[must_use]
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// UTF-8 bytes of what the model has written so far, to estimate usage by.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let of_calls = |calls: &BTreeMap<u32, ToolCall>| -> usize {
            let lengths = calls
                .values()
                .flat_map(|call| [call.name.len(), call.arguments.len()]);
            lengths.fold(0, usize::saturating_add)
        };
        let lengths = self.choices.values().flat_map(|choice| {
            let texts = [&choice.text, &choice.reasoning, &choice.refusal].map(of);
            texts.into_iter().chain([of_calls(&choice.calls)])
        });
        u64::try_from(lengths.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
    }

    /// The answer so far. A choice that the stream did not finish counts as stopped, or as waiting
    /// for the tools it calls; a stream without any choice is one empty choice.
    #[must_use]
    pub fn finish(mut self) -> Answer {
        if self.choices.is_empty() {
            self.choices.insert(0, Partial::default());
        }
        Answer {
            choices: self.choices.into_values().map(Partial::finish).collect(),
            usage: self.usage,
        }
    }

    fn choice(&mut self, index: u32) -> &mut Partial {
        self.choices.entry(index).or_default()
    }
}

impl Partial {
    fn finish(self) -> Choice {
        let inferred = if self.calls.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        };
        Choice {
            text: self.text,
            reasoning: self.reasoning,
            refusal: self.refusal,
            tool_calls: self.calls.into_values().collect(),
            finish_reason: self.finish.unwrap_or(inferred),
        }
    }
}

fn append(slot: &mut Option<String>, text: &str) {
    slot.get_or_insert_default().push_str(text);
}

const fn empty_call() -> ToolCall {
    ToolCall {
        id: String::new(),
        name: String::new(),
        arguments: String::new(),
    }
}

/// The whole answer of `events`.
#[cfg(test)]
pub(crate) fn assemble<'a>(events: impl IntoIterator<Item = &'a Event>) -> Answer {
    let mut assembler = Assembler::default();
    events.into_iter().for_each(|event| assembler.push(event));
    assembler.finish()
}

/// The events of a stream that brings `answer`. Assembled they are `answer` again.
#[must_use]
pub fn replay(answer: &Answer) -> Vec<Event> {
    let numbered = (0_u32..).zip(&answer.choices);
    let mut events: Vec<Event> = numbered
        .flat_map(|(index, choice)| replay_choice(index, choice))
        .collect();
    events.extend(answer.usage.map(Event::Usage));
    events
}

fn replay_choice(choice: u32, whole: &Choice) -> Vec<Event> {
    let reasoning = whole
        .reasoning
        .clone()
        .map(|text| Event::Reasoning { choice, text });
    let refusal = whole
        .refusal
        .clone()
        .map(|text| Event::Refusal { choice, text });
    let text = whole.text.clone().map(|text| Event::Text { choice, text });
    let calls = (0_u32..)
        .zip(&whole.tool_calls)
        .map(|(index, call)| Event::ToolCall {
            choice,
            index,
            id: Some(call.id.clone()),
            name: Some(call.name.clone()),
            arguments: call.arguments.clone(),
        });
    let finish = Event::Finish {
        choice,
        reason: whole.finish_reason,
    };
    let texts = reasoning.into_iter().chain(refusal).chain(text);
    texts.chain(calls).chain([finish]).collect()
}
