//! The answer in the caller's own protocol, whole or streamed, with what was decided in its headers.

use crate::audit::Outcome;
use crate::cache::Entry;
use crate::config::Provider;
use crate::governor::command::State;
use crate::http::{Body, Reply};
use crate::money::Nanos;
use crate::protocol::openai_chat::{self, ChunkWriter, Head};
use crate::protocol::{Answer, Source, assembly};
use crate::request::admit::Admitted;
use crate::request::dispatch::{Delivery, Dispatched};
use crate::request::exchange::Exchange;
use crate::request::ground::Grounded;
use crate::request::headers::{self, Decision};
use crate::request::recall::Place;
use crate::request::settle::{fill_cache, settle};
use crate::request::stream;
use crate::routing::Plan;
use crate::usage::Usage;

/// Gives a cached answer, for free.
pub async fn release_cached(
    mut exchange: Exchange,
    admitted: &Admitted,
    state: State,
    entry: Entry,
) -> Reply {
    exchange.draft.outcome = Outcome::Cached;
    exchange.draft.status = 200;
    exchange.draft.sources = u32::try_from(entry.sources.len()).unwrap_or(u32::MAX);
    let usage = entry.answer.usage.unwrap_or_default();
    let decision = Decision {
        step: None,
        provider: entry.provider,
        model: entry.model,
        cost: Some(Nanos::ZERO),
    };
    let head = head(&exchange, &decision.model, entry.sources);
    exchange.end_phase("release");
    let (draft, settled) = settle(exchange).await;
    let mut reply = if admitted.request.stream {
        replayed(&entry.answer, head, admitted.request.include_usage, &usage)
    } else {
        let body = openai_chat::render(&entry.answer, &head, &usage, Nanos::ZERO);
        Reply::bytes(200, "application/json", body)
    };
    headers::set(&mut reply, &draft, &decision, &settled.unwrap_or(state));
    reply
}

/// A whole answer as the stream that the client asked for.
fn replayed(answer: &Answer, head: Head, include_usage: bool, usage: &Usage) -> Reply {
    let mut writer = ChunkWriter::new(head, include_usage);
    let mut bytes = Vec::new();
    for event in assembly::replay(answer) {
        writer.push(&event, &mut bytes);
    }
    writer.finish(usage, Nanos::ZERO, &mut bytes);
    let mut reply = Reply::events(Box::pin(futures::stream::empty()));
    reply.body = Body::Bytes(bytes);
    reply
}

/// Gives a model's answer.
pub async fn release(
    mut exchange: Exchange,
    admitted: &Admitted,
    plan: &Plan,
    place: Option<Place>,
    state: State,
    grounded: Grounded,
    dispatched: Dispatched,
) -> Reply {
    let Dispatched {
        step,
        candidate,
        delivery,
    } = dispatched;
    // An answer without the passages it should rest on is not worth keeping.
    let place = place.filter(|_| exchange.draft.ungrounded.is_none());
    let model = candidate.model;
    let mut decision = Decision {
        step: Some(step),
        provider: model.provider.as_str().to_owned(),
        model: model.id.clone(),
        cost: None,
    };
    let head = head(&exchange, &decision.model, grounded.sources.clone());
    exchange.draft.status = 200;
    let prompt_bytes = prompt_bytes(plan, admitted, &grounded.sources);
    match delivery {
        Delivery::Whole(answer) => {
            let usage = answer
                .usage
                .unwrap_or_else(|| estimate(prompt_bytes, &answer));
            exchange.charge(&candidate, usage);
            let cost = exchange.cost();
            decision.cost = Some(cost);
            let body = openai_chat::render(&answer, &head, &usage, cost);
            if let Some(place) = place {
                let entry = entry(answer, model.provider, &decision, grounded);
                fill_cache(&exchange.ports, &place, &entry);
            }
            exchange.end_phase("release");
            let (draft, settled) = settle(exchange).await;
            let mut reply = Reply::bytes(200, "application/json", body);
            headers::set(&mut reply, &draft, &decision, &settled.unwrap_or(state));
            reply
        }
        Delivery::Stream(open) => {
            let draft = exchange.draft.clone();
            let writer = ChunkWriter::new(head, admitted.request.include_usage);
            let meter = stream::Meter::new(exchange, candidate, prompt_bytes);
            let fill = place.map(|place| stream::Fill {
                place,
                sources: grounded.sources,
            });
            let mut reply = Reply::events(stream::chunks(*open, writer, meter, fill));
            headers::set(&mut reply, &draft, &decision, &state);
            reply
        }
    }
}

fn estimate(prompt_bytes: u64, answer: &Answer) -> Usage {
    let mut assembler = assembly::Assembler::default();
    for event in &assembly::replay(answer) {
        assembler.push(event);
    }
    Usage::estimate(prompt_bytes, assembler.output_bytes())
}

/// Bytes of the prompt, to estimate by where a provider reports no usage.
fn prompt_bytes(plan: &Plan, admitted: &Admitted, sources: &[Source]) -> u64 {
    let instructions = plan.instructions.map_or(0, str::len);
    let passages = sources.iter().map(|source| source.passage.len());
    let added = passages.fold(instructions, usize::saturating_add);
    let added = u64::try_from(added).unwrap_or(u64::MAX);
    crate::routing::bound::text_bytes(&admitted.request).saturating_add(added)
}

fn head(exchange: &Exchange, model: &str, sources: Vec<Source>) -> Head {
    Head {
        id: format!("chatcmpl-{}", exchange.draft.request),
        created: exchange.draft.at.checked_div(1_000).unwrap_or_default(),
        model: model.to_owned(),
        sources,
    }
}

fn entry(answer: Answer, provider: Provider, decision: &Decision, grounded: Grounded) -> Entry {
    Entry {
        answer,
        model: decision.model.clone(),
        provider: provider.as_str().to_owned(),
        sources: grounded.sources,
    }
}
