//! The wires that callers speak: one row each, so that the path of a request is the same for all.

mod names;

use super::gemini::Framing;
use super::writer::{Head, StreamWriter};
use super::{
    Answer, ChatRequest, Family, anthropic, cloudflare_error, gemini, openai_chat, openai_error,
    openai_responses, run, workers_ai,
};
use crate::error::Error;
use crate::http::{Gateway, Reply};
use crate::money::Nanos;
use crate::routing::bound;
use crate::usage::Usage;

/// A wire that a caller speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini(Framing),
    /// `OpenAI`'s chat completions.
    #[default]
    OpenAiChat,
    /// `OpenAI`'s Responses.
    OpenAiResponses,
    /// Esclusa's own.
    Run,
    /// Workers AI's own, as its REST interface has it.
    WorkersAi,
}

/// A path that answers conversations, with what it says beside the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatPath<'a> {
    /// The wire of the path.
    pub dialect: Dialect,
    /// Account and provider, where the path names them.
    pub gateway: Gateway<'a>,
    /// The model, where the path names it.
    pub model: Option<&'a str>,
    /// Whether the answer is streamed, where the path says so.
    pub stream: Option<bool>,
}

impl ChatPath<'_> {
    /// The same path with what its query says.
    #[must_use]
    pub fn with_query(self, query: &str) -> Self {
        match self.dialect {
            Dialect::Gemini(_) => Self {
                dialect: Dialect::Gemini(Framing::of(query)),
                ..self
            },
            _ => self,
        }
    }
}

/// What a caller is told with an answer.
#[derive(Clone, Copy, Debug)]
pub struct Bill<'a> {
    /// What the whole request used.
    pub usage: &'a Usage,
    /// What it cost.
    pub cost: Nanos,
}

impl Dialect {
    /// The wire of a path, also of one that is not served: its errors are those that its clients know.
    #[must_use]
    pub fn of(path: &str) -> Self {
        if path.starts_with("/v1/messages") {
            Self::Anthropic
        } else if path.starts_with("/v1beta/") || path.contains("/google-ai-studio/") {
            Self::Gemini(Framing::default())
        } else {
            Self::default()
        }
    }

    /// Sets the header in which the wire's clients look for the id of a request, beside
    /// `x-request-id`.
    pub fn sign(self, reply: &mut Reply, request_id: String) {
        if self == Self::Anthropic {
            reply.set("request-id", request_id);
        }
    }

    /// The endpoint's name in records.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Anthropic => "messages",
            Self::Gemini(_) => "generate.content",
            Self::OpenAiChat => "chat.completions",
            Self::OpenAiResponses => "responses",
            Self::Run => "run",
            Self::WorkersAi => "workers-ai",
        }
    }

    /// The family whose signatures and native blocks this wire carries as they are.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Anthropic => Family::Anthropic,
            Self::Gemini(_) => Family::Google,
            Self::OpenAiChat | Self::OpenAiResponses | Self::Run | Self::WorkersAi => {
                Family::OpenAi
            }
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// `InvalidRequest`, with the path of the field.
    pub fn parse(self, body: &[u8], path: &ChatPath<'_>) -> Result<ChatRequest, Error> {
        match self {
            Self::Anthropic => anthropic::parse(body),
            Self::Gemini(_) => {
                let stream = path.stream.unwrap_or_default();
                gemini::parse(body, path.model.unwrap_or_default(), stream)
            }
            Self::OpenAiChat => openai_chat::parse(body),
            Self::OpenAiResponses => openai_responses::parse(body),
            Self::Run => run::parse(body),
            Self::WorkersAi => workers_ai::parse(body, path.model.unwrap_or_default()),
        }
    }

    /// Writes a whole answer to `request`.
    #[must_use]
    pub fn render(
        self,
        request: &ChatRequest,
        answer: &Answer,
        head: &Head,
        bill: Bill<'_>,
    ) -> Vec<u8> {
        match self {
            Self::Anthropic => anthropic::render(answer, head, bill.usage, bill.cost),
            Self::Gemini(_) => gemini::render(answer, head, bill.usage, bill.cost),
            Self::OpenAiChat => openai_chat::render(answer, head, bill.usage, bill.cost),
            Self::OpenAiResponses => {
                let thread = request.thread.clone().unwrap_or_default();
                openai_responses::render(&thread, answer, head, bill)
            }
            Self::Run => run::render(answer, head, bill),
            Self::WorkersAi => workers_ai::render(answer, head, bill),
        }
    }

    /// A writer of the streamed answer to `request`.
    #[must_use]
    pub fn writer(self, request: &ChatRequest, head: Head) -> Box<dyn StreamWriter> {
        match self {
            Self::Anthropic => {
                let likely = bound::likely_tokens(request);
                Box::new(anthropic::EventWriter::new(head, likely))
            }
            Self::Gemini(Framing::Array) => Box::new(gemini::ArrayWriter::new(head)),
            Self::Gemini(Framing::Events) => Box::new(gemini::EventWriter::new(head)),
            Self::OpenAiChat => {
                Box::new(openai_chat::ChunkWriter::new(head, request.include_usage))
            }
            Self::OpenAiResponses => {
                let thread = request.thread.clone().unwrap_or_default();
                Box::new(openai_responses::EventWriter::new(thread, head))
            }
            Self::Run => Box::new(run::DeltaWriter::new(head)),
            Self::WorkersAi => workers_ai::writer(head),
        }
    }

    /// The media type of streamed answers.
    #[must_use]
    pub const fn stream_type(self) -> &'static str {
        match self {
            Self::Gemini(Framing::Array) => "application/json; charset=utf-8",
            _ => "text/event-stream; charset=utf-8",
        }
    }

    /// The reply to a request that failed.
    #[must_use]
    pub fn error(self, error: &Error, request_id: &str) -> Reply {
        match self {
            Self::Anthropic => anthropic::error_body(error, request_id),
            Self::Gemini(_) => gemini::error_body(error, request_id),
            Self::OpenAiChat | Self::OpenAiResponses | Self::Run => {
                openai_error::error_body(error, request_id)
            }
            Self::WorkersAi => cloudflare_error::error_body(error, request_id),
        }
    }
}
