//! What a command comes to, given what the governor knows. Changes nothing.

use super::Id;
use super::budget::day_of;
use super::command::{Activate, Command, Refusal, Reserve, Settle};
use super::journal::{Ending, Event, Refused};
use super::reservations::Reservation;
use super::state::State;
use crate::audit::{Draft, Flag, Outcome};
use crate::error::Kind;
use crate::money::Nanos;

/// Reservations that may be open at once; beyond them requests are refused for a second.
const MAX_OPEN: usize = 20_000;
/// Raises of one reservation.
const MAX_STEPS: usize = 256;
/// No reservation outlives a day, whatever deadline it asks for.
const MAX_DEADLINE_MILLISECONDS: u64 = 86_400_000;

/// What a command comes to.
pub(super) struct Decision {
    /// What to persist and apply; nothing for a command that only reads or was done before.
    pub(super) change: Option<Change>,
    /// What to say once that is applied.
    pub(super) answer: Answer,
}

/// An event with the audit record it comes with.
pub(super) struct Change {
    pub(super) event: Event,
    pub(super) ending: Option<Ending>,
}

/// A reply before the live state is put into it.
pub(super) enum Answer {
    Admitted,
    Done,
    Refused(Refusal),
    Settled,
    Stale,
    State,
}

impl Decision {
    const fn unchanged(answer: Answer) -> Self {
        Self {
            change: None,
            answer,
        }
    }

    const fn changed(event: Event, answer: Answer) -> Self {
        let change = Change {
            event,
            ending: None,
        };
        Self {
            change: Some(change),
            answer,
        }
    }

    const fn recorded(event: Event, ending: Option<Ending>, answer: Answer) -> Self {
        Self {
            change: Some(Change { event, ending }),
            answer,
        }
    }
}

/// Decides a command at the governor's time `at`.
pub(super) fn decide(state: &State, command: &Command, at: u64) -> Decision {
    match command {
        Command::Activate(activate) => activation(state, activate),
        Command::ChangeCorpus { id } => corpus_change(state, id),
        Command::Extend { request, step, by } => extension(state, request, *step, *by),
        Command::Inspect => Decision::unchanged(Answer::State),
        Command::Refuse { draft } => refusal(state, draft, at),
        Command::Reserve(reserve) => admission(state, reserve, at),
        Command::RevokeKey { key } => revocation(state, key),
        Command::Settle(settle) => settlement(state, settle),
    }
}

/// What is due at `at`: a reservation to expire, else a minute of refusals to close.
pub(super) fn due(state: &State, at: u64) -> Option<Change> {
    let expired = state.open.first_due().filter(|(due, _)| *due <= at);
    if let Some((request, reservation)) =
        expired.and_then(|(_, id)| state.open.get(id).map(|reservation| (id, reservation)))
    {
        return Some(expiry(request, reservation));
    }
    let (_, tally) = state.refusals.first_due().filter(|(due, _)| *due <= at)?;
    closing(state, tally, at)
}

/// When [`due`] has something next.
pub(super) fn next_due(state: &State) -> Option<u64> {
    let deadline = state.open.first_due().map(|(due, _)| due);
    let summary = state.refusals.first_due().map(|(due, _)| due);
    deadline.into_iter().chain(summary).min()
}

/// The minute of refusals that must be closed before `event` begins a new one.
pub(super) fn closing_before(state: &State, event: &Event, at: u64) -> Option<Change> {
    match event {
        Event::Refused(refused) => closing(state, &refused.tally, at),
        _ => None,
    }
}

fn activation(state: &State, activate: &Activate) -> Decision {
    if activate.version <= state.versions.config {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::Activated(activate.clone()), Answer::Done)
}

fn corpus_change(state: &State, id: &str) -> Decision {
    if state.changes.contains(id) {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::CorpusChanged { id: id.into() }, Answer::Done)
}

fn revocation(state: &State, key: &str) -> Decision {
    if state.revoked.contains(key) {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::KeyRevoked { key: key.into() }, Answer::Done)
}

