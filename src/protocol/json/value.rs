//! Typed values out of raw ones, with errors that name the path.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::value::RawValue;

use super::{Object, Shape, first_elements, shape, text};
use crate::error::Error;
use crate::protocol::warning::Warning;

/// Where a value stands in a request. Lives on the stack and becomes text only in an error.
#[derive(Clone, Copy, Debug)]
pub enum Path<'p> {
    /// The whole body.
    Root,
    /// A field of an object.
    Field(&'p Path<'p>, &'p str),
    /// An element of an array.
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Path::Root, name) => formatter.write_str(name),
            Self::Field(parent, name) => write!(formatter, "{parent}.{name}"),
            Self::Index(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

impl Path<'_> {
    /// The value at this path is absent.
    #[must_use]
    pub fn missing(&self, advice: &str) -> Error {
        self.error(&format!("is required. {advice}"))
    }

    /// Something about the value at this path: `message` continues a sentence that begins with it.
    #[must_use]
    pub fn error(&self, message: &str) -> Error {
        Error::invalid(self.to_string(), format!("`{self}` {message}"))
    }
}

/// A raw value with its path: each reader gives the typed value or an error that names the path.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a, 'p> {
    /// The value as it came.
    pub raw: &'a RawValue,
    /// Where it stands.
    pub path: &'p Path<'p>,
}

impl<'a, 'p> Value<'a, 'p> {
    /// A value at a path.
    #[must_use]
    pub const fn new(raw: &'a RawValue, path: &'p Path<'p>) -> Self {
        Self { raw, path }
    }

    /// The kind of the value.
    #[must_use]
    pub fn shape(self) -> Shape {
        shape(self.raw)
    }

    /// The value is not what it must be.
    #[must_use]
    pub fn wrong(self, expected: &str) -> Error {
        let found = self.shape().describe();
        self.path
            .error(&format!("must be {expected}, not {found}."))
    }

    /// A string without NUL characters.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn string(self) -> Result<String, Error> {
        if self.shape() != Shape::String {
            return Err(self.wrong("a string"));
        }
        let text = text(self.raw).ok_or_else(|| {
            self.path.error(
                "holds half of a surrogate pair (\\uD800 to \\uDFFF). Send whole characters.",
            )
        })?;
        if text.contains('\0') {
            return Err(self
                .path
                .error("holds a NUL character (\\u0000). Remove it."));
        }
        Ok(text)
    }

    /// A string that is not empty; `what` it is completes the advice.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn filled_string(self, what: &str) -> Result<String, Error> {
        let text = self.string()?;
        if text.is_empty() {
            return Err(self.path.error(&format!("must not be empty. Send {what}.")));
        }
        Ok(text)
    }

    /// Checks for a string that is not empty, without copying what may be megabytes.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn check_string(self, what: &str) -> Result<(), Error> {
        match self.raw.get() {
            "\"\"" => Err(self.path.error(&format!("must not be empty. Send {what}."))),
            _ if self.shape() == Shape::String => Ok(()),
            _ => Err(self.wrong(&format!("a string: {what}"))),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn boolean(self) -> Result<bool, Error> {
        match self.raw.get() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    /// An integer in `range`.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn integer(self, range: &RangeInclusive<i64>) -> Result<i64, Error> {
        let expected = || match (*range.start(), *range.end()) {
            (i64::MIN, i64::MAX) => "an integer of 64 bits".to_owned(),
            (low, high) => format!("an integer from {low} to {high}"),
        };
        self.ranged(range, expected)
    }

    /// A number in `range`.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn number(self, range: &RangeInclusive<f64>) -> Result<f64, Error> {
        self.ranged(range, || {
            format!("a number from {} to {}", range.start(), range.end())
        })
    }

    /// The number as it is written, not as `serde_json` rounds it.
    fn ranged<T: PartialOrd + FromStr>(
        self,
        range: &RangeInclusive<T>,
        expected: impl Fn() -> String,
    ) -> Result<T, Error> {
        if self.shape() != Shape::Number {
            return Err(self.wrong(&expected()));
        }
        let number = self.raw.get().parse().ok();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let shown: String = self.raw.get().chars().take(40).collect();
                self.path
                    .error(&format!("must be {}, not {shown}.", expected()))
            })
    }

    /// The elements of an array of at most `most`.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn array(self, most: usize) -> Result<Vec<&'a RawValue>, Error> {
        let (elements, more) =
            first_elements(self.raw, most).ok_or_else(|| self.wrong("an array"))?;
        if more > 0 {
            let count = most.saturating_add(more);
            let message = format!("must have at most {most} elements, not {count}.");
            return Err(self.path.error(&message));
        }
        Ok(elements)
    }

    /// The fields of an object of at most [`super::MAX_FIELDS`].
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn object(self) -> Result<Object<'a>, Error> {
        self.check_object()?;
        serde_json::from_str(self.raw.get())
            .map_err(|error| self.path.error(&format!("cannot be read: {error}.")))
    }

    /// Checks for an object, without looking into it.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn check_object(self) -> Result<(), Error> {
        match self.shape() {
            Shape::Object => Ok(()),
            _ => Err(self.wrong("an object")),
        }
    }

    /// The strings of an array of at most `most`.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn strings(self, most: usize) -> Result<Vec<String>, Error> {
        let items = self.array(most)?.into_iter().enumerate();
        let read = |(index, raw)| Value::new(raw, &Path::Index(self.path, index)).string();
        items.map(read).collect()
    }
}

