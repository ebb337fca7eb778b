//! What the rows of a governor's journal say, counted apart from the governor's own state: every
//! admission is checked against it.

use std::collections::{BTreeMap, BTreeSet};

use esclusa::audit::{Outcome, Record};
use esclusa::governor::Row;
use esclusa::governor::command::{Reserve, State};
use esclusa::governor::rules::{Budget, Limit, Measure, Period, Rules, Scope, WhenSpent};
use esclusa::money::Nanos;
use serde::Deserialize;

const DAY_MS: u64 = 86_400_000;
const WINDOW_MS: u64 = 60_000;

#[derive(Deserialize)]
struct Entry {
    at: u64,
    event: Event,
}

/// The events that move money or limits.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Activated { version: u64, rules: Rules },
    Administered {},
    Corrected { request: String },
    CorpusChanged {},
    Delivered {},
    Expired { request: String },
    Extended { request: String, by: Nanos },
    Forgotten {},
    KeyRevoked {},
    Refused {},
    Reserved { draft: Named, bound: Nanos },
    Settled { request: String },
    Summarised {},
    ToppedUp {},
}

#[derive(Deserialize)]
struct Named {
    request: String,
    key: String,
}

/// An admitted request that has not ended.
struct Open {
    bound: i128,
    day: u64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    /// By the governor's clock.
    admissions: Vec<u64>,
    /// Every request ever admitted, with its key.
    pub(crate) admitted: BTreeMap<String, String>,
    days: BTreeMap<u64, i128>,
    day_of: BTreeMap<String, u64>,
    rules: Rules,
    open: BTreeMap<String, Open>,
    revoked: BTreeSet<String>,
    /// The configuration in force.
    version: u64,
    /// The configuration whose activation an administrator has been told of.
    promised: u64,
    /// Changes of the corpus.
    pub(crate) corpus: u64,
}

impl Ledger {
    /// Takes a stored row in.
    pub(crate) fn take(&mut self, row: &Row) {
        let entry: Entry = serde_json::from_str(&row.entry).unwrap();
        let record = row.sealed.as_ref().map(|sealed| {
            let record: Record = serde_json::from_str(&sealed.record).unwrap();
            record
        });
        match entry.event {
            Event::Activated { version, rules } => {
                assert!(
                    version > self.version,
                    "an older configuration came into force"
                );
                (self.version, self.rules) = (version, rules);
            }
            Event::Reserved { draft, bound } => self.reserve(draft, bound, entry.at),
            Event::Extended { request, by } => {
                let open = self.open.get_mut(&request).unwrap();
                open.bound += i128::from(by.get());
                let day = open.day;
                self.check_budget(day);
            }
            Event::Settled { request } | Event::Expired { request } => {
                let ended = self.open.remove(&request);
                let day = ended.map_or(entry.at / DAY_MS, |open| open.day);
                self.day_of.insert(request, day);
                self.charge(day, &record.unwrap());
            }
            Event::Corrected { request } => {
                let record = record.unwrap();
                assert_eq!(record.draft.outcome, Outcome::Late);
                self.charge(self.day_of[&request], &record);
            }
            Event::CorpusChanged {} => self.corpus += 1,
            Event::Administered {}
            | Event::Delivered {}
            | Event::Forgotten {}
            | Event::KeyRevoked {}
            | Event::Refused {}
            | Event::Summarised {}
            | Event::ToppedUp {} => {}
        }
    }

    fn reserve(&mut self, draft: Named, bound: Nanos, at: u64) {
        let is_new = self
            .admitted
            .insert(draft.request.clone(), draft.key)
            .is_none();
        assert!(is_new, "{} was admitted twice", draft.request);
        self.admissions.push(at);
        let (bound, day) = (i128::from(bound.get()), at / DAY_MS);
        self.open.insert(draft.request, Open { bound, day });
        self.check_window(at);
        self.check_budget(day);
    }

    fn charge(&mut self, day: u64, record: &Record) {
        *self.days.entry(day).or_default() += i128::from(record.cost.get());
    }

    /// Notes that a key was revoked and its administrator has been told so.
    pub(crate) fn revoke(&mut self, key: &str) {
        self.revoked.insert(key.to_owned());
    }

    /// Notes that an administrator was told that a configuration is in force.
    pub(crate) fn promise(&mut self, version: u64) {
        self.promised = self.promised.max(version);
    }

    /// No 60 seconds hold more than the limit in force at their end.
    fn check_window(&self, at: u64) {
        let of_org = |limit: &&Limit| {
            limit.per == Scope::Org && matches!(limit.measure, Measure::Requests(_))
        };
        let Some(limit) = self.rules.limits.iter().find(of_org).map(|it| it.limit) else {
            return;
        };
        let begin = at.saturating_sub(WINDOW_MS - 1);
        let recent = self
            .admissions
            .iter()
            .rev()
            .take_while(|admitted| **admitted >= begin);
        assert!(
            recent.count() <= usize::try_from(limit).unwrap(),
            "more than {limit} in 60 s"
        );
    }

    /// What is spent and held never exceeds the budget at the moment of an admission.
    fn check_budget(&self, day: u64) {
        let of_org = |budget: &&Budget| {
            budget.per == Scope::Org
                && budget.period == Period::Day
                && budget.when_spent == WhenSpent::Refuse
        };
        let Some(budget) = self.rules.budgets.iter().find(of_org).map(|it| it.amount) else {
            return;
        };
        let held: i128 = self.spent(day) + self.reserved(day);
        assert!(
            held <= i128::from(budget.get()),
            "{held} spent and held of {budget}"
        );
    }

    /// The governor's word at an admission: planned with what is in force, by a live key.
    pub(crate) fn check_admission(&self, reserve: &Reserve, state: &State) {
        assert_eq!(reserve.planned, state.versions, "a stale plan was admitted");
        assert!(
            state.versions.config >= self.promised,
            "admitted under an older configuration"
        );
        assert!(
            !self.revoked.contains(&reserve.draft.key),
            "a revoked key was admitted"
        );
    }

    pub(crate) fn spent(&self, day: u64) -> i128 {
        self.days.get(&day).copied().unwrap_or_default()
    }

    pub(crate) fn reserved(&self, day: u64) -> i128 {
        let of_day = self.open.values().filter(|open| open.day == day);
        of_day.map(|open| open.bound).sum()
    }

    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Everything charged.
    pub(crate) fn charged(&self) -> i128 {
        self.days.values().sum()
    }
}
