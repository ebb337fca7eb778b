//! The document of an org: its limits and budgets, what it has of its own over the catalogue, what it stores.
//!
//! ```json
//! {
//!   "limits": [{ "count": "requests", "limit": 60, "seconds": 60 }],
//!   "budgets": [{ "usd": "5.00", "period": "day" }],
//!   "admission": "leased",
//!   "attempts": { "total_ms": 120000, "max_attempts": 2 },
//!   "intent": { "threshold": 0.6, "below": "ask" },
//!   "tiers": { "light": ["@cf/meta/llama-3.1-8b-instruct-fast"] },
//!   "operations": { "quote_price": { "tier": "light", "output_cap": 300 } },
//!   "fallbacks": { "light": ["openai/gpt-4.1-nano"] },
//!   "aliases": { "house": "@cf/zai-org/glm-4.7-flash" },
//!   "transcripts": { "store": "redacted", "days": 30 },
//!   "routes": { "support": { "elements": [] } }
//! }
//! ```
//!
//! Whatever is left out is the [deployment's](Deployment), or has its default: 600 requests in any minute, 10 US dollars a day, UTC, the
//! catalogue's models asked once each, no transcripts, strict admission. An empty list of limits or budgets means unlimited. Unknown fields are refused.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::attempts::Attempts;
use super::catalog::Catalogue;
use super::deployment::{Deployment, Sections, section};
use super::intent::Intent;
use super::own::{self, OwnSections};
use super::problem::{Problem, Report};
use super::routes::{self, Routes};
use super::rules::{self, BudgetEntry, Credits, LimitEntry};
use super::shape;
use super::yaml;
use crate::governor::defaults::{LeftOut, Part};
use crate::governor::rules::{Admission, Rules};
use crate::transcript::{Detail, Policy};

/// The document of a new org: every default.
pub const DEFAULT_DOCUMENT: &str = "{}";

pub(super) const FILE: &str = "config";

/// Days for which transcripts are stored.
const USUAL_DAYS: u32 = 30;
const DAYS: std::ops::RangeInclusive<u32> = 1..=3_650;

/// The configuration of an org.
#[derive(Clone, Debug)]
pub struct TenantConfig {
    rules: Rules,
    left_out: LeftOut,
    attempts: Attempts,
    catalogue: Arc<Catalogue>,
    intent: Intent,
    transcripts: Policy,
    routes: Routes,
}

impl TenantConfig {
    /// What the org's governor enforces.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What of the rules the document leaves to the deployment.
    #[must_use]
    pub const fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// How models are asked.
    #[must_use]
    pub const fn attempts(&self) -> Attempts {
        self.attempts
    }

    /// What follows where the classifier is in doubt.
    #[must_use]
    pub const fn intent(&self) -> Intent {
        self.intent
    }

    /// The org's routes, by name.
    #[must_use]
    pub const fn routes(&self) -> &Routes {
        &self.routes
    }

    /// What of prompts and answers is stored.
    #[must_use]
    pub const fn transcripts(&self) -> Policy {
        self.transcripts
    }

    /// The deployment's catalogue with what the org has of its own.
    #[must_use]
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, deserialize_with = "present")]
    limits: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    budgets: Option<Box<RawValue>>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    credits: Credits,
    #[serde(default, deserialize_with = "present")]
    admission: Option<Admission>,
    #[serde(default, deserialize_with = "present")]
    alerts: Option<Box<RawValue>>,
    #[serde(default)]
    default_operation: Option<String>,
    #[serde(default, deserialize_with = "present")]
    aliases: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    fallbacks: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    helpers: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    models: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    operations: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    attempts: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    intent: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    tiers: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    transcripts: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    routes: Option<Box<RawValue>>,
}

/// What of prompts and answers is stored.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Storing {
    Full,
    #[default]
    Off,
    Redacted,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct TranscriptSection {
    #[serde(default)]
    store: Storing,
    #[serde(default = "usual_days")]
    days: u32,
}

const fn usual_days() -> u32 {
    USUAL_DAYS
}

impl Default for TranscriptSection {
    fn default() -> Self {
        Self {
            store: Storing::Off,
            days: USUAL_DAYS,
        }
    }
}

/// A section that is `null` is malformed, not absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Document {
    /// The parts of the rules of which it says nothing.
    fn left_out(&self) -> LeftOut {
        let parts = [
            (Part::Admission, self.admission.is_none()),
            (Part::Budgets, self.budgets.is_none()),
            (Part::Limits, self.limits.is_none()),
            (Part::TimeZone, self.time_zone.is_none()),
        ];
        let left_out = parts.into_iter().filter(|(_, is_left)| *is_left);
        left_out.map(|(part, _)| part).collect()
    }

    /// The sections whose fields an org may name one by one.
    pub(super) fn sections(&self) -> Sections {
        Sections {
            attempts: self.attempts.clone(),
            intent: self.intent.clone(),
            transcripts: self.transcripts.clone(),
        }
    }

    /// Takes away what is each org's own, and reports it.
    pub(super) fn leave_to_orgs(&mut self, report: &mut Report) {
        let credits = std::mem::take(&mut self.credits);
        let own = [
            ("alerts", self.alerts.take().is_some()),
            ("credits", credits != Credits::Off),
            ("routes", self.routes.take().is_some()),
        ];
        for (name, _) in own.into_iter().filter(|(_, is_there)| *is_there) {
            report.add(name, "is each org's own: leave it out here");
        }
    }
}

