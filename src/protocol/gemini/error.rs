//! Errors as Google's clients know them: `{"error":{"code","message","status","details"}}`.
//!
//! <https://cloud.google.com/apis/design/errors>

use serde::Serialize;

use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::protocol::openai_error;

/// The error object. Serialises to the whole body, or to a stream's last chunk.
#[derive(Serialize)]
pub(super) struct ErrorObject<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<Detail<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "@type")]
enum Detail<'a> {
    #[serde(rename = "type.googleapis.com/google.rpc.BadRequest")]
    #[serde(rename_all = "camelCase")]
    BadRequest {
        field_violations: [Violation<'a>; 1],
    },
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo")]
    #[serde(rename_all = "camelCase")]
    RetryInfo { retry_delay: String },
}

#[derive(Serialize)]
struct Violation<'a> {
    field: &'a str,
    description: &'a str,
}

/// What a client is told of an error; its detail stays here.
pub(super) fn object(error: &Error) -> ErrorObject<'_> {
    let field = error.param.as_deref().map(|field| Detail::BadRequest {
        field_violations: [Violation {
            field,
            description: &error.message,
        }],
    });
    let retry = error.retry_after.map(|seconds| Detail::RetryInfo {
        retry_delay: format!("{seconds}s"),
    });
    ErrorObject {
        error: Inner {
            code: error.status(),
            message: &error.message,
            status: status(error.kind),
            details: field.into_iter().chain(retry).collect(),
        },
    }
}

/// The reply to a request that failed.
#[must_use]
pub fn error_body(error: &Error, request_id: &str) -> Reply {
    let mut reply = Reply::json(error.status(), &object(error));
    openai_error::set_headers(&mut reply, error, request_id);
    reply
}

const fn status(kind: Kind) -> &'static str {
    match kind {
        Kind::BudgetExhausted | Kind::PreconditionFailed => "FAILED_PRECONDITION",
        Kind::Conflict | Kind::StillRunning => "ABORTED",
        Kind::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Kind::ContentBlocked | Kind::Forbidden => "PERMISSION_DENIED",
        Kind::Internal => "INTERNAL",
        Kind::IdempotencyKeyReused
        | Kind::InvalidRequest
        | Kind::MethodNotAllowed
        | Kind::PayloadTooLarge
        | Kind::UnsupportedMediaType => "INVALID_ARGUMENT",
        Kind::ModelNotFound | Kind::NotFound => "NOT_FOUND",
        Kind::RateLimited | Kind::UpstreamBusy => "RESOURCE_EXHAUSTED",
        Kind::Unauthenticated => "UNAUTHENTICATED",
        Kind::CircuitOpen
        | Kind::KillSwitch
        | Kind::OutputInvalid
        | Kind::Unavailable
        | Kind::UpstreamFailed => "UNAVAILABLE",
    }
}
