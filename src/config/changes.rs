//! What changes from one document to another, and documents changed by a part of them: both over the
//! texts of JSON, so that what is left alone stays as it was written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::problem::Problem;
use super::shape::join;
use super::tenant::FILE;
use crate::protocol::json::{Json, Object, Shape, elements, shape};

/// A value that differs between two documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where, e.g. `limits[0].limit`.
    pub path: String,
    /// As it was; absent where there was nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Json>,
    /// As it is; absent where there is nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Json>,
}

/// What differs, in the order of the documents: each as deep as both have the same shape. Elements of
/// arrays are compared by their places.
#[must_use]
pub fn differences(before: &RawValue, after: &RawValue) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(
    path: &str,
    before: Option<&RawValue>,
    after: Option<&RawValue>,
    found: &mut Vec<Difference>,
) {
    if let (Some(old), Some(new)) = (before, after) {
        if let (Some(old), Some(new)) = (Object::of(old), Object::of(new)) {
            return compare_fields(path, &old, &new, found);
        }
        if let (Some(old), Some(new)) = (elements(old), elements(new)) {
            return compare_elements(path, &old, &new, found);
        }
        if is_same(old, new) {
            return;
        }
    }
    found.push(Difference {
        path: path.to_owned(),
        before: before.map(Json::from),
        after: after.map(Json::from),
    });
}

fn compare_fields(path: &str, old: &Object, new: &Object, found: &mut Vec<Difference>) {
    let under = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    for (name, before) in old.entries() {
        compare(&under(name), Some(before), field(new, name), found);
    }
    for (name, after) in new.entries() {
        if field(old, name).is_none() {
            compare(&under(name), None, Some(after), found);
        }
    }
}

fn compare_elements(path: &str, old: &[&RawValue], new: &[&RawValue], found: &mut Vec<Difference>) {
    for index in 0..old.len().max(new.len()) {
        let (before, after) = (old.get(index).copied(), new.get(index).copied());
        compare(&format!("{path}[{index}]"), before, after, found);
    }
}

/// Whether two values of which at most one is an object, at most one an array, are equal.
fn is_same(old: &RawValue, new: &RawValue) -> bool {
    let text = crate::protocol::json::text;
    match (shape(old), shape(new)) {
        (Shape::String, Shape::String) => text(old) == text(new),
        _ => old.get() == new.get(),
    }
}

/// A document after a merge patch (RFC 7396): `null` takes a field away, an object changes what it
/// names, anything else takes the place of what was there.
/// <https://www.rfc-editor.org/rfc/rfc7396>
///
/// # Errors
/// The place of an object that cannot be read.
pub fn merged(target: &RawValue, patch: &RawValue) -> Result<String, Problem> {
    let mut text = String::new();
    let unreadable = |path| Problem {
        file: FILE,
        path,
        line: None,
        reason: "has a key that is no Unicode".to_owned(),
    };
    merge(Some(target), patch, &mut text).map_err(unreadable)?;
    Ok(text)
}

/// Writes the merged value; fails with the path of what cannot be read.
fn merge(target: Option<&RawValue>, patch: &RawValue, text: &mut String) -> Result<(), String> {
    if shape(patch) != Shape::Object {
        text.push_str(patch.get());
        return Ok(());
    }
    let changes = every_field(patch)?;
    let target = target.filter(|target| shape(target) == Shape::Object);
    let old = target.map_or_else(|| Ok(Object::default()), every_field)?;
    let (change_of, known) = (by_name(&changes), by_name(&old));
    text.push('{');
    let mut is_first = true;
    let mut begin = |name: &str, text: &mut String| {
        if !std::mem::take(&mut is_first) {
            text.push(',');
        }
        text.push_str(Json::of(name).get());
        text.push(':');
    };
    for (name, value) in old.entries() {
        match change_of.get(name) {
            None => {
                begin(name, text);
                text.push_str(value.get());
            }
            Some(change) if shape(change) == Shape::Null => {}
            Some(change) => {
                begin(name, text);
                merge(Some(value), change, text).map_err(|path| join(name, &path))?;
            }
        }
    }
    for (name, change) in changes.entries() {
        if !known.contains_key(name) && shape(change) != Shape::Null {
            begin(name, text);
            merge(None, change, text).map_err(|path| join(name, &path))?;
        }
    }
    text.push('}');
    Ok(())
}

/// The fields of an object, of which none may be lost: documents have sections longer than what a
/// request may have.
fn every_field(raw: &RawValue) -> Result<Object<'_>, String> {
    Object::whole(raw).ok_or_else(String::new)
}

fn by_name<'a>(object: &'a Object<'_>) -> BTreeMap<&'a str, &'a RawValue> {
    object.entries().collect()
}

/// The value of a field, also where it is null.
fn field<'a>(object: &Object<'a>, name: &str) -> Option<&'a RawValue> {
    let mut entries = object.entries();
    entries.find(|(key, _)| *key == name).map(|(_, raw)| raw)
}

#[cfg(test)]
mod tests;
