//! The limits and budgets of an org's document.
//!
//! ```json
//! {
//!   "time_zone": "Europe/Rome",
//!   "limits": [
//!     { "count": "requests", "limit": 600, "seconds": 60 },
//!     { "per": "user", "count": "tokens", "limit": 20000, "seconds": 60, "window": "token_bucket" },
//!     { "per": "key", "only": "k_batch", "count": "concurrent", "limit": 4 }
//!   ],
//!   "budgets": [
//!     { "usd": "10.00", "period": "day" },
//!     { "per": "user", "usd": "1.50", "period": "month", "when_spent": { "downgrade": "light" } }
//!   ],
//!   "credits": "prepaid"
//! }
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};

use super::catalog::Catalogue;
use super::problem::Report;
use super::tier::Tier;
use crate::auth;
use crate::governor::rules::{
    Budget, Limit, Measure, Pace, Period, Rules, Scope, UTC, UnknownScope, WhenSpent, Window,
};
use crate::money::Nanos;
use crate::protocol::PublicUrl;

/// Requests that a new org may make in any 60 seconds.
const DEFAULT_REQUESTS_PER_MINUTE: u64 = 600;
/// What a new org may spend per day: 10 US dollars.
const DEFAULT_DAILY_BUDGET: Nanos = Nanos::new(10_000_000_000);

/// Rules of a kind: each is looked at with every request.
const MOST_RULES: usize = 50;
const MOST_COUNTED: u64 = 1_000_000_000_000;
const LONGEST_WINDOW_SECONDS: u32 = 31 * 86_400;
const LONGEST_NAME: usize = 64;
const USUAL_THRESHOLDS: [u8; 3] = [50, 80, 100];

/// A limit as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitEntry {
    name: Option<String>,
    #[serde(default = "org")]
    per: Scope,
    only: Option<String>,
    count: Count,
    limit: u64,
    seconds: Option<u32>,
    window: Option<Window>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Count {
    Concurrent,
    InputTokens,
    OutputTokens,
    Requests,
    Tokens,
}

impl Count {
    const fn over(self, pace: Pace) -> Measure {
        match self {
            Self::Concurrent => Measure::Concurrent,
            Self::InputTokens => Measure::InputTokens(pace),
            Self::OutputTokens => Measure::OutputTokens(pace),
            Self::Requests => Measure::Requests(pace),
            Self::Tokens => Measure::Tokens(pace),
        }
    }
}

/// A budget as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetEntry {
    name: Option<String>,
    #[serde(default = "org")]
    per: Scope,
    only: Option<String>,
    #[serde(deserialize_with = "usd")]
    usd: Nanos,
    period: Period,
    thresholds: Option<Vec<u8>>,
    #[serde(default = "refuse")]
    when_spent: WhenSpent,
}

/// Where alerts go.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertSection {
    webhook: Option<String>,
}

/// How an org pays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Credits {
    /// Whatever budgets allow.
    #[default]
    Off,
    /// In advance: requests are admitted only against the balance.
    Prepaid,
}

const fn org() -> Scope {
    Scope::Org
}

const fn refuse() -> WhenSpent {
    WhenSpent::Refuse
}

fn usd<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Nanos, D::Error> {
    let text = String::deserialize(deserializer)?;
    Nanos::from_usd(&text).map_err(serde::de::Error::custom)
}

/// What the document says, and the defaults for what it leaves out.
pub(super) fn build(
    limits: Option<Vec<LimitEntry>>,
    budgets: Option<Vec<BudgetEntry>>,
    time_zone: Option<String>,
    (credits, alerts): (Credits, AlertSection),
    catalogue: &Catalogue,
    report: &mut Report,
) -> Rules {
    if let Some(url) = &alerts.webhook
        && let Err(reason) = PublicUrl::parse(url)
    {
        report.add("alerts.webhook", reason.to_string());
    }
    let limits = match limits {
        Some(entries) => self::limits(entries, report),
        None => vec![default_limit()],
    };
    let budgets = match budgets {
        Some(entries) => self::budgets(entries, catalogue, report),
        None => vec![default_budget()],
    };
    check_names("limits", limits.iter().map(|limit| &limit.name), report);
    check_names("budgets", budgets.iter().map(|it| &it.name), report);
    let time_zone = time_zone.unwrap_or_else(|| UTC.to_owned());
    if !is_zone(&time_zone) {
        report.add("time_zone", "expected an IANA time zone, e.g. Europe/Rome");
    }
    Rules {
        limits,
        budgets,
        time_zone,
        prepaid: credits == Credits::Prepaid,
        webhook: alerts.webhook,
        ..Rules::default()
    }
}

fn default_limit() -> Limit {
    let pace = Pace {
        seconds: 60,
        window: Window::Sliding,
    };
    Limit {
        name: "requests".to_owned(),
        per: Scope::Org,
        only: None,
        measure: Measure::Requests(pace),
        limit: DEFAULT_REQUESTS_PER_MINUTE,
    }
}

fn default_budget() -> Budget {
    Budget {
        name: "day".to_owned(),
        per: Scope::Org,
        only: None,
        period: Period::Day,
        amount: DEFAULT_DAILY_BUDGET,
        thresholds: USUAL_THRESHOLDS.to_vec(),
        when_spent: WhenSpent::Refuse,
    }
}

