//! What a request asks of the limits, and where it is counted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Id;
use super::command::{Subjects, Target, Tokens};
use super::rules::{Budget, Limit, Measure, Period, Rules, Scope, Window};
use super::window::Gauge;
use crate::audit::Draft;
use crate::money::Nanos;

/// What is counted together: limits that differ only in their size, name or `only` share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Family {
    pub(super) scope: Scope,
    pub(super) measure: Measure,
    /// The size of a token bucket, whose level means nothing for another size; 0 for the others.
    size: u64,
}

impl Family {
    pub(super) fn of(limit: &Limit) -> Self {
        Self {
            scope: limit.per.clone(),
            measure: limit.measure,
            size: size(limit),
        }
    }

    /// Whether `limit` is one of these.
    fn counts(&self, limit: &Limit) -> bool {
        limit.per == self.scope && limit.measure == self.measure && size(limit) == self.size
    }

    /// Whether it belongs to a gate, which refuses nobody.
    pub(super) const fn is_gate(&self) -> bool {
        matches!(self.scope, Scope::Gate(..))
    }

    /// How it is counted. The limit matters where something is compared with it, and for a token
    /// bucket always.
    pub(super) fn gauge(&self, limit: u64) -> Gauge {
        let limit = if self.size > 0 { self.size } else { limit };
        Gauge::new(self.measure.pace(), limit)
    }
}

fn size(limit: &Limit) -> u64 {
    let pace = limit.measure.pace();
    let is_bucket = pace.is_some_and(|pace| pace.window == Window::TokenBucket);
    if is_bucket { limit.limit } else { 0 }
}

/// Whose money of which period is counted together.
pub(super) type Account = (Scope, Period);

impl Rules {
    /// What the limits count.
    pub(super) fn families(&self) -> BTreeSet<Family> {
        self.limits.iter().map(Family::of).collect()
    }

    /// What the budgets count, and always what the whole org spends.
    pub(super) fn accounts(&self) -> BTreeSet<Account> {
        let org = Period::ALL.map(|period| (Scope::Org, period));
        let budgets = self.budgets.iter();
        let accounts = budgets.map(|budget| (budget.per.clone(), budget.period));
        org.into_iter().chain(accounts).collect()
    }

    /// The limits of a family that speak of a subject: those that name it, else the general ones.
    pub(super) fn limits_of<'a>(
        &'a self,
        family: &'a Family,
        subject: &'a str,
    ) -> impl Iterator<Item = &'a Limit> {
        let ours = self.limits.iter().filter(|limit| family.counts(limit));
        speaking_of(subject, ours, |limit| limit.only.as_deref())
    }

    /// The budgets of an account that speak of a subject: those that name it, else the general ones.
    pub(super) fn budgets_of<'a>(
        &'a self,
        account: &'a Account,
        subject: &'a str,
    ) -> impl Iterator<Item = &'a Budget> {
        let (scope, period) = account;
        let ours = move |budget: &&Budget| budget.per == *scope && budget.period == *period;
        let ours = self.budgets.iter().filter(ours);
        speaking_of(subject, ours, |budget| budget.only.as_deref())
    }

    /// Whether a rule speaks of models or providers.
    pub(super) fn guards_targets(&self) -> bool {
        let limits = self.limits.iter().map(|limit| &limit.per);
        let budgets = self.budgets.iter().map(|budget| &budget.per);
        limits.chain(budgets).any(Scope::is_of_target)
    }
}

/// Of rules that count the same those that name the subject, else those that name nobody.
fn speaking_of<'a, R: 'a>(
    subject: &'a str,
    rules: impl Iterator<Item = &'a R> + Clone,
    only: fn(&R) -> Option<&str>,
) -> impl Iterator<Item = &'a R> {
    let is_named = rules.clone().any(|rule| only(rule) == Some(subject));
    rules.filter(move |rule| only(rule) == is_named.then_some(subject))
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand<'a> {
    pub(super) draft: &'a Draft,
    pub(super) subjects: &'a Subjects,
    pub(super) tokens: Tokens,
    /// The worst it may cost.
    pub(super) bound: Nanos,
}

