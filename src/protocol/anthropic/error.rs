//! Errors as Anthropic's clients know them: `{"type":"error","error":{"type","message"},"request_id"}`.
//!
//! <https://docs.anthropic.com/en/api/errors>

use serde::Serialize;

use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::protocol::openai_error;

/// The error object. Serialises to the whole body, or to the data of a stream's last event.
#[derive(Serialize)]
pub(super) struct ErrorObject<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Inner<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Inner<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

/// What a client is told of an error; its detail stays here.
pub(super) fn object<'a>(error: &'a Error, request_id: &'a str) -> ErrorObject<'a> {
    ErrorObject {
        kind: "error",
        error: Inner {
            kind: error_type(error.kind),
            message: &error.message,
        },
        request_id,
    }
}

/// The reply to a request that failed.
#[must_use]
pub fn error_body(error: &Error, request_id: &str) -> Reply {
    let mut reply = Reply::json(error.status(), &object(error, request_id));
    openai_error::set_headers(&mut reply, error, request_id);
    reply
}

const fn error_type(kind: Kind) -> &'static str {
    match kind {
        Kind::BudgetExhausted => "billing_error",
        Kind::Conflict
        | Kind::IdempotencyKeyReused
        | Kind::InvalidRequest
        | Kind::MethodNotAllowed
        | Kind::PreconditionFailed
        | Kind::StillRunning
        | Kind::UnsupportedMediaType => "invalid_request_error",
        Kind::DeadlineExceeded => "timeout_error",
        Kind::ContentBlocked | Kind::Forbidden => "permission_error",
        Kind::Internal | Kind::OutputInvalid | Kind::UpstreamFailed => "api_error",
        Kind::ModelNotFound | Kind::NotFound => "not_found_error",
        Kind::PayloadTooLarge => "request_too_large",
        Kind::RateLimited | Kind::UpstreamBusy => "rate_limit_error",
        Kind::Unauthenticated => "authentication_error",
        Kind::CircuitOpen | Kind::KillSwitch | Kind::Unavailable => "overloaded_error",
    }
}
