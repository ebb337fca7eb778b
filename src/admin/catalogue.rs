//! Models with their prices, and operations: the deployment's, or as an org has them.

use std::sync::Arc;

use serde::Serialize;

use super::Asked;
use super::page::{page, paged};
use crate::config::{Capability, Catalogue, Model, ModelKind, Operation, Tier, UnitPrice, advice};
use crate::error::Error;
use crate::http::Reply;
use crate::isolate::configuration::readable_deployment;
use crate::ports::Page;

#[derive(Serialize)]
struct ModelShown<'a> {
    id: &'a str,
    provider: &'a str,
    kind: ModelKind,
    price_usd_per_million: &'a UnitPrice,
    context_window: u32,
    max_output: u32,
    capabilities: Vec<Capability>,
    tiers: Vec<Tier>,
    /// The names that stand for it.
    aliases: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<&'a str>,
    /// Why it should be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

#[derive(Serialize)]
struct OperationShown<'a> {
    #[serde(flatten)]
    operation: &'a Operation,
    name: &'a str,
    is_default: bool,
}

/// `?org=…` as an org has them; `?provider=…`, `?kind=…`, `?deprecated=true` for those with a last day.
pub(super) async fn models(asked: Asked<'_>) -> Result<Reply, Error> {
    let names = ["org", "provider", "kind", "deprecated"];
    let (page, [org, provider, kind, deprecated]) = page(asked.incoming.query(), names)?;
    let catalogue = catalogue(asked, org).await?;
    let deprecated: Option<bool> = deprecated
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Error::invalid("deprecated", "`deprecated` is `true` or `false`."))?;
    let now = asked.ports.clock.now();
    let wanted = |model: &&Arc<Model>| {
        provider
            .as_deref()
            .is_none_or(|slug| model.provider.as_str() == slug)
            && kind
                .as_deref()
                .is_none_or(|kind| model.kind.as_str() == kind)
            && deprecated.is_none_or(|wanted| model.deprecated.is_some() == wanted)
    };
    let models = catalogue.models.values().filter(wanted);
    let models = models.filter(|model| page.after.as_ref().is_none_or(|after| model.id > *after));
    let shown = models
        .take(most(&page))
        .map(|model| show(model, &catalogue, now));
    Ok(paged(shown.collect(), &page, |model| model.id.to_owned()))
}

fn show<'a>(model: &'a Model, catalogue: &'a Catalogue, now: u64) -> ModelShown<'a> {
    let tiers = Tier::ALL.into_iter();
    let aliases = catalogue.aliases.iter().filter(|(_, id)| **id == model.id);
    ModelShown {
        id: &model.id,
        provider: model.provider.as_str(),
        kind: model.kind,
        price_usd_per_million: &model.price,
        context_window: model.context_window,
        max_output: model.max_output,
        capabilities: model.abilities(),
        tiers: tiers
            .filter(|tier| catalogue.candidates(*tier).contains(&model.id))
            .collect(),
        aliases: aliases.map(|(name, _)| name.as_str()).collect(),
        deprecated: model.deprecated.as_deref(),
        warning: advice::retirement(model, now),
    }
}

/// `?org=…` as an org has them.
pub(super) async fn operations(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, [org]) = page(asked.incoming.query(), ["org"])?;
    let catalogue = catalogue(asked, org).await?;
    let all = catalogue.operations.iter();
    let after = all.filter(|(name, _)| page.after.as_ref().is_none_or(|after| *name > after));
    let shown = after
        .take(most(&page))
        .map(|(name, operation)| OperationShown {
            operation,
            name,
            is_default: *name == catalogue.default_operation,
        });
    Ok(paged(shown.collect(), &page, |it| it.name.to_owned()))
}

/// One more than the page has.
fn most(page: &Page) -> usize {
    usize::try_from(page.limit).map_or(usize::MAX, |limit| limit.saturating_add(1))
}

/// The catalogue as an org has it, or the deployment's.
async fn catalogue(asked: Asked<'_>, org: Option<String>) -> Result<Arc<Catalogue>, Error> {
    let Some(org) = org.as_deref().or(asked.actor.only()) else {
        let deployment = readable_deployment(asked.ports).await?;
        return Ok(Arc::clone(deployment.catalogue()));
    };
    asked.known(org).await?;
    let view = asked.isolate.current(asked.ports, org).await?;
    Ok(Arc::clone(view.config.catalogue()))
}
