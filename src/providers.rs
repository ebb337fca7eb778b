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

pub use self::answer::decode_answer;
pub use self::failure::{Failure, FailureClass, classify};
pub use self::stream::StreamDecoder;
pub use crate::config::Wire;

#[cfg(test)]
mod tests;
