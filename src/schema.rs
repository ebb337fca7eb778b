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

mod reader;
mod validator;

use self::reader::Reader;
use self::validator::Validator;

/// The longest schema, in bytes.
const LARGEST: usize = 16 * 1024;

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
        Reader::of(&root).check(&root, "", 1)?;
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
        let fits = Validator::of(&self.root).validate(value);
        fits.map_err(|misfit| misfit.to_string())
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

#[cfg(test)]
mod tests;
