//! Gemini's `generateContent`, as Google's Gemini API speaks it.
//!
//! <https://ai.google.dev/api/generate-content>

mod answer;
mod citations;
mod contents;
mod generation;
mod logprobs;
mod request;
mod stream;
mod traits;

pub(super) use self::answer::decode;
pub(super) use self::request::encode;
pub(super) use self::stream::Decoder;

#[cfg(test)]
mod tests;
