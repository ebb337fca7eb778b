//! The end of a request: what it is charged, and what its record says about that.

use super::command::{Settle, Subjects, Target, Tokens};
use super::decide::{Answer, Decision, Moment};
use super::demand::{Demand, Holds, MoneyHold};
use super::journal::{Call, Ending, Event, Settled};
use super::lease::Part;
use super::lease::settled::settlement as under_lease;
use super::reservations::Reservation;
use super::state::State;
use crate::audit::{Attempt, Draft, Flag, Outcome, Person};
use crate::money::Nanos;
use crate::usage::Usage;

/// A cost that exceeds its bound so many times is a provider's mistake, not a bound that was too low.
const ABSURD_TIMES: i64 = 1_000;

pub(super) fn settlement(state: &State, settle: &Settle, moment: Moment<'_>) -> Decision {
    let draft = &settle.draft;
    if let Some(open) = state.open.get(&draft.request) {
        let paid = Paid {
            bound: open.bound,
            holds: &open.holds,
            part: None,
            unreserved: Vec::new(),
        };
        return asked_by(open, charge(state, settle, paid));
    }
    let shown = Holds::default();
    match (state.ended.get(&draft.request), &settle.part) {
        (Some(ended), _) => match &ended.expired {
            Some(expired) => {
                let money = expired.money.clone();
                nameless(state, correction(settle, expired.charged, None, money))
            }
            None => Decision::unchanged(Answer::Settled(shown)),
        },
        (None, Some(part)) => under_lease(state, settle, part),
        (None, None) if state.may_be_forgotten(draft.at) => {
            Decision::unchanged(Answer::Settled(shown))
        }
        (None, None) => {
            let paid = Paid {
                bound: Nanos::ZERO,
                holds: &shown,
                part: None,
                unreserved: unreserved(state, draft, moment),
            };
            charge(state, settle, paid)
        }
    }
}

/// From what a settlement is paid.
pub(super) struct Paid<'a> {
    /// What was held for it.
    pub(super) bound: Nanos,
    /// Where.
    pub(super) holds: &'a Holds,
    /// Its part of a lease.
    pub(super) part: Option<Part>,
    /// Whom it is charged to, where nothing was held.
    pub(super) unreserved: Vec<MoneyHold>,
}

/// Who asked is what the reservation says: it may have been forgotten meanwhile.
fn asked_by(open: &Reservation, mut charged: Decision) -> Decision {
    let ending = charged.change.as_mut().and_then(|it| it.ending.as_mut());
    if let Some(Ending { draft, .. }) = ending {
        draft.person.clone_from(&open.draft.person);
        draft.user.clone_from(&open.draft.user);
    }
    charged
}

/// Where no reservation says who asked: nobody who was forgotten meanwhile.
pub(super) fn nameless(state: &State, mut charged: Decision) -> Decision {
    let ending = charged.change.as_mut().and_then(|it| it.ending.as_mut());
    if let Some(Ending { draft, .. }) = ending {
        let forgotten = state.forgotten_people.get(&draft.user);
        if forgotten.is_some_and(|at| draft.at <= *at) {
            draft.person = Person::default();
        }
    }
    charged
}

/// Whom a request is charged to that was never reserved: all that its record names.
fn unreserved(state: &State, draft: &Draft, moment: Moment<'_>) -> Vec<MoneyHold> {
    let demand = Demand {
        draft,
        subjects: &Subjects::default(),
        tokens: Tokens::default(),
        bound: Nanos::ZERO,
    };
    let moment = (moment.periods, moment.at);
    let places = state.meters.places(&state.rules, &demand, None, moment);
    places.money
}

pub(super) fn charge(state: &State, settle: &Settle, paid: Paid<'_>) -> Decision {
    let Paid {
        bound,
        holds,
        part,
        unreserved,
    } = paid;
    let (cost, flags) = judge(settle, bound);
    let draft = &settle.draft;
    let calls = if state.rules.guards_targets() {
        let calls = draft.attempts.iter();
        calls.map(|attempt| call(attempt, cost)).collect()
    } else {
        Vec::new()
    };
    let event = Event::Settled(Settled {
        request: draft.request.as_str().into(),
        arrived: draft.at,
        cost,
        tokens: tokens(&draft.usage),
        calls,
        kept: settle.kept,
        unreached: settle.unreached.clone(),
        part,
        unreserved,
    });
    let ending = Ending {
        cost,
        bound,
        flags,
        ..Ending::of(draft.clone())
    };
    Decision::recorded(event, Some(ending), Answer::Settled(holds.clone()))
}

/// What a call used. A negative cost, or more than the `whole` request's, is unknown: so it is all.
fn call(attempt: &Attempt, whole: Nanos) -> Call {
    let is_known = (Nanos::ZERO..=whole).contains(&attempt.cost);
    Call {
        target: Target {
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
        },
        cost: if is_known { attempt.cost } else { whole },
        tokens: tokens(&attempt.usage),
    }
}

const fn tokens(usage: &Usage) -> Tokens {
    Tokens {
        input: usage.input_tokens,
        output: usage.output_tokens,
    }
}

/// A settlement of a request that was `charged` when it, or its lease, expired.
pub(super) fn correction(
    settle: &Settle,
    charged: Nanos,
    part: Option<Part>,
    money: Vec<MoneyHold>,
) -> Decision {
    let (actual, flags) = judge(settle, charged);
    let cost = actual.saturating_sub(charged);
    let request = settle.draft.request.as_str().into();
    let draft = Draft {
        outcome: Outcome::Late,
        ..settle.draft.clone()
    };
    let ending = Ending {
        cost,
        bound: charged,
        flags,
        ..Ending::of(draft)
    };
    let shown = Holds {
        flows: Vec::new(),
        money,
    };
    let event = Event::Corrected {
        request,
        cost,
        part,
    };
    Decision::recorded(event, Some(ending), Answer::Settled(shown))
}

/// What to charge, and what a reader must know about it. A negative or absurd cost is no cost: what
/// was used is unknown, so it is the bound.
fn judge(settle: &Settle, bound: Nanos) -> (Nanos, Vec<Flag>) {
    let draft = &settle.draft;
    let absurd = bound > Nanos::ZERO && settle.cost > bound.saturating_mul(ABSURD_TIMES);
    let unknown = absurd || settle.cost < Nanos::ZERO;
    let cost = if unknown { bound } else { settle.cost };
    let estimated = draft.usage.estimated || draft.attempts.iter().any(|call| call.usage.estimated);
    let bounded = unknown || draft.attempts.iter().any(|call| call.bounded);
    let flags = [
        estimated.then_some(Flag::Estimated),
        (cost > bound).then_some(Flag::Overrun),
        bounded.then_some(Flag::Bounded),
        absurd.then_some(Flag::Absurd),
    ];
    (cost, flags.into_iter().flatten().collect())
}
