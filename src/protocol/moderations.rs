//! `OpenAI`'s moderations: texts and pictures in, a verdict in its thirteen categories out.
//!
//! <https://platform.openai.com/docs/api-reference/moderations>

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::json::{self, Object, Path, Shape, Value};
use super::model_name::model_or_auto;
use super::{Warning, media};
use crate::error::Error;

/// Inputs of a request.
pub const MAX_INPUTS: usize = 100;
const KNOWN: [&str; 2] = ["model", "input"];

/// The categories, in their order.
pub const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// A request for a verdict, parsed and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModerationRequest {
    /// The model as the caller wrote it; `auto` where it wrote none.
    pub model: String,
    /// What is judged, each on its own; at least one.
    pub input: Vec<Item>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// Something that is judged as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Text and pictures together.
    Parts(Vec<Part>),
    /// A text.
    Text(String),
}

/// A part of something that is judged as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The address of a picture, or the picture itself as a data URL.
    Image(String),
    /// A text.
    Text(String),
}

/// A verdict, scores by the place of the category in [`CATEGORIES`].
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether each category applies.
    pub applies: [bool; 13],
    /// How likely each applies, 0 to 1.
    pub scores: [f64; 13],
    /// The model's own names of what it found, where they say more than the categories.
    pub hazards: Vec<String>,
}

impl Verdict {
    /// Whether any category applies.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.applies.contains(&true)
    }
}

/// Parses the body of `POST /v1/moderations`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse(body: &[u8]) -> Result<ModerationRequest, Error> {
    let object = json::document(body)?;
    let root = &Path::Root;
    let mut warnings = Vec::new();
    object.warn_of_others(root, &KNOWN, &mut warnings);
    Ok(ModerationRequest {
        model: model_or_auto(&object)?,
        input: object.required(root, "input", "Send a text or several.", input)?,
        warnings,
    })
}

/// A text; texts, each judged on its own; or the parts of one thing.
fn input(value: Value<'_, '_>) -> Result<Vec<Item>, Error> {
    if value.shape() == Shape::String {
        return Ok(vec![Item::Text(text(value)?)]);
    }
    if value.shape() != Shape::Array {
        return Err(value.wrong("a string, an array of strings, or an array of parts"));
    }
    let elements = value.array(MAX_INPUTS)?;
    let Some(first) = elements.first() else {
        return Err(value
            .path
            .error("must not be empty. Send at least one text."));
    };
    let is_parts = json::shape(first) == Shape::Object;
    let elements = elements.into_iter().enumerate();
    if is_parts {
        let parts: Result<Vec<Part>, Error> = elements
            .map(|(index, raw)| part(Value::new(raw, &Path::Index(value.path, index))))
            .collect();
        return Ok(vec![Item::Parts(parts?)]);
    }
    elements
        .map(|(index, raw)| text(Value::new(raw, &Path::Index(value.path, index))))
        .map(|text| text.map(Item::Text))
        .collect()
}

fn text(value: Value<'_, '_>) -> Result<String, Error> {
    value.filled_string("a text to judge")
}

fn object<'a>(value: Value<'a, '_>) -> Result<Object<'a>, Error> {
    value.object()
}

fn part(value: Value<'_, '_>) -> Result<Part, Error> {
    let fields = value.object()?;
    let path = value.path;
    let kind = fields.required_string(path, "type", "Send \"text\" or \"image_url\".")?;
    match kind.as_str() {
        "text" => {
            let text = fields.required(path, "text", "Send the text.", text)?;
            Ok(Part::Text(text))
        }
        "image_url" => {
            let inner = Path::Field(path, "image_url");
            let advice = "Send an object with `url`.";
            let image = fields.required(path, "image_url", advice, object)?;
            image.required(&inner, "url", "Send the picture's address.", |value| {
                // Only addresses that a provider may fetch.
                media::address(value, "image")?;
                value.string().map(Part::Image)
            })
        }
        _ => {
            let message = "must be \"text\" or \"image_url\".";
            Err(Path::Field(path, "type").error(message))
        }
    }
}

/// The body of an answer. `hazards` is Esclusa's own.
#[must_use]
pub fn render(request: &ModerationRequest, verdicts: &[Verdict], id: &str, model: &str) -> Vec<u8> {
    let results = request.input.iter().zip(verdicts).map(|(item, verdict)| {
        let inputs = match item {
            Item::Text(_) => &["text"][..],
            Item::Parts(parts) => kinds(parts),
        };
        ResultBody {
            flagged: verdict.is_flagged(),
            categories: Marks(verdict.applies),
            category_scores: Marks(verdict.scores),
            category_applied_input_types: Marks(CATEGORIES.map(|name| judged(name, inputs))),
            hazards: &verdict.hazards,
        }
    });
    let body = Body {
        id: format!("modr-{id}"),
        model,
        results: results.collect(),
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The kinds of input that are judged by a category: pictures by some only.
/// <https://platform.openai.com/docs/guides/moderation#content-classifications>
fn judged(category: &str, inputs: &'static [&'static str]) -> &'static [&'static str] {
    let sees = category.starts_with("self-harm")
        || category.starts_with("violence")
        || category == "sexual";
    match inputs {
        inputs if sees => inputs,
        ["image"] => &[],
        _ => &["text"],
    }
}

fn kinds(parts: &[Part]) -> &'static [&'static str] {
    let images = parts.iter().any(|part| matches!(part, Part::Image(_)));
    let texts = parts.iter().any(|part| matches!(part, Part::Text(_)));
    match (texts, images) {
        (true, true) => &["text", "image"],
        (false, true) => &["image"],
        _ => &["text"],
    }
}

#[derive(Serialize)]
struct Body<'a> {
    id: String,
    model: &'a str,
    results: Vec<ResultBody<'a>>,
}

#[derive(Serialize)]
struct ResultBody<'a> {
    flagged: bool,
    categories: Marks<bool>,
    category_scores: Marks<f64>,
    category_applied_input_types: Marks<&'static [&'static str]>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hazards: &'a [String],
}

/// Something about each category.
struct Marks<T>([T; 13]);

impl<T: Serialize> Serialize for Marks<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(CATEGORIES.len()))?;
        for (category, mark) in CATEGORIES.iter().zip(&self.0) {
            map.serialize_entry(category, mark)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
