//! Calls of models that serve a request without being asked for: embedding, reranking, and what it is for.

use crate::audit::Attempt;
use crate::config::Model;
use crate::error::Error;
use crate::governor::command::Target;
use crate::money::Nanos;
use crate::ports::ModelCall;
use crate::providers::{Failure, FailureClass};
use crate::request::call;
use crate::request::exchange::Exchange;
use crate::request::reserve::check_on;
use crate::routing::breaker::{Turned, Why};
use crate::routing::health::Part;
use crate::usage::{Usage, estimate_tokens};

/// A call of a helper model.
pub struct Helper<'a> {
    /// What it is for, in the record.
    pub part: Part,
    /// The model's id.
    pub model: &'a str,
    /// UTF-8 bytes that go in, for the estimate of tokens.
    pub bytes: usize,
    /// The most tokens of its answer, which count as used.
    pub answer_tokens: u64,
    /// Milliseconds it may take.
    pub milliseconds: u64,
    /// The call itself.
    pub call: ModelCall,
}

/// Runs work of a part that helps, unless that has failed too often of late: then requests do without
/// it for a minute, rather than wait.
///
/// # Errors
/// The failure of the work; `open()` where it was not begun.
pub async fn unless_open<T, E>(
    exchange: &Exchange,
    part: (Part, &str),
    work: impl Future<Output = Result<T, E>>,
    is_fault: impl FnOnce(&E) -> bool,
    open: impl FnOnce() -> E,
) -> Result<T, E> {
    let now = || exchange.ports.clock.now();
    let turn = exchange.health.borrow_mut().ask_part(part, now());
    let Some(turn) = turn else {
        return Err(open());
    };
    let outcome = work.await;
    let failed = outcome.as_ref().is_err_and(is_fault);
    let turned = exchange
        .health
        .borrow_mut()
        .note_part(part, turn, failed, now());
    if let Some(Turned::Opened(milliseconds)) = turned {
        let (part, model) = (part.0.as_str(), part.1);
        let line = format!("requests do without {part} {model} for {milliseconds} ms: it fails");
        exchange.ports.log.error(&line);
    }
    outcome
}

/// Calls a helper model, reads its answer with `decode`, and notes the call.
///
/// These models report no usage, so it is estimated. A call whose fate is unknown is charged too, and
/// one whose answer cannot be read.
///
/// # Errors
/// The failure of the call or of `decode`.
pub async fn help<T>(
    exchange: &mut Exchange,
    helper: Helper<'_>,
    decode: impl FnOnce(&[u8]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let ports = exchange.ports.clone();
    let catalogue = exchange.catalogue().map_err(|error| internal(&error))?;
    let model = catalogue.model(helper.model);
    let model = model.ok_or_else(|| Failure::new(FailureClass::NotFound, helper.model))?;
    let asked = Target {
        provider: model.provider.as_str().to_owned(),
        model: model.id.clone(),
    };
    if let Err(error) = check_on(exchange, &asked) {
        let failure = Failure::new(FailureClass::SwitchedOff, &error.message);
        exchange.note(call::record(helper.part.as_str(), model, Some(&failure), 0));
        return Err(failure);
    }
    let began = ports.clock.now();
    let mut is_asked = false;
    let answer = async {
        is_asked = true;
        let body = call::whole(&ports, helper.call);
        let body = call::within(ports.clock.as_ref(), helper.milliseconds, body).await?;
        decode(&body)
    };
    let is_fault = |failure: &Failure| failure.class.passes();
    let part = (helper.part, helper.model);
    let answer = unless_open(exchange, part, answer, is_fault, circuit_open).await;
    if !is_asked {
        exchange.pass_over(helper.model, Why::Failing.as_str());
        return answer;
    }
    let failure = answer.as_ref().err();
    let took = ports.clock.now().saturating_sub(began);
    let attempt = call::record(helper.part.as_str(), model, failure, took);
    let charged = failure.is_none_or(|failure| failure.class.cost_unknown());
    exchange.note(if charged {
        priced(attempt, model, usage(helper.bytes, helper.answer_tokens))
    } else {
        attempt
    });
    answer
}

fn priced(attempt: Attempt, model: &Model, usage: Usage) -> Attempt {
    let cost = model
        .token_price()
        .map_or(Nanos::ZERO, |price| price.cost(&usage));
    Attempt {
        usage,
        cost,
        ..attempt
    }
}

fn usage(bytes: usize, output_tokens: u64) -> Usage {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Usage {
        input_tokens: estimate_tokens(bytes),
        output_tokens,
        estimated: true,
        ..Usage::default()
    }
}

fn circuit_open() -> Failure {
    Failure::new(FailureClass::Unreachable, Why::Failing.as_str())
}

fn internal(error: &Error) -> Failure {
    Failure::new(FailureClass::ServerError, &error.to_string())
}
