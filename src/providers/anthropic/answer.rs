//! A whole message, and the fields that streams share with it.

use serde_json::value::RawValue;

use crate::protocol::anthropic::citation;
use crate::protocol::json::{self, Json, Object};
use crate::protocol::openai_chat::message::MAX_TOOL_CALLS;
use crate::protocol::{Answer, Choice, Content, Family, FinishReason, Part, Signature, ToolCall};
use crate::providers::chat_completions::unwrapped;
use crate::providers::decode::answer_object;
use crate::providers::failure::Failure;
use crate::usage::Usage;

/// Figures above this are not usage but a fault.
const MAX_TOKENS: u64 = 100_000_000;

/// Reads a whole answer of status 2xx. `max_tokens` is the bound that was sent: a model that does
/// not say why it stopped and used that many was cut off.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub(in crate::providers) fn decode(max_tokens: u32, text: &str) -> Result<Answer, Failure> {
    let object = answer_object(text)?;
    let object = unwrapped(object);
    let content = object.get("content").and_then(json::elements);
    let content = content.ok_or_else(|| Failure::malformed("the message has no content"))?;
    let parts: Vec<Part> = content.into_iter().filter_map(block).collect();
    let told = object.get("usage").and_then(Object::of);
    let service_tier = told.as_ref().and_then(tier);
    let usage = usage(&object);
    let calls = parts.iter().filter_map(Part::tool_call).count();
    if calls > MAX_TOOL_CALLS {
        return Err(Failure::malformed("too many tool calls"));
    }
    let said = object
        .get("stop_reason")
        .and_then(json::text)
        .map(|word| reason(&word));
    let finish_reason = settle(said, calls > 0, usage, max_tokens);
    Ok(Answer {
        choices: vec![Choice {
            stop_sequence: object.get("stop_sequence").and_then(json::text),
            ..Choice::new(parts, finish_reason)
        }],
        usage,
        service_tier,
    })
}

/// What a message says that it used.
pub(in crate::providers) fn usage(message: &Object<'_>) -> Option<Usage> {
    let mut tokens = Tokens::default();
    tokens.update(&message.get("usage").and_then(Object::of)?);
    tokens.usage()
}

/// The part of a block; `None` for one that says nothing.
fn block(raw: &RawValue) -> Option<Part> {
    let object = Object::of(raw)?;
    let text = |name| object.get(name).and_then(json::text).unwrap_or_default();
    let content = match text("type").as_str() {
        "text" => Content::Text {
            text: Some(text("text")).filter(|text| !text.is_empty())?,
            citations: citations(&object),
        },
        "thinking" => Content::Reasoning {
            text: text("thinking"),
            signature: signature(&text("signature")),
        },
        "redacted_thinking" => Content::RedactedReasoning(redacted(&object)),
        "tool_use" => Content::ToolCall(ToolCall {
            id: text("id"),
            name: text("name"),
            arguments: object
                .get("input")
                .map_or_else(|| "{}".to_owned(), |raw| raw.get().to_owned()),
            signature: None,
        }),
        _ => Content::Native {
            family: Family::Anthropic,
            block: Json::from(raw),
        },
    };
    Some(Part::new(content))
}

fn citations(block: &Object<'_>) -> Vec<crate::protocol::Citation> {
    let items = block.get("citations").and_then(json::elements);
    let items = items.unwrap_or_default().into_iter();
    items.filter_map(citation::read).collect()
}

/// The signature of a text, where it is one.
pub(super) fn signature(text: &str) -> Option<Signature> {
    (!text.is_empty()).then(|| Signature::new(Family::Anthropic, text))
}

/// The signature that a block of redacted thinking is.
pub(super) fn redacted(block: &Object<'_>) -> Signature {
    let data = block.get("data").and_then(json::text);
    Signature::new(Family::Anthropic, data.unwrap_or_default())
}

/// Why the model stopped.
pub(super) fn reason(word: &str) -> FinishReason {
    match word {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "pause_turn" => FinishReason::Pause,
        "refusal" => FinishReason::Refusal,
        "tool_use" => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}

/// The reason for the caller, also where the provider said none.
pub(super) fn settle(
    said: Option<FinishReason>,
    calls: bool,
    usage: Option<Usage>,
    max_tokens: u32,
) -> FinishReason {
    let cut = || usage.is_some_and(|usage| usage.output_tokens >= u64::from(max_tokens));
    match said {
        Some(reason) => reason,
        None if calls => FinishReason::ToolCalls,
        None if cut() => FinishReason::Length,
        None => FinishReason::Stop,
    }
}

/// The class of service, in the words of [`Answer::service_tier`].
pub(super) fn tier(usage: &Object<'_>) -> Option<String> {
    let tier = usage.get("service_tier").and_then(json::text)?;
    Some(if tier == "standard" {
        "default".to_owned()
    } else {
        tier
    })
}

/// Anthropic's figures: tokens that were read from its cache, or written to it, stand apart from the
/// others. Those that come later in a stream replace the earlier ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tokens {
    fresh: Option<u64>,
    read: u64,
    written: u64,
    /// The part of what was written that is kept for an hour.
    hour: u64,
    output: Option<u64>,
}

/// A number of tokens that can be true.
fn figure(object: &Object<'_>, name: &str) -> Option<u64> {
    let number: u64 = object.get(name)?.get().parse().ok()?;
    (number <= MAX_TOKENS).then_some(number)
}

impl Tokens {
    /// Takes what an object of usage says.
    pub(super) fn update(&mut self, usage: &Object<'_>) {
        let figure = |name| figure(usage, name);
        self.fresh = figure("input_tokens").or(self.fresh);
        self.read = figure("cache_read_input_tokens").unwrap_or(self.read);
        self.written = figure("cache_creation_input_tokens").unwrap_or(self.written);
        self.output = figure("output_tokens").or(self.output);
        let kept = usage.get("cache_creation").and_then(Object::of);
        let hour = kept.and_then(|kept| self::figure(&kept, "ephemeral_1h_input_tokens"));
        self.hour = hour.unwrap_or(self.hour);
    }

    /// What was used; `None` where the figures cannot be true.
    pub(super) fn usage(self) -> Option<Usage> {
        let all = [self.fresh?, self.read, self.written];
        let input_tokens = all.into_iter().fold(0, u64::saturating_add);
        // A prompt has at least one token.
        (input_tokens > 0).then_some(Usage {
            input_tokens,
            cached_input_tokens: self.read,
            cache_write_tokens: self.written,
            cache_write_1h_tokens: self.hour.min(self.written),
            output_tokens: self.output?,
            ..Usage::default()
        })
    }
}
