//! What a governor knows, and how an event changes it. Pure and total: the same events give the
//! same state, live or replayed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Id;
use super::budget::{Budget, day_of};
use super::command::{self, Limits, Refusal, Versions};
use super::journal::{Chain, Entry, Event};
use super::recent::{Keep, Recent};
use super::refusals::Refusals;
use super::reservations::{Reservation, Reservations};
use super::window::Window;
use crate::audit::Draft;
use crate::money::Nanos;

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

/// A request that was admitted and has ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Its draft's `at`.
    pub(super) arrived: u64,
    /// The day it was charged to.
    pub(super) day: u64,
    /// What it was charged when it expired, until a late settlement corrects that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expired: Option<Nanos>,
}

/// Everything a governor knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    /// The time of the last event; never goes back.
    clock: u64,
    pub(super) chain: Chain,
    pub(super) versions: Versions,
    pub(super) limits: Limits,
    /// Keys refused for ever. Never purged: as many as the org has ever revoked.
    pub(super) revoked: BTreeSet<String>,
    pub(super) changes: Recent<()>,
    pub(super) window: Window,
    pub(super) budget: Budget,
    pub(super) open: Reservations,
    pub(super) ended: Recent<Ended>,
    /// The latest arrival among the ended requests whose ids are forgotten.
    forgotten: Option<u64>,
    /// Refused requests, with what they were told.
    pub(super) refused: Recent<Refusal>,
    pub(super) refusals: Refusals,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            clock: 0,
            chain: Chain::new(),
            versions: Versions::default(),
            limits: Limits::default(),
            revoked: BTreeSet::new(),
            changes: Recent::new(),
            window: Window::default(),
            budget: Budget::default(),
            open: Reservations::default(),
            ended: Recent::new(),
            forgotten: None,
            refused: Recent::new(),
            refusals: Refusals::default(),
        }
    }

    /// The governor's own time: the caller's, unless that went back.
    pub(super) fn time(&self, now: u64) -> u64 {
        self.clock.max(now)
    }

    /// Whether a request that arrived at `arrived` and is not known may have ended and been forgotten.
    pub(super) fn may_be_forgotten(&self, arrived: u64) -> bool {
        self.forgotten.is_some_and(|latest| arrived <= latest)
    }

    /// The live state of the limits.
    pub(super) fn view(&self, at: u64) -> command::State {
        let limit = self.limits.requests_per_minute.map(u64::from);
        command::State {
            versions: self.versions,
            requests: limit.map(|limit| self.window.state(limit, at)),
            budget: self.budget.state(self.limits.daily_budget, at),
            open_reservations: self.open.len() as u64,
        }
    }

    /// Takes an entry in.
    pub(super) fn apply(&mut self, entry: Entry) {
        let at = self.time(entry.at);
        self.clock = at;
        if let Some(hash) = entry.head {
            self.chain.advance(hash);
        }
        match entry.event {
            Event::Activated(activate) => {
                self.versions.config = activate.version;
                self.limits = activate.limits;
            }
            Event::CorpusChanged { id } => {
                self.versions.corpus = self.versions.corpus.saturating_add(1);
                self.changes.insert(at, id, ());
            }
            Event::Corrected { request, cost } => self.correct(&request, cost, at),
            Event::Expired { request } => self.expire(&request, at),
            Event::Extended { request, step, by } => self.extend(&request, step, by),
            Event::KeyRevoked { key } => {
                self.revoked.insert(key);
            }
            Event::Refused(refused) => {
                self.refusals.add(&refused, at);
                self.refused.insert(at, refused.request, refused.reason);
            }
            Event::Reserved {
                draft,
                bound,
                deadline,
            } => self.reserve(draft, bound, deadline, at),
            Event::Settled {
                request,
                arrived,
                cost,
            } => self.settle(&request, arrived, cost, at),
            Event::Summarised { tally } => self.refusals.close(&tally),
        }
        self.forget(at);
    }

    /// Purges what is too old or too much.
    fn forget(&mut self, at: u64) {
        let forgotten = &mut self.forgotten;
        self.ended.forget(at, KEEP_ENDED, |ended| {
            *forgotten = (*forgotten).max(Some(ended.arrived));
        });
        self.refused.forget(at, KEEP_REFUSED, drop);
        self.changes.forget(at, KEEP_CHANGES, drop);
        self.refusals.forget(at);
        self.budget.forget(day_of(at));
    }

    fn reserve(&mut self, draft: Box<Draft>, bound: Nanos, deadline: u64, at: u64) {
        let day = day_of(at);
        self.window.add(at);
        self.budget.reserve(day, bound);
        let reservation = Reservation {
            bound,
            day,
            deadline,
            steps: BTreeSet::new(),
            draft,
        };
        let request = Id::from(reservation.draft.request.as_str());
        self.open.insert(request, reservation);
    }

    fn extend(&mut self, request: &Id, step: Option<u32>, by: Nanos) {
        if let Some(reservation) = self.open.get_mut(request) {
            reservation.bound = reservation.bound.saturating_add(by);
            reservation.steps.extend(step);
            self.budget.raise(reservation.day, by);
        }
    }

    fn settle(&mut self, request: &Id, arrived: u64, cost: Nanos, at: u64) {
        let today = day_of(at);
        let day = match self.open.remove(request) {
            Some(reservation) => {
                self.budget.release(reservation.day, reservation.bound);
                reservation.day
            }
            None => today,
        };
        self.budget.charge(day, today, cost);
        let ended = Ended {
            arrived,
            day,
            expired: None,
        };
        self.ended.insert(at, request.clone(), ended);
    }

    fn expire(&mut self, request: &Id, at: u64) {
        if let Some(Reservation {
            bound, day, draft, ..
        }) = self.open.remove(request)
        {
            self.budget.release(day, bound);
            self.budget.charge(day, day_of(at), bound);
            let ended = Ended {
                arrived: draft.at,
                day,
                expired: Some(bound),
            };
            self.ended.insert(at, request.clone(), ended);
        }
    }

    fn correct(&mut self, request: &Id, cost: Nanos, at: u64) {
        if let Some(ended) = self.ended.get_mut(request) {
            ended.expired = None;
            self.budget.charge(ended.day, day_of(at), cost);
        }
    }
}
