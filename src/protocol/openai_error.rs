//! Errors as `OpenAI` clients know them: `{"error":{"message","type","param","code"}}`.

use serde::Serialize;

use crate::error::Error;
use crate::http::Reply;

/// The error object. Serialises to the whole body.
#[derive(Debug, Serialize)]
pub struct ErrorObject<'a> {
    error: Inner<'a>,
}

#[derive(Debug, Serialize)]
struct Inner<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: &'static str,
}

/// What a client is told of an error; its detail stays here.
#[must_use]
pub fn object(error: &Error) -> ErrorObject<'_> {
    let row = error.kind.row();
    ErrorObject {
        error: Inner {
            message: &error.message,
            kind: row.kind,
            param: error.param.as_deref(),
            code: row.code,
        },
    }
}

/// The reply to a request that failed.
#[must_use]
pub fn error_body(error: &Error, request_id: &str) -> Reply {
    let mut reply = Reply::json(error.status(), &object(error));
    set_headers(&mut reply, error, request_id);
    reply
}

/// Sets `x-request-id`, and `Retry-After` and `Allow` where the error knows them. `x-should-retry` is
/// what the SDKs of `OpenAI` and Anthropic go by before they look at the status.
pub(crate) fn set_headers(reply: &mut Reply, error: &Error, request_id: &str) {
    reply.set("x-request-id", request_id.to_owned());
    let retry = error.kind.row().retry;
    reply.set("x-should-retry", if retry { "true" } else { "false" });
    if let Some(seconds) = error.retry_after {
        reply.set("retry-after", seconds.to_string());
    }
    if let Some(methods) = &error.allow {
        reply.set("allow", methods.clone());
    }
}
