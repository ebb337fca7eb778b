//! How leases change what a governor knows.

use std::collections::BTreeSet;

use super::held::{Lease, Lost, Profile};
use super::{Part, Return, Slice};
use crate::governor::Id;
use crate::governor::command::Subjects;
use crate::governor::demand::{Demand, Quantity};
use crate::governor::journal::{Leased, Reserved, Settled};
use crate::governor::reservations::Reservation;
use crate::governor::state::State;
use crate::money::Nanos;

impl State {
    /// Holds a lease. It counts as used at the last moment at which it may be, so that no window
    /// forgets it too early.
    pub(in crate::governor) fn lend(&mut self, reserved: &Reserved, leased: &Leased, at: u64) {
        let demand = Demand {
            draft: &reserved.draft,
            subjects: &Subjects::default(),
            tokens: reserved.tokens,
            bound: reserved.bound,
        };
        let last = at.saturating_add(leased.lasts_ms).saturating_sub(1);
        let moment = (&self.periods, last);
        let holds = self.meters.places(&self.rules, &demand, None, moment);
        let slice = leased.slice;
        self.meters
            .flow_in(&holds.flows, |measure| slice.amount(measure), at);
        for hold in &holds.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.reserve(hold.from, slice.bound);
        }
        self.reserved = self.reserved.plus(slice.bound);
        let draft = &reserved.draft;
        let profile = Profile {
            key: draft.key.clone(),
            operation: draft.operation.clone(),
            tier: draft.tier.clone(),
        };
        let lease = Lease {
            profile,
            at,
            lasts_ms: leased.lasts_ms,
            holds,
            granted: slice,
            left: slice,
            returned: false,
            ended: BTreeSet::new(),
            deadline: leased.deadline,
        };
        self.leases.insert(draft.request.as_str().into(), lease);
    }

    /// Charges a request that was admitted from a lease.
    pub(in crate::governor) fn settle_part(&mut self, part: &Part, settled: &Settled, at: u64) {
        let Some((lease, taken)) = self.take_part(part) else {
            return;
        };
        let held = |measure| Quantity::one(taken.tokens, taken.bound).of(measure);
        let used = Quantity::one(settled.tokens, settled.cost);
        self.meters
            .flow_out(&lease.holds.flows, held, |_| Some(used), at);
        self.unhold(&lease, taken.bound);
        for hold in &lease.holds.money {
            self.charge(hold, settled.cost, at);
        }
        self.close_where_done(&part.lease);
    }

    /// Makes a reservation of its own of a part of a lease.
    pub(in crate::governor) fn detach(&mut self, part: &Part, reserved: Reserved) {
        let Some((lease, taken)) = self.take_part(part) else {
            return;
        };
        for hold in &lease.holds.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.lower(hold.from, taken.bound);
            purse.reserve(hold.from, taken.bound);
        }
        let request = Id::from(reserved.draft.request.as_str());
        let reservation = Reservation {
            draft: reserved.draft,
            subjects: reserved.subjects,
            target: None,
            tokens: taken.tokens,
            bound: taken.bound,
            holds: lease.holds,
            name: None,
            deadline: reserved.deadline,
            steps: BTreeSet::new(),
        };
        self.open.insert(request, reservation);
        self.close_where_done(&part.lease);
    }

    /// Gives back what a lease was not used for.
    pub(in crate::governor) fn give_back(&mut self, told: &Return, at: u64) {
        let Some(lease) = self.leases.get_mut(&told.lease) else {
            return;
        };
        let unused = lease.granted.minus(&told.used).within(&lease.left);
        lease.left = lease.left.minus(&unused);
        lease.returned = true;
        let lease = lease.clone();
        self.meters
            .flow_back(&lease.holds.flows, |measure| unused.amount(measure), at);
        self.unhold(&lease, unused.bound);
        self.close_where_done(&told.lease);
    }

    /// Charges what is left of a lease at its deadline.
    pub(in crate::governor) fn lose(&mut self, name: &str, at: u64) {
        let Some(lease) = self.leases.remove(name) else {
            return;
        };
        let left = lease.left;
        let held = |measure| left.amount(measure);
        self.meters.flow_out(&lease.holds.flows, held, |_| None, at);
        self.unhold_last(&lease, left);
        self.charged = self.charged.plus(left.bound);
        self.credits = self.credits.map(|balance| balance.minus(left.bound));
        for hold in &lease.holds.money {
            self.charge(hold, left.bound, at);
        }
        let lost = Lost {
            charged: left.bound,
            money: lease.holds.money,
            ended: lease.ended,
        };
        self.lost.insert(at, name.into(), lost);
    }

    /// Corrects the charge of a lost lease by what one of its requests turned out to have cost.
    pub(in crate::governor) fn correct_part(&mut self, part: &Part, cost: Nanos, at: u64) {
        let Some(lost) = self.lost.get_mut(&part.lease) else {
            return;
        };
        let explained = part.bound.at_least_zero().min(lost.charged);
        lost.charged = lost.charged.saturating_sub(explained);
        lost.ended.insert(part.number);
        let money = lost.money.clone();
        self.charged = self.charged.plus(cost);
        self.credits = self.credits.map(|balance| balance.minus(cost));
        for hold in &money {
            self.charge(hold, cost, at);
        }
    }

    /// Takes a part out of its lease; gives the lease as it is then, and what was held for the part.
    fn take_part(&mut self, part: &Part) -> Option<(Lease, Slice)> {
        let lease = self.leases.get_mut(&part.lease)?;
        let taken = part.slice().within(&lease.left);
        lease.left = lease.left.minus(&taken);
        lease.ended.insert(part.number);
        Some((lease.clone(), taken))
    }

    /// Money of a lease is not held any more.
    fn unhold(&mut self, lease: &Lease, bound: Nanos) {
        for hold in &lease.holds.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.lower(hold.from, bound);
        }
        self.reserved = self.reserved.minus(bound);
    }

    /// A lease that is over, of which all requests have ended, holds nothing any more.
    fn close_where_done(&mut self, name: &str) {
        let done = |lease: &Lease| lease.returned && lease.left.requests == 0;
        if self.leases.get(name).is_some_and(done)
            && let Some(lease) = self.leases.remove(name)
        {
            self.unhold_last(&lease, lease.left);
        }
    }

    fn unhold_last(&mut self, lease: &Lease, left: Slice) {
        for hold in &lease.holds.money {
            let purse = self.meters.purse(&hold.account, &hold.place);
            purse.release(hold.from, left.bound);
        }
        self.reserved = self.reserved.minus(left.bound);
    }
}
