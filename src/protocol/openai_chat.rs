//! `OpenAI`'s chat completions: the wire of `POST /v1/chat/completions`.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

mod answer;
pub(crate) mod message;
pub(crate) mod part;
mod reasoning;
pub(crate) mod request;
mod stream;
pub(crate) mod tools;

use std::borrow::Cow;

use serde::Serialize;

pub use self::answer::render;
pub use self::request::{MAX_CHOICES, MAX_MESSAGES, parse};
pub use self::stream::ChunkWriter;
pub use self::tools::MAX_TOOLS;
use super::writer::Head;
use super::{Citation, Family, FinishReason, Json, Signature};
use crate::money::Nanos;
use crate::usage::Usage;

/// The answer's id.
fn id(head: &Head) -> String {
    format!("chatcmpl-{}", head.request)
}

/// What the caller is told of tokens and money. `cost_usd` is decimal text, as money always is.
#[derive(Serialize)]
pub(super) struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTokens,
    completion_tokens_details: CompletionTokens,
    cost_usd: String,
}

#[derive(Serialize)]
struct PromptTokens {
    cached_tokens: u64,
    audio_tokens: u64,
}

#[expect(clippy::struct_field_names, reason = "OpenAI calls them so")]
#[derive(Serialize)]
struct CompletionTokens {
    reasoning_tokens: u64,
    audio_tokens: u64,
    accepted_prediction_tokens: u64,
    rejected_prediction_tokens: u64,
}

impl UsageBody {
    pub(super) fn new(usage: &Usage, cost: Nanos) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            prompt_tokens_details: PromptTokens {
                cached_tokens: usage.cached_input_tokens,
                audio_tokens: usage.audio_input_tokens,
            },
            completion_tokens_details: CompletionTokens {
                reasoning_tokens: usage.reasoning_tokens,
                // Nobody is asked for speech here, and predictions are counted with the rest.
                audio_tokens: 0,
                accepted_prediction_tokens: 0,
                rejected_prediction_tokens: 0,
            },
            cost_usd: cost.to_usd(),
        }
    }
}

/// The function of a tool call, whole or in part.
#[derive(Serialize)]
struct FunctionBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

/// Gemini's signature of a call, where Google's own `OpenAI` interface puts it.
#[derive(Serialize)]
pub(super) struct ExtraContent<'a> {
    google: ThoughtSignature<'a>,
}

#[derive(Serialize)]
struct ThoughtSignature<'a> {
    thought_signature: Cow<'a, str>,
}

impl<'a> ExtraContent<'a> {
    /// The content of a signature.
    pub(super) fn of(signature: Option<&'a Signature>) -> Option<Self> {
        let thought_signature = signature?.to_wire(Family::Google);
        Some(Self {
            google: ThoughtSignature { thought_signature },
        })
    }
}

/// What a text rests on: pages of the web only, the rest has no place in this wire.
#[derive(Serialize)]
struct Annotation<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation<'a>,
}

#[derive(Serialize)]
struct UrlCitation<'a> {
    start_index: u32,
    end_index: u32,
    title: &'a str,
    url: &'a str,
}

impl<'a> Annotation<'a> {
    fn of(citation: &'a Citation) -> Option<Self> {
        let (start_index, end_index) = citation.span.unwrap_or_default();
        Some(Self {
            kind: "url_citation",
            url_citation: UrlCitation {
                start_index,
                end_index,
                title: citation.title.as_deref().unwrap_or_default(),
                url: citation.url.as_deref()?,
            },
        })
    }
}

/// The probabilities of an answer's tokens.
#[derive(Serialize)]
struct Logprobs<'a> {
    content: &'a [Json],
    refusal: Option<()>,
}

impl<'a> Logprobs<'a> {
    fn of(tokens: &'a [Json]) -> Option<Self> {
        (!tokens.is_empty()).then_some(Self {
            content: tokens,
            refusal: None,
        })
    }
}

/// The word for why a model stopped.
pub(crate) const fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::ContentFilter | FinishReason::Refusal => "content_filter",
        FinishReason::Length => "length",
        FinishReason::Pause | FinishReason::Stop => "stop",
        FinishReason::ToolCalls => "tool_calls",
    }
}

#[cfg(test)]
mod tests;
