//! What of a request a warning or a refusal is about: where it stands in the caller's own request, or
//! which of its parameters, each wire having its own names.

use std::fmt;
use std::rc::Rc;

use super::json::Path;

/// Where in the caller's request something stands, as a JSON path; nowhere for what was added on the
/// way. It is no part of what the thing is: all origins are equal.
#[derive(Clone, Debug, Default)]
pub struct Origin(Option<Rc<str>>);

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

impl Origin {
    /// Nowhere.
    pub const NONE: Self = Self(None);

    /// The value at a path.
    #[must_use]
    pub fn at(path: &Path<'_>) -> Self {
        Self(Some(path.to_string().into()))
    }

    /// This, or `other` where it is nowhere.
    pub fn or_at(&mut self, other: &Path<'_>) {
        if self.0.is_none() {
            *self = Self::at(other);
        }
    }

    /// Its path, where it has one, under another name.
    #[must_use]
    pub fn renamed(&self, rename: impl FnOnce(&str) -> String) -> Self {
        Self(self.0.as_deref().map(|path| rename(path).into()))
    }

    /// Its path, or `otherwise` where it is nowhere.
    pub fn path_or(&self, otherwise: impl FnOnce() -> String) -> String {
        self.0.as_deref().map_or_else(otherwise, str::to_owned)
    }
}

/// A field of a request: a path in the caller's own request, then a name of the internal model, either
/// of which may be all there is. The names of the caller's wire are [`super::Dialect::name`]'s.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    text: String,
    /// Where in the text the name of the internal model begins.
    name_at: usize,
}

impl Field {
    /// A field, by its name in the internal model, of what stands at a path.
    #[must_use]
    pub fn within(path: &str, name: &str) -> Self {
        Self {
            text: format!("{path}.{name}"),
            name_at: path.len().saturating_add(1),
        }
    }

    /// Its text, with the names of the internal model, which are those of chat completions.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The caller's path and the name of the internal model.
    pub(super) fn halves(&self) -> (&str, &str) {
        self.text
            .split_at_checked(self.name_at)
            .unwrap_or((&self.text, ""))
    }
}

impl From<&str> for Field {
    /// A parameter, by its name in the internal model.
    fn from(name: &str) -> Self {
        Self {
            text: name.to_owned(),
            name_at: 0,
        }
    }
}

impl From<String> for Field {
    /// A JSON path in the caller's request.
    fn from(text: String) -> Self {
        Self {
            name_at: text.len(),
            text,
        }
    }
}

impl PartialEq<&str> for Field {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, formatter)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
