//! JSON at the border: every value stays the text it came as until somebody needs it typed, and
//! every complaint names the JSON path it is about.
//!
//! An object is an ordered list of (key, raw value). Of a repeated key the last value counts and the
//! first place, as in Python and JavaScript and so at `OpenAI`; the others go nowhere, so that no
//! provider can read a request differently from the gateway.

mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

pub use self::value::{Path, Value};
use crate::error::{Error, Kind};

/// How deep arrays and objects of a request may nest.
pub const MAX_DEPTH: usize = 128;
/// Fields of an object that is read. Without a bound, a body of empty fields would grow tenfold.
pub const MAX_FIELDS: usize = 1_024;
/// Elements of an array that is read, where nothing smaller is said.
pub const MAX_ELEMENTS: usize = 4_096;
/// Up to so many fields, comparing each with each is faster than a map.
const FEW_FIELDS: usize = 16;

/// A JSON value as the text it came as, which is never changed on its way.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// The raw value.
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.0
    }

    /// The value of a type that is always valid JSON; `null` where it is not.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        serde_json::value::to_raw_value(value).map_or_else(|_| Self::null(), Self)
    }

    /// The value of a text, or `None` where it is not JSON.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl From<&RawValue> for Json {
    fn from(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Json {}

/// JSON fields that Esclusa does not interpret: in the order they came, byte for byte as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, Json)>);

/// A JSON object: its fields in order, each value as the text it came as.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// The fields of a raw value, or `None` where it is no object.
    #[must_use]
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        Self::parse(raw.get())
    }

    /// The fields of a JSON text, or `None` where it is no JSON object of at most [`MAX_FIELDS`].
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The fields of a raw value however many there are, for texts whose size is bounded: `None` where it
    /// is no object, or a key of it no Unicode.
    #[must_use]
    pub fn whole(raw: &'a RawValue) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        let every = ObjectVisitor { most: usize::MAX };
        deserializer.deserialize_map(every).ok()
    }

    /// The value of a field, or `None` where it is absent or null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().find(|(key, _)| key == name)?;
        Some(*raw).filter(|raw| shape(raw) != Shape::Null)
    }

    /// The fields in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, raw)| (key.as_ref(), *raw))
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
        deserializer.deserialize_map(ObjectVisitor { most: MAX_FIELDS })
    }
}

struct ObjectVisitor {
    most: usize,
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), raw)) = map.next_entry()? {
            if entries.len() >= self.most {
                let most = self.most;
                return Err(A::Error::custom(format!("more than {most} fields")));
            }
            entries.push((key, raw));
        }
        Ok(Object(without_repeats(entries)))
    }
}

fn without_repeats<'a>(
    entries: Vec<(Cow<'a, str>, &'a RawValue)>,
) -> Vec<(Cow<'a, str>, &'a RawValue)> {
    if entries.len() <= FEW_FIELDS && are_distinct(&entries) {
        return entries;
    }
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

fn are_distinct(entries: &[(Cow<'_, str>, &RawValue)]) -> bool {
    let keys = || entries.iter().map(|(key, _)| key);
    let repeats = |(at, key)| keys().take(at).any(|earlier| earlier == key);
    !keys().enumerate().any(repeats)
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
        self.0.push((name.to_owned(), Json::from(raw)));
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        let (_, json) = self.0.iter().find(|(key, _)| key == name)?;
        Some(json.raw())
    }

    /// Writes the fields into an object that is being serialised.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.0
            .iter()
            .try_for_each(|(key, json)| map.serialize_entry(key, json))
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

/// The elements of a raw array, or `None` where it is no array of at most [`MAX_ELEMENTS`].
#[must_use]
pub fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    let (elements, more) = first_elements(raw, MAX_ELEMENTS)?;
    (more == 0).then_some(elements)
}

/// The first `most` elements of a raw array and how many follow them.
fn first_elements(raw: &RawValue, most: usize) -> Option<(Vec<&RawValue>, usize)> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    FirstElements(most).deserialize(&mut deserializer).ok()
}

struct FirstElements(usize);

impl<'de> DeserializeSeed<'de> for FirstElements {
    type Value = (Vec<&'de RawValue>, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FirstElements {
    type Value = (Vec<&'de RawValue>, usize);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() < self.0 {
            match array.next_element()? {
                Some(raw) => elements.push(raw),
                None => return Ok((elements, 0)),
            }
        }
        let mut more = 0_usize;
        while array.next_element::<IgnoredAny>()?.is_some() {
            more = more.saturating_add(1);
        }
        Ok((elements, more))
    }
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
    serde_json::from_str(text).map_err(|error| refuse(diagnosis(text, &error)))
}

/// Why a text could not be read as an object: not JSON at all, another value, or one of its keys.
fn diagnosis(text: &str, error: &serde_json::Error) -> String {
    match serde_json::from_str::<&RawValue>(text).map(shape) {
        Err(error) => format!("The body is not valid JSON: {error}. Send one JSON object."),
        Ok(Shape::Object) => format!("The body cannot be read: {error}."),
        Ok(found) => {
            let found = found.describe();
            format!("The body must be a JSON object, not {found}.")
        }
    }
}

/// Refuses JSON whose arrays and objects nest deeper than `limit`, before any parser sees it.
///
/// # Errors
/// `InvalidRequest`.
pub fn check_depth(bytes: &[u8], limit: usize) -> Result<(), Error> {
    let too_deep = || {
        let message = format!("The body nests arrays and objects deeper than {limit}. Flatten it.");
        Error::new(Kind::InvalidRequest, message)
    };
    let mut depth = 0_usize;
    let mut rest = bytes.iter();
    while let Some(byte) = rest.find(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}')) {
        match byte {
            b'"' => skip_string(&mut rest),
            b'[' | b'{' => depth = depth.saturating_add(1),
            _ => depth = depth.saturating_sub(1),
        }
        if depth > limit {
            return Err(too_deep());
        }
    }
    Ok(())
}

