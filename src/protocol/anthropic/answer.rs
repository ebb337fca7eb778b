//! A whole answer as a message.

use std::borrow::Cow;

use serde::Serialize;

use super::body::{Block, input};
use super::citation;
use crate::money::Nanos;
use crate::protocol::writer::Head;
use crate::protocol::{Answer, Choice, Content, Family, FinishReason, Source};
use crate::usage::Usage;

/// The body of a whole answer. `usage` and `cost` are those of the whole request.
///
/// Two fields are Esclusa's own: `usage.cost_usd`, decimal text, and `sources`, present only where
/// the answer is grounded. The wire has one answer, so of several the first counts.
#[must_use]
pub fn render(answer: &Answer, head: &Head, usage: &Usage, cost: Nanos) -> Vec<u8> {
    let choice = answer.choices.first();
    let contents = choice
        .into_iter()
        .flat_map(|choice| choice.parts.iter().map(|part| &part.content));
    let body = MessageBody {
        content: contents.clone().filter_map(block).collect(),
        stop_reason: choice.map(|choice| {
            let refused = contents.clone().any(is_refusal);
            stop_reason(
                choice.finish_reason,
                choice.stop_sequence.is_some(),
                refused,
            )
        }),
        stop_sequence: choice.and_then(stop_sequence),
        usage: UsageBody::new(usage, answer.service_tier.as_deref(), Some(cost)),
        ..MessageBody::new(head)
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

fn stop_sequence(choice: &Choice) -> Option<&str> {
    choice.stop_sequence.as_deref()
}

const fn is_refusal(content: &Content) -> bool {
    matches!(content, Content::Refusal(_))
}

/// A message, whole or at the beginning of a stream.
#[derive(Serialize)]
pub(super) struct MessageBody<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Block<'a>>,
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    pub(super) usage: UsageBody,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    sources: &'a [Source],
}

impl<'a> MessageBody<'a> {
    /// A message that says nothing yet.
    pub(super) fn new(head: &'a Head) -> Self {
        Self {
            id: format!("msg_{}", head.request),
            kind: "message",
            role: "assistant",
            model: &head.model,
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: UsageBody::default(),
            sources: &head.sources,
        }
    }
}

/// What the caller is told of tokens and money. Tokens of the prompt that were read from the
/// provider's cache, or written to it, stand apart from the others.
#[derive(Default, Serialize)]
pub(in crate::protocol) struct UsageBody {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation: Option<CacheCreation>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<String>,
}

/// For how long the tokens are kept that were written to the provider's cache.
#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

impl CacheCreation {
    fn of(usage: &Usage) -> Option<Self> {
        let (written, hour) = (usage.cache_write_tokens, usage.cache_write_1h_tokens);
        (written > 0).then_some(Self {
            ephemeral_5m_input_tokens: written.saturating_sub(hour),
            ephemeral_1h_input_tokens: hour,
        })
    }
}

impl UsageBody {
    pub(in crate::protocol) fn new(usage: &Usage, tier: Option<&str>, cost: Option<Nanos>) -> Self {
        let cached = usage
            .cached_input_tokens
            .saturating_add(usage.cache_write_tokens);
        Self {
            input_tokens: usage.input_tokens.saturating_sub(cached),
            cache_creation_input_tokens: usage.cache_write_tokens,
            cache_read_input_tokens: usage.cached_input_tokens,
            cache_creation: CacheCreation::of(usage),
            output_tokens: usage.output_tokens,
            service_tier: tier.and_then(service_tier),
            cost_usd: cost.map(Nanos::to_usd),
        }
    }
}

/// Anthropic's word for a class of service, where it has one.
fn service_tier(tier: &str) -> Option<&'static str> {
    match tier {
        "batch" => Some("batch"),
        "default" => Some("standard"),
        "priority" => Some("priority"),
        _ => None,
    }
}

/// The block of a part; `None` for one that says nothing, and for one that this wire has no place
/// for.
pub(super) fn block(content: &Content) -> Option<Block<'_>> {
    Some(match content {
        Content::Text { text, citations } if !text.is_empty() || !citations.is_empty() => {
            Block::Text {
                text,
                citations: citations.iter().filter_map(citation::write).collect(),
                cache_control: None,
            }
        }
        Content::Refusal(text) if !text.is_empty() => Block::Text {
            text,
            citations: Vec::new(),
            cache_control: None,
        },
        Content::Reasoning { text, signature } if !text.is_empty() || signature.is_some() => {
            let signature = signature.as_ref();
            Block::Thinking {
                thinking: text,
                signature: signature.map_or(Cow::Borrowed(""), |it| it.to_wire(Family::Anthropic)),
            }
        }
        Content::RedactedReasoning(signature) => Block::RedactedThinking {
            data: signature.to_wire(Family::Anthropic),
        },
        Content::ToolCall(call) => Block::ToolUse {
            id: Cow::Borrowed(&call.id),
            name: &call.name,
            input: input(&call.arguments),
            signature: call
                .signature
                .as_ref()
                .map(|it| it.to_wire(Family::Anthropic)),
            cache_control: None,
        },
        Content::Native {
            family: Family::Anthropic,
            block,
        } => Block::Native(block),
        _ => return None,
    })
}

/// Why the model stopped. A refusal in so many words is one whatever the provider calls it.
pub(super) const fn stop_reason(
    reason: FinishReason,
    sequence: bool,
    refused: bool,
) -> &'static str {
    match reason {
        _ if refused => "refusal",
        FinishReason::ContentFilter | FinishReason::Refusal => "refusal",
        FinishReason::Length => "max_tokens",
        FinishReason::Pause => "pause_turn",
        FinishReason::Stop if sequence => "stop_sequence",
        FinishReason::Stop => "end_turn",
        FinishReason::ToolCalls => "tool_use",
    }
}