impl Demand<'_> {
    /// The subject of a scope. Those of models and providers are `target`'s; without one such a rule
    /// does not speak of the request yet. A gate never speaks of a request that does not name it.
    pub(super) fn subject<'a>(
        &'a self,
        scope: &Scope,
        target: Option<&'a Target>,
    ) -> Option<&'a str> {
        let named = |values: &'a std::collections::BTreeMap<String, String>, name: &str| {
            values.get(name).map_or("", String::as_str)
        };
        Some(match scope {
            Scope::Address => &self.subjects.address,
            Scope::Gate(name, per) => {
                let goes_through = self.subjects.gates.contains(name);
                return goes_through.then(|| self.subject(per, target)).flatten();
            }
            Scope::Header(name) => named(&self.subjects.headers, name),
            Scope::Key => &self.draft.key,
            Scope::Metadata(name) => named(&self.subjects.metadata, name),
            Scope::Model => return target.map(|target| target.model.as_str()),
            Scope::Operation => &self.draft.operation,
            Scope::Org => "",
            Scope::Provider => return target.map(|target| target.provider.as_str()),
            Scope::Tier => &self.draft.tier,
            Scope::User => &self.subjects.user,
        })
    }

    /// How much of a measure it needs. Always something, so that it has a place to be corrected in.
    pub(super) fn amount(&self, measure: Measure) -> u64 {
        Quantity::one(self.tokens, self.bound).of(measure).max(1)
    }

    /// What is held of measures that count costs.
    pub(super) fn cost(&self) -> u64 {
        units(self.bound).max(1)
    }
}

/// What is used of all that is measured, or likely to be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quantity {
    pub(super) requests: u64,
    pub(super) tokens: Tokens,
    pub(super) cost: Nanos,
}

impl Quantity {
    /// What one request uses.
    pub(super) const fn one(tokens: Tokens, cost: Nanos) -> Self {
        Self {
            requests: 1,
            tokens,
            cost,
        }
    }

    /// How much of a measure it is.
    pub(super) fn of(self, measure: Measure) -> u64 {
        match measure {
            Measure::Concurrent | Measure::Requests(_) => self.requests,
            Measure::Cost(_) => units(self.cost),
            Measure::InputTokens(_) => self.tokens.input,
            Measure::OutputTokens(_) => self.tokens.output,
            Measure::Tokens(_) => self.tokens.input.saturating_add(self.tokens.output),
        }
    }
}

/// Nano-dollars; none of a negative amount.
fn units(amount: Nanos) -> u64 {
    u64::try_from(amount.get()).unwrap_or_default()
}

/// Where a reservation is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holds {
    pub(super) flows: Vec<FlowHold>,
    pub(super) money: Vec<MoneyHold>,
}

impl Holds {
    /// Those of `places` that are not held yet. A request counts anew wherever it is sent.
    pub(super) fn without(&self, places: Self) -> Self {
        let is_new_flow = |hold: &FlowHold| {
            let same = |other: &FlowHold| other.family == hold.family && other.place == hold.place;
            matches!(hold.family.measure, Measure::Requests(_)) || !self.flows.iter().any(same)
        };
        let is_new_money = |hold: &MoneyHold| {
            let same =
                |other: &MoneyHold| other.account == hold.account && other.place == hold.place;
            !self.money.iter().any(same)
        };
        Self {
            flows: places.flows.into_iter().filter(is_new_flow).collect(),
            money: places.money.into_iter().filter(is_new_money).collect(),
        }
    }
}

/// What becomes of holds where something is to be counted elsewhere.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// What is held already and goes on to be.
    pub(super) stays: Holds,
    /// What is to be held besides.
    pub(super) comes: Holds,
    /// What is no longer to be held.
    pub(super) goes: Holds,
}

impl Holds {
    /// Holds in `places`, and nowhere else.
    pub(super) fn moved(&self, places: Self) -> Moved {
        let same_flow = |one: &FlowHold, other: &FlowHold| {
            (&one.family, &one.place) == (&other.family, &other.place)
        };
        let same_money = |one: &MoneyHold, other: &MoneyHold| {
            (&one.account, &one.place) == (&other.account, &other.place)
        };
        let (flows, gone_flows) = self.flows.iter().cloned().partition(|held| {
            let mut places = places.flows.iter();
            places.any(|place| same_flow(held, place))
        });
        let (money, gone_money) = self.money.iter().cloned().partition(|held| {
            let mut places = places.money.iter();
            places.any(|place| same_money(held, place))
        });
        let mut comes = places;
        comes
            .flows
            .retain(|place| !self.flows.iter().any(|held| same_flow(held, place)));
        comes
            .money
            .retain(|place| !self.money.iter().any(|held| same_money(held, place)));
        Moved {
            stays: Self { flows, money },
            comes,
            goes: Self {
                flows: gone_flows,
                money: gone_money,
            },
        }
    }

    /// Both together.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.flows.extend(other.flows);
        self.money.extend(other.money);
        self
    }
}

/// A place in a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FlowHold {
    pub(super) family: Family,
    pub(super) place: Id,
    /// When it was counted.
    pub(super) at: u64,
}

/// A place of money, in the period from an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MoneyHold {
    pub(super) account: Account,
    pub(super) place: Id,
    pub(super) from: u64,
}
