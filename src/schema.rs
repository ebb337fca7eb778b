//! The part of JSON Schema (2020-12) by which answers are checked.
//!
//! | about | keywords |
//! |---|---|
//! | any value | `type`, `enum`, `const`, `anyOf` |
//! | objects | `properties`, `required`, `additionalProperties` |
//! | arrays | `items`, `minItems`, `maxItems` |
//! | texts | `minLength`, `maxLength` |
//! | numbers | `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` |
//! | the reader | `title`, `description`, `default`, `examples`, `$schema`, `$comment` |
//!
//! Any other keyword is refused, so that no schema seems to check what it does not. Without references
//! nothing recurses. Written here, since the crates would take too much of the Wasm, in compressed bytes:
//! jsonschema 0.33 takes 625,000, boon 0.6 136,000.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest schema, in bytes.
const LARGEST: usize = 16 * 1024;
/// Schemas inside each other.
const DEEPEST: usize = 16;
const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// A schema of which every keyword is understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// As it was written: the order of its properties tells a model in which to answer.
    text: String,
    root: Value,
}

impl Eq for Schema {}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// What is wrong, and where, as a JSON pointer.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!("the schema is longer than {LARGEST} bytes"));
        }
        let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check(&root, "", 1)?;
        let text = text.to_owned();
        Ok(Self { text, root })
    }

    /// Its JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks a value.
    ///
    /// # Errors
    /// The first thing that does not fit, and where, as a JSON pointer.
    pub fn validate(&self, value: &Value) -> Result<(), String> {
        validate(&self.root, value, "")
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}

fn check(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    let wrong = |reason: &str| Err(format!("`{at}` {reason}"));
    let Some(keywords) = schema.as_object() else {
        return wrong("must be a schema, which is an object");
    };
    if depth > DEEPEST {
        return wrong("is too deep: at most 16 schemas inside each other");
    }
    for (keyword, value) in keywords {
        let at = format!("{at}/{keyword}");
        let inner = depth.saturating_add(1);
        let fits = match keyword.as_str() {
            "$comment" | "$schema" | "const" | "default" | "description" | "examples" | "title" => {
                true
            }
            "additionalProperties" if value.is_boolean() => true,
            "additionalProperties" | "items" => {
                check(value, &at, inner)?;
                true
            }
            "anyOf" => {
                for (index, option) in value.as_array().into_iter().flatten().enumerate() {
                    check(option, &format!("{at}/{index}"), inner)?;
                }
                value.as_array().is_some_and(|options| !options.is_empty())
            }
            "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
            "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => value.is_number(),
            "maxItems" | "maxLength" | "minItems" | "minLength" => value.is_u64(),
            "properties" => {
                for (name, property) in value.as_object().into_iter().flatten() {
                    check(property, &format!("{at}/{name}"), inner)?;
                }
                value.is_object()
            }
            "required" => value
                .as_array()
                .is_some_and(|names| names.iter().all(Value::is_string)),
            "type" => {
                let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
                let several = |names: &Vec<Value>| !names.is_empty() && names.iter().all(known);
                known(value) || value.as_array().is_some_and(several)
            }
            _ => return Err(format!("`{at}` is a keyword that is not checked here")),
        };
        if !fits {
            return Err(format!("`{at}` has not the value that this keyword takes"));
        }
    }
    Ok(())
}

fn validate(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(keywords) = schema.as_object() else {
        return Ok(());
    };
    for (keyword, rule) in keywords {
        let fits = match keyword.as_str() {
            "additionalProperties" => {
                check_others(rule, keywords.get("properties"), value, at)?;
                true
            }
            "anyOf" => rule.as_array().is_none_or(|options| {
                let mut options = options.iter();
                options.any(|option| validate(option, value, at).is_ok())
            }),
            "const" => value == rule,
            "enum" => rule.as_array().is_none_or(|values| values.contains(value)),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(rule, item, &format!("{at}/{index}"))?;
                }
                true
            }
            "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => {
                is_within(keyword, value.as_f64(), rule.as_f64())
            }
            "maxItems" | "minItems" => is_as_long(keyword, value.as_array().map(Vec::len), rule),
            "maxLength" | "minLength" => {
                let length = value.as_str().map(|text| text.chars().count());
                is_as_long(keyword, length, rule)
            }
            "properties" => {
                for (name, property) in rule.as_object().into_iter().flatten() {
                    if let Some(value) = value.get(name) {
                        validate(property, value, &format!("{at}/{name}"))?;
                    }
                }
                true
            }
            "required" => {
                for name in rule
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                {
                    if value.is_object() && value.get(name).is_none() {
                        return Err(format!("`{at}/{name}` is missing"));
                    }
                }
                true
            }
            "type" => match rule.as_array() {
                Some(names) => names.iter().any(|name| is_of(value, name)),
                None => is_of(value, rule),
            },
            _ => true,
        };
        if !fits {
            return Err(format!("`{at}` does not fit {keyword}: {rule}"));
        }
    }
    Ok(())
}

fn check_others(
    rule: &Value,
    properties: Option<&Value>,
    value: &Value,
    at: &str,
) -> Result<(), String> {
    let known = |name: &str| properties.is_some_and(|known| known.get(name).is_some());
    let entries = value.as_object().into_iter().flatten();
    for (name, value) in entries.filter(|(name, _)| !known(name)) {
        let at = format!("{at}/{name}");
        if rule == &Value::Bool(false) {
            return Err(format!("`{at}` may not be there"));
        }
        validate(rule, value, &at)?;
    }
    Ok(())
}

