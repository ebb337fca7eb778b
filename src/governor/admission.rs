//! Whether a request may go on: keys, versions, repetitions, limits, budgets, in this order.

use super::Id;
use super::command::{Extend, Idempotency, Refusal, Reserve, Target};
use super::decide::{Answer, Decision, Moment, refused_admission};
use super::demand::{Demand, Holds};
use super::journal::{Event, Leased, Reserved};
use super::lease::Granted;
use super::lease::grant::grant;
use super::meters::{Price, Spent};
use super::purpose;
use super::reservations::Reservation;
use super::state::State;
use crate::audit::{CacheStatus, Draft};
use crate::money::Nanos;

/// Reservations that may be open at once; beyond them requests are refused for a second.
const MAX_OPEN: usize = 20_000;
/// What a caller is told of that bound.
const MAX_OPEN_NAME: &str = "open requests of the org";
/// Raises of one reservation.
const MAX_STEPS: usize = 256;
/// No reservation outlives a day, whatever deadline it asks for.
const MAX_DEADLINE_MILLISECONDS: u64 = 86_400_000;

pub(super) fn admission(state: &State, reserve: &Reserve, moment: Moment<'_>) -> Decision {
    let at = moment.at;
    let refused = |reason, shown| refused_admission(state, &reserve.draft, (reason, shown), at);
    if let Some(reason) = barred(state, &reserve.draft.key, at) {
        return refused(reason, Holds::default());
    }
    // What was admitted before a switch was turned is so still.
    let is_open = state.open.contains(&reserve.draft.request);
    if let Some(reason) = state.switches.bars(&reserve.draft, at).filter(|_| !is_open) {
        return refused(reason, Holds::default());
    }
    if reserve.planned != state.versions {
        return Decision::unchanged(Answer::Stale);
    }
    if let Some(known) = repetition(state, reserve, moment) {
        return known;
    }
    if let Some(named) = reserve
        .idempotency
        .as_ref()
        .and_then(|it| meant(state, it, at))
    {
        return match named {
            Ok((request, age_ms)) => Decision::unchanged(Answer::Replay(request, age_ms)),
            Err(reason) => refused(reason, Holds::default()),
        };
    }
    let demand = demand_of(reserve);
    let places = state
        .meters
        .places(&state.rules, &demand, None, (moment.periods, at));
    let closed = state
        .meters
        .closed_gates(&state.rules, &places, &demand, moment);
    if !closed.is_empty() {
        return Decision::unchanged(Answer::Divert(closed));
    }
    match allowed(state, reserve, &places, moment) {
        Ok(candidate) => {
            let lease = grant(state, reserve, &places, moment);
            admitted(reserve, (candidate, places), lease, at)
        }
        // It may yet be answered from the cache: whoever asks knows, and records it if not.
        Err(Spent::Refused(
            reason @ Refusal::BudgetExhausted {
                cache_only: true, ..
            },
        )) => Decision::unchanged(Answer::Refused(reason, places)),
        Err(Spent::Refused(reason)) => refused(reason, places),
        Err(Spent::Downgrade(route)) => Decision::unchanged(Answer::Downgrade(route)),
    }
}

/// What the gates that a request names say to it.
pub(super) fn consideration(state: &State, reserve: &Reserve, moment: Moment<'_>) -> Decision {
    let demand = demand_of(reserve);
    let (rules, meters) = (&state.rules, &state.meters);
    let places = meters.places(rules, &demand, None, (moment.periods, moment.at));
    let closed = meters.closed_gates(rules, &places, &demand, moment);
    Decision::unchanged(Answer::Considered(closed, places))
}

fn demand_of(reserve: &Reserve) -> Demand<'_> {
    Demand {
        draft: &reserve.draft,
        subjects: &reserve.subjects,
        tokens: reserve.tokens,
        bound: reserve.bound,
    }
}

