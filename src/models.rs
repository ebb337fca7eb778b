//! `GET /v1/models` and `/v1/models/{id}`: what a key may use, as `OpenAI` lists it, with tier, price
//! and capabilities.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::auth::Scope;
use crate::config::{self, Capability, Catalogue, Model, ModelKind, Tier, UnitPrice};
use crate::error::{Error, Kind};
use crate::http::{Incoming, Reply};
use crate::isolate::Isolate;
use crate::ports::Ports;
use crate::request::admit::authenticate_now;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ModelKind>,
    tiers: Vec<Tier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_usd_per_million: Option<&'a UnitPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u32>,
    capabilities: Vec<Capability>,
}

/// Lists `auto`, the tiers and the models.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`.
pub async fn models(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
) -> Result<Reply, Error> {
    authenticate_now(ports, isolate, incoming, Scope::Inference).await?;
    let catalogue = config::catalogue()?;
    let models = catalogue
        .models
        .values()
        .map(|model| item(model, catalogue));
    let list = List {
        object: "list",
        data: choices().chain(models).collect(),
    };
    Ok(Reply::json(200, &list))
}

/// Shows one model, by its id, a name that clients have for it, `auto` or a tier.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `ModelNotFound`.
pub async fn model(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    id: &str,
) -> Result<Reply, Error> {
    authenticate_now(ports, isolate, incoming, Scope::Inference).await?;
    let catalogue = config::catalogue()?;
    // Clients escape the slashes of an id, or do not.
    let id = percent_decode_str(id).decode_utf8_lossy();
    let listed = catalogue.resolve(&id).map(|model| item(model, catalogue));
    let found = listed.or_else(|| choices().find(|choice| choice.id == id));
    let missing = || {
        let shown: String = id.chars().take(100).collect();
        let message = format!("The model `{shown}` is not known here. GET /v1/models lists all.");
        Error {
            param: Some("model".to_owned()),
            ..Error::new(Kind::ModelNotFound, message)
        }
    };
    Ok(Reply::json(200, &found.ok_or_else(missing)?))
}

/// What leaves the choice to the gateway.
fn choices<'a>() -> impl Iterator<Item = Item<'a>> {
    let names = std::iter::once("auto").chain(Tier::ALL.iter().map(|tier| tier.as_str()));
    names.map(|name| Item {
        id: name,
        object: "model",
        created: 0,
        owned_by: "esclusa",
        kind: None,
        tiers: name.parse().into_iter().collect(),
        price_usd_per_million: None,
        context_window: None,
        capabilities: Vec::new(),
    })
}

fn item<'a>(model: &'a Model, catalogue: &Catalogue) -> Item<'a> {
    let tiers = Tier::ALL
        .into_iter()
        .filter(|tier| catalogue.candidates(*tier).contains(&model.id));
    Item {
        id: &model.id,
        object: "model",
        created: 0,
        owned_by: model.provider.as_str(),
        kind: Some(model.kind),
        tiers: tiers.collect(),
        price_usd_per_million: Some(&model.price),
        context_window: (model.context_window > 0).then_some(model.context_window),
        capabilities: model.capabilities.iter().copied().collect(),
    }
}
