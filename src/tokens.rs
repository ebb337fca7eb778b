//! `POST /v1/messages/count_tokens`, `POST /v1beta/models/{model}:countTokens`: how many tokens a
//! prompt is likely to have.
//!
//! It is an estimate, made here and for free: no model is asked, since each counts in its own way and
//! the one that will answer is chosen only then.

use crate::auth::Scope;
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::isolate::Isolate;
use crate::ports::Ports;
use crate::protocol::{ChatPath, Dialect, anthropic, gemini};
use crate::request::admit::{authenticate_now, json_body};
use crate::routing::bound;

/// Counts the tokens of a prompt.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn count_tokens(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    path: &ChatPath<'_>,
) -> Result<Reply, Error> {
    authenticate_now(ports, isolate, incoming, Scope::Inference).await?;
    let body = json_body(incoming).await?;
    let count = if let Dialect::Gemini(_) = path.dialect {
        let request = gemini::parse_count(&body, path.model.unwrap_or_default())?;
        gemini::render_count(bound::likely_tokens(&request))
    } else {
        let request = anthropic::parse_count(&body)?;
        anthropic::render_count(bound::likely_tokens(&request))
    };
    Ok(Reply::bytes(200, "application/json", count))
}
