//! Walks the plan: calls, times out, falls back. The first event of a stream that says something decides:
//! after it no other model can take over without the client reading the beginning twice.

use std::borrow::Cow;

use crate::config::{self, Capability, Model};
use crate::error::Error;
use crate::ports::{Body, ModelCall, Ports};
use crate::protocol::forward::Forwarder;
use crate::protocol::{Answer, ChatRequest, Field, Json, Message, ResponseFormat, Role, Warning};
use crate::providers::workers_ai;
use crate::providers::{Encoded, Failure, Prompt, Route, Target, Wire, Work, encode};
use crate::remote_image::Pictures;
use crate::request::admit::Admitted;
use crate::request::attempts::{Place, Terms, Times, first_success};
use crate::request::call::{self, OpenStream, Reading, Spoken};
use crate::request::exchange::Exchange;
use crate::request::stall::Stall;
use crate::routing::health::Awaited;
use crate::routing::plan::Candidate;
use crate::routing::{Plan, bound};
use crate::usage::Usage;

/// Milliseconds to the first event of a stream.
const FIRST_EVENT_MS: u64 = 30_000;
/// The same of a model that thinks first, and may show nothing of it.
const FIRST_THOUGHT_MS: u64 = 240_000;
/// Milliseconds to the end of a whole answer, which comes all at once.
const WHOLE_ANSWER_MS: u64 = 120_000;

/// What a model is told whose answer must be JSON.
const JSON_ONLY: &str = "You must answer with JSON only, without a word around it.";

/// What a model gave.
pub struct Dispatched {
    /// Which candidate, from 0.
    pub step: usize,
    /// The candidate.
    pub candidate: Candidate,
    /// The wire it answers in.
    pub wire: Wire,
    /// Bytes of the prompt that it was sent, to estimate by where its provider reports no usage.
    pub prompt_bytes: u64,
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
    let org = exchange.attempts;
    let streams = admitted.request.stream && !plan.is_whole();
    let times = if streams {
        Times {
            awaited: Awaited::FirstEvent,
            usual_ms: FIRST_EVENT_MS,
            thinking_ms: FIRST_THOUGHT_MS,
            org_ms: org.first_event_ms,
            caller_ms: admitted.attempt_ms,
        }
    } else {
        Times {
            awaited: Awaited::Whole,
            usual_ms: WHOLE_ANSWER_MS,
            thinking_ms: WHOLE_ANSWER_MS,
            org_ms: org.answer_ms,
            caller_ms: admitted.attempt_ms,
        }
    };
    let terms = Terms {
        held: plan.bound,
        times,
        retries: admitted.retries,
        subject: admitted.dialect.name(&Field::from("messages")).into(),
        falls_back: admitted.falls_back,
        goes_on: streams,
        own_account: admitted.own_key.as_ref().map(|own| own.provider.clone()),
    };
    let ports = exchange.ports.clone();
    let own = admitted.request.messages.first();
    let is_added = |first: &Message| first.role == Role::System && Some(first) != own;
    let added = messages.first().is_some_and(is_added);
    let pictures = Pictures::of(messages, usize::from(added));
    let prepare = async |candidate: &Candidate, place: Place| {
        let mut prepared =
            prepare(&ports, (admitted, plan), messages, &pictures, candidate).await?;
        if place.others_left {
            prepared.call = workers_ai::rejecting_if_busy(prepared.call);
        }
        Ok(prepared)
    };
    // What a successful attempt used is known only at its end: this is of those that fail.
    let attempt = async |exchange: &Exchange,
                         candidate: &Candidate,
                         prepared: Prepared,
                         ms,
                         used: &mut Usage| {
        exchange.come_to(candidate);
        let (wire, warnings) = (prepared.spoken.wire, prepared.warnings.clone());
        let prompt_bytes = prepared.prompt_bytes;
        let streamed = streams.then_some(admitted);
        let delivery = run(exchange, streamed, prepared, ms, used).await?;
        Ok((candidate.clone(), wire, prompt_bytes, delivery, warnings))
    };
    let answered = first_success(exchange, &plan.candidates, terms, prepare, attempt).await;
    exchange.note_way();
    let (step, (candidate, wire, prompt_bytes, delivery, warnings)) = answered?;
    Ok(Dispatched {
        step,
        candidate,
        wire,
        prompt_bytes,
        delivery: metered(delivery, prompt_bytes),
        warnings,
    })
}

/// A whole answer with what it used: estimated by its own bytes, before anything is made of it.
fn metered(delivery: Delivery, prompt_bytes: u64) -> Delivery {
    let Delivery::Whole(mut answer) = delivery else {
        return delivery;
    };
    let estimated = Usage::estimate(prompt_bytes, answer.output_bytes());
    answer.usage.get_or_insert(estimated);
    Delivery::Whole(answer)
}

/// A call that can be made.
struct Prepared {
    call: ModelCall,
    spoken: Spoken,
    prompt_bytes: u64,
    warnings: Vec<Warning>,
}

