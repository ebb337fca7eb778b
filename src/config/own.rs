//! What an org has of its own over the deployment's catalogue: models with prices, names for them,
//! operations, and which models serve a tier, stand in for it, or help. An entry takes the place of the catalogue's of the same
//! name, whole; all together must fit as the files of the catalogue must.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::catalog::{Catalogue, Helpers, Model, ModelKind, Operation};
use super::check;
use super::parse::{Parts, Reports, by_tier, named_models, named_operations};
use super::problem::Report;
use super::shape::{self, Table};
use super::tier::Tier;

/// The sections of an org's document that speak of the catalogue, as they stand there.
#[derive(Default)]
pub(super) struct OwnSections {
    pub(super) aliases: Option<Box<RawValue>>,
    pub(super) default_operation: Option<String>,
    pub(super) fallbacks: Option<Box<RawValue>>,
    pub(super) helpers: Option<Box<RawValue>>,
    pub(super) models: Option<Box<RawValue>>,
    pub(super) operations: Option<Box<RawValue>>,
    pub(super) tiers: Option<Box<RawValue>>,
}

impl OwnSections {
    const fn is_empty(&self) -> bool {
        matches!(
            self,
            Self {
                aliases: None,
                default_operation: None,
                fallbacks: None,
                helpers: None,
                models: None,
                operations: None,
                tiers: None,
            }
        )
    }
}

/// The catalogue as the org has it. What does not fit is reported; tiers are left without it.
pub(super) fn catalogue(
    sections: OwnSections,
    base: &Arc<Catalogue>,
    report: &mut Report,
) -> Arc<Catalogue> {
    if sections.is_empty() {
        return Arc::clone(base);
    }
    let parts = merge(sections, base, report);
    let mut reports = Reports::of_one(report.file());
    check::meaning(&parts, &mut reports);
    check_kinds(&parts.operations, base, report);
    check_embedding(parts.helpers.as_ref(), base, report);
    report.extend(reports.into_problems());
    let tiers = tiers(parts.tiers.entries, base, &parts.models);
    let helpers = parts
        .helpers
        .map(|own| helpers(own, &base.helpers, &parts.models));
    Arc::new(Catalogue {
        tiers,
        fallbacks: serving(parts.fallbacks.entries, &parts.models),
        helpers: helpers.unwrap_or_else(|| base.helpers.clone()),
        models: parts.models.entries,
        operations: parts.operations.entries,
        default_operation: parts
            .default_operation
            .unwrap_or_else(|| base.default_operation.clone()),
        aliases: parts.aliases.entries,
        ..Catalogue::clone(base)
    })
}

fn merge(sections: OwnSections, base: &Catalogue, report: &mut Report) -> Parts {
    let models = table(sections.models, "models", report);
    let operations = table(sections.operations, "operations", report);
    let named = |tiers: &BTreeMap<Tier, Vec<String>>| -> BTreeMap<String, Vec<String>> {
        let tiers = tiers.iter();
        tiers
            .map(|(tier, ids)| (tier.to_string(), ids.clone()))
            .collect()
    };
    let tiers: Table<Vec<String>> = table(sections.tiers, "tiers", report);
    let own_fallbacks: Table<Vec<String>> = table(sections.fallbacks, "fallbacks", report);
    let helpers = sections
        .helpers
        .and_then(|json| shape::section(&json, "helpers", report, shape::traced));
    // Who names the models of a tier names all of them.
    let mut fallbacks = named(&base.fallbacks);
    fallbacks.retain(|tier, _| !tiers.entries.contains_key(tier));
    let default_operation = sections
        .default_operation
        .unwrap_or_else(|| base.default_operation.clone());
    Parts {
        aliases: table(sections.aliases, "aliases", report).over(base.aliases.clone()),
        default_operation: Some(default_operation),
        helpers: helpers.or_else(|| Some(base.helpers.clone())),
        models: named_models(models, &base.providers).over(base.models.clone()),
        operations: named_operations(operations).over(base.operations.clone()),
        providers: Table::of(base.providers.clone()),
        tiers: tiers.over(named(&base.tiers)),
        fallbacks: own_fallbacks.over(fallbacks),
    }
}

fn table<T: DeserializeOwned>(
    section: Option<Box<RawValue>>,
    name: &str,
    report: &mut Report,
) -> Table<T> {
    let entries = section.and_then(|json| shape::section(&json, name, report, shape::traced));
    match entries {
        Some(entries) => shape::table(entries, name, report, shape::traced),
        None => Table::of(BTreeMap::new()),
    }
}

/// An operation that clients know keeps its endpoint: what reads a text cannot become what speaks it.
fn check_kinds(own: &Table<Arc<Operation>>, base: &Catalogue, report: &mut Report) {
    for (name, operation) in &own.entries {
        let was = base.operation(name).map(|known| known.tier);
        if let Some(was) = was.filter(|was| was.kind() != operation.tier.kind()) {
            let reason = format!("{name} has the tier {was} here: expected one of the same kind");
            report.add(format!("operations.{name}.tier"), reason);
        }
    }
}

/// The vectors of the org's documents are the deployment's model's, and those of two models cannot be
/// compared.
fn check_embedding(own: Option<&Helpers>, base: &Catalogue, report: &mut Report) {
    let id = &base.helpers.embed;
    if own.is_some_and(|own| own.embed != *id) {
        let reason = format!("vectors of two models cannot be compared: expected {id}");
        report.add("helpers.embed", reason);
    }
}

/// Tiers without what cannot serve them; the deployment's where nothing is left.
fn tiers(
    own: BTreeMap<String, Vec<String>>,
    base: &Catalogue,
    models: &Table<Arc<Model>>,
) -> BTreeMap<Tier, Vec<String>> {
    let mut tiers = serving(own, models);
    for (tier, ids) in &mut tiers {
        if ids.is_empty() {
            base.candidates(*tier).clone_into(ids);
        }
    }
    tiers
}

/// What is named for tiers, without what cannot serve them.
fn serving(
    named: BTreeMap<String, Vec<String>>,
    models: &Table<Arc<Model>>,
) -> BTreeMap<Tier, Vec<String>> {
    let mut tiers = by_tier(named);
    for (tier, ids) in &mut tiers {
        ids.retain(|id| is_of(models, id, tier.kind()));
    }
    tiers
}

/// Helpers, with the deployment's in place of those that cannot help.
fn helpers(own: Helpers, base: &Helpers, models: &Table<Arc<Model>>) -> Helpers {
    let or = |own: String, base: &String, kind| {
        if is_of(models, &own, kind) {
            own
        } else {
            base.clone()
        }
    };
    Helpers {
        decide: or(own.decide, &base.decide, ModelKind::Decision),
        embed: base.embed.clone(),
        guard: or(own.guard, &base.guard, ModelKind::Guard),
        rerank: or(own.rerank, &base.rerank, ModelKind::Rerank),
    }
}

fn is_of(models: &Table<Arc<Model>>, id: &str, kind: ModelKind) -> bool {
    let model = models.entries.get(id);
    model.is_some_and(|model| model.kind == kind)
}
