//! What the rows of a governor's journal say, counted apart from the governor's own state: every
//! admission is checked against it.

use std::collections::{BTreeMap, BTreeSet};

use esclusa::audit::{Outcome, Record};
use esclusa::governor::Row;
use esclusa::governor::command::{Activate, Reserve, State};
use esclusa::governor::defaults::Part as LeftOutPart;
use esclusa::governor::lease::{Granted, Part, Return, Slice};
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
    Activated(Activate),
    Administered {},
    Adopted { deployment: Option<Activate> },
    Copied {},
    Corrected { request: String, part: Option<Part> },
    CorpusChanged {},
    Delivered {},
    Detached { part: Part, reserved: Reserved },
    Expired { request: String },
    Extended { request: String, by: Nanos },
    Forgotten {},
    KeyExpires {},
    KeyRevoked {},
    Renewed {},
    LeaseLost { lease: String },
    Refused {},
    Reserved(Reserved),
    Returned(Return),
    Settled { request: String, part: Option<Part> },
    Summarised {},
    ToppedUp {},
    Turned {},
    Warned {},
}

#[derive(Deserialize)]
struct Reserved {
    draft: Named,
    bound: Nanos,
    lease: Option<Granted>,
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

/// A lease that is not over, or of which requests have not ended.
struct Loan {
    granted: Slice,
    left: Slice,
    returned: bool,
    day: u64,
    /// The last moment at which it is good.
    last: u64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    /// By the governor's clock; what a lease holds at its last moment.
    admissions: Vec<u64>,
    loans: BTreeMap<String, Loan>,
    /// On which day leases were lost that are waiting for late settlements.
    lost: BTreeMap<String, u64>,
    /// Requests that lost leases were charged for, and those that were admitted from leases.
    pub(crate) lost_requests: u64,
    pub(crate) leased: u64,
    /// Every request known to be admitted, with its key.
    pub(crate) admitted: BTreeMap<String, String>,
    days: BTreeMap<u64, i128>,
    day_of: BTreeMap<String, u64>,
    /// What was activated, and in the root.
    own: Option<Activate>,
    deployment: Option<Activate>,
    /// Of both.
    rules: Rules,
    open: BTreeMap<String, Open>,
    revoked: BTreeSet<String>,
    /// The configuration in force.
    version: u64,
    /// The configuration whose activation an administrator has been told of.
    promised: u64,
    /// Whether an administrator has been told that the org is switched off.
    pub(crate) is_off: bool,
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
            Event::Activated(activate) => {
                assert!(
                    activate.version > self.version,
                    "an older configuration came into force"
                );
                self.version = activate.version;
                self.own = Some(activate);
                self.combine();
            }
            Event::Adopted {
                deployment: Some(deployment),
            } => {
                let known = self.deployment.as_ref().map_or(0, |it| it.version);
                assert!(deployment.version >= known, "an older deployment");
                self.deployment = Some(deployment);
                self.combine();
            }
            Event::Reserved(reserved) => self.reserve(reserved, entry.at),
            Event::Returned(told) => self.give_back(&told),
            Event::LeaseLost { lease } => self.lose(lease, &record.unwrap()),
            Event::Detached { part, reserved } => {
                let day = self.take_part(&part, &reserved.draft);
                let bound = i128::from(part.bound.get());
                self.open
                    .insert(reserved.draft.request, Open { bound, day });
            }
            Event::Settled {
                request,
                part: Some(part),
            } => {
                let record = record.unwrap();
                let key = record.draft.key.clone();
                let day = self.take_part(&part, &Named { request, key });
                assert_eq!(record.bound, part.bound);
                self.charge(day, &record);
            }
            Event::Extended { request, by } => {
                let open = self.open.get_mut(&request).unwrap();
                open.bound += i128::from(by.get());
                let day = open.day;
                self.check_budget(day);
            }
            Event::Settled { request, .. } | Event::Expired { request } => {
                let ended = self.open.remove(&request);
                let day = ended.map_or(entry.at / DAY_MS, |open| open.day);
                self.day_of.insert(request, day);
                self.charge(day, &record.unwrap());
            }
            Event::Corrected { request, part } => {
                let record = record.unwrap();
                assert_eq!(record.draft.outcome, Outcome::Late);
                let day = match part {
                    Some(part) => self.lost[&part.lease],
                    None => self.day_of[&request],
                };
                self.charge(day, &record);
            }
            Event::CorpusChanged {} => self.corpus += 1,
            Event::Administered {}
            | Event::Adopted { deployment: None }
            | Event::Copied {}
            | Event::Delivered {}
            | Event::Forgotten {}
            | Event::KeyExpires {}
            | Event::KeyRevoked {}
            | Event::Renewed {}
            | Event::Refused {}
            | Event::Summarised {}
            | Event::ToppedUp {}
            | Event::Turned {}
            | Event::Warned {} => {}
        }
    }

    /// What the org leaves out is as the deployment has it.
    fn combine(&mut self) {
        let Some(own) = &self.own else { return };
        self.rules.clone_from(&own.rules);
        let Some(Activate { rules: base, .. }) = &self.deployment else {
            return;
        };
        // No test has routes and limits of a deployment.
        if own.left_out.contains(&LeftOutPart::Limits) {
            self.rules.limits.clone_from(&base.limits);
        }
        if own.left_out.contains(&LeftOutPart::Budgets) {
            self.rules.budgets.clone_from(&base.budgets);
        }
        if own.left_out.contains(&LeftOutPart::Admission) {
            self.rules.admission = base.admission;
        }
    }

    fn reserve(&mut self, reserved: Reserved, at: u64) {
        let Reserved {
            draft,
            bound,
            lease,
        } = reserved;
        assert!(!self.is_off, "admitted while it was switched off");
        let (request, day) = (draft.request.clone(), at / DAY_MS);
        if let Some(granted) = lease {
            let last = at + granted.lasts_ms - 1;
            let loan = Loan {
                granted: granted.slice,
                left: granted.slice,
                returned: false,
                day,
                last,
            };
            assert_eq!(last / DAY_MS, day, "a lease for two days");
            assert!(self.rules.lends(), "a lease that the rules forbid");
            let count = usize::try_from(granted.slice.requests).unwrap();
            self.admissions.extend(std::iter::repeat_n(last, count));
            self.loans.insert(request.clone(), loan);
        }
        self.admit(draft);
        self.admissions.push(at);
        let bound = i128::from(bound.get());
        self.open.insert(request, Open { bound, day });
        self.check_window(at);
        self.check_budget(day);
    }

    fn admit(&mut self, draft: Named) {
        let Named { request, key } = draft;
        let is_new = self.admitted.insert(request.clone(), key).is_none();
        assert!(is_new, "{request} was admitted twice");
    }

    /// A request of a lease has ended, or is on its own; gives the day of the lease.
    fn take_part(&mut self, part: &Part, draft: &Named) -> u64 {
        self.leased += 1;
        self.admit(Named {
            request: draft.request.clone(),
            key: draft.key.clone(),
        });
        let loan = self.loans.get_mut(&part.lease).unwrap();
        assert!(loan.left.covers(&part.slice()), "more than the lease");
        loan.left = loan.left.minus(&part.slice());
        let day = loan.day;
        self.close(&part.lease);
        day
    }

    fn give_back(&mut self, told: &Return) {
        let loan = self.loans.get_mut(&told.lease).unwrap();
        assert!(!loan.returned && loan.granted.covers(&told.used));
        let unused = loan.granted.minus(&told.used);
        loan.left = loan.left.minus(&unused);
        loan.returned = true;
        for _ in 0..unused.requests {
            let at = self.admissions.iter().rposition(|at| *at == loan.last);
            self.admissions.swap_remove(at.unwrap());
        }
        self.close(&told.lease);
    }

    /// One that is over, of which all has ended, holds nothing.
    fn close(&mut self, lease: &str) {
        let loan = &self.loans[lease];
        if loan.returned && loan.left.requests == 0 {
            assert_eq!(loan.left.bound, Nanos::ZERO, "nobody's money");
            self.loans.remove(lease);
        }
    }

    fn lose(&mut self, lease: String, record: &Record) {
        let loan = self.loans.remove(&lease).unwrap();
        assert_eq!(record.draft.outcome, Outcome::LeaseLost);
        assert_eq!(
            (record.cost, record.count),
            (loan.left.bound, loan.left.requests)
        );
        self.lost_requests += record.count;
        self.charge(loan.day, record);
        let before = self.lost.insert(lease, loan.day);
        assert_eq!(before, None, "a lease was lost twice");
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
            .filter(|admitted| **admitted >= begin);
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
        let loans = self.loans.values().filter(|loan| loan.day == day);
        let leased: i128 = loans.map(|loan| i128::from(loan.left.bound.get())).sum();
        of_day.map(|open| open.bound).sum::<i128>() + leased
    }

    pub(crate) fn open(&self) -> usize {
        self.open.len() + self.loans.len()
    }

    /// Everything charged.
    pub(crate) fn charged(&self) -> i128 {
        self.days.values().sum()
    }
}
