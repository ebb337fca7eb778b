//! An item that is streamed.

use crate::protocol::Event;
use crate::protocol::json::Object;
use crate::providers::openai_responses::answer::{
    PARAGRAPH, call, citation, logprobs, signature, string,
};

/// An item of which the end has not come.
#[derive(Debug)]
pub(super) struct OpenItem {
    kind: Kind,
    /// Something of it was told.
    spoken: bool,
}

#[derive(Debug)]
enum Kind {
    /// A call of a function, as number so many.
    Call { index: u32, arguments: bool },
    /// What is said.
    Message,
    /// What is thought: which of its texts is told, and which part of that was last.
    Reasoning(Option<(Thought, u64)>),
    /// What comes whole.
    Whole,
}

/// The two texts of reasoning, of which one is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thought {
    Full,
    Summary,
}

impl OpenItem {
    /// Begins an item, a call as number `calls`, and appends what its beginning says.
    pub(super) fn new(item: &Object<'_>, calls: u32, events: &mut Vec<Event>) -> Self {
        let (kind, spoken) = match string(item, "type").as_str() {
            "function_call" => {
                let call = call(item);
                events.push(Event::ToolCall {
                    choice: 0,
                    index: calls,
                    id: Some(call.id),
                    name: Some(call.name),
                    arguments: String::new(),
                    signature: None,
                });
                let kind = Kind::Call {
                    index: calls,
                    arguments: false,
                };
                (kind, true)
            }
            "message" => (Kind::Message, false),
            "reasoning" => (Kind::Reasoning(None), false),
            _ => (Kind::Whole, false),
        };
        Self { kind, spoken }
    }

    /// Whether it is a call of a function.
    pub(super) const fn is_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. })
    }

    /// Whether something of it was told.
    pub(super) const fn has_spoken(&self) -> bool {
        self.spoken
    }

    /// Takes more of the item and appends what it says. `kind` is the event's, without `response.`.
    pub(super) fn more(&mut self, kind: &str, object: &Object<'_>, events: &mut Vec<Event>) {
        let before = events.len();
        match &mut self.kind {
            Kind::Call { index, arguments } => {
                let delta = string(object, "delta");
                if kind == "function_call_arguments.delta" && !delta.is_empty() {
                    *arguments = true;
                    events.push(more_arguments(*index, delta));
                }
            }
            Kind::Message => said(kind, object, self.spoken, events),
            Kind::Reasoning(told) => think(kind, object, told, events),
            Kind::Whole => {}
        }
        self.spoken |= events.len() > before;
    }

    /// Ends the item, of which `whole` has all, and appends what was not streamed.
    pub(super) fn end(self, whole: &Object<'_>, events: &mut Vec<Event>) {
        match self.kind {
            Kind::Call {
                index,
                arguments: false,
            } => events.push(more_arguments(index, call(whole).arguments)),
            Kind::Reasoning(_) => match signature(whole) {
                Some(signature) => events.push(Event::ReasoningSignature {
                    choice: 0,
                    signature,
                }),
                None => events.push(Event::PartEnd { choice: 0 }),
            },
            Kind::Message => events.push(Event::PartEnd { choice: 0 }),
            Kind::Call { .. } | Kind::Whole => {}
        }
    }
}

fn more_arguments(index: u32, arguments: String) -> Event {
    Event::ToolCall {
        choice: 0,
        index,
        id: None,
        name: None,
        arguments,
        signature: None,
    }
}

/// More of what is said: parts of one message follow each other.
fn said(kind: &str, object: &Object<'_>, spoken: bool, events: &mut Vec<Event>) {
    let text = string(object, "delta");
    match kind {
        "content_part.added" if spoken => events.push(Event::PartEnd { choice: 0 }),
        "output_text.delta" => {
            let tokens = logprobs(object);
            if !text.is_empty() {
                events.push(Event::Text { choice: 0, text });
            }
            if !tokens.is_empty() {
                events.push(Event::Logprobs { choice: 0, tokens });
            }
        }
        "output_text.annotation.added" => {
            let citation = object.get("annotation").and_then(citation);
            events.extend(citation.map(|citation| Event::Citation {
                choice: 0,
                citation,
            }));
        }
        "refusal.delta" if !text.is_empty() => events.push(Event::Refusal { choice: 0, text }),
        _ => {}
    }
}

/// More of what is thought: of the summary and the full text, that which begins first.
fn think(
    kind: &str,
    object: &Object<'_>,
    told: &mut Option<(Thought, u64)>,
    events: &mut Vec<Event>,
) {
    let (thought, index) = match kind {
        "reasoning_summary_text.delta" => (Thought::Summary, "summary_index"),
        "reasoning_text.delta" => (Thought::Full, "content_index"),
        _ => return,
    };
    let index = object.get(index).and_then(|raw| raw.get().parse().ok());
    let index: u64 = index.unwrap_or_default();
    let mut text = string(object, "delta");
    if text.is_empty() || told.is_some_and(|(before, _)| before != thought) {
        return;
    }
    if told.is_some_and(|(_, before)| before != index) {
        text.insert_str(0, PARAGRAPH);
    }
    *told = Some((thought, index));
    events.push(Event::Reasoning { choice: 0, text });
}
