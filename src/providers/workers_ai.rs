//! Embeddings and reranking on Workers AI: `@cf/baai/bge-m3` and `@cf/baai/bge-reranker-base`.
//!
//! <https://developers.cloudflare.com/workers-ai/models/bge-m3/>
//! <https://developers.cloudflare.com/workers-ai/models/bge-reranker-base/>

use serde::{Deserialize, Serialize};

use super::chat_completions::unwrapped;
use super::encode::WORKERS_AI;
use super::failure::Failure;
use crate::ports::{BindingCall, ModelCall};
use crate::protocol::json::{self, Object};

/// Texts of one embedding call.
pub const MAX_EMBEDDING_TEXTS: usize = 100;

/// The call that embeds `texts`, at most [`MAX_EMBEDDING_TEXTS`]; longer ones than the model's window
/// are cut by the provider.
#[must_use]
pub fn encode_embedding(model: &str, texts: &[&str]) -> ModelCall {
    let input = EmbeddingInput {
        text: texts,
        truncate_inputs: true,
    };
    call(model, &input)
}

/// The call that ranks `texts` by how well they fit `query`, and wants the best `top_k`.
#[must_use]
pub fn encode_rerank(model: &str, query: &str, texts: &[&str], top_k: usize) -> ModelCall {
    let input = RerankInput {
        query,
        contexts: texts.iter().map(|text| RerankText { text }).collect(),
        top_k,
    };
    call(model, &input)
}

fn call<T: Serialize>(model: &str, input: &T) -> ModelCall {
    ModelCall::Binding(BindingCall {
        model: model.to_owned(),
        input: serde_json::to_string(input).unwrap_or_default(),
        options: WORKERS_AI.to_owned(),
    })
}

#[derive(Serialize)]
struct EmbeddingInput<'a> {
    text: &'a [&'a str],
    truncate_inputs: bool,
}

#[derive(Serialize)]
struct RerankInput<'a> {
    query: &'a str,
    contexts: Vec<RerankText<'a>>,
    top_k: usize,
}

#[derive(Serialize)]
struct RerankText<'a> {
    text: &'a str,
}

/// Reads the embeddings of `count` texts: as many vectors, all of one dimension, finite numbers.
///
/// # Errors
/// The failure that the body tells of, or [`super::FailureClass::Malformed`].
pub fn decode_embedding(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let text = utf8(body)?;
    let object = answer(text)?;
    let vectors = object
        .get("data")
        .map(|raw| serde_json::from_str::<Vec<Vec<f32>>>(raw.get()));
    let Some(Ok(vectors)) = vectors else {
        return Err(Failure::malformed("`data` is not an array of vectors"));
    };
    if vectors.len() != count {
        let message = format!("{} embeddings for {count} texts", vectors.len());
        return Err(Failure::malformed(&message));
    }
    let dimension = vectors.first().map_or(0, Vec::len);
    let sound = |vector: &Vec<f32>| {
        vector.len() == dimension
            && !vector.is_empty()
            && vector.iter().all(|value| value.is_finite())
    };
    if !vectors.iter().all(sound) {
        return Err(Failure::malformed(
            "embeddings differ in dimension or are not finite",
        ));
    }
    Ok(vectors)
}

/// Reads a ranking of `count` texts: (index of the text, score), best first.
///
/// # Errors
/// The failure that the body tells of, or [`super::FailureClass::Malformed`].
pub fn decode_rerank(body: &[u8], count: usize) -> Result<Vec<(usize, f64)>, Failure> {
    let text = utf8(body)?;
    let object = answer(text)?;
    let ranks = object.get("response").and_then(json::elements);
    let ranks: Option<Vec<Rank>> = ranks.and_then(|items| {
        let rank = |raw: &serde_json::value::RawValue| serde_json::from_str(raw.get()).ok();
        items.into_iter().map(rank).collect()
    });
    let ranks = ranks.ok_or_else(|| Failure::malformed("`response` is not an array of ranks"))?;
    let mut seen = vec![false; count];
    for rank in &ranks {
        match seen.get_mut(rank.id) {
            Some(seen) if !*seen && rank.score.is_finite() => *seen = true,
            _ => return Err(Failure::malformed("a rank names no text, or one twice")),
        }
    }
    let mut ranks: Vec<_> = ranks
        .into_iter()
        .map(|rank| (rank.id, rank.score))
        .collect();
    ranks.sort_by(|left, right| right.1.total_cmp(&left.1));
    Ok(ranks)
}

#[derive(Deserialize)]
struct Rank {
    id: usize,
    score: f64,
}

fn utf8(body: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|_| Failure::malformed("not UTF-8"))
}

fn answer(text: &str) -> Result<Object<'_>, Failure> {
    let object = Object::parse(text).ok_or_else(|| Failure::malformed("not a JSON object"))?;
    match Failure::told_by(&object) {
        Some(failure) => Err(failure),
        None => Ok(unwrapped(object)),
    }
}
