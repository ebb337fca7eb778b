//! The part of JSON Schema (2020-12) by which answers are checked.
//!
//! | about | keywords |
//! |---|---|
//! | any value | `type`, `enum`, `const`, `allOf`, `anyOf`, `oneOf` |
//! | other schemas | `$ref` to one of `#/$defs` or `#/definitions` |
//! | objects | `properties`, `required`, `additionalProperties` |
//! | arrays | `items`, `minItems`, `maxItems` |
//! | texts | `minLength`, `maxLength` |
//! | numbers | `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` |
//! | the reader | `title`, `description`, `default`, `examples`, `$schema`, `$comment` |
//!
//! Any other keyword is refused, so that no schema seems to check what it does not. References are followed
//! when a schema is read: one that leads back to itself, or a ladder of them that doubles at each step, is
//! refused, so that what is checked takes time in proportion to schema and answer.
//!
//! Written here, since no crate is small, in compressed bytes of the Wasm: jsonschema 0.60 takes 595,000,
//! boon 0.6 375,000, most of it regular expressions. Nor do they bound what hostile schemas cost: 22 steps
//! of a ladder take either half a minute and 6 GB.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The longest schema, in bytes.
const LARGEST: usize = 16 * 1024;
/// Schemas inside each other, references followed.
const DEEPEST: usize = 32;
/// Schemas in all, references followed.
const MOST: usize = 2_000;
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
        let mut reader = Reader {
            root: &root,
            schemas: 0,
        };
        reader.check(&root, "", 1)?;
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
        Validator { root: &self.root }.validate(&self.root, value, "")
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

/// The schema that a reference stands for.
fn referred<'a>(root: &'a Value, reference: &Value) -> Option<&'a Value> {
    let pointer = reference.as_str()?.strip_prefix('#')?;
    let is_defined = pointer.starts_with("/$defs/") || pointer.starts_with("/definitions/");
    root.pointer(pointer).filter(|_| is_defined)
}

/// Reads a schema, and what it refers to each time it does.
struct Reader<'a> {
    root: &'a Value,
    schemas: usize,
}

impl Reader<'_> {
    fn check(&mut self, schema: &Value, at: &str, depth: usize) -> Result<(), String> {
        let wrong = |reason: String| Err(format!("`{at}` {reason}"));
        let Some(keywords) = schema.as_object() else {
            return wrong("must be a schema, which is an object".to_owned());
        };
        if depth > DEEPEST {
            return wrong(format!(
                "is too deep: at most {DEEPEST} schemas inside each other, and none inside itself"
            ));
        }
        self.schemas = self.schemas.saturating_add(1);
        if self.schemas > MOST {
            return wrong(format!(
                "is too much: at most {MOST} schemas, each counted as often as it is referred to"
            ));
        }
        for (keyword, value) in keywords {
            let at = format!("{at}/{keyword}");
            if !self.check_keyword(keyword, value, &at, depth)? {
                return Err(format!("`{at}` has not the value that this keyword takes"));
            }
        }
        Ok(())
    }

    /// Whether a keyword has the kind of value that it takes.
    fn check_keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        at: &str,
        depth: usize,
    ) -> Result<bool, String> {
        let inner = depth.saturating_add(1);
        Ok(match keyword {
            "$comment" | "$schema" | "const" | "default" | "description" | "examples" | "title" => {
                true
            }
            "$ref" => match referred(self.root, value) {
                Some(schema) => {
                    self.check(schema, at, inner)?;
                    true
                }
                None => {
                    return Err(format!("`{at}` leads nowhere: expected `#/$defs/NAME`"));
                }
            },
            "additionalProperties" if value.is_boolean() => true,
            "additionalProperties" | "items" => {
                self.check(value, at, inner)?;
                true
            }
            "allOf" | "anyOf" | "oneOf" => {
                for (index, option) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(option, &format!("{at}/{index}"), inner)?;
                }
                value.as_array().is_some_and(|options| !options.is_empty())
            }
            "enum" => value.as_array().is_some_and(|values| !values.is_empty()),
            "exclusiveMaximum" | "exclusiveMinimum" | "maximum" | "minimum" => value.is_number(),
            "maxItems" | "maxLength" | "minItems" | "minLength" => value.is_u64(),
            "$defs" | "definitions" | "properties" => {
                for (name, property) in value.as_object().into_iter().flatten() {
                    self.check(property, &format!("{at}/{name}"), inner)?;
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
        })
    }
}

/// Holds values against a schema that was read.
struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn validate(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(keywords) = schema.as_object() else {
            return Ok(());
        };
        for (keyword, rule) in keywords {
            let others = keywords.get("properties");
            if !self.fits((keyword, rule), others, value, at)? {
                return Err(format!("`{at}` does not fit {keyword}: {}", short(rule)));
            }
        }
        Ok(())
    }

    /// Whether a value fits a keyword.
    fn fits(
        &self,
        (keyword, rule): (&str, &Value),
        properties: Option<&Value>,
        value: &Value,
        at: &str,
    ) -> Result<bool, String> {
        let fitting = |options: &Vec<Value>| {
            let fits = |option: &&Value| self.validate(option, value, at).is_ok();
            options.iter().filter(fits).take(2).count()
        };
        Ok(match keyword {
            "$ref" => {
                if let Some(schema) = referred(self.root, rule) {
                    self.validate(schema, value, at)?;
                }
                true
            }
            "additionalProperties" => {
                self.check_others(rule, properties, value, at)?;
                true
            }
            "allOf" => {
                for part in rule.as_array().into_iter().flatten() {
                    self.validate(part, value, at)?;
                }
                true
            }
            "anyOf" => rule.as_array().is_none_or(|options| fitting(options) > 0),
            "oneOf" => rule.as_array().is_none_or(|options| fitting(options) == 1),
            "const" => value == rule,
            "enum" => rule.as_array().is_none_or(|values| values.contains(value)),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.validate(rule, item, &format!("{at}/{index}"))?;
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
                        self.validate(property, value, &format!("{at}/{name}"))?;
                    }
                }
                true
            }
            "required" => {
                let names = rule.as_array().into_iter().flatten();
                for name in names.filter_map(Value::as_str) {
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
        })
    }

    fn check_others(
        &self,
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
            self.validate(rule, value, &at)?;
        }
        Ok(())
    }
}

/// A rule, as much of it as a model needs to mend its answer.
fn short(rule: &Value) -> String {
    rule.to_string().chars().take(300).collect()
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
mod tests;
