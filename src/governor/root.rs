//! The root: a governor like those of the orgs, whose switches and configuration are the deployment's. Each
//! org's governor has a copy of them, refreshes it while it admits, and admits nothing with one that is too old.
//! So whoever changes them knows when that is in force: when every governor has the new copy, or must
//! have let go of the old one.
//!
//! The root remembers in memory alone who has a copy. In its journal is only until when any copy is good
//! that it has given, so that one that was started anew knows how long to wait for those it has
//! forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The name of the root's object. No org has it: their ids have no underscores.
pub const ROOT: &str = "_root";

/// Milliseconds after which a copy is refreshed.
pub const FRESH_MS: u64 = 5_000;
/// Milliseconds for which a copy is good, from before it was asked for.
pub const GOOD_MS: u64 = 30_000;
/// What clocks of two objects may differ by in that time, in milliseconds.
const MARGIN_MS: u64 = 500;
/// For how much longer than needed the root notes that copies are good, in milliseconds: in that time
/// it notes it once.
const AHEAD_MS: u64 = 15_000;
/// Milliseconds after which a copy that was given is good no longer, for whoever knows of none.
pub const LONGEST_MS: u64 = GOOD_MS + MARGIN_MS + AHEAD_MS;
/// Holders that are remembered; of others only until when their copies are good.
const MOST_HOLDERS: usize = 10_000;

/// How good an org's copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It needs nothing.
    Fresh,
    /// It serves, and should be refreshed.
    Due,
    /// Nothing is admitted with it.
    Gone,
}

/// How good a copy is that was asked for at `asked_at`, if ever. A clock that went back says nothing.
pub(super) fn freshness(asked_at: Option<u64>, now: u64) -> Freshness {
    match asked_at.and_then(|asked_at| now.checked_sub(asked_at)) {
        Some(age) if age < FRESH_MS => Freshness::Fresh,
        Some(age) if age < GOOD_MS => Freshness::Due,
        _ => Freshness::Gone,
    }
}

/// Who may admit under an older state of the switches, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// By org, milliseconds for which its copy is good at most.
    pub left_ms: BTreeMap<String, u64>,
    /// The same of all that are not known.
    pub others_ms: u64,
}

/// Who has a copy, as the root remembers it.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// By org, until when its copy is good.
    known: BTreeMap<String, u64>,
    /// Until when those of all others are.
    others: u64,
}

impl Roster {
    /// Of a root that has given copies before, good until `others`.
    pub(super) const fn new(others: u64) -> Self {
        Self {
            known: BTreeMap::new(),
            others,
        }
    }

    /// An org is given a copy.
    pub(super) fn note(&mut self, org: &str, at: u64) {
        self.known.retain(|_, until| *until > at);
        if self.known.len() < MOST_HOLDERS || self.known.contains_key(org) {
            self.known.insert(org.to_owned(), good_until(at));
        } else {
            self.others = self.others.max(good_until(at));
        }
    }

    pub(super) fn holders(&self, at: u64) -> Holders {
        let left = |until: u64| until.saturating_sub(at);
        let known = self.known.iter().filter(|(_, until)| **until > at);
        Holders {
            left_ms: known
                .map(|(org, until)| (org.clone(), left(*until)))
                .collect(),
            others_ms: left(self.others),
        }
    }
}

/// Until when a copy that is given now may be used.
pub(super) const fn good_until(at: u64) -> u64 {
    at.saturating_add(GOOD_MS + MARGIN_MS)
}

/// What the root notes as the end of all copies, where one that is given now is good for longer than
/// what it has noted.
pub(super) fn noted_anew(noted: u64, at: u64) -> Option<u64> {
    (good_until(at) > noted).then(|| good_until(at).saturating_add(AHEAD_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_refreshed_and_then_gone() {
        let at = 1_000_000;
        let of = |now| freshness(Some(at), now);
        assert_eq!(of(at + FRESH_MS - 1), Freshness::Fresh);
        assert_eq!(of(at + FRESH_MS), Freshness::Due);
        assert_eq!(of(at + GOOD_MS - 1), Freshness::Due);
        assert_eq!(of(at + GOOD_MS), Freshness::Gone);
        assert_eq!(of(at - 1), Freshness::Gone, "the clock went back");
        assert_eq!(freshness(None, at), Freshness::Gone);
    }

    #[test]
    fn a_holder_is_known_until_its_copy_is_gone() {
        let mut roster = Roster::new(5_000);
        roster.note("acme", 10_000);
        let holders = roster.holders(20_000);
        assert_eq!(
            holders.left_ms["acme"],
            10_000 + GOOD_MS + MARGIN_MS - 20_000
        );
        assert_eq!(holders.others_ms, 0);
        assert_eq!(roster.holders(4_000).others_ms, 1_000);
        assert_eq!(roster.holders(50_000), Holders::default());
    }

    #[test]
    fn holders_beyond_the_most_are_waited_for() {
        let mut roster = Roster::new(0);
        for org in 0..=MOST_HOLDERS {
            roster.note(&format!("org-{org}"), 10_000);
        }
        let holders = roster.holders(10_000);
        assert_eq!(holders.left_ms.len(), MOST_HOLDERS);
        assert_eq!(holders.others_ms, GOOD_MS + MARGIN_MS);
    }

    #[test]
    fn the_end_of_all_copies_is_noted_once_in_a_while() {
        let noted = noted_anew(0, 1_000).unwrap();
        assert_eq!(noted_anew(noted, 1_000 + AHEAD_MS), None);
        assert!(noted_anew(noted, 1_001 + AHEAD_MS).is_some());
    }
}
