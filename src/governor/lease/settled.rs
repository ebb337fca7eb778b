//! What becomes of a request that was admitted from a lease, and of a lease.

use super::held::{Lease, Lost};
use super::{Detach, Part, Return};
use crate::audit::{Draft, Flag, Outcome};
use crate::governor::Id;
use crate::governor::command::{Refusal, Settle, Subjects};
use crate::governor::decide::{Answer, Change, Decision};
use crate::governor::demand::Holds;
use crate::governor::journal::{Ending, Event, Reserved};
use crate::governor::settlement::{self, Paid};
use crate::governor::state::State;

/// No reservation outlives a day, whatever deadline it asks for.
const MAX_DEADLINE_MILLISECONDS: u64 = 86_400_000;

/// A settlement under a lease, by the number of its request. A lease that is not known any more is
/// one of which everything has ended, or was lost so long ago that its charge stands.
pub(in crate::governor) fn settlement(state: &State, settle: &Settle, part: &Part) -> Decision {
    settlement::nameless(state, by_number(state, settle, part))
}

fn by_number(state: &State, settle: &Settle, part: &Part) -> Decision {
    let known = || Decision::unchanged(Answer::Settled(Holds::default()));
    if let Some(lease) = state.leases.get(&part.lease) {
        if lease.ended.contains(&part.number) {
            return known();
        }
        let bound = part.slice().within(&lease.left).bound;
        let paid = Paid {
            bound,
            holds: &Holds::default(),
            part: Some(part.clone()),
            unreserved: Vec::new(),
        };
        return settlement::charge(state, settle, paid);
    }
    match state.lost.get(&part.lease) {
        Some(lost) if !lost.ended.contains(&part.number) => correction(settle, part, lost),
        _ => known(),
    }
}

/// A settlement of a request whose lease was lost: it is paid from what that was charged.
fn correction(settle: &Settle, part: &Part, lost: &Lost) -> Decision {
    let charged = part.bound.at_least_zero().min(lost.charged);
    settlement::correction(settle, charged, Some(part.clone()), lost.money.clone())
}

/// A lease is over. Told again, or of a lease that was lost, it changes nothing.
pub(in crate::governor) fn giving_back(state: &State, told: &Return) -> Decision {
    let open = state.leases.get(&told.lease);
    if open.is_none_or(|lease| lease.returned) {
        return Decision::unchanged(Answer::Done);
    }
    Decision::changed(Event::Returned(told.clone()), Answer::Done)
}

/// A request of a lease gets a reservation of its own, of the same bound, in the same places.
pub(in crate::governor) fn detachment(state: &State, detach: &Detach, at: u64) -> Decision {
    let Detach { draft, part, .. } = detach;
    let shown = Holds::default();
    if state.open.contains(&draft.request) {
        return Decision::unchanged(Answer::admitted(0, shown));
    }
    let open = state.leases.get(&part.lease);
    if open.is_none_or(|lease| lease.ended.contains(&part.number)) {
        return Decision::unchanged(Answer::Refused(Refusal::NotReserved, shown));
    }
    let lifetime = detach.deadline_ms.min(MAX_DEADLINE_MILLISECONDS);
    let reserved = Reserved {
        draft: Box::new(draft.clone()),
        subjects: Subjects::default(),
        target: None,
        tokens: part.tokens,
        bound: part.bound,
        idempotency: None,
        deadline: at.saturating_add(lifetime),
        lease: None,
    };
    let event = Event::Detached {
        part: part.clone(),
        reserved: Box::new(reserved),
    };
    Decision::changed(event, Answer::admitted(0, shown))
}

/// The end of a lease at its deadline: whatever was not told of it is charged, with one record.
pub(in crate::governor) fn loss(name: &Id, lease: &Lease) -> Change {
    let profile = lease.profile.clone();
    let draft = Draft {
        request: format!("lease-{name}"),
        at: lease.at,
        key: profile.key,
        operation: profile.operation,
        tier: profile.tier,
        outcome: Outcome::LeaseLost,
        ..Draft::default()
    };
    let ending = Ending {
        cost: lease.left.bound,
        bound: lease.left.bound,
        flags: vec![Flag::Bounded],
        count: lease.left.requests,
        ..Ending::of(draft)
    };
    Change {
        event: Event::LeaseLost {
            lease: name.clone(),
        },
        ending: Some(ending),
    }
}
