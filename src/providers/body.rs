//! The body of a request while it is written, in any wire.

use serde::Serialize;

use super::encode::{Encoded, Target, Unsupported};
use crate::config::{Parameter, Quirks, Unsupported as Fate, Wire};
use crate::protocol::{ChatRequest, Family, Field, Fields, Json, Warning};

/// The body so far: fields in a fixed order, then what passes through in the order it came.
pub(super) struct Body<'t> {
    pub(super) wire: Wire,
    pub(super) quirks: &'t Quirks,
    pub(super) target: &'t Target<'t>,
    pub(super) warnings: Vec<Warning>,
    fields: Fields,
}

impl<'t> Body<'t> {
    /// A body without fields.
    pub(super) fn new(target: &'t Target<'t>) -> Self {
        Self {
            wire: target.wire,
            quirks: target.quirks,
            target,
            warnings: Vec::new(),
            fields: Fields::default(),
        }
    }

    /// The whole request.
    pub(super) fn finish(self) -> Encoded {
        Encoded {
            body: serde_json::to_string(&self.fields).unwrap_or_default(),
            warnings: self.warnings,
        }
    }

    /// Adds a field.
    pub(super) fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.fields.0.push((name.to_owned(), Json::of(value)));
    }

    /// Adds a field that has a value.
    pub(super) fn maybe<T: Serialize>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.add(name, &value);
        }
    }

    /// Adds a parameter under the name that the provider has for it, where it takes it.
    pub(super) fn parameter<T: Serialize>(
        &mut self,
        name: &str,
        value: Option<T>,
    ) -> Result<(), Unsupported> {
        let Some(value) = value else {
            return Ok(());
        };
        match self.quirks.parameter(name) {
            Parameter::Taken(theirs) => self.add(theirs, &value),
            Parameter::Unsupported(fate) => self.leave_out(name, fate)?,
        }
        Ok(())
    }

    /// Leaves out a parameter that a request has.
    pub(super) fn leave_out(&mut self, name: &str, fate: Fate) -> Result<(), Unsupported> {
        match fate {
            Fate::Drop => self.warn(name, "not taken by this model"),
            Fate::Refuse => return Err(Unsupported::new(name, "is not taken by this model.")),
        }
        Ok(())
    }

    /// Notes that a field was left out.
    pub(super) fn warn(&mut self, field: impl Into<Field>, reason: &str) {
        self.warnings.push(Warning::new(field, reason));
    }

    /// Adds the fields of the caller's wire that nobody here knows, which mean something to its own
    /// family only.
    pub(super) fn extras(
        &mut self,
        request: &ChatRequest,
        family: Family,
    ) -> Result<(), Unsupported> {
        let extras = &request.extras;
        for (name, json) in &extras.fields.0 {
            if self.fields.get(name).is_some() {
                continue;
            }
            if extras.family == Some(family) {
                self.parameter(name, Some(json))?;
            } else {
                self.warn(name.clone(), "not known to this model");
            }
        }
        Ok(())
    }
}
