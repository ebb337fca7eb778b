//! What an operation makes of a model's answer before the caller reads it: is it what it must be, which
//! part of it counts, as what text.

pub mod markdown;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::{Output, TextForm};
use crate::protocol::json::{self, Object};

/// The text that the caller reads.
///
/// # Errors
/// What is wrong with the answer, as a model is told that shall mend it.
pub fn transform(output: &Output, answer: &str) -> Result<String, String> {
    let text = match (&output.schema, &output.extract) {
        (None, None) => answer.to_owned(),
        (schema, pointer) => {
            let text = unfenced(answer);
            let value: Value = serde_json::from_str(text)
                .map_err(|error| format!("it is not valid JSON: {error}"))?;
            if let Some(schema) = schema {
                schema.validate(&value)?;
            }
            match pointer {
                Some(pointer) => extracted(text, pointer)?,
                None => text.to_owned(),
            }
        }
    };
    Ok(match output.text {
        Some(TextForm::MarkdownToText) => markdown::to_text(&text),
        None => text,
    })
}

/// What is inside a fence of code, in which models like to put their JSON.
fn unfenced(answer: &str) -> &str {
    let text = answer.trim();
    let inside = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    let body = inside.and_then(|inside| inside.split_once('\n'));
    body.map_or(text, |(_, body)| body.trim())
}

/// The value at a JSON pointer (RFC 6901): a text as it reads, anything else as JSON.
fn extracted(text: &str, pointer: &str) -> Result<String, String> {
    let missing = || format!("`{pointer}` is missing");
    let mut raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        let element = || {
            let index: usize = name.parse().ok()?;
            json::elements(raw)?.get(index).copied()
        };
        let field = Object::of(raw).and_then(|object| object.get(&name));
        raw = field.or_else(element).ok_or_else(missing)?;
    }
    Ok(json::text(raw).unwrap_or_else(|| raw.get().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn output(json: &Value) -> Output {
        serde_json::from_str(&json.to_string()).unwrap()
    }

    #[test]
    fn answers_become_what_the_operation_says() {
        let schema = json!({ "type": "object", "required": ["a"] });
        let cases = [
            (
                json!({ "schema": schema }),
                " {\"a\": 1.50}\n",
                "{\"a\": 1.50}",
            ),
            (
                json!({ "schema": schema }),
                "```json\n{\"a\":1}\n```",
                "{\"a\":1}",
            ),
            (
                json!({ "schema": schema, "extract": "/a" }),
                "{\"a\":\"x\\ny\"}",
                "x\ny",
            ),
            (json!({ "extract": "/a/1" }), "{\"a\":[1,2.50]}", "2.50"),
            (
                json!({ "extract": "/a~1b/~0" }),
                "{\"a/b\":{\"~\":[]}}",
                "[]",
            ),
            (json!({ "text": "markdown_to_text" }), "# **Hi**", "Hi"),
            (
                json!({ "extract": "/a", "text": "markdown_to_text" }),
                "{\"a\":\"*x*\"}",
                "x",
            ),
        ];
        for (given, answer, expected) in cases {
            assert_eq!(
                transform(&output(&given), answer).unwrap(),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let schema = json!({ "type": "object", "required": ["a"] });
        let cases = [
            (
                json!({ "schema": schema }),
                "Sure! Here it is.",
                "not valid JSON",
            ),
            (json!({ "schema": schema }), "{\"a\":1", "not valid JSON"),
            (json!({ "schema": schema }), "{}", "`/a` is missing"),
            (json!({ "schema": schema }), "", "not valid JSON"),
            (json!({ "extract": "/b" }), "{\"a\":1}", "`/b` is missing"),
            (
                json!({ "extract": "/a/9" }),
                "{\"a\":[1]}",
                "`/a/9` is missing",
            ),
            (
                json!({ "extract": "/a" }),
                "{\"a\":null}",
                "`/a` is missing",
            ),
        ];
        for (given, answer, reason) in cases {
            let error = transform(&output(&given), answer).unwrap_err();
            assert!(error.contains(reason), "{given}: {error}");
        }
    }
}