/// An org's document as it was sent.
#[derive(Debug)]
pub struct Sent {
    /// Its JSON text, as it is stored.
    pub json: String,
    /// What it says.
    pub config: TenantConfig,
}

/// Reads an org's document that people write: YAML, of which JSON is a part.
///
/// # Errors
/// Every problem found, with its path and line.
pub fn read(text: &str, catalogue: &Arc<Catalogue>) -> Result<Sent, Vec<Problem>> {
    let document = yaml::parse(text).map_err(|malformed| {
        vec![Problem {
            file: FILE,
            path: String::new(),
            line: Some(malformed.line),
            reason: malformed.reason,
        }]
    })?;
    match parse(&document.json, catalogue) {
        Ok(config) => Ok(Sent {
            json: document.json,
            config,
        }),
        Err(problems) => {
            let problems = problems.into_iter();
            Err(problems
                .map(|problem| problem.on_line_of(&document))
                .collect())
        }
    }
}

/// Reads an org's document.
///
/// # Errors
/// Every problem found, with its JSON path.
pub fn parse(json: &str, catalogue: &Arc<Catalogue>) -> Result<TenantConfig, Vec<Problem>> {
    parse_over(json, &Deployment::without(catalogue))
}

/// The same, over what the deployment says.
///
/// # Errors
/// Every problem found, with its JSON path.
pub fn parse_over(json: &str, base: &Deployment) -> Result<TenantConfig, Vec<Problem>> {
    let mut report = Report::new(FILE);
    let config = document(json, &mut report).map(|document| build(document, base, &mut report));
    let problems = report.into_problems();
    config.filter(|_| problems.is_empty()).ok_or(problems)
}

/// Reads a document that was valid when it was stored, under a catalogue that may be newer: what does
/// not fit any more is left out, and named in the problems. `None` where not even its shape is known.
#[must_use]
pub fn restore(json: &str, catalogue: &Arc<Catalogue>) -> Option<(TenantConfig, Vec<Problem>)> {
    restore_over(json, &Deployment::without(catalogue))
}

/// The same, over what the deployment says by now.
#[must_use]
pub fn restore_over(json: &str, base: &Deployment) -> Option<(TenantConfig, Vec<Problem>)> {
    let mut report = Report::new(FILE);
    let document = document(json, &mut report)?;
    let config = build(document, base, &mut report);
    Some((config, report.into_problems()))
}

pub(super) fn document(json: &str, report: &mut Report) -> Option<Document> {
    shape::document(json, report, shape::traced)
}

pub(super) fn build(document: Document, base: &Deployment, report: &mut Report) -> TenantConfig {
    let (left_out, own) = (document.left_out(), document.sections());
    let limits: Option<Vec<LimitEntry>> = document
        .limits
        .and_then(|json| shape::list(&json, "limits", report, shape::traced));
    let budgets: Option<Vec<BudgetEntry>> = document
        .budgets
        .and_then(|json| shape::list(&json, "budgets", report, shape::traced));
    let alerts = document
        .alerts
        .and_then(|json| shape::section(&json, "alerts", report, shape::traced))
        .unwrap_or_default();
    let sections = OwnSections {
        aliases: document.aliases,
        default_operation: document.default_operation,
        fallbacks: document.fallbacks,
        helpers: document.helpers,
        models: document.models,
        operations: document.operations,
        tiers: document.tiers,
    };
    let catalogue = own::catalogue(sections, base.catalogue(), report);
    let paying = (document.credits, alerts);
    let rules = rules::build(
        limits,
        budgets,
        document.time_zone,
        paying,
        &catalogue,
        report,
    );
    let rules = Rules {
        admission: document.admission.unwrap_or_default(),
        ..rules
    };
    let rules = match base.rules() {
        Some(base) => rules.over(base, &left_out),
        None => rules,
    };
    let bases = base.sections();
    let sections = (own.attempts.as_deref(), bases.attempts.as_deref());
    let attempts: Attempts = section(sections, "attempts", report).unwrap_or_default();
    attempts.check(report);
    let sections = (own.intent.as_deref(), bases.intent.as_deref());
    let intent: Intent = section(sections, "intent", report).unwrap_or_default();
    intent.check(report);
    let sections = (own.transcripts.as_deref(), bases.transcripts.as_deref());
    let transcripts: TranscriptSection =
        section(sections, "transcripts", report).unwrap_or_default();
    if !DAYS.contains(&transcripts.days) {
        report.add("transcripts.days", "expected 1 to 3,650 days");
    }
    let routes = document
        .routes
        .map(|json| routes::build(&json, &catalogue, report))
        .unwrap_or_default();
    TenantConfig {
        rules: routes::with_gates(rules, &routes),
        left_out,
        attempts,
        intent,
        routes,
        catalogue,
        transcripts: transcripts.policy(),
    }
}

impl TranscriptSection {
    const fn policy(self) -> Policy {
        let detail = match self.store {
            Storing::Full => Some(Detail::Full),
            Storing::Off => None,
            Storing::Redacted => Some(Detail::Redacted),
        };
        Policy {
            detail,
            days: self.days,
        }
    }
}
