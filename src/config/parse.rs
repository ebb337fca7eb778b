//! The files of `config/` to a [`Catalogue`], or to every problem they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::catalog::{Catalogue, Helpers, Model, ModelKind, Operation};
use super::check;
use super::problem::{Problem, Report};
use super::providers::{Provider, ProviderSlug};
use super::shape::{self, Entries, Table};
use super::tier::Tier;
use super::unlisted::free_models;
use crate::intent::rules::{RuleFile, Rules};

pub(crate) const ALIASES: &str = "config/aliases.json";
pub(crate) const INTENT: &str = "config/intent.json";
pub(crate) const MODELS: &str = "config/models.json";
pub(crate) const OPERATIONS: &str = "config/operations.json";
pub(crate) const PROVIDERS: &str = "config/providers.json";
pub(crate) const TIERS: &str = "config/tiers.json";

/// The text of each file under `config/`.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `aliases.json`
    pub aliases: &'a str,
    /// `intent.json`
    pub intent: &'a str,
    /// `models.json`
    pub models: &'a str,
    /// `operations.json`
    pub operations: &'a str,
    /// `providers.json`
    pub providers: &'a str,
    /// `tiers.json`
    pub tiers: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    providers: Entries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    models: Entries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperationFile {
    default_operation: String,
    operations: Entries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierFile {
    tiers: Entries,
    helpers: Box<RawValue>,
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
    let (parts, intent) = read(files, &mut reports);
    check::meaning(&parts, &mut reports);
    let rules = intent.map(|file| {
        check::intent(&file, &parts.operations, &mut reports.intent);
        Rules::compile(file)
    });
    let problems = reports.into_problems();
    match (rules, parts.default_operation, parts.helpers) {
        (Some(intent), Some(default_operation), Some(helpers)) if problems.is_empty() => {
            Ok(Catalogue {
                free_models: free_models(&parts.providers.entries),
                models: parts.models.entries,
                providers: parts.providers.entries,
                operations: parts.operations.entries,
                default_operation,
                tiers: by_tier(parts.tiers.entries),
                helpers,
                aliases: parts.aliases.entries,
                intent,
            })
        }
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
    pub(crate) intent: Report,
}

impl Reports {
    const fn new() -> Self {
        Self {
            providers: Report::new(PROVIDERS),
            models: Report::new(MODELS),
            operations: Report::new(OPERATIONS),
            tiers: Report::new(TIERS),
            aliases: Report::new(ALIASES),
            intent: Report::new(INTENT),
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
            intent: Report::new(file),
        }
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let reports = [
            self.providers,
            self.models,
            self.operations,
            self.tiers,
            self.aliases,
            self.intent,
        ];
        reports
            .into_iter()
            .flat_map(Report::into_problems)
            .collect()
    }
}

fn read(files: &Files<'_>, reports: &mut Reports) -> (Parts, Option<RuleFile>) {
    let providers = shape::document(files.providers, &mut reports.providers, shape::checked);
    let providers = providers.map_or_else(Table::lost, |file: ProviderFile| {
        let report = &mut reports.providers;
        let table = shape::table(file.providers, "providers", report, shape::checked);
        named_providers(table)
    });
    let models = shape::document(files.models, &mut reports.models, shape::checked);
    let operations = shape::document(files.operations, &mut reports.operations, shape::checked);
    let (default_operation, operations) = operations
        .map(|file: OperationFile| (file.default_operation, file.operations))
        .unzip();
    let tiers = shape::document(files.tiers, &mut reports.tiers, shape::checked);
    let (helpers, tiers) = tiers
        .map(|file: TierFile| (file.helpers, file.tiers))
        .unzip();
    let aliases = shape::document(files.aliases, &mut reports.aliases, shape::checked);
    let parts = Parts {
        models: models.map_or_else(Table::lost, |file: ModelFile| {
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
    };
    (
        parts,
        shape::document(files.intent, &mut reports.intent, shape::checked),
    )
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

/// Operations with their names.
pub(super) fn named_operations(table: Table<Operation>) -> Table<Arc<Operation>> {
    table.map(|name, mut operation| {
        name.clone_into(&mut operation.name);
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
