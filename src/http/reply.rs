//! A reply on its way out: status, headers, and a body that is whole or a stream of chunks.

use std::borrow::Cow;
use std::fmt;

use futures::stream::LocalBoxStream;
use serde::Serialize;

use crate::error::Error;

/// The body of a reply.
pub enum Body {
    /// The whole body.
    Bytes(Vec<u8>),
    /// No body at all, as 204 demands.
    Empty,
    /// Chunks of which an error breaks the connection: of bytes that have no other sign of an end.
    Relayed(LocalBoxStream<'static, Result<Vec<u8>, Error>>),
    /// Chunks as they come. Dropping the stream means that the client has gone.
    Stream(LocalBoxStream<'static, Vec<u8>>),
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(formatter, "Bytes({})", bytes.len()),
            Self::Empty => formatter.write_str("Empty"),
            Self::Relayed(_) => formatter.write_str("Relayed"),
            Self::Stream(_) => formatter.write_str("Stream"),
        }
    }
}

/// A reply to a client.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body.
    pub body: Body,
}

impl Reply {
    /// A JSON reply. A value that cannot be serialised is a fault of ours and becomes a bare 500.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => Self::bytes(status, "application/json", bytes),
            Err(_) => Self {
                status: 500,
                headers: Vec::new(),
                body: Body::Empty,
            },
        }
    }

    /// A reply of whole bytes.
    #[must_use]
    pub fn bytes(status: u16, content_type: &'static str, bytes: Vec<u8>) -> Self {
        let headers = vec![("content-type", Cow::Borrowed(content_type))];
        Self {
            status,
            headers,
            body: Body::Bytes(bytes),
        }
    }

    /// A reply without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// A streamed answer, e.g. of server-sent events.
    #[must_use]
    pub fn streamed(content_type: &'static str, stream: LocalBoxStream<'static, Vec<u8>>) -> Self {
        let headers = vec![
            ("content-type", Cow::Borrowed(content_type)),
            ("cache-control", Cow::Borrowed("no-cache")),
        ];
        Self {
            status: 200,
            headers,
            body: Body::Stream(stream),
        }
    }

    /// Bytes as they come.
    #[must_use]
    pub fn relayed(
        content_type: &'static str,
        chunks: LocalBoxStream<'static, Result<Vec<u8>, Error>>,
    ) -> Self {
        let headers = vec![("content-type", Cow::Borrowed(content_type))];
        Self {
            status: 200,
            headers,
            body: Body::Relayed(chunks),
        }
    }

    /// Adds a header.
    pub fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers.push((name, value.into()));
    }

    /// Sets a header in place of the one there may be.
    pub fn replace(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers.retain(|(known, _)| *known != name);
        self.set(name, value);
    }

    /// A header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_ref())
    }
}
