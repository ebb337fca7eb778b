//! `OpenAI`'s chat completions: the wire of `POST /v1/chat/completions`.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

mod answer;
mod message;
mod request;
mod stream;

use serde::Serialize;

pub use self::answer::render;
pub use self::request::{MAX_CHOICES, MAX_MESSAGES, MAX_TOOLS, parse};
pub use self::stream::ChunkWriter;
use super::{FinishReason, Source};
use crate::money::Nanos;
use crate::usage::Usage;

/// What stands around an answer, whole or streamed.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The answer's id, e.g. `chatcmpl-…`.
    pub id: String,
    /// Unix seconds.
    pub created: u64,
    /// The model that answered.
    pub model: String,
    /// What grounds the answer; the field is left out where there is nothing.
    pub sources: Vec<Source>,
}

/// What the caller is told of tokens and money. `cost_usd` is decimal text, as money always is.
#[derive(Serialize)]
struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTokens,
    cost_usd: String,
}

#[derive(Serialize)]
struct PromptTokens {
    cached_tokens: u64,
}

impl UsageBody {
    fn new(usage: &Usage, cost: Nanos) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            prompt_tokens_details: PromptTokens {
                cached_tokens: usage.cached_input_tokens,
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

const fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Length => "length",
        FinishReason::Stop => "stop",
        FinishReason::ToolCalls => "tool_calls",
    }
}

#[cfg(test)]
mod tests;
