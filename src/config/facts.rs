//! What only one kind of model has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The vectors of an embedding model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpeechFacts {
    /// The form of its requests and answers.
    pub wire: SpeechWire,
    /// Its speakers, the first for want of another; none where there is one voice only.
    #[serde(default)]
    pub speakers: Vec<String>,
    /// The names that `OpenAI`'s clients send, and the speaker that stands for each.
    #[serde(default)]
    pub voices: BTreeMap<String, String>,
    /// The forms of sound it gives, by `OpenAI`'s names.
    pub formats: Vec<String>,
    /// Characters of a text, where it takes fewer than `OpenAI`'s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub characters: Option<u32>,
    /// The languages it speaks, ISO 639-1; any where there are none.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Whether its speed can be set.
    #[serde(default)]
    pub speed: bool,
    /// Whether it takes instructions of how to speak.
    #[serde(default)]
    pub instructions: bool,
}

/// The form of requests to a model that speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SpeechWire {
    /// Deepgram's on Workers AI.
    Aura,
    /// `MeloTTS` on Workers AI.
    Melo,
    /// `OpenAI`'s.
    OpenAi,
}

/// What a model that draws can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// The sizes it draws, the first for want of another.
    pub sizes: Vec<String>,
    /// The forms of pictures it gives, the first for want of another.
    pub formats: Vec<String>,
    /// Characters of a prompt.
    pub prompt_characters: u32,
    /// Pictures of one call.
    pub batch: u32,
    /// Tokens of a picture at most, where it charges by the token.
    #[serde(default)]
    pub tokens: u32,
    /// Whether quality, background and moderation can be set.
    #[serde(default)]
    pub styles: bool,
}
