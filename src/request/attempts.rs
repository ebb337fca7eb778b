//! One model after the other until one answers: each within its time, each recorded, none paid for
//! beyond what is held, and none asked that is known to fail.

mod failed;
pub mod leave;
mod times;

use std::borrow::Cow;

use self::failed::{exhausted, left_alone};
use self::leave::Leave;
pub use self::times::Times;
use crate::config::ProviderSlug;
use crate::config::attempts::{ContentPolicy, Switch};
use crate::error::{Error, Kind};
use crate::governor::command::Target;
use crate::money::Nanos;
use crate::providers::{Failure, FailureClass};
use crate::request::call;
use crate::request::exchange::{Exchange, chance};
use crate::request::extend::extend;
use crate::request::reserve::{check_on, target};
use crate::request::retries::Retries;
use crate::routing::breaker::Resting;
use crate::routing::health::By;
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// Milliseconds of a provider's `Retry-After` that are waited for where another candidate is left.
const SHORT_WAIT_MS: u64 = 2_000;

/// What all attempts have to keep to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What the governor holds for the request, but for what that was raised by since.
    pub held: Nanos,
    /// How long each attempt may take, less where the request's time ends before.
    pub times: Times,
    /// How often each model is asked, where the caller says so.
    pub retries: Option<Retries>,
    /// The field that is too long where the models say so.
    pub subject: Cow<'static, str>,
    /// Whether another candidate than the first may be asked.
    pub falls_back: bool,
    /// Whether an answer may yet break off after it was given.
    pub goes_on: bool,
    /// The provider at which the caller's own account is asked, of which nothing is known here.
    pub own_account: Option<ProviderSlug>,
}

impl Terms {
    /// Whether the account is the deployment's, and so what was met there counts for everybody.
    fn is_known(&self, candidate: &Candidate) -> bool {
        self.own_account.as_ref() != Some(&candidate.model.provider)
    }
}

/// Where a candidate stands among those that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whether another one that is worth asking comes after it.
    pub others_left: bool,
}

/// Asks one candidate after the other until one succeeds; gives its position, and what it gave. Each
/// is asked once, or as often as the caller or the org says while it fails for reasons that may pass
/// and the deployment's budget of second attempts lasts.
///
/// `prepare` makes the call; a candidate that cannot express the request, or that this deployment
/// cannot reach, is passed over, as is one at a limit of its own, one whose circuit is open or that
/// wants to be left alone, and one with a window no larger than what was too small already. Where
/// nothing else has answered, the one of those with an open circuit is asked all the same whose next
/// probe is nearest. `attempt` sends the call, has so many milliseconds, and notes in the usage what it
/// knows to have used, also where it fails.
///
/// # Errors
/// The first error of `prepare` where no candidate could be asked, `UpstreamFailed` naming every
/// attempt, `UpstreamBusy` where all of them met a rate limit, `CircuitOpen` where all want to be left
/// alone, `DeadlineExceeded`, `InvalidRequest` where every model refused the request itself,
/// `Forbidden` where a provider's policy forbids it, `BudgetExhausted` where an attempt of unknown cost
/// has used the reservation and there is no more.
pub async fn first_success<C, T>(
    exchange: &mut Exchange,
    candidates: &[Candidate],
    terms: Terms,
    prepare: impl AsyncFn(&Candidate, Place) -> Result<C, Error>,
    attempt: impl AsyncFn(&Exchange, &Candidate, C, u64, &mut Usage) -> Result<T, Failure>,
) -> Result<(usize, T), Error> {
    let mut walk = Walk::new(exchange, candidates, terms);
    let mut next = walk.next();
    while let Some(index) = next {
        let Some(candidate) = candidates.get(index) else {
            break;
        };
        let Some(mut leave) = walk.leave(candidate) else {
            next = walk.next();
            continue;
        };
        let call = match prepare(candidate, walk.place()).await {
            Ok(call) => call,
            Err(error) => {
                next = walk.unfit(candidate, "no capability", error);
                continue;
            }
        };
        match walk.hold(candidate).await {
            Ok(()) => {}
            Err(error) if error.kind == Kind::KillSwitch => {
                next = walk.unfit(candidate, "switched off", error);
                continue;
            }
            Err(error) if error.kind == Kind::RateLimited => {
                next = walk.unfit(candidate, "at its limit", error);
                continue;
            }
            Err(error) => return Err(error),
        }
        let Some(left) = walk.time_left() else {
            break;
        };
        leave.limit = leave.limit.at_most(left, By::Request);
        let began = walk.exchange.ports.clock.now();
        let mut usage = Usage::default();
        let outcome = attempt(
            walk.exchange,
            candidate,
            call,
            leave.limit.milliseconds,
            &mut usage,
        )
        .await;
        walk.note(candidate, leave, outcome.as_ref().err(), began, usage);
        next = match outcome {
            Ok(answer) => return Ok((index, answer)),
            Err(failure) => walk.after(candidate, failure).await,
        };
    }
    Err(walk.error())
}