fn barred(state: &State, key: &str, at: u64) -> Option<Refusal> {
    if state.versions.config == 0 {
        return Some(Refusal::NotActive);
    }
    state.refuses_key(key, at).then_some(Refusal::KeyRevoked)
}

/// Whether a key may read what nobody is charged for.
pub(super) fn permission(state: &State, key: &str, at: u64) -> Decision {
    let asked = Draft {
        key: key.to_owned(),
        ..Draft::default()
    };
    let killed = || state.switches.bars(&asked, at);
    Decision::unchanged(match barred(state, key, at).or_else(killed) {
        Some(reason) => Answer::Refused(reason, Holds::default()),
        None => Answer::Done,
    })
}

/// The answer to a `Reserve` whose first reply was lost.
fn repetition(state: &State, reserve: &Reserve, moment: Moment<'_>) -> Option<Decision> {
    let request = reserve.draft.request.as_str();
    if let Some(open) = state.open.get(request) {
        return Some(repeated_admission(state, reserve, open, moment));
    }
    if state.ended.contains(request) {
        let answer = Answer::Refused(Refusal::NotReserved, Holds::default());
        return Some(Decision::unchanged(answer));
    }
    let reason = state.refused.get(request)?.clone();
    let moment = (moment.periods, moment.at);
    let places = state
        .meters
        .places(&state.rules, &demand_of(reserve), None, moment);
    Some(Decision::unchanged(Answer::Refused(reason, places)))
}

/// It counts once; a new plan that may cost more than the first raises what is held.
fn repeated_admission(
    state: &State,
    reserve: &Reserve,
    open: &Reservation,
    moment: Moment<'_>,
) -> Decision {
    let by = reserve.bound.saturating_sub(open.bound);
    let candidate = purpose::position(open, &reserve.candidates);
    if by <= Nanos::ZERO {
        let lease = state.leases.get(&reserve.draft.request);
        return Decision::unchanged(Answer::Admitted {
            candidate,
            shown: open.holds.clone(),
            lease: lease.map(|lease| Granted {
                slice: lease.granted,
                lasts_ms: lease.lasts_ms,
            }),
        });
    }
    let raise = Raise {
        request: &reserve.draft.request,
        step: None,
        by,
        target: None,
        candidate,
        route: reserve.route.as_deref(),
    };
    raised(state, open, &raise, moment)
}

/// What an idempotency key means: the answered request and how long ago that was, in milliseconds, or
/// why this one cannot go on.
fn meant(state: &State, idempotency: &Idempotency, at: u64) -> Option<Result<(Id, u64), Refusal>> {
    let meaning = state.named.get(&idempotency.name, at)?;
    if meaning.body != idempotency.body {
        return Some(Err(Refusal::IdempotencyKeyReused));
    }
    let Some(answered_at) = meaning.answered_at else {
        return Some(Err(Refusal::StillRunning));
    };
    let is_lost = idempotency.lost.as_deref() == Some(&*meaning.request);
    let age_ms = at.saturating_sub(answered_at);
    (!is_lost).then(|| Ok((meaning.request.clone(), age_ms)))
}

/// The first candidate that is within all limits; without candidates the place of none.
fn allowed(
    state: &State,
    reserve: &Reserve,
    places: &Holds,
    moment: Moment<'_>,
) -> Result<usize, Spent> {
    if state.open.len() >= MAX_OPEN {
        return Err(Spent::Refused(Refusal::RateLimited {
            limit: MAX_OPEN_NAME.to_owned(),
            retry_after_ms: 1_000,
        }));
    }
    if reserve.bound < Nanos::ZERO {
        return Err(exhausted());
    }
    check(state, reserve, places, moment)?;
    credits(state, reserve)?;
    let guards = state.rules.guards_targets();
    if !guards && !state.switches.guards_targets(moment.at) {
        return Ok(0);
    }
    let mut first = None;
    for (index, target) in reserve.candidates.iter().enumerate() {
        if let Some(reason) = state.switches.bars_target(target, moment.at) {
            first = Some(sooner(first, Spent::Refused(reason)));
            continue;
        }
        if !guards {
            return Ok(index);
        }
        let moment_of = (moment.periods, moment.at);
        let demand = demand_of(reserve);
        let places = state
            .meters
            .places(&state.rules, &demand, Some(target), moment_of);
        match check(state, reserve, &places, moment) {
            Ok(()) => return Ok(index),
            Err(reason) => first = Some(sooner(first, reason)),
        }
    }
    first.map_or(Ok(0), Err)
}