/// Moves past the end of a string of which the opening quote has been read.
fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.find(|byte| matches!(byte, b'"' | b'\\')) {
        if *byte == b'"' {
            return;
        }
        rest.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> String {
        document(body).unwrap_err().message
    }

    fn fields(text: &str) -> Vec<(String, String)> {
        let fields = Object::parse(text).unwrap().into_iter();
        fields
            .map(|(key, raw)| (key.into_owned(), raw.get().to_owned()))
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, raw)| ((*key).to_owned(), (*raw).to_owned()))
            .collect()
    }

    #[test]
    fn fields_keep_order_and_bytes() {
        let text = r#"{"z": 1.50e2 ,"a":[1, 2 ],"\u00e9":{"k" :null}}"#;
        let expected = [("z", "1.50e2"), ("a", "[1, 2 ]"), ("é", r#"{"k" :null}"#)];
        assert_eq!(fields(text), pairs(&expected));
    }

    #[test]
    fn of_a_repeated_key_the_last_value_counts() {
        let text = r#"{"a":1,"b":2,"\u0061":3}"#;
        assert_eq!(fields(text), pairs(&[("a", "3"), ("b", "2")]));
    }

    #[test]
    fn depth_counts_brackets_outside_strings() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(check_depth(&nested(128), 128).is_ok());
        assert!(check_depth(&nested(129), 128).is_err());
        assert!(check_depth(&[b'['; 10_000], 128).is_err());
        assert!(check_depth(br#"{"a":"[[[[\\\"[[["}"#, 1).is_ok());
        assert!(check_depth(b"]]]][[", 2).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        assert_eq!(refusal(b" \n"), "The body is empty. Send a JSON object.");
        assert!(refusal(b"{\n \"a\": tru }").contains("line 2 column 10"));
        assert!(refusal(b"{\"a\":\"\xFF\"}").contains("UTF-8 (byte 6)"));
        assert!(refusal(b"{\"a\":\"\0\"}").contains("control character"));
        assert!(refusal(b"[1]").contains("must be a JSON object, not an array"));
        assert!(refusal(b"{} {}").contains("trailing characters"));
        assert!(refusal(br#"{"\ud800":1}"#).contains("cannot be read"));
    }

    #[test]
    fn sizes_are_bounded() {
        let fields: Vec<_> = (0..=MAX_FIELDS).map(|n| format!("\"{n}\":0")).collect();
        let body = format!("{{{}}}", fields.join(","));
        assert!(refusal(body.as_bytes()).contains("more than 1024 fields"));
        let array = format!("[{}0]", "0,".repeat(MAX_ELEMENTS));
        let raw: &RawValue = serde_json::from_str(&array).unwrap();
        assert!(elements(raw).is_none());
        assert_eq!(first_elements(raw, 3).unwrap().1, MAX_ELEMENTS - 2);
    }
}
