//! Anthropic's messages as a provider's wire, by the AI binding and straight to Anthropic.
//!
//! <https://docs.anthropic.com/en/api/messages>

mod answer;
mod message;
mod request;
mod stream;
mod thinking;
mod tools;

pub(super) use self::answer::{decode, usage};
pub(super) use self::request::encode;
pub(super) use self::stream::Decoder;

#[cfg(test)]
mod tests;
