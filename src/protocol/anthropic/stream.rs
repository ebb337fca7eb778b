//! A streamed answer as Anthropic's typed events.
//!
//! Blocks come one after the other, as Anthropic sends them, also where a provider writes several
//! calls at once: what belongs to a later block is held until the one before it is complete.

mod queue;

use serde::Serialize;

use self::queue::{Kind, Queue};
use super::answer::{MessageBody, UsageBody, block, stop_reason};
use super::body::{Block, input};
use super::{citation, error};
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{Citation, Event, Family, FinishReason, Json, Signature};
use crate::sse;
use crate::usage::Usage;

/// Writes the events of one stream.
#[derive(Debug)]
pub struct EventWriter {
    head: Head,
    /// The prompt's tokens, where the provider has not told them when the message begins.
    likely_tokens: u64,
    begun: bool,
    queue: Queue,
    usage: Option<Usage>,
    service_tier: Option<String>,
    refused: bool,
    reason: Option<FinishReason>,
    stop_sequence: Option<String>,
}

impl EventWriter {
    /// A writer of a stream that has not begun, to a prompt that is likely to have so many tokens.
    #[must_use]
    pub fn new(head: Head, likely_tokens: u64) -> Self {
        Self {
            head,
            likely_tokens,
            begun: false,
            queue: Queue::default(),
            usage: None,
            service_tier: None,
            refused: false,
            reason: None,
            stop_sequence: None,
        }
    }
}

impl StreamWriter for EventWriter {
    /// Of several choices the first counts: the wire has one answer.
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::ServiceTier(tier) => self.service_tier = Some(tier.clone()),
            Event::Finish {
                choice: 0,
                reason,
                stop_sequence,
            } => {
                self.reason = Some(*reason);
                self.stop_sequence.clone_from(stop_sequence);
            }
            Event::PartEnd { choice: 0 } => self.queue.close_last(),
            _ => self.content(event, out),
        }
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        self.begin(out);
        self.queue.finish(out);
        let reason = self.reason.unwrap_or(FinishReason::Stop);
        let ending = StreamEvent::MessageDelta {
            delta: Ending {
                stop_reason: stop_reason(reason, self.stop_sequence.is_some(), self.refused),
                stop_sequence: self.stop_sequence.as_deref(),
            },
            usage: UsageBody::new(usage, self.service_tier.as_deref(), Some(cost)),
        };
        ending.write(out);
        StreamEvent::MessageStop.write(out);
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        let object = error::object(error, &self.head.request);
        write(out, "error", &object);
    }

    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        StreamEvent::Ping.write(out);
    }
}

impl EventWriter {
    fn content(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice: 0, text } if !text.is_empty() => {
                self.text(Kind::Text, text, out);
            }
            Event::Refusal { choice: 0, text } if !text.is_empty() => {
                self.refused = true;
                self.text(Kind::Refusal, text, out);
            }
            Event::Reasoning { choice: 0, text } if !text.is_empty() => self.reasoning(text, out),
            Event::ReasoningSignature {
                choice: 0,
                signature,
            } => self.sign(signature, out),
            Event::Citation {
                choice: 0,
                citation,
            } => self.cite(citation, out),
            Event::ToolCall { choice: 0, .. } => self.call(event, out),
            Event::Whole { choice: 0, part } => {
                if let Some(block) = block(&part.content) {
                    self.open(Kind::Whole, block, out);
                }
            }
            _ => {}
        }
    }

    /// Begins the message. A client reads from it how large the prompt is.
    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let likely = Usage {
            input_tokens: self.likely_tokens,
            ..Usage::default()
        };
        let usage = self.usage.unwrap_or(likely);
        let mut message = MessageBody::new(&self.head);
        message.usage = UsageBody::new(&usage, self.service_tier.as_deref(), None);
        StreamEvent::MessageStart { message }.write(out);
        StreamEvent::Ping.write(out);
    }

    fn open(&mut self, kind: Kind, content_block: Block<'_>, out: &mut Vec<u8>) {
        self.begin(out);
        self.queue.open(kind, content_block, out);
    }

    fn text(&mut self, kind: Kind, text: &str, out: &mut Vec<u8>) {
        if !self.queue.continues(&kind) {
            self.open(kind, empty_text(), out);
        }
        self.queue.append(&Delta::Text { text }, out);
    }

    /// A citation belongs to the text before it, also where that is complete.
    fn cite(&mut self, citation: &Citation, out: &mut Vec<u8>) {
        let Some(citation) = citation::write(citation) else {
            return;
        };
        if !self.queue.ends_with(&Kind::Text) {
            self.open(Kind::Text, empty_text(), out);
        }
        self.queue.append(
            &Delta::Citations {
                citation: &citation,
            },
            out,
        );
    }

    fn reasoning(&mut self, thinking: &str, out: &mut Vec<u8>) {
        self.thinking(out);
        self.queue.append(&Delta::Thinking { thinking }, out);
    }

    fn sign(&mut self, signature: &Signature, out: &mut Vec<u8>) {
        self.thinking(out);
        let signature = signature.to_wire(Family::Anthropic);
        self.queue.append(
            &Delta::Signature {
                signature: &signature,
            },
            out,
        );
        self.queue.close_last();
    }

    fn thinking(&mut self, out: &mut Vec<u8>) {
        if !self.queue.continues(&Kind::Thinking) {
            let empty = Block::Thinking {
                thinking: "",
                signature: "".into(),
            };
            self.open(Kind::Thinking, empty, out);
        }
    }

    fn call(&mut self, event: &Event, out: &mut Vec<u8>) {
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
        let signature = signature.as_ref().map(|it| it.to_wire(Family::Anthropic));
        let kind = Kind::Call(*index);
        if id.is_some() {
            let empty = Block::ToolUse {
                id: id.as_deref().unwrap_or_default().into(),
                name: name.as_deref().unwrap_or_default(),
                input: input(""),
                signature: signature.clone(),
                cache_control: None,
            };
            self.open(kind, empty, out);
        } else if let Some(signature) = &signature {
            self.queue
                .append_to(*index, &Delta::Signature { signature }, out);
        }
        if !arguments.is_empty() {
            self.queue.arguments(*index, arguments, out);
        }
    }
}

const fn empty_text<'a>() -> Block<'a> {
    Block::Text {
        text: "",
        citations: Vec::new(),
        cache_control: None,
    }
}

/// An event of the stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum StreamEvent<'a> {
    ContentBlockDelta {
        index: u32,
        delta: &'a Delta<'a>,
    },
    ContentBlockStart {
        index: u32,
        content_block: Block<'a>,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: Ending<'a>,
        usage: UsageBody,
    },
    MessageStart {
        message: MessageBody<'a>,
    },
    MessageStop,
    Ping,
}

impl StreamEvent<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStart { .. } => "message_start",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        write(out, self.name(), self);
    }
}

fn write<T: Serialize>(out: &mut Vec<u8>, name: &str, value: &T) {
    let text = serde_json::to_string(value).unwrap_or_default();
    sse::write_event(out, name, &text);
}

/// More of a block.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "citations_delta")]
    Citations { citation: &'a Json },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
}

/// How the message ends.
#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}