/// The fields of an object at `parent`.
impl<'a> Object<'a> {
    /// Reads a field that must be there and not null.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn required<T>(
        &self,
        parent: &Path<'_>,
        name: &str,
        advice: &str,
        read: impl FnOnce(Value<'a, '_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = Path::Field(parent, name);
        let raw = self.get(name).ok_or_else(|| path.missing(advice))?;
        read(Value::new(raw, &path))
    }

    /// Reads a string that must be there.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn required_string(
        &self,
        parent: &Path<'_>,
        name: &str,
        advice: &str,
    ) -> Result<String, Error> {
        let path = Path::Field(parent, name);
        let raw = self.get(name).ok_or_else(|| path.missing(advice))?;
        Value::new(raw, &path).string()
    }

    /// Reads a field that may be absent or null.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn optional<T>(
        &self,
        parent: &Path<'_>,
        name: &str,
        read: impl FnOnce(Value<'a, '_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let path = Path::Field(parent, name);
        let raw = self.get(name);
        raw.map(|raw| read(Value::new(raw, &path))).transpose()
    }

    /// Reads a string that may be absent or null.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn optional_string(&self, parent: &Path<'_>, name: &str) -> Result<Option<String>, Error> {
        let path = Path::Field(parent, name);
        let raw = self.get(name);
        raw.map(|raw| Value::new(raw, &path).string()).transpose()
    }

    /// Reads a boolean that may be absent or null.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn optional_boolean(&self, parent: &Path<'_>, name: &str) -> Result<Option<bool>, Error> {
        let path = Path::Field(parent, name);
        let raw = self.get(name);
        raw.map(|raw| Value::new(raw, &path).boolean()).transpose()
    }

    /// Notes each field that is not among `known` and not null: it goes no further.
    pub fn warn_of_others(&self, parent: &Path<'_>, known: &[&str], warnings: &mut Vec<Warning>) {
        for (name, raw) in self.entries() {
            if !known.contains(&name) && shape(raw) != Shape::Null {
                let field = Path::Field(parent, name).to_string();
                warnings.push(Warning::new(field, "not known here"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_are_written() {
        let number = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            Value::new(raw, &Path::Root).number(&(0.0..=2.0))
        };
        // Rounded fast, the first is 0.20333333333333337.
        for written in ["0.20333333333333334", "0.30000000000000004", "2.0", "0.0"] {
            assert_eq!(format!("{:?}", number(written).unwrap()), written);
        }
        for refused in ["2.0000000000000004", "-0.1", "1e999", "-1e999"] {
            assert!(number(refused).is_err(), "{refused}");
        }
    }
}
