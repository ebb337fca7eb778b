//! Pictures, sounds and documents at the border: data URLs, base64 and addresses.

use super::json::{Path, Value};
use super::message::{Media, MediaSource};
use super::public_url::PublicUrl;
use crate::error::Error;

/// Reads the address of a medium: a `data:` URL with its bytes in base64, or a web address.
///
/// # Errors
/// `InvalidRequest` for any other scheme, for a data URL that is none, and for an address that is
/// not public: Esclusa or the provider would fetch it.
pub(crate) fn address(value: Value<'_, '_>, kind: &str) -> Result<Media, Error> {
    let url = value.filled_string("an https URL or a data URL")?;
    if let Some(rest) = strip_scheme(&url, "data") {
        return data_url(rest, value.path, kind);
    }
    PublicUrl::parse(&url).map_err(|reason| {
        let message = format!("{reason}. Send the address of a public file, or a data URL.");
        value.path.error(&message)
    })?;
    Ok(Media::new(MediaSource::Url(url)))
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = url.split_once(':')?;
    found.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Reads what follows `data:`: a media type of `kind` (`image`, `audio`; empty: any) and base64.
fn data_url(rest: &str, path: &Path<'_>, kind: &str) -> Result<Media, Error> {
    let expected = || {
        let example = if kind.is_empty() { "application" } else { kind };
        let message =
            format!("is a malformed data URL. Send `data:{example}/…;base64,` and the bytes.");
        path.error(&message)
    };
    let (head, data) = rest.split_once(',').ok_or_else(expected)?;
    let media_type = head.strip_suffix(";base64").ok_or_else(expected)?;
    let essence = media_type.split(';').next().unwrap_or_default();
    let (major, minor) = essence.split_once('/').ok_or_else(expected)?;
    let of_kind = kind.is_empty() || major.eq_ignore_ascii_case(kind);
    if !of_kind || minor.is_empty() {
        return Err(expected());
    }
    base64(data, path)?;
    Ok(Media::inline(essence.to_ascii_lowercase(), data))
}

/// Checks for standard base64 that is not empty, without decoding what may be megabytes.
pub(crate) fn base64(data: &str, path: &Path<'_>) -> Result<(), Error> {
    let body = data.trim_end_matches('=');
    let padding = data.len().saturating_sub(body.len());
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let whole = padding <= 2 && data.len().is_multiple_of(4);
    if body.is_empty() || !whole || !body.bytes().all(alphabet) {
        return Err(path.error("is not valid base64. Encode the bytes with padding."));
    }
    Ok(())
}
