//! JSON at the border: every value stays the text it came as until somebody needs it typed, and
//! every complaint names the JSON path it is about.
//!
//! An object is an ordered list of (key, raw value). Of a repeated key the last value counts and the
//! first place, as in Python and JavaScript and so at `OpenAI`; the others go nowhere, so that no
//! provider can read a request differently from the gateway.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::Fields;
use crate::error::{Error, Kind};

/// How deep arrays and objects of a request may nest.
pub const MAX_DEPTH: usize = 128;

/// A JSON object: its fields in order, each value as the text it came as.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The fields of a raw value, or `None` where it is no object.
    #[must_use]
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        Self::parse(raw.get())
    }

    /// The fields of a JSON text, or `None` where it is no JSON object.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a field, or `None` where it is absent or null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().find(|(key, _)| key == name)?;
        Some(*raw).filter(|raw| shape(raw) != Shape::Null)
    }

    /// The first of several names that has a value.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&'a RawValue> {
        names.iter().find_map(|name| self.get(name))
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, &'a RawValue);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), raw)) = map.next_entry()? {
            entries.push((key, raw));
        }
        Ok(Object(without_repeats(entries)))
    }
}

fn without_repeats<'a>(
    entries: Vec<(Cow<'a, str>, &'a RawValue)>,
) -> Vec<(Cow<'a, str>, &'a RawValue)> {
    let mut last = BTreeMap::new();
    for (key, raw) in &entries {
        last.insert(key.as_ref(), *raw);
    }
    if last.len() == entries.len() {
        return entries;
    }
    let kept =
        |(key, _): &(Cow<'a, str>, _)| last.remove(key.as_ref()).map(|raw| (key.clone(), raw));
    entries.iter().filter_map(kept).collect()
}

/// A key, borrowed from the text where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

impl Fields {
    /// Appends a field as it came.
    pub fn keep(&mut self, name: &str, raw: &RawValue) {
        self.0.push((name.to_owned(), raw.to_owned()));
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        let (_, raw) = self.0.iter().find(|(key, _)| key == name)?;
        Some(raw)
    }

    /// Writes the fields into an object that is being serialised.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0
            .iter()
            .try_for_each(|(key, raw)| map.serialize_entry(key, raw))
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.write(&mut map)?;
        map.end()
    }
}

/// What kind of JSON value a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[…]`
    Array,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// `"…"`
    String,
}

impl Shape {
    const fn describe(self) -> &'static str {
        match self {
            Self::Array => "an array",
            Self::Boolean => "a boolean",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::String => "a string",
        }
    }
}

/// The kind of a raw value, by its first character: a raw value is always valid JSON.
#[must_use]
pub fn shape(raw: &RawValue) -> Shape {
    match raw.get().as_bytes().first() {
        Some(b'[') => Shape::Array,
        Some(b't' | b'f') => Shape::Boolean,
        Some(b'{') => Shape::Object,
        Some(b'"') => Shape::String,
        Some(b'n') | None => Shape::Null,
        Some(_) => Shape::Number,
    }
}

/// The elements of a raw array, or `None` where it is no array.
#[must_use]
pub fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// The text of a raw string, or `None` where it is no string of valid Unicode.
#[must_use]
pub fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Reads a request's body: UTF-8, not too deep, valid JSON, an object.
///
/// # Errors
/// `InvalidRequest` that says what is wrong and where.
pub fn document(body: &[u8]) -> Result<Object<'_>, Error> {
    let refuse = |message: String| Error::new(Kind::InvalidRequest, message);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(refuse("The body is empty. Send a JSON object.".to_owned()));
    }
    let text = std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        refuse(format!(
            "The body is not valid UTF-8 (byte {at}). Encode it as UTF-8."
        ))
    })?;
    check_depth(body, MAX_DEPTH)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
        refuse(format!(
            "The body is not valid JSON: {error}. Send one JSON object."
        ))
    })?;
    let describe = || shape(raw).describe();
    Object::of(raw).ok_or_else(|| {
        refuse(format!(
            "The body must be a JSON object, not {}.",
            describe()
        ))
    })
}

/// Refuses JSON whose arrays and objects nest deeper than `limit`, before any parser sees it.
///
/// # Errors
/// `InvalidRequest`.
pub fn check_depth(bytes: &[u8], limit: usize) -> Result<(), Error> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for byte in bytes {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => depth = depth.saturating_add(1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            let message =
                format!("The body nests arrays and objects deeper than {limit}. Flatten it.");
            return Err(Error::new(Kind::InvalidRequest, message));
        }
    }
    Ok(())
}

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

    fn ranged<T: PartialOrd + serde::de::DeserializeOwned>(
        self,
        range: &RangeInclusive<T>,
        expected: impl Fn() -> String,
    ) -> Result<T, Error> {
        if self.shape() != Shape::Number {
            return Err(self.wrong(&expected()));
        }
        serde_json::from_str(self.raw.get())
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let shown: String = self.raw.get().chars().take(40).collect();
                self.path
                    .error(&format!("must be {}, not {shown}.", expected()))
            })
    }

    /// The elements of an array.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn array(self) -> Result<Vec<&'a RawValue>, Error> {
        elements(self.raw).ok_or_else(|| self.wrong("an array"))
    }

    /// The fields of an object.
    ///
    /// # Errors
    /// `InvalidRequest`.
    pub fn object(self) -> Result<Object<'a>, Error> {
        Object::of(self.raw).ok_or_else(|| self.wrong("an object"))
    }
}
