//! What a governor knows, and how an event changes it. Pure and total: the same events give the
//! same state, live or replayed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Id;
use super::alerts::{Alert, Alerts};
use super::budget::Total;
use super::calendar::Periods;
use super::command::{Target, Tokens, Versions};
use super::defaults::LeftOut;
use super::demand::{FlowHold, Holds, MoneyHold, Quantity};
use super::idempotency::Named;
use super::journal::{Call, Chain, Entry, Event, Reserved, Settled};
use super::lease::held::{Leases, Lost};
use super::meters::Meters;
use super::recent::{
    KEEP_ACTS, KEEP_CHANGES, KEEP_ENDED, KEEP_FORGOTTEN, KEEP_LOST, KEEP_PAYMENTS, KEEP_REFUSED,
    Recent,
};
use super::refusals::Refusals;
use super::reservations::{Reservation, Reservations};
use super::rules::{Rules, Scope};
use super::switches::Switches;
use crate::money::Nanos;

/// A request that was admitted and has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Its draft's `at`.
    pub(super) arrived: u64,
    /// What it was charged when it expired, until a late settlement corrects that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expired: Option<Expired>,
}

/// A charge that a late settlement may correct.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Expired {
    pub(super) charged: Nanos,
    /// Whom it was charged to.
    pub(super) money: Vec<MoneyHold>,
}

