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
        if let Some((theirs, value)) = self.taken(name, value)? {
            self.add(theirs, &value);
        }
        Ok(())
    }

    /// A parameter that a request has, and the provider's name of it, where it takes it.
    pub(super) fn taken<'a, T>(
        &mut self,
        name: &'a str,
        value: Option<T>,
    ) -> Result<Option<(&'a str, T)>, Unsupported>
    where
        't: 'a,
    {
        let Some(value) = value else {
            return Ok(None);
        };
        let quirks: &'t Quirks = self.quirks;
        match quirks.parameter(name) {
            Parameter::Taken(theirs) => return Ok(Some((theirs, value))),
            Parameter::Unsupported(fate) => self.leave_out(name, fate)?,
        }
        Ok(None)
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
        self.extras_where(request, family, |_| true)
    }

    /// The same of a family with several wires, where `known` says which fields this one has.
    pub(super) fn extras_where(
        &mut self,
        request: &ChatRequest,
        family: Family,
        known: impl Fn(&str) -> bool,
    ) -> Result<(), Unsupported> {
        let extras = &request.extras;
        for (name, json) in &extras.fields.0 {
            if self.fields.get(name).is_some() {
                continue;
            }
            if extras.family == Some(family) && known(name) {
                self.parameter(name, Some(json))?;
            } else {
                self.warn(name.clone(), "not known to this model");
            }
        }
        Ok(())
    }
}
