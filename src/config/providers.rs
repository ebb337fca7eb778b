//! Who runs models, and how each is reached: `config/providers.json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::catalog::Wire;
use super::quirks::{Change, Quirks};

/// The name of a provider in ids of models, headers, records and configuration: a key of
/// `config/providers.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name: the key in `config/providers.json`.
    #[serde(skip_deserializing)]
    pub slug: ProviderSlug,
    /// Its name for people, as error messages have it.
    pub name: String,
    /// Other names in paths and models, e.g. Cloudflare's `google-ai-studio`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What the ids of its models begin with, where that is not its slug with a slash.
    #[serde(default)]
    id_prefix: Option<String>,
    /// The wire its chat models speak; absent where each model has its own.
    #[serde(default)]
    pub wire: Option<Wire>,
    /// The AI binding, where that reaches its models.
    #[serde(default)]
    pub binding: Option<Binding>,
    /// Its own interface, where it is called over HTTPS.
    #[serde(default)]
    pub direct: Option<Direct>,
    /// How it speaks `OpenAI`'s Responses beside chat completions, where it does.
    #[serde(default)]
    pub responses: Option<Responses>,
    /// Its models cost nothing, so that any of them may be asked for: it runs on one's own machine.
    #[serde(default)]
    pub free: bool,
    /// How it departs from `OpenAI`'s chat completions.
    #[serde(default)]
    pub(super) quirks: Change,
    /// How some of its models depart from that: by what the name begins with, the longest counts.
    #[serde(default)]
    pub(super) model_quirks: BTreeMap<String, Change>,
}

/// How the AI binding reaches a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The wire of chat models over it, where that is another than the provider's own.
    #[serde(default)]
    pub wire: Option<Wire>,
}

/// How a provider is called over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Direct {
    /// Where its paths begin, without a slash at the end; absent where a variable must say.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Between base address and path; `{model}` is the model's name.
    #[serde(default)]
    pub prefix: String,
    /// The query, without `?`.
    #[serde(default)]
    pub query: Option<String>,
    /// How it wants its key.
    pub key: KeyHeader,
    /// Whether it answers nobody without a key.
    #[serde(default = "yes")]
    pub key_required: bool,
    /// Headers of every call.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers of callers that may pass, and the values of each that may.
    #[serde(default)]
    pub pass: BTreeMap<String, Vec<String>>,
}

/// How a provider speaks `OpenAI`'s Responses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Responses {
    /// Between base address and path over HTTPS, in place of the prefix and the query of its other
    /// paths; absent where those are the same.
    #[serde(default)]
    pub prefix: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The header that carries a key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHeader {
    /// `Authorization: Bearer …`
    Bearer,
    /// The key alone, in the header of this lower-case name.
    Header(String),
}

impl Provider {
    /// What the ids of its models begin with, e.g. `openai/`.
    #[must_use]
    pub fn id_prefix(&self) -> String {
        let own = || format!("{}/", self.slug);
        self.id_prefix.clone().unwrap_or_else(own)
    }

    /// The name that the provider itself has for a model: `gpt-4o` of `openai/gpt-4o`. Workers AI
    /// wants its whole id.
    #[must_use]
    pub fn native_name<'a>(&self, id: &'a str) -> &'a str {
        if self.id_prefix.is_some() {
            return id;
        }
        let rest = id.strip_prefix(self.slug.as_str());
        rest.and_then(|rest| rest.strip_prefix('/')).unwrap_or(id)
    }

    /// The secret that holds its key, e.g. `AZURE_OPENAI_API_KEY`.
    #[must_use]
    pub fn key_variable(&self) -> String {
        self.variable("API_KEY")
    }

    /// The variable that holds another base address, e.g. `OLLAMA_BASE_URL`.
    #[must_use]
    pub fn base_url_variable(&self) -> String {
        self.variable("BASE_URL")
    }

    fn variable(&self, suffix: &str) -> String {
        let name = self.slug.as_str().to_ascii_uppercase().replace('-', "_");
        format!("{name}_{suffix}")
    }

    /// What a chat model of it takes, by the provider's own name of the model.
    #[must_use]
    pub fn quirks(&self, model: &str) -> Quirks {
        let fitting = self.model_quirks.iter();
        let special = fitting
            .filter(|(prefix, _)| model.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, change)| change);
        let quirks = Quirks::default().with(&self.quirks);
        match special {
            Some(change) => quirks.with(change),
            None => quirks,
        }
    }
}
