//! A second governor, naive on purpose: plain maps, every sum counted anew. Its replies and records
//! are what the real one's must be.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use esclusa::audit::Outcome;
use esclusa::governor::command::{
    Activate, BudgetState, Command, Extend, LimitState, Refusal, Reply, Reserve, Settle, State,
    Versions,
};
use esclusa::governor::defaults::Part;
use esclusa::governor::rules::Scope;
use esclusa::governor::switches::{Notice, Subject, Switch};
use esclusa::money::Nanos;

use super::storage::{DAY, MINUTE, SECOND, no_budget, spent};

/// What a record must say: request, outcome, cost, bound.
pub(crate) type Expected = (String, Outcome, i64, i64);

#[derive(Clone, Debug)]
struct Request {
    arrived: u64,
    day: u64,
    bound: i64,
    deadline: u64,
    steps: BTreeSet<u32>,
    /// Whether it is counted by the limit in force.
    counted: bool,
    end: Option<End>,
}

#[derive(Clone, Debug)]
struct End {
    at: u64,
    expired: bool,
}

/// All a governor should know.
#[derive(Debug, Default)]
pub(crate) struct Model {
    clock: u64,
    versions: Versions,
    own: Option<Activate>,
    base: Option<Box<Activate>>,
    limit: Option<u32>,
    budget: Option<i64>,
    revoked: BTreeSet<String>,
    expiring: BTreeMap<String, u64>,
    changes: BTreeSet<String>,
    admissions: Vec<u64>,
    requests: BTreeMap<String, Request>,
    refused: BTreeMap<String, (u64, Refusal)>,
    /// The org's own, and those of the deployment.
    switches: [BTreeMap<Subject, Switch>; 2],
    turns: [u64; 2],
    /// Day and amount.
    charges: Vec<(u64, i64)>,
    forgotten: Option<u64>,
    pub(crate) records: Vec<Expected>,
}

/// Of which rules a reply tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    All,
    Budget,
    None,
}

impl Model {
    pub(crate) fn execute(&mut self, command: &Command, now: u64) -> Reply {
        let at = now.max(self.clock);
        match command {
            Command::Activate(activate) => {
                if activate.version > self.versions.config {
                    self.versions.config = activate.version;
                    self.own = Some(activate.clone());
                    self.combine();
                    self.changed(at);
                }
                self.done(at)
            }
            Command::ChangeCorpus { id } => {
                if self.changes.insert(id.clone()) {
                    self.versions.corpus += 1;
                    self.changed(at);
                }
                self.done(at)
            }
            Command::Extend(Extend {
                request, step, by, ..
            }) => self.extend(request, *step, by.get(), at),
            Command::Inspect { .. } => {
                let org = ["day", "week", "month", "lifetime"].map(|period| self.org(period, at));
                let mut state = self.state(at, Shown::All);
                state.budgets = org.into_iter().chain(state.budgets).collect();
                Reply::State { state }
            }
            Command::Adopt(edition) => {
                let version = edition.deployment.as_ref().map_or(0, |it| it.version);
                let is_newer = version > self.versions.deployment;
                if edition.number > self.turns[1] || is_newer {
                    self.switches[1].clone_from(&edition.switches);
                    self.turns[1] = edition.number;
                    if is_newer {
                        self.versions.deployment = version;
                        self.base.clone_from(&edition.deployment);
                        self.combine();
                    }
                    self.changed(at);
                }
                self.done(at)
            }
            Command::Check { key } => {
                let reason = if self.versions.config == 0 {
                    Some(Refusal::NotActive)
                } else if self.refuses_key(key, at) {
                    Some(Refusal::KeyRevoked)
                } else {
                    self.killed(key, at)
                };
                match reason {
                    Some(reason) => self.refused(reason, at, Shown::None),
                    None => self.done(at),
                }
            }
            Command::Turn(turn) => {
                let own = &mut self.switches[0];
                let is_new = own.get(&turn.subject) != turn.on.as_ref();
                if is_new && turn.of.is_some_and(|of| of != self.turns[0]) {
                    return self.refused(Refusal::SwitchesTurned, at, Shown::None);
                }
                if is_new {
                    own.retain(|_, switch| switch.until.is_none_or(|until| until > at));
                    own.remove(&turn.subject);
                    let on = turn.on.clone();
                    own.extend(on.map(|switch| (turn.subject.clone(), switch)));
                    self.turns[0] += 1;
                    self.changed(at);
                }
                self.done(at)
            }
            Command::ExpireKey { key, at: end } => self.expire_key(key, *end, at),
            Command::Refuse { draft } => {
                self.refuse(&draft.request, Refusal::NotReserved, at, Shown::None);
                self.done(at)
            }
            Command::Reserve(reserve) => self.reserve(reserve, at),
            Command::RevokeKey { key } => {
                if self.revoked.insert(key.clone()) {
                    self.changed(at);
                }
                self.done(at)
            }
            Command::Settle(settle) => self.settle(settle, at),
            other => panic!("not among the steps: {other:?}"),
        }
    }

