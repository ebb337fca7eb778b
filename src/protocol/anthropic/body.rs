//! The blocks that both a client and the provider get.

use std::borrow::Cow;

use serde::Serialize;

use crate::protocol::json::{Shape, shape};
use crate::protocol::{CacheControl, Json};

/// A block. Documents, pictures and results of tools go to the provider only.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block<'a> {
    /// A document.
    Document {
        /// Where it is.
        source: Source<'a>,
        /// Its title.
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        /// What is known of it beside its text.
        #[serde(skip_serializing_if = "Option::is_none")]
        context: Option<&'a str>,
        /// Whether the answer cites it.
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<Cited>,
        /// Whether the prompt is remembered up to here.
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheBody<'a>>,
    },
    /// A picture.
    Image {
        /// Where it is.
        source: Source<'a>,
        /// Whether the prompt is remembered up to here.
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheBody<'a>>,
    },
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
    /// What a tool gave.
    ToolResult {
        /// The call it answers.
        tool_use_id: Cow<'a, str>,
        /// What it gave.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
        /// Whether the tool failed.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
        /// Whether the prompt is remembered up to here.
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheBody<'a>>,
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

/// Where the bytes of a picture or a document are.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Source<'a> {
    /// Here, in base64.
    Base64 {
        /// What they are.
        media_type: &'a str,
        /// The bytes.
        data: &'a str,
    },
    /// With Anthropic.
    File {
        /// The file's id.
        file_id: &'a str,
    },
    /// Here, as text.
    Text {
        /// Always `text/plain`.
        media_type: &'static str,
        /// The text.
        data: &'a str,
    },
    /// At this address.
    Url {
        /// The address.
        url: &'a str,
    },
}

/// Whether an answer cites a document.
#[derive(Serialize)]
pub(crate) struct Cited {
    /// It does.
    pub(crate) enabled: bool,
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
