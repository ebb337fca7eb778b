//! What an isolate knows of each deployment of a model: whether it is worth asking now, how fast it
//! answers, and how many second attempts it may be asked for.
//!
//! Everything here is this isolate's own and may be lost at any time. Only what the deployment's own
//! account met counts: calls with a caller's key neither feed it nor heed it.

mod average;
mod limit;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use self::average::Average;
pub use self::limit::{Awaited, By, Limit};
use super::breaker::{Breaker, Resting, Rests, Turn, Turned, Why};
use super::retry_budget::RetryBudget;
use crate::governor::hints::Hint;
use crate::providers::{Failure, FailureClass};

/// Deployments remembered at most; beyond that the memory starts anew.
const MOST_ENTRIES: usize = 1_000;
/// How long a model that fails is left alone.
const RESTS: Rests = Rests {
    first_ms: 5_000,
    most_ms: 60_000,
};
/// How long a part that only helps is left alone: requests do without.
const HELPERS_REST: Rests = Rests {
    first_ms: 60_000,
    most_ms: 60_000,
};
/// Milliseconds after which a probe of a part that helps is given up.
const HELP_MS: u64 = 10_000;
/// Milliseconds that a provider's `Retry-After` is heeded at most: some say hours for a moment.
const MOST_BUSY_MS: u64 = 600_000;
/// Milliseconds after which an account that was refused is tried again.
const REFUSED_MS: u64 = 300_000;
/// Milliseconds for which an answer of a model weighs more than what others say of it.
const FRESH_MS: u64 = 1_000;
/// Milliseconds of 255 that a hint is left to rest, so that isolates do not probe together.
const HINT_MS_PER_CHANCE: u64 = 4;
/// The code of Workers AI for a day's allocation that is used up.
const DAILY_ALLOCATION: u32 = 3036;
const DAY_MS: u64 = 86_400_000;

/// An isolate's health, shared by its requests. No borrow of it lives across an await.
pub type SharedHealth = Rc<RefCell<Health>>;

/// What an isolate knows of each deployment.
#[derive(Debug, Default)]
pub struct Health {
    deployments: BTreeMap<String, Deployment>,
    /// By what helps and, where that is a model, its id: orgs have helpers of their own.
    parts: BTreeMap<(Part, String), Breaker>,
}

/// A part of the platform without which a request is answered too, if not as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The cache of answers.
    Cache,
    /// The model that embeds a question.
    Embed,
    /// The model that judges what is said.
    Guard,
    /// The model that says what a request is for.
    Intent,
    /// The model that ranks passages.
    Rerank,
    /// The index of vectors, and the rows of passages.
    Search,
}

impl Part {
    /// One word, for records and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Embed => "embed",
            Self::Guard => "guard",
            Self::Intent => "intent",
            Self::Rerank => "rerank",
            Self::Search => "search",
        }
    }
}

#[derive(Debug, Default)]
struct Deployment {
    breaker: Breaker,
    /// To the first event of a stream.
    first_event: Average,
    /// To the end of a whole answer.
    whole: Average,
    /// When it answered last, Unix milliseconds.
    answered_at: u64,
    /// The newest hint of another isolate: each org's governor has its own.
    hinted_at: u64,
    retries: RetryBudget,
}

/// What came of a call.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was answered.
    Answered,
    /// It failed, within this limit.
    Failed(&'a Failure, Limit),
}

impl Health {
    /// Milliseconds to what is awaited of a model, as a moving average over its answers; `None` before the
    /// first.
    #[must_use]
    pub fn latency_ms(&self, model: &str, awaited: Awaited) -> Option<u32> {
        self.deployments.get(model)?.average(awaited).milliseconds()
    }

    /// What a choice by latency takes a model for at `now`; `None` where that is to be found out, which one
    /// request at a time does.
    #[must_use]
    pub fn expected_ms(&self, model: &str, awaited: Awaited, now: u64) -> Option<u32> {
        self.deployments.get(model)?.average(awaited).expected(now)
    }