/// How far the attempts have come.
struct Walk<'a> {
    exchange: &'a mut Exchange,
    candidates: &'a [Candidate],
    terms: Terms,
    retries: Retries,
    /// The candidate that is asked now; none before the first.
    at: Option<usize>,
    /// How often it has failed.
    failed: u32,
    /// Whether it is asked although it should be left alone.
    last_resort: bool,
    failures: Vec<(&'a str, Failure)>,
    /// Why the first of those could not be asked that could not.
    unfit: Option<Error>,
    passed: Vec<(usize, Resting)>,
    /// The window of a model that was too small.
    too_small: Option<u32>,
}

impl<'a> Walk<'a> {
    fn new(exchange: &'a mut Exchange, candidates: &'a [Candidate], terms: Terms) -> Self {
        let usual = || Retries::from(exchange.attempts);
        let retries = terms.retries.unwrap_or_else(usual);
        // Without fallback the org's own retries are off as well.
        let retries = if terms.falls_back || terms.retries.is_some() {
            retries
        } else {
            Retries::NONE
        };
        Self {
            retries,
            exchange,
            candidates,
            terms,
            at: None,
            failed: 0,
            last_resort: false,
            failures: Vec::new(),
            unfit: None,
            passed: Vec::new(),
            too_small: None,
        }
    }

    /// The next candidate's position; at last that of one which should be left alone.
    fn next(&mut self) -> Option<usize> {
        self.failed = 0;
        if self.last_resort {
            return None;
        }
        let first = self.exchange.admitted_for;
        let following = self.at.map_or(first, |at| at.saturating_add(1));
        let reached = self.terms.falls_back || self.at.is_none();
        if reached && following < self.candidates.len() {
            self.at = Some(following);
            return self.at;
        }
        let guesses = self.passed.iter().filter(|(_, it)| it.why.is_guess());
        let (nearest, _) = guesses.min_by_key(|(_, resting)| resting.left_ms)?;
        self.at = Some(*nearest);
        self.last_resort = true;
        self.at
    }

    /// Leave to ask a candidate; none where it is passed over.
    fn leave(&mut self, candidate: &Candidate) -> Option<Leave> {
        let window = candidate.model.context_window;
        if self.too_small.is_some_and(|small| window <= small) {
            self.exchange.pass_over(&candidate.id, "window");
            return None;
        }
        let is_known = self.terms.is_known(candidate);
        if self.failed == 0 && is_known {
            let now = self.exchange.ports.clock.now();
            let mut health = self.exchange.health.borrow_mut();
            health.earn_retry(&candidate.id, now);
        }
        let heeds = is_known && self.exchange.attempts.circuit_breaker == Switch::On;
        let limit = self.terms.times.of(candidate);
        let leave = match (is_known, heeds && !self.last_resort) {
            (false, _) => Ok(Leave::unknown(limit)),
            (true, false) => Ok(Leave::forced(self.exchange, &candidate.id, limit)),
            (true, true) => Leave::ask(self.exchange, &candidate.id, limit, self.others_left()),
        };
        match leave {
            Ok(leave) => Some(leave),
            Err(resting) => {
                // Between two attempts at the same model: what has failed is known already.
                if self.failed == 0 {
                    self.exchange.pass_over(&candidate.id, resting.why.as_str());
                    self.passed
                        .extend(self.at.map(|position| (position, resting)));
                }
                None
            }
        }
    }

    fn place(&self) -> Place {
        Place {
            others_left: self.others_left(),
        }
    }

    /// Whether a candidate comes after this one that is worth asking.
    fn others_left(&self) -> bool {
        let now = self.exchange.ports.clock.now();
        let health = self.exchange.health.borrow();
        let following = self.at.map_or(0, |at| at.saturating_add(1));
        let mut others = self.candidates.iter().skip(following);
        self.terms.falls_back
            && !self.last_resort
            && others.any(|other| !self.terms.is_known(other) || !health.is_open(&other.id, now))
    }

    /// Notes why a candidate cannot be asked; gives the next one.
    fn unfit(&mut self, candidate: &Candidate, reason: &str, error: Error) -> Option<usize> {
        self.exchange.pass_over(&candidate.id, reason);
        self.unfit.get_or_insert(error);
        self.next()
    }

    /// Sees to it that what is held covers one more attempt: those of unknown cost keep their bounds,
    /// all of them. Where limits speak of models, the governor is asked about a candidate that it did
    /// not admit.
    async fn hold(&mut self, candidate: &Candidate) -> Result<(), Error> {
        let exchange = &mut *self.exchange;
        check_on(exchange, &target(candidate))?;
        let is_other = self.at != Some(exchange.admitted_for) && self.failed == 0;
        let other: Option<Target> = (exchange.guarded && is_other).then(|| target(candidate));
        let needed = exchange.cost().saturating_add(candidate.bound);
        let held = self.terms.held.saturating_add(exchange.raised.by);
        if needed > held || other.is_some() {
            let by = needed.saturating_sub(held).at_least_zero();
            extend(exchange, by, other).await?;
        }
        Ok(())
    }

