//! The wires that look like `OpenAI`'s chat completions: its own, that of the many providers that
//! copy it, and both of Workers AI.
//!
//! Decoding takes every shape a model is known to answer in, whichever wire was expected: models
//! change shape between versions, and one gateway answers in another's.

mod answer;
mod call_id;
mod message;
mod request;
mod stream;
mod think;

pub(super) use self::answer::{MAX_CHOICES, MAX_TOOL_CALLS, decode, tokens, unwrapped, usage};
pub(super) use self::message::data_url;
pub(super) use self::request::encode;
pub(super) use self::stream::Decoder;
