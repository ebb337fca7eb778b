//! `POST /models/{model}:batchEmbedContents`. <https://ai.google.dev/api/embeddings>

use serde::{Deserialize, Serialize};

use crate::ports::Body;
use crate::protocol::json;
use crate::providers::failure::Failure;
use crate::providers::workers_ai::{answer, checked_vectors};

/// The body that asks for the vectors of texts. `model` is Google's own name of it.
#[must_use]
pub fn encode_embedding(model: &str, texts: &[String], dimensions: Option<u32>) -> Body {
    let model = format!("models/{model}");
    let request = |text| Request {
        model: &model,
        content: Content {
            parts: [Part { text }],
        },
        output_dimensionality: dimensions,
    };
    let requests = texts.iter().map(|text| request(text)).collect();
    Body::json(serde_json::to_string(&Requests { requests }).unwrap_or_default())
}

#[derive(Serialize)]
struct Requests<'a> {
    requests: Vec<Request<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    model: &'a str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: [Part<'a>; 1],
}

#[derive(Serialize)]
struct Part<'a> {
    text: &'a str,
}

/// Reads the vectors of `count` texts, in their order. Google tells no usage with them.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_embedding(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let object = answer(body)?;
    let items = object.get("embeddings").and_then(json::elements);
    let vectors: Option<Vec<Vec<f32>>> = items.and_then(|items| {
        let item = |raw: &serde_json::value::RawValue| {
            let item: Item = serde_json::from_str(raw.get()).ok()?;
            Some(item.values)
        };
        items.into_iter().map(item).collect()
    });
    let vectors = vectors.ok_or_else(|| Failure::malformed("`embeddings` has no vectors"))?;
    checked_vectors(vectors, count)
}

#[derive(Deserialize)]
struct Item {
    values: Vec<f32>,
}
