//! Answers, whole and as the events of a stream.

use serde::{Deserialize, Serialize};

use super::json::Json;
use super::message::{Citation, Content, Part, Signature, ToolCall, plain_text};
use crate::usage::Usage;

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The provider's filter.
    ContentFilter,
    /// The bound of tokens.
    Length,
    /// The provider paused a long turn of hosted tools; the caller may send it back to go on.
    Pause,
    /// The model would not answer.
    Refusal,
    /// It was done, or came to a stop sequence.
    Stop,
    /// It waits for tools.
    ToolCalls,
}

/// One of the answers of a whole (not streamed) reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the model gave, in order: reasoning, text, refusals, calls.
    pub parts: Vec<Part>,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// The stop sequence it came to, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_sequence: Option<String>,
    /// The probabilities of its tokens: elements of `OpenAI`'s `logprobs.content`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logprobs: Vec<Json>,
}

impl Choice {
    /// A choice of parts.
    #[must_use]
    pub const fn new(parts: Vec<Part>, finish_reason: FinishReason) -> Self {
        Self {
            parts,
            finish_reason,
            stop_sequence: None,
            logprobs: Vec::new(),
        }
    }

    /// All text in one, `None` where no part is text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.joined(|content| match content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        })
    }

    /// All reasoning in one, `None` where there is none to show.
    #[must_use]
    pub fn reasoning(&self) -> Option<String> {
        self.joined(|content| match content {
            Content::Reasoning { text, .. } if !text.is_empty() => Some(text),
            _ => None,
        })
    }

    /// The whole refusal, `None` where there is none.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        self.joined(|content| match content {
            Content::Refusal(text) => Some(text),
            _ => None,
        })
    }

    /// The calls of tools.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::tool_call)
    }

    fn joined(&self, of: impl Fn(&Content) -> Option<&String>) -> Option<String> {
        let mut texts = self.parts.iter().filter_map(|part| of(&part.content));
        let first = texts.next()?.clone();
        Some(texts.fold(first, |all, text| all + text))
    }

    /// UTF-8 bytes of what the model wrote, to estimate usage by.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        let sizes = self.parts.iter().map(|part| match &part.content {
            Content::Reasoning { text, .. }
            | Content::Refusal(text)
            | Content::Text { text, .. } => text.len(),
            Content::ToolCall(call) => call.name.len().saturating_add(call.arguments.len()),
            Content::Native { block, .. } => block.get().len(),
            Content::ToolResult(result) => plain_text(&result.parts).len(),
            Content::Audio(_)
            | Content::File(_)
            | Content::Image(_)
            | Content::RedactedReasoning(_) => 0,
        });
        u64::try_from(sizes.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
    }
}

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// At least one.
    pub choices: Vec<Choice>,
    /// What it used, where the provider says so.
    pub usage: Option<Usage>,
    /// The class of service it was given by, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
}

impl Answer {
    /// UTF-8 bytes of what the model wrote, to estimate usage by.
    #[must_use]
    pub fn output_bytes(&self) -> u64 {
        let sizes = self.choices.iter().map(Choice::output_bytes);
        sizes.fold(0, u64::saturating_add)
    }
}

/// A step of a streamed answer. Indices count choices and tool calls from 0.
///
/// Text goes on with the part before it where that is text too, and begins a part where it is not;
/// so do reasoning and refusals. [`Event::PartEnd`] parts two of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What the text before it rests on.
    Citation {
        /// Which choice.
        choice: u32,
        /// The citation.
        citation: Citation,
    },
    /// A choice is complete.
    Finish {
        /// Which choice.
        choice: u32,
        /// Why the model stopped.
        reason: FinishReason,
        /// The stop sequence it came to, where the provider says so.
        stop_sequence: Option<String>,
    },
    /// The probabilities of tokens of the text before it.
    Logprobs {
        /// Which choice.
        choice: u32,
        /// Elements of `OpenAI`'s `logprobs.content`.
        tokens: Vec<Json>,
    },
    /// The part before it is complete.
    PartEnd {
        /// Which choice.
        choice: u32,
    },
    /// More of the reasoning.
    Reasoning {
        /// Which choice.
        choice: u32,
        /// The text to append.
        text: String,
    },
    /// The signature of the reasoning before it, which is complete with it.
    ReasoningSignature {
        /// Which choice.
        choice: u32,
        /// The signature.
        signature: Signature,
    },
    /// More of the refusal.
    Refusal {
        /// Which choice.
        choice: u32,
        /// The text to append.
        text: String,
    },
    /// The class of service the answer is given by.
    ServiceTier(String),
    /// More of the text.
    Text {
        /// Which choice.
        choice: u32,
        /// The text to append.
        text: String,
    },
    /// A new tool call, or more of the arguments of a known one.
    ToolCall {
        /// Which choice.
        choice: u32,
        /// Which call of that choice.
        index: u32,
        /// Set in the first event of a call.
        id: Option<String>,
        /// Set in the first event of a call.
        name: Option<String>,
        /// JSON text to append to the arguments.
        arguments: String,
        /// The provider's proof of the thought behind it, in any event of the call.
        signature: Option<Signature>,
    },
    /// What the whole stream used so far.
    Usage(Usage),
    /// A part that comes whole: redacted reasoning, a native block.
    Whole {
        /// Which choice.
        choice: u32,
        /// The part.
        part: Part,
    },
}

/// A source that grounds an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The document's id.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// Where a person finds it; empty where nowhere.
    pub uri: String,
    /// The passage that was used.
    pub passage: String,
    /// How well it fits, 0 to 1, by the reranker.
    pub score: f64,
}
