//! `OpenAI`'s embeddings: a request's body in, its vectors out.
//!
//! <https://platform.openai.com/docs/api-reference/embeddings>

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::Warning;
use super::input_usage::InputUsage;
use super::json::{self, Object, Path, Shape, Value};
use super::model_name::model_name;
use crate::error::Error;
use crate::money::Nanos;
use crate::usage::Usage;

/// Inputs of a request.
pub const MAX_INPUTS: usize = 2_048;
/// Tokens of one input that comes as tokens.
const MAX_TOKENS: usize = 8_192;
const MAX_DIMENSIONS: i64 = 16_384;

const KNOWN: [&str; 5] = ["model", "input", "encoding_format", "dimensions", "user"];

/// A request for embeddings, parsed and valid.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingRequest {
    /// The model as the caller wrote it.
    pub model: String,
    /// What is embedded.
    pub input: Input,
    /// How vectors are written.
    pub encoding: Encoding,
    /// How long the vectors shall be.
    pub dimensions: Option<u32>,
    /// The wire of the answer.
    pub form: Form,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// What is embedded: at least one, none of them empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Texts.
    Texts(Vec<String>),
    /// Texts as the tokens of `OpenAI`'s models, which mean nothing to others.
    Tokens(Vec<Vec<u32>>),
}

impl Input {
    /// How many vectors it makes.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(lists) => lists.len(),
        }
    }

    /// Never: a request has at least one.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The wire that a request came by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Google's `embedContent`.
    Gemini,
    /// Google's `batchEmbedContents`.
    GeminiBatch,
    /// `OpenAI`'s.
    #[default]
    OpenAi,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Base64 of the numbers as little-endian `f32`.
    Base64,
    /// A JSON array.
    #[default]
    Float,
}

/// Parses the body of `POST /v1/embeddings`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse(body: &[u8]) -> Result<EmbeddingRequest, Error> {
    let object = json::document(body)?;
    let root = &Path::Root;
    let mut warnings = Vec::new();
    object.warn_of_others(root, &KNOWN, &mut warnings);
    object.optional_string(root, "user")?;
    Ok(EmbeddingRequest {
        model: object.required(root, "model", "Name a model or \"embed\".", model_name)?,
        input: object.required(root, "input", "Send a text or several.", input)?,
        encoding: encoding(&object)?,
        dimensions: object.optional(root, "dimensions", dimensions)?,
        form: Form::OpenAi,
        warnings,
    })
}

fn input(value: Value<'_, '_>) -> Result<Input, Error> {
    match value.shape() {
        Shape::String => Ok(Input::Texts(vec![text(value)?])),
        Shape::Array => inputs(value),
        _ => Err(value.wrong("a string, an array of strings, or tokens")),
    }
}

fn text(value: Value<'_, '_>) -> Result<String, Error> {
    value.filled_string("a text to embed")
}

/// The first element says what all are.
fn inputs(value: Value<'_, '_>) -> Result<Input, Error> {
    let elements = value.array(MAX_TOKENS)?;
    let first = elements.first().copied().map(json::shape);
    if first == Some(Shape::Number) {
        return Ok(Input::Tokens(vec![tokens(value)?]));
    }
    let elements = value.array(MAX_INPUTS)?;
    match first {
        None => Err(value
            .path
            .error("must not be empty. Send at least one text.")),
        Some(Shape::Array) => each(value.path, &elements, tokens).map(Input::Tokens),
        Some(_) => each(value.path, &elements, text).map(Input::Texts),
    }
}

fn each<T>(
    path: &Path<'_>,
    elements: &[&serde_json::value::RawValue],
    read: impl Fn(Value<'_, '_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let elements = elements.iter().enumerate();
    elements
        .map(|(index, raw)| read(Value::new(raw, &Path::Index(path, index))))
        .collect()
}

fn tokens(value: Value<'_, '_>) -> Result<Vec<u32>, Error> {
    let elements = value.array(MAX_TOKENS)?;
    if elements.is_empty() {
        return Err(value
            .path
            .error("must not be empty. Send at least one token."));
    }
    each(value.path, &elements, |value| {
        let token = value.integer(&(0..=i64::from(u32::MAX)))?;
        Ok(u32::try_from(token).unwrap_or(u32::MAX))
    })
}

fn encoding(object: &Object<'_>) -> Result<Encoding, Error> {
    let read = |value: Value<'_, '_>| match value.string()?.as_str() {
        "base64" => Ok(Encoding::Base64),
        "float" => Ok(Encoding::Float),
        _ => Err(value.path.error("must be \"float\" or \"base64\".")),
    };
    let encoding = object.optional(&Path::Root, "encoding_format", read)?;
    Ok(encoding.unwrap_or_default())
}

pub(super) fn dimensions(value: Value<'_, '_>) -> Result<u32, Error> {
    let dimensions = value.integer(&(1..=MAX_DIMENSIONS))?;
    Ok(u32::try_from(dimensions).unwrap_or(u32::MAX))
}

/// The first `dimensions` numbers of a vector, of length 1 again. Only vectors of models that were
/// trained for it stay as near to each other as they were.
#[must_use]
pub fn shortened(mut vector: Vec<f32>, dimensions: usize) -> Vec<f32> {
    if vector.len() <= dimensions {
        return vector;
    }
    vector.truncate(dimensions);
    let squares = vector.iter().map(|value| f64::from(*value).powi(2));
    let length = squares.sum::<f64>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value = narrow(f64::from(*value) / length);
        }
    }
    vector
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a part of a vector of length 1"
)]
const fn narrow(value: f64) -> f32 {
    value as f32
}

/// The body of an answer: the vectors in the order of the inputs. `usage.cost_usd` is Esclusa's own.
#[must_use]
pub fn render(
    vectors: &[Vec<f32>],
    encoding: Encoding,
    model: &str,
    usage: &Usage,
    cost: Nanos,
) -> Vec<u8> {
    let body = Body {
        object: "list",
        data: Data(vectors, encoding),
        model,
        usage: InputUsage::new(usage, cost),
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(serde::Serialize)]
struct Body<'a> {
    object: &'static str,
    data: Data<'a>,
    model: &'a str,
    usage: InputUsage,
}

struct Data<'a>(&'a [Vec<f32>], Encoding);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut data = serializer.serialize_seq(Some(self.0.len()))?;
        for (index, vector) in self.0.iter().enumerate() {
            let embedding = match self.1 {
                Encoding::Base64 => Embedding::Base64(base64(vector)),
                Encoding::Float => Embedding::Float(vector),
            };
            data.serialize_element(&Item {
                object: "embedding",
                index,
                embedding,
            })?;
        }
        data.end()
    }
}

#[derive(serde::Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Embedding<'a>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Embedding<'a> {
    Base64(String),
    Float(&'a [f32]),
}

fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests;