    /// What the org's configuration says, and the deployment's for what it leaves out.
    fn combine(&mut self) {
        let Some(own) = &self.own else { return };
        let base = self.base.as_ref();
        let left_to = |part| base.filter(|_| own.left_out.contains(&part));
        let limits = left_to(Part::Limits).map_or(&own.rules, |base| &base.rules);
        let budgets = left_to(Part::Budgets).map_or(&own.rules, |base| &base.rules);
        let limit = limits.limits.first();
        self.limit = limit.map(|limit| u32::try_from(limit.limit).unwrap());
        self.budget = budgets.budgets.first().map(|budget| budget.amount.get());
        if self.limit.is_none() {
            self.admissions.clear();
            self.requests.values_mut().for_each(|it| it.counted = false);
        }
    }

    /// Expires at most `limit` reservations, the earliest deadline first.
    pub(crate) fn tick(&mut self, now: u64, limit: usize) {
        let at = now.max(self.clock);
        for _ in 0..limit {
            let due = self
                .requests
                .iter()
                .filter(|(_, request)| request.end.is_none() && request.deadline <= at)
                .min_by_key(|(id, request)| (request.deadline, (*id).clone()));
            let Some((id, request)) = due.map(|(id, request)| (id.clone(), request.clone())) else {
                return;
            };
            self.end(&id, true, at);
            self.charges.push((request.day, request.bound));
            let record = (id, Outcome::Expired, request.bound, request.bound);
            self.records.push(record);
            self.changed(at);
        }
    }

    fn refuses_key(&self, key: &str, at: u64) -> bool {
        let ends = self.expiring.get(key);
        self.revoked.contains(key) || ends.is_some_and(|end| *end <= at)
    }

    fn expire_key(&mut self, key: &str, end: u64, at: u64) -> Reply {
        if self.expiring.get(key).is_none_or(|known| end < *known) {
            self.expiring.insert(key.to_owned(), end);
            self.changed(at);
        }
        self.done(at)
    }

