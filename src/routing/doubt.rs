//! Where nobody says what a request is for and the classifier is in doubt: which model is asked, what,
//! and what that may cost.

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::intent::Below;
use crate::config::{Capability, Catalogue, Model, ModelKind, Tier, Wire};
use crate::money::Nanos;
use crate::providers::workers_ai::NAME_TOKENS;
use crate::routing::bound::QUERY_BYTES;
use crate::usage::Usage;

/// Bytes of a text that are read from its beginning, where it has more than [`QUERY_BYTES`]; the others
/// are those of its end: what is asked stands at either, what is pasted in between.
const HEAD_BYTES: usize = 1_200;
/// What stands for what is left out.
const CUT: &str = "\n…\n";
/// Bytes around the text and the names: the question, the frame of JSON.
const FRAME_BYTES: u64 = 1_000;
/// Bytes around each name.
const NAME_BYTES: u64 = 16;

/// The question what a request is for.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// How it is put: never [`Below::Default`].
    pub below: Below,
    /// Who is asked.
    pub model: Arc<Model>,
    /// What it may be for: the org's operations that answer with text.
    pub operations: Vec<String>,
    /// The worst that asking may cost.
    pub bound: Nanos,
}

impl Doubt {
    /// The question that is put by `below`; `None` where there is none, or nobody to be asked.
    #[must_use]
    pub fn of(below: Below, catalogue: &Catalogue) -> Option<Self> {
        let model = match below {
            Below::Default => None,
            Below::Ask => catalogue
                .models_of(Tier::Light)
                .into_iter()
                .find(|model| answers_at_once(model)),
            Below::Decide => catalogue.model(&catalogue.helpers.decide).map(Arc::clone),
        }?;
        let operations = catalogue.operations.values();
        let operations = operations.filter(|operation| operation.tier.kind() == ModelKind::Chat);
        let operations: Vec<String> = operations.map(|operation| operation.name.clone()).collect();
        let bound = bound(&model, below, &operations);
        Some(Self {
            below,
            model,
            operations,
            bound,
        })
    }
}

/// What is read of a text: all of it, or where it is long, its two ends.
#[must_use]
pub fn excerpt(text: &str) -> Cow<'_, str> {
    if text.len() <= QUERY_BYTES {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(HEAD_BYTES);
    let tail = QUERY_BYTES
        .saturating_sub(HEAD_BYTES)
        .saturating_sub(CUT.len());
    let begin = text.ceil_char_boundary(text.len().saturating_sub(tail));
    let head = text.get(..end).unwrap_or_default();
    let tail = text.get(begin..).unwrap_or_default();
    Cow::Owned([head, CUT, tail].concat())
}

/// Whether a model of Workers AI answers with JSON, without thinking first.
fn answers_at_once(model: &Model) -> bool {
    model.wire == Some(Wire::WorkersAiNative)
        && model.can(Capability::Json)
        && !model.can(Capability::Reasoning)
}

/// A token has a byte at least.
fn bound(model: &Model, below: Below, operations: &[String]) -> Nanos {
    let names = operations.iter().map(|name| length(name.len()));
    let names = names.map(|name| name.saturating_add(NAME_BYTES));
    let parts = [length(QUERY_BYTES), FRAME_BYTES].into_iter().chain(names);
    let usage = Usage {
        input_tokens: parts.fold(0, u64::saturating_add),
        output_tokens: answer_tokens(below),
        ..Usage::default()
    };
    let price = model.token_price();
    price.map_or(Nanos::MAX, |price| price.cost(&usage))
}

/// The most tokens of an answer.
#[must_use]
pub const fn answer_tokens(below: Below) -> u64 {
    match below {
        Below::Ask => NAME_TOKENS as u64,
        Below::Decide | Below::Default => 0,
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_read_at_its_ends_within_what_is_paid_for() {
        assert_eq!(excerpt("Translate this"), "Translate this");
        let long = format!("first {} last", "é".repeat(5_000));
        let read = excerpt(&long);
        assert!(read.starts_with("first é") && read.ends_with("é last"));
        assert!(
            (1_900..=QUERY_BYTES).contains(&read.len()),
            "{}",
            read.len()
        );
    }
}
