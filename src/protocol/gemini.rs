//! Gemini's `generateContent`: the wire of `POST /v1beta/models/{model}:generateContent`.
//!
//! <https://ai.google.dev/api/generate-content>

mod answer;
pub(crate) mod body;
mod count;
mod embedding;
mod error;
mod function;
mod generation;
mod grounding;
mod logprobs;
mod name;
mod part;
mod request;
mod schema;
mod signature;
mod stream;
mod tools;

pub(super) use self::answer::UsageBody;
pub use self::answer::render;
pub use self::count::{parse_count, render_count};
pub use self::embedding::{parse_embedding, render_embedding};
pub use self::error::error_body;
pub use self::request::parse;
pub use self::stream::{ArrayWriter, EventWriter};

/// The field of a request that holds how an answer is made.
pub(crate) const GENERATION_CONFIG: &str = "generationConfig";

/// How a streamed answer stands in the body of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// A JSON array whose elements come one by one: what Google gives who asks for nothing else.
    #[default]
    Array,
    /// Server-sent events, which `alt=sse` asks for.
    Events,
}

impl Framing {
    /// The framing that a query asks for.
    #[must_use]
    pub fn of(query: &str) -> Self {
        if query.split('&').any(|pair| pair == "alt=sse") {
            Self::Events
        } else {
            Self::Array
        }
    }
}

#[cfg(test)]
mod tests;
