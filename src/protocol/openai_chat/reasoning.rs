//! The model's reasoning in messages: `reasoning_content`, as many providers and clients have it, and
//! `reasoning_details`, which also carries the signatures that providers want back.
//!
//! <https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks>

use serde::Serialize;

use crate::error::Error;
use crate::protocol::json::{MAX_ELEMENTS, Object, Path, Value};
use crate::protocol::{Content, Family, Part, Signature};

/// One of the `reasoning_details`.
#[derive(Serialize)]
pub(super) struct Detail<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    format: &'static str,
}

impl<'a> Detail<'a> {
    /// The detail of a part that must come back as it is.
    pub(super) fn of(content: &'a Content) -> Option<Self> {
        match content {
            Content::Reasoning {
                text,
                signature: Some(signature),
            } => Some(Self {
                kind: "reasoning.text",
                text: Some(text),
                signature: Some(&signature.value),
                data: None,
                format: format(signature.family),
            }),
            Content::RedactedReasoning(signature) => Some(Self {
                kind: "reasoning.encrypted",
                text: None,
                signature: None,
                data: Some(&signature.value),
                format: format(signature.family),
            }),
            _ => None,
        }
    }

    /// The detail of the signature of the reasoning streamed before it.
    pub(super) fn signed(text: &'a str, signature: &'a Signature) -> Self {
        Self {
            kind: "reasoning.text",
            text: Some(text),
            signature: Some(&signature.value),
            data: None,
            format: format(signature.family),
        }
    }
}

const fn format(family: Family) -> &'static str {
    match family {
        Family::Anthropic => "anthropic-claude-v1",
        Family::Google => "google-gemini-v1",
        Family::OpenAi => "openai-responses-v1",
    }
}

fn family(format: &str) -> Option<Family> {
    let families = [Family::Anthropic, Family::Google, Family::OpenAi];
    families
        .into_iter()
        .find(|family| self::format(*family) == format)
}

/// Reads the reasoning of a message that comes back: the details where there are any, since they
/// hold the text too.
pub(super) fn parse(object: &Object<'_>, path: &Path<'_>) -> Result<Vec<Part>, Error> {
    let details = object.optional(path, "reasoning_details", details)?;
    if let Some(details) = details.filter(|details| !details.is_empty()) {
        return Ok(details);
    }
    for name in ["reasoning_content", "reasoning"] {
        let Some(text) = object.optional_string(path, name)? else {
            continue;
        };
        let part = |text| {
            let content = Content::Reasoning {
                text,
                signature: None,
            };
            Part::new(content).at(&Path::Field(path, name))
        };
        let filled = Some(text).filter(|text| !text.is_empty());
        return Ok(filled.map(part).into_iter().collect());
    }
    Ok(Vec::new())
}

fn details(value: Value<'_, '_>) -> Result<Vec<Part>, Error> {
    let items = value.array(MAX_ELEMENTS)?.into_iter().enumerate();
    let parts = items.map(|(index, raw)| detail(Value::new(raw, &Path::Index(value.path, index))));
    let parts: Vec<Option<Part>> = parts.collect::<Result<_, _>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// A detail of a form or of a provider that nobody here knows says nothing.
fn detail(value: Value<'_, '_>) -> Result<Option<Part>, Error> {
    let (object, path) = (value.object()?, value.path);
    let string = |name| object.optional_string(path, name);
    let family = family(&string("format")?.unwrap_or_default());
    let signed = |text: Option<String>| Some(Signature::new(family?, text?));
    let content = match string("type")?.unwrap_or_default().as_str() {
        "reasoning.text" => Some(Content::Reasoning {
            text: string("text")?.unwrap_or_default(),
            signature: signed(string("signature")?),
        }),
        "reasoning.summary" => string("summary")?.map(|text| Content::Reasoning {
            text,
            signature: None,
        }),
        "reasoning.encrypted" => signed(string("data")?).map(Content::RedactedReasoning),
        _ => None,
    };
    Ok(content.map(|content| Part::new(content).at(path)))
}