    /// Notes that a model is asked, for at most as long as `limit` says.
    pub fn look(&mut self, model: &str, limit: Limit, now: u64) {
        let until = now.saturating_add(limit.milliseconds);
        let average = self.deployment(model).average_mut(limit.awaited);
        average.look(now, until);
    }

    /// Whether a model is left alone at `now` (Unix milliseconds). Not where a probe is due.
    #[must_use]
    pub fn is_open(&self, model: &str, now: u64) -> bool {
        self.resting(model, now).is_some()
    }

    /// Why a model is left alone at `now`.
    #[must_use]
    pub fn resting(&self, model: &str, now: u64) -> Option<Resting> {
        self.deployments.get(model)?.breaker.resting(now)
    }

    /// Asks for leave to call a model; gives it with the limit of the call, a shorter one for a probe where
    /// others are left, whom somebody waits for.
    ///
    /// # Errors
    /// Why not.
    pub fn ask(
        &mut self,
        model: &str,
        now: u64,
        limit: Limit,
        others_left: bool,
    ) -> Result<(Turn, Limit), Resting> {
        let deployment = self.deployment(model);
        let average = deployment.average(limit.awaited).milliseconds();
        let turn = deployment.breaker.ask(now, limit.milliseconds)?;
        let limit = match average {
            Some(average) if turn.probes() && others_left => {
                limit.at_most(Limit::of_probe(average), By::Usual)
            }
            _ => limit,
        };
        Ok((turn, limit))
    }

    /// Leave to call a model whatever is known of it, where nothing else is left.
    #[must_use]
    pub fn force(&mut self, model: &str) -> Turn {
        self.deployment(model).breaker.force()
    }

    /// Notes after how many milliseconds a model gave what was awaited.
    pub fn measure(&mut self, model: &str, awaited: Awaited, milliseconds: u64, now: u64) {
        let deployment = self.deployment(model);
        deployment.answered_at = now;
        deployment.average_mut(awaited).take(milliseconds, now);
    }

    /// Notes what came of a call. Gives what that changed.
    pub fn note(
        &mut self,
        model: &str,
        turn: Turn,
        outcome: Outcome<'_>,
        now: u64,
        jitter: u8,
    ) -> Option<Turned> {
        let deployment = self.deployment(model);
        match outcome {
            Outcome::Answered => deployment.breaker.succeeded(turn),
            Outcome::Failed(failure, limit) => {
                deployment.average_mut(limit.awaited).give_up();
                let average = deployment.average(limit.awaited);
                let is_fair = limit.is_fair(average.milliseconds());
                match blame(failure, is_fair, now) {
                    Blame::None => {
                        deployment.breaker.left(turn);
                        None
                    }
                    Blame::Failure => deployment.breaker.failed(turn, now, RESTS, jitter),
                    Blame::Cools(milliseconds, why) => {
                        deployment.breaker.cool(turn, now, milliseconds, why, RESTS)
                    }
                }
            }
        }
    }

    /// Notes that a probe has begun to be answered: it is given a while more.
    pub fn prolong(&mut self, model: &str, turn: Turn, until: u64) {
        if let Some(deployment) = self.deployments.get_mut(model) {
            deployment.breaker.prolong(turn, until);
        }
    }

    /// Notes that a call was given up by whoever wanted it.
    pub fn leave(&mut self, model: &str, turn: Turn) {
        if let Some(deployment) = self.deployments.get_mut(model) {
            deployment.breaker.left(turn);
            deployment.first_event.give_up();
            deployment.whole.give_up();
        }
    }

    /// Asks for leave to ask a part that helps; `None` where requests do without it for now.
    pub fn ask_part(&mut self, part: (Part, &str), now: u64) -> Option<Turn> {
        self.part(part).ask(now, HELP_MS).ok()
    }

    /// Notes whether a part that helps has failed; gives what that changed.
    pub fn note_part(
        &mut self,
        part: (Part, &str),
        turn: Turn,
        failed: bool,
        now: u64,
    ) -> Option<Turned> {
        let breaker = self.part(part);
        if failed {
            breaker.failed(turn, now, HELPERS_REST, 0)
        } else {
            breaker.succeeded(turn)
        }
    }

