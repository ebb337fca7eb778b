//! How much model a request gets, and which comes next where none of that much can serve it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::catalog::{Capability, ModelKind};

/// How much model a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Short, plain answers.
    Light,
    /// Writing and summarising.
    Medium,
    /// Long or difficult work.
    Heavy,
    /// Problems that need thinking first.
    Reasoning,
    /// Calling tools.
    Agent,
    /// Text to vectors.
    Embed,
    /// Speech to text.
    Speech,
    /// Pictures to text.
    Vision,
    /// Text to speech.
    Tts,
}

impl Tier {
    /// All tiers.
    pub const ALL: [Self; 9] = [
        Self::Light,
        Self::Medium,
        Self::Heavy,
        Self::Reasoning,
        Self::Agent,
        Self::Embed,
        Self::Speech,
        Self::Vision,
        Self::Tts,
    ];

    /// The name in requests, headers and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
            Self::Reasoning => "reasoning",
            Self::Agent => "agent",
            Self::Embed => "embed",
            Self::Speech => "speech",
            Self::Vision => "vision",
            Self::Tts => "tts",
        }
    }

    /// The next more capable tier of the same kind of work.
    #[must_use]
    pub const fn next_up(self) -> Option<Self> {
        match self {
            Self::Light => Some(Self::Medium),
            Self::Medium => Some(Self::Heavy),
            _ => None,
        }
    }

    /// The kind of model that works in this tier.
    #[must_use]
    pub const fn kind(self) -> ModelKind {
        match self {
            Self::Light
            | Self::Medium
            | Self::Heavy
            | Self::Reasoning
            | Self::Agent
            | Self::Vision => ModelKind::Chat,
            Self::Embed => ModelKind::Embedding,
            Self::Speech => ModelKind::Transcription,
            Self::Tts => ModelKind::Speech,
        }
    }

    /// The tier of a kind of model, where it has one of its own.
    #[must_use]
    pub const fn of(kind: ModelKind) -> Option<Self> {
        match kind {
            ModelKind::Embedding => Some(Self::Embed),
            ModelKind::Speech => Some(Self::Tts),
            ModelKind::Transcription => Some(Self::Speech),
            _ => None,
        }
    }

    /// What every model of this tier must be able to do.
    #[must_use]
    pub const fn requires(self) -> Option<Capability> {
        match self {
            Self::Agent => Some(Capability::Tools),
            Self::Vision => Some(Capability::Vision),
            Self::Reasoning => Some(Capability::Reasoning),
            _ => None,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|tier| tier.as_str() == name);
        named.ok_or(UnknownTier)
    }
}

/// The name is not a tier's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown tier; expected light, medium, heavy, reasoning, agent, embed, speech, vision or tts"
)]
pub struct UnknownTier;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_round_trip() {
        for tier in Tier::ALL {
            assert_eq!(tier.as_str().parse(), Ok(tier));
            let json = serde_json::to_string(&tier).unwrap();
            assert_eq!(json, format!("\"{tier}\""));
        }
        assert_eq!("Light".parse::<Tier>(), Err(UnknownTier));
    }

    #[test]
    fn going_up_ends_and_keeps_the_kind() {
        for tier in Tier::ALL {
            let mut steps = 0;
            let mut at = tier;
            while let Some(next) = at.next_up() {
                assert_eq!(next.kind(), tier.kind());
                (at, steps) = (next, steps + 1);
            }
            assert!(steps < Tier::ALL.len());
        }
    }
}
