//! What an isolate holds of an org: leases from which it admits, and what it has yet to tell.
//!
//! Times are the isolate's own, Unix milliseconds. A lease is good from the moment *before* it was
//! asked for, so that it is over here before it is over for whoever granted it. A clock that went
//! back makes leases useless until it has caught up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::rc::Rc;

use super::grant::{is_plain, own};
use super::held::Profile;
use super::{Flush, Granted, LEASE_MS, Part, Return, Slice};
use crate::governor::command::{Reserve, Settle, State, Versions};

/// Milliseconds for which what is to be told may wait for more.
pub const FLUSH_MS: u64 = 200;

/// Requests of a profile in the last [`LEASE_MS`] that make it busy.
const BUSY: usize = 5;
/// Requests of a profile that are remembered, and so the most that a lease is asked for.
const MOST_RECENT: usize = 10_000;
/// Profiles of an org, and requests for leases without an answer.
const MOST_KNOWN: usize = 1_000;
/// A lease is renewed when less than this is left of its time, in milliseconds.
const RENEW_MS: u64 = 400;
/// A lease is renewed when less than one part of so many is left of it.
const RENEW_PARTS: u64 = 4;
/// Milliseconds for which the end of a lease may be late, before anybody sees to it.
const LATE_MS: u64 = 1_000;

/// How a request comes to its admission.
#[derive(Debug)]
pub enum Way {
    /// The governor is asked, and for a lease of so much besides.
    Ask(Option<Slice>),
    /// It is admitted, from a lease; with the limits as they stood when that was granted.
    Lease(Part, Rc<State>),
}

/// What an isolate holds of an org.
#[derive(Debug, Default)]
pub struct Holder {
    lines: BTreeMap<Profile, Line>,
    /// The newest versions that were heard of.
    versions: Versions,
    /// Requests that asked for a lease and have no answer.
    unanswered: BTreeSet<String>,
    pending: Flush,
    /// How often what is pending was taken.
    taken: u64,
}

/// The requests of a profile.
#[derive(Debug, Default)]
struct Line {
    /// What was asked for lately, and when.
    recent: VecDeque<(u64, Slice)>,
    /// The oldest first.
    leases: Vec<Held>,
    /// When a lease was asked for that has not come.
    asking: Option<u64>,
}

/// A lease.
#[derive(Debug)]
struct Held {
    name: String,
    from: u64,
    until: u64,
    versions: Versions,
    granted: Slice,
    used: Slice,
    state: Rc<State>,
}

impl Holder {
    /// Decides how a request that may be admitted from a lease comes to its admission.
    pub fn way(&mut self, reserve: &Reserve, now: u64) -> Way {
        self.collect_late(now);
        if self.lines.len() >= MOST_KNOWN {
            self.lines.retain(|_, line| !line.leases.is_empty());
        }
        if !is_plain(reserve) {
            return Way::Ask(None);
        }
        let own = own(reserve);
        let line = self.lines.entry(profile(reserve)).or_default();
        line.observe(now, own);
        let fit = |lease: &&mut Held| {
            lease.is_good(now) && lease.versions == reserve.planned && lease.left().covers(&own)
        };
        let is_full = line.leases.last().is_some_and(|lease| !lease.is_low(now));
        let enough = is_full || line.is_asking(now) || line.recent.len() < BUSY;
        match line.leases.iter_mut().find(fit) {
            Some(lease) if enough => lease.take(own),
            _ => Way::Ask(self.wish(reserve, now)),
        }
    }

    /// What is asked for besides an admission: as much as the last two seconds needed.
    fn wish(&mut self, reserve: &Reserve, now: u64) -> Option<Slice> {
        let line = self.lines.get_mut(&profile(reserve))?;
        if line.recent.len() < BUSY || line.is_asking(now) {
            return None;
        }
        line.asking = Some(now);
        if self.unanswered.len() >= MOST_KNOWN {
            self.unanswered.clear();
        }
        self.unanswered.insert(reserve.draft.request.clone());
        let needed = line.recent.iter().map(|(_, slice)| slice);
        Some(needed.fold(Slice::default(), |sum, slice| sum.plus(slice)))
    }

