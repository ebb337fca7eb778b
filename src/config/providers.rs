//! Who runs models, and how each is reached: `config/providers.json`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a provider in ids of models, headers, records and configuration: a key of
/// `config/providers.json`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderSlug(String);

impl ProviderSlug {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ProviderSlug {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for ProviderSlug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name: the key in `config/providers.json`.
    #[serde(skip_deserializing, default = "unnamed")]
    pub slug: ProviderSlug,
    /// What the ids of its models begin with, where that is not its name with a slash.
    #[serde(default)]
    id_prefix: Option<String>,
    /// Whether the AI binding reaches its models.
    #[serde(default)]
    pub binding: bool,
}

fn unnamed() -> ProviderSlug {
    ProviderSlug(String::new())
}

impl Provider {
    /// What the ids of its models begin with, e.g. `openai/`.
    #[must_use]
    pub fn id_prefix(&self) -> String {
        let own = || format!("{}/", self.slug);
        self.id_prefix.clone().unwrap_or_else(own)
    }
}
