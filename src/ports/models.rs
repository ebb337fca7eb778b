//! Calls of models, and what comes back.

use std::fmt;

use futures::future::LocalBoxFuture;
use futures::stream::LocalBoxStream;

/// A model call, in the provider's own wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelCall {
    /// Through the AI binding.
    Binding(BindingCall),
    /// Straight to the provider.
    Http(HttpCall),
}

/// A call through the AI binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingCall {
    /// The provider's id of the model, e.g. `@cf/baai/bge-m3`.
    pub model: String,
    /// JSON text of the input.
    pub input: String,
    /// JSON text of the binding's options.
    pub options: String,
}

/// A call over HTTPS: a `POST` of a body, or a `GET` where there is none. `Debug` shows neither what
/// may be secret nor what may be a person's text.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// The whole address. Never holds a key.
    pub url: String,
    /// Lower-case names and their values, without `content-type`.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Body>,
    /// The key among the headers: it must not be in anything that comes back.
    pub secret: Option<String>,
}

/// A body with its media type.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// `content-type`
    pub content_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Body {
    /// A body of JSON.
    #[must_use]
    pub fn json(text: String) -> Self {
        Self {
            content_type: "application/json".to_owned(),
            bytes: text.into_bytes(),
        }
    }
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.split('?').next().unwrap_or_default();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("HttpCall")
            .field("url", &url)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// A provider's answer, not yet understood.
pub struct Upstream {
    /// HTTP status.
    pub status: u16,
    /// `content-type`, empty where absent.
    pub content_type: String,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u64>,
    /// The body as it comes. Dropping it aborts the call.
    pub body: LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>,
}

/// No answer, or none any more: the network, the binding or the stream failed. What the call used
/// is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider could not be reached: {0}")]
pub struct Unreachable(pub String);

/// Models of every provider, and the pictures that requests name by their address.
pub trait Models {
    /// Calls a model. An answer with an error status is an [`Upstream`] like any other, and so is a
    /// redirect: none is followed.
    fn run(&self, call: ModelCall) -> LocalBoxFuture<'_, Result<Upstream, Unreachable>>;
}