fn limits(entries: Vec<LimitEntry>, report: &mut Report) -> Vec<Limit> {
    let entries = (0..).zip(entries);
    entries
        .filter_map(|(index, entry)| limit(entry, &format!("limits[{index}]"), report))
        .collect()
}

fn limit(entry: LimitEntry, at: &str, report: &mut Report) -> Option<Limit> {
    let measure = measure(&entry, at, report)?;
    check_only(&entry.per, entry.only.as_deref(), at, report);
    let is_bucket = measure
        .pace()
        .is_some_and(|pace| pace.window == Window::TokenBucket);
    let least = u64::from(is_bucket);
    if !(least..=MOST_COUNTED).contains(&entry.limit) {
        let reason = format!("expected {least} to {MOST_COUNTED}");
        report.add(format!("{at}.limit"), reason);
    }
    Some(Limit {
        name: entry
            .name
            .unwrap_or_else(|| name(measure.as_str(), &entry.per, entry.only.as_deref())),
        per: entry.per,
        only: entry.only,
        measure,
        limit: entry.limit,
    })
}

fn measure(entry: &LimitEntry, at: &str, report: &mut Report) -> Option<Measure> {
    if matches!(entry.count, Count::Concurrent) {
        if entry.seconds.is_some() || entry.window.is_some() {
            let reason =
                "what is under way at once has no window: leave out `seconds` and `window`";
            report.add(at, reason);
        }
        return Some(Measure::Concurrent);
    }
    let sane = 1..=LONGEST_WINDOW_SECONDS;
    let Some(seconds) = entry.seconds.filter(|seconds| sane.contains(seconds)) else {
        let reason = format!("expected the window in seconds, 1 to {LONGEST_WINDOW_SECONDS}");
        report.add(format!("{at}.seconds"), reason);
        return None;
    };
    let window = entry.window.unwrap_or(Window::Sliding);
    Some(entry.count.over(Pace { seconds, window }))
}

fn budgets(entries: Vec<BudgetEntry>, catalogue: &Catalogue, report: &mut Report) -> Vec<Budget> {
    let entries = (0..).zip(entries);
    entries
        .map(|(index, entry)| budget(entry, &format!("budgets[{index}]"), catalogue, report))
        .collect()
}

fn budget(entry: BudgetEntry, at: &str, catalogue: &Catalogue, report: &mut Report) -> Budget {
    check_only(&entry.per, entry.only.as_deref(), at, report);
    if entry.usd < Nanos::ZERO {
        report.add(format!("{at}.usd"), "expected 0 or more US dollars");
    }
    let thresholds = entry
        .thresholds
        .unwrap_or_else(|| USUAL_THRESHOLDS.to_vec());
    let sane = thresholds.len() <= 10 && thresholds.iter().all(|percent| *percent > 0);
    if !sane {
        let reason = "expected at most 10 numbers from 1 to 255, in per cent";
        report.add(format!("{at}.thresholds"), reason);
    }
    if let WhenSpent::Downgrade(route) = &entry.when_spent
        && route.parse::<Tier>().is_err()
        && catalogue.model(route).is_none()
    {
        let reason = "expected a tier or the id of a model of the catalogue";
        report.add(format!("{at}.when_spent.downgrade"), reason);
    }
    Budget {
        name: entry
            .name
            .unwrap_or_else(|| name(entry.period.as_str(), &entry.per, entry.only.as_deref())),
        per: entry.per,
        only: entry.only,
        period: entry.period,
        amount: entry.usd,
        thresholds,
        when_spent: entry.when_spent,
    }
}

/// The name of a rule that has none: `requests`, `requests-per-key`, `requests-per-key-k_batch`.
fn name(what: &str, per: &Scope, only: Option<&str>) -> String {
    let of = only.map_or_else(String::new, |only| format!("-{only}"));
    match per {
        Scope::Org => what.to_owned(),
        per => format!("{what}-per-{per}{of}"),
    }
}

fn check_only(per: &Scope, only: Option<&str>, at: &str, report: &mut Report) {
    if matches!(per, Scope::Gate(..)) {
        report.add(format!("{at}.per"), UnknownScope.to_string());
    }
    if let Scope::Header(name) = per
        && auth::is_secret(name)
    {
        let reason = "this header holds a secret, by which nothing is counted";
        report.add(format!("{at}.per"), reason);
    }
    if only.is_some() && *per == Scope::Org {
        report.add(format!("{at}.only"), "the org is one subject already");
    }
}

/// Names stand in headers, quoted.
fn check_names<'a>(at: &str, names: impl Iterator<Item = &'a String>, report: &mut Report) {
    let mut seen = BTreeSet::new();
    for (index, name) in names.enumerate() {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
            let reason = format!(
                "expected a name of 1 to {LONGEST_NAME} visible ASCII characters without quotes and backslashes"
            );
            report.add(format!("{at}[{index}].name"), reason);
        }
        if !seen.insert(name) {
            let reason =
                format!("`{name}` is the name of another one: give it a `name` of its own");
            report.add(format!("{at}[{index}].name"), reason);
        }
        if index == MOST_RULES {
            report.add(at, format!("expected at most {MOST_RULES}"));
        }
    }
}

fn is_zone(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(plain)
}
