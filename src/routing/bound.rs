//! The worst that a request may cost, proven before anything is spent.
//!
//! A byte-level tokenizer never makes more tokens than there are bytes, so the bytes of the prompt
//! plus a constant for each message, tool and picture bound its tokens.

use super::custom_cost::CustomCost;
use crate::config::{Catalogue, Model, Rag};
use crate::money::Nanos;
use crate::protocol::{
    ChatRequest, Content, Fields, Media, MediaSource, Message, Part, ResponseFormat, Tool,
};
use crate::usage::{Price, Usage, estimate_tokens};

/// Tokens that a chat template adds to each message, and once to the whole.
const TOKENS_PER_MESSAGE: u64 = 32;
/// Tokens that a template adds to each tool.
const TOKENS_PER_TOOL: u64 = 64;
/// Tokens of a picture: more than any catalogue model makes of one.
/// <https://platform.openai.com/docs/guides/images-vision#calculating-costs>
const TOKENS_PER_IMAGE: u64 = 49_152;
/// Tokens that a picture is likely to be.
const USUAL_TOKENS_PER_IMAGE: u64 = 1_600;
/// Tokens of a sound or a document whose bytes are elsewhere.
const TOKENS_PER_MEDIUM: u64 = 131_072;
/// Bytes of a user's text that are embedded and reranked.
pub const QUERY_BYTES: usize = 2_000;
/// Bytes of prompt that each passage may take, its frame included.
pub const PASSAGE_BYTES: usize = 5_000;
/// Bytes of the policy that a guard reads with each text, and of its verdict.
pub const GUARD_BYTES: usize = 6_000;
/// Tokens of a verdict at most: a word and the codes of all hazards.
pub const VERDICT_TOKENS: u64 = 64;
/// Bytes of an answer for each of its tokens, where it is read again by a model. What has more is paid
/// for by an extension of the reservation.
pub(super) const BYTES_PER_TOKEN: u64 = 4;
/// Bytes around the instructions and passages: rules, line breaks.
const FRAME_BYTES: u64 = 1_000;

/// The sizes of a request's parts that are charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Tokens of the prompt at most, grounding included.
    pub prompt_tokens: u64,
    /// Bytes of the query that is embedded and reranked, at most.
    pub query_bytes: u64,
}

impl Sizes {
    /// The sizes of a request that will be grounded as `rag` says.
    #[must_use]
    pub fn of(request: &ChatRequest, instructions: Option<&str>, rag: Option<Rag>) -> Self {
        let instructions = length(instructions.unwrap_or_default().len());
        let passages = rag.map_or(0, |rag| u64::from(rag.passages));
        let grounding = passages.saturating_mul(length(PASSAGE_BYTES));
        let parts = [
            text_bytes(request),
            overhead(request),
            instructions,
            grounding,
            FRAME_BYTES,
        ];
        Self {
            prompt_tokens: parts.into_iter().fold(0, u64::saturating_add),
            query_bytes: length(request.last_user_text().len().min(QUERY_BYTES)),
        }
    }

    /// The sizes with so many bytes of prompt more.
    #[must_use]
    pub const fn with(self, bytes: u64) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(bytes),
            ..self
        }
    }
}

/// UTF-8 bytes of everything in a request that becomes tokens, but for media.
#[must_use]
pub fn text_bytes(request: &ChatRequest) -> u64 {
    let messages = request.messages.iter().map(message_bytes);
    let tools = request.tools.iter().map(tool_bytes);
    let format = match &request.response_format {
        ResponseFormat::JsonSchema { schema, .. } => length(schema.get().len()),
        ResponseFormat::JsonObject | ResponseFormat::Text => 0,
    };
    let extras = fields_bytes(&request.extras.fields);
    messages
        .chain(tools)
        .chain([format, extras])
        .fold(0, u64::saturating_add)
}

/// Tokens that a request is likely to have.
#[must_use]
pub fn likely_tokens(request: &ChatRequest) -> u64 {
    let media = request.contents().map(likely_media_tokens);
    let text = estimate_tokens(text_bytes(request));
    media.fold(text, u64::saturating_add)
}

/// UTF-8 bytes of messages, but for media.
#[must_use]
pub fn bytes_of(messages: &[Message]) -> u64 {
    let sizes = messages.iter().map(message_bytes);
    sizes.fold(0, u64::saturating_add)
}

/// Tokens that a message is likely to have.
#[must_use]
pub fn likely_tokens_of(message: &Message) -> u64 {
    let inner = message.parts.iter().flat_map(|part| match &part.content {
        Content::ToolResult(result) => result.parts.as_slice(),
        _ => std::slice::from_ref(part),
    });
    let media = inner.map(|part| likely_media_tokens(&part.content));
    media.fold(estimate_tokens(message_bytes(message)), u64::saturating_add)
}

/// UTF-8 bytes of a request besides its messages and media: tools, a schema.
#[must_use]
pub fn fixed_bytes(request: &ChatRequest) -> u64 {
    text_bytes(request).saturating_sub(bytes_of(&request.messages))
}

/// Tokens that a request is likely to have besides its messages, with `bytes` that are added.
#[must_use]
pub fn likely_fixed_tokens(request: &ChatRequest, bytes: usize) -> u64 {
    estimate_tokens(fixed_bytes(request).saturating_add(length(bytes)))
}

fn likely_media_tokens(content: &Content) -> u64 {
    match content {
        Content::Image(_) => USUAL_TOKENS_PER_IMAGE,
        Content::Audio(media) | Content::File(media) => estimate_tokens(media_bytes(media)),
        _ => 0,
    }
}

fn message_bytes(message: &Message) -> u64 {
    let parts = message.parts.iter().map(part_bytes);
    let name = message.name.as_deref().map_or(0, str::len);
    let others = [fields_bytes(&message.extras), length(name)];
    parts.chain(others).fold(0, u64::saturating_add)
}

