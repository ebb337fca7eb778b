//! The live state of limits and budgets, for callers and administrators.

use super::budget::Spending;
use super::command::{BudgetState, CreditState, LimitState, State as Shown};
use super::decide::Moment;
use super::demand::{Account, Family, Holds};
use super::rules::{Budget, Limit, Period, Scope, WhenSpent};
use super::state::State;
use super::window::Flow;

/// What is left where a request is counted. Gates are left out, since they refuse nobody.
pub(super) fn of_places(state: &State, places: &Holds, moment: Moment<'_>) -> Shown {
    of_some(state, places, moment, |scope| !is_gate(scope))
}

/// What is left at the gates that a request names.
pub(super) fn of_gates(state: &State, places: &Holds, moment: Moment<'_>) -> Shown {
    of_some(state, places, moment, is_gate)
}

const fn is_gate(scope: &Scope) -> bool {
    matches!(scope, Scope::Gate(..))
}

fn of_some(state: &State, places: &Holds, moment: Moment<'_>, shows: fn(&Scope) -> bool) -> Shown {
    let flows = places.flows.iter();
    let limits = flows
        .filter(|hold| shows(&hold.family.scope))
        .flat_map(|hold| {
            let flow = state.meters.flows.get(&hold.family, &hold.place);
            limits_of(state, &hold.family, &hold.place, flow, moment)
        });
    let money = places.money.iter();
    let budgets = money
        .filter(|hold| shows(&hold.account.0))
        .flat_map(|hold| {
            let spending = spending_of(state, &hold.account, &hold.place, moment);
            budgets_of(state, &hold.account, &hold.place, &spending, moment)
        });
    shown(state, limits.collect(), budgets.collect(), moment.at)
}

/// Everything, of each rule at most so many subjects: first what the whole org has spent.
pub(super) fn of_all(state: &State, most: usize, moment: Moment<'_>) -> Shown {
    let limits = state
        .rules
        .families()
        .into_iter()
        .flat_map(|family| all_limits(state, &family, most, moment));
    let org = Period::ALL.map(|period| {
        let account = (Scope::Org, period);
        let spending = spending_of(state, &account, "", moment);
        counted(&account, &spending, moment)
    });
    let budgets = state
        .rules
        .accounts()
        .into_iter()
        .flat_map(|account| all_budgets(state, &account, most, moment));
    let budgets = org.into_iter().chain(budgets);
    shown(state, limits.collect(), budgets.collect(), moment.at)
}

fn shown(state: &State, limits: Vec<LimitState>, budgets: Vec<BudgetState>, at: u64) -> Shown {
    let required = state.rules.prepaid;
    let credits = state.credits.or(required.then(Default::default));
    Shown {
        versions: state.versions,
        limits,
        budgets,
        credits: credits.map(|balance| CreditState {
            balance: balance.to_nanos(),
            reserved: state.reserved.to_nanos(),
            required,
        }),
        open_reservations: state.open.len().saturating_add(state.leases.len()) as u64,
        switches: state.switches.notice(at),
    }
}

/// A rule of the whole org is shown also while nothing was counted.
fn all_limits(state: &State, family: &Family, most: usize, moment: Moment<'_>) -> Vec<LimitState> {
    let known = state.meters.flows.subjects(family).take(most);
    let mut limits: Vec<LimitState> = known
        .flat_map(|(place, flow)| limits_of(state, family, place, Some(flow), moment))
        .collect();
    if limits.is_empty() && family.scope == Scope::Org {
        limits.extend(limits_of(state, family, "", None, moment));
    }
    limits
}

fn all_budgets(
    state: &State,
    account: &Account,
    most: usize,
    moment: Moment<'_>,
) -> Vec<BudgetState> {
    let from = moment.periods.of(account.1).from;
    let known = state.meters.purses.subjects(account).take(most);
    let mut budgets: Vec<BudgetState> = known
        .flat_map(|(place, purse)| budgets_of(state, account, place, &purse.period(from), moment))
        .collect();
    if budgets.is_empty() && account.0 == Scope::Org {
        budgets.extend(budgets_of(state, account, "", &Spending::default(), moment));
    }
    budgets
}

fn limits_of<'a>(
    state: &'a State,
    family: &'a Family,
    place: &'a str,
    flow: Option<&'a Flow>,
    moment: Moment<'a>,
) -> impl Iterator<Item = LimitState> {
    let limits = state.rules.limits_of(family, place);
    limits.map(move |limit| limit_state(limit, family, place, flow, moment.at))
}

fn limit_state(
    limit: &Limit,
    family: &Family,
    place: &str,
    flow: Option<&Flow>,
    at: u64,
) -> LimitState {
    let gauge = family.gauge(limit.limit);
    LimitState {
        name: limit.name.clone(),
        per: limit.per.clone(),
        subject: place.to_owned(),
        count: limit.measure.as_str().to_owned(),
        seconds: limit.measure.pace().map(|pace| pace.seconds),
        limit: limit.limit,
        used: flow.map_or(0, |flow| flow.used(gauge, at)),
        reset: flow.map_or(0, |flow| flow.reset(gauge, at).div_ceil(1_000)),
    }
}

fn budgets_of<'a>(
    state: &'a State,
    account: &'a Account,
    place: &'a str,
    spending: &'a Spending,
    moment: Moment<'a>,
) -> Vec<BudgetState> {
    let budgets = state.rules.budgets_of(account, place);
    let state_of = |budget: &Budget| BudgetState {
        name: budget.name.clone(),
        subject: place.to_owned(),
        limit: Some(budget.amount),
        refuses: matches!(budget.when_spent, WhenSpent::CacheOnly | WhenSpent::Refuse),
        ..counted(account, spending, moment)
    };
    budgets.map(state_of).collect()
}

/// What the whole org spent in a period.
fn counted((scope, period): &Account, spending: &Spending, moment: Moment<'_>) -> BudgetState {
    let until = moment.periods.of(*period).until;
    BudgetState {
        name: String::new(),
        per: scope.clone(),
        subject: String::new(),
        period: period.as_str().to_owned(),
        limit: None,
        spent: spending.spent.to_nanos(),
        reserved: spending.reserved.to_nanos(),
        reset: (until < u64::MAX).then(|| until.saturating_sub(moment.at).div_ceil(1_000)),
        refuses: false,
    }
}

fn spending_of(state: &State, account: &Account, place: &str, moment: Moment<'_>) -> Spending {
    let purse = state.meters.purses.get(account, place);
    let from = moment.periods.of(account.1).from;
    purse.map(|purse| purse.period(from)).unwrap_or_default()
}
