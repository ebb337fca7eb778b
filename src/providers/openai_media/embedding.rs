//! `POST /embeddings`.

use serde::{Deserialize, Serialize};

use crate::ports::Body;
use crate::protocol::json::{self, Object};
use crate::providers::chat_completions;
use crate::providers::failure::Failure;
use crate::providers::workers_ai::{answer, checked_vectors};
use crate::usage::Usage;

/// What one call embeds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Batch<'a> {
    /// Texts.
    Texts(&'a [String]),
    /// Texts as the model's own tokens.
    Tokens(&'a [Vec<u32>]),
}

impl Batch<'_> {
    const fn len(self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(lists) => lists.len(),
        }
    }
}

/// The body that asks for the vectors of a batch.
#[must_use]
pub fn encode_embedding(model: &str, input: Batch<'_>, dimensions: Option<u32>) -> Body {
    let request = Request {
        model,
        input,
        encoding_format: "float",
        dimensions,
    };
    Body::json(serde_json::to_string(&request).unwrap_or_default())
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: Batch<'a>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

/// Reads the vectors of a batch, in its order, and what they used.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_embedding(
    body: &[u8],
    batch: Batch<'_>,
) -> Result<(Vec<Vec<f32>>, Option<Usage>), Failure> {
    let object = answer(body)?;
    let items = object.get("data").and_then(json::elements);
    let items: Option<Vec<Item>> = items.and_then(|items| {
        let item = |raw: &serde_json::value::RawValue| serde_json::from_str(raw.get()).ok();
        items.into_iter().map(item).collect()
    });
    let mut items = items.ok_or_else(|| Failure::malformed("`data` has no embeddings"))?;
    items.sort_by_key(|item| item.index);
    let in_order = items.iter().enumerate().all(|(at, item)| item.index == at);
    if !in_order {
        return Err(Failure::malformed(
            "an embedding is missing, or there twice",
        ));
    }
    let vectors = items.into_iter().map(|item| item.embedding).collect();
    let vectors = checked_vectors(vectors, batch.len())?;
    Ok((vectors, told(&object)))
}

fn told(object: &Object<'_>) -> Option<Usage> {
    chat_completions::usage(object)
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}
