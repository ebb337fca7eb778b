//! One model after the other until one answers: each within its time, each recorded, none paid for
//! beyond what is held.

use std::borrow::Cow;

use crate::error::{Error, Kind};
use crate::money::Nanos;
use crate::providers::{Failure, FailureClass};
use crate::request::call;
use crate::request::exchange::{DEADLINE_MS, Exchange};
use crate::request::reserve::extend;
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// What all attempts have to keep to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What the governor holds for the request.
    pub held: Nanos,
    /// Milliseconds of each attempt, less where the request's time ends before.
    pub milliseconds: u64,
    /// The field that is too long where the models say so.
    pub subject: Cow<'static, str>,
}

/// Makes one attempt at each candidate until one succeeds; gives its position, and what it gave.
///
/// `prepare` makes the call; a candidate that cannot express the request, or that this deployment
/// cannot reach, is passed over. `attempt` sends it, has so many milliseconds, and notes in the usage what it knows to have used, also where
/// it fails.
///
/// # Errors
/// The first error of `prepare` where no candidate could be asked, `UpstreamFailed` naming every attempt, `DeadlineExceeded`, `InvalidRequest` where every model
/// refused the request itself, `Forbidden` where a provider's policy forbids it, `BudgetExhausted`
/// where an attempt of unknown cost has used the reservation and there is no more.
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
    for (index, candidate) in candidates.iter().enumerate() {
        let call = match prepare(candidate).await {
            Ok(call) => call,
            Err(error) => {
                unfit.get_or_insert(error);
                continue;
            }
        };
        // Attempts of unknown cost keep their bounds, all of them.
        let needed = exchange.cost().saturating_add(candidate.bound);
        if needed > held {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            extend(exchange, number, needed.saturating_sub(held)).await?;
            held = needed;
        }
        let Some(milliseconds) = time_left(exchange, terms.milliseconds) else {
            break;
        };
        let began = exchange.ports.clock.now();
        let mut usage = Usage::default();
        let outcome = attempt(exchange, candidate, call, milliseconds, &mut usage).await;
        note(exchange, candidate, outcome.as_ref().err(), began, usage);
        match outcome {
            Ok(answer) => return Ok((index, answer)),
            Err(failure) => {
                let falls_back = failure.class.falls_back();
                failures.push((candidate.id.as_ref(), failure));
                if !falls_back {
                    break;
                }
            }
        }
    }
    let unfit = unfit.filter(|_| failures.is_empty());
    Err(unfit.unwrap_or_else(|| exhausted(&failures, &terms.subject)))
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
    let mut attempt = call::record("answer", candidate.model, failure, took);
    attempt.model = candidate.id.clone().into_owned();
    attempt.usage = usage;
    attempt.cost = if attempt.bounded {
        candidate.bound
    } else {
        candidate.model.price.cost(&usage)
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
        let error = Error::new(Kind::UpstreamFailed, message);
        let after = failures
            .iter()
            .filter_map(|(_, failure)| failure.retry_after)
            .min();
        Error {
            retry_after: after,
            ..error
        }
    };
    error.with_detail(details.join("; "))
}
