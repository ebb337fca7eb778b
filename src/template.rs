//! Templates of prompts: Jinja's, as [minijinja](https://docs.rs/minijinja) reads and renders them.
//!
//! | form | stands for |
//! |---|---|
//! | `{{ name }}`, `{{ name or "all" }}` | a value, or another where it is empty |
//! | `{{ name \| upper }}` | what one of the [`FILTERS`] makes of it |
//! | `{% if name == "x" %}…{% elif … %}…{% else %}…{% endif %}` | the first part whose condition holds |
//! | `{# text #}` | nothing |
//!
//! Values are texts: they are written as they are and never read as a template. What of the language could
//! loop or grow is refused by [`language`]: all requests of an isolate share its memory and its stack.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use minijinja::{Environment, ErrorKind, Value, filters};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::malformed::Malformed;

mod language;

pub use language::is_name;

/// The longest template, in bytes.
pub const LARGEST: usize = 32 * 1024;
/// The longest text that a template may become, in bytes.
pub const LARGEST_RENDERED: usize = 128 * 1024;
/// What may be made of a value.
pub const FILTERS: [&str; 6] = ["capitalize", "length", "lower", "title", "trim", "upper"];

/// A template that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    variables: BTreeSet<String>,
    /// What it becomes, where it was made of that.
    literal: Option<String>,
}

/// Why a template becomes no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrendered {
    /// The text would be longer than [`LARGEST_RENDERED`].
    #[error("longer than {LARGEST_RENDERED} bytes")]
    TooLong,
    /// It does with a value what cannot be done, such as looking for a text in a number.
    #[error("{0}")]
    Failed(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn parse(source: &str) -> Result<Self, Malformed> {
        if source.len() > LARGEST {
            let reason = format!("the template is longer than {LARGEST} bytes");
            return Err(Malformed { line: 1, reason });
        }
        Ok(Self {
            source: source.to_owned(),
            variables: language::variables(source)?,
            literal: None,
        })
    }

    /// A template that becomes this very text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.replace('{', "{{ \"{\" }}"),
            variables: BTreeSet::new(),
            literal: Some(text.to_owned()),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.source.trim().is_empty()
    }

    /// The variables it names.
    #[must_use]
    pub const fn variables(&self) -> &BTreeSet<String> {
        &self.variables
    }

    /// The text, with the `value` of each variable.
    ///
    /// # Errors
    /// Where it would be too long, or cannot be.
    pub fn render<'a>(&self, value: &impl Fn(&str) -> &'a str) -> Result<String, Unrendered> {
        if let Some(text) = &self.literal {
            return Ok(text.clone());
        }
        let with_value = |name: &String| (name.clone(), Value::from(value(name)));
        let values: BTreeMap<String, Value> = self.variables.iter().map(with_value).collect();
        let mut text = Bounded::default();
        environment()
            .template_from_str(&self.source)
            .and_then(|template| template.render_captured_to(Value::from(values), &mut text))
            .map_err(|error| match error.kind() {
                ErrorKind::WriteFailure => Unrendered::TooLong,
                _ => Unrendered::Failed(language::reason(&error)),
            })?;
        String::from_utf8(text.bytes).map_err(|error| Unrendered::Failed(error.to_string()))
    }
}

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::empty();
    environment.set_syntax(language::syntax());
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);
    environment
}

/// A text that takes no more than [`LARGEST_RENDERED`].
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(part.len()) > LARGEST_RENDERED {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::parse(&source).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
