//! What is known of many subjects, by family. Bounded: where a family is full, further subjects share
//! one place. What no longer says anything is swept out a little with every change.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::Id;

/// Subjects of a family that have a place of their own.
pub(super) const MOST_SUBJECTS: usize = 100_000;
/// The place that further subjects share. No subject has this name: the border refuses it.
const SHARED: &str = "*";
/// Places looked at with every change: two, so that they go faster than they come.
const SWEPT: usize = 2;

/// Values by family and subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Stored<F, T>", into = "Stored<F, T>")]
#[serde(bound(
    serialize = "F: Ord + Clone + Serialize, T: Clone + Serialize",
    deserialize = "F: Ord + Deserialize<'de>, T: Deserialize<'de>"
))]
pub(super) struct Table<F, T> {
    families: BTreeMap<F, BTreeMap<Id, T>>,
    /// The place that was looked at last.
    swept: Option<(F, Id)>,
}

/// A table as it is written: JSON objects have texts for keys only.
#[derive(Serialize, Deserialize)]
struct Stored<F, T> {
    families: Vec<(F, BTreeMap<Id, T>)>,
    swept: Option<(F, Id)>,
}

impl<F, T> From<Table<F, T>> for Stored<F, T> {
    fn from(table: Table<F, T>) -> Self {
        Self {
            families: table.families.into_iter().collect(),
            swept: table.swept,
        }
    }
}

impl<F: Ord, T> From<Stored<F, T>> for Table<F, T> {
    fn from(stored: Stored<F, T>) -> Self {
        Self {
            families: stored.families.into_iter().collect(),
            swept: stored.swept,
        }
    }
}

impl<F, T> Default for Table<F, T> {
    fn default() -> Self {
        Self {
            families: BTreeMap::new(),
            swept: None,
        }
    }
}

impl<F: Ord + Clone, T> Table<F, T> {
    /// The name under which `subject` is counted.
    pub(super) fn place(&self, family: &F, subject: &str) -> Id {
        let full = self
            .families
            .get(family)
            .is_some_and(|places| places.len() >= MOST_SUBJECTS && !places.contains_key(subject));
        Id::from(if full { SHARED } else { subject })
    }

    pub(super) fn get(&self, family: &F, place: &str) -> Option<&T> {
        self.families.get(family)?.get(place)
    }

    /// The value of a place, which begins as `new` where there is none.
    pub(super) fn entry(&mut self, family: &F, place: &Id, new: impl FnOnce() -> T) -> &mut T {
        self.families
            .entry(family.clone())
            .or_default()
            .entry(place.clone())
            .or_insert_with(new)
    }

    /// The subjects of a family in the order of their names.
    pub(super) fn subjects(&self, family: &F) -> impl Iterator<Item = (&Id, &T)> + use<'_, F, T> {
        self.families.get(family).into_iter().flatten()
    }

    /// Drops the families that are not in force.
    pub(super) fn keep(&mut self, families: &BTreeSet<F>) {
        self.families.retain(|family, _| families.contains(family));
    }

    /// Drops a few of the values that are `idle`, another few each time.
    pub(super) fn sweep(&mut self, mut idle: impl FnMut(&F, &mut T) -> bool) {
        for _ in 0..SWEPT {
            self.swept = self.after_swept();
            let Some((family, place)) = &self.swept else {
                return;
            };
            if let Some(places) = self.families.get_mut(family)
                && places
                    .get_mut(place)
                    .is_some_and(|value| idle(family, value))
            {
                places.remove(place);
            }
        }
    }

    fn after_swept(&self) -> Option<(F, Id)> {
        let rest_of = |family: &F, place: &Id| {
            let rest = (Bound::Excluded(place.clone()), Bound::Unbounded);
            let (next, _) = self.families.get(family)?.range(rest).next()?;
            Some((family.clone(), next.clone()))
        };
        let first_after = |families: (Bound<F>, Bound<F>)| {
            let mut families = self.families.range(families);
            families.find_map(|(family, places)| {
                let (first, _) = places.first_key_value()?;
                Some((family.clone(), first.clone()))
            })
        };
        match &self.swept {
            Some((family, place)) => rest_of(family, place)
                .or_else(|| first_after((Bound::Excluded(family.clone()), Bound::Unbounded))),
            None => first_after((Bound::Unbounded, Bound::Unbounded)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(subjects: &[(u8, &str)]) -> Table<u8, u32> {
        let mut table = Table::default();
        for (index, (family, subject)) in (0..).zip(subjects) {
            table.entry(family, &Id::from(*subject), || index);
        }
        table
    }

    fn names(table: &Table<u8, u32>) -> Vec<(u8, String)> {
        let subjects = |family: u8| {
            let subjects = table.subjects(&family);
            subjects.map(move |(name, _)| (family, name.to_string()))
        };
        (0..4).flat_map(subjects).collect()
    }

    #[test]
    fn every_place_is_looked_at_in_turn() {
        let mut table = table(&[(0, "a"), (0, "b"), (1, "a"), (3, "c"), (3, "d")]);
        let mut seen = Vec::new();
        for _ in 0..6 {
            table.sweep(|family, value| {
                seen.push((*family, *value));
                *value == 1 || *value == 4
            });
        }
        assert_eq!(&seen[..5], [(0, 0), (0, 1), (1, 2), (3, 3), (3, 4)]);
        assert_eq!(&seen[5..8], [(0, 0), (1, 2), (3, 3)]);
        assert_eq!(
            names(&table),
            [(0, "a".into()), (1, "a".into()), (3, "c".into())]
        );
    }

    #[test]
    fn a_full_family_shares_a_place() {
        let mut table: Table<u8, u32> = Table::default();
        for index in 0..MOST_SUBJECTS {
            table.entry(&0, &Id::from(index.to_string()), || 0);
        }
        assert_eq!(&*table.place(&0, "7"), "7");
        assert_eq!(&*table.place(&0, "new"), "*");
        assert_eq!(&*table.place(&1, "new"), "new");
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut table = table(&[(0, "a"), (2, "b")]);
        table.sweep(|_, _| false);
        let json = serde_json::to_string(&table).unwrap();
        let read: Table<u8, u32> = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert_eq!(names(&read), names(&table));
    }

    #[test]
    fn families_that_are_not_in_force_are_dropped() {
        let mut table = table(&[(0, "a"), (2, "b")]);
        table.keep(&BTreeSet::from([2]));
        assert_eq!(names(&table), [(2, "b".into())]);
    }
}