/// The call that asks a candidate.
async fn prepare(
    ports: &Ports,
    (admitted, plan): (&Admitted, &Plan),
    messages: &[Message],
    pictures: &Pictures<'_>,
    candidate: &Candidate,
) -> Result<Prepared, Error> {
    let model = &candidate.model;
    let provider = config::catalogue()?.provider(model.provider.as_str());
    let provider =
        provider.ok_or_else(|| Error::internal(format!("no provider of {}", model.id)))?;
    // What the caller brings for one provider is none of the others' business.
    let own = admitted.own_key.as_ref();
    let own = own.and_then(|own| own.of(&model.provider));
    let route = match own {
        Some(key) => Route::with_key(provider, key.clone(), ports.secrets.as_ref())?,
        None => Route::find(provider, ports.secrets.as_ref())?,
    };
    let request = &*asked(admitted, plan, model);
    let max_tokens = candidate.max_tokens;
    let wire = route.wire(provider, model, Prompt { request, messages }, max_tokens);
    // The build refuses a chat model without a wire.
    let wire = wire.unwrap_or(Wire::OpenAiChat);
    let deployment = route.deployment(provider);
    let quirks = route.quirks(provider, &candidate.id);
    let messages = if quirks.image_urls {
        messages
    } else {
        pictures.inline(ports).await?
    };
    let messages = &*told(plan, model, messages);
    let prompt_bytes = bound::fixed_bytes(request).saturating_add(bound::bytes_of(messages));
    let target = Target {
        wire,
        model: route.native_model(provider, &candidate.id),
        quirks: &quirks,
        max_tokens,
        reasoning: candidate
            .reasoning
            .filter(|_| model.can(Capability::Reasoning)),
        thinks: model.can(Capability::Reasoning),
        deployment: Some(&deployment),
    };
    let dialect = admitted.dialect;
    let prompt = Prompt { request, messages };
    let encoded = encode(prompt, &target).map_err(|missing| missing.told_to(dialect))?;
    let Encoded { body, warnings } = encoded.told_to(dialect);
    let stream = request.stream;
    let work = match wire {
        Wire::OpenAiResponses => Work::Respond,
        _ => Work::Chat { stream },
    };
    let body = Body::json(body);
    let call = route.call(provider, &candidate.id, work, body, &admitted.passing);
    let call = call.ok_or_else(|| Error::internal(format!("no path to {}", candidate.id)))?;
    Ok(Prepared {
        call,
        spoken: Spoken {
            wire,
            max_tokens,
            deployment,
        },
        prompt_bytes,
        warnings,
    })
}

/// The request as a model gets it whose answer is worked on before it goes out.
fn asked<'a>(admitted: &'a Admitted, plan: &Plan, model: &Model) -> Cow<'a, ChatRequest> {
    if !plan.is_whole() {
        return Cow::Borrowed(&admitted.request);
    }
    let mut request = admitted.request.clone();
    (request.stream, request.include_usage) = (false, false);
    if let Some(schema) = schema_for(plan, model) {
        request.response_format = ResponseFormat::JsonSchema {
            name: Some(plan.operation.name.clone()),
            description: None,
            schema,
            strict: None,
        };
    }
    Cow::Owned(request)
}

/// The schema of the answer, for a model that keeps to one.
fn schema_for(plan: &Plan, model: &Model) -> Option<Json> {
    let schema = plan.output()?.schema.as_ref()?;
    Json::parse(schema.as_str()).filter(|_| model.can(Capability::Json))
}

/// The messages with what the answer must be, for a model that is not told otherwise.
fn told<'a>(plan: &Plan, model: &Model, messages: &'a [Message]) -> Cow<'a, [Message]> {
    let output = plan.output().filter(|output| output.is_json());
    let Some(output) = output.filter(|_| schema_for(plan, model).is_none()) else {
        return Cow::Borrowed(messages);
    };
    let text = match &output.schema {
        Some(schema) => format!(
            "{JSON_ONLY} It must fit this JSON schema: {}",
            schema.as_str()
        ),
        None => JSON_ONLY.to_owned(),
    };
    let first = Message::text(Role::System, text);
    std::iter::once(first)
        .chain(messages.iter().cloned())
        .collect()
}

/// A forwarder of streams of `wire` to the caller, where both speak the same.
#[must_use]
pub fn forwarder(admitted: &Admitted, wire: Wire) -> Option<Forwarder> {
    Forwarder::new(admitted.dialect, wire, admitted.request.include_usage)
}

/// Asks; for a stream where the request is `streamed`. Notes in `used` what a failed call told.
async fn run(
    exchange: &Exchange,
    streamed: Option<&Admitted>,
    prepared: Prepared,
    milliseconds: u64,
    used: &mut Usage,
) -> Result<Delivery, Failure> {
    let Prepared { call, spoken, .. } = prepared;
    let ports = &exchange.ports;
    let clock = ports.clock.as_ref();
    if let Some(admitted) = streamed {
        let reading = Reading {
            raw: forwarder(admitted, spoken.wire).is_some(),
            spoken,
            stall: Stall::new(ports.clock.clone(), exchange.draft.at),
        };
        let open = OpenStream::open(ports, call, reading, used);
        let stream = call::within(clock, milliseconds, open).await?;
        return Ok(Delivery::Stream(Box::new(stream)));
    }
    let answer = call::answer(ports, call, &spoken, used);
    call::within(clock, milliseconds, answer)
        .await
        .map(Delivery::Whole)
}
