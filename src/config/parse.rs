//! The files of `config/` to a [`Catalogue`], or to every problem they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::catalog::{Catalogue, Helpers, Model, ModelKind, Operation};
use super::check;
use super::problem::{Problem, Report};
use super::prompt::Prompt;
use super::providers::{Provider, ProviderSlug};
use super::shape::{self, Entries, Table};
use super::tier::Tier;
use super::unlisted::free_models;
use crate::template::LARGEST;

pub(crate) const ALIASES: &str = "config/aliases.json";
pub(crate) const COST_MODEL: &str = "config/ai_cost_model.yaml";
pub(crate) const PARTITION_MAP: &str = "config/ai_partition_map.yaml";
pub(crate) const PROVIDERS: &str = "config/providers.json";

/// Each file under `config/` as JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `aliases.json`
    pub aliases: &'a str,
    /// `ai_cost_model.yaml`
    pub cost_model: &'a str,
    /// `ai_partition_map.yaml`
    pub partition_map: &'a str,
    /// `providers.json`
    pub providers: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    providers: Entries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CostModel {
    models: Entries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionMap {
    default_operation: String,
    fallbacks: Entries,
    helpers: Box<RawValue>,
    operations: Entries,
    tiers: Entries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasFile {
    aliases: Entries,
}

/// Reads and checks all files.
///
/// # Errors
/// Every problem found: those of shape first, file by file, then those of meaning.
pub fn parse(files: &Files<'_>) -> Result<Catalogue, Vec<Problem>> {
    let mut reports = Reports::new();
    let parts = read(files, &mut reports);
    check::meaning(&parts, &mut reports);
    let problems = reports.into_problems();
    match (parts.default_operation, parts.helpers) {
        (Some(default_operation), Some(helpers)) if problems.is_empty() => Ok(Catalogue {
            free_models: free_models(&parts.providers.entries),
            models: parts.models.entries,
            providers: parts.providers.entries,
            operations: parts.operations.entries,
            default_operation,
            tiers: by_tier(parts.tiers.entries),
            fallbacks: by_tier(parts.fallbacks.entries),
            helpers,
            aliases: parts.aliases.entries,
        }),
        _ => Err(problems),
    }
}

/// What the files say, as far as it can be read.
pub(crate) struct Parts {
    pub(crate) providers: Table<Provider>,
    pub(crate) models: Table<Arc<Model>>,
    pub(crate) operations: Table<Arc<Operation>>,
    pub(crate) default_operation: Option<String>,
    pub(crate) tiers: Table<Vec<String>>,
    pub(crate) fallbacks: Table<Vec<String>>,
    pub(crate) helpers: Option<Helpers>,
    pub(crate) aliases: Table<String>,
}

/// A report for each file.
pub(crate) struct Reports {
    pub(crate) providers: Report,
    pub(crate) models: Report,
    pub(crate) operations: Report,
    pub(crate) tiers: Report,
    pub(crate) aliases: Report,
}

impl Reports {
    const fn new() -> Self {
        Self {
            providers: Report::new(PROVIDERS),
            models: Report::new(COST_MODEL),
            operations: Report::new(PARTITION_MAP),
            tiers: Report::new(PARTITION_MAP),
            aliases: Report::new(ALIASES),
        }
    }

    /// Reports of one document that has every section.
    pub(crate) const fn of_one(file: &'static str) -> Self {
        Self {
            providers: Report::new(file),
            models: Report::new(file),
            operations: Report::new(file),
            tiers: Report::new(file),
            aliases: Report::new(file),
        }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let reports = [
            self.providers,
            self.models,
            self.operations,
            self.tiers,
            self.aliases,
        ];
        reports
            .into_iter()
            .flat_map(Report::into_problems)
            .collect()
    }
}

fn read(files: &Files<'_>, reports: &mut Reports) -> Parts {
    let providers = shape::document(files.providers, &mut reports.providers, shape::checked);
    let providers = providers.map_or_else(Table::lost, |file: ProviderFile| {
        let report = &mut reports.providers;
        let table = shape::table(file.providers, "providers", report, shape::checked);
        named_providers(table)
    });
    let models = shape::document(files.cost_model, &mut reports.models, shape::checked);
    let report = &mut reports.operations;
    let map: Option<PartitionMap> = shape::document(files.partition_map, report, shape::checked);
    let (named, served) = map
        .map(|map| {
            let named = (map.default_operation, map.operations);
            (named, (map.helpers, (map.tiers, map.fallbacks)))
        })
        .unzip();
    let (default_operation, operations) = named.unzip();
    let (helpers, tiers) = served.unzip();
    let (tiers, fallbacks) = tiers.unzip();
    let aliases = shape::document(files.aliases, &mut reports.aliases, shape::checked);
    Parts {
        models: models.map_or_else(Table::lost, |file: CostModel| {
            let report = &mut reports.models;
            let table = shape::table(file.models, "models", report, shape::checked);
            named_models(table, &providers.entries)
        }),
        providers,
        operations: operations.map_or_else(Table::lost, |entries| {
            let report = &mut reports.operations;
            named_operations(shape::table(entries, "operations", report, shape::checked))
        }),
        default_operation,
        tiers: tiers.map_or_else(Table::lost, |entries| {
            shape::table(entries, "tiers", &mut reports.tiers, shape::checked)
        }),
        fallbacks: fallbacks.map_or_else(Table::lost, |entries| {
            shape::table(entries, "fallbacks", &mut reports.tiers, shape::checked)
        }),
        helpers: helpers.and_then(|json: Box<RawValue>| {
            shape::section(&json, "helpers", &mut reports.tiers, shape::checked)
        }),
        aliases: aliases.map_or_else(Table::lost, |file: AliasFile| {
            shape::table(
                file.aliases,
                "aliases",
                &mut reports.aliases,
                shape::checked,
            )
        }),
    }
}

fn named_providers(mut table: Table<Provider>) -> Table<Provider> {
    for (slug, provider) in &mut table.entries {
        provider.slug = ProviderSlug::from(slug.as_str());
    }
    table
}

/// Models with their ids; plans of many requests share them. A chat model speaks its provider's wire,
/// unless that leaves it to each model.
pub(super) fn named_models(
    table: Table<Model>,
    providers: &BTreeMap<String, Provider>,
) -> Table<Arc<Model>> {
    table.map(|id, mut model| {
        id.clone_into(&mut model.id);
        if model.kind == ModelKind::Chat {
            let provider = providers.get(model.provider.as_str());
            model.wire = model.wire.or_else(|| provider?.wire);
        }
        Arc::new(model)
    })
}

/// Operations with their names, and with what is short written out.
pub(super) fn named_operations(table: Table<Operation>) -> Table<Arc<Operation>> {
    table.map(|name, mut operation| {
        name.clone_into(&mut operation.name);
        let short = operation.instructions.as_deref();
        let sane = |text: &&str| !text.trim().is_empty() && text.len() <= LARGEST;
        let short = short.filter(sane);
        if let (None, Some(text)) = (&operation.prompt, short) {
            operation.prompt = Some(Prompt::of_text(text));
            operation.instructions = None;
        }
        Arc::new(operation)
    })
}

/// Keys that are no tier have been reported.
pub(super) fn by_tier(entries: BTreeMap<String, Vec<String>>) -> BTreeMap<Tier, Vec<String>> {
    let pairs = entries.into_iter();
    pairs
        .filter_map(|(name, ids)| name.parse().ok().map(|tier| (tier, ids)))
        .collect()
}
