//! Embeddings: the wires of `POST /v1beta/models/{model}:embedContent` and `:batchEmbedContents`.
//!
//! <https://ai.google.dev/api/embeddings>

use serde::Serialize;

use crate::error::Error;
use crate::protocol::Warning;
use crate::protocol::embeddings::{
    EmbeddingRequest, Encoding, Form, Input, MAX_INPUTS, dimensions,
};
use crate::protocol::json::{Object, Path, Value, document};

/// Parts of a content.
const MOST_PARTS: usize = 64;

const KNOWN: [&str; 4] = [
    "model",
    "content",
    "outputDimensionality",
    "output_dimensionality",
];

/// Parses a body whose content, or whose requests' contents, are embedded.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse_embedding(body: &[u8], model: &str, batch: bool) -> Result<EmbeddingRequest, Error> {
    let object = document(body)?;
    let mut warnings = Vec::new();
    let root = &Path::Root;
    let items = if batch {
        object.warn_of_others(root, &["requests"], &mut warnings);
        let read = |value: Value<'_, '_>| requests(value, &mut warnings);
        object.required(root, "requests", "Send at least one.", read)?
    } else {
        vec![item(&object, root, &mut warnings)?]
    };
    let first = items.first().and_then(|item| item.dimensions);
    if items.iter().any(|item| item.dimensions != first) {
        let path = Path::Field(root, "requests");
        return Err(path.error("must all ask for the same `outputDimensionality`."));
    }
    warnings.dedup();
    Ok(EmbeddingRequest {
        model: model.to_owned(),
        input: Input::Texts(items.into_iter().map(|item| item.text).collect()),
        encoding: Encoding::Float,
        dimensions: first,
        form: if batch {
            Form::GeminiBatch
        } else {
            Form::Gemini
        },
        warnings,
    })
}

struct Item {
    text: String,
    dimensions: Option<u32>,
}

fn requests(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Item>, Error> {
    let elements = value.array(MAX_INPUTS)?;
    if elements.is_empty() {
        return Err(value.path.error("must not be empty."));
    }
    let mut items = Vec::with_capacity(elements.len());
    for (index, raw) in elements.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        items.push(item(&Value::new(raw, &path).object()?, &path, warnings)?);
    }
    Ok(items)
}

fn item(object: &Object<'_>, path: &Path<'_>, warnings: &mut Vec<Warning>) -> Result<Item, Error> {
    object.warn_of_others(path, &KNOWN, warnings);
    let camel = object.optional(path, "outputDimensionality", dimensions)?;
    let snake = object.optional(path, "output_dimensionality", dimensions)?;
    Ok(Item {
        text: object.required(path, "content", "Send what is embedded.", content)?,
        dimensions: camel.or(snake),
    })
}

/// The texts of a content's parts, which are embedded together.
fn content(value: Value<'_, '_>) -> Result<String, Error> {
    let parts = |value: Value<'_, '_>| {
        let elements = value.array(MOST_PARTS)?;
        let texts = elements.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Index(value.path, index);
            let part = Value::new(raw, &path).object()?;
            part.required(&path, "text", "Only texts are embedded.", |text| {
                text.filled_string("a text to embed")
            })
        });
        let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
        if texts.is_empty() {
            return Err(value.path.error("must not be empty."));
        }
        Ok(texts.join("\n"))
    };
    let object = value.object()?;
    object.required(value.path, "parts", "Send at least one text.", parts)
}

/// The body of an answer: one vector, or all of a batch in its order.
#[must_use]
pub fn render_embedding(vectors: &[Vec<f32>], batch: bool) -> Vec<u8> {
    let mut values = vectors.iter().map(|values| ContentEmbedding { values });
    let body = if batch {
        serde_json::to_vec(&BatchBody {
            embeddings: values.collect(),
        })
    } else {
        serde_json::to_vec(&Body {
            embedding: values.next(),
        })
    };
    body.unwrap_or_default()
}

#[derive(Serialize)]
struct Body<'a> {
    embedding: Option<ContentEmbedding<'a>>,
}

#[derive(Serialize)]
struct BatchBody<'a> {
    embeddings: Vec<ContentEmbedding<'a>>,
}

#[derive(Serialize)]
struct ContentEmbedding<'a> {
    values: &'a [f32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_become_texts() {
        let one = br#"{"content":{"role":"user","parts":[{"text":"a"},{"text":"b"}]},
            "outputDimensionality":8,"taskType":"RETRIEVAL_QUERY"}"#;
        let one = parse_embedding(one, "m", false).unwrap();
        assert_eq!(one.input, Input::Texts(vec!["a\nb".to_owned()]));
        assert_eq!((one.dimensions, one.warnings.len()), (Some(8), 1));
        let two = br#"{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}},
            {"content":{"parts":[{"text":"b"}]}}]}"#;
        let two = parse_embedding(two, "m", true).unwrap();
        assert_eq!(two.input.len(), 2);
    }

    #[test]
    fn malformed_bodies_are_refused_with_their_path() {
        let cases = [
            (false, "{}", "content"),
            (false, r#"{"content":"a"}"#, "content"),
            (false, r#"{"content":{}}"#, "content.parts"),
            (false, r#"{"content":{"parts":[]}}"#, "content.parts"),
            (
                false,
                r#"{"content":{"parts":[{"inlineData":{}}]}}"#,
                "content.parts[0].text",
            ),
            (
                false,
                r#"{"content":{"parts":[{"text":""}]}}"#,
                "content.parts[0].text",
            ),
            (
                false,
                r#"{"content":{"parts":[{"text":"a"}]},"outputDimensionality":0}"#,
                "outputDimensionality",
            ),
            (true, "{}", "requests"),
            (true, r#"{"requests":[]}"#, "requests"),
            (true, r#"{"requests":[7]}"#, "requests[0]"),
            (true, r#"{"requests":[{}]}"#, "requests[0].content"),
            (
                true,
                r#"{"requests":[{"content":{"parts":[{"text":"a"}]}},
                {"content":{"parts":[{"text":"a"}]},"outputDimensionality":8}]}"#,
                "requests",
            ),
        ];
        for (batch, body, param) in cases {
            let error = parse_embedding(body.as_bytes(), "m", batch).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
        }
    }
}
