//! A second governor, naive on purpose: plain maps, every sum counted anew. Its replies and records
//! are what the real one's must be.

use std::collections::{BTreeMap, BTreeSet};

use esclusa::audit::Outcome;
use esclusa::governor::command::{
    BudgetState, Command, Limits, Refusal, Reply, Reserve, Settle, State, Versions, WindowState,
};
use esclusa::money::Nanos;

use super::storage::{DAY, MINUTE, SECOND};

/// What a record must say: request, outcome, cost, bound.
pub(crate) type Expected = (String, Outcome, i64, i64);

#[derive(Clone, Debug)]
struct Request {
    arrived: u64,
    day: u64,
    bound: i64,
    deadline: u64,
    steps: BTreeSet<u32>,
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
    limits: Limits,
    revoked: BTreeSet<String>,
    changes: BTreeSet<String>,
    admissions: Vec<u64>,
    requests: BTreeMap<String, Request>,
    refused: BTreeMap<String, (u64, Refusal)>,
    /// Day and amount.
    charges: Vec<(u64, i64)>,
    forgotten: Option<u64>,
    pub(crate) records: Vec<Expected>,
}

impl Model {
    pub(crate) fn execute(&mut self, command: &Command, now: u64) -> Reply {
        let at = now.max(self.clock);
        match command {
            Command::Activate(activate) => {
                if activate.version > self.versions.config {
                    self.versions.config = activate.version;
                    self.limits = activate.limits;
                    self.changed(at);
                }
                self.done()
            }
            Command::ChangeCorpus { id } => {
                if self.changes.insert(id.clone()) {
                    self.versions.corpus += 1;
                    self.changed(at);
                }
                self.done()
            }
            Command::Extend { request, step, by } => self.extend(request, *step, by.get(), at),
            Command::Inspect => Reply::State {
                state: self.state(at),
            },
            Command::Refuse { draft } => {
                self.refuse(&draft.request, Refusal::NotReserved, at);
                self.done()
            }
            Command::Reserve(reserve) => self.reserve(reserve, at),
            Command::RevokeKey { key } => {
                if self.revoked.insert(key.clone()) {
                    self.changed(at);
                }
                self.done()
            }
            Command::Settle(settle) => self.settle(settle, at),
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

    fn reserve(&mut self, reserve: &Reserve, at: u64) -> Reply {
        let id = &reserve.draft.request;
        let bound = reserve.bound.get();
        if self.versions.config == 0 {
            return self.refuse(id, Refusal::NotActive, at);
        }
        if self.revoked.contains(&reserve.draft.key) {
            return self.refuse(id, Refusal::KeyRevoked, at);
        }
        if reserve.planned != self.versions {
            let versions = self.versions;
            return Reply::Stale { versions };
        }
        if let Some(request) = self.requests.get(id).cloned() {
            return match request.end {
                None if bound > request.bound => self.raise(id, bound - request.bound, None, at),
                None => self.admitted(at),
                Some(_) => self.refused(Refusal::NotReserved, at),
            };
        }
        if let Some((_, reason)) = self.refused.get(id) {
            return self.refused(reason.clone(), at);
        }
        if let Some(retry_after) = self.wait(at) {
            return self.refuse(id, Refusal::RateLimited { retry_after }, at);
        }
        if !self.carries(at / DAY, bound) {
            return self.refuse(id, Refusal::BudgetExhausted, at);
        }
        self.admissions.push(at);
        let request = Request {
            arrived: reserve.draft.at,
            day: at / DAY,
            bound,
            deadline: at + reserve.deadline_ms,
            steps: BTreeSet::new(),
            end: None,
        };
        self.requests.insert(id.clone(), request);
        self.changed(at);
        self.admitted(at)
    }

    fn extend(&mut self, id: &str, step: u32, by: i64, at: u64) -> Reply {
        match self.requests.get(id) {
            Some(request) if request.end.is_none() => {
                if request.steps.contains(&step) {
                    return self.admitted(at);
                }
                self.raise(id, by, Some(step), at)
            }
            _ => self.refused(Refusal::NotReserved, at),
        }
    }

    fn raise(&mut self, id: &str, by: i64, step: Option<u32>, at: u64) -> Reply {
        if !self.carries(self.requests[id].day, by) {
            return self.refused(Refusal::BudgetExhausted, at);
        }
        let request = self.requests.get_mut(id).unwrap();
        request.bound += by;
        request.steps.extend(step);
        self.changed(at);
        self.admitted(at)
    }

    fn settle(&mut self, settle: &Settle, at: u64) -> Reply {
        let id = &settle.draft.request;
        let cost = settle.cost.get();
        let actual = |bound| if cost < 0 { bound } else { cost };
        match self.requests.get(id).cloned() {
            Some(request) if request.end.is_none() => {
                let cost = actual(request.bound);
                self.end(id, false, at);
                self.charges.push((request.day, cost));
                let record = (id.clone(), settle.draft.outcome, cost, request.bound);
                self.records.push(record);
                self.changed(at);
            }
            Some(request) if request.end.as_ref().is_some_and(|end| end.expired) => {
                let cost = actual(request.bound) - request.bound;
                let ended = request.end.unwrap().at;
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
            state: self.state(at),
        }
    }

    fn refuse(&mut self, id: &str, reason: Refusal, at: u64) -> Reply {
        if !self.requests.contains_key(id) && !self.refused.contains_key(id) {
            self.refused.insert(id.to_owned(), (at, reason.clone()));
            self.records.push((id.to_owned(), Outcome::Refused, 0, 0));
            self.changed(at);
        }
        self.refused(reason, at)
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

    fn wait(&self, at: u64) -> Option<u64> {
        let limit = u64::from(self.limits.requests_per_minute?);
        let fits = |seconds: &u64| self.used(at + seconds * SECOND) < limit;
        match (0..=60).find(fits) {
            Some(0) => None,
            Some(seconds) => Some(seconds),
            None => Some(60),
        }
    }

    fn spent(&self, day: u64) -> i64 {
        let charges = self.charges.iter().filter(|(of, _)| *of == day);
        charges.map(|(_, amount)| amount).sum()
    }

    fn reserved(&self, day: u64) -> i64 {
        let open = self.requests.values();
        open.filter(|request| request.end.is_none() && request.day == day)
            .map(|request| request.bound)
            .sum()
    }

    fn carries(&self, day: u64, amount: i64) -> bool {
        let fits = |limit: Nanos| self.spent(day) + self.reserved(day) + amount <= limit.get();
        amount == 0 || (amount > 0 && self.limits.daily_budget.is_none_or(fits))
    }

    fn state(&self, at: u64) -> State {
        let day = at / DAY;
        let window = |limit: u32| WindowState {
            limit: u64::from(limit),
            used: self.used(at),
            reset: (0..=60)
                .find(|seconds| self.used(at + seconds * SECOND) == 0)
                .unwrap(),
        };
        let open = self.requests.values();
        State {
            versions: self.versions,
            requests: self.limits.requests_per_minute.map(window),
            budget: BudgetState {
                limit: self.limits.daily_budget,
                spent: Nanos::new(self.spent(day)),
                reserved: Nanos::new(self.reserved(day)),
                reset: ((day + 1) * DAY - at).div_ceil(SECOND),
            },
            open_reservations: open.filter(|request| request.end.is_none()).count() as u64,
        }
    }

    fn done(&self) -> Reply {
        let versions = self.versions;
        Reply::Done { versions }
    }

    fn admitted(&self, at: u64) -> Reply {
        let state = self.state(at);
        Reply::Admitted { state }
    }

    fn refused(&self, reason: Refusal, at: u64) -> Reply {
        let state = self.state(at);
        Reply::Refused { reason, state }
    }
}
