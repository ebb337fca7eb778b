//! Money by UTC day. A reservation belongs to the day it was made in, whenever it ends.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::command::BudgetState;
use crate::money::Nanos;

const DAY_MILLISECONDS: u64 = 86_400_000;

/// The UTC day of an instant, counted from 1970-01-01.
pub(super) const fn day_of(at: u64) -> u64 {
    at / DAY_MILLISECONDS
}

/// A sum of [`Nanos`], exact for any number of them. Serialised as decimal text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Total(i128);

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
    fn to_nanos(self) -> Nanos {
        let clamped = self.0.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(clamped).map_or(Nanos::MAX, Nanos::new)
    }
}

impl fmt::Display for Total {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// The money of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    spent: Total,
    reserved: Total,
    open: u64,
}

/// The days that still matter, and everything ever charged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Budget {
    days: BTreeMap<u64, Day>,
    charged: Total,
}

impl Budget {
    /// Whether `day` can carry `amount` more. What is free fits even where nothing is left; a
    /// negative amount is no amount and never fits.
    pub(super) fn carries(&self, limit: Option<Nanos>, day: u64, amount: Nanos) -> bool {
        if amount <= Nanos::ZERO {
            return amount == Nanos::ZERO;
        }
        let Some(limit) = limit else { return true };
        let Day {
            spent, reserved, ..
        } = self.day(day);
        let held = spent.get().saturating_add(reserved.get());
        held.saturating_add(i128::from(amount.get())) <= i128::from(limit.get())
    }

    /// Opens a reservation.
    pub(super) fn reserve(&mut self, day: u64, bound: Nanos) {
        let day = self.days.entry(day).or_default();
        day.reserved = day.reserved.plus(bound);
        day.open = day.open.saturating_add(1);
    }

    /// Raises an open reservation.
    pub(super) fn raise(&mut self, day: u64, by: Nanos) {
        let day = self.days.entry(day).or_default();
        day.reserved = day.reserved.plus(by);
    }

    /// Closes a reservation.
    pub(super) fn release(&mut self, day: u64, bound: Nanos) {
        let day = self.days.entry(day).or_default();
        day.reserved = day.reserved.minus(bound);
        day.open = day.open.saturating_sub(1);
    }

    /// Charges a day; a negative amount corrects an earlier charge. A day that is over and has no
    /// open reservation limits nothing any more, so only the sum of all charges knows of it.
    pub(super) fn charge(&mut self, day: u64, today: u64, amount: Nanos) {
        self.charged = self.charged.plus(amount);
        if day >= today || self.days.contains_key(&day) {
            let day = self.days.entry(day).or_default();
            day.spent = day.spent.plus(amount);
        }
    }

    /// Drops the days before `today` that have no open reservation.
    pub(super) fn forget(&mut self, today: u64) {
        if self
            .days
            .first_key_value()
            .is_some_and(|(&day, _)| day < today)
        {
            self.days
                .retain(|&day, money| day >= today || money.open > 0);
        }
    }

    /// Everything ever charged.
    pub(super) const fn charged(&self) -> Total {
        self.charged
    }

    pub(super) fn state(&self, limit: Option<Nanos>, at: u64) -> BudgetState {
        let day = day_of(at);
        let money = self.day(day);
        let next = day.saturating_add(1).saturating_mul(DAY_MILLISECONDS);
        BudgetState {
            limit,
            spent: money.spent.to_nanos(),
            reserved: money.reserved.to_nanos(),
            reset: next.saturating_sub(at).div_ceil(1_000),
        }
    }

    fn day(&self, day: u64) -> Day {
        self.days.get(&day).copied().unwrap_or_default()
    }
}
