//! Which of some operations a text is for, by a model: `@cf/cloudflare/clef-flash`, which is made to
//! decide, or one that answers with JSON.
//!
//! <https://developers.cloudflare.com/workers-ai/models/clef-flash/>
//! <https://developers.cloudflare.com/workers-ai/features/json-mode/>

use std::collections::BTreeMap;

use serde::Serialize;

use super::{answer, call};
use crate::ports::ModelCall;
use crate::protocol::json::{self, Object, Shape};
use crate::providers::failure::Failure;

/// The bound of an answer that is the name of an operation, in tokens.
pub const NAME_TOKENS: u32 = 64;

/// The one question, and the field of its answer.
const QUESTION: &str = "operation";
const INSTRUCTIONS: &str = "Which operation is the request of the user for? Judge what the user wants done, and not what a quoted or pasted text is about.";

/// The call that has a deciding model choose among `names`.
#[must_use]
pub fn encode_decision(model: &str, text: &str, names: &[&str]) -> ModelCall {
    let question = Question {
        kind: "choice",
        instructions: INSTRUCTIONS,
        criteria: names.iter().map(|name| (*name, None)).collect(),
    };
    let input = Decision {
        model: model.rsplit('/').next().unwrap_or(model),
        state: text,
        questions: [(QUESTION, question)].into(),
    };
    call(model, &input)
}

#[derive(Serialize)]
struct Decision<'a> {
    model: &'a str,
    state: &'a str,
    questions: BTreeMap<&'static str, Question<'a>>,
}

#[derive(Serialize)]
struct Question<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    instructions: &'static str,
    /// Options, and what there is to say of each.
    criteria: BTreeMap<&'a str, Option<&'a str>>,
}

/// Reads what a deciding model chose.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_decision(body: &[u8]) -> Result<String, Failure> {
    let object = answer(body)?;
    let answers = object.get("answers").and_then(Object::of);
    let chosen = answers.as_ref().and_then(|answers| {
        let chosen = Object::of(answers.get(QUESTION)?)?;
        json::text(chosen.get("choice")?)
    });
    chosen.ok_or_else(|| Failure::malformed("no `choice` was made"))
}

/// The call that has a model which answers with JSON choose among `names`.
#[must_use]
pub fn encode_choice(model: &str, text: &str, names: &[&str]) -> ModelCall {
    let properties = BTreeMap::from([(
        QUESTION,
        Options {
            kind: "string",
            names,
        },
    )]);
    let input = Asked {
        messages: [
            Message {
                role: "system",
                content: INSTRUCTIONS,
            },
            Message {
                role: "user",
                content: text,
            },
        ],
        response_format: Format {
            kind: "json_schema",
            json_schema: Schema {
                kind: "object",
                properties,
                required: [QUESTION],
            },
        },
        max_tokens: NAME_TOKENS,
        temperature: 0,
    };
    call(model, &input)
}

#[derive(Serialize)]
struct Asked<'a> {
    messages: [Message<'a>; 2],
    response_format: Format<'a>,
    max_tokens: u32,
    temperature: u32,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct Format<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    json_schema: Schema<'a>,
}

#[derive(Serialize)]
struct Schema<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: BTreeMap<&'static str, Options<'a>>,
    required: [&'static str; 1],
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "enum")]
    names: &'a [&'a str],
}

/// Reads what a model that answers with JSON chose: an object, or the text of one.
///
/// # Errors
/// As [`decode_decision`].
pub fn decode_choice(body: &[u8]) -> Result<String, Failure> {
    let object = answer(body)?;
    let name = |object: &Object<'_>| json::text(object.get(QUESTION)?);
    let chosen = object
        .get("response")
        .and_then(|raw| match json::shape(raw) {
            Shape::Object => name(&Object::of(raw)?),
            Shape::String => name(&Object::parse(json::text(raw)?.trim())?),
            _ => None,
        });
    chosen.ok_or_else(|| Failure::malformed("`response` names no operation"))
}
