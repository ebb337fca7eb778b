//! One model after the other until one answers: each within its time, each recorded, none paid for
//! beyond what is held.

use std::borrow::Cow;

use crate::error::{Error, Kind};
use crate::governor::command::Target;
use crate::money::Nanos;
use crate::providers::{Failure, FailureClass};
use crate::request::call;
use crate::request::exchange::{DEADLINE_MS, Exchange};
use crate::request::reserve::{extend, target};
use crate::request::retries::Retries;
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// Seconds after which a rate limit may be over where no provider says when.
const USUAL_RETRY_SECONDS: u64 = 5;

/// What all attempts have to keep to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What the governor holds for the request.
    pub held: Nanos,
    /// Milliseconds of each attempt, less where the request's time ends before.
    pub milliseconds: u64,
    /// How often each model is asked.
    pub retries: Retries,
    /// The field that is too long where the models say so.
    pub subject: Cow<'static, str>,
}

/// Asks one candidate after the other until one succeeds; gives its position, and what it gave. Each
/// is asked once, or as often as the terms say while it fails for reasons that may pass.
///
/// `prepare` makes the call; a candidate that cannot express the request, or that this deployment
/// cannot reach, is passed over, as is one at a limit of its own. `attempt` sends it, has so many
/// milliseconds, and notes in the usage what it knows to have used, also where it fails.
///
/// # Errors
/// The first error of `prepare` where no candidate could be asked, `UpstreamFailed` naming every
/// attempt, `UpstreamBusy` where all of them met a rate limit, `DeadlineExceeded`, `InvalidRequest`
/// where every model refused the request itself, `Forbidden` where a provider's policy forbids it,
/// `BudgetExhausted` where an attempt of unknown cost has used the reservation and there is no more.
pub async fn first_success<C, T>(
    exchange: &mut Exchange,
    candidates: &[Candidate],
    terms: Terms,
    prepare: impl AsyncFn(&Candidate) -> Result<C, Error>,
    attempt: impl AsyncFn(&Exchange, &Candidate, C, u64, &mut Usage) -> Result<T, Failure>,
) -> Result<(usize, T), Error> {
    let mut failures = Vec::new();
    let mut unfit = None;
    let mut held = terms.held;
    let first = exchange.admitted_for;
    'candidates: for (index, candidate) in candidates.iter().enumerate().skip(first) {
        let mut failed: u32 = 0;
        loop {
            let call = match prepare(candidate).await {
                Ok(call) => call,
                Err(error) => {
                    unfit.get_or_insert(error);
                    continue 'candidates;
                }
            };
            let other =
                (exchange.guarded && index != first && failed == 0).then(|| target(candidate));
            match hold(exchange, &mut held, candidate.bound, failures.len(), other).await {
                Ok(()) => {}
                Err(error) if matches!(error.kind, Kind::KillSwitch | Kind::RateLimited) => {
                    unfit.get_or_insert(error);
                    continue 'candidates;
                }
                Err(error) => return Err(error),
            }
            let Some(milliseconds) = time_left(exchange, terms.milliseconds) else {
                break 'candidates;
            };
            let began = exchange.ports.clock.now();
            let mut usage = Usage::default();
            let outcome = attempt(exchange, candidate, call, milliseconds, &mut usage).await;
            note(exchange, candidate, outcome.as_ref().err(), began, usage);
            let class = match outcome {
                Ok(answer) => return Ok((index, answer)),
                Err(failure) => {
                    let class = failure.class;
                    failures.push((candidate.id.as_ref(), failure));
                    class
                }
            };
            if !class.falls_back() {
                break 'candidates;
            }
            failed = failed.saturating_add(1);
            let pause = terms.retries.pause(failed).filter(|_| class.passes());
            if !wait(exchange, pause).await {
                break;
            }
        }
    }
    let unfit = unfit.filter(|_| failures.is_empty());
    Err(unfit.unwrap_or_else(|| exhausted(&failures, &terms.subject)))
}

