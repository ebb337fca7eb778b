//! `OpenAI`'s images: a prompt in, pictures in base64 out.
//!
//! <https://platform.openai.com/docs/api-reference/images/create>

use serde::Serialize;

use super::Warning;
use super::json::{self, Object, Path, Value};
use super::model_name::model_or_auto;
use crate::error::Error;

const MOST_PICTURES: i64 = 10;
const MOST_PROMPT: usize = 32_000;
const QUALITIES: [&str; 6] = ["auto", "high", "medium", "low", "hd", "standard"];
const BACKGROUNDS: [&str; 3] = ["auto", "opaque", "transparent"];
const MODERATIONS: [&str; 2] = ["auto", "low"];
const FORMATS: [&str; 3] = ["png", "jpeg", "webp"];
const STYLES: [&str; 2] = ["vivid", "natural"];
const KNOWN: [&str; 14] = [
    "model",
    "prompt",
    "n",
    "size",
    "quality",
    "style",
    "background",
    "moderation",
    "response_format",
    "output_format",
    "output_compression",
    "stream",
    "partial_images",
    "user",
];

/// A request for pictures, parsed and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRequest {
    /// The model as the caller wrote it; `auto` where it wrote none.
    pub model: String,
    /// What is drawn.
    pub prompt: String,
    /// How many pictures, 1 to 10.
    pub count: u32,
    /// Their size, such as `1024x1024`; none: the model's usual one.
    pub size: Option<String>,
    /// The form of the files: `png`, `jpeg`, `webp`; none: the model's usual one.
    pub format: Option<String>,
    /// Fields that only some models take, with their values.
    pub styles: Vec<(&'static str, String)>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Parses the body of `POST /v1/images/generations`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse(body: &[u8]) -> Result<ImageRequest, Error> {
    let object = json::document(body)?;
    let root = &Path::Root;
    let mut warnings = Vec::new();
    object.warn_of_others(root, &KNOWN, &mut warnings);
    object.optional_string(root, "user")?;
    refuse_unsupported(&object)?;
    let count = object.optional(root, "n", |value| value.integer(&(1..=MOST_PICTURES)))?;
    let compression = |value: Value<'_, '_>| value.integer(&(0..=100));
    if object
        .optional(root, "output_compression", compression)?
        .is_some()
    {
        let reason = "the model chooses it by itself";
        warnings.push(Warning::new("output_compression", reason));
    }
    if one_of(&object, "style", &STYLES)?.is_some() {
        warnings.push(Warning::new("style", "no model here takes it"));
    }
    let styles = [
        ("quality", one_of(&object, "quality", &QUALITIES)?),
        ("background", one_of(&object, "background", &BACKGROUNDS)?),
        ("moderation", one_of(&object, "moderation", &MODERATIONS)?),
    ];
    let named = |(name, value): (_, Option<String>)| Some((name, value?));
    Ok(ImageRequest {
        model: model_or_auto(&object)?,
        prompt: object.required(root, "prompt", "Say what is to be drawn.", prompt)?,
        count: count
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(1),
        size: object
            .optional(root, "size", size)?
            .filter(|size| size != "auto"),
        format: one_of(&object, "output_format", &FORMATS)?,
        styles: styles.into_iter().filter_map(named).collect(),
        warnings,
    })
}

/// Pictures come whole and in the answer: nothing here stores them under an address.
fn refuse_unsupported(object: &Object<'_>) -> Result<(), Error> {
    let root = &Path::Root;
    let refuse = |name: &str, message: &str| Err(Path::Field(root, name).error(message));
    if one_of(object, "response_format", &["b64_json", "url"])?.as_deref() == Some("url") {
        return refuse(
            "response_format",
            "must be \"b64_json\": pictures are not stored under an address.",
        );
    }
    if object.optional_boolean(root, "stream")? == Some(true) {
        return refuse(
            "stream",
            "is not supported: pictures come whole. Leave it out.",
        );
    }
    let partial = |value: Value<'_, '_>| value.integer(&(0..=3));
    if object
        .optional(root, "partial_images", partial)?
        .unwrap_or(0)
        > 0
    {
        return refuse("partial_images", "is not supported: pictures come whole.");
    }
    Ok(())
}

fn prompt(value: Value<'_, '_>) -> Result<String, Error> {
    let text = value.filled_string("what is to be drawn")?;
    if text.chars().count() > MOST_PROMPT {
        let message = format!("must have at most {MOST_PROMPT} characters.");
        return Err(value.path.error(&message));
    }
    Ok(text)
}

/// `auto`, or width and height.
fn size(value: Value<'_, '_>) -> Result<String, Error> {
    let text = value.string()?;
    let number = |part: &str| part.len() <= 5 && part.parse::<u32>().is_ok_and(|side| side > 0);
    let sides = text.split_once('x');
    let known = sides.is_some_and(|(width, height)| number(width) && number(height));
    if text == "auto" || known {
        return Ok(text);
    }
    Err(value
        .path
        .error("must be \"auto\" or a size such as \"1024x1024\"."))
}

fn one_of(object: &Object<'_>, name: &str, known: &[&str]) -> Result<Option<String>, Error> {
    object.optional(&Path::Root, name, |value| {
        let text = value.string()?;
        if known.contains(&text.as_str()) {
            return Ok(text);
        }
        let message = format!("must be one of {}.", known.join(", "));
        Err(value.path.error(&message))
    })
}

/// The body of an answer: pictures in base64.
#[must_use]
pub fn render(pictures: &[String], size: Option<&str>, created: u64) -> Vec<u8> {
    let format = pictures.first().and_then(|picture| format_of(picture));
    let body = Body {
        created,
        data: pictures
            .iter()
            .map(|b64_json| Picture { b64_json })
            .collect(),
        output_format: format,
        size,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The form of a picture in base64, by its first bytes.
#[must_use]
pub fn format_of(base64: &str) -> Option<&'static str> {
    let beginnings = [("/9j/", "jpeg"), ("iVBORw0KGgo", "png"), ("UklGR", "webp")];
    let known = beginnings
        .into_iter()
        .find(|(beginning, _)| base64.starts_with(beginning));
    known.map(|(_, format)| format)
}

#[derive(Serialize)]
struct Body<'a> {
    created: u64,
    data: Vec<Picture<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
}

#[derive(Serialize)]
struct Picture<'a> {
    b64_json: &'a str,
}

#[cfg(test)]
mod tests;