/// Of two reasons the one that is over first.
pub(super) fn sooner(first: Option<Spent>, second: Spent) -> Spent {
    let wait = |spent: &Spent| match spent {
        Spent::Refused(Refusal::RateLimited { retry_after_ms, .. }) => *retry_after_ms,
        _ => u64::MAX,
    };
    match first {
        Some(first) if wait(&first) <= wait(&second) => first,
        _ => second,
    }
}

fn check(
    state: &State,
    reserve: &Reserve,
    places: &Holds,
    moment: Moment<'_>,
) -> Result<(), Spent> {
    let demand = demand_of(reserve);
    let full = state
        .meters
        .flow_refusal(&state.rules, &places.flows, &demand, moment.at);
    if let Some(reason) = full {
        return Err(Spent::Refused(reason));
    }
    let price = Price {
        amount: reserve.bound,
        cached: reserve.draft.cache == CacheStatus::Hit,
        unknown: reserve.unpriced,
        route: reserve.route.as_deref(),
    };
    let spent = state
        .meters
        .money_refusal(&state.rules, &places.money, price);
    spent.map_or(Ok(()), Err)
}

/// The prepaid balance, where requests are admitted only against it. What is free passes.
fn credits(state: &State, reserve: &Reserve) -> Result<(), Spent> {
    if !state.rules.prepaid {
        return Ok(());
    }
    if reserve.unpriced {
        return Err(Spent::Refused(Refusal::Unpriced));
    }
    if balance_carries(state, reserve.bound) {
        Ok(())
    } else {
        Err(Spent::Refused(Refusal::CreditsExhausted))
    }
}

pub(super) fn balance_carries(state: &State, amount: Nanos) -> bool {
    let balance = state.credits.unwrap_or_default().get();
    let held = state.reserved.plus(amount).get();
    !state.rules.prepaid || amount == Nanos::ZERO || held <= balance
}

fn admitted(
    reserve: &Reserve,
    (candidate, shown): (usize, Holds),
    lease: Option<Granted>,
    at: u64,
) -> Decision {
    let lifetime = reserve.deadline_ms.min(MAX_DEADLINE_MILLISECONDS);
    let deadline = at.saturating_add(lifetime);
    let leased = |granted: Granted| Leased {
        slice: granted.slice,
        lasts_ms: granted.lasts_ms,
        // A request that is admitted at its end lives as long as any.
        deadline: deadline.saturating_add(granted.lasts_ms),
    };
    let event = Event::Reserved(Box::new(Reserved {
        draft: Box::new(reserve.draft.clone()),
        subjects: reserve.subjects.clone(),
        target: reserve.candidates.get(candidate).cloned(),
        tokens: reserve.tokens,
        bound: reserve.bound,
        idempotency: reserve.idempotency.clone(),
        deadline,
        lease: lease.map(leased),
    }));
    let answer = Answer::Admitted {
        candidate,
        shown,
        lease,
    };
    Decision::changed(event, answer)
}

