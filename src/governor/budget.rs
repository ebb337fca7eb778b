//! What a subject has spent and holds, by period. A reservation belongs to the period it was made
//! in, whenever it ends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Id, wide};
use crate::money::Nanos;

/// A sum of [`Nanos`], exact for any number of them. Serialised as decimal text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Total(#[serde(with = "wide")] i128);

impl Total {
    /// Exact: 2^63 terms of 2^63 each would be needed to reach the ends of `i128`.
    #[must_use]
    pub(super) fn plus(self, amount: Nanos) -> Self {
        Self(self.0.saturating_add(i128::from(amount.get())))
    }

    #[must_use]
    pub(super) fn minus(self, amount: Nanos) -> Self {
        Self(self.0.saturating_sub(i128::from(amount.get())))
    }

    pub(super) const fn get(self) -> i128 {
        self.0
    }

    /// For display: held at the largest amount.
    pub(super) fn to_nanos(self) -> Nanos {
        let clamped = self.0.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(clamped).map_or(Nanos::MAX, Nanos::new)
    }
}

/// The money of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spending {
    pub(super) spent: Total,
    pub(super) reserved: Total,
    /// Open reservations.
    open: u64,
    /// The thresholds of budgets, in per cent, that were told of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    alerted: BTreeSet<(Id, u8)>,
}

impl Spending {
    /// Whether `amount` more stays within `limit`. What is free fits even where nothing is left; a
    /// negative amount is no amount and never fits.
    pub(super) fn carries(&self, limit: Nanos, amount: Nanos) -> bool {
        if amount <= Nanos::ZERO {
            return amount == Nanos::ZERO;
        }
        self.held().saturating_add(i128::from(amount.get())) <= i128::from(limit.get())
    }

    /// What is spent and reserved.
    pub(super) const fn held(&self) -> i128 {
        self.spent.get().saturating_add(self.reserved.get())
    }

    /// Whether nothing of `limit` is left.
    pub(super) fn exhausts(&self, limit: Nanos) -> bool {
        self.spent.get() >= i128::from(limit.get())
    }

    /// Whether `percent` of `limit` is spent for the first time.
    pub(super) fn reaches(&mut self, budget: &str, limit: Nanos, percent: u8) -> bool {
        let spent = self.spent.get().saturating_mul(100);
        let threshold = i128::from(limit.get()).saturating_mul(i128::from(percent));
        spent > 0 && spent >= threshold && self.alerted.insert((budget.into(), percent))
    }
}

/// The periods of a subject that still matter, by their first instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Purse(BTreeMap<u64, Spending>);

impl Purse {
    pub(super) fn period(&self, from: u64) -> Spending {
        self.0.get(&from).cloned().unwrap_or_default()
    }

    pub(super) fn period_mut(&mut self, from: u64) -> Option<&mut Spending> {
        self.0.get_mut(&from)
    }

    /// Opens a reservation.
    pub(super) fn reserve(&mut self, from: u64, bound: Nanos) {
        let period = self.0.entry(from).or_default();
        period.reserved = period.reserved.plus(bound);
        period.open = period.open.saturating_add(1);
    }

    /// Raises an open reservation.
    pub(super) fn raise(&mut self, from: u64, by: Nanos) {
        let period = self.0.entry(from).or_default();
        period.reserved = period.reserved.plus(by);
    }

    /// Lowers an open reservation.
    pub(super) fn lower(&mut self, from: u64, by: Nanos) {
        let period = self.0.entry(from).or_default();
        period.reserved = period.reserved.minus(by);
    }

    /// Closes a reservation.
    pub(super) fn release(&mut self, from: u64, bound: Nanos) {
        let period = self.0.entry(from).or_default();
        period.reserved = period.reserved.minus(bound);
        period.open = period.open.saturating_sub(1);
    }

    /// Charges a period; a negative amount corrects an earlier charge. One that is over and has no
    /// open reservation limits nothing any more.
    pub(super) fn charge(&mut self, from: u64, current: u64, amount: Nanos) {
        if from >= current || self.0.contains_key(&from) {
            let period = self.0.entry(from).or_default();
            period.spent = period.spent.plus(amount);
        }
    }

    /// Drops the periods before `current` that have no open reservation; says whether nothing of
    /// interest is left.
    pub(super) fn forget(&mut self, current: u64) -> bool {
        let nothing = Spending::default();
        self.0
            .retain(|&from, money| (from >= current && *money != nothing) || money.open > 0);
        self.0.is_empty()
    }
}
