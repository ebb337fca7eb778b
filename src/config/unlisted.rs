//! Models that a caller names and the catalogue does not list. Those of free providers can be used,
//! whatever they are; no other is ever free by accident.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::{Capability, Catalogue, Model, ModelKind};
use super::price::UnitPrice;
use super::providers::Provider;
use crate::usage::Price;

/// Tokens that an unlisted model is supposed to take and give: so many that it is left to the
/// model's server to refuse.
const WINDOW: u32 = 1_048_576;

/// What stands in the place of a name in the id of the model of all names, e.g. `ollama/*`.
const ANY: &str = "*";

/// A model that was asked for by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// The model; for an unlisted one of a free provider that of all its names, e.g. `ollama/*`.
    pub model: &'a Arc<Model>,
    /// The id that was meant, e.g. `ollama/llama3.2:3b`.
    pub id: Cow<'a, str>,
}

/// Why a name names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlisted {
    /// The provider is known, what the model costs is not.
    #[error(
        "its price is not known here. Add `{id}` with its price to config/ai_cost_model.yaml, or to the org's `models`, to use it"
    )]
    NoPrice {
        /// The id that the model would have.
        id: String,
    },
    /// Nothing of that name is known.
    #[error("GET /v1/models lists what this key may use; `auto` lets the gateway choose")]
    Unknown,
}

/// Models of free providers that stand for all names of a kind.
pub(super) type FreeModels = BTreeMap<String, Vec<Arc<Model>>>;

/// Makes the models that stand for all names of the free providers.
pub(super) fn free_models(providers: &BTreeMap<String, Provider>) -> FreeModels {
    let free = providers.iter().filter(|(_, provider)| provider.free);
    let models = free.map(|(slug, provider)| {
        let kinds = [ModelKind::Chat, ModelKind::Embedding];
        let models = kinds.map(|kind| Arc::new(free_model(provider, kind)));
        (slug.clone(), models.into())
    });
    models.collect()
}

fn free_model(provider: &Provider, kind: ModelKind) -> Model {
    let chat = kind == ModelKind::Chat;
    let all = [
        Capability::Audio,
        Capability::Json,
        Capability::Reasoning,
        Capability::Tools,
        Capability::Vision,
    ];
    Model {
        id: format!("{}{ANY}", provider.id_prefix()),
        provider: provider.slug.clone(),
        kind,
        wire: provider.wire.filter(|_| chat),
        price: UnitPrice::Tokens(Price::default()),
        context_window: WINDOW,
        max_output: if chat { WINDOW } else { 0 },
        streams: true,
        capabilities: all.into_iter().filter(|_| chat).collect(),
        deprecated: None,
        embedding: None,
        image: None,
        speech: None,
    }
}

impl Catalogue {
    /// The model of a name: an alias, an id, or `{provider}/{model}` under any name that the provider
    /// has; `kind` says which work an unlisted model is for.
    ///
    /// # Errors
    /// Why there is none.
    pub fn named(&self, name: &str, kind: ModelKind) -> Result<Named<'_>, Unlisted> {
        if let Some(model) = self.resolve(name) {
            let id = Cow::Borrowed(model.id.as_str());
            return Ok(Named { model, id });
        }
        let (provider, id) = self.qualified(name).ok_or(Unlisted::Unknown)?;
        let id = id.into_owned();
        let models = self.free_models.get(provider.slug.as_str());
        let model = models.and_then(|models| models.iter().find(|model| model.kind == kind));
        match model {
            Some(model) => Ok(Named {
                model,
                id: Cow::Owned(id),
            }),
            None => Err(Unlisted::NoPrice { id }),
        }
    }

    /// The provider of a qualified name, and the id that its model has here: `grok/grok-4` is
    /// `xai/grok-4`, `workers-ai/@cf/baai/bge-m3` is `@cf/baai/bge-m3`.
    pub(super) fn qualified<'a>(&self, name: &'a str) -> Option<(&Provider, Cow<'a, str>)> {
        let (provider, model) = name.split_once('/')?;
        if model.is_empty() || model == ANY {
            return None;
        }
        let own = |provider: &&Provider| name.starts_with(&provider.id_prefix());
        if let Some(provider) = self.providers.values().find(own) {
            return Some((provider, Cow::Borrowed(name)));
        }
        let provider = self.resolve_provider(provider)?;
        let prefix = provider.id_prefix();
        let id = if model.starts_with(&prefix) {
            Cow::Borrowed(model)
        } else {
            Cow::Owned(format!("{prefix}{model}"))
        };
        Some((provider, id))
    }
}
