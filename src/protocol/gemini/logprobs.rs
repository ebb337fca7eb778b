//! The probabilities of tokens as Google has them, of `OpenAI`'s elements.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::protocol::json::{self, Json, Object};

/// The `logprobsResult` of a candidate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogprobsBody {
    top_candidates: Vec<TopBody>,
    chosen_candidates: Vec<TokenBody>,
}

#[derive(Debug, Serialize)]
struct TopBody {
    candidates: Vec<TokenBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenBody {
    token: String,
    log_probability: f64,
}

impl LogprobsBody {
    /// What tokens tell; nothing where there are none.
    pub(super) fn of(tokens: &[Json]) -> Option<Self> {
        let tokens = tokens.iter().filter_map(|token| Object::of(token.raw()));
        let told = tokens.filter_map(|token| Some((TokenBody::of(&token)?, top(&token))));
        let (chosen_candidates, top_candidates): (Vec<_>, Vec<_>) = told.unzip();
        (!chosen_candidates.is_empty()).then_some(Self {
            top_candidates,
            chosen_candidates,
        })
    }
}

fn top(token: &Object<'_>) -> TopBody {
    let others = token.get("top_logprobs").and_then(json::elements);
    let others = others.unwrap_or_default().into_iter();
    let read = |raw: &RawValue| TokenBody::of(&Object::of(raw)?);
    TopBody {
        candidates: others.filter_map(read).collect(),
    }
}

impl TokenBody {
    fn of(token: &Object<'_>) -> Option<Self> {
        Some(Self {
            token: token.get("token").and_then(json::text)?,
            log_probability: serde_json::from_str(token.get("logprob")?.get()).ok()?,
        })
    }
}
