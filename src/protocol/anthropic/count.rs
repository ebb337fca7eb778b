//! The tokens of a prompt: the wire of `POST /v1/messages/count_tokens`.
//!
//! <https://docs.anthropic.com/en/api/messages-count-tokens>

use serde::Serialize;

use super::request::Draft;
use crate::error::Error;
use crate::protocol::ChatRequest;

/// Parses a body whose tokens are counted: that of a message, in which `max_tokens` is not needed.
///
/// # Errors
/// As [`super::parse`].
pub fn parse_count(body: &[u8]) -> Result<ChatRequest, Error> {
    Draft::read(body)?.finish()
}

#[derive(Serialize)]
struct CountBody {
    input_tokens: u64,
}

/// The body that tells a count.
#[must_use]
pub fn render_count(input_tokens: u64) -> Vec<u8> {
    serde_json::to_vec(&CountBody { input_tokens }).unwrap_or_default()
}
