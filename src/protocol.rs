//! The one internal model of a chat request, its answer and its stream, between every wire in and
//! every provider out.

pub mod assembly;
pub mod json;
pub mod openai_chat;
pub mod openai_error;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::usage::Usage;

/// JSON fields that Esclusa does not interpret: in the order they came, byte for byte as they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, Box<RawValue>)>);

/// A chat request, parsed and valid.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The model as the caller wrote it.
    pub model: String,
    /// The operation that `metadata.operation` names.
    pub operation: Option<String>,
    /// At least one.
    pub messages: Vec<Message>,
    /// The tools, as they came; at most 128.
    pub tools: Vec<Box<RawValue>>,
    /// What form the answer must have.
    pub response_format: ResponseFormat,
    /// The caller's bound of the answer, in tokens.
    pub max_output_tokens: Option<u32>,
    /// How many answers, 1 to 8.
    pub choices: u32,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the stream ends with a chunk of usage.
    pub include_usage: bool,
    /// Everything else (`temperature`, `seed`, `tool_choice`, unknown fields, …), passed through.
    pub rest: Fields,
}

/// What form an answer must have.
#[derive(Clone, Debug, Default)]
pub enum ResponseFormat {
    /// Any JSON object.
    JsonObject,
    /// An instance of a schema.
    JsonSchema {
        /// The schema itself.
        schema: Box<RawValue>,
        /// The whole `json_schema` object as `OpenAI` defines it: name, schema, strict.
        envelope: Box<RawValue>,
    },
    /// Text.
    #[default]
    Text,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model.
    Assistant,
    /// The application, to newer models.
    Developer,
    /// The application.
    System,
    /// A tool's result.
    Tool,
    /// The person.
    User,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content,
    /// Tool calls, `tool_call_id`, `name` and unknown fields, passed through.
    pub rest: Fields,
}

impl Message {
    /// A message of text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            content: Content::Text(text.into()),
            rest: Fields::default(),
        }
    }
}

/// What a message says.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing: an assistant message that only calls tools.
    Empty,
    /// Parts: text, images, audio, files.
    Parts(Vec<Part>),
    /// Text.
    Text(String),
}

/// A part of a message.
#[derive(Clone, Debug)]
pub enum Part {
    /// Sound, as it came.
    Audio(Box<RawValue>),
    /// A file, as it came.
    File(Box<RawValue>),
    /// A picture, as it came.
    Image(Box<RawValue>),
    /// A refusal of the model, as it came.
    Refusal(Box<RawValue>),
    /// Text.
    Text {
        /// The text.
        text: String,
        /// `cache_control` and unknown fields, passed through.
        rest: Fields,
    },
}

impl Content {
    /// All text, parts joined by line breaks.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                let texts = parts.iter().filter_map(|part| match part {
                    Part::Text { text, .. } => Some(text.as_str()),
                    _ => None,
                });
                Cow::Owned(texts.collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

/// What a request asks of a model, found in its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub struct Needs {
    /// Tools.
    pub tools: bool,
    /// Pictures.
    pub vision: bool,
    /// Sound.
    pub audio: bool,
    /// An instance of a schema, or JSON.
    pub json: bool,
}

impl ChatRequest {
    /// The text of the last turn of the user, which says what the request is about.
    #[must_use]
    pub fn last_user_text(&self) -> Cow<'_, str> {
        let last = self
            .messages
            .iter()
            .rev()
            .find(|message| message.role == Role::User);
        last.map_or(Cow::Borrowed(""), |message| message.content.text())
    }

    /// What the request asks of a model.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let parts = || {
            self.messages
                .iter()
                .flat_map(|message| match &message.content {
                    Content::Parts(parts) => parts.as_slice(),
                    _ => &[],
                })
        };
        Needs {
            tools: !self.tools.is_empty(),
            vision: parts().any(|part| matches!(part, Part::Image(_))),
            audio: parts().any(|part| matches!(part, Part::Audio(_))),
            json: !matches!(self.response_format, ResponseFormat::Text),
        }
    }
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The provider's filter.
    ContentFilter,
    /// The bound of tokens.
    Length,
    /// It was done.
    Stop,
    /// It waits for tools.
    ToolCalls,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names this call in the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text of the arguments.
    pub arguments: String,
}

/// One of the answers of a whole (not streamed) reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The text, where there is any.
    pub text: Option<String>,
    /// The model's reasoning, where it shows it.
    pub reasoning: Option<String>,
    /// Its refusal, where it refused in so many words.
    pub refusal: Option<String>,
    /// The tools it calls.
    pub tool_calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish_reason: FinishReason,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// At least one.
    pub choices: Vec<Choice>,
    /// What it used, where the provider says so.
    pub usage: Option<Usage>,
}

/// A step of a streamed answer. Indices count choices and tool calls from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A choice is complete.
    Finish {
        /// Which choice.
        choice: u32,
        /// Why the model stopped.
        reason: FinishReason,
    },
    /// More of the reasoning.
    Reasoning {
        /// Which choice.
        choice: u32,
        /// The text to append.
        text: String,
    },
    /// More of the refusal.
    Refusal {
        /// Which choice.
        choice: u32,
        /// The text to append.
        text: String,
    },
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
    },
    /// What the whole stream used so far.
    Usage(Usage),
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
