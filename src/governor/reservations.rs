//! Open reservations, found by request and by deadline.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Id;
use super::command::{Subjects, Target, Tokens};
use super::demand::{Demand, Holds};
use crate::audit::{Draft, Person};
use crate::money::Nanos;

/// A request that was admitted and has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Reservation {
    /// Becomes the record if nobody settles.
    pub(super) draft: Box<Draft>,
    #[serde(default)]
    pub(super) subjects: Subjects,
    /// The candidate it was admitted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Target>,
    /// What it was likely to use.
    pub(super) tokens: Tokens,
    /// What is held for it.
    pub(super) bound: Nanos,
    /// Where it is counted.
    pub(super) holds: Holds,
    /// The name that the client gave it, scoped to the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// When it is charged at its bound, Unix milliseconds.
    pub(super) deadline: u64,
    /// The raises that were counted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) steps: BTreeSet<u32>,
}

impl Reservation {
    /// What it asked for.
    pub(super) const fn demand(&self) -> Demand<'_> {
        Demand {
            draft: &self.draft,
            subjects: &self.subjects,
            tokens: self.tokens,
            bound: self.bound,
        }
    }
}

/// All open reservations of an org.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    open: BTreeMap<Id, Reservation>,
    deadlines: BTreeSet<(u64, Id)>,
}

impl Reservations {
    pub(super) fn get(&self, request: &str) -> Option<&Reservation> {
        self.open.get(request)
    }

    pub(super) fn for_each(&mut self, change: impl FnMut(&mut Reservation)) {
        self.open.values_mut().for_each(change);
    }

    /// Forgets who is behind the requests of a user, here by digest.
    pub(super) fn forget(&mut self, user: &str) {
        let of_user = |reservation: &&mut Reservation| reservation.draft.user == user;
        for reservation in self.open.values_mut().filter(of_user) {
            reservation.draft.person = Person::default();
        }
    }

    pub(super) fn contains(&self, request: &str) -> bool {
        self.open.contains_key(request)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn insert(&mut self, request: Id, reservation: Reservation) {
        self.deadlines
            .insert((reservation.deadline, request.clone()));
        self.open.insert(request, reservation);
    }

    pub(super) fn remove(&mut self, request: &Id) -> Option<Reservation> {
        let reservation = self.open.remove(request)?;
        self.deadlines
            .remove(&(reservation.deadline, request.clone()));
        Some(reservation)
    }

    /// The earliest deadline and whose it is.
    pub(super) fn first_due(&self) -> Option<(u64, &Id)> {
        self.deadlines
            .first()
            .map(|(deadline, request)| (*deadline, request))
    }
}

impl Serialize for Reservations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.open)
    }
}

impl<'de> Deserialize<'de> for Reservations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut reservations = Self::default();
        for (request, reservation) in BTreeMap::<Id, Reservation>::deserialize(deserializer)? {
            reservations.insert(request, reservation);
        }
        Ok(reservations)
    }
}
