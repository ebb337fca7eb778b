//! Whether a request that is admitted gets a lease besides, and of how much.

use super::{Granted, LEASE_MS, Slice};
use crate::audit::CacheStatus;
use crate::governor::command::{Reserve, Tokens};
use crate::governor::decide::Moment;
use crate::governor::demand::{FlowHold, Holds, MoneyHold};
use crate::governor::rules::{Admission, Limit, Rules, Scope, WhenSpent, Window};
use crate::governor::state::State;
use crate::money::Nanos;

/// Of what is left a lease is at most one part of so many.
const PARTS: i128 = 100;
/// Leases that may be held at once.
const MOST_LEASES: usize = 2_000;
/// Requests of a lease.
const MOST_REQUESTS: u64 = 10_000;
/// A lease that would last shorter is none.
const SHORTEST_MS: u64 = 100;

/// The lease that comes with an admission whose request is counted at `places`.
pub(in crate::governor) fn grant(
    state: &State,
    reserve: &Reserve,
    places: &Holds,
    moment: Moment<'_>,
) -> Option<Granted> {
    let wanted = reserve.lease?;
    // Requests of a profile may ask for other models.
    let possible = state.rules.lends()
        && !state.switches.guards_targets(moment.at)
        && is_plain(reserve)
        && state.leases.len() < MOST_LEASES
        && (1..=MOST_REQUESTS).contains(&wanted.requests)
        && wanted.bound >= Nanos::ZERO;
    if !possible {
        return None;
    }
    let own = own(reserve);
    let slices = (own, wanted);
    let caps = flow_caps(state, places, slices, moment.at)
        .chain(money_caps(state, places, slices))
        .chain(credit_cap(state, slices));
    let slice = caps
        .min_by(Cap::compare)
        .map_or(wanted, |cap| cap.of(&wanted));
    let key = state.expiring.get(&reserve.draft.key);
    let key_ms = key.map_or(u64::MAX, |end| end.saturating_sub(moment.at));
    let lasts_ms = lasts(places, moment).min(key_ms);
    (slice.covers(&own) && lasts_ms >= SHORTEST_MS).then_some(Granted { slice, lasts_ms })
}

/// What the request itself takes: a lease of less is of no use to others like it. It has tokens, so
/// that a limit that is used up admits none.
pub(in crate::governor) fn own(reserve: &Reserve) -> Slice {
    Slice {
        requests: 1,
        bound: reserve.bound,
        tokens: Tokens {
            input: reserve.tokens.input.max(1),
            output: reserve.tokens.output.max(1),
        },
    }
}

impl Rules {
    /// Whether requests may be admitted from leases: all that counts are subjects that many requests
    /// of an isolate share, in windows that may be told beforehand what passes later.
    #[must_use]
    pub fn lends(&self) -> bool {
        let is_bucket = |limit: &Limit| {
            let pace = limit.measure.pace();
            pace.is_some_and(|pace| pace.window == Window::TokenBucket)
        };
        self.admission == Admission::Leased
            && !self.limits.iter().any(is_bucket)
            && self.limits.iter().all(|limit| is_shared(&limit.per))
            && self.budgets.iter().all(|budget| is_shared(&budget.per))
    }
}

/// Whether a request asks for nothing that only the governor can tell, and changes nothing of which
/// there must be a record before.
pub(super) fn is_plain(reserve: &Reserve) -> bool {
    reserve.idempotency.is_none()
        && reserve.draft.change.is_none()
        && reserve.subjects.gates.is_empty()
        && reserve.route.is_none()
        && !reserve.unpriced
        && reserve.draft.cache != CacheStatus::Hit
        && reserve.bound >= Nanos::ZERO
}

/// Whether many requests of an isolate are of one subject that their record names.
const fn is_shared(scope: &Scope) -> bool {
    match scope {
        // Those that go through a gate are never admitted from a lease.
        Scope::Gate(..) | Scope::Key | Scope::Operation | Scope::Org | Scope::Tier => true,
        Scope::Address
        | Scope::Header(_)
        | Scope::Metadata(_)
        | Scope::Model
        | Scope::Provider
        | Scope::User => false,
    }
}

