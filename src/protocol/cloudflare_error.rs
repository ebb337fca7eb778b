//! Errors as clients of Cloudflare's REST interfaces know them:
//! `{"success":false,"result":[],"messages":[],"errors":[{"code","message"}]}`.
//!
//! <https://developers.cloudflare.com/workers-ai/platform/errors/>

use serde::Serialize;

use super::openai_error;
use crate::error::{Error, Kind};
use crate::http::{Body, Reply};

#[derive(Serialize)]
struct Envelope<'a> {
    success: bool,
    result: [(); 0],
    messages: [(); 0],
    errors: [Inner<'a>; 1],
}

#[derive(Serialize)]
struct Inner<'a> {
    code: u32,
    message: &'a str,
}

/// JSON text of what a client is told of an error.
#[must_use]
pub fn body(error: &Error) -> Vec<u8> {
    let envelope = Envelope {
        success: false,
        result: [],
        messages: [],
        errors: [Inner {
            code: code(error.kind),
            message: &error.message,
        }],
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// The reply to a request that failed, with the headers of every error.
#[must_use]
pub fn error_body(error: &Error, request_id: &str) -> Reply {
    Reply {
        body: Body::Bytes(body(error)),
        ..openai_error::error_body(error, request_id)
    }
}

/// Cloudflare's code that comes nearest.
const fn code(kind: Kind) -> u32 {
    match kind {
        Kind::BudgetExhausted => 2021,
        Kind::ContentBlocked => 2016,
        Kind::DeadlineExceeded => 3007,
        Kind::Forbidden => 5018,
        Kind::ModelNotFound => 5007,
        Kind::NotFound | Kind::MethodNotAllowed => 7003,
        Kind::PayloadTooLarge => 3006,
        Kind::CircuitOpen | Kind::RateLimited | Kind::UpstreamBusy => 3040,
        Kind::Unauthenticated => 10_000,
        Kind::OutputInvalid | Kind::UpstreamFailed => 2005,
        Kind::Conflict
        | Kind::IdempotencyKeyReused
        | Kind::InvalidRequest
        | Kind::PreconditionFailed
        | Kind::StillRunning
        | Kind::UnsupportedMediaType => 5006,
        Kind::Internal | Kind::KillSwitch | Kind::Unavailable => 3043,
    }
}