/// Sees to it that what is `held` covers one more attempt: those of unknown cost keep their bounds,
/// all of them. Where limits speak of models, the governor is asked about `other`, a candidate that it
/// did not admit.
async fn hold(
    exchange: &Exchange,
    held: &mut Nanos,
    bound: Nanos,
    made: usize,
    other: Option<Target>,
) -> Result<(), Error> {
    let needed = exchange.cost().saturating_add(bound);
    if needed > *held || other.is_some() {
        let step = u32::try_from(made).unwrap_or(u32::MAX);
        let by = needed.saturating_sub(*held).at_least_zero();
        extend(exchange, step, by, other).await?;
        *held = needed.max(*held);
    }
    Ok(())
}

/// Waits for the next attempt at the same model; `false` where there is none, or no time for it.
async fn wait(exchange: &Exchange, pause: Option<u64>) -> bool {
    let Some(pause) = pause.filter(|pause| time_left(exchange, u64::MAX) > Some(*pause)) else {
        return false;
    };
    exchange.ports.clock.sleep(pause).await;
    true
}

/// Milliseconds that the next attempt has; `None` where the request's time is over.
fn time_left(exchange: &Exchange, usual: u64) -> Option<u64> {
    let elapsed = exchange.ports.clock.now().saturating_sub(exchange.draft.at);
    let left = DEADLINE_MS.checked_sub(elapsed).filter(|left| *left > 0)?;
    Some(usual.min(left))
}

/// Records an attempt. What one of unknown cost used nobody told, so it counts at its bound.
fn note(
    exchange: &mut Exchange,
    candidate: &Candidate,
    failure: Option<&Failure>,
    began: u64,
    usage: Usage,
) {
    let took = exchange.ports.clock.now().saturating_sub(began);
    let mut attempt = call::record("answer", &candidate.model, failure, took);
    attempt.model.clone_from(&candidate.id);
    attempt.usage = usage;
    attempt.cost = if attempt.bounded {
        candidate.bound
    } else {
        candidate.cost(&usage)
    };
    exchange.note(attempt);
}

/// The error of a request that no model answered.
fn exhausted(failures: &[(&str, Failure)], subject: &str) -> Error {
    let Some((_, last)) = failures.last() else {
        let message = "The request's time was over before any model could be asked.";
        return Error::new(Kind::DeadlineExceeded, message);
    };
    let named: Vec<String> = failures
        .iter()
        .map(|(model, failure)| format!("{model} ({})", failure.class.as_str()))
        .collect();
    let details: Vec<String> = failures
        .iter()
        .map(|(_, failure)| failure.to_string())
        .collect();
    let every = |class| failures.iter().all(|(_, failure)| failure.class == class);
    let error = if last.class == FailureClass::ContentPolicy {
        let message = format!(
            "The provider's content policy forbids this request: {}.",
            named.join(", ")
        );
        Error::new(Kind::Forbidden, message)
    } else if every(FailureClass::ContextLength) {
        let message = format!(
            "`{subject}` is too long for every model tried: {}. Shorten it.",
            named.join(", ")
        );
        Error::invalid(subject, message)
    } else if every(FailureClass::BadRequest) {
        let message = format!(
            "Every model tried refuses a parameter of this request: {}. Leave out what they do not take.",
            named.join(", ")
        );
        Error::new(Kind::InvalidRequest, message)
    } else {
        let message = format!(
            "No model could answer, after {} attempts: {}. Retry later.",
            failures.len(),
            named.join(", ")
        );
        unanswered(failures, message)
    };
    error.with_detail(details.join("; "))
}

/// The error where a retry may help: a limit of requests where nothing else stood in the way.
fn unanswered(failures: &[(&str, Failure)], message: String) -> Error {
    let told = failures
        .iter()
        .filter_map(|(_, failure)| failure.retry_after);
    let after = told.min();
    if failures.iter().all(|(_, failure)| failure.is_rate_limit()) {
        let after = after.unwrap_or(USUAL_RETRY_SECONDS);
        return Error::new(Kind::UpstreamBusy, message).retry_after(after);
    }
    Error {
        retry_after: after,
        ..Error::new(Kind::UpstreamFailed, message)
    }
}