    /// Milliseconds that the next attempt has at most; `None` where the request's time is over.
    fn time_left(&self) -> Option<u64> {
        let exchange = &*self.exchange;
        let elapsed = exchange.ports.clock.now().saturating_sub(exchange.draft.at);
        let left = exchange.attempts.total_ms.checked_sub(elapsed);
        left.filter(|left| *left > 0)
    }

    /// Records an attempt, and what it says of its deployment. What one of unknown cost used nobody
    /// told, so it counts at its bound; an answer that is of no use may tell.
    fn note(
        &mut self,
        candidate: &Candidate,
        mut leave: Leave,
        failure: Option<&Failure>,
        began: u64,
        usage: Usage,
    ) {
        let took = self.exchange.ports.clock.now().saturating_sub(began);
        let mut attempt = call::record("answer", &candidate.model, failure, took);
        attempt.model.clone_from(&candidate.id);
        attempt.retry = self.failed;
        attempt.usage = usage;
        let unread = failure.is_some_and(|failure| failure.class == FailureClass::Malformed);
        attempt.bounded &= !unread || usage == Usage::default();
        attempt.cost = match failure {
            _ if attempt.bounded => candidate.bound,
            // Even where the caller says what an answer costs: this is none.
            Some(_) if usage == Usage::default() => Nanos::ZERO,
            _ => candidate.cost(&usage),
        };
        self.exchange.note(attempt);
        match failure {
            None if self.terms.goes_on => {
                leave.begun(self.exchange, took);
                self.exchange.leave = Some(Box::new(leave));
            }
            None => leave.answered(self.exchange, took),
            Some(failure) => leave.failed(self.exchange, failure),
        }
    }

    /// What follows a failure: the same candidate after a pause, the next one, or nothing.
    async fn after(&mut self, candidate: &'a Candidate, failure: Failure) -> Option<usize> {
        let class = failure.class;
        let pause = self.pause(candidate, &failure);
        self.failures.push((candidate.id.as_ref(), failure));
        if class == FailureClass::ContextLength {
            let window = candidate.model.context_window;
            self.too_small = self.too_small.max(Some(window));
        }
        let stops = self.exchange.attempts.content_policy == ContentPolicy::Stop;
        if class == FailureClass::ContentPolicy && stops {
            return None;
        }
        let Some(pause) = pause else {
            return self.next();
        };
        self.exchange.ports.clock.sleep(pause).await;
        self.failed = self.failed.saturating_add(1);
        self.at
    }

    /// Milliseconds until the same candidate is asked again; `None` where it is not.
    fn pause(&self, candidate: &Candidate, failure: &Failure) -> Option<u64> {
        if !failure.class.passes() || self.last_resort {
            return None;
        }
        let chance = chance(self.exchange.ports.entropy.as_ref());
        let failed = self.failed.saturating_add(1);
        let own = self.retries_at(candidate).pause(failed, chance)?;
        let told = failure.retry_after.unwrap_or_default();
        let told = told.saturating_mul(1_000);
        // One that has too much to do is not asked again for nothing.
        let is_full = failure.class == FailureClass::Capacity && told == 0;
        let pause = own.max(told);
        let goes_on = (is_full || told > SHORT_WAIT_MS) && self.others_left();
        if goes_on || self.time_left() <= Some(pause) {
            return None;
        }
        let now = self.exchange.ports.clock.now();
        let mut health = self.exchange.health.borrow_mut();
        let may = !self.terms.is_known(candidate) || health.take_retry(&candidate.id, now);
        may.then_some(pause)
    }

    /// How often a candidate is asked again: as often as its route says, where that does.
    fn retries_at(&self, candidate: &Candidate) -> Retries {
        let of_route = candidate.step.as_ref().and_then(|step| step.terms.retries);
        match of_route.filter(|_| self.terms.falls_back) {
            Some(more) => Retries::from(self.exchange.attempts).times(more),
            None => self.retries,
        }
    }

    /// Why no candidate answered.
    fn error(self) -> Error {
        if !self.failures.is_empty() {
            return exhausted(&self.failures, &self.passed, &self.terms.subject);
        }
        let named = self.passed.iter().filter_map(|(position, resting)| {
            let candidate = self.candidates.get(*position)?;
            Some((candidate.id.as_ref(), *resting))
        });
        let named: Vec<(&str, Resting)> = named.collect();
        match self.unfit {
            // One that is left alone may do what others cannot.
            _ if !named.is_empty() => left_alone(&named),
            Some(error) => error,
            None => exhausted(&[], &[], &self.terms.subject),
        }
    }
}
