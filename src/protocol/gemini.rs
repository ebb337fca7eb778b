//! Gemini's `generateContent`: the wire of `POST /v1beta/models/{model}:generateContent`.
//!
//! <https://ai.google.dev/api/generate-content>

pub(crate) mod body;

/// The field of a request that holds how an answer is made.
pub(crate) const GENERATION_CONFIG: &str = "generationConfig";
