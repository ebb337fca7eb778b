//! A block that is streamed.

use serde_json::value::RawValue;

use crate::protocol::anthropic::citation;
use crate::protocol::json::{self, Json, Object};
use crate::protocol::{Content, Event, Family, Fields, Part};
use crate::providers::anthropic::answer::{redacted, signature};

/// A block of which the end has not come.
#[derive(Debug)]
pub(super) enum OpenBlock {
    /// A call of a tool.
    Call {
        /// Which call, from 0.
        index: u32,
        /// The input that its beginning brought, where no other follows.
        input: Option<String>,
    },
    /// A block of a tool that Anthropic runs.
    Native {
        /// Its fields, as it began.
        fields: Fields,
        /// The JSON text of its input.
        input: String,
    },
    /// Text.
    Text,
    /// Reasoning.
    Thinking,
    /// A block that came whole.
    Whole,
}

impl OpenBlock {
    /// Begins a block, a call as number `calls`, and appends what its beginning says.
    pub(super) fn new(raw: &RawValue, calls: u32, events: &mut Vec<Event>) -> Option<Self> {
        let object = Object::of(raw)?;
        let string = |name| object.get(name).and_then(json::text).unwrap_or_default();
        Some(match string("type").as_str() {
            "redacted_thinking" => {
                let part = Part::new(Content::RedactedReasoning(redacted(&object)));
                events.push(Event::Whole { choice: 0, part });
                Self::Whole
            }
            "text" => {
                text(string("text"), events);
                let citations = object.get("citations").and_then(json::elements);
                for raw in citations.unwrap_or_default() {
                    cite(raw, events);
                }
                Self::Text
            }
            "thinking" => {
                think(string("thinking"), events);
                sign(&string("signature"), events);
                Self::Thinking
            }
            "tool_use" => {
                events.push(Event::ToolCall {
                    choice: 0,
                    index: calls,
                    id: Some(string("id")),
                    name: Some(string("name")),
                    arguments: String::new(),
                    signature: None,
                });
                let input = object.get("input").map(|raw| raw.get().to_owned());
                let input = Some(input.unwrap_or_else(|| "{}".to_owned()));
                Self::Call {
                    index: calls,
                    input,
                }
            }
            _ => {
                let mut fields = Fields::default();
                for (name, raw) in object {
                    fields.keep(&name, raw);
                }
                Self::Native {
                    fields,
                    input: String::new(),
                }
            }
        })
    }

    /// Whether it is a call of a tool of the application.
    pub(super) const fn is_call(&self) -> bool {
        matches!(self, Self::Call { .. })
    }

    /// Takes more of the block and appends what it says.
    pub(super) fn delta(&mut self, delta: &Object<'_>, events: &mut Vec<Event>) {
        let string = |name| delta.get(name).and_then(json::text).unwrap_or_default();
        match self {
            Self::Call { index, input } => {
                let arguments = string("partial_json");
                if !arguments.is_empty() {
                    *input = None;
                    events.push(more(*index, arguments));
                }
            }
            Self::Native { input, .. } => input.push_str(&string("partial_json")),
            Self::Text => {
                text(string("text"), events);
                if let Some(raw) = delta.get("citation") {
                    cite(raw, events);
                }
            }
            Self::Thinking => {
                think(string("thinking"), events);
                sign(&string("signature"), events);
            }
            Self::Whole => {}
        }
    }

    /// Ends the block and appends what was held back.
    pub(super) fn stop(self, events: &mut Vec<Event>) {
        match self {
            Self::Call { index, input } => {
                events.extend(input.map(|arguments| more(index, arguments)));
            }
            Self::Native { fields, input } => events.push(Event::Whole {
                choice: 0,
                part: native(fields, &input),
            }),
            Self::Text | Self::Thinking => events.push(Event::PartEnd { choice: 0 }),
            Self::Whole => {}
        }
    }
}

fn text(text: String, events: &mut Vec<Event>) {
    if !text.is_empty() {
        events.push(Event::Text { choice: 0, text });
    }
}

fn cite(raw: &RawValue, events: &mut Vec<Event>) {
    let citation = citation::read(raw);
    events.extend(citation.map(|citation| Event::Citation {
        choice: 0,
        citation,
    }));
}

fn think(text: String, events: &mut Vec<Event>) {
    if !text.is_empty() {
        events.push(Event::Reasoning { choice: 0, text });
    }
}

fn sign(text: &str, events: &mut Vec<Event>) {
    events.extend(signature(text).map(|signature| Event::ReasoningSignature {
        choice: 0,
        signature,
    }));
}

fn more(index: u32, arguments: String) -> Event {
    Event::ToolCall {
        choice: 0,
        index,
        id: None,
        name: None,
        arguments,
        signature: None,
    }
}

/// The whole block, with the input that was streamed.
fn native(mut fields: Fields, input: &str) -> Part {
    if let Some(input) = Json::parse(input) {
        fields.0.retain(|(name, _)| name != "input");
        fields.keep("input", input.raw());
    }
    Part::new(Content::Native {
        family: Family::Anthropic,
        block: Json::of(&fields),
    })
}
