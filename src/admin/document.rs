//! A configuration document as an administrator sends it, YAML or JSON, and what is told of it.

use serde::Serialize;

use super::Asked;
use super::page::parameters;
use crate::config::{Problem, yaml};
use crate::error::{Error, Kind};
use crate::http::Incoming;
use crate::malformed::Malformed;
use crate::protocol::json;

/// Bytes of what an administrator says about a change.
const NOTE_LIMIT: usize = 500;

/// The types of a document that is YAML. <https://www.rfc-editor.org/rfc/rfc9512>
const YAML_TYPES: [&str; 3] = ["application/yaml", "application/x-yaml", "text/yaml"];
const JSON_TYPES: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// A document, or a part of one.
pub(super) struct Sent {
    /// Its JSON text: of JSON as it was sent.
    pub(super) json: String,
    lines: Option<yaml::Document>,
}

/// Something about a document.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    path: String,
    /// Of what was sent, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    reason: String,
}

impl From<Problem> for Told {
    fn from(problem: Problem) -> Self {
        Self {
            path: problem.path,
            line: problem.line,
            reason: problem.reason,
        }
    }
}

impl Sent {
    /// Problems with the lines of what was sent.
    pub(super) fn placed(&self, problems: Vec<Problem>) -> Vec<Problem> {
        // Lines of JSON are looked for only where somebody wants to know them.
        let own = || yaml::parse(&self.json).ok();
        let found = if self.lines.is_none() { own() } else { None };
        let Some(lines) = self.lines.as_ref().or(found.as_ref()) else {
            return problems;
        };
        let problems = problems.into_iter();
        problems.map(|problem| problem.on_line_of(lines)).collect()
    }
}

/// Reads a document.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub(super) async fn read(incoming: &dyn Incoming) -> Result<Sent, Error> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_one_of = |types: &[&str]| types.iter().any(|it| essence.eq_ignore_ascii_case(it));
    if !is_one_of(&YAML_TYPES) && !is_one_of(&JSON_TYPES) {
        let message = "Send the document as JSON, with `Content-Type: application/json`, or as YAML, with `application/yaml`.";
        return Err(Error::new(Kind::UnsupportedMediaType, message));
    }
    let body = incoming.body(yaml::MOST_BYTES).await?;
    if is_one_of(&JSON_TYPES) {
        json::document(&body)?;
    }
    let text = String::from_utf8(body)
        .map_err(|_| Error::invalid("", "The configuration is not UTF-8."))?;
    if is_one_of(&JSON_TYPES) {
        return Ok(Sent {
            json: text,
            lines: None,
        });
    }
    let malformed = |it: Malformed| Error::invalid("", format!("The document: {it}."));
    let document = yaml::parse(&text).map_err(malformed)?;
    json::document(document.json.as_bytes())?;
    Ok(Sent {
        json: document.json.clone(),
        lines: Some(document),
    })
}

/// Refuses a document that is larger than one that may be sent: a merge, or YAML as JSON, may be.
///
/// # Errors
/// `PayloadTooLarge`.
pub(super) fn check_size(document: &str) -> Result<(), Error> {
    if document.len() <= yaml::MOST_BYTES {
        return Ok(());
    }
    let most = yaml::MOST_BYTES / 1024;
    let message = format!("The configuration would be larger than {most} KiB of JSON.");
    Err(Error::new(Kind::PayloadTooLarge, message))
}

/// The refusal of a document.
pub(super) fn refused(problems: &[Problem]) -> Error {
    let line = |problem: &Problem| {
        let Problem { path, reason, .. } = problem;
        match problem.line {
            Some(line) => format!("{path} (line {line}): {reason}"),
            None => format!("{path}: {reason}"),
        }
    };
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
