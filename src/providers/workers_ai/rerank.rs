//! `@cf/baai/bge-reranker-base`. <https://developers.cloudflare.com/workers-ai/models/bge-reranker-base/>

use serde::{Deserialize, Serialize};

use super::{answer, call};
use crate::ports::ModelCall;
use crate::protocol::json;
use crate::providers::failure::Failure;

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

/// Reads a ranking of `count` texts: (index of the text, score), best first.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_rerank(body: &[u8], count: usize) -> Result<Vec<(usize, f64)>, Failure> {
    let object = answer(body)?;
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
