//! The blocks that both a client and the provider get.

use std::borrow::Cow;

use serde::Serialize;

use crate::protocol::json::{Shape, shape};
use crate::protocol::{CacheControl, Json};

/// A block of the assistant's.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block<'a> {
    /// Reasoning that nobody reads.
    RedactedThinking {
        /// Opaque.
        data: Cow<'a, str>,
    },
    /// Text.
    Text {
        /// The text.
        text: &'a str,
        /// What it rests on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Cow<'a, Json>>,
        /// Whether the prompt is remembered up to here.
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheBody<'a>>,
    },
    /// Reasoning.
    Thinking {
        /// The text.
        thinking: &'a str,
        /// The proof of it; empty where there is none.
        signature: Cow<'a, str>,
    },
    /// A call of a tool.
    ToolUse {
        /// Its id.
        id: Cow<'a, str>,
        /// The tool.
        name: &'a str,
        /// The arguments, an object.
        input: Json,
        /// Another provider's proof of the thought behind it. Not a field of Anthropic's: clients
        /// carry it.
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<Cow<'a, str>>,
        /// Whether the prompt is remembered up to here.
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheBody<'a>>,
    },
    /// A block as Anthropic wrote it.
    #[serde(untagged)]
    Native(&'a Json),
}

/// The arguments of a call as the object that Anthropic wants. What a model wrote that is none stands
/// in its only field.
pub(crate) fn input(arguments: &str) -> Json {
    if arguments.trim().is_empty() {
        return Json::of(&Wrapped { arguments: None });
    }
    let whole = Json::parse(arguments).filter(|json| shape(json.raw()) == Shape::Object);
    whole.unwrap_or_else(|| {
        Json::of(&Wrapped {
            arguments: Some(arguments),
        })
    })
}

#[derive(Serialize)]
struct Wrapped<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
}

/// The wish that a prompt be remembered. `OpenAI` and its copies cache by themselves; those who do not
/// (`OpenRouter`) take Anthropic's field.
#[derive(Serialize)]
pub(crate) struct CacheBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CacheBody<'a> {
    /// The body of a wish.
    pub(crate) fn new(cache: &'a CacheControl) -> Self {
        Self {
            kind: "ephemeral",
            ttl: cache.ttl.as_deref(),
        }
    }
}