    fn reserve(&mut self, reserve: &Reserve, at: u64) -> Reply {
        let id = &reserve.draft.request;
        let bound = reserve.bound.get();
        if self.versions.config == 0 {
            return self.refuse(id, Refusal::NotActive, at, Shown::None);
        }
        if self.refuses_key(&reserve.draft.key, at) {
            return self.refuse(id, Refusal::KeyRevoked, at, Shown::None);
        }
        let is_open = self.requests.get(id).is_some_and(|it| it.end.is_none());
        if let Some(reason) = self.killed(&reserve.draft.key, at).filter(|_| !is_open) {
            return self.refuse(id, reason, at, Shown::None);
        }
        if reserve.planned != self.versions {
            let versions = self.versions;
            return Reply::Stale { versions };
        }
        if let Some(request) = self.requests.get(id).cloned() {
            return match request.end {
                None if bound > request.bound => self.raise(id, bound - request.bound, None, at),
                None => self.admitted(id, at),
                Some(_) => self.refused(Refusal::NotReserved, at, Shown::None),
            };
        }
        if let Some((_, reason)) = self.refused.get(id) {
            return self.refused(reason.clone(), at, Shown::All);
        }
        if bound < 0 {
            return self.refuse(id, no_budget(), at, Shown::All);
        }
        if let Some(retry_after_ms) = self.wait(at) {
            let limit = "requests".to_owned();
            let reason = Refusal::RateLimited {
                limit,
                retry_after_ms,
            };
            return self.refuse(id, reason, at, Shown::All);
        }
        if !self.carries(at / DAY, bound) {
            return self.refuse(id, spent("day"), at, Shown::All);
        }
        if self.limit.is_some() {
            self.admissions.push(at);
        }
        let request = Request {
            arrived: reserve.draft.at,
            day: at / DAY,
            bound,
            deadline: at + reserve.deadline_ms,
            steps: BTreeSet::new(),
            counted: self.limit.is_some(),
            end: None,
        };
        self.requests.insert(id.clone(), request);
        self.changed(at);
        self.admitted(id, at)
    }

    fn extend(&mut self, id: &str, step: u32, by: i64, at: u64) -> Reply {
        match self.requests.get(id) {
            Some(request) if request.end.is_none() => {
                if request.steps.contains(&step) {
                    return self.admitted(id, at);
                }
                if by < 0 {
                    return self.refused(no_budget(), at, Shown::None);
                }
                self.raise(id, by, Some(step), at)
            }
            _ => self.refused(Refusal::NotReserved, at, Shown::None),
        }
    }

    fn raise(&mut self, id: &str, by: i64, step: Option<u32>, at: u64) -> Reply {
        if !self.carries(self.requests[id].day, by) {
            let shown = self.shown_to(id);
            return self.refused(spent("day"), at, shown);
        }
        let request = self.requests.get_mut(id).unwrap();
        request.bound += by;
        request.steps.extend(step);
        self.changed(at);
        self.admitted(id, at)
    }

    fn settle(&mut self, settle: &Settle, at: u64) -> Reply {
        let id = &settle.draft.request;
        let cost = settle.cost.get();
        let actual = |bound| if cost < 0 { bound } else { cost };
        let mut shown = Shown::None;
        match self.requests.get(id).cloned() {
            Some(request) if request.end.is_none() => {
                let cost = actual(request.bound);
                shown = self.shown_to(id);
                self.end(id, false, at);
                self.charges.push((request.day, cost));
                let record = (id.clone(), settle.draft.outcome, cost, request.bound);
                self.records.push(record);
                self.changed(at);
            }
            Some(request) if request.end.as_ref().is_some_and(|end| end.expired) => {
                let cost = actual(request.bound) - request.bound;
                let ended = request.end.unwrap().at;
                shown = Shown::Budget;
                self.end(id, false, ended);
                self.charges.push((request.day, cost));
                let record = (id.clone(), Outcome::Late, cost, request.bound);
                self.records.push(record);
                self.changed(at);
            }
            Some(_) => {}
            None if self.forgotten >= Some(settle.draft.at) => {}
            None => {
                let request = Request {
                    arrived: settle.draft.at,
                    day: at / DAY,
                    bound: 0,
                    deadline: 0,
                    steps: BTreeSet::new(),
                    counted: false,
                    end: None,
                };
                self.requests.insert(id.clone(), request);
                self.end(id, false, at);
                self.charges.push((at / DAY, actual(0)));
                let record = (id.clone(), settle.draft.outcome, actual(0), 0);
                self.records.push(record);
                self.changed(at);
            }
        }
        Reply::Settled {
            state: self.state(at, shown),
            hints: Vec::new(),
        }
    }

    fn refuse(&mut self, id: &str, reason: Refusal, at: u64, shown: Shown) -> Reply {
        if !self.requests.contains_key(id) && !self.refused.contains_key(id) {
            self.refused.insert(id.to_owned(), (at, reason.clone()));
            self.records.push((id.to_owned(), Outcome::Refused, 0, 0));
            self.changed(at);
        }
        self.refused(reason, at, shown)
    }