/// Everything a governor knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The time of the last event; never goes back.
    clock: u64,
    pub(super) chain: Chain,
    pub(super) versions: Versions,
    pub(super) rules: Rules,
    /// What of them the deployment's configuration says, where it says something.
    #[serde(default, skip_serializing_if = "LeftOut::is_empty")]
    pub(super) left_out: LeftOut,
    /// The periods that the clock is in.
    pub(super) periods: Periods,
    /// Whether any request was ever counted in them.
    pub(super) used: bool,
    /// Keys refused for ever. Never purged: as many as the org has ever revoked.
    pub(super) revoked: BTreeSet<String>,
    /// Keys refused from a moment on, for ever, Unix milliseconds. Never purged either.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) expiring: BTreeMap<String, u64>,
    pub(super) changes: Recent<()>,
    #[serde(default = "Recent::new")]
    pub(super) acts: Recent<()>,
    pub(super) meters: Meters,
    pub(super) alerts: Alerts,
    /// Everything ever charged.
    pub(super) charged: Total,
    /// The bounds of all open reservations.
    pub(super) reserved: Total,
    /// What was paid in and not spent since, once anything was.
    pub(super) credits: Option<Total>,
    pub(super) payments: Recent<()>,
    pub(super) open: Reservations,
    #[serde(default)]
    pub(super) leases: Leases,
    #[serde(default = "Recent::new")]
    pub(super) lost: Recent<Lost>,
    /// Users, by digest, and when they were forgotten: requests of before must not name them.
    #[serde(default = "Recent::new")]
    pub(super) forgotten_people: Recent<u64>,
    pub(super) ended: Recent<Ended>,
    /// The latest arrival among the ended requests whose ids are forgotten.
    forgotten: Option<u64>,
    /// Refused requests, with what they were told.
    pub(super) refused: Recent<super::command::Refusal>,
    pub(super) refusals: Refusals,
    pub(super) named: Named,
    #[serde(default)]
    pub(super) switches: Switches,
    /// Of the root: no copy of its switches is good longer.
    #[serde(default)]
    pub(super) copied_until: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            clock: 0,
            chain: Chain::new(),
            versions: Versions::default(),
            rules: Rules::default(),
            left_out: LeftOut::new(),
            periods: Periods::default(),
            used: false,
            revoked: BTreeSet::new(),
            expiring: BTreeMap::new(),
            changes: Recent::new(),
            acts: Recent::new(),
            meters: Meters::default(),
            alerts: Alerts::default(),
            charged: Total::default(),
            reserved: Total::default(),
            credits: None,
            payments: Recent::new(),
            open: Reservations::default(),
            leases: Leases::default(),
            lost: Recent::new(),
            forgotten_people: Recent::new(),
            ended: Recent::new(),
            forgotten: None,
            refused: Recent::new(),
            refusals: Refusals::default(),
            named: Named::new(),
            switches: Switches::default(),
            copied_until: 0,
        }
    }

    /// The governor's own time: the caller's, unless that went back.
    pub(super) fn time(&self, now: u64) -> u64 {
        self.clock.max(now)
    }

    /// Whether a key is good no longer.
    pub(super) fn refuses_key(&self, key: &str, at: u64) -> bool {
        self.revoked.contains(key) || self.expiring.get(key).is_some_and(|end| *end <= at)
    }

    /// Whether a request that arrived at `arrived` and is not known may have ended and been forgotten.
    pub(super) fn may_be_forgotten(&self, arrived: u64) -> bool {
        self.forgotten.is_some_and(|latest| arrived <= latest)
    }

    /// Takes an entry in.
    pub(super) fn apply(&mut self, entry: Entry) {
        let at = self.time(entry.at);
        self.clock = at;
        if let Some(periods) = entry.periods {
            self.periods = periods;
        }
        if let Some(hash) = entry.head {
            self.chain.advance(hash);
        }
        if let Some(rules) = self.rules_after(&entry.event) {
            self.rules = rules;
            self.drop_meters();
        }
        match entry.event {
            Event::Activated(activate) => {
                self.versions.config = activate.version;
                self.left_out = activate.left_out;
            }
            Event::Administered { id } => self.acts.insert(at, id, ()),
            Event::Adopted(edition) => {
                self.switches.adopt(edition);
                self.versions.deployment = self.switches.copied.deployment_version();
            }
            Event::Copied { until } => self.copied_until = until,
            Event::CorpusChanged { id } => {
                self.versions.corpus = self.versions.corpus.saturating_add(1);
                self.changes.insert(at, id, ());
            }
            Event::Corrected {
                request,
                cost,
                part,
            } => match part {
                Some(part) => self.correct_part(&part, cost, at),
                None => self.correct(&request, cost, at),
            },
            Event::Delivered { id } => self.alerts.deliver(id),
            Event::Detached { part, reserved } => self.detach(&part, *reserved),
            Event::Expired { request } => self.expire(&request, at),
            Event::Extended {
                request,
                step,
                by,
                target,
                purpose,
            } => match purpose {
                Some(purpose) => {
                    self.repurpose(&request, step, (&purpose, target, by), at);
                }
                None => self.extend(&request, step, by, target.as_ref(), at),
            },
            Event::Forgotten { id, user } => {
                self.open.forget(&user);
                // Anew, since who is known keeps the place of the first time.
                self.forgotten_people.remove(&user);
                self.forgotten_people.insert(at, user.as_str().into(), at);
                self.acts.insert(at, id, ());
            }
            Event::KeyExpires { key, at } => {
                self.expiring.insert(key, at);
            }
            Event::KeyRevoked { key } => {
                self.revoked.insert(key);
            }
            Event::LeaseLost { lease } => self.lose(&lease, at),
            Event::Refused(refused) => {
                self.refusals.add(&refused, at);
                self.refused.insert(at, refused.request, refused.reason);
            }
            Event::Renewed { request, deadline } => {
                if let Some(mut reservation) = self.open.remove(&request) {
                    reservation.deadline = deadline;
                    self.open.insert(request, reservation);
                }
            }
            Event::Reserved(reserved) => self.reserve(*reserved, at),
            Event::Returned(told) => self.give_back(&told, at),
            Event::Settled(settled) => self.settle(&settled, at),
            Event::Summarised { tally } => self.refusals.close(&tally),
            Event::ToppedUp(payment) => {
                let balance = self.credits.unwrap_or_default();
                self.credits = Some(balance.plus(payment.amount));
                self.payments.insert(at, payment.id.as_str().into(), ());
            }
            Event::Turned(turn) => self.switches.turn(turn, at),
            Event::Warned { config } => self.alerts.warn(config, at),
        }
        self.forget(at);
    }

    /// Purges what is too old or too much.
    fn forget(&mut self, at: u64) {
        let forgotten = &mut self.forgotten;
        self.ended.forget(at, KEEP_ENDED, |ended| {
            *forgotten = (*forgotten).max(Some(ended.arrived));
        });
        self.refused.forget(at, KEEP_REFUSED, drop);
        self.lost.forget(at, KEEP_LOST, drop);
        self.forgotten_people.forget(at, KEEP_FORGOTTEN, drop);
        self.changes.forget(at, KEEP_CHANGES, drop);
        self.payments.forget(at, KEEP_PAYMENTS, drop);
        self.acts.forget(at, KEEP_ACTS, drop);
        self.refusals.forget(at);
        self.named.forget(at);
        self.meters.forget(&self.periods, at);
    }

    /// Drops the counters that the rules do not ask for any more, and all that refers to them: what
    /// begins to be counted again later must not be corrected by what went before.
    fn drop_meters(&mut self) {
        let (families, accounts) = (self.rules.families(), self.rules.accounts());
        self.meters.keep(&families, &accounts);
        let keep = |Holds { flows, money }: &mut Holds| {
            flows.retain(|hold| families.contains(&hold.family));
            money.retain(|hold| accounts.contains(&hold.account));
        };
        self.open
            .for_each(|reservation| keep(&mut reservation.holds));
        self.leases.for_each(|lease| keep(&mut lease.holds));
        self.lost
            .for_each(|lost| lost.money.retain(|hold| accounts.contains(&hold.account)));
        self.ended.for_each(|ended| {
            if let Some(expired) = &mut ended.expired {
                expired
                    .money
                    .retain(|hold| accounts.contains(&hold.account));
            }
        });
    }

    fn reserve(&mut self, reserved: Reserved, at: u64) {
        self.used = true;
        if let Some(leased) = reserved.lease {
            self.lend(&reserved, &leased, at);
        }
        let request = Id::from(reserved.draft.request.as_str());
        let mut reservation = Reservation {
            draft: reserved.draft,
            subjects: reserved.subjects,
            target: reserved.target,
            tokens: reserved.tokens,
            bound: reserved.bound,
            holds: Holds::default(),
            name: reserved.idempotency.as_ref().map(|it| it.name.clone()),
            deadline: reserved.deadline,
            steps: BTreeSet::new(),
        };
        if let Some(idempotency) = &reserved.idempotency {
            let (name, body) = (&idempotency.name, &idempotency.body);
            self.named.begin(at, name, body, &request);
        }
        self.hold(&mut reservation, None, at);
        if let Some(target) = reservation.target.clone() {
            self.hold(&mut reservation, Some(&target), at);
        }
        self.reserved = self.reserved.plus(reservation.bound);
        self.open.insert(request, reservation);
    }

    /// Counts a reservation where it is not counted yet; as a request of its target, anew.
    fn hold(&mut self, reservation: &mut Reservation, target: Option<&Target>, at: u64) {
        let demand = reservation.demand();
        let moment = (&self.periods, at);
        let places = self.meters.places(&self.rules, &demand, target, moment);
        let places = reservation.holds.without(places);
        let held = |measure| demand.amount(measure);
        self.meters.flow_in(&places.flows, held, at);
        for hold in &places.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.reserve(hold.from, reservation.bound);
        }
        reservation.holds.flows.extend(places.flows);
        reservation.holds.money.extend(places.money);
    }

    fn extend(
        &mut self,
        request: &Id,
        step: Option<u32>,
        by: Nanos,
        target: Option<&Target>,
        at: u64,
    ) {
        let Some(mut reservation) = self.open.remove(request) else {
            return;
        };
        for hold in &reservation.holds.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.raise(hold.from, by);
        }
        let held = |reservation: &Reservation| reservation.demand().cost();
        let before = held(&reservation);
        reservation.bound = reservation.bound.saturating_add(by);
        let more = held(&reservation).saturating_sub(before);
        self.meters.flow_up(&reservation.holds.flows, more, at);
        reservation.steps.extend(step);
        self.reserved = self.reserved.plus(by);
        if target.is_some() {
            self.hold(&mut reservation, target, at);
        }
        self.open.insert(request.clone(), reservation);
    }

    fn settle(&mut self, settled: &Settled, at: u64) {
        self.used = true;
        let request = &settled.request;
        self.charged = self.charged.plus(settled.cost);
        self.credits = self.credits.map(|balance| balance.minus(settled.cost));
        if let Some(part) = &settled.part {
            // Its lease remembers that it has ended.
            return self.settle_part(part, settled, at);
        }
        match self.open.remove(request) {
            Some(reservation) => {
                self.release(&reservation, at, |hold| {
                    Some(share(&hold.family.scope, &hold.place, settled))
                });
                for hold in &reservation.holds.money {
                    let used = share(&hold.account.0, &hold.place, settled);
                    self.charge(hold, used.cost, at);
                }
                if let Some(name) = &reservation.name {
                    self.named.end(name, request, settled.kept.then_some(at));
                }
            }
            None => {
                for hold in &settled.unreserved {
                    self.charge(hold, settled.cost, at);
                }
            }
        }
        let ended = Ended {
            arrived: settled.arrived,
            expired: None,
        };
        self.ended.insert(at, request.clone(), ended);
    }

    fn expire(&mut self, request: &Id, at: u64) {
        let Some(reservation) = self.open.remove(request) else {
            return;
        };
        self.release(&reservation, at, |_| None);
        let charged = reservation.bound;
        self.charged = self.charged.plus(charged);
        self.credits = self.credits.map(|balance| balance.minus(charged));
        for hold in &reservation.holds.money {
            self.charge(hold, charged, at);
        }
        if let Some(name) = &reservation.name {
            self.named.end(name, request, None);
        }
        let money = reservation.holds.money;
        let ended = Ended {
            arrived: reservation.draft.at,
            expired: Some(Expired { charged, money }),
        };
        self.ended.insert(at, request.clone(), ended);
    }

    fn correct(&mut self, request: &Id, cost: Nanos, at: u64) {
        let expired = self.ended.get_mut(request).and_then(|it| it.expired.take());
        if let Some(expired) = expired {
            self.charged = self.charged.plus(cost);
            self.credits = self.credits.map(|balance| balance.minus(cost));
            for hold in &expired.money {
                self.charge(hold, cost, at);
            }
        }
    }

    /// Gives back what is held for a reservation; what it used of flows stays.
    fn release(
        &mut self,
        reservation: &Reservation,
        at: u64,
        used: impl Fn(&FlowHold) -> Option<Quantity>,
    ) {
        let demand = reservation.demand();
        let held = |measure| demand.amount(measure);
        self.meters
            .flow_out(&reservation.holds.flows, held, used, at);
        for hold in &reservation.holds.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.release(hold.from, reservation.bound);
        }
        self.reserved = self.reserved.minus(reservation.bound);
    }

    /// Charges a place, and raises the alerts of the thresholds it reaches.
    pub(super) fn charge(&mut self, hold: &MoneyHold, cost: Nanos, at: u64) {
        let MoneyHold {
            account,
            place,
            from,
        } = hold;
        let current = self.periods.of(account.1).from;
        let purse = self.meters.purse(account, place);
        purse.charge(*from, current, cost);
        let Some(spending) = purse.period_mut(*from) else {
            return;
        };
        for budget in self.rules.budgets_of(account, place) {
            for &threshold in &budget.thresholds {
                if spending.reaches(&budget.name, budget.amount, threshold) {
                    self.alerts.raise(Alert {
                        id: 0,
                        at,
                        budget: budget.name.clone(),
                        per: account.0.clone(),
                        subject: place.to_string(),
                        period: account.1.as_str().to_owned(),
                        threshold,
                        spent: spending.spent.to_nanos(),
                        limit: budget.amount,
                        config: None,
                    });
                }
            }
        }
    }
}

/// What of a settled request a place is charged with: all of it, or what its model or provider used;
/// nothing where it was not reached.
fn share(scope: &Scope, place: &str, settled: &Settled) -> Quantity {
    if let Scope::Gate(gate, _) = scope
        && settled.unreached.contains(gate)
    {
        return Quantity::default();
    }
    let is_of = |call: &&Call| match scope {
        Scope::Model => call.target.model == place,
        _ => call.target.provider == place,
    };
    if !scope.is_of_target() {
        return Quantity::one(settled.tokens, settled.cost);
    }
    let none = Quantity::one(Tokens::default(), Nanos::ZERO);
    let calls = settled.calls.iter().filter(is_of);
    calls.fold(none, |sum, call| Quantity {
        tokens: Tokens {
            input: sum.tokens.input.saturating_add(call.tokens.input),
            output: sum.tokens.output.saturating_add(call.tokens.output),
        },
        cost: sum.cost.saturating_add(call.cost),
        ..sum
    })
}
