//! How each provider's wire is spoken over the AI binding: a request out, an answer or a stream in,
//! and what a failure means.
//!
//! Decoding takes every shape a model is known to answer in, whichever wire was expected: models
//! change shape between versions, and one gateway answers in another's.

mod answer;
mod encode;
mod failure;
mod stream;
mod think;
pub mod workers_ai;

use serde::{Deserialize, Serialize};

pub use self::answer::decode_answer;
pub use self::failure::{Failure, FailureClass, classify};
pub use self::stream::StreamDecoder;

/// The wire of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// `OpenAI`'s chat completions, which third-party models of the unified catalogue speak
    /// (`openai/…`, `google/…`).
    OpenAiChat,
    /// Workers AI models that answer a `chat.completion` object, reasoning in `reasoning_content`.
    WorkersAiChat,
    /// Workers AI models that answer `{response, tool_calls, usage}`.
    WorkersAiNative,
}

#[cfg(test)]
mod tests;