/// What is no number fits any bound of numbers.
fn is_within(keyword: &str, value: Option<f64>, bound: Option<f64>) -> bool {
    let (Some(value), Some(bound)) = (value, bound) else {
        return true;
    };
    match keyword {
        "exclusiveMaximum" => value < bound,
        "exclusiveMinimum" => value > bound,
        "maximum" => value <= bound,
        _ => value >= bound,
    }
}

/// What has no length fits any bound of lengths.
fn is_as_long(keyword: &str, length: Option<usize>, bound: &Value) -> bool {
    let length = length.and_then(|length| u64::try_from(length).ok());
    let (Some(length), Some(bound)) = (length, bound.as_u64()) else {
        return true;
    };
    if keyword.starts_with("max") {
        length <= bound
    } else {
        length >= bound
    }
}

fn is_of(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("array") => value.is_array(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|it| it.fract() == 0.0)
        }
        Some("null") => value.is_null(),
        Some("number") => value.is_number(),
        Some("object") => value.is_object(),
        _ => value.is_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(value: &Value) -> Schema {
        Schema::parse(&value.to_string()).unwrap()
    }

    #[test]
    fn values_fit_or_are_refused_with_their_place() {
        let quote = schema(&json!({
            "title": "Quote", "type": "object", "required": ["price"], "additionalProperties": false,
            "properties": {
                "price": { "type": "number", "minimum": 0, "exclusiveMaximum": 100 },
                "count": { "type": "integer" },
                "unit": { "enum": ["kg", "m"] },
                "kind": { "const": "quote" },
                "note": { "type": ["string", "null"], "minLength": 2, "maxLength": 3 },
                "lines": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "string" } },
                "tags": { "type": "object", "additionalProperties": { "type": "boolean" } },
                "id": { "anyOf": [{ "type": "integer" }, { "type": "string", "minLength": 3 }] },
            },
        }));
        let good = [
            json!({ "price": 1.5, "count": 2.0, "unit": "kg", "kind": "quote", "note": "año" }),
            json!({ "price": 0, "note": null, "lines": ["a"], "tags": { "x": true }, "id": "abc" }),
            json!({ "price": 99, "id": 7 }),
        ];
        for value in good {
            assert_eq!(quote.validate(&value), Ok(()), "{value}");
        }
        let bad = [
            (json!([]), "`` does not fit type"),
            (json!({}), "`/price` is missing"),
            (json!({ "price": "1" }), "`/price` does not fit type"),
            (json!({ "price": -1 }), "`/price` does not fit minimum: 0"),
            (
                json!({ "price": 100 }),
                "`/price` does not fit exclusiveMaximum",
            ),
            (
                json!({ "price": 1, "colour": 1 }),
                "`/colour` may not be there",
            ),
            (
                json!({ "price": 1, "count": 1.5 }),
                "`/count` does not fit type",
            ),
            (
                json!({ "price": 1, "unit": "s" }),
                "`/unit` does not fit enum",
            ),
            (
                json!({ "price": 1, "kind": "bill" }),
                "`/kind` does not fit const",
            ),
            (
                json!({ "price": 1, "note": "a" }),
                "`/note` does not fit minLength",
            ),
            (
                json!({ "price": 1, "note": "años" }),
                "`/note` does not fit maxLength",
            ),
            (
                json!({ "price": 1, "lines": [] }),
                "`/lines` does not fit minItems",
            ),
            (
                json!({ "price": 1, "lines": ["a", "b", "c"] }),
                "`/lines` does not fit maxItems",
            ),
            (
                json!({ "price": 1, "lines": ["a", 2] }),
                "`/lines/1` does not fit type",
            ),
            (
                json!({ "price": 1, "tags": { "x": 1 } }),
                "`/tags/x` does not fit type",
            ),
            (
                json!({ "price": 1, "id": "ab" }),
                "`/id` does not fit anyOf",
            ),
        ];
        for (value, reason) in bad {
            let error = quote.validate(&value).unwrap_err();
            assert!(error.starts_with(reason), "{value}: {error}");
        }
    }

    #[test]
    fn what_is_not_checked_is_refused() {
        let deep = (0..16).fold(json!({}), |inner, _| json!({ "items": inner }));
        let bad = [
            (json!(true), "`` must be a schema"),
            (
                json!({ "$ref": "#/x" }),
                "`/$ref` is a keyword that is not checked",
            ),
            (json!({ "pattern": "a+" }), "`/pattern` is a keyword"),
            (json!({ "type": "text" }), "`/type` has not the value"),
            (json!({ "type": [] }), "`/type` has not the value"),
            (json!({ "enum": [] }), "`/enum` has not the value"),
            (json!({ "anyOf": [] }), "`/anyOf` has not the value"),
            (
                json!({ "anyOf": [{ "not": {} }] }),
                "`/anyOf/0/not` is a keyword",
            ),
            (json!({ "minLength": -1 }), "`/minLength` has not the value"),
            (json!({ "minimum": "1" }), "`/minimum` has not the value"),
            (json!({ "required": [1] }), "`/required` has not the value"),
            (
                json!({ "properties": [] }),
                "`/properties` has not the value",
            ),
            (
                json!({ "properties": { "a": 1 } }),
                "`/properties/a` must be a schema",
            ),
            (
                json!({ "items": { "format": "date" } }),
                "`/items/format` is a keyword",
            ),
            (
                json!({ "description": "x".repeat(LARGEST) }),
                "the schema is longer",
            ),
            (deep, "`/items/items"),
        ];
        for (value, reason) in bad {
            let error = Schema::parse(&value.to_string()).unwrap_err();
            assert!(error.starts_with(reason), "{error}");
        }
    }
}
