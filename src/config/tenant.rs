//! The document of an org: what of the catalogue it narrows.
//!
//! ```json
//! {
//!   "limits": { "requests_per_minute": 60 },
//!   "budget": { "daily_usd": "5.00" },
//!   "tiers": { "light": ["@cf/meta/llama-3.1-8b-instruct-fast"] }
//! }
//! ```
//!
//! Whatever is left out has its default: 600 requests in any minute, 10 US dollars a day (UTC), the
//! catalogue's models. `null` for a limit or the budget means unlimited. Unknown fields are refused.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::catalog::Catalogue;
use super::check;
use super::problem::{Problem, Report};
use super::shape::{self, Entries, Found};
use super::tier::{Tier, UnknownTier};
use crate::governor::command::Limits;
use crate::money::Nanos;

/// Requests that a new org may make in any 60 seconds.
pub const DEFAULT_REQUESTS_PER_MINUTE: u32 = 600;
/// What a new org may spend per day (UTC): 10 US dollars.
pub const DEFAULT_DAILY_BUDGET: Nanos = Nanos::new(10_000_000_000);

/// The document of a new org: every default.
pub const DEFAULT_DOCUMENT: &str = "{}";

const FILE: &str = "config";
const MOST_REQUESTS_PER_MINUTE: u32 = 1_000_000;

/// The configuration of an org.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantConfig {
    limits: Limits,
    tiers: BTreeMap<Tier, Vec<String>>,
}

impl Default for TenantConfig {
    /// The configuration of a new org: the default limits and the catalogue's models.
    fn default() -> Self {
        Self {
            limits: Limits {
                requests_per_minute: Some(DEFAULT_REQUESTS_PER_MINUTE),
                daily_budget: Some(DEFAULT_DAILY_BUDGET),
            },
            tiers: BTreeMap::new(),
        }
    }
}

impl TenantConfig {
    /// The limits that the org's governor enforces.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// The ids of the models of a tier for this org, best first; the catalogue's where the org names
    /// none, or where a newer catalogue knows none of its names any more.
    #[must_use]
    pub fn candidates<'a>(&'a self, tier: Tier, catalogue: &'a Catalogue) -> &'a [String] {
        let own = self.tiers.get(&tier).map_or(&[][..], Vec::as_slice);
        if own.iter().any(|id| catalogue.model(id).is_some()) {
            own
        } else {
            catalogue.candidates(tier)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, deserialize_with = "present")]
    limits: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    budget: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    tiers: Option<Box<RawValue>>,
}

/// A section that is `null` is malformed, not absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitSection {
    #[serde(default = "default_requests")]
    requests_per_minute: Option<u32>,
}

impl Default for LimitSection {
    fn default() -> Self {
        Self {
            requests_per_minute: default_requests(),
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "serde wants the field's type: a present null is None"
)]
const fn default_requests() -> Option<u32> {
    Some(DEFAULT_REQUESTS_PER_MINUTE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetSection {
    #[serde(default = "default_budget", deserialize_with = "usd")]
    daily_usd: Option<Nanos>,
}

impl Default for BudgetSection {
    fn default() -> Self {
        Self {
            daily_usd: default_budget(),
        }
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "serde wants the field's type: a present null is None"
)]
const fn default_budget() -> Option<Nanos> {
    Some(DEFAULT_DAILY_BUDGET)
}

fn usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Nanos>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Nanos::from_usd(&text).map_err(serde::de::Error::custom))
        .transpose()
}

/// Reads an org's document.
///
/// # Errors
/// Every problem found, with its JSON path.
pub fn parse(json: &str, catalogue: &Catalogue) -> Result<TenantConfig, Vec<Problem>> {
    let mut report = Report::new(FILE);
    let config =
        shape::document(json, &mut report).map(|document| build(document, catalogue, &mut report));
    let problems = report.into_problems();
    config.filter(|_| problems.is_empty()).ok_or(problems)
}

/// Reads a document that was valid when it was stored, under a catalogue that may be newer: models
/// that are gone are passed over by [`TenantConfig::candidates`] and by the plan, and named in the
/// problems. `None` where not even its shape is known.
#[must_use]
pub fn restore(json: &str, catalogue: &Catalogue) -> Option<(TenantConfig, Vec<Problem>)> {
    let mut report = Report::new(FILE);
    let document = shape::document(json, &mut report)?;
    let config = build(document, catalogue, &mut report);
    Some((config, report.into_problems()))
}

fn build(document: Document, catalogue: &Catalogue, report: &mut Report) -> TenantConfig {
    let limits: LimitSection = section(document.limits, "limits", report);
    let budget: BudgetSection = section(document.budget, "budget", report);
    let tiers = document
        .tiers
        .and_then(|json| shape::section(&json, "tiers", report))
        .map(|entries| tiers(entries, catalogue, report));
    let config = TenantConfig {
        limits: Limits {
            requests_per_minute: limits.requests_per_minute,
            daily_budget: budget.daily_usd,
        },
        tiers: tiers.unwrap_or_default(),
    };
    check_limits(&config.limits, report);
    config
}

/// The section's defaults where it is absent, and where it is malformed, which is reported.
fn section<T: DeserializeOwned + Default>(
    json: Option<Box<RawValue>>,
    at: &str,
    report: &mut Report,
) -> T {
    json.and_then(|json| shape::section(&json, at, report))
        .unwrap_or_default()
}

fn check_limits(limits: &Limits, report: &mut Report) {
    let sane = 1..=MOST_REQUESTS_PER_MINUTE;
    let requests = limits.requests_per_minute;
    if requests.is_some_and(|requests| !sane.contains(&requests)) {
        let reason = format!(
            "expected 1 to {MOST_REQUESTS_PER_MINUTE}, or null for no limit; to stop an org, revoke its keys"
        );
        report.add("limits.requests_per_minute", reason);
    }
    let budget = limits.daily_budget;
    if budget.is_some_and(|budget| budget < Nanos::ZERO) {
        report.add("budget.daily_usd", "expected 0 or more US dollars");
    }
}

fn tiers(
    entries: Entries,
    catalogue: &Catalogue,
    report: &mut Report,
) -> BTreeMap<Tier, Vec<String>> {
    let find = |id: &str| catalogue.model(id).map_or(Found::Nowhere, Found::Here);
    let mut tiers = BTreeMap::new();
    for (name, ids) in shape::table::<Vec<String>>(entries, "tiers", report).entries {
        let path = format!("tiers.{name}");
        match name.parse() {
            Ok(tier) => {
                check::candidates(tier, &ids, &path, find, report);
                tiers.insert(tier, ids);
            }
            Err(unknown @ UnknownTier) => report.add(path, unknown.to_string()),
        }
    }
    tiers
}