fn part_bytes(part: &Part) -> u64 {
    match &part.content {
        Content::Audio(_) | Content::File(_) | Content::Image(_) => 0,
        Content::Native { block, .. } => length(block.get().len()),
        Content::Reasoning { text, .. } | Content::Refusal(text) | Content::Text { text, .. } => {
            length(text.len())
        }
        Content::RedactedReasoning(signature) => length(signature.value.len()),
        Content::ToolCall(call) => {
            let sizes = [call.id.len(), call.name.len(), call.arguments.len()];
            length(sizes.into_iter().fold(0, usize::saturating_add))
        }
        Content::ToolResult(result) => {
            let parts = result.parts.iter().map(part_bytes);
            parts.fold(length(result.call_id.len()), u64::saturating_add)
        }
    }
}

fn tool_bytes(tool: &Tool) -> u64 {
    match tool {
        Tool::Function(function) => {
            let description = function.description.as_deref().map_or(0, str::len);
            let parameters = function
                .parameters
                .as_ref()
                .map_or(0, |json| json.get().len());
            let sizes = [function.name.len(), description, parameters];
            length(sizes.into_iter().fold(0, usize::saturating_add))
        }
        Tool::Hosted(tool) => length(tool.definition.get().len()),
    }
}

fn fields_bytes(fields: &Fields) -> u64 {
    let sizes = fields
        .0
        .iter()
        .map(|(name, json)| length(name.len()).saturating_add(length(json.get().len())));
    sizes.fold(0, u64::saturating_add)
}

/// Bytes of a medium where they are here; they bound its tokens.
fn media_bytes(media: &Media) -> u64 {
    match &media.source {
        MediaSource::Base64(data) | MediaSource::Text(data) => length(data.len()),
        MediaSource::Id(_) | MediaSource::Url(_) => TOKENS_PER_MEDIUM,
    }
}

fn overhead(request: &ChatRequest) -> u64 {
    let messages = length(request.messages.len()).saturating_add(1);
    let tools = length(request.tools.len());
    let parts = length(request.contents().count());
    let media = request.contents().map(|content| match content {
        Content::Image(_) => TOKENS_PER_IMAGE,
        Content::Audio(media) | Content::File(media) => media_bytes(media),
        _ => 0,
    });
    let media = media.fold(0, u64::saturating_add);
    messages
        .saturating_add(parts)
        .saturating_mul(TOKENS_PER_MESSAGE)
        .saturating_add(tools.saturating_mul(TOKENS_PER_TOOL))
        .saturating_add(media)
}

/// The worst that one attempt at a model may cost.
#[must_use]
pub fn attempt(
    model: &Model,
    sizes: &Sizes,
    (choices, max_tokens): (u32, u32),
    custom: Option<CustomCost>,
) -> Nanos {
    let usage = Usage {
        input_tokens: sizes.prompt_tokens,
        output_tokens: u64::from(choices).saturating_mul(u64::from(max_tokens)),
        ..Usage::default()
    };
    if let Some(custom) = custom {
        return custom.bound(&usage);
    }
    // A model that charges by another unit answers no conversation; the build sees to that.
    model
        .token_price()
        .map_or(Nanos::MAX, |price| dearest(price).cost(&usage))
}

/// The price with every input token at the dearest rate that input may have.
pub(super) fn dearest(price: &Price) -> Price {
    let others = [
        price.audio_input,
        price.cache_write,
        price.cache_write_1h,
        price.cached_input,
    ];
    let input = others.into_iter().flatten().fold(price.input, Ord::max);
    Price {
        input,
        output: price.output,
        ..Price::default()
    }
}

/// The worst that grounding may cost: one embedding of the query, one reranking of `top_k` passages.
#[must_use]
pub fn helpers(sizes: &Sizes, rag: Rag, catalogue: &Catalogue) -> Nanos {
    let top_k = u64::from(rag.top_k);
    let query = sizes.query_bytes.saturating_add(TOKENS_PER_MESSAGE);
    let passage = length(PASSAGE_BYTES).saturating_add(TOKENS_PER_MESSAGE);
    let ranked = query.saturating_add(passage).saturating_mul(top_k);
    let cost = |id: &str, input_tokens| {
        let price = catalogue.model(id).and_then(|model| model.token_price());
        let usage = Usage {
            input_tokens,
            ..Usage::default()
        };
        price.map_or(Nanos::MAX, |price| price.cost(&usage))
    };
    cost(&catalogue.helpers.embed, query).saturating_add(cost(&catalogue.helpers.rerank, ranked))
}

/// The worst that the verdicts of a guard may cost: one of what is said, one of an answer of so many
/// bytes, each where there is one.
#[must_use]
pub fn guard(said: Option<u64>, answered: Option<u64>, catalogue: &Catalogue) -> Nanos {
    let model = catalogue.model(&catalogue.helpers.guard);
    let price = model.and_then(|model| model.token_price());
    let verdicts = [said, answered].into_iter().flatten().map(|bytes| {
        let usage = Usage {
            input_tokens: bytes.saturating_add(length(GUARD_BYTES)),
            output_tokens: VERDICT_TOKENS,
            ..Usage::default()
        };
        price.map_or(Nanos::MAX, |price| price.cost(&usage))
    });
    verdicts.fold(Nanos::ZERO, Nanos::saturating_add)
}

/// The worst that a search for a text may cost.
#[must_use]
pub fn search(query: &str, rag: Rag, catalogue: &Catalogue) -> Nanos {
    let sizes = Sizes {
        prompt_tokens: 0,
        query_bytes: length(query.len().min(QUERY_BYTES)),
    };
    helpers(&sizes, rag, catalogue)
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
