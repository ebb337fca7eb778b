//! What is wrong with a configuration that can be read: what would stop the org, which is refused, and
//! what its administrator should know.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate};

use super::catalog::{Model, ModelKind};
use super::problem::{Problem, Report};
use super::tenant::TenantConfig;
use crate::governor::rules::{Budget, Limit, Measure, Scope, WhenSpent};
use crate::money::Nanos;
use crate::routing::graph::Work;

/// Days before a model's last one from which on its users are warned.
const NOTICE_DAYS: i64 = 90;

const FILE: &str = "config";

/// What would let nobody through any more. Whoever wants that turns the org's switch, which says so to
/// callers and is turned back without a word lost of the configuration.
#[must_use]
pub fn lockouts(config: &TenantConfig) -> Vec<Problem> {
    let mut report = Report::new(FILE);
    // The gates of routes divert, they stop nobody.
    let is_for_all = |limit: &Limit| limit.only.is_none() && !matches!(limit.per, Scope::Gate(..));
    let limits = config.rules().limits.iter().enumerate();
    for (index, limit) in limits.filter(|(_, limit)| limit.limit == 0 && is_for_all(limit)) {
        let reason = format!(
            "0 {} per {} would lock everybody out. To stop the org, turn its switch; to stop one subject, name it with `only`",
            limit.measure.as_str(),
            limit.per
        );
        report.add(format!("limits[{index}].limit"), reason);
    }
    report.into_problems()
}

/// What may be meant so, and should be known: nothing paid in, budgets of nothing, limits that no usual
/// request meets, and models that are retired soon or were, at a moment in Unix milliseconds. `balance` is
/// what the org has paid in and not spent, where that is known.
#[must_use]
pub fn warnings(config: &TenantConfig, balance: Option<Nanos>, now: u64) -> Vec<Problem> {
    let mut report = Report::new(FILE);
    if config.rules().prepaid && balance.is_some_and(|balance| balance <= Nanos::ZERO) {
        let reason = "nothing is paid in: until POST /admin/v1/orgs/{org}/credits only what is free is admitted";
        report.add("credits", reason);
    }
    warn_of_short_limits(config, &mut report);
    let is_for_all = |budget: &Budget| budget.only.is_none() && budget.per == Scope::Org;
    let refuses = |budget: &Budget| budget.when_spent == WhenSpent::Refuse;
    for (index, budget) in config.rules().budgets.iter().enumerate() {
        if budget.amount == Nanos::ZERO && is_for_all(budget) && refuses(budget) {
            let reason = "a budget of 0 admits only what is free";
            report.add(format!("budgets[{index}].usd"), reason);
        }
    }
    for (path, model) in uses(config) {
        if let Some(reason) = retirement(model, now) {
            report.add(path, reason);
        }
    }
    report.into_problems()
}

/// Warns of limits that are lower than what an answer may have of any operation.
fn warn_of_short_limits(config: &TenantConfig, report: &mut Report) {
    let operations = config.catalogue().operations.values();
    let of_text = operations.filter(|operation| operation.tier.kind() == ModelKind::Chat);
    let Some(least) = of_text.map(|operation| operation.output_cap).min() else {
        return;
    };
    for (index, limit) in config.rules().limits.iter().enumerate() {
        let counts = matches!(limit.measure, Measure::OutputTokens(_) | Measure::Tokens(_));
        let is_gate = matches!(limit.per, Scope::Gate(..));
        if counts && !is_gate && (1..u64::from(least)).contains(&limit.limit) {
            let reason = format!(
                "an answer of any operation may have {least} tokens or more: only requests with a lower `max_tokens` are admitted"
            );
            report.add(format!("limits[{index}].limit"), reason);
        }
    }
}

/// Where the org names models to serve requests with.
fn uses(config: &TenantConfig) -> impl Iterator<Item = (String, &Arc<Model>)> {
    let catalogue = config.catalogue();
    let listed = |at: String, ids: &'_ [String]| {
        let placed = ids.iter().enumerate();
        let placed = placed.map(|(index, id)| (format!("{at}[{index}]"), id.clone()));
        placed.collect::<Vec<_>>()
    };
    let tiers = catalogue.tiers.iter();
    let tiers = tiers.flat_map(move |(tier, ids)| listed(format!("tiers.{tier}"), ids));
    let fallbacks = catalogue.fallbacks.iter();
    let fallbacks = fallbacks.flat_map(move |(tier, ids)| listed(format!("fallbacks.{tier}"), ids));
    let helpers = [
        ("decide", &catalogue.helpers.decide),
        ("embed", &catalogue.helpers.embed),
        ("guard", &catalogue.helpers.guard),
        ("rerank", &catalogue.helpers.rerank),
    ];
    let helpers = helpers.map(|(name, id)| (format!("helpers.{name}"), id.clone()));
    let operations = catalogue.operations.iter();
    let operations = operations.filter_map(|(name, it)| Some((name, it.models.as_ref()?)));
    let operations =
        operations.flat_map(move |(name, ids)| listed(format!("operations.{name}.models"), ids));
    let aliases = catalogue.aliases.iter();
    let aliases = aliases.map(|(name, id)| (format!("aliases.{name}"), id.clone()));
    let routes = config.routes().iter().flat_map(|(name, route)| {
        let nodes = route.nodes.iter();
        nodes.filter_map(move |node| match &node.work {
            Work::Model { model, .. } => {
                Some((format!("routes.{name}: {}", node.id), model.clone()))
            }
            _ => None,
        })
    });
    let used = tiers.chain(fallbacks).chain(helpers);
    let used = used.chain(operations).chain(aliases).chain(routes);
    used.filter_map(|(path, name)| Some((path, catalogue.resolve(&name)?)))
}

/// Why a model should be replaced at a moment (Unix milliseconds): its last day is near, or past.
#[must_use]
pub fn retirement(model: &Model, now: u64) -> Option<String> {
    let day = model.deprecated.as_deref()?;
    let end: NaiveDate = day.parse().ok()?;
    let today = DateTime::from_timestamp_millis(i64::try_from(now).ok()?)?.date_naive();
    let left = end.signed_duration_since(today).num_days();
    let id = &model.id;
    match left {
        ..0 => Some(format!("{id} was retired on {day}: replace it")),
        0..=NOTICE_DAYS => Some(format!(
            "{id} is retired on {day}, in {left} days: replace it before"
        )),
        _ => None,
    }
}
