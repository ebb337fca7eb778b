//! Where the bytes of pictures and documents are.

use crate::error::Error;
use crate::protocol::json::{Object, Path, Value, text};
use crate::protocol::{Media, MediaSource, media};

/// Pictures that Anthropic reads.
pub(crate) const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Reads the picture of a block.
pub(super) fn image(block: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    const KINDS: &str = "\"base64\", \"url\" or \"file\"";
    source(block, path, KINDS, |kind, object, path| match kind {
        "base64" => inline(object, path, &IMAGE_TYPES).map(Some),
        "url" => address(object, path, "image").map(Some),
        "file" => file(object, path).map(Some),
        _ => Ok(None),
    })
}

/// Reads the document of a block.
pub(super) fn document(block: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    const KINDS: &str = "\"base64\", \"text\", \"url\", \"file\" or \"content\"";
    let media = source(block, path, KINDS, |kind, object, path| match kind {
        "base64" => inline(object, path, &["application/pdf"]).map(Some),
        "text" => plain(object, path).map(Some),
        "url" => address(object, path, "application").map(Some),
        "file" => file(object, path).map(Some),
        _ => Ok(None),
    })?;
    let cited = block.optional(path, "citations", |value| {
        value.object()?.optional_boolean(value.path, "enabled")
    })?;
    Ok(Media {
        name: block.optional_string(path, "title")?,
        context: block.optional_string(path, "context")?,
        cited: cited.flatten().unwrap_or(false),
        ..media
    })
}

/// Whether a document is made of blocks of its own, which only Anthropic understands.
pub(super) fn is_composed(block: &Object<'_>) -> bool {
    let source = block.get("source").and_then(Object::of);
    let kind = source.and_then(|source| text(source.get("type")?));
    kind.as_deref() == Some("content")
}

fn source(
    block: &Object<'_>,
    parent: &Path<'_>,
    kinds: &str,
    read: impl FnOnce(&str, &Object<'_>, &Path<'_>) -> Result<Option<Media>, Error>,
) -> Result<Media, Error> {
    block.required(parent, "source", "Send an object.", |value| {
        let (object, path) = (value.object()?, value.path);
        let kind = object.required_string(path, "type", &format!("Send {kinds}."))?;
        let wrong = || Path::Field(path, "type").error(&format!("must be {kinds}."));
        read(&kind, &object, path)?.ok_or_else(wrong)
    })
}

fn inline(object: &Object<'_>, path: &Path<'_>, types: &[&str]) -> Result<Media, Error> {
    let named = types.join(", ");
    let media_type = object.required_string(path, "media_type", &format!("Send {named}."))?;
    if !types.contains(&media_type.as_str()) {
        let advice = format!("must be one of {named}.");
        return Err(Path::Field(path, "media_type").error(&advice));
    }
    let data = object.required(path, "data", "Send the bytes in base64.", |data| {
        let text = data.filled_string("the bytes in base64")?;
        media::base64(&text, data.path).map(|()| text)
    })?;
    Ok(Media::inline(media_type, data))
}

fn plain(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let media_type = object.required_string(path, "media_type", "Send \"text/plain\".")?;
    if media_type != "text/plain" {
        return Err(Path::Field(path, "media_type").error("must be \"text/plain\"."));
    }
    let data = object.required_string(path, "data", "Send the document's text.")?;
    Ok(Media {
        media_type: Some(media_type),
        ..Media::new(MediaSource::Text(data))
    })
}

fn address(object: &Object<'_>, path: &Path<'_>, kind: &str) -> Result<Media, Error> {
    let read = |url: Value<'_, '_>| media::address(url, kind);
    object.required(path, "url", "Send an https URL.", read)
}

fn file(object: &Object<'_>, path: &Path<'_>) -> Result<Media, Error> {
    let id = object.required(path, "file_id", "Send the file's id.", |id| {
        id.filled_string("the file's id")
    })?;
    Ok(Media::new(MediaSource::Id(id)))
}
