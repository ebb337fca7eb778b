//! Which models can do what a request needs, and have room for it.

use std::sync::Arc;

use super::{bound, handling};
use crate::config::{Model, Operation};
use crate::error::Error;
use crate::protocol::ChatRequest;

/// The models that can do what the request needs.
///
/// # Errors
/// `InvalidRequest` where there is none: for want of room, else of a capability.
pub(super) fn fitting(
    models: Vec<Arc<Model>>,
    request: &ChatRequest,
    operation: &Operation,
) -> Result<Vec<Arc<Model>>, Error> {
    let needs = handling::needs(request, operation);
    let missing = models.iter().find_map(|model| model.lacks(needs));
    let (able, unable): (Vec<_>, Vec<_>) = models
        .into_iter()
        .partition(|model| model.lacks(needs).is_none());
    // What is too long is shortened or refused where the operation says so.
    let most = operation.input_tokens.map_or(u64::MAX, u64::from);
    let tokens = bound::likely_tokens(request).min(most);
    let least = handling::least(operation, request, 0).min(tokens);
    for tokens in [tokens, least] {
        let fits = |model: &&Arc<Model>| {
            let output = u64::from(output_bound(model, request, operation));
            tokens.saturating_add(output) <= u64::from(model.context_window)
        };
        let fitting: Vec<_> = able.iter().filter(fits).cloned().collect();
        if !fitting.is_empty() {
            return Ok(fitting);
        }
    }
    if !able.is_empty() {
        let message = format!(
            "The conversation has about {tokens} tokens; with the answer's bound that is more than any suitable model takes. Shorten it, bound the answer lower, or ask for another model."
        );
        return Err(Error::invalid("messages", message));
    }
    let need = missing.map_or("this", |capability| capability.as_str());
    let names: Vec<&str> = unable.iter().map(|model| model.id.as_str()).collect();
    let message = format!(
        "The request needs a model with `{need}`, which {} cannot do. Ask for `auto` or another model.",
        names.join(", ")
    );
    Err(Error::invalid("model", message))
}

/// The bound of an answer in tokens that is sent to a model.
pub(super) fn output_bound(model: &Model, request: &ChatRequest, operation: &Operation) -> u32 {
    request
        .max_output_tokens
        .unwrap_or(operation.output_cap)
        .min(model.max_output)
}
