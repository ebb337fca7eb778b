//! The parts of a message's content.

use super::tools::cache_control;
use crate::error::Error;
use crate::protocol::content::{self, Form};
use crate::protocol::json::{Object, Path, Value};
use crate::protocol::{Content, Media, MediaSource, Part, Role, Warning, media};

const KINDS: &str = "Send \"text\", \"image_url\", \"input_audio\", \"file\" or \"refusal\".";

/// Parses a content: a string or an array of parts.
pub(super) fn parse_all(
    value: Value<'_, '_>,
    role: Role,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Part>, Error> {
    let form = Form {
        element: "part",
        may_be_empty: false,
    };
    content::parse(value, form, |value| part(value, role, warnings))
}

fn part(value: Value<'_, '_>, role: Role, warnings: &mut Vec<Warning>) -> Result<Part, Error> {
    let (object, path) = (value.object()?, value.path);
    let kind = object.required_string(path, "type", KINDS)?;
    let refuse = |advice: &str| Err(Path::Field(path, "type").error(advice));
    let content = match kind.as_str() {
        "text" => Content::Text {
            text: object.required_string(path, "text", "Send the part's text.")?,
            citations: Vec::new(),
        },
        "refusal" if role == Role::Assistant => {
            Content::Refusal(object.required_string(path, "refusal", "Send the refusal's text.")?)
        }
        "refusal" => return refuse("may be \"refusal\" in a message of the assistant only."),
        "image_url" | "input_audio" | "file" if !takes_media(role) => {
            return refuse("must be \"text\" in a message of this role.");
        }
        "image_url" => Content::Image(inner(&object, path, "image_url", image)?),
        "input_audio" => Content::Audio(inner(&object, path, "input_audio", audio)?),
        "file" => Content::File(inner(&object, path, "file", file)?),
        _ => return refuse(&format!("is not a known part. {KINDS}")),
    };
    let cache = object.optional(path, "cache_control", cache_control)?;
    object.warn_of_others(path, &["type", &kind, "cache_control"], warnings);
    Ok(Part {
        cache,
        ..Part::new(content)
    })
}

const fn takes_media(role: Role) -> bool {
    matches!(role, Role::Tool | Role::User)
}

fn inner<T>(
    object: &Object<'_>,
    parent: &Path<'_>,
    name: &str,
    read: impl FnOnce(&Object<'_>, &Path<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    object.required(parent, name, "Send an object.", |value| {
        read(&value.object()?, value.path)
    })
}

fn image(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let advice = "Send a URL or a data URL.";
    let image = object.required(path, "url", advice, |url| media::address(url, "image"))?;
    let detail = object.optional_string(path, "detail")?;
    if detail
        .as_deref()
        .is_some_and(|detail| !matches!(detail, "auto" | "low" | "high"))
    {
        let advice = "must be \"auto\", \"low\" or \"high\".";
        return Err(Path::Field(path, "detail").error(advice));
    }
    Ok(Media { detail, ..image })
}

/// Reads `{data, format}`.
pub(crate) fn audio(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let data = object.required(path, "data", "Send base64 of the sound.", |data| {
        let text = data.filled_string("base64 of the sound")?;
        media::base64(&text, data.path).map(|()| text)
    })?;
    let format = object.required_string(path, "format", "Send \"wav\" or \"mp3\".")?;
    let media_type = match format.as_str() {
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        _ => return Err(Path::Field(path, "format").error("must be \"wav\" or \"mp3\".")),
    };
    Ok(Media::inline(media_type, data))
}

fn file(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let name = object.optional_string(path, "filename")?;
    let id = object.optional(path, "file_id", |id| id.filled_string("the file's id"))?;
    if let Some(id) = id {
        let media = Media::new(MediaSource::Id(id));
        return Ok(Media { name, ..media });
    }
    let advice = "Send the file as a data URL, or `file_id`.";
    let media = object.required(path, "file_data", advice, |data| media::address(data, ""))?;
    Ok(Media { name, ..media })
}
