//! What only one kind of model has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The vectors of an embedding model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingFacts {
    /// Numbers of a vector.
    pub dimensions: u32,
    /// Texts of one call.
    pub batch: u32,
    /// Whether the beginning of a vector stands for the whole (Matryoshka), so that callers may ask
    /// for fewer dimensions.
    #[serde(default)]
    pub shortens: bool,
}

/// What a model that speaks can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeechFacts {
    /// The names that `OpenAI`'s clients send, and the model's own speaker for each. The speakers
    /// themselves may be asked for too.
    #[serde(default)]
    pub voices: BTreeMap<String, String>,
    /// The forms of sound it gives, by `OpenAI`'s names.
    pub formats: Vec<String>,
    /// The languages it speaks, ISO 639-1.
    pub languages: Vec<String>,
    /// Whether its speed can be set.
    #[serde(default)]
    pub speed: bool,
    /// Whether it takes instructions of how to speak.
    #[serde(default)]
    pub instructions: bool,
}
