//! What a command comes to, given what the governor knows. Changes nothing.

use super::Id;
use super::admission;
use super::calendar::Periods;
use super::command::{Activate, Administer, Closed, Command, Refusal, TopUp};
use super::demand::Holds;
use super::journal::{Ending, Event, Refused};
use super::lease::{Granted, settled};
use super::reservations::Reservation;
use super::root::noted_anew;
use super::settlement;
use super::state::State;
use super::switches::{Edition, Turn};
use crate::audit::{Draft, Flag, Outcome};
use crate::error::Kind;

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
    Admitted {
        candidate: usize,
        shown: Holds,
        lease: Option<Granted>,
    },
    Alerts {
        after: u64,
    },
    Considered(Vec<Closed>, Holds),
    Divert(Vec<Closed>),
    Done,
    Downgrade(String),
    Holders,
    Refused(Refusal, Holds),
    /// The request, and milliseconds since it was answered.
    Replay(Id, u64),
    Settled(Holds),
    Stale,
    State {
        most: usize,
    },
    Switches,
}

/// When a command is decided.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    /// The governor's time.
    pub(super) at: u64,
    /// The periods that it lies in.
    pub(super) periods: &'a Periods,
}

impl Answer {
    /// Admitted, without a lease.
    pub(super) const fn admitted(candidate: usize, shown: Holds) -> Self {
        Self::Admitted {
            candidate,
            shown,
            lease: None,
        }
    }
}

impl Decision {
    pub(super) const fn unchanged(answer: Answer) -> Self {
        Self {
            change: None,
            answer,
        }
    }

    pub(super) const fn changed(event: Event, answer: Answer) -> Self {
        let change = Change {
            event,
            ending: None,
        };
        Self {
            change: Some(change),
            answer,
        }
    }

    pub(super) const fn recorded(event: Event, ending: Option<Ending>, answer: Answer) -> Self {
        Self {
            change: Some(Change { event, ending }),
            answer,
        }
    }
}

/// Decides a command.
pub(super) fn decide(state: &State, command: &Command, moment: Moment<'_>) -> Decision {
    let at = moment.at;
    match command {
        Command::Activate(activate) => activation(state, activate),
        Command::Administer(act) => administration(state, act, moment),
        Command::Adopt(edition) => adoption(state, edition),
        Command::Alerts { after } => Decision::unchanged(Answer::Alerts { after: *after }),
        Command::ChangeCorpus { id } => corpus_change(state, id),
        Command::Check { key } => admission::permission(state, key, at),
        Command::Consider(reserve) => admission::consideration(state, reserve, moment),
        Command::Copy { .. } => copy(state, at),
        Command::Delivered { id } => delivery(state, *id),
        Command::Detach(detach) => settled::detachment(state, detach, at),
        Command::ExpireKey { key, at } => expiry_of(state, key, *at),
        Command::Extend(extend) => admission::extension(state, extend, moment),
        // Its parts are decided one after the other.
        Command::Flush(_) => Decision::unchanged(Answer::Done),
        Command::Forget { id, user } => forgetting(state, id, user),
        Command::Holders => Decision::unchanged(Answer::Holders),
        Command::Inspect { most } => Decision::unchanged(Answer::State { most: *most }),
        Command::Refuse { draft } => refusal(state, draft, at),
        Command::Renew {
            request,
            deadline_ms,
        } => admission::renewal(state, request, *deadline_ms, at),
        Command::Reserve(reserve) => admission::admission(state, reserve, moment),
        Command::RevokeKey { key } => revocation(state, key),
        Command::Settle(settle) => settlement::settlement(state, settle, moment),
        Command::Switches => Decision::unchanged(Answer::Switches),
        Command::TopUp(payment) => payment_in(state, payment, at),
        Command::Turn(turn) => turning(state, turn, at),
        Command::Warn { config } => warning(state, *config),
    }
}

/// What is due at `at`: a reservation to expire, else a lease, else a minute of refusals to close.
pub(super) fn due(state: &State, at: u64) -> Option<Change> {
    let expired = state.open.first_due().filter(|(due, _)| *due <= at);
    if let Some((request, reservation)) =
        expired.and_then(|(_, id)| state.open.get(id).map(|reservation| (id, reservation)))
    {
        return Some(expiry(request, reservation));
    }
    let lost = state.leases.first_due().filter(|(due, _)| *due <= at);
    if let Some((name, lease)) = lost.and_then(|(_, name)| Some((name, state.leases.get(name)?))) {
        return Some(settled::loss(name, lease));
    }
    let (_, tally) = state.refusals.first_due().filter(|(due, _)| *due <= at)?;
    closing(state, tally, at)
}

