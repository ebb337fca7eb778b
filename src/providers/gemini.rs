//! Gemini's `generateContent`, as Google's Gemini API speaks it.
//!
//! <https://ai.google.dev/api/generate-content>

mod answer;
mod citations;
mod contents;
mod embedding;
mod generation;
mod logprobs;
mod request;
mod stream;
mod traits;

pub(super) use self::answer::{decode, usage};
pub use self::embedding::{decode_embedding, encode_embedding};
pub(super) use self::request::encode;
pub(super) use self::stream::Decoder;

#[cfg(test)]
mod tests;
