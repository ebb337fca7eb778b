//! Reranking in the shape that Cohere and Jina share: a query and documents in, indices and scores
//! out, best first.
//!
//! <https://docs.cohere.com/reference/rerank>, <https://api.jina.ai/redoc#tag/rerank>

use serde::Serialize;

use super::Warning;
use super::input_usage::InputUsage;
use super::json::{self, Object, Path, Shape, Value};
use super::model_name::model_or_auto;
use crate::error::Error;
use crate::money::Nanos;
use crate::usage::Usage;

/// Documents of a request.
pub const MAX_DOCUMENTS: usize = 1_000;

const KNOWN: [&str; 5] = ["model", "query", "documents", "top_n", "return_documents"];

/// A request to rank documents, parsed and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RerankRequest {
    /// The model as the caller wrote it; `auto` where it wrote none.
    pub model: String,
    /// What the documents shall answer.
    pub query: String,
    /// At least one.
    pub documents: Vec<String>,
    /// How many of the best are wanted, at most the number of documents.
    pub top_n: usize,
    /// Whether each result repeats its document.
    pub return_documents: bool,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Parses the body of `POST /v1/rerank`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse(body: &[u8]) -> Result<RerankRequest, Error> {
    let object = json::document(body)?;
    let root = &Path::Root;
    let mut warnings = Vec::new();
    object.warn_of_others(root, &KNOWN, &mut warnings);
    let query = |value: Value<'_, '_>| value.filled_string("what the documents shall answer");
    let documents = object.required(root, "documents", "Send at least one text.", documents)?;
    let top_n = object.optional(root, "top_n", top_n)?;
    let returned = object.optional_boolean(root, "return_documents")?;
    Ok(RerankRequest {
        model: model_or_auto(&object)?,
        query: object.required(root, "query", "Send a text.", query)?,
        top_n: top_n.map_or(documents.len(), |most| most.min(documents.len())),
        documents,
        return_documents: returned.unwrap_or(false),
        warnings,
    })
}

fn documents(value: Value<'_, '_>) -> Result<Vec<String>, Error> {
    let elements = value.array(MAX_DOCUMENTS)?;
    if elements.is_empty() {
        return Err(value
            .path
            .error("must not be empty. Send at least one text."));
    }
    let elements = elements.into_iter().enumerate();
    elements
        .map(|(index, raw)| document(Value::new(raw, &Path::Index(value.path, index))))
        .collect()
}

/// A text, or an object with one, as both providers take it.
fn document(value: Value<'_, '_>) -> Result<String, Error> {
    let text = |value: Value<'_, '_>| value.filled_string("the document's text");
    match value.shape() {
        Shape::String => text(value),
        Shape::Object => {
            let object: Object<'_> = value.object()?;
            object.required(value.path, "text", "Send the document's text.", text)
        }
        _ => Err(value.wrong("a string or an object with `text`")),
    }
}

fn top_n(value: Value<'_, '_>) -> Result<usize, Error> {
    let most = value.integer(&(1..=i64::MAX))?;
    Ok(usize::try_from(most).unwrap_or(usize::MAX))
}

/// The body of an answer. `ranks` are (index, score), best first, no more than are wanted. Both the
/// fields of Cohere (`id`, `meta`) and those of Jina (`model`, `usage`) are there.
#[must_use]
pub fn render(
    request: &RerankRequest,
    ranks: &[(usize, f64)],
    id: &str,
    model: &str,
    usage: &Usage,
    cost: Nanos,
) -> Vec<u8> {
    let results = ranks.iter().map(|(index, score)| ResultBody {
        index: *index,
        relevance_score: *score,
        document: request
            .documents
            .get(*index)
            .filter(|_| request.return_documents)
            .map(|text| DocumentBody { text }),
    });
    let body = Body {
        id,
        model,
        results: results.collect(),
        usage: InputUsage::new(usage, cost),
        meta: Meta {
            tokens: TokenBody {
                input_tokens: usage.input_tokens,
            },
        },
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    model: &'a str,
    results: Vec<ResultBody<'a>>,
    usage: InputUsage,
    meta: Meta,
}

#[derive(Serialize)]
struct ResultBody<'a> {
    index: usize,
    relevance_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<DocumentBody<'a>>,
}

#[derive(Serialize)]
struct DocumentBody<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Meta {
    tokens: TokenBody,
}

#[derive(Serialize)]
struct TokenBody {
    input_tokens: u64,
}

#[cfg(test)]
mod tests;