    /// Another isolate says that a model fails: a probe is due within a second, at a moment by `chance`.
    /// Each hint is heard once, and not where the model has just answered here.
    pub fn told(&mut self, hint: &Hint, now: u64, chance: u8) {
        let deployment = self.deployment(&hint.model);
        if hint.at <= deployment.hinted_at {
            return;
        }
        deployment.hinted_at = hint.at;
        let answered_since = now.saturating_sub(deployment.answered_at);
        if answered_since >= FRESH_MS {
            let moment = u64::from(chance).saturating_mul(HINT_MS_PER_CHANCE);
            deployment.breaker.told(now, moment);
        }
    }

    /// Notes a request for a model, which pays for a part of a second attempt.
    pub fn earn_retry(&mut self, model: &str, now: u64) {
        self.deployment(model).retries.earn(now);
    }

    /// Takes a second attempt at a model; `false` where there have been too many of late.
    pub fn take_retry(&mut self, model: &str, now: u64) -> bool {
        self.deployment(model).retries.take(now)
    }

    fn part(&mut self, (part, model): (Part, &str)) -> &mut Breaker {
        let place = (part, model.to_owned());
        if self.parts.len() >= MOST_ENTRIES && !self.parts.contains_key(&place) {
            self.parts.clear();
        }
        self.parts.entry(place).or_default()
    }

    fn deployment(&mut self, model: &str) -> &mut Deployment {
        if self.deployments.len() >= MOST_ENTRIES && !self.deployments.contains_key(model) {
            self.deployments.clear();
        }
        self.deployments.entry(model.to_owned()).or_default()
    }
}

impl Deployment {
    const fn average(&self, awaited: Awaited) -> &Average {
        match awaited {
            Awaited::FirstEvent => &self.first_event,
            Awaited::Whole => &self.whole,
        }
    }

    const fn average_mut(&mut self, awaited: Awaited) -> &mut Average {
        match awaited {
            Awaited::FirstEvent => &mut self.first_event,
            Awaited::Whole => &mut self.whole,
        }
    }
}

/// What a failure says of the deployment.
enum Blame {
    /// It is not to be asked for so long.
    Cools(u64, Why),
    /// It is one of those that open a breaker.
    Failure,
    /// Nothing: the request was to blame, or whoever sent it did not wait.
    None,
}

/// `is_fair` tells whether the model had the time that it may need.
fn blame(failure: &Failure, is_fair: bool, now: u64) -> Blame {
    match failure.class {
        FailureClass::BadRequest
        | FailureClass::ContentPolicy
        | FailureClass::ContextLength
        | FailureClass::SwitchedOff => Blame::None,
        FailureClass::Capacity => match failure.retry_after.filter(|seconds| *seconds > 0) {
            Some(seconds) => {
                let told = seconds.saturating_mul(1_000).min(MOST_BUSY_MS);
                Blame::Cools(told, Why::Busy)
            }
            None => Blame::Failure,
        },
        FailureClass::DailyLimit if failure.code == Some(DAILY_ALLOCATION) => {
            let of_day = now.checked_rem(DAY_MS).unwrap_or_default();
            Blame::Cools(DAY_MS.saturating_sub(of_day), Why::Quota)
        }
        FailureClass::DailyLimit => Blame::Cools(REFUSED_MS, Why::Quota),
        FailureClass::Unauthorized => Blame::Cools(REFUSED_MS, Why::Refused),
        FailureClass::Timeout if failure.is_ours() && !is_fair => Blame::None,
        // A model that its provider has retired is not found by anybody.
        FailureClass::Malformed
        | FailureClass::NotFound
        | FailureClass::ServerError
        | FailureClass::Timeout
        | FailureClass::Truncated
        | FailureClass::Unreachable => Blame::Failure,
    }
}

#[cfg(test)]
mod tests;
