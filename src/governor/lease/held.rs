//! Leases as their governor holds them.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Slice;
use crate::governor::Id;
use crate::governor::demand::{Holds, MoneyHold};
use crate::money::Nanos;

/// A lease that is not over, or of which requests have not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::governor) struct Lease {
    /// Whom it is for.
    pub(in crate::governor) profile: Profile,
    /// When it was granted, Unix milliseconds.
    pub(in crate::governor) at: u64,
    /// Milliseconds for which its holder may admit from it.
    pub(in crate::governor) lasts_ms: u64,
    /// Where it is counted.
    pub(in crate::governor) holds: Holds,
    pub(in crate::governor) granted: Slice,
    /// What is still held.
    pub(in crate::governor) left: Slice,
    /// Whether its holder has told what was used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::governor) returned: bool,
    /// The numbers of the requests that have ended.
    pub(in crate::governor) ended: BTreeSet<u32>,
    /// When what is left is charged, Unix milliseconds.
    pub(in crate::governor) deadline: u64,
}

/// Whose requests count in the same places.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::governor) struct Profile {
    pub(in crate::governor) key: String,
    pub(in crate::governor) operation: String,
    pub(in crate::governor) tier: String,
}

/// A lease that was charged at its deadline: late settlements are paid from that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::governor) struct Lost {
    /// What of the charge no settlement has explained.
    pub(in crate::governor) charged: Nanos,
    /// Whom it was charged to.
    pub(in crate::governor) money: Vec<MoneyHold>,
    /// The numbers of the requests that have ended.
    pub(in crate::governor) ended: BTreeSet<u32>,
}

/// All leases of an org, found by name and by deadline.
#[derive(Clone, Debug, Default)]
pub(in crate::governor) struct Leases {
    by_name: BTreeMap<Id, Lease>,
    deadlines: BTreeSet<(u64, Id)>,
}

impl Leases {
    pub(in crate::governor) fn get(&self, name: &str) -> Option<&Lease> {
        self.by_name.get(name)
    }

    /// A lease whose deadline stays as it is.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Lease> {
        self.by_name.get_mut(name)
    }

    pub(in crate::governor) fn for_each(&mut self, change: impl FnMut(&mut Lease)) {
        self.by_name.values_mut().for_each(change);
    }

    pub(in crate::governor) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether a holder may still admit from one, for all that is known.
    pub(in crate::governor) fn any_used(&self) -> bool {
        self.by_name.values().any(|lease| !lease.returned)
    }

    pub(super) fn insert(&mut self, name: Id, lease: Lease) {
        self.deadlines.insert((lease.deadline, name.clone()));
        self.by_name.insert(name, lease);
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Lease> {
        let (name, lease) = self.by_name.remove_entry(name)?;
        self.deadlines.remove(&(lease.deadline, name));
        Some(lease)
    }

    /// The earliest deadline and whose it is.
    pub(in crate::governor) fn first_due(&self) -> Option<(u64, &Id)> {
        self.deadlines
            .first()
            .map(|(deadline, name)| (*deadline, name))
    }
}

impl Serialize for Leases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.by_name)
    }
}

impl<'de> Deserialize<'de> for Leases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut leases = Self::default();
        for (name, lease) in BTreeMap::<Id, Lease>::deserialize(deserializer)? {
            leases.insert(name, lease);
        }
        Ok(leases)
    }
}
