//! Ids of the recent past, each with what is known of it: bounded by age and by number.

use std::collections::{BTreeMap, VecDeque};

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Id;

/// How long and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Milliseconds.
    pub(super) age: u64,
    /// Ids.
    pub(super) count: usize,
}

/// Ids of ended requests: 24 hours, at most 20,000.
pub(super) const KEEP_ENDED: Keep = Keep {
    age: 86_400_000,
    count: 20_000,
};
/// Ids of refused requests: 10 minutes, at most 5,000. A command is repeated within seconds.
pub(super) const KEEP_REFUSED: Keep = Keep {
    age: 600_000,
    count: 5_000,
};
/// Ids of changes of the corpus: the last 1,000.
pub(super) const KEEP_CHANGES: Keep = Keep {
    age: u64::MAX,
    count: 1_000,
};

/// Ids of payments: the last 10,000.
pub(super) const KEEP_PAYMENTS: Keep = Keep {
    age: u64::MAX,
    count: 10_000,
};

/// Ids of acts of administration: like those of refused requests.
pub(super) const KEEP_ACTS: Keep = KEEP_REFUSED;

/// Users who were forgotten: as long as a request of theirs may be settled late.
pub(super) const KEEP_FORGOTTEN: Keep = Keep {
    age: KEEP_ENDED.age,
    count: 1_000,
};

/// Leases that were lost: 24 hours, at most 1,000.
pub(super) const KEEP_LOST: Keep = Keep {
    age: 86_400_000,
    count: 1_000,
};

/// Ids in the order they came. A map of ordered keys, since ids come from outside and a hash map's
/// seed would be fixed on this platform.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    values: BTreeMap<Id, T>,
    order: VecDeque<(u64, Id)>,
}

impl<T> Recent<T> {
    pub(super) const fn new() -> Self {
        Self {
            values: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.values.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.values.get_mut(id)
    }

    pub(super) fn for_each(&mut self, change: impl FnMut(&mut T)) {
        self.values.values_mut().for_each(change);
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.values.contains_key(id)
    }

    /// Remembers `id` since `at`, which must not be earlier than that of the one before. A known id
    /// keeps its place.
    pub(super) fn insert(&mut self, at: u64, id: Id, value: T) {
        if self.values.insert(id.clone(), value).is_none() {
            self.order.push_back((at, id));
        }
    }

    /// Drops an id before its time.
    pub(super) fn remove(&mut self, id: &str) {
        if self.values.remove(id).is_some() {
            self.order.retain(|(_, other)| **other != *id);
        }
    }

    /// Forgets what is older than `keep.age` or beyond `keep.count`, and says what it was.
    pub(super) fn forget(&mut self, at: u64, keep: Keep, mut forgotten: impl FnMut(T)) {
        while let Some((since, id)) = self.order.front() {
            if self.order.len() <= keep.count && since.saturating_add(keep.age) > at {
                return;
            }
            if let Some(value) = self.values.remove(id) {
                forgotten(value);
            }
            self.order.pop_front();
        }
    }
}

impl<T: Serialize> Serialize for Recent<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.order
                .iter()
                .map(|(at, id)| (at, id, self.values.get(id))),
        )
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Recent<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut recent = Self::new();
        for (at, id, value) in Vec::<(u64, Id, T)>::deserialize(deserializer)? {
            recent.insert(at, id, value);
        }
        Ok(recent)
    }
}
