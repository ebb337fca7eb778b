//! The catalogue: models with prices, operations, tiers, aliases and the rules of intent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::facts::{EmbeddingFacts, ImageFacts, SpeechFacts};
use super::providers::{Provider, ProviderSlug};
use super::unlisted::FreeModels;
use crate::intent::rules::Rules;
use crate::money::{Nanos, Rate, round_up};
use crate::usage::{Price, Usage};

/// The bound of an answer in tokens where neither the caller nor the operation names one.
pub const DEFAULT_OUTPUT_CAP: u32 = 4_096;

const MINUTE_MS: i128 = 60_000;

/// Everything under `config/`, checked as a whole.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Providers by slug.
    pub providers: BTreeMap<String, Provider>,
    /// Models that stand for all those of the free providers, by slug.
    pub(super) free_models: FreeModels,
    /// Models by id.
    pub models: BTreeMap<String, Model>,
    /// Operations by name.
    pub operations: BTreeMap<String, Operation>,
    /// The name of the operation of a request that fits no other.
    pub default_operation: String,
    /// Ids of models for each tier, best first. Every tier is present and has a candidate.
    pub tiers: BTreeMap<Tier, Vec<String>>,
    /// The models that serve requests without being asked for.
    pub helpers: Helpers,
    /// Names that clients send, and the ids of the models they mean.
    pub aliases: BTreeMap<String, String>,
    /// What tells an operation from a text.
    pub intent: Rules,
}

/// The models that serve requests without being asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Helpers {
    /// The id of the model that embeds queries and passages.
    pub embed: String,
    /// The id of the model that ranks passages.
    pub rerank: String,
}

impl Catalogue {
    /// A provider by its slug.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Option<&Provider> {
        self.providers.get(slug)
    }

    /// A model by its id.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Model> {
        self.models.get(id)
    }

    /// A model by its id, by an alias, or by another name of its provider before its own.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<&Model> {
        let id = self.aliases.get(name).map_or(name, String::as_str);
        self.model(id).or_else(|| {
            let (_, id) = self.qualified(id)?;
            self.model(&id)
        })
    }

    /// A provider by its slug or by another of its names.
    #[must_use]
    pub fn resolve_provider(&self, name: &str) -> Option<&Provider> {
        let has = |provider: &&Provider| provider.aliases.iter().any(|alias| alias == name);
        let by_alias = || self.providers.values().find(has);
        self.provider(name).or_else(by_alias)
    }

    /// An operation by its name.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name)
    }

    /// The ids of a tier's models, best first.
    #[must_use]
    pub fn candidates(&self, tier: Tier) -> &[String] {
        self.tiers.get(&tier).map_or(&[], Vec::as_slice)
    }
}

/// How much model a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Answers a conversation.
    Chat,
    /// Turns text into vectors.
    Embedding,
    /// Judges whether a text is safe.
    Guard,
    /// Draws pictures.
    Image,
    /// Orders passages by how well they answer a query.
    Rerank,
    /// Turns text into speech.
    Speech,
    /// Turns speech into text.
    Transcription,
}

impl ModelKind {
    /// The name in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Guard => "guard",
            Self::Image => "image",
            Self::Rerank => "rerank",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
        }
    }
}

impl ModelKind {
    /// What it does, as a sentence continues after "does not".
    #[must_use]
    pub const fn work(self) -> &'static str {
        match self {
            Self::Chat => "answer conversations",
            Self::Embedding => "embed texts",
            Self::Guard => "judge texts",
            Self::Image => "draw pictures",
            Self::Rerank => "rank documents",
            Self::Speech => "speak texts",
            Self::Transcription => "transcribe sound",
        }
    }
}

/// The form of a chat model's requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// `OpenAI`'s chat completions.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
    /// `OpenAI`'s Responses. Never a row's wire: a provider's `responses` says that it speaks it
    /// beside chat completions.
    #[serde(rename = "openai_responses", skip_deserializing)]
    OpenAiResponses,
    /// Workers AI with `OpenAI`'s answers: `{choices: [{message}]}`.
    WorkersAiChat,
    /// Workers AI's first form: `{response, tool_calls}`.
    WorkersAiNative,
}

impl Wire {
    /// Whether it is one of Workers AI's own.
    #[must_use]
    pub const fn is_workers_ai(self) -> bool {
        matches!(self, Self::WorkersAiChat | Self::WorkersAiNative)
    }
}

/// Something only some models can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Takes sound.
    Audio,
    /// Answers with JSON, also by a schema.
    Json,
    /// Thinks before it answers.
    Reasoning,
    /// Calls tools.
    Tools,
    /// Takes pictures.
    Vision,
}

impl Capability {
    /// The name in configuration and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Json => "json",
            Self::Reasoning => "reasoning",
            Self::Tools => "tools",
            Self::Vision => "vision",
        }
    }
}

