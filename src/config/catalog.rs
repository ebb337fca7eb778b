//! The catalogue: models with prices, operations, tiers and aliases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::facts::{EmbeddingFacts, ImageFacts, SpeechFacts};
use super::output::{Guard, GuardFailure, Output, Trim};
use super::price::UnitPrice;
use super::prompt::Prompt;
use super::providers::{Provider, ProviderSlug};
use super::tier::Tier;
use super::unlisted::FreeModels;
use crate::usage::Price;

/// The bound of an answer in tokens where neither the caller nor the operation names one.
pub const DEFAULT_OUTPUT_CAP: u32 = 4_096;

/// Everything under `config/`, checked as a whole.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Providers by slug.
    pub providers: BTreeMap<String, Provider>,
    /// Models that stand for all those of the free providers, by slug.
    pub(super) free_models: FreeModels,
    /// Models by id.
    pub models: BTreeMap<String, Arc<Model>>,
    /// Operations by name.
    pub operations: BTreeMap<String, Arc<Operation>>,
    /// The name of the operation of a request that fits no other.
    pub default_operation: String,
    /// Ids of models for each tier, best first. Every tier is present and has a candidate.
    pub tiers: BTreeMap<Tier, Vec<String>>,
    /// Ids of models of other providers for each tier, asked where none of the tier's own answers.
    pub fallbacks: BTreeMap<Tier, Vec<String>>,
    /// The models that serve requests without being asked for.
    pub helpers: Helpers,
    /// Names that clients send, and the ids of the models they mean.
    pub aliases: BTreeMap<String, String>,
}

/// The models that serve requests without being asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Helpers {
    /// The id of the model that decides what a request is for, where an org wants that.
    pub decide: String,
    /// The id of the model that embeds queries and passages.
    pub embed: String,
    /// The id of the model that judges what is said.
    pub guard: String,
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
    pub fn model(&self, id: &str) -> Option<&Arc<Model>> {
        self.models.get(id)
    }

    /// A model by its id, by an alias, or by another name of its provider before its own.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<&Arc<Model>> {
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
    pub fn operation(&self, name: &str) -> Option<&Arc<Operation>> {
        self.operations.get(name)
    }

    /// The ids of a tier's models, best first.
    #[must_use]
    pub fn candidates(&self, tier: Tier) -> &[String] {
        self.tiers.get(&tier).map_or(&[], Vec::as_slice)
    }

    /// A tier's models, best first.
    #[must_use]
    pub fn models_of(&self, tier: Tier) -> Vec<Arc<Model>> {
        self.known(self.candidates(tier))
    }

    /// The models of other providers that are asked where none of a tier's own answers.
    #[must_use]
    pub fn fallbacks_of(&self, tier: Tier) -> Vec<Arc<Model>> {
        let ids = self.fallbacks.get(&tier);
        ids.map_or_else(Vec::new, |ids| self.known(ids))
    }

    /// The models of these ids, in their order, without those that do not exist (any more).
    #[must_use]
    pub fn known(&self, ids: &[String]) -> Vec<Arc<Model>> {
        let known = ids.iter().filter_map(|id| self.model(id));
        known.map(Arc::clone).collect()
    }
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Answers a conversation.
    Chat,
    /// Chooses among given answers.
    Decision,
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
            Self::Decision => "decision",
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
            Self::Decision => "decide",
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Takes sound.
    Audio,
    /// Answers with JSON, also by a schema.
    Json,
    /// Thinks before it answers.
    Reasoning,
    /// Answers piece by piece. Every chat model that does not say `streams: false`.
    #[serde(skip_deserializing)]
    Streaming,
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
            Self::Streaming => "streaming",
            Self::Tools => "tools",
            Self::Vision => "vision",
        }
    }
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The provider's id, e.g. `@cf/baai/bge-m3`: the key in `config/ai_cost_model.yaml`.
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
    /// Whether it answers piece by piece where that is asked for; chat models only.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub streams: bool,
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
        match capability {
            Capability::Streaming => self.streams,
            listed => self.capabilities.contains(&listed),
        }
    }

    /// All that it can do.
    #[must_use]
    pub fn abilities(&self) -> Vec<Capability> {
        let streams = self.kind == ModelKind::Chat && self.streams;
        let streaming = streams.then_some(Capability::Streaming);
        self.capabilities.iter().copied().chain(streaming).collect()
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

const fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it may skip by reference"
)]
const fn is_true(value: &bool) -> bool {
    *value
}

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The name: the key in `config/ai_partition_map.yaml`.
    #[serde(skip_deserializing)]
    pub name: String,
    /// How much model it gets; the tier's kind says which endpoint serves it.
    pub tier: Tier,
    /// The only models that may answer, best first; absent: those of the tier.
    #[serde(default)]
    pub models: Option<Vec<String>>,
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
    pub prompt: Option<Prompt>,
    /// The tokens that a prompt may have, at about four bytes each; absent: what the model takes.
    #[serde(default)]
    pub input_tokens: Option<u32>,
    /// What may be left out of a prompt that has more, in this order; also of one that is larger than the
    /// window of the models. What then is still too long is refused.
    #[serde(default)]
    pub trim: Vec<Trim>,
    /// What is made of an answer.
    #[serde(default)]
    pub output: Option<Output>,
    /// What is judged before it goes on; absent: nothing.
    #[serde(default)]
    pub guard: Option<Guard>,
    /// What becomes of what cannot be judged.
    #[serde(default)]
    pub guard_failure: GuardFailure,
    /// The short form of a `prompt`, which it becomes when it is read.
    #[serde(default, skip_serializing)]
    pub(super) instructions: Option<String>,
}

const fn default_output_cap() -> u32 {
    DEFAULT_OUTPUT_CAP
}

/// How an operation is grounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rag {
    /// Vectors asked for, 1 to 50.
    pub top_k: u32,
    /// Passages that go into the prompt, at most `top_k`.
    pub passages: u32,
}
