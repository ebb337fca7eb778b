//! A search in an org's documents by meaning: the operation `search_semantic` of `POST /v1/run`.
//!
//! Request: `{"operation", "input", "top_n"?, "metadata"?}`, where `input` is a text.
//!
//! Answer: `{"id", "object": "run", "operation", "model", "results", "usage"}`; each result is
//! `{"document", "title", "uri", "passage", "score"}`, best first, scores from 0 to 1.

use serde::Serialize;

use super::dialect::Bill;
use super::input_usage::InputUsage;
use super::json::{self, Path, Value};
use super::{Source, Warning};
use crate::error::Error;

const KNOWN: [&str; 5] = ["operation", "model", "input", "top_n", "metadata"];

/// A search, parsed and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRequest {
    /// What is looked for.
    pub query: String,
    /// How many passages are wanted, where the caller says it.
    pub top_n: Option<u32>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Parses the body. `most` is how many passages the operation gives.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse(body: &[u8], most: u32) -> Result<SearchRequest, Error> {
    let object = json::document(body)?;
    let root = &Path::Root;
    let mut warnings = Vec::new();
    object.warn_of_others(root, &KNOWN, &mut warnings);
    let query = |value: Value<'_, '_>| value.filled_string("what is looked for");
    let top_n = |value: Value<'_, '_>| {
        let wanted = value.integer(&(1..=i64::from(most)))?;
        Ok(u32::try_from(wanted).unwrap_or(most))
    };
    Ok(SearchRequest {
        query: object.required(root, "input", "Send a text.", query)?,
        top_n: object.optional(root, "top_n", top_n)?,
        warnings,
    })
}

/// The body of an answer.
#[must_use]
pub fn render(
    id: &str,
    operation: &str,
    model: &str,
    results: &[Source],
    bill: Bill<'_>,
) -> Vec<u8> {
    let body = Body {
        id,
        object: "run",
        operation,
        model,
        results,
        usage: InputUsage::new(bill.usage, bill.cost),
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    operation: &'a str,
    model: &'a str,
    results: &'a [Source],
    usage: InputUsage,
}
