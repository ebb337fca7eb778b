//! All counters of an org: what flows and what is spent, by family and subject.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Id;
use super::budget::{Purse, Spending};
use super::calendar::Periods;
use super::command::{Closed, Refusal, Target};
use super::decide::Moment;
use super::demand::{Account, Demand, Family, FlowHold, Holds, MoneyHold, Quantity};
use super::rules::{Budget, Limit, Measure, Rules, Scope, WhenSpent};
use super::table::Table;
use super::window::Flow;
use crate::money::Nanos;

/// The counters of an org.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Meters {
    pub(super) flows: Table<Family, Flow>,
    pub(super) purses: Table<Account, Purse>,
}

/// Why money is not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// The request is refused.
    Refused(Refusal),
    /// The request is to be planned for this route.
    Downgrade(String),
}

/// What is asked of budgets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price<'a> {
    pub(super) amount: Nanos,
    /// Whether the answer comes from the cache.
    pub(super) cached: bool,
    /// Whether nobody knows what it costs.
    pub(super) unknown: bool,
    /// The cheaper route that the request was planned for.
    pub(super) route: Option<&'a str>,
}

impl<'a> Price<'a> {
    pub(super) const fn more(amount: Nanos, route: Option<&'a str>) -> Self {
        Self {
            amount,
            cached: false,
            unknown: false,
            route,
        }
    }
}

impl Meters {
    /// Where a request is counted: by rules that know their subject without a target, or with one by
    /// those that need it.
    pub(super) fn places(
        &self,
        rules: &Rules,
        demand: &Demand<'_>,
        target: Option<&Target>,
        (periods, at): (&Periods, u64),
    ) -> Holds {
        let by_target = target.is_some();
        let flows = rules.families().into_iter().filter_map(|family| {
            let subject = demand.subject(&family.scope, target)?;
            let place = self.flows.place(&family, subject);
            (family.scope.is_of_target() == by_target).then_some(FlowHold { family, place, at })
        });
        let money = rules.accounts().into_iter().filter_map(|account| {
            let subject = demand.subject(&account.0, target)?;
            let place = self.purses.place(&account, subject);
            let from = periods.of(account.1).from;
            (account.0.is_of_target() == by_target).then_some(MoneyHold {
                account,
                place,
                from,
            })
        });
        Holds {
            flows: flows.collect(),
            money: money.collect(),
        }
    }

    /// The limit that a request of these tokens has to wait for longest, or can never meet.
    pub(super) fn flow_refusal(
        &self,
        rules: &Rules,
        flows: &[FlowHold],
        demand: &Demand<'_>,
        at: u64,
    ) -> Option<Refusal> {
        let mut longest = None;
        let ours = flows.iter().filter(|hold| !hold.family.is_gate());
        for FlowHold { family, place, .. } in ours {
            let needed = demand.amount(family.measure);
            for limit in rules.limits_of(family, place) {
                let counts_tokens =
                    !matches!(family.measure, Measure::Concurrent | Measure::Requests(_));
                if counts_tokens && needed > limit.limit {
                    return Some(Refusal::TooLarge {
                        limit: limit.name.clone(),
                        most: limit.limit,
                        needed,
                    });
                }
                let wait = self.wait(family, place, limit, needed, at);
                longest = longest.max(wait.map(|wait| (wait, limit.name.clone())));
            }
        }
        longest.map(|(retry_after_ms, limit)| Refusal::RateLimited {
            limit,
            retry_after_ms,
        })
    }

    /// The gates that a request asks to go through and that do not let it.
    pub(super) fn closed_gates(
        &self,
        rules: &Rules,
        places: &Holds,
        demand: &Demand<'_>,
        moment: Moment<'_>,
    ) -> Vec<Closed> {
        let closed = |gate: &str, wait: u64| Closed {
            gate: gate.to_owned(),
            retry_after_ms: (wait < u64::MAX).then_some(wait),
        };
        let flows = places.flows.iter().filter_map(|hold| {
            let Scope::Gate(gate, _) = &hold.family.scope else {
                return None;
            };
            let needed = demand.amount(hold.family.measure);
            let wait = |limit: &Limit| {
                if needed > limit.limit {
                    return Some(u64::MAX);
                }
                self.wait(&hold.family, &hold.place, limit, needed, moment.at)
            };
            let limits = rules.limits_of(&hold.family, &hold.place);
            let wait = limits.filter_map(wait).max()?;
            Some(closed(gate, wait))
        });
        let money = places.money.iter().filter_map(|hold| {
            let (Scope::Gate(gate, _), period) = &hold.account else {
                return None;
            };
            let spending = self.spending(hold);
            let mut budgets = rules.budgets_of(&hold.account, &hold.place);
            let spent = |budget: &Budget| !spending.carries(budget.amount, demand.bound);
            if !budgets.any(spent) {
                return None;
            }
            let until = moment.periods.of(*period).until;
            let wait = until.checked_sub(moment.at).filter(|_| until < u64::MAX);
            Some(closed(gate, wait.unwrap_or(u64::MAX)))
        });
        flows.chain(money).collect()
    }

    /// Milliseconds until a limit has room; `None` where it has.
    fn wait(
        &self,
        family: &Family,
        place: &Id,
        limit: &Limit,
        needed: u64,
        at: u64,
    ) -> Option<u64> {
        let gauge = family.gauge(limit.limit);
        if needed > limit.limit {
            return Some(gauge.length());
        }
        let nothing = Flow::new(gauge);
        let flow = self.flows.get(family, place).unwrap_or(&nothing);
        flow.wait(gauge, needed, at)
    }

