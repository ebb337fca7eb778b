//! How each provider's wire is spoken: a request out, an answer or a stream in, and what a failure
//! means.

mod anthropic;
mod body;
mod chat_completions;
mod decode;
mod deployment;
mod encode;
mod failure;
pub mod gemini;
pub mod openai_media;
mod openai_responses;
mod retry_after;
pub mod route;
mod send;
mod work;
pub mod workers_ai;

pub use self::decode::{StreamDecoder, decode_answer, told_usage};
pub use self::deployment::Deployment;
pub use self::encode::{Encoded, Prompt, Target, Unsupported, encode};
pub use self::failure::{Failure, FailureClass, classify};
pub use self::retry_after::retry_after;
pub use self::route::{Key, Route};
pub use self::send::send;
pub use self::work::Work;
pub use crate::config::Wire;

#[cfg(test)]
mod tests;