/// When [`due`] has something next.
pub(super) fn next_due(state: &State) -> Option<u64> {
    let deadline = state.open.first_due().map(|(due, _)| due);
    let lease = state.leases.first_due().map(|(due, _)| due);
    let summary = state.refusals.first_due().map(|(due, _)| due);
    deadline.into_iter().chain(lease).chain(summary).min()
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

/// What is changed elsewhere is recorded before it is, what is changed here along with it.
fn administration(state: &State, act: &Administer, moment: Moment<'_>) -> Decision {
    let draft = &act.draft;
    if state.refuses_key(&draft.key, moment.at) {
        let refused = (Refusal::KeyRevoked, Holds::default());
        return refused_admission(state, draft, refused, moment.at);
    }
    let Some(change) = &act.change else {
        let id = Id::from(draft.request.as_str());
        return if state.acts.contains(&id) {
            Decision::unchanged(Answer::Done)
        } else {
            let ending = Some(Ending::of(draft.clone()));
            Decision::recorded(Event::Administered { id }, ending, Answer::Done)
        };
    };
    let Decision { change, answer } = decide(state, change, moment);
    let change = change.map(|Change { event, ending }| Change {
        event,
        ending: Some(by_hand(draft, ending)),
    });
    Decision { change, answer }
}

/// The record of a change that was made by hand; some have one already, which says how much.
fn by_hand(draft: &Draft, ending: Option<Ending>) -> Ending {
    let Some(ending) = ending else {
        return Ending::of(draft.clone());
    };
    let draft = Draft {
        outcome: ending.draft.outcome,
        note: ending.draft.note.clone(),
        ..draft.clone()
    };
    Ending { draft, ..ending }
}

fn forgetting(state: &State, id: &str, user: &str) -> Decision {
    if state.acts.contains(id) {
        return Decision::unchanged(Answer::Done);
    }
    let event = Event::Forgotten {
        id: id.into(),
        user: user.to_owned(),
    };
    Decision::changed(event, Answer::Done)
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

/// The deployment's switches and configuration as they are from now on.
fn adoption(state: &State, edition: &Edition) -> Decision {
    if !edition.is_newer_than(&state.switches.copied) {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::Adopted(edition.clone()), Answer::Done)
}

/// A copy of the root's switches. It is noted before it is given.
fn copy(state: &State, at: u64) -> Decision {
    match noted_anew(state.copied_until, at) {
        Some(until) => Decision::changed(Event::Copied { until }, Answer::Switches),
        None => Decision::unchanged(Answer::Switches),
    }
}

fn turning(state: &State, turn: &Turn, at: u64) -> Decision {
    let own = &state.switches.own;
    if own.has(turn) {
        return Decision::unchanged(Answer::Done);
    }
    let refused = |reason| Decision::unchanged(Answer::Refused(reason, Holds::default()));
    if own.is_past(turn) {
        return refused(Refusal::SwitchesTurned);
    }
    if own.is_full(turn, at) {
        return refused(Refusal::TooManySwitches);
    }
    Decision::changed(Event::Turned(turn.clone()), Answer::Done)
}

fn warning(state: &State, config: u64) -> Decision {
    if config > state.versions.config || state.alerts.has_warned(config) {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::Warned { config }, Answer::Done)
}

fn expiry_of(state: &State, key: &str, at: u64) -> Decision {
    if state.expiring.get(key).is_some_and(|end| *end <= at) {
        return Decision::unchanged(Answer::Done);
    }
    let key = key.to_owned();
    Decision::changed(Event::KeyExpires { key, at }, Answer::Done)
}

fn delivery(state: &State, id: u64) -> Decision {
    if id <= state.alerts.delivered() {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::Delivered { id }, Answer::Done)
}

/// A payment has a record of its own, so that the balance can be counted from the records.
fn payment_in(state: &State, payment: &TopUp, at: u64) -> Decision {
    if state.payments.contains(&payment.id) {
        return Decision::unchanged(Answer::Done);
    }
    let draft = Draft {
        request: format!("top-up-{}", payment.id),
        at,
        outcome: Outcome::ToppedUp,
        note: payment.note.clone(),
        ..Draft::default()
    };
    let ending = Ending {
        credit: payment.amount,
        ..Ending::of(draft)
    };
    Decision::recorded(Event::ToppedUp(payment.clone()), Some(ending), Answer::Done)
}

/// A request that asked for admission in vain.
pub(super) fn refused_admission(
    state: &State,
    draft: &Draft,
    (reason, shown): (Refusal, Holds),
    at: u64,
) -> Decision {
    let kind = match reason {
        Refusal::BudgetExhausted { .. } | Refusal::CreditsExhausted | Refusal::Unpriced => {
            Kind::BudgetExhausted
        }
        Refusal::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
        Refusal::KeyRevoked => Kind::Unauthenticated,
        Refusal::Killed { .. } => Kind::KillSwitch,
        Refusal::NotActive | Refusal::NotReserved | Refusal::RootSilent => Kind::Unavailable,
        Refusal::RateLimited { .. } => Kind::RateLimited,
        Refusal::StillRunning => Kind::StillRunning,
        Refusal::SwitchesTurned => Kind::Conflict,
        Refusal::TooLarge { .. } | Refusal::TooManySwitches => Kind::InvalidRequest,
    };
    let change = refuse(state, draft, reason.clone(), at, || Draft {
        status: kind.row().status,
        error: Some(kind),
        ..draft.clone()
    });
    let answer = Answer::Refused(reason, shown);
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
    let told = told();
    let outcome = match told.outcome {
        Outcome::Failed => Outcome::Failed,
        _ => Outcome::Refused,
    };
    let told = Draft { outcome, ..told };
    let event = Event::Refused(Refused {
        request: request.into(),
        tally,
        reason,
        status: told.status,
        error: told.error,
        recorded,
    });
    let ending = recorded.then(|| Ending::of(told));
    Some(Change { event, ending })
}

fn expiry(request: &Id, reservation: &Reservation) -> Change {
    let draft = Draft {
        outcome: Outcome::Expired,
        ..Draft::clone(&reservation.draft)
    };
    let ending = Ending {
        cost: reservation.bound,
        bound: reservation.bound,
        flags: vec![Flag::Bounded],
        ..Ending::of(draft)
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