    /// Why budgets do not carry a price: the first that refuses, else the first that downgrades.
    pub(super) fn money_refusal(
        &self,
        rules: &Rules,
        money: &[MoneyHold],
        price: Price<'_>,
    ) -> Option<Spent> {
        let mut downgrade = None;
        for hold in money {
            let spending = self.spending(hold);
            for budget in rules.budgets_of(&hold.account, &hold.place) {
                match stance(budget, &spending, price) {
                    Some(Spent::Downgrade(route)) => {
                        downgrade = downgrade.or(Some(Spent::Downgrade(route)));
                    }
                    Some(refused) => return Some(refused),
                    None => {}
                }
            }
        }
        downgrade
    }

    /// What a place has spent and holds.
    pub(super) fn spending(&self, hold: &MoneyHold) -> Spending {
        let purse = self.purses.get(&hold.account, &hold.place);
        purse
            .map(|purse| purse.period(hold.from))
            .unwrap_or_default()
    }

    /// Counts in flows, at the instants of the holds, how much of each measure is `held`.
    pub(super) fn flow_in(&mut self, flows: &[FlowHold], held: impl Fn(Measure) -> u64, at: u64) {
        for hold in flows {
            let gauge = hold.family.gauge(0);
            let amount = held(hold.family.measure);
            let flow = self
                .flows
                .entry(&hold.family, &hold.place, || Flow::new(gauge));
            flow.add(gauge, amount, hold.at, at);
        }
    }

    /// Counts in flows, at the instants of the holds, what is held besides for higher costs.
    pub(super) fn flow_up(&mut self, flows: &[FlowHold], by: u64, at: u64) {
        let costs = |hold: &&FlowHold| matches!(hold.family.measure, Measure::Cost(_));
        for hold in flows.iter().filter(costs) {
            let gauge = hold.family.gauge(0);
            let flow = self
                .flows
                .entry(&hold.family, &hold.place, || Flow::new(gauge));
            flow.correct(gauge, (0, by), hold.at, at);
        }
    }

    /// Takes out of flows what was held and came to nothing.
    pub(super) fn flow_back(
        &mut self,
        flows: &[FlowHold],
        unused: impl Fn(Measure) -> u64,
        at: u64,
    ) {
        self.flow_change(flows, |measure| (unused(measure), 0), at);
    }

    /// Replaces the first of two amounts, which was held of flows, by the second.
    pub(super) fn flow_change(
        &mut self,
        flows: &[FlowHold],
        amounts: impl Fn(Measure) -> (u64, u64),
        at: u64,
    ) {
        for hold in flows {
            let gauge = hold.family.gauge(0);
            let amounts = amounts(hold.family.measure);
            let flow = self
                .flows
                .entry(&hold.family, &hold.place, || Flow::new(gauge));
            flow.correct(gauge, amounts, hold.at, at);
        }
    }

    /// Replaces what was held of flows by what was used; what is no longer under way leaves.
    pub(super) fn flow_out(
        &mut self,
        flows: &[FlowHold],
        held: impl Fn(Measure) -> u64,
        used: impl Fn(&FlowHold) -> Option<Quantity>,
        at: u64,
    ) {
        for hold in flows {
            let family = &hold.family;
            let held = held(family.measure);
            let actual = match (family.measure, used(hold)) {
                (Measure::Concurrent, _) => 0,
                (measure, Some(used)) => used.of(measure),
                (_, None) => continue,
            };
            if matches!(family.measure, Measure::Requests(_)) && actual >= held {
                continue;
            }
            let gauge = family.gauge(0);
            // What was held may have drained and been swept out: what was used beyond it counts now.
            let flow = self.flows.entry(family, &hold.place, || Flow::new(gauge));
            flow.correct(gauge, (held, actual), hold.at, at);
        }
    }

    /// The purse of a place.
    pub(super) fn purse(&mut self, account: &Account, place: &Id) -> &mut Purse {
        self.purses.entry(account, place, Purse::default)
    }

    /// Drops what rules do not ask for any more.
    pub(super) fn keep(&mut self, families: &BTreeSet<Family>, accounts: &BTreeSet<Account>) {
        self.flows.keep(families);
        self.purses.keep(accounts);
    }

    /// Sweeps out what says nothing any more.
    pub(super) fn forget(&mut self, periods: &Periods, at: u64) {
        self.flows
            .sweep(|family, flow| flow.is_idle(family.gauge(0), at));
        self.purses
            .sweep(|(_, period), purse| purse.forget(periods.of(*period).from));
    }
}

/// What a budget says to a price, where it does not let it pass.
fn stance(budget: &Budget, spending: &Spending, price: Price<'_>) -> Option<Spent> {
    let exhausted = |cache_only| {
        Some(Spent::Refused(Refusal::BudgetExhausted {
            budget: budget.name.clone(),
            cache_only,
        }))
    };
    if price.unknown && budget.when_spent != WhenSpent::Allow {
        return Some(Spent::Refused(Refusal::Unpriced));
    }
    if price.cached {
        let barred = budget.when_spent == WhenSpent::Refuse && spending.exhausts(budget.amount);
        if barred {
            return exhausted(false);
        }
    }
    if price.cached && price.amount == Nanos::ZERO {
        return None;
    }
    if price.amount < Nanos::ZERO {
        return exhausted(false);
    }
    if spending.carries(budget.amount, price.amount) {
        return None;
    }
    match &budget.when_spent {
        WhenSpent::Allow => None,
        WhenSpent::CacheOnly => exhausted(true),
        // One that was downgraded goes on, whichever budget asked for it.
        WhenSpent::Downgrade(_) if price.route.is_some() => None,
        WhenSpent::Downgrade(route) => Some(Spent::Downgrade(route.clone())),
        WhenSpent::Refuse => exhausted(false),
    }
}