fn admission(state: &State, reserve: &Reserve, at: u64) -> Decision {
    let request = reserve.draft.request.as_str();
    if let Some(reason) = barred(state, &reserve.draft.key) {
        return refused_admission(state, &reserve.draft, reason, at);
    }
    if reserve.planned != state.versions {
        return Decision::unchanged(Answer::Stale);
    }
    if let Some(open) = state.open.get(request) {
        return repeated_admission(state, reserve, open);
    }
    if state.ended.contains(request) {
        return Decision::unchanged(Answer::Refused(Refusal::NotReserved));
    }
    if let Some(reason) = state.refused.get(request) {
        return Decision::unchanged(Answer::Refused(reason.clone()));
    }
    if let Some(reason) = over_limit(state, reserve.bound, at) {
        return refused_admission(state, &reserve.draft, reason, at);
    }
    let lifetime = reserve.deadline_ms.min(MAX_DEADLINE_MILLISECONDS);
    let event = Event::Reserved {
        draft: Box::new(reserve.draft.clone()),
        bound: reserve.bound,
        deadline: at.saturating_add(lifetime),
    };
    Decision::changed(event, Answer::Admitted)
}

fn barred(state: &State, key: &str) -> Option<Refusal> {
    if state.versions.config == 0 {
        return Some(Refusal::NotActive);
    }
    state.revoked.contains(key).then_some(Refusal::KeyRevoked)
}

fn over_limit(state: &State, bound: Nanos, at: u64) -> Option<Refusal> {
    if state.open.len() >= MAX_OPEN {
        return Some(Refusal::RateLimited { retry_after: 1 });
    }
    let limit = state.limits.requests_per_minute.map(u64::from);
    if let Some(retry_after) = limit.and_then(|limit| state.window.wait(limit, at)) {
        return Some(Refusal::RateLimited { retry_after });
    }
    let carried = state
        .budget
        .carries(state.limits.daily_budget, day_of(at), bound);
    (!carried).then_some(Refusal::BudgetExhausted)
}

/// A `Reserve` whose first reply was lost. It counts once; a new plan that may cost more than the
/// first raises what is held.
fn repeated_admission(state: &State, reserve: &Reserve, open: &Reservation) -> Decision {
    let by = reserve.bound.saturating_sub(open.bound);
    if by <= Nanos::ZERO {
        return Decision::unchanged(Answer::Admitted);
    }
    raise(state, &reserve.draft.request, open, None, by)
}

fn extension(state: &State, request: &str, step: u32, by: Nanos) -> Decision {
    let Some(open) = state.open.get(request) else {
        return Decision::unchanged(Answer::Refused(Refusal::NotReserved));
    };
    if open.steps.contains(&step) {
        return Decision::unchanged(Answer::Admitted);
    }
    if open.steps.len() >= MAX_STEPS {
        return Decision::unchanged(Answer::Refused(Refusal::BudgetExhausted));
    }
    raise(state, request, open, Some(step), by)
}

fn raise(
    state: &State,
    request: &str,
    open: &Reservation,
    step: Option<u32>,
    by: Nanos,
) -> Decision {
    let fits = open.bound.checked_add(by).is_some();
    if !fits
        || !state
            .budget
            .carries(state.limits.daily_budget, open.day, by)
    {
        return Decision::unchanged(Answer::Refused(Refusal::BudgetExhausted));
    }
    let request = request.into();
    Decision::changed(Event::Extended { request, step, by }, Answer::Admitted)
}

fn refused_admission(state: &State, draft: &Draft, reason: Refusal, at: u64) -> Decision {
    let kind = match reason {
        Refusal::BudgetExhausted => Kind::BudgetExhausted,
        Refusal::KeyRevoked => Kind::Unauthenticated,
        Refusal::NotActive | Refusal::NotReserved => Kind::Unavailable,
        Refusal::RateLimited { .. } => Kind::RateLimited,
    };
    let change = refuse(state, draft, reason.clone(), at, || Draft {
        status: kind.row().status,
        error: Some(kind),
        ..draft.clone()
    });
    let answer = Answer::Refused(reason);
    Decision { change, answer }
}

fn refusal(state: &State, draft: &Draft, at: u64) -> Decision {
    let change = refuse(state, draft, Refusal::NotReserved, at, || draft.clone());
    let answer = Answer::Done;
    Decision { change, answer }
}

