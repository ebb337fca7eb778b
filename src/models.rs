//! `GET /v1/models` and `/v1/models/{id}`: what `model` may say in an org, as `OpenAI` lists it: `auto`, tiers,
//! operations and routes, and models with tier, price and capabilities. Under the configuration in force.

use std::rc::Rc;

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::auth::Scope;
use crate::config::{Capability, Catalogue, Model, ModelKind, TenantConfig, Tier, UnitPrice};
use crate::error::{Error, Kind};
use crate::http::{Incoming, Reply};
use crate::isolate::{Isolate, OrgView};
use crate::ports::Ports;
use crate::request::admit::authenticate_now;
use crate::routing::wanted::{AUTO, OPERATION_PREFIX, ROUTE_PREFIX};

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

/// Lists what `model` may say.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `Unavailable`.
pub async fn models(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
) -> Result<Reply, Error> {
    let view = view(ports, isolate, incoming).await?;
    let choices = choices(&view.config);
    let catalogue = view.config.catalogue();
    let chosen = choices.iter().map(|name| choice(name));
    let models = catalogue.models.values();
    let models = models.map(|model| item(model, catalogue));
    let list = List {
        object: "list",
        data: chosen.chain(models).collect(),
    };
    Ok(Reply::json(200, &list))
}

/// Shows one of them, a model also by a name that clients have for it.
///
/// # Errors
/// `Unauthenticated`, `Forbidden`, `ModelNotFound`, `Unavailable`.
pub async fn model(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    id: &str,
) -> Result<Reply, Error> {
    let view = view(ports, isolate, incoming).await?;
    let choices = choices(&view.config);
    let catalogue = view.config.catalogue();
    // Clients escape the slashes of an id, or do not.
    let id = percent_decode_str(id).decode_utf8_lossy();
    let listed = catalogue.resolve(&id).map(|model| item(model, catalogue));
    let chosen = || choices.iter().find(|name| **name == id);
    let found = listed.or_else(|| chosen().map(|name| choice(name)));
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

/// The org of whoever asks, as it is in force now.
async fn view(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
) -> Result<Rc<OrgView>, Error> {
    let principal = authenticate_now(ports, isolate, incoming, Scope::Inference).await?;
    isolate.current(ports, &principal.org).await
}

/// What leaves more or less of the choice to the gateway.
fn choices(config: &TenantConfig) -> Vec<String> {
    let tiers = Tier::ALL.iter().map(|tier| tier.as_str().to_owned());
    let operations = config.catalogue().operations.keys();
    let routes = config.routes().keys();
    std::iter::once(AUTO.to_owned())
        .chain(tiers)
        .chain(operations.map(|name| format!("{OPERATION_PREFIX}{name}")))
        .chain(routes.map(|name| format!("{ROUTE_PREFIX}{name}")))
        .collect()
}

fn choice(name: &str) -> Item<'_> {
    Item {
        id: name,
        object: "model",
        created: 0,
        owned_by: "esclusa",
        kind: None,
        tiers: name.parse().into_iter().collect(),
        price_usd_per_million: None,
        context_window: None,
        capabilities: Vec::new(),
    }
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
        capabilities: model.abilities(),
    }
}