    /// The answer to a request for a lease that was sent at `asked_at`, once its versions were heard.
    /// What came has to be [ended](Self::end) when [`LEASE_MS`] have passed since.
    pub fn answered(&mut self, reserve: &Reserve, asked_at: u64, came: Option<(Granted, &State)>) {
        self.unanswered.remove(&reserve.draft.request);
        let line = self.lines.entry(profile(reserve)).or_default();
        line.asking = None;
        let Some((granted, state)) = came else {
            return;
        };
        let is_old = state.versions != self.versions;
        let good_ms = if is_old { 0 } else { granted.lasts_ms };
        line.leases.push(Held {
            name: reserve.draft.request.clone(),
            from: asked_at,
            until: asked_at.saturating_add(good_ms),
            versions: state.versions,
            granted: granted.slice,
            used: Slice::default(),
            state: Rc::new(state.clone()),
        });
    }

    /// The governor has named the versions in force: leases of older ones are over.
    pub fn heard(&mut self, versions: Versions) {
        self.versions = Versions {
            config: self.versions.config.max(versions.config),
            corpus: self.versions.corpus.max(versions.corpus),
            deployment: self.versions.deployment.max(versions.deployment),
        };
        let newest = self.versions;
        let leases = self.lines.values_mut().flat_map(|line| &mut line.leases);
        for lease in leases.filter(|lease| lease.versions != newest) {
            lease.until = lease.from;
        }
    }

    /// A lease is over: what was used of it is to be told.
    pub fn end(&mut self, name: &str) {
        self.collect(|lease| lease.name == name);
    }

    /// A request has ended. Says which round of telling it waits for.
    pub fn settle(&mut self, settle: Settle) -> u64 {
        let request = settle.draft.request.clone();
        self.pending.settlements.push(settle);
        // The answer may be lost, and the lease not.
        if self.unanswered.remove(&request) {
            self.pending.returns.push(Return {
                lease: request,
                used: Slice::default(),
            });
        }
        self.taken
    }

    /// Takes what waits for a round of telling, unless somebody has taken it.
    pub fn take(&mut self, round: u64) -> Option<Flush> {
        (round == self.taken).then(|| self.take_all())
    }

    /// Takes whatever is to be told.
    pub fn take_all(&mut self) -> Flush {
        self.taken = self.taken.saturating_add(1);
        mem::take(&mut self.pending)
    }

    /// Whoever was to see to the end of these leases is gone.
    fn collect_late(&mut self, now: u64) {
        self.collect(|lease| lease.from.saturating_add(LEASE_MS + LATE_MS) <= now);
    }

    fn collect(&mut self, is_over: impl Fn(&Held) -> bool) {
        for line in self.lines.values_mut() {
            for lease in line.leases.extract_if(.., |lease| is_over(lease)) {
                self.pending.returns.push(Return {
                    lease: lease.name,
                    used: lease.used,
                });
            }
        }
    }
}

impl Line {
    fn observe(&mut self, now: u64, slice: Slice) {
        if self.recent.back().is_some_and(|(at, _)| *at > now) {
            // The clock went back.
            self.recent.clear();
        }
        let is_old = |at: u64| at.saturating_add(LEASE_MS) <= now;
        while self.recent.front().is_some_and(|(at, _)| is_old(*at)) {
            self.recent.pop_front();
        }
        if self.recent.len() < MOST_RECENT {
            self.recent.push_back((now, slice));
        }
    }

    /// Whether a lease may still come: the call that asked for it has less time than that.
    fn is_asking(&self, now: u64) -> bool {
        self.asking
            .is_some_and(|since| (since..since.saturating_add(LEASE_MS)).contains(&now))
    }
}

impl Held {
    fn is_good(&self, now: u64) -> bool {
        (self.from..self.until).contains(&now)
    }

    fn left(&self) -> Slice {
        self.granted.minus(&self.used)
    }

    /// Whether another one should be asked for.
    fn is_low(&self, now: u64) -> bool {
        let left = self.left();
        let is_low = |left: u64, of: u64| left.saturating_mul(RENEW_PARTS) < of;
        let money = |slice: &Slice| slice.bound.get().unsigned_abs();
        !self.is_good(now.saturating_add(RENEW_MS))
            || is_low(left.requests, self.granted.requests)
            || is_low(money(&left), money(&self.granted))
    }

    fn take(&mut self, own: Slice) -> Way {
        let number = u32::try_from(self.used.requests).unwrap_or(u32::MAX);
        self.used = self.used.plus(&own);
        let part = Part {
            lease: self.name.clone(),
            number,
            bound: own.bound,
            tokens: own.tokens,
        };
        Way::Lease(part, Rc::clone(&self.state))
    }
}

fn profile(reserve: &Reserve) -> Profile {
    Profile {
        key: reserve.draft.key.clone(),
        operation: reserve.draft.operation.clone(),
        tier: reserve.draft.tier.clone(),
    }
}