/// The refusal of a request, unless that has a record already or will have one when it ends.
fn refuse(
    state: &State,
    draft: &Draft,
    reason: Refusal,
    at: u64,
    told: impl FnOnce() -> Draft,
) -> Option<Change> {
    let request = draft.request.as_str();
    let known = state.open.contains(request)
        || state.ended.contains(request)
        || state.refused.contains(request);
    if known {
        return None;
    }
    let tally = state.refusals.tally_of(&draft.key, at);
    let recorded = state.refusals.records(&tally, at);
    let told = Draft {
        outcome: Outcome::Refused,
        ..told()
    };
    let event = Event::Refused(Refused {
        request: request.into(),
        tally,
        reason,
        status: told.status,
        error: told.error,
        recorded,
    });
    let ending = Ending {
        draft: told,
        cost: Nanos::ZERO,
        bound: Nanos::ZERO,
        flags: Vec::new(),
        count: 1,
    };
    let ending = recorded.then_some(ending);
    Some(Change { event, ending })
}

fn settlement(state: &State, settle: &Settle) -> Decision {
    let draft = &settle.draft;
    if let Some(open) = state.open.get(&draft.request) {
        return charge(settle, open.bound);
    }
    match state.ended.get(&draft.request) {
        Some(ended) => match ended.expired {
            Some(charged) => correction(settle, charged),
            None => Decision::unchanged(Answer::Settled),
        },
        None if state.may_be_forgotten(draft.at) => Decision::unchanged(Answer::Settled),
        None => charge(settle, Nanos::ZERO),
    }
}

fn charge(settle: &Settle, bound: Nanos) -> Decision {
    let (cost, flags) = judge(settle, bound);
    let event = Event::Settled {
        request: settle.draft.request.as_str().into(),
        arrived: settle.draft.at,
        cost,
    };
    let ending = Ending {
        draft: settle.draft.clone(),
        cost,
        bound,
        flags,
        count: 1,
    };
    Decision::recorded(event, Some(ending), Answer::Settled)
}

/// A settlement of a request that expired and was charged `charged`.
fn correction(settle: &Settle, charged: Nanos) -> Decision {
    let (actual, flags) = judge(settle, charged);
    let cost = actual.saturating_sub(charged);
    let request = settle.draft.request.as_str().into();
    let draft = Draft {
        outcome: Outcome::Late,
        ..settle.draft.clone()
    };
    let ending = Ending {
        draft,
        cost,
        bound: charged,
        flags,
        count: 1,
    };
    Decision::recorded(
        Event::Corrected { request, cost },
        Some(ending),
        Answer::Settled,
    )
}

/// What to charge, and what a reader must know about it. A negative cost is no cost: what was used
/// is unknown.
fn judge(settle: &Settle, bound: Nanos) -> (Nanos, Vec<Flag>) {
    let draft = &settle.draft;
    let unknown = settle.cost < Nanos::ZERO;
    let cost = if unknown { bound } else { settle.cost };
    let estimated = draft.usage.estimated || draft.attempts.iter().any(|call| call.usage.estimated);
    let bounded = unknown || draft.attempts.iter().any(|call| call.bounded);
    let flags = [
        estimated.then_some(Flag::Estimated),
        (cost > bound).then_some(Flag::Overrun),
        bounded.then_some(Flag::Bounded),
    ];
    (cost, flags.into_iter().flatten().collect())
}

fn expiry(request: &Id, reservation: &Reservation) -> Change {
    let draft = Draft {
        outcome: Outcome::Expired,
        ..Draft::clone(&reservation.draft)
    };
    let ending = Ending {
        draft,
        cost: reservation.bound,
        bound: reservation.bound,
        flags: vec![Flag::Bounded],
        count: 1,
    };
    Change {
        event: Event::Expired {
            request: request.clone(),
        },
        ending: Some(ending),
    }
}

fn closing(state: &State, tally: &Id, at: u64) -> Option<Change> {
    let ending = state.refusals.summary(tally, at)?;
    let event = Event::Summarised {
        tally: tally.clone(),
    };
    Some(Change {
        event,
        ending: Some(ending),
    })
}