    fn end(&mut self, id: &str, expired: bool, at: u64) {
        self.requests.get_mut(id).unwrap().end = Some(End { at, expired });
    }

    /// Whatever changed: time has moved, and what is old is forgotten.
    fn changed(&mut self, at: u64) {
        self.clock = at;
        let old = |request: &Request| {
            let end = request.end.as_ref();
            end.is_some_and(|end| end.at + DAY <= at)
        };
        for request in self.requests.values().filter(|request| old(request)) {
            self.forgotten = self.forgotten.max(Some(request.arrived));
        }
        self.requests.retain(|_, request| !old(request));
        self.refused
            .retain(|_, (since, _)| *since + 10 * MINUTE > at);
    }

    /// Admissions of the seconds whose newest lies in the minute before `at`.
    fn used(&self, at: u64) -> u64 {
        let same_second = |then: u64, other: &&u64| **other / SECOND == then / SECOND;
        let newest = |then: u64| {
            let together = self
                .admissions
                .iter()
                .filter(|other| same_second(then, other));
            together.max().copied().unwrap_or(then)
        };
        let live = |then: &&u64| newest(**then) + MINUTE > at;
        self.admissions.iter().filter(live).count() as u64
    }

    /// Milliseconds until one more fits.
    fn wait(&self, at: u64) -> Option<u64> {
        let limit = u64::from(self.limit?);
        let free = |at: u64| self.used(at) < limit;
        if free(at) {
            return None;
        }
        let leaves = self.admissions.iter().map(|admitted| admitted + MINUTE);
        let next = leaves.filter(|leaves| *leaves > at && free(*leaves)).min();
        Some(next.map_or(MINUTE, |next| next - at))
    }

    fn spent(&self, days: impl Fn(u64) -> bool) -> i64 {
        let charges = self.charges.iter().filter(|(of, _)| days(*of));
        charges.map(|(_, amount)| amount).sum()
    }

    fn reserved(&self, days: impl Fn(u64) -> bool) -> i64 {
        let open = self.requests.values();
        open.filter(|request| request.end.is_none() && days(request.day))
            .map(|request| request.bound)
            .sum()
    }

    fn carries(&self, day: u64, amount: i64) -> bool {
        let held = || self.spent(|it| it == day) + self.reserved(|it| it == day);
        let fits = |limit: i64| held() + amount <= limit;
        amount == 0 || (amount > 0 && self.budget.is_none_or(fits))
    }

    fn on(&self, at: u64) -> impl Iterator<Item = (&Subject, &Switch)> {
        let [own, all] = &self.switches;
        let is_on = move |switch: &Switch| switch.until.is_none_or(|until| until > at);
        all.iter()
            .chain(own)
            .filter(move |(_, switch)| is_on(switch))
    }

    /// Why a key's requests may not go on.
    fn killed(&self, key: &str, at: u64) -> Option<Refusal> {
        let is_meant = |subject: &Subject| match subject {
            Subject::Everything | Subject::Org => true,
            Subject::Key(id) => id == key,
            _ => false,
        };
        let (subject, switch) = self.on(at).find(|(subject, _)| is_meant(subject))?;
        Some(Refusal::Killed {
            subject: subject.clone(),
            left_ms: switch.until.map(|until| until - at),
        })
    }

    fn notice(&self, at: u64) -> Notice {
        let is_of_target =
            |subject: &Subject| matches!(subject, Subject::Model(_) | Subject::Provider(_));
        let on = || self.on(at).map(|(subject, _)| subject.clone());
        let abort = self.on(at).filter(|(_, switch)| switch.abort);
        Notice {
            number: self.turns.iter().sum(),
            off: on().filter(is_of_target).collect(),
            abort: abort.map(|(subject, _)| subject.clone()).collect(),
        }
    }
}
