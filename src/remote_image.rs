//! Pictures that a request names by their address, for providers that cannot take an address.
//!
//! Whoever can make the gateway fetch must not reach what only the gateway can reach: see
//! [`PublicUrl`]. The platform resolves the name, and connects to no private network.

mod inline;

use futures::StreamExt;
use futures::future::{Either, select};
use http::StatusCode;

pub use self::inline::{LARGEST_TOGETHER, MOST, Pictures};
use crate::error::Error;
use crate::ports::{HttpCall, ModelCall, Ports, Upstream};
use crate::protocol::PublicUrl;

/// The largest picture that is fetched, in bytes.
pub const LARGEST: usize = 10 * 1024 * 1024;
/// Milliseconds that fetching a picture may take, to its last byte.
pub const MILLISECONDS: u64 = 5_000;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its form.
    pub format: Format,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A form of pictures that every provider with eyes takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// GIF
    Gif,
    /// JPEG
    Jpeg,
    /// PNG
    Png,
    /// `WebP`
    Webp,
}

impl Format {
    const ALL: [Self; 4] = [Self::Gif, Self::Jpeg, Self::Png, Self::Webp];

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Gif => "image/gif",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// The form that a `content-type` names.
    fn named(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let named = |format: &Self| essence.eq_ignore_ascii_case(format.media_type());
        Self::ALL.into_iter().find(named)
    }

    /// Whether a file begins as this form does.
    fn begins(self, bytes: &[u8]) -> bool {
        match self {
            Self::Gif => bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a"),
            Self::Jpeg => bytes.starts_with(&[0xFF, 0xD8, 0xFF]),
            Self::Png => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            Self::Webp => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        }
    }
}

/// Why a picture cannot be had. Each is for the caller to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfetched {
    /// What came is not what its type says.
    #[error("names a file that is no {0}, though its server says so")]
    Disguised(&'static str),
    /// The server answered with a status that is no success.
    #[error("cannot be fetched: its server answers {0}")]
    Status(u16),
    /// It takes too long.
    #[error("cannot be fetched within 5 seconds")]
    TooSlow,
    /// It has too many bytes.
    #[error("names a picture of more than 10 MB")]
    TooLarge,
    /// With the others it has too many bytes.
    #[error("names a picture that with the others has more than 20 MB")]
    TooLargeTogether,
    /// There are too many others.
    #[error("names a picture beyond the 20 that are fetched for one request")]
    TooMany,
    /// Its server cannot be reached, or broke off.
    #[error("cannot be fetched: its server does not answer")]
    Unreachable,
    /// It is no picture, or of another form.
    #[error("does not name a PNG, JPEG, WebP or GIF")]
    WrongType,
}

impl Unfetched {
    /// The error for the caller; `param` is the JSON path of the address in the request.
    #[must_use]
    pub fn at(&self, param: &str) -> Error {
        let message = format!("`{param}` {self}. Send the picture's bytes as a data URL instead.");
        Error::invalid(param, message)
    }
}

/// Fetches a picture. Redirects are not followed.
///
/// # Errors
/// Why it cannot be had.
pub async fn fetch(ports: &Ports, url: &PublicUrl) -> Result<Image, Unfetched> {
    let limit = ports.clock.sleep(MILLISECONDS);
    match select(Box::pin(read(ports, url)), limit).await {
        Either::Left((image, _)) => image,
        Either::Right(_) => Err(Unfetched::TooSlow),
    }
}

async fn read(ports: &Ports, url: &PublicUrl) -> Result<Image, Unfetched> {
    let call = HttpCall {
        url: url.as_str().to_owned(),
        headers: vec![("accept".to_owned(), accepted())],
        body: None,
        secret: None,
    };
    let upstream = ports.models.run(ModelCall::Http(call)).await;
    let upstream = upstream.map_err(|_| Unfetched::Unreachable)?;
    if upstream.status != StatusCode::OK.as_u16() {
        return Err(Unfetched::Status(upstream.status));
    }
    let format = Format::named(&upstream.content_type).ok_or(Unfetched::WrongType)?;
    let bytes = collect(upstream).await?;
    if format.begins(&bytes) {
        Ok(Image { format, bytes })
    } else {
        Err(Unfetched::Disguised(format.media_type()))
    }
}

fn accepted() -> String {
    Format::ALL.map(Format::media_type).join(", ")
}

async fn collect(mut upstream: Upstream) -> Result<Vec<u8>, Unfetched> {
    let mut bytes = Vec::new();
    while let Some(chunk) = upstream.body.next().await {
        let chunk = chunk.map_err(|_| Unfetched::Unreachable)?;
        if chunk.len() > LARGEST.saturating_sub(bytes.len()) {
            return Err(Unfetched::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