/// What may be given of what is wanted.
#[derive(Clone, Copy)]
struct Cap {
    most: i128,
    /// More than nothing.
    wanted: i128,
}

impl Cap {
    fn new(left: i128, wanted: i128) -> Option<Self> {
        let most = left.max(0).checked_div(PARTS)?;
        (most < wanted).then_some(Self { most, wanted })
    }

    /// Which of two gives the smaller share.
    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let mine = self.most.saturating_mul(other.wanted);
        mine.cmp(&other.most.saturating_mul(self.wanted))
    }

    /// The same share of everything, rounded down.
    fn of(self, slice: &Slice) -> Slice {
        let share = |amount: i128| {
            let scaled = amount.saturating_mul(self.most);
            scaled.checked_div(self.wanted).unwrap_or_default()
        };
        let count = |amount: u64| u64::try_from(share(i128::from(amount))).unwrap_or_default();
        let bound = share(i128::from(slice.bound.get()));
        Slice {
            requests: count(slice.requests),
            bound: i64::try_from(bound).map_or(Nanos::ZERO, Nanos::new),
            tokens: Tokens {
                input: count(slice.tokens.input),
                output: count(slice.tokens.output),
            },
        }
    }
}

fn flow_caps<'a>(
    state: &'a State,
    places: &'a Holds,
    (own, wanted): (Slice, Slice),
    at: u64,
) -> impl Iterator<Item = Cap> + 'a {
    places.flows.iter().flat_map(move |hold| {
        let limits = state.rules.limits_of(&hold.family, &hold.place);
        let measure = hold.family.measure;
        limits.filter_map(move |limit| {
            let flow = state.meters.flows.get(&hold.family, &hold.place);
            let used = flow.map_or(0, |flow| flow.used(hold.family.gauge(limit.limit), at));
            let used = i128::from(used).saturating_add(i128::from(own.amount(measure)));
            let left = i128::from(limit.limit).saturating_sub(used);
            Cap::new(left, i128::from(wanted.amount(measure)))
        })
    })
}

fn money_caps<'a>(
    state: &'a State,
    places: &'a Holds,
    (own, wanted): (Slice, Slice),
) -> impl Iterator<Item = Cap> + 'a {
    places.money.iter().flat_map(move |hold| {
        let budgets = state.rules.budgets_of(&hold.account, &hold.place);
        let refusing = budgets.filter(|budget| budget.when_spent != WhenSpent::Allow);
        refusing.filter_map(move |budget| {
            let spending = state.meters.spending(hold);
            let held = spending.held().saturating_add(own.bound.get().into());
            let left = i128::from(budget.amount.get()).saturating_sub(held);
            Cap::new(left, wanted.bound.get().into())
        })
    })
}

fn credit_cap(state: &State, (own, wanted): (Slice, Slice)) -> Option<Cap> {
    if !state.rules.prepaid {
        return None;
    }
    let balance = state.credits.unwrap_or_default().get();
    let held = state.reserved.plus(own.bound).get();
    Cap::new(balance.saturating_sub(held), wanted.bound.get().into())
}

/// Milliseconds until the lease must be over: it never reaches into another period of a budget or
/// another fixed window, since it is counted in one.
fn lasts(places: &Holds, moment: Moment<'_>) -> u64 {
    let windows = places.flows.iter().map(|FlowHold { family, .. }| {
        let fixed = family.measure.pace().map(|pace| pace.window) == Some(Window::Fixed);
        fixed.then(|| family.gauge(0).ends_after(moment.at))
    });
    let periods = places
        .money
        .iter()
        .map(|MoneyHold { account, .. }| Some(moment.periods.of(account.1).until));
    let ends = windows.chain(periods).flatten().min().unwrap_or(u64::MAX);
    ends.saturating_sub(moment.at).min(LEASE_MS)
}
