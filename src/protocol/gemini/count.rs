//! The tokens of a prompt: the wire of `POST /v1beta/models/{model}:countTokens`.
//!
//! <https://ai.google.dev/api/tokens>

use serde::Serialize;

use super::request::{self, Draft};
use crate::error::Error;
use crate::protocol::ChatRequest;
use crate::protocol::json::{Path, Value, document};

/// Parses a body whose tokens are counted: that of a request, or one under `generateContentRequest`.
///
/// # Errors
/// As [`super::parse`].
pub fn parse_count(body: &[u8], model: &str) -> Result<ChatRequest, Error> {
    let object = document(body)?;
    let Some(inner) = object.first(&["generateContentRequest", "generate_content_request"]) else {
        return request::parse(body, model, false);
    };
    let path = Path::Field(&Path::Root, "generateContentRequest");
    let object = Value::new(inner, &path).object()?;
    Draft::read(object, &path)?.finish(&path, model, false)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CountBody {
    total_tokens: u64,
}

/// The body that tells a count.
#[must_use]
pub fn render_count(total_tokens: u64) -> Vec<u8> {
    serde_json::to_vec(&CountBody { total_tokens }).unwrap_or_default()
}
