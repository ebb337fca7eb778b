//! The probabilities of tokens, to the elements of `OpenAI`'s `logprobs.content`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::protocol::json::{self, Json, Object};

/// What a candidate, or a chunk of one, tells of its tokens.
pub(super) fn logprobs(candidate: &Object<'_>) -> Vec<Json> {
    told(candidate).unwrap_or_default()
}

fn told(candidate: &Object<'_>) -> Option<Vec<Json>> {
    let result = Object::of(candidate.get("logprobsResult")?)?;
    let chosen = json::elements(result.get("chosenCandidates")?)?;
    let top = result.get("topCandidates").and_then(json::elements);
    let top = top.unwrap_or_default();
    let tokens = chosen.into_iter().enumerate().filter_map(|(at, raw)| {
        let others = top.get(at).and_then(|raw| alternatives(raw));
        Some(Json::of(&Element {
            token: Token::of(raw)?,
            top_logprobs: others.unwrap_or_default(),
        }))
    });
    Some(tokens.collect())
}

fn alternatives(raw: &RawValue) -> Option<Vec<Token>> {
    let candidates = json::elements(Object::of(raw)?.get("candidates")?)?;
    Some(candidates.into_iter().filter_map(Token::of).collect())
}

#[derive(Serialize)]
struct Element {
    #[serde(flatten)]
    token: Token,
    top_logprobs: Vec<Token>,
}

#[derive(Serialize)]
struct Token {
    #[serde(rename = "token")]
    text: String,
    logprob: f64,
    bytes: Vec<u8>,
}

impl Token {
    fn of(raw: &RawValue) -> Option<Self> {
        let object = Object::of(raw)?;
        let text = json::text(object.get("token")?)?;
        Some(Self {
            bytes: text.clone().into_bytes(),
            text,
            logprob: serde_json::from_str(object.get("logProbability")?.get()).ok()?,
        })
    }
}
