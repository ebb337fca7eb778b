//! Streamed answers and whole ones, each from the other: a stream is assembled to be cached and
//! audited, a cached answer is replayed to a client that streams.

use std::collections::BTreeMap;

use super::json::Json;
use super::message::{Citation, Content, Part, Signature, ToolCall};
use super::{Answer, Choice, Event, FinishReason};
use crate::usage::Usage;

/// Makes a whole answer of a stream's events.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    choices: BTreeMap<u32, Partial>,
    usage: Option<Usage>,
    service_tier: Option<String>,
}

/// A choice of which the stream has brought some.
#[derive(Clone, Debug, Default)]
struct Partial {
    parts: Vec<Part>,
    /// The last part takes no more text.
    closed: bool,
    /// Where in `parts` each call stands.
    calls: BTreeMap<u32, usize>,
    finish: Option<FinishReason>,
    stop_sequence: Option<String>,
    logprobs: Vec<Json>,
}

impl Assembler {
    /// Takes the next event.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::Citation { choice, citation } => self.choice(*choice).cite(citation),
            Event::Finish {
                choice,
                reason,
                stop_sequence,
            } => {
                let choice = self.choice(*choice);
                choice.finish = Some(*reason);
                choice.stop_sequence.clone_from(stop_sequence);
            }
            Event::Logprobs { choice, tokens } => {
                self.choice(*choice).logprobs.extend_from_slice(tokens);
            }
            Event::PartEnd { choice } => self.choice(*choice).closed = true,
            Event::Reasoning { choice, text } => self.choice(*choice).reasoning(text),
            Event::ReasoningSignature { choice, signature } => self.choice(*choice).sign(signature),
            Event::Refusal { choice, text } => self.choice(*choice).refusal(text),
            Event::ServiceTier(tier) => self.service_tier = Some(tier.clone()),
            Event::Text { choice, text } => self.choice(*choice).text(text),
            Event::ToolCall { choice, .. } => self.choice(*choice).call(event),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Whole { choice, part } => self.choice(*choice).parts.push(part.clone()),
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
        self.clone().finish().output_bytes()
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
            service_tier: self.service_tier,
        }
    }

    fn choice(&mut self, index: u32) -> &mut Partial {
        self.choices.entry(index).or_default()
    }
}

impl Partial {
    /// The last part, while it may grow.
    fn open(&mut self) -> Option<&mut Content> {
        let closed = std::mem::take(&mut self.closed);
        let last = self.parts.last_mut().filter(|_| !closed);
        last.map(|part| &mut part.content)
    }

    fn text(&mut self, more: &str) {
        if let Some(Content::Text { text, .. }) = self.open() {
            text.push_str(more);
        } else {
            self.parts.push(Part::text(more));
        }
    }

    fn reasoning(&mut self, more: &str) {
        if let Some(Content::Reasoning { text, .. }) = self.open() {
            text.push_str(more);
        } else {
            self.parts.push(Part::new(Content::Reasoning {
                text: more.to_owned(),
                signature: None,
            }));
        }
    }

    fn sign(&mut self, made: &Signature) {
        if let Some(Content::Reasoning { signature, .. }) = self.open() {
            *signature = Some(made.clone());
        } else {
            self.parts.push(Part::new(Content::Reasoning {
                text: String::new(),
                signature: Some(made.clone()),
            }));
        }
        self.closed = true;
    }

    fn refusal(&mut self, more: &str) {
        if let Some(Content::Refusal(text)) = self.open() {
            text.push_str(more);
        } else {
            self.parts
                .push(Part::new(Content::Refusal(more.to_owned())));
        }
    }

    /// A citation belongs to the text before it, also where that part is complete.
    fn cite(&mut self, citation: &Citation) {
        match self.parts.last_mut().map(|part| &mut part.content) {
            Some(Content::Text { citations, .. }) => citations.push(citation.clone()),
            _ => self.parts.push(Part::new(Content::Text {
                text: String::new(),
                citations: vec![citation.clone()],
            })),
        }
    }

