//! Walks the plan: calls, times out, falls back. The first event of a stream decides: after it no
//! other model can take over without the client reading the beginning twice.

use crate::config::{self, Capability, Model};
use crate::error::Error;
use crate::ports::ModelCall;
use crate::protocol::forward::Forwarder;
use crate::protocol::{Answer, Message, ReasoningMode, Warning};
use crate::providers::{Encoded, Failure, Prompt, Target, Unsupported, Wire, encode};
use crate::request::admit::Admitted;
use crate::request::attempts::{Terms, first_success};
use crate::request::call::{self, OpenStream, Reading};
use crate::request::exchange::{DEADLINE_MS, Exchange};
use crate::routing::Plan;
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// Milliseconds to the first event of a stream.
const FIRST_EVENT_MS: u64 = 30_000;
/// The same of a model that thinks first, and may show nothing of it.
const FIRST_THOUGHT_MS: u64 = 240_000;
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
    /// What of the request it was not told.
    pub warnings: Vec<Warning>,
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
/// As [`first_success`].
pub async fn dispatch(
    exchange: &mut Exchange,
    admitted: &Admitted,
    plan: &Plan,
    messages: &[Message],
) -> Result<Dispatched, Error> {
    let usual = if admitted.request.stream {
        FIRST_THOUGHT_MS
    } else {
        WHOLE_ANSWER_MS
    };
    let terms = Terms {
        held: plan.bound,
        milliseconds: admitted.attempt_ms.unwrap_or(usual),
        subject: "messages",
    };
    let prompt = Prompt {
        request: &admitted.request,
        messages,
    };
    let prepare = |candidate: &Candidate| prepare(prompt, candidate);
    // What a successful attempt used is known only at its end.
    let attempt =
        async |exchange: &Exchange, candidate: &Candidate, encoded: Encoded, ms, _: &mut Usage| {
            let warnings = encoded.warnings.clone();
            let call = encoded.into_call(candidate.model);
            let delivery = run(exchange, admitted, candidate, call, ms).await?;
            Ok((candidate.clone(), delivery, warnings))
        };
    let answered = first_success(exchange, &plan.candidates, terms, prepare, attempt);
    let (step, (candidate, delivery, warnings)) = answered.await?;
    Ok(Dispatched {
        step,
        candidate,
        delivery,
        warnings,
    })
}

/// The request as a candidate takes it.
fn prepare(prompt: Prompt<'_>, candidate: &Candidate) -> Result<Encoded, Unsupported> {
    let model = candidate.model;
    let catalogue = config::catalogue().ok();
    let provider = catalogue.and_then(|all| all.provider(model.provider.as_str()));
    let quirks = provider.map(|provider| provider.quirks(provider.native_name(&candidate.id)));
    let target = Target {
        wire: wire(model),
        model: None,
        quirks: &quirks.unwrap_or_default(),
        max_tokens: candidate.max_tokens,
        reasoning: candidate
            .reasoning
            .filter(|_| model.can(Capability::Reasoning)),
    };
    encode(prompt, &target)
}

/// A forwarder of the candidate's streams to the caller, where both speak one wire.
#[must_use]
pub fn forwarder(admitted: &Admitted, candidate: &Candidate) -> Option<Forwarder> {
    let wire = wire(candidate.model);
    Forwarder::new(admitted.dialect, wire, admitted.request.include_usage)
}

fn first_event_ms(candidate: &Candidate) -> u64 {
    let thinks = candidate.model.can(Capability::Reasoning)
        && candidate.reasoning != Some(ReasoningMode::Off);
    if thinks {
        FIRST_THOUGHT_MS
    } else {
        FIRST_EVENT_MS
    }
}

/// The build refuses a chat model without a wire.
fn wire(model: &Model) -> Wire {
    model.wire.unwrap_or(Wire::OpenAiChat)
}

async fn run(
    exchange: &Exchange,
    admitted: &Admitted,
    candidate: &Candidate,
    call: ModelCall,
    milliseconds: u64,
) -> Result<Delivery, Failure> {
    let wire = wire(candidate.model);
    let ports = &exchange.ports;
    let clock = ports.clock.as_ref();
    if admitted.request.stream {
        let elapsed = clock.now().saturating_sub(exchange.draft.at);
        let reading = Reading {
            wire,
            max_tokens: candidate.max_tokens,
            raw: forwarder(admitted, candidate).is_some(),
            deadline: clock.sleep(DEADLINE_MS.saturating_sub(elapsed)),
        };
        let milliseconds = milliseconds.min(first_event_ms(candidate));
        let open = OpenStream::open(ports, call, reading);
        let stream = call::within(clock, milliseconds, open).await?;
        return Ok(Delivery::Stream(Box::new(stream)));
    }
    let answer = call::answer(ports, call, wire, candidate.max_tokens);
    call::within(clock, milliseconds, answer)
        .await
        .map(Delivery::Whole)
}