/// A deadline is only ever put off.
pub(super) fn renewal(state: &State, request: &str, deadline_ms: u64, at: u64) -> Decision {
    let Some(open) = state.open.get(request) else {
        let answer = Answer::Refused(Refusal::NotReserved, Holds::default());
        return Decision::unchanged(answer);
    };
    let deadline = at.saturating_add(deadline_ms.min(MAX_DEADLINE_MILLISECONDS));
    if deadline <= open.deadline {
        return Decision::unchanged(Answer::Done);
    }
    let request = request.into();
    Decision::changed(Event::Renewed { request, deadline }, Answer::Done)
}

pub(super) fn extension(state: &State, extend: &Extend, moment: Moment<'_>) -> Decision {
    let refused = |reason| Decision::unchanged(Answer::Refused(reason, Holds::default()));
    let Some(open) = state.open.get(&extend.request) else {
        return refused(Refusal::NotReserved);
    };
    if open.steps.contains(&extend.step) {
        let position = purpose::position(open, &extend.candidates);
        return Decision::unchanged(Answer::admitted(position, open.holds.clone()));
    }
    if open.steps.len() >= MAX_STEPS || extend.by < Nanos::ZERO {
        return refused(no_budget());
    }
    if let Some(purpose) = &extend.purpose {
        return purpose::change(state, open, (extend, purpose), moment);
    }
    let raise = Raise {
        request: &extend.request,
        step: Some(extend.step),
        by: extend.by,
        target: extend.target.as_ref(),
        candidate: 0,
        route: None,
    };
    raised(state, open, &raise, moment)
}

/// What an open reservation asks for in addition.
struct Raise<'a> {
    request: &'a str,
    step: Option<u32>,
    by: Nanos,
    target: Option<&'a Target>,
    /// What a repeated admission was for.
    candidate: usize,
    route: Option<&'a str>,
}

fn raised(state: &State, open: &Reservation, raise: &Raise<'_>, moment: Moment<'_>) -> Decision {
    match may_raise(state, open, raise, moment) {
        Ok(()) => {
            let event = Event::Extended {
                request: raise.request.into(),
                step: raise.step,
                by: raise.by,
                target: raise.target.cloned(),
                purpose: None,
            };
            let shown = open.holds.clone();
            Decision::changed(event, Answer::admitted(raise.candidate, shown))
        }
        Err(Spent::Refused(reason)) => {
            Decision::unchanged(Answer::Refused(reason, open.holds.clone()))
        }
        Err(Spent::Downgrade(route)) => Decision::unchanged(Answer::Downgrade(route)),
    }
}

fn may_raise(
    state: &State,
    open: &Reservation,
    raise: &Raise<'_>,
    moment: Moment<'_>,
) -> Result<(), Spent> {
    let barred = |target| state.switches.bars_target(target, moment.at);
    if let Some(reason) = raise.target.and_then(barred) {
        return Err(Spent::Refused(reason));
    }
    let Some(bound) = open.bound.checked_add(raise.by) else {
        return Err(exhausted());
    };
    let price = Price::more(raise.by, raise.route);
    let (rules, meters) = (&state.rules, &state.meters);
    if let Some(spent) = meters.money_refusal(rules, &open.holds.money, price) {
        return Err(spent);
    }
    if !balance_carries(state, raise.by) {
        return Err(Spent::Refused(Refusal::CreditsExhausted));
    }
    if raise.target.is_none() || !rules.guards_targets() {
        return Ok(());
    }
    let demand = open.demand();
    let moment_of = (moment.periods, moment.at);
    let places = meters.places(rules, &demand, raise.target, moment_of);
    let places = open.holds.without(places);
    if let Some(reason) = meters.flow_refusal(rules, &places.flows, &demand, moment.at) {
        return Err(Spent::Refused(reason));
    }
    let price = Price::more(bound, raise.route);
    let spent = meters.money_refusal(rules, &places.money, price);
    spent.map_or(Ok(()), Err)
}

fn exhausted() -> Spent {
    Spent::Refused(no_budget())
}

pub(super) fn no_budget() -> Refusal {
    Refusal::BudgetExhausted {
        budget: String::new(),
        cache_only: false,
    }
}
