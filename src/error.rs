//! Errors as values: what went wrong, whose fault it is, whether a retry helps, and what the caller
//! is told. The public message is apart from the internal detail, which only logs may carry.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ports::Log;

/// What went wrong. One row of the table in [`Kind::row`] each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The org's budget cannot carry the worst this request may cost.
    BudgetExhausted,
    /// No model may be asked now: each fails, or wants to be left alone.
    CircuitOpen,
    /// What is said or answered is unsafe.
    ContentBlocked,
    /// The same document was changed by somebody else meanwhile.
    Conflict,
    /// The total deadline of the request passed.
    DeadlineExceeded,
    /// The caller is known and may not do this.
    Forbidden,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// Ours; the detail is in the log only.
    Internal,
    /// The body or a parameter is malformed.
    InvalidRequest,
    /// What the request needs was switched off by hand.
    KillSwitch,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The model is unknown to this deployment or to this key.
    ModelNotFound,
    /// The path or the named thing does not exist.
    NotFound,
    /// The answer is not what the operation must give.
    OutputInvalid,
    /// The body is larger than the gateway takes.
    PayloadTooLarge,
    /// `If-Match` names another version than the current one.
    PreconditionFailed,
    /// A rate limit is used up.
    RateLimited,
    /// A request with the same idempotency key is under way.
    StillRunning,
    /// No key, a malformed one, an unknown one or a revoked one.
    Unauthenticated,
    /// A part the request needs is out of reach or switched off.
    Unavailable,
    /// The body's content type is not one this path takes.
    UnsupportedMediaType,
    /// Every attempt at a provider met a rate limit of the provider.
    UpstreamBusy,
    /// Every attempt at a provider failed.
    UpstreamFailed,
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The caller's request.
    Client,
    /// Esclusa itself or its storage.
    Internal,
    /// A model provider.
    Upstream,
}

/// One row of the error table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// HTTP status.
    pub status: u16,
    /// `error.type` of the OpenAI error object.
    pub kind: &'static str,
    /// `error.code` of the OpenAI error object.
    pub code: &'static str,
    /// Whose fault it is.
    pub source: Source,
    /// Whether the same request may succeed later.
    pub retry: bool,
}

impl Kind {
    /// The one table from error to HTTP.
    #[must_use]
    pub const fn row(self) -> Row {
        use Source::{Client, Internal, Upstream};
        let (status, kind, code, source, retry) = match self {
            Self::BudgetExhausted => (402, "insufficient_quota", "budget_exhausted", Client, false),
            Self::CircuitOpen => (503, "server_error", "circuit_open", Upstream, true),
            Self::ContentBlocked => (403, "permission_error", "content_blocked", Client, false),
            Self::Conflict => (409, "invalid_request_error", "conflict", Client, true),
            Self::DeadlineExceeded => (504, "server_error", "deadline_exceeded", Upstream, true),
            Self::Forbidden => (403, "permission_error", "forbidden", Client, false),
            Self::IdempotencyKeyReused => (
                422,
                "invalid_request_error",
                "idempotency_key_reused",
                Client,
                false,
            ),
            Self::StillRunning => (409, "conflict_error", "still_running", Client, true),
            Self::Internal => (500, "server_error", "internal_error", Internal, true),
            Self::InvalidRequest => (
                400,
                "invalid_request_error",
                "invalid_request",
                Client,
                false,
            ),
            Self::KillSwitch => (503, "server_error", "kill_switch", Client, false),
            Self::MethodNotAllowed => (
                405,
                "invalid_request_error",
                "method_not_allowed",
                Client,
                false,
            ),
            Self::ModelNotFound => (
                404,
                "invalid_request_error",
                "model_not_found",
                Client,
                false,
            ),
            Self::NotFound => (404, "invalid_request_error", "not_found", Client, false),
            Self::OutputInvalid => (502, "upstream_error", "output_invalid", Upstream, true),
            Self::PayloadTooLarge => (
                413,
                "invalid_request_error",
                "payload_too_large",
                Client,
                false,
            ),
            Self::PreconditionFailed => (
                412,
                "invalid_request_error",
                "precondition_failed",
                Client,
                false,
            ),
            Self::RateLimited => (429, "rate_limit_error", "rate_limit_exceeded", Client, true),
            Self::Unauthenticated => (
                401,
                "authentication_error",
                "invalid_api_key",
                Client,
                false,
            ),
            Self::Unavailable => (503, "server_error", "unavailable", Internal, true),
            Self::UnsupportedMediaType => (
                415,
                "invalid_request_error",
                "unsupported_media_type",
                Client,
                false,
            ),
            Self::UpstreamBusy => (
                429,
                "rate_limit_error",
                "upstream_rate_limited",
                Upstream,
                true,
            ),
            Self::UpstreamFailed => (502, "upstream_error", "upstream_failed", Upstream, true),
        };
        Row {
            status,
            kind,
            code,
            source,
            retry,
        }
    }
}

/// An error on its way to a caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: {message}{}", detail.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// What the caller is told: what is wrong and what to do about it.
    pub message: String,
    /// The JSON path or the name of the offending parameter.
    pub param: Option<String>,
    /// For the log, never for the caller.
    pub detail: Option<String>,
    /// Seconds after which a retry may succeed.
    pub retry_after: Option<u64>,
    /// The methods that do exist, for `Allow`.
    pub allow: Option<Cow<'static, str>>,
}

impl Error {
    /// An error of `kind` with its public message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            param: None,
            detail: None,
            retry_after: None,
            allow: None,
        }
    }

    /// A malformed request: what is wrong at which JSON path.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::new(Kind::InvalidRequest, message)
        }
    }

    /// A failure of ours: the caller learns nothing but that it happened.
    pub fn internal(detail: impl Into<String>) -> Self {
        let message = "Esclusa failed to process this request. Retry; if it persists, give the administrator the request id.";
        Self::new(Kind::Internal, message).with_detail(detail)
    }

    /// A part of the deployment is out of reach.
    pub fn unavailable(message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(Kind::Unavailable, message).with_detail(detail)
        }
    }

    /// The same error with a detail for the log.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// The same error with the seconds after which a retry may succeed.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// Tells the operator of an error that is not the client's fault.
    pub fn log_fault(&self, log: &dyn Log, request: &str) {
        if self.kind.row().source != Source::Client {
            log.error(&format!("request {request}: {self}"));
        }
    }

    /// HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.row().status
    }
}
