//! The fields of a JSON object in a document, each read once, with problems that name their place. For
//! objects of many forms, of which one type each would be large.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::value::RawValue;

use super::problem::Report;
use super::shape::Entries;
use crate::protocol::json::{Shape, shape, text};

/// The fields of an object that were not read yet.
pub(crate) struct Fields {
    /// Where the object stands.
    pub(crate) at: String,
    left: Vec<(String, Box<RawValue>)>,
}

impl Fields {
    /// The fields of the object at a place of a document; what is none is reported, as is a field that
    /// appears twice.
    pub(crate) fn of(raw: &RawValue, at: impl Into<String>, report: &mut Report) -> Option<Self> {
        let at = at.into();
        let entries: Option<Entries> = serde_json::from_str(raw.get()).ok();
        let Some(Entries(entries)) = entries else {
            report.add(at, "expected an object");
            return None;
        };
        let mut fields = Self {
            at,
            left: Vec::with_capacity(entries.len()),
        };
        let mut seen = BTreeSet::new();
        for (name, raw) in entries {
            if seen.insert(name.clone()) {
                fields.left.push((name, raw));
            } else {
                report.add(fields.place(&name), "appears twice");
            }
        }
        Some(fields)
    }

    /// Those of an object that is left out.
    pub(crate) const fn none(at: String) -> Self {
        let left = Vec::new();
        Self { at, left }
    }

    /// Where a field stands.
    pub(crate) fn place(&self, name: impl Display) -> String {
        if self.at.is_empty() {
            return name.to_string();
        }
        format!("{}.{name}", self.at)
    }

    /// The value of a field; `None` where it is absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        let index = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.remove(index).1)
    }

    /// A text; what is none is reported.
    pub(crate) fn text(&mut self, name: &str, report: &mut Report) -> Option<String> {
        let raw = self.take(name)?;
        let read = text(&raw).filter(|_| shape(&raw) == Shape::String);
        self.or_report(name, read, "expected a text", report)
    }

    /// An integer of a range; what is none is reported.
    pub(crate) fn integer(
        &mut self,
        name: &str,
        range: &RangeInclusive<u64>,
        report: &mut Report,
    ) -> Option<u64> {
        let raw = self.take(name)?;
        let read = raw.get().parse().ok().filter(|it| range.contains(it));
        let reason = format!(
            "expected an integer from {} to {}",
            range.start(),
            range.end()
        );
        self.or_report(name, read, &reason, report)
    }

    /// A field that must be there was not.
    pub(crate) fn missing(&self, name: &str, reason: &str, report: &mut Report) {
        report.add(self.place(name), format!("is missing: {reason}"));
    }

    /// All that is left, in order.
    pub(crate) fn into_left(self) -> Vec<(String, Box<RawValue>)> {
        self.left
    }

    /// Reports what is left: nobody knows it.
    pub(crate) fn finish(self, expected: &str, report: &mut Report) {
        for (name, _) in &self.left {
            let reason = format!("is not known here, where there is {expected}");
            report.add(self.place(name), reason);
        }
    }

    fn or_report<T>(
        &self,
        name: &str,
        read: Option<T>,
        reason: &str,
        report: &mut Report,
    ) -> Option<T> {
        if read.is_none() {
            report.add(self.place(name), reason);
        }
        read
    }
}
