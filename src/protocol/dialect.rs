//! The wires that callers speak: one row each, so that the path of a request is the same for all.

use super::writer::{Head, StreamWriter};
use super::{
    Answer, ChatRequest, Family, anthropic, cloudflare_error, openai_chat, openai_error,
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
            Self::OpenAiChat => openai_chat::render(answer, head, bill.usage, bill.cost),
            Self::OpenAiResponses => {
                let thread = request.thread.clone().unwrap_or_default();
                openai_responses::render(&thread, answer, head, bill)
            }
            Self::Run => run::render(request, answer, head, bill),
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
            Self::OpenAiChat => {
                Box::new(openai_chat::ChunkWriter::new(head, request.include_usage))
            }
            Self::OpenAiResponses => {
                let thread = request.thread.clone().unwrap_or_default();
                Box::new(openai_responses::EventWriter::new(thread, head))
            }
            Self::Run => Box::new(run::DeltaWriter::new(request, head)),
            Self::WorkersAi => workers_ai::writer(head),
        }
    }

    /// The reply to a request that failed.
    #[must_use]
    pub fn error(self, error: &Error, request_id: &str) -> Reply {
        match self {
            Self::Anthropic => anthropic::error_body(error, request_id),
            Self::OpenAiChat | Self::OpenAiResponses | Self::Run => {
                openai_error::error_body(error, request_id)
            }
            Self::WorkersAi => cloudflare_error::error_body(error, request_id),
        }
    }
}
