//! JSON text to typed values, so that every problem of shape is found and says where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::Report;

/// A JSON object whose values are still text, in the order of the document, repeated keys included.
pub(crate) struct Entries(pub(super) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// Named values, of which some may be known by name only because they are malformed.
pub(crate) struct Table<T> {
    pub(crate) entries: BTreeMap<String, T>,
    broken: BTreeSet<String>,
    /// Nothing is known of the names, since the whole document is malformed.
    lost: bool,
}

impl<T> Table<T> {
    /// The table of a document that could not be read.
    pub(crate) const fn lost() -> Self {
        Self {
            entries: BTreeMap::new(),
            broken: BTreeSet::new(),
            lost: true,
        }
    }

    /// The same table with other values.
    pub(crate) fn map<U>(self, convert: impl Fn(&str, T) -> U) -> Table<U> {
        let entries = self.entries.into_iter();
        let entries = entries.map(|(name, value)| {
            let made = convert(&name, value);
            (name, made)
        });
        Table {
            entries: entries.collect(),
            broken: self.broken,
            lost: self.lost,
        }
    }

    /// A table that is whole.
    pub(crate) const fn of(entries: BTreeMap<String, T>) -> Self {
        Self {
            entries,
            broken: BTreeSet::new(),
            lost: false,
        }
    }

    /// The same table with what `base` has beyond it.
    pub(crate) fn over(mut self, base: BTreeMap<String, T>) -> Self {
        for (name, value) in base {
            if !self.broken.contains(&name) {
                self.entries.entry(name).or_insert(value);
            }
        }
        self
    }

    /// Whether every entry of the document is in the table.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lost && self.broken.is_empty()
    }

    pub(crate) fn find(&self, name: &str) -> Found<'_, T> {
        match self.entries.get(name) {
            Some(value) => Found::Here(value),
            None if self.lost || self.broken.contains(name) => Found::Malformed,
            None => Found::Nowhere,
        }
    }
}

/// Reads a value: [`traced`] or [`checked`]. The problem of a malformed one comes with its path.
pub(crate) type Read<T> = fn(&str) -> Result<T, (String, String)>;

/// What is known under a name.
pub(crate) enum Found<'a, T> {
    /// The value.
    Here(&'a T),
    /// It is or may be there, and its own problem is reported already.
    Malformed,
    /// Nothing.
    Nowhere,
}

/// Reads a whole document; reports its problem and gives `None` where it is malformed.
pub(crate) fn document<T>(json: &str, report: &mut Report, read: Read<T>) -> Option<T> {
    let read = object(json, read).map_err(|(path, reason)| report.add(path, reason));
    read.ok()
}

/// Reads the object under `at` of a document; reports its problem and gives `None` where it is
/// malformed.
pub(crate) fn section<T>(
    json: &RawValue,
    at: &str,
    report: &mut Report,
    read: Read<T>,
) -> Option<T> {
    let read = object(json.get(), read).map_err(|(path, reason)| {
        report.add(join(at, &path), without_position(&reason));
    });
    read.ok()
}

/// Reads the array under `at` of a document; reports the problem of each malformed entry and gives
/// `None` where there is one.
pub(crate) fn list<T>(
    json: &RawValue,
    at: &str,
    report: &mut Report,
    read: Read<T>,
) -> Option<Vec<T>> {
    let entries: Vec<Box<RawValue>> = traced(json.get())
        .map_err(|(_, _)| report.add(at, "expected an array"))
        .ok()?;
    let entry = |(index, json): (usize, Box<RawValue>)| {
        section(&json, &format!("{at}[{index}]"), report, read)
    };
    let values: Vec<Option<T>> = entries.into_iter().enumerate().map(entry).collect();
    values.into_iter().collect()
}

/// Reads each entry under `at`; reports every malformed or repeated one.
pub(crate) fn table<T>(entries: Entries, at: &str, report: &mut Report, read: Read<T>) -> Table<T> {
    let mut table = Table {
        entries: BTreeMap::new(),
        broken: BTreeSet::new(),
        lost: false,
    };
    for (name, json) in entries.0 {
        if table.entries.contains_key(&name) || table.broken.contains(&name) {
            report.add(format!("{at}.{name}"), "appears twice");
            continue;
        }
        match read(json.get()) {
            Ok(value) => {
                table.entries.insert(name, value);
            }
            Err((path, reason)) => {
                let path = join(&format!("{at}.{name}"), &path);
                report.add(path, without_position(&reason));
                table.broken.insert(name);
            }
        }
    }
    table
}

fn object<T>(json: &str, read: Read<T>) -> Result<T, (String, String)> {
    // Without this a list of the fields in order would do for the object.
    if json.trim_start().starts_with('{') {
        read(json)
    } else {
        Err((String::new(), "expected a JSON object".to_owned()))
    }
}

/// Reads a value, and says where in it the problem is.
pub(crate) fn traced<T: DeserializeOwned>(json: &str) -> Result<T, (String, String)> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        (path, error.inner().to_string())
    })?;
    let end = deserializer.end();
    end.map_err(|error| (String::new(), error.to_string()))?;
    Ok(value)
}

#[cfg(not(target_family = "wasm"))]
pub(crate) use traced as checked;

/// Reads a value that the build has checked, which says where a problem is. Code that does is large,
/// so the Wasm has none for what can have no problem any more.
#[cfg(target_family = "wasm")]
pub(crate) fn checked<T: DeserializeOwned>(json: &str) -> Result<T, (String, String)> {
    serde_json::from_str(json).map_err(|error| (String::new(), error.to_string()))
}

/// The path of what is at a path of a value that has one itself.
pub(super) fn join(parent: &str, child: &str) -> String {
    match child {
        "" => parent.to_owned(),
        child if child.starts_with('[') => format!("{parent}{child}"),
        child => format!("{parent}.{child}"),
    }
}

/// An entry is read apart from its document, so that the position in the message would mislead.
fn without_position(reason: &str) -> &str {
    reason
        .rsplit_once(" at line ")
        .map_or(reason, |(text, _)| text)
}
