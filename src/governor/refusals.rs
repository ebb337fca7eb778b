//! Refusals by key and minute: the first hundred are recorded in full, the others counted and
//! recorded as one when the minute is over.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Id;
use super::journal::{Ending, Refused};
use crate::audit::{Draft, Outcome};
use crate::error::Kind;

/// Refusals of a key that are recorded in full, in a minute.
const RECORDED_PER_MINUTE: u64 = 100;
const MINUTE_MILLISECONDS: u64 = 60_000;
/// Keys tallied apart; further ones share the tally with the empty name.
pub(super) const TALLIES: usize = 1_000;

/// A key's refusals in the minute that began with the first.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tally {
    since: u64,
    recorded: u64,
    counted: u64,
    /// Of the last one that was only counted.
    status: u16,
    error: Option<Kind>,
}

impl Tally {
    const fn until(&self) -> u64 {
        self.since.saturating_add(MINUTE_MILLISECONDS)
    }
}

/// The refusals of the last minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    tallies: BTreeMap<Id, Tally>,
    /// Ends of minutes in which nothing was merely counted: they may be dropped without a record.
    idle: BTreeSet<(u64, Id)>,
    /// Ends of minutes that owe a record.
    owing: BTreeSet<(u64, Id)>,
}

impl Refusals {
    /// The name under which refusals of `key` are tallied.
    pub(super) fn tally_of(&self, key: &str, at: u64) -> Id {
        let room = || {
            let droppable = self.idle.first().is_some_and(|(until, _)| *until <= at);
            self.tallies.len() < TALLIES || droppable
        };
        if self.tallies.contains_key(key) || room() {
            Id::from(key)
        } else {
            Id::from("")
        }
    }

    /// Whether the next refusal is recorded in full.
    pub(super) fn records(&self, tally: &str, at: u64) -> bool {
        self.tallies
            .get(tally)
            .is_none_or(|tally| tally.until() <= at || tally.recorded < RECORDED_PER_MINUTE)
    }

    /// Counts a refusal.
    pub(super) fn add(&mut self, refused: &Refused, at: u64) {
        if self
            .tallies
            .get(&refused.tally)
            .is_some_and(|tally| tally.until() <= at)
        {
            self.close(&refused.tally);
        }
        let name = &refused.tally;
        let tally = self.tallies.entry(name.clone()).or_insert_with(|| Tally {
            since: at,
            recorded: 0,
            counted: 0,
            status: refused.status,
            error: refused.error,
        });
        let place = (tally.until(), name.clone());
        if refused.recorded {
            tally.recorded = tally.recorded.saturating_add(1);
            if tally.counted == 0 {
                self.idle.insert(place);
            }
        } else {
            tally.counted = tally.counted.saturating_add(1);
            tally.status = refused.status;
            tally.error = refused.error;
            self.idle.remove(&place);
            self.owing.insert(place);
        }
    }

    /// The end of the earliest minute that owes a record, and whose it is.
    pub(super) fn first_due(&self) -> Option<(u64, &Id)> {
        self.owing.first().map(|(until, name)| (*until, name))
    }

    /// The record of a minute that is over at `at` and owes one.
    pub(super) fn summary(&self, name: &str, at: u64) -> Option<Ending> {
        let tally = self.tallies.get(name)?;
        if tally.counted == 0 || tally.until() > at {
            return None;
        }
        let draft = Draft {
            request: format!("refusals-{name}-{}", tally.since),
            at: tally.since,
            key: name.to_owned(),
            outcome: Outcome::RefusedMany,
            status: tally.status,
            error: tally.error,
            ..Draft::default()
        };
        Some(Ending {
            count: tally.counted,
            ..Ending::of(draft)
        })
    }

    /// Drops a tally.
    pub(super) fn close(&mut self, name: &Id) {
        if let Some(tally) = self.tallies.remove(name) {
            let place = (tally.until(), name.clone());
            self.idle.remove(&place);
            self.owing.remove(&place);
        }
    }

    /// Drops the minutes that are over and owe nothing.
    pub(super) fn forget(&mut self, at: u64) {
        while self.idle.first().is_some_and(|(until, _)| *until <= at) {
            if let Some((_, name)) = self.idle.pop_first() {
                self.tallies.remove(&name);
            }
        }
    }
}

impl Serialize for Refusals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.tallies)
    }
}

impl<'de> Deserialize<'de> for Refusals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tallies = BTreeMap::<Id, Tally>::deserialize(deserializer)?;
        let mut refusals = Self::default();
        for (name, tally) in &tallies {
            let place = (tally.until(), name.clone());
            if tally.counted == 0 {
                refusals.idle.insert(place);
            } else {
                refusals.owing.insert(place);
            }
        }
        refusals.tallies = tallies;
        Ok(refusals)
    }
}
