//! `@cf/meta/llama-guard-3-8b`, and its hazards in `OpenAI`'s categories.
//!
//! <https://developers.cloudflare.com/workers-ai/models/llama-guard-3-8b/>
//! <https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/>
//!
//! | hazard | categories |
//! |---|---|
//! | S1 violent crimes | illicit, illicit/violent, violence |
//! | S2 other crimes, S14 abuse of code interpreters | illicit |
//! | S3 sex crimes | illicit, sexual |
//! | S4 sexual exploitation of children | sexual, sexual/minors |
//! | S5 defamation | harassment |
//! | S9 indiscriminate weapons | illicit, illicit/violent |
//! | S10 hate | hate |
//! | S11 suicide and self-harm | self-harm |
//! | S12 sexual content | sexual |
//!
//! S6 specialised advice, S7 privacy, S8 intellectual property and S13 elections have no category:
//! they are named in `hazards` and flag nothing. The model gives no probabilities: scores are 0 or 1.

use serde::Serialize;

use super::{answer, call};
use crate::ports::ModelCall;
use crate::protocol::json::{self, Object, Shape};
use crate::protocol::moderations::{CATEGORIES, Verdict};
use crate::providers::chat_completions;
use crate::providers::failure::Failure;
use crate::usage::Usage;

/// The call that judges a text.
#[must_use]
pub fn encode_guard(model: &str, text: &str) -> ModelCall {
    let message = Message {
        role: "user",
        content: text,
    };
    call(
        model,
        &Input {
            messages: [message],
        },
    )
}

#[derive(Serialize)]
struct Input<'a> {
    messages: [Message<'a>; 1],
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// Reads a verdict: `safe`, `unsafe` and a line of hazards, or an object that says so.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_guard(body: &[u8]) -> Result<(Verdict, Option<Usage>), Failure> {
    let object = answer(body)?;
    let response = object
        .get("response")
        .and_then(|raw| match json::shape(raw) {
            Shape::Object => of_object(&Object::of(raw)?),
            Shape::String => of_text(&json::text(raw)?),
            _ => None,
        });
    let hazards = response.ok_or_else(|| Failure::malformed("`response` is no verdict"))?;
    let mut applies = [false; 13];
    for hazard in &hazards {
        let found = categories(hazard);
        for (mark, category) in applies.iter_mut().zip(CATEGORIES) {
            *mark |= found.contains(&category);
        }
    }
    let scores = applies.map(|applies| if applies { 1.0 } else { 0.0 });
    let verdict = Verdict {
        applies,
        scores,
        hazards,
    };
    Ok((verdict, chat_completions::usage(&object)))
}

fn of_object(object: &Object<'_>) -> Option<Vec<String>> {
    match object.get("safe")?.get() {
        "true" => Some(Vec::new()),
        "false" => {
            let names = object.get("categories").and_then(json::elements)?;
            named(names.into_iter().map(json::text).collect::<Option<_>>()?)
        }
        _ => None,
    }
}

fn of_text(text: &str) -> Option<Vec<String>> {
    let mut lines = text.trim().lines().map(str::trim);
    match lines.next()? {
        "safe" => Some(Vec::new()),
        "unsafe" => {
            let names = lines.flat_map(|line| line.split(','));
            let names = names.map(str::trim).filter(|name| !name.is_empty());
            named(names.map(str::to_owned).collect())
        }
        _ => None,
    }
}

/// What is unsafe is so for a reason.
fn named(hazards: Vec<String>) -> Option<Vec<String>> {
    Some(hazards).filter(|hazards| !hazards.is_empty())
}

fn categories(hazard: &str) -> &'static [&'static str] {
    match hazard {
        "S1" => &["illicit", "illicit/violent", "violence"],
        "S2" | "S14" => &["illicit"],
        "S3" => &["illicit", "sexual"],
        "S4" => &["sexual", "sexual/minors"],
        "S5" => &["harassment"],
        "S9" => &["illicit", "illicit/violent"],
        "S10" => &["hate"],
        "S11" => &["self-harm"],
        "S12" => &["sexual"],
        _ => &[],
    }
}