/// What a model charges. Every rate is in US dollars per million units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitPrice {
    /// Per character of the text that is spoken.
    Characters(Rate),
    /// Per picture of the default size.
    Images(Rate),
    /// Per minute of sound.
    Minutes(Rate),
    /// Per token.
    Tokens(Price),
}

impl UnitPrice {
    /// What `usage` costs, rounded up once to a whole nano-dollar.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Nanos {
        match self {
            Self::Characters(rate) => round_up(rate.times(usage.units.characters)),
            Self::Images(rate) => round_up(rate.times(usage.units.images)),
            Self::Minutes(rate) => {
                let product = rate.times(usage.units.audio_milliseconds);
                round_up(
                    product
                        .saturating_add(MINUTE_MS)
                        .saturating_sub(1)
                        .div_euclid(MINUTE_MS),
                )
            }
            Self::Tokens(price) => price.cost(usage),
        }
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The provider's id, e.g. `@cf/baai/bge-m3`: the key in `config/models.json`.
    #[serde(skip_deserializing)]
    pub id: String,
    /// Who runs it.
    pub provider: ProviderSlug,
    /// What it does.
    pub kind: ModelKind,
    /// The form of its requests and answers; chat models only. The provider's where the file leaves
    /// it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<Wire>,
    /// What it charges.
    pub price: UnitPrice,
    /// Tokens it takes and gives in one call; 0 for kinds that count no tokens.
    #[serde(default)]
    pub context_window: u32,
    /// The most tokens asked of it in one answer: the provider's figure, or a prudent part of the
    /// window where there is none. 0 for kinds that give no text.
    #[serde(default)]
    pub max_output: u32,
    /// What it can do.
    #[serde(default)]
    pub capabilities: BTreeSet<Capability>,
    /// Its vectors; embedding models only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<EmbeddingFacts>,
    /// How it draws; models that draw only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFacts>,
    /// How it speaks; models that speak only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechFacts>,
    /// The day (`YYYY-MM-DD`) on which the provider retires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}

impl Model {
    /// Whether it can do something.
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Its price per token; `None` where it charges by another unit.
    #[must_use]
    pub const fn token_price(&self) -> Option<&Price> {
        match &self.price {
            UnitPrice::Tokens(price) => Some(price),
            UnitPrice::Characters(_) | UnitPrice::Images(_) | UnitPrice::Minutes(_) => None,
        }
    }
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The name: the key in `config/operations.json`.
    #[serde(skip_deserializing)]
    pub name: String,
    /// How much model it gets; the tier's kind says which endpoint serves it.
    pub tier: Tier,
    /// How long its answers may be served again, in seconds; absent: never.
    #[serde(default)]
    pub cache_seconds: Option<u64>,
    /// How it is grounded in the org's documents; absent: not at all.
    #[serde(default)]
    pub rag: Option<Rag>,
    /// The bound of an answer in tokens, where the caller names none.
    #[serde(default = "default_output_cap")]
    pub output_cap: u32,
    /// The system prompt.
    #[serde(default)]
    pub instructions: Option<String>,
}

const fn default_output_cap() -> u32 {
    DEFAULT_OUTPUT_CAP
}

/// How an operation is grounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rag {
    /// Vectors asked for, 1 to 50.
    pub top_k: u32,
    /// Passages that go into the prompt, at most `top_k`.
    pub passages: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Units;

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
    fn each_unit_is_charged_exactly() {
        let rate = |text: &str| Rate::from_usd_per_million(text).unwrap();
        let used = |units| Usage {
            units,
            ..Usage::default()
        };
        let spoken = used(Units {
            characters: 1_234,
            ..Units::NONE
        });
        assert_eq!(
            UnitPrice::Characters(rate("15")).cost(&spoken),
            Nanos::from_usd("0.01851").unwrap()
        );
        // $0.00051 a minute: 90 s are $0.000765, and a millisecond costs the nano-dollar begun.
        let heard = |audio_milliseconds| {
            used(Units {
                audio_milliseconds,
                ..Units::NONE
            })
        };
        let minutes = UnitPrice::Minutes(rate("510"));
        assert_eq!(minutes.cost(&heard(90_000)), Nanos::new(765_000));
        assert_eq!(minutes.cost(&heard(1)), Nanos::new(9));
        assert_eq!(minutes.cost(&heard(0)), Nanos::ZERO);
        assert_eq!(minutes.cost(&heard(u64::MAX)), Nanos::MAX);
        let drawn = used(Units {
            images: 3,
            ..Units::NONE
        });
        let images = UnitPrice::Images(rate("634"));
        assert_eq!(images.cost(&drawn), Nanos::new(1_902_000));
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
