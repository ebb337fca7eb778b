//! `POST /moderations`.

use serde::{Deserialize, Serialize};

use crate::ports::Body;
use crate::protocol::json;
use crate::protocol::moderations::{CATEGORIES, Item, Part, Verdict};
use crate::providers::failure::Failure;
use crate::providers::workers_ai::answer;

/// The body that asks for verdicts.
#[must_use]
pub fn encode_moderation(model: &str, input: &[Item]) -> Body {
    let parts = |parts: &[Part]| serde_json::json!(parts.iter().map(part).collect::<Vec<_>>());
    let input = match input {
        [Item::Parts(only)] => parts(only),
        items => {
            let texts = items.iter().filter_map(|item| match item {
                Item::Parts(_) => None,
                Item::Text(text) => Some(text.as_str()),
            });
            serde_json::json!(texts.collect::<Vec<_>>())
        }
    };
    let request = Request { model, input };
    Body::json(serde_json::to_string(&request).unwrap_or_default())
}

fn part(part: &Part) -> serde_json::Value {
    match part {
        Part::Image(url) => serde_json::json!({ "type": "image_url", "image_url": { "url": url } }),
        Part::Text(text) => serde_json::json!({ "type": "text", "text": text }),
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: serde_json::Value,
}

/// Reads `count` verdicts. Categories that the model does not know do not apply.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_moderation(body: &[u8], count: usize) -> Result<Vec<Verdict>, Failure> {
    let object = answer(body)?;
    let results = object.get("results").and_then(json::elements);
    let results: Option<Vec<Judged>> = results.and_then(|items| {
        let item = |raw: &serde_json::value::RawValue| serde_json::from_str(raw.get()).ok();
        items.into_iter().map(item).collect()
    });
    let results = results.filter(|results| results.len() == count);
    let results = results.ok_or_else(|| Failure::malformed("`results` are no verdicts"))?;
    Ok(results.into_iter().map(Judged::verdict).collect())
}

#[derive(Deserialize)]
struct Judged {
    categories: std::collections::BTreeMap<String, Option<bool>>,
    category_scores: std::collections::BTreeMap<String, Option<f64>>,
}

impl Judged {
    fn verdict(self) -> Verdict {
        Verdict {
            applies: CATEGORIES.map(|name| {
                self.categories
                    .get(name)
                    .copied()
                    .flatten()
                    .unwrap_or(false)
            }),
            scores: CATEGORIES.map(|name| {
                self.category_scores
                    .get(name)
                    .copied()
                    .flatten()
                    .unwrap_or(0.0)
            }),
            hazards: Vec::new(),
        }
    }
}
