//! The items of an answer.

use serde::Serialize;

use crate::protocol::openai_chat::ExtraContent;
use crate::protocol::{Citation, Content, Family, Json, Signature};

/// Before the signature of reasoning that its provider shows to nobody.
const REDACTED: &str = "esclusa.redacted.";

/// An item of an answer.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    /// A call of a function.
    FunctionCall {
        id: String,
        call_id: String,
        name: String,
        arguments: String,
        status: Status,
        /// Gemini's signature, where Google's own `OpenAI` interface puts it.
        #[serde(
            skip_serializing_if = "Option::is_none",
            serialize_with = "google_signature"
        )]
        extra_content: Option<Signature>,
    },
    /// What is said.
    Message {
        id: String,
        status: Status,
        role: &'static str,
        content: Vec<Said>,
    },
    /// What is thought.
    Reasoning {
        id: String,
        summary: Vec<Summary>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    /// What a provider's own tool did, as it came.
    #[serde(untagged)]
    Native(Json),
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn google_signature<S: serde::Serializer>(
    signature: &Option<Signature>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    ExtraContent::of(signature.as_ref()).serialize(serializer)
}

/// How far an item or a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Completed,
    Failed,
    InProgress,
    Incomplete,
}

/// A part of what is said.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said {
    OutputText {
        text: String,
        annotations: Vec<Annotation>,
        logprobs: Vec<Json>,
    },
    Refusal {
        refusal: String,
    },
}

/// A part of what is thought.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Summary {
    SummaryText { text: String },
}

/// What a text rests on: pages of the web, and files that `OpenAI` keeps; the rest has no place in this
/// wire.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Annotation {
    UrlCitation {
        start_index: u32,
        end_index: u32,
        title: String,
        url: String,
    },
    /// A file, as it came.
    #[serde(untagged)]
    Native(Json),
}

impl Annotation {
    pub(super) fn of(citation: &Citation) -> Option<Self> {
        let (start_index, end_index) = citation.span.unwrap_or_default();
        let Some(url) = citation.url.clone() else {
            let (family, json) = citation.native.as_ref()?;
            return (*family == Family::OpenAi).then(|| Self::Native(json.clone()));
        };
        Some(Self::UrlCitation {
            start_index,
            end_index,
            title: citation.title.clone().unwrap_or_default(),
            url,
        })
    }
}

/// The `encrypted_content` of reasoning that its provider shows to nobody.
pub(super) fn redacted(signature: &Signature) -> String {
    format!("{REDACTED}{}", signature.to_wire(Family::OpenAi))
}

/// The `encrypted_content` of reasoning with a signature.
pub(super) fn signed(signature: &Signature) -> String {
    signature.to_wire(Family::OpenAi).into_owned()
}

/// The reasoning of a text and an `encrypted_content`; `None` where there is neither.
pub(super) fn thought(text: String, encrypted: Option<&str>) -> Option<Content> {
    let signature = |text| Signature::from_wire(text, Family::OpenAi);
    match encrypted {
        None if text.is_empty() => None,
        None => Some(Content::Reasoning {
            text,
            signature: None,
        }),
        Some(encrypted) => Some(match encrypted.strip_prefix(REDACTED) {
            Some(rest) => Content::RedactedReasoning(signature(rest)),
            None => Content::Reasoning {
                text,
                signature: Some(signature(encrypted)),
            },
        }),
    }
}

/// A picture that a model made, as the item by which `OpenAI`'s tool gives one.
pub(super) fn picture(id: &str, base64: &str) -> Json {
    #[derive(Serialize)]
    struct Picture<'a> {
        id: &'a str,
        #[serde(rename = "type")]
        kind: &'static str,
        status: Status,
        result: &'a str,
    }
    Json::of(&Picture {
        id,
        kind: "image_generation_call",
        status: Status::Completed,
        result: base64,
    })
}
