//! `@cf/baai/bge-m3`. <https://developers.cloudflare.com/workers-ai/models/bge-m3/>

use serde::Serialize;

use super::{answer, call};
use crate::ports::ModelCall;
use crate::providers::failure::Failure;

/// Texts of one embedding call.
pub const MAX_EMBEDDING_TEXTS: usize = 100;

/// What becomes of a text that is longer than the model's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlong {
    /// Its beginning stands for it.
    Cut,
    /// The call fails.
    Refused,
}

/// The call that embeds `texts`, at most [`MAX_EMBEDDING_TEXTS`].
#[must_use]
pub fn encode_embedding(model: &str, texts: &[&str], overlong: Overlong) -> ModelCall {
    let input = EmbeddingInput {
        text: texts,
        truncate_inputs: overlong == Overlong::Cut,
    };
    call(model, &input)
}

#[derive(Serialize)]
struct EmbeddingInput<'a> {
    text: &'a [&'a str],
    truncate_inputs: bool,
}

/// Reads the embeddings of `count` texts: as many vectors, all of one dimension, finite numbers.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_embedding(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, Failure> {
    let object = answer(body)?;
    let vectors = object
        .get("data")
        .map(|raw| serde_json::from_str::<Vec<Vec<f32>>>(raw.get()));
    let Some(Ok(vectors)) = vectors else {
        return Err(Failure::malformed("`data` is not an array of vectors"));
    };
    checked_vectors(vectors, count)
}

/// As many vectors as are wanted, all of one dimension, finite numbers.
pub(in crate::providers) fn checked_vectors(
    vectors: Vec<Vec<f32>>,
    count: usize,
) -> Result<Vec<Vec<f32>>, Failure> {
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
