//! A configuration document as an administrator sends it, and what is told of it.

use serde::Serialize;

use super::Asked;
use super::page::parameters;
use crate::config::Problem;
use crate::error::Error;
use crate::http::Incoming;
use crate::protocol::json;
use crate::request::admit::json_body;

/// Bytes of what an administrator says about a change.
const NOTE_LIMIT: usize = 500;

/// Something about a document.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    path: String,
    reason: String,
}

impl From<Problem> for Told {
    fn from(problem: Problem) -> Self {
        Self {
            path: problem.path,
            reason: problem.reason,
        }
    }
}

/// Reads a document.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub(super) async fn read(incoming: &dyn Incoming) -> Result<String, Error> {
    let body = json_body(incoming).await?;
    json::document(&body)?;
    String::from_utf8(body).map_err(|_| Error::invalid("", "The configuration is not UTF-8."))
}

/// The refusal of a document.
pub(super) fn refused(problems: &[Problem]) -> Error {
    let line = |problem: &Problem| format!("{}: {}", problem.path, problem.reason);
    let lines: Vec<String> = problems.iter().map(line).collect();
    let path = problems.first().map_or("", |problem| problem.path.as_str());
    Error::invalid(path, lines.join("; "))
}

/// Why something is changed: `?note=…`.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn note(asked: Asked<'_>) -> Result<String, Error> {
    let [note] = parameters(asked.incoming.query(), ["note"])?;
    checked_note(note.unwrap_or_default())
}

/// What an administrator says about a change.
///
/// # Errors
/// `InvalidRequest` where it is too long.
pub(super) fn checked_note(note: String) -> Result<String, Error> {
    if note.len() > NOTE_LIMIT {
        let message = format!("A note has at most {NOTE_LIMIT} bytes.");
        return Err(Error::invalid("note", message));
    }
    Ok(note)
}

/// Whether a document is a part of the newest: `?merge=true`.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn merges(asked: Asked<'_>) -> Result<bool, Error> {
    let [merge] = parameters(asked.incoming.query(), ["merge"])?;
    merge.map_or(Ok(false), |text| {
        let malformed = |_| Error::invalid("merge", "`merge` is `true` or `false`.");
        text.parse().map_err(malformed)
    })
}
