//! The worst that a request may cost, proven before anything is spent.
//!
//! A byte-level tokenizer never makes more tokens than there are bytes, so the bytes of the prompt
//! plus a constant for each message, tool and picture bound its tokens.

use crate::config::{Catalogue, Model, Rag};
use crate::money::Nanos;
use crate::protocol::{ChatRequest, Content, Fields, Part, ResponseFormat};
use crate::usage::{Price, Usage};

/// Tokens that a chat template adds to each message, and once to the whole.
const TOKENS_PER_MESSAGE: u64 = 32;
/// Tokens that a template adds to each tool.
const TOKENS_PER_TOOL: u64 = 64;
/// Tokens of a picture, a sound or a file behind an address: more than any catalogue model takes.
const TOKENS_PER_MEDIUM: u64 = 16_384;
/// Bytes of a user's text that are embedded and reranked.
pub const QUERY_BYTES: usize = 2_000;
/// Bytes of prompt that each passage may take, its frame included.
pub const PASSAGE_BYTES: usize = 5_000;
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
}

/// UTF-8 bytes of everything in a request that becomes tokens.
#[must_use]
pub fn text_bytes(request: &ChatRequest) -> u64 {
    let messages = request
        .messages
        .iter()
        .map(|message| content_bytes(&message.content).saturating_add(fields_bytes(&message.rest)));
    let tools = request.tools.iter().map(|tool| length(tool.get().len()));
    let format = match &request.response_format {
        ResponseFormat::JsonSchema { envelope, .. } => length(envelope.get().len()),
        ResponseFormat::JsonObject | ResponseFormat::Text => 0,
    };
    let rest = fields_bytes(&request.rest);
    messages
        .chain(tools)
        .chain([format, rest])
        .fold(0, u64::saturating_add)
}

fn content_bytes(content: &Content) -> u64 {
    match content {
        Content::Empty => 0,
        Content::Text(text) => length(text.len()),
        Content::Parts(parts) => parts.iter().map(part_bytes).fold(0, u64::saturating_add),
    }
}

fn part_bytes(part: &Part) -> u64 {
    match part {
        Part::Audio(raw) | Part::File(raw) | Part::Image(raw) | Part::Refusal(raw) => {
            length(raw.get().len())
        }
        Part::Text { text, rest } => length(text.len()).saturating_add(fields_bytes(rest)),
    }
}

fn fields_bytes(fields: &Fields) -> u64 {
    let sizes = fields
        .0
        .iter()
        .map(|(name, raw)| length(name.len()).saturating_add(length(raw.get().len())));
    sizes.fold(0, u64::saturating_add)
}

fn overhead(request: &ChatRequest) -> u64 {
    let messages = length(request.messages.len()).saturating_add(1);
    let tools = length(request.tools.len());
    let media = request
        .messages
        .iter()
        .map(|message| match &message.content {
            Content::Parts(parts) => {
                let is_medium =
                    |part: &&Part| matches!(part, Part::Audio(_) | Part::File(_) | Part::Image(_));
                length(parts.iter().filter(is_medium).count())
            }
            Content::Empty | Content::Text(_) => 0,
        });
    let media = media.fold(0, u64::saturating_add);
    messages
        .saturating_mul(TOKENS_PER_MESSAGE)
        .saturating_add(tools.saturating_mul(TOKENS_PER_TOOL))
        .saturating_add(media.saturating_mul(TOKENS_PER_MEDIUM))
}

/// The worst that one attempt at a model may cost.
#[must_use]
pub fn attempt(model: &Model, sizes: &Sizes, choices: u32, max_tokens: u32) -> Nanos {
    let usage = Usage {
        input_tokens: sizes.prompt_tokens,
        output_tokens: u64::from(choices).saturating_mul(u64::from(max_tokens)),
        ..Usage::default()
    };
    // A model that charges by another unit answers no conversation; the build sees to that.
    model
        .token_price()
        .map_or(Nanos::MAX, |price| dearest(price).cost(&usage))
}

/// The price without its discount for cached input, which may be dearer than the plain one.
fn dearest(price: &Price) -> Price {
    let input = price
        .cached_input
        .map_or(price.input, |cached| cached.max(price.input));
    Price {
        input,
        cached_input: None,
        ..*price
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
        let price = catalogue.model(id).and_then(Model::token_price);
        let usage = Usage {
            input_tokens,
            ..Usage::default()
        };
        price.map_or(Nanos::MAX, |price| price.cost(&usage))
    };
    cost(&catalogue.helpers.embed, query).saturating_add(cost(&catalogue.helpers.rerank, ranked))
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
