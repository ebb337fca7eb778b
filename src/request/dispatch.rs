//! Walks the plan: calls, times out, falls back. The first event of a stream decides: after it no
//! other model can take over without the client reading the beginning twice.

use crate::error::{Error, Kind};
use crate::ports::ModelCall;
use crate::protocol::{Answer, Message};
use crate::providers::{Failure, FailureClass, Wire};
use crate::request::admit::Admitted;
use crate::request::call::{self, OpenStream};
use crate::request::exchange::{DEADLINE_MS, Exchange};
use crate::request::reserve::extend;
use crate::routing::Plan;
use crate::routing::plan::Candidate;

/// Milliseconds to the first event of a stream.
const FIRST_EVENT_MS: u64 = 30_000;
/// Milliseconds to the end of a whole answer, which comes all at once.
const WHOLE_ANSWER_MS: u64 = 120_000;

/// What a model gave.
pub struct Dispatched {
    /// Which candidate, from 0.
    pub step: usize,
    /// The candidate.
    pub candidate: Candidate,
    /// Its answer.
    pub delivery: Delivery,
}

/// An answer, whole or on its way.
pub enum Delivery {
    /// The answer.
    Whole(Answer),
    /// The open stream.
    Stream(Box<OpenStream>),
}

/// Asks one candidate after the other until one answers.
///
/// # Errors
/// `UpstreamFailed` naming every attempt, `DeadlineExceeded`, `InvalidRequest` where every model
/// refused the request itself, `BudgetExhausted` where an attempt of unknown cost has used the
/// reservation and there is no more.
pub async fn dispatch(
    exchange: &mut Exchange,
    admitted: &Admitted,
    plan: &Plan,
    messages: &[Message],
) -> Result<Dispatched, Error> {
    let mut failures = Vec::new();
    let mut held = plan.bound;
    for (step, candidate) in plan.candidates.iter().enumerate() {
        // Attempts of unknown cost keep their bounds, all of them.
        let needed = exchange.cost().saturating_add(candidate.bound);
        if needed > held {
            let number = u32::try_from(step).unwrap_or(u32::MAX);
            extend(exchange, number, needed.saturating_sub(held)).await?;
            held = needed;
        }
        let Some(milliseconds) = time_left(exchange, admitted) else {
            break;
        };
        match attempt(exchange, admitted, candidate, messages, milliseconds).await {
            Ok(delivery) => {
                return Ok(Dispatched {
                    step,
                    candidate: candidate.clone(),
                    delivery,
                });
            }
            Err(failure) => {
                let falls_back = failure.class.falls_back();
                failures.push((candidate.model.id.as_str(), failure));
                if !falls_back {
                    break;
                }
            }
        }
    }
    Err(exhausted(&failures))
}

/// Milliseconds that the next attempt has; `None` where the request's time is over.
fn time_left(exchange: &Exchange, admitted: &Admitted) -> Option<u64> {
    let elapsed = exchange.ports.clock.now().saturating_sub(exchange.draft.at);
    let left = DEADLINE_MS.checked_sub(elapsed).filter(|left| *left > 0)?;
    let usual = if admitted.request.stream {
        FIRST_EVENT_MS
    } else {
        WHOLE_ANSWER_MS
    };
    Some(admitted.attempt_ms.unwrap_or(usual).min(left))
}

async fn attempt(
    exchange: &mut Exchange,
    admitted: &Admitted,
    candidate: &Candidate,
    messages: &[Message],
    milliseconds: u64,
) -> Result<Delivery, Failure> {
    let began = exchange.ports.clock.now();
    let outcome = run(exchange, admitted, candidate, messages, milliseconds).await;
    let took = exchange.ports.clock.now().saturating_sub(began);
    let failure = outcome.as_ref().err();
    let mut attempt = call::record("answer", candidate.model, failure, took);
    // What it used nobody told; what a successful attempt used is known only at its end.
    if attempt.bounded {
        attempt.cost = candidate.bound;
    }
    exchange.note(attempt);
    outcome
}

async fn run(
    exchange: &Exchange,
    admitted: &Admitted,
    candidate: &Candidate,
    messages: &[Message],
    milliseconds: u64,
) -> Result<Delivery, Failure> {
    let model = candidate.model;
    // The build refuses a chat model without a wire.
    let wire = model.wire.unwrap_or(Wire::OpenAiChat);
    if matches!(wire, Wire::Anthropic | Wire::Gemini) {
        let message = format!("the wire of {} is not spoken", model.id);
        return Err(Failure::new(FailureClass::NotFound, &message));
    }
    let call: ModelCall = wire.encode(&admitted.request, messages, &model.id, candidate.max_tokens);
    let ports = &exchange.ports;
    let clock = ports.clock.as_ref();
    if admitted.request.stream {
        let elapsed = clock.now().saturating_sub(exchange.draft.at);
        let deadline = clock.sleep(DEADLINE_MS.saturating_sub(elapsed));
        let open = OpenStream::open(ports, call, wire, candidate.max_tokens, deadline);
        let stream = call::within(clock, milliseconds, open).await?;
        return Ok(Delivery::Stream(Box::new(stream)));
    }
    let answer = call::answer(ports, call, wire, candidate.max_tokens);
    call::within(clock, milliseconds, answer)
        .await
        .map(Delivery::Whole)
}

/// The error of a request that no candidate answered.
fn exhausted(failures: &[(&str, Failure)]) -> Error {
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
            "The conversation is too long for every model tried: {}. Shorten it.",
            named.join(", ")
        );
        Error::invalid("messages", message)
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