    fn call(&mut self, event: &Event) {
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
        let place = *self.calls.entry(*index).or_insert_with(|| {
            let call = Content::ToolCall(ToolCall::default());
            self.parts.push(Part::new(call));
            self.parts.len().saturating_sub(1)
        });
        let part = self.parts.get_mut(place).map(|part| &mut part.content);
        let Some(Content::ToolCall(call)) = part else {
            return;
        };
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

    fn finish(self) -> Choice {
        let inferred = if self.calls.is_empty() {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        };
        Choice {
            parts: self.parts,
            finish_reason: self.finish.unwrap_or(inferred),
            stop_sequence: self.stop_sequence,
            logprobs: self.logprobs,
        }
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
    events.extend(answer.service_tier.clone().map(Event::ServiceTier));
    events.extend(answer.usage.map(Event::Usage));
    events
}

fn replay_choice(choice: u32, whole: &Choice) -> Vec<Event> {
    let mut events = Vec::new();
    let mut calls = 0_u32..;
    let mut before: Option<&Content> = None;
    for part in &whole.parts {
        let again = before.is_some_and(|before| runs_on(before, &part.content));
        if again {
            events.push(Event::PartEnd { choice });
        }
        replay_part(choice, part, &mut calls, &mut events);
        before = Some(&part.content);
    }
    if !whole.logprobs.is_empty() {
        let tokens = whole.logprobs.clone();
        events.push(Event::Logprobs { choice, tokens });
    }
    events.push(Event::Finish {
        choice,
        reason: whole.finish_reason,
        stop_sequence: whole.stop_sequence.clone(),
    });
    events
}

/// Whether the text of `next` would be taken for more of `before`.
const fn runs_on(before: &Content, next: &Content) -> bool {
    matches!(
        (before, next),
        (Content::Text { .. }, Content::Text { .. })
            | (Content::Reasoning { .. }, Content::Reasoning { .. })
            | (Content::Refusal(_), Content::Refusal(_))
    )
}

fn replay_part(
    choice: u32,
    part: &Part,
    calls: &mut std::ops::RangeFrom<u32>,
    events: &mut Vec<Event>,
) {
    match &part.content {
        Content::Text { text, citations } => {
            events.push(Event::Text {
                choice,
                text: text.clone(),
            });
            let cited = citations.iter().cloned();
            events.extend(cited.map(|citation| Event::Citation { choice, citation }));
        }
        Content::Reasoning { text, signature } => {
            events.push(Event::Reasoning {
                choice,
                text: text.clone(),
            });
            let signature = signature.clone();
            events
                .extend(signature.map(|signature| Event::ReasoningSignature { choice, signature }));
        }
        Content::Refusal(text) => events.push(Event::Refusal {
            choice,
            text: text.clone(),
        }),
        Content::ToolCall(call) => events.push(Event::ToolCall {
            choice,
            index: calls.next().unwrap_or_default(),
            id: Some(call.id.clone()),
            name: Some(call.name.clone()),
            arguments: call.arguments.clone(),
            signature: call.signature.clone(),
        }),
        _ => events.push(Event::Whole {
            choice,
            part: part.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::Family;

    #[test]
    fn what_is_replayed_assembles_to_the_same() {
        let signature = |value: &str| Some(Signature::new(Family::Anthropic, value));
        let reasoning = |text: &str, signature| {
            Part::new(Content::Reasoning {
                text: text.to_owned(),
                signature,
            })
        };
        let citation = Citation {
            url: Some("https://a.example".to_owned()),
            ..Citation::default()
        };
        let call = |id: &str| {
            Part::new(Content::ToolCall(ToolCall {
                id: id.to_owned(),
                name: "look".to_owned(),
                arguments: "{}".to_owned(),
                signature: signature("c"),
            }))
        };
        let parts = vec![
            reasoning("one", signature("s1")),
            reasoning("", signature("s2")),
            Part::new(Content::RedactedReasoning(Signature::new(
                Family::Anthropic,
                "hidden",
            ))),
            Part::text("first"),
            Part::new(Content::Text {
                text: "second".to_owned(),
                citations: vec![citation],
            }),
            call("a"),
            Part::text("between"),
            call("b"),
        ];
        let mut choice = Choice::new(parts, FinishReason::ToolCalls);
        choice.stop_sequence = Some("END".to_owned());
        let answer = Answer {
            choices: vec![choice.clone(), Choice::new(Vec::new(), FinishReason::Stop)],
            usage: Some(Usage::estimate(8, 4)),
            service_tier: Some("flex".to_owned()),
        };
        assert_eq!(assemble(&replay(&answer)), answer);
        assert_eq!(choice.text().as_deref(), Some("firstsecondbetween"));
        assert_eq!(choice.reasoning().as_deref(), Some("one"));
    }
}
