//! Anthropic's messages: the wire of `POST /v1/messages`.
//!
//! <https://docs.anthropic.com/en/api/messages>

mod answer;
mod block;
pub(crate) mod body;
pub(crate) mod citation;
mod count;
mod error;
mod message;
mod request;
pub(crate) mod source;
mod stream;
mod tools;

pub(super) use self::answer::UsageBody;
pub use self::answer::render;
pub use self::count::{parse_count, render_count};
pub use self::error::error_body;
pub use self::request::parse;
pub use self::stream::EventWriter;

#[cfg(test)]
mod tests;
