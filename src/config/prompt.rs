//! The prompt of an operation: versions of a template, the variables they take, and who gets which.
//!
//! ```json
//! {
//!   "versions": {
//!     "1": "You are the help desk of {{ org }}.",
//!     "2": "You are the help desk of {{ org }}.{% if audience %} You must write for {{ audience }}.{% endif %}"
//!   },
//!   "variables": { "audience": { "default": "customers", "max_length": 100 } },
//!   "rollout": { "1": 90, "2": 10 }
//! }
//! ```
//!
//! `instructions: "text"` is the short form of one version, `1`, of that very text. Templates are those of
//! [`crate::template`]. Besides the variables there are `org`, the org's id, and `today`, the day in UTC as
//! `YYYY-MM-DD`. Who is asking is none: a prompt goes to others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::template::Template;

/// Variables that every template has.
pub const BUILT_IN: [&str; 2] = ["org", "today"];
/// The longest value of a variable that says nothing else, in characters.
const USUAL_LENGTH: u32 = 4_000;
/// The version that a short form has.
const ONLY: &str = "1";
/// Who gets a version is decided among so many.
const WHOLE: u8 = 100;

/// The prompt of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Templates by version; at least one.
    pub versions: BTreeMap<String, Template>,
    /// What callers may set, by name.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Of a hundred users, how many get each version; may be left out where there is only one.
    #[serde(default)]
    pub rollout: BTreeMap<String, u8>,
}

/// What callers may set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its value where a caller names none; empty for want of another.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether callers must set it.
    #[serde(default)]
    pub required: bool,
    /// Characters of its value at most.
    #[serde(default = "usual_length")]
    pub max_length: u32,
}

const fn usual_length() -> u32 {
    USUAL_LENGTH
}

impl Prompt {
    /// A prompt that is one text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let only = (ONLY.to_owned(), Template::literal(text));
        Self {
            versions: BTreeMap::from([only]),
            variables: BTreeMap::new(),
            rollout: BTreeMap::new(),
        }
    }

    /// The version that the users of a place, 0 to 99, get. Those of the first version come first, so that
    /// moving a part from one version to the next moves nobody else.
    #[must_use]
    pub fn version(&self, place: u8) -> Option<(&str, &Template)> {
        let mut end = 0_u8;
        let mut shares: Vec<(&String, &u8)> = self.rollout.iter().collect();
        shares.sort_by_key(|(name, _)| rank(name));
        let rolled = shares.into_iter().find(|(_, share)| {
            end = end.saturating_add(**share);
            place < end
        });
        let name = match rolled {
            Some((name, _)) => name,
            None => self.versions.keys().min_by_key(|name| rank(name))?,
        };
        let (name, template) = self.versions.get_key_value(name)?;
        Some((name, template))
    }

    /// Whether the shares make a whole.
    pub(super) fn rolls_out_to_all(&self) -> bool {
        let shares = self.rollout.values().map(|share| u32::from(*share));
        shares.sum::<u32>() == u32::from(WHOLE)
    }
}

/// Where a version stands among the others: numbers by what they count, before names.
fn rank(name: &str) -> (u64, &str) {
    (name.parse().unwrap_or(u64::MAX), name)
}
