//! The parts of a message's content and of a function's output.

use crate::error::Error;
use crate::protocol::content::{self, Form};
use crate::protocol::json::{Object, Path, Value};
use crate::protocol::openai_chat::part::audio;
use crate::protocol::{Content, Media, MediaSource, Part, Role, Warning, media};

const GIVEN: &str = "Send \"input_text\", \"input_image\" or \"input_file\".";
const SAID: &str = "Send \"output_text\" or \"refusal\".";

/// Parses a content: a string or an array of parts.
pub(super) fn parse_all(
    value: Value<'_, '_>,
    role: Role,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Part>, Error> {
    let form = Form {
        element: "part",
        may_be_empty: role == Role::Assistant,
    };
    content::parse(value, form, |value| part(value, role, warnings))
}

fn part(value: Value<'_, '_>, role: Role, warnings: &mut Vec<Warning>) -> Result<Part, Error> {
    let (object, path) = (value.object()?, value.path);
    let kinds = if role == Role::Assistant { SAID } else { GIVEN };
    let kind = object.required_string(path, "type", kinds)?;
    let content = if role == Role::Assistant {
        said(&object, path, &kind)?
    } else {
        given(&object, path, &kind, role)?
    };
    let unknown = || Path::Field(path, "type").error(&unknown(role));
    let content = content.ok_or_else(unknown)?;
    object.warn_of_others(path, &KNOWN, warnings);
    Ok(Part::new(content))
}

/// Fields of a part of any type; `prompt_cache_breakpoint` and the like are not among them.
const KNOWN: [&str; 12] = [
    "annotations",
    "detail",
    "file_data",
    "file_id",
    "file_url",
    "filename",
    "image_url",
    "input_audio",
    "logprobs",
    "refusal",
    "text",
    "type",
];

fn unknown(role: Role) -> String {
    match role {
        Role::Assistant => {
            format!("is not a part of what an assistant says. {SAID}")
        }
        Role::Tool | Role::User => format!("is not a known part. {GIVEN}"),
        Role::Developer | Role::System => {
            "must be \"input_text\" in a message of this role.".to_owned()
        }
    }
}

/// A part of what the model said.
fn said(object: &Object<'_>, path: &Path<'_>, kind: &str) -> Result<Option<Content>, Error> {
    let content = match kind {
        // What annotations say is of use to readers, not to models.
        "output_text" => Content::Text {
            text: object.required_string(path, "text", "Send the part's text.")?,
            citations: Vec::new(),
        },
        "refusal" => {
            Content::Refusal(object.required_string(path, "refusal", "Send the refusal's text.")?)
        }
        _ => return Ok(None),
    };
    Ok(Some(content))
}

/// A part of what the model is given.
fn given(
    object: &Object<'_>,
    path: &Path<'_>,
    kind: &str,
    role: Role,
) -> Result<Option<Content>, Error> {
    let takes_media = matches!(role, Role::Tool | Role::User);
    let content = match kind {
        "input_text" => Content::Text {
            text: object.required_string(path, "text", "Send the part's text.")?,
            citations: Vec::new(),
        },
        "input_image" if takes_media => Content::Image(image(object, path)?),
        "input_file" if takes_media => Content::File(file(object, path)?),
        "input_audio" if takes_media => Content::Audio(object.required(
            path,
            "input_audio",
            "Send an object.",
            |value| audio(&value.object()?, value.path),
        )?),
        _ => return Ok(None),
    };
    Ok(Some(content))
}

fn image(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let detail = object.optional_string(path, "detail")?;
    if detail
        .as_deref()
        .is_some_and(|detail| !matches!(detail, "auto" | "low" | "high"))
    {
        let advice = "must be \"auto\", \"low\" or \"high\".";
        return Err(Path::Field(path, "detail").error(advice));
    }
    let media = match stored(object, path)? {
        Some(media) => media,
        None => object.required(
            path,
            "image_url",
            "Send a URL, a data URL, or `file_id`.",
            |url| media::address(url, "image"),
        )?,
    };
    Ok(Media { detail, ..media })
}

fn file(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let name = object.optional_string(path, "filename")?;
    let at = |name| object.optional(path, name, |value| media::address(value, ""));
    let media = match stored(object, path)? {
        Some(media) => media,
        None => match at("file_data")? {
            Some(media) => media,
            None => at("file_url")?.ok_or_else(|| {
                let advice = "Send the file as a data URL, or `file_url`, or `file_id`.";
                Path::Field(path, "file_data").missing(advice)
            })?,
        },
    };
    Ok(Media { name, ..media })
}

/// A file that lies with the provider.
fn stored(object: &Object<'_>, path: &Path<'_>) -> Result<Option<Media>, Error> {
    let id = object.optional(path, "file_id", |id| id.filled_string("the file's id"))?;
    Ok(id.map(|id| Media::new(MediaSource::Id(id))))
}
