//! The answer in the caller's own protocol, whole or streamed, with what was decided in its headers.

use crate::audit::Outcome;
use crate::cache::Entry;
use crate::config::Wire;
use crate::governor::command::State;
use crate::http::{Body, Reply};
use crate::protocol::writer::Head;
use crate::protocol::{Answer, Bill, ChatRequest, Dialect, Source, Warning, assembly};
use crate::request::admit::Admitted;
use crate::request::call::OpenStream;
use crate::request::conversation::{Keeper, keep};
use crate::request::dispatch::{Delivery, Dispatched, forwarder};
use crate::request::exchange::Exchange;
use crate::request::ground::Grounded;
use crate::request::headers::{self, Decision};
use crate::request::recall::Place;
use crate::request::settle::{fill_cache, settle};
use crate::request::stream::{self, Fill, Meter};
use crate::routing::plan::Candidate;

/// Gives a cached answer, which costs nothing but what was asked to find it.
pub async fn release_cached(
    mut exchange: Exchange,
    admitted: &Admitted,
    state: State,
    entry: Entry,
) -> Reply {
    exchange.draft.outcome = Outcome::Cached;
    exchange.say(&entry.answer);
    exchange.draft.status = 200;
    exchange.draft.sources = u32::try_from(entry.sources.len()).unwrap_or(u32::MAX);
    let cost = exchange.cost();
    let usage = entry.answer.usage.unwrap_or_default();
    let decision = Decision {
        step: None,
        provider: entry.provider,
        model: entry.model,
        cost: Some(cost),
    };
    let head = head(&exchange, &decision.model, entry.sources);
    let keeper = Keeper::of(&exchange, &admitted.request, &head);
    exchange.end_phase("release");
    let (draft, settled) = settle(exchange).await;
    let bill = Bill {
        usage: &usage,
        cost,
    };
    let request = keep(keeper, &admitted.request, &entry.answer, bill).await;
    let mut reply = if admitted.request.stream {
        replayed(admitted.dialect, &request, &entry.answer, head, bill)
    } else {
        let dialect = admitted.dialect;
        let body = dialect.render(&request, &entry.answer, &head, bill);
        Reply::bytes(200, "application/json", body)
    };
    headers::warnings(&mut reply, &admitted.request.warnings);
    headers::set(&mut reply, &draft, &decision, &settled.unwrap_or(state));
    reply
}

/// A whole answer as the stream that the client asked for.
fn replayed(
    dialect: Dialect,
    request: &ChatRequest,
    answer: &Answer,
    head: Head,
    bill: Bill<'_>,
) -> Reply {
    let mut writer = dialect.writer(request, head);
    let mut bytes = Vec::new();
    for event in assembly::replay(answer) {
        writer.push(&event, &mut bytes);
    }
    writer.finish(bill.usage, bill.cost, &mut bytes);
    let content_type = dialect.stream_type();
    let mut reply = Reply::streamed(content_type, Box::pin(futures::stream::empty()));
    reply.body = Body::Bytes(bytes);
    reply
}

/// Gives a model's answer.
pub async fn release(
    exchange: Exchange,
    admitted: &Admitted,
    place: Option<Place>,
    state: State,
    grounded: Grounded,
    dispatched: Dispatched,
) -> Reply {
    let model = &dispatched.candidate.model;
    let release = Release {
        decision: Decision {
            step: Some(dispatched.step),
            provider: model.provider.as_str().to_owned(),
            model: dispatched.candidate.id.clone(),
            cost: None,
        },
        // An answer without the passages it should rest on is not worth keeping, and what is given again is
        // judged by nobody.
        place: place.filter(|_| exchange.draft.ungrounded.is_none() && !exchange.unjudged),
        prompt_bytes: dispatched.prompt_bytes,
        head: head(&exchange, &dispatched.candidate.id, grounded.sources),
        candidate: dispatched.candidate,
        wire: dispatched.wire,
        warnings: [
            &admitted.request.warnings[..],
            &dispatched.warnings[..],
            &grounded.warnings[..],
        ]
        .concat(),
        admitted,
        exchange,
        state,
    };
    match dispatched.delivery {
        Delivery::Whole(answer) => release.whole(answer).await,
        Delivery::Stream(open) => release.streamed(*open),
    }
}

/// A model's answer with all that stands around it.
struct Release<'a> {
    admitted: &'a Admitted,
    exchange: Exchange,
    candidate: Candidate,
    wire: Wire,
    decision: Decision,
    head: Head,
    place: Option<Place>,
    prompt_bytes: u64,
    warnings: Vec<Warning>,
    /// The limits after the reservation.
    state: State,
}

impl Release<'_> {
    async fn whole(mut self, answer: Answer) -> Reply {
        self.exchange.draft.status = 200;
        self.exchange.say(&answer);
        let usage = answer.usage.unwrap_or_default();
        self.exchange.charge(&self.candidate, usage);
        let cost = self.exchange.cost();
        self.decision.cost = Some(cost);
        let bill = Bill {
            usage: &usage,
            cost,
        };
        if let Some(place) = self.place {
            let entry = Entry {
                answer: answer.clone(),
                model: self.decision.model.clone(),
                provider: self.decision.provider.clone(),
                sources: self.head.sources.clone(),
            };
            fill_cache(&self.exchange.ports, &place, &entry);
        }
        let request = &self.admitted.request;
        let keeper = Keeper::of(&self.exchange, request, &self.head);
        self.exchange.end_phase("release");
        let (draft, settled) = settle(self.exchange).await;
        let state = settled.unwrap_or(self.state);
        let request = keep(keeper, request, &answer, bill).await;
        let dialect = self.admitted.dialect;
        let mut reply = if request.stream {
            replayed(dialect, &request, &answer, self.head, bill)
        } else {
            let body = dialect.render(&request, &answer, &self.head, bill);
            Reply::bytes(200, "application/json", body)
        };
        headers::set(&mut reply, &draft, &self.decision, &state);
        headers::warnings(&mut reply, &self.warnings);
        reply
    }

    fn streamed(mut self, open: OpenStream) -> Reply {
        self.exchange.draft.status = 200;
        let draft = self.exchange.draft.clone();
        let sources = self.head.sources.clone();
        let fill = self.place.map(|place| {
            let sources = sources.clone();
            Fill { place, sources }
        });
        let dialect = self.admitted.dialect;
        let keeper = Keeper::of(&self.exchange, &self.admitted.request, &self.head);
        let writer = dialect.writer(&self.admitted.request, self.head);
        let forwarder = forwarder(self.admitted, self.wire);
        let delivery = stream::Delivery {
            writer,
            forwarder: forwarder.filter(|_| sources.is_empty()),
            fill,
            keeper,
        };
        let clock = self.exchange.ports.clock.clone();
        let meter = Meter::new(self.exchange, self.candidate, self.prompt_bytes);
        let chunks = stream::chunks(open, delivery, meter, clock);
        let mut reply = Reply::streamed(dialect.stream_type(), chunks);
        headers::set(&mut reply, &draft, &self.decision, &self.state);
        headers::warnings(&mut reply, &self.warnings);
        reply
    }
}

fn head(exchange: &Exchange, model: &str, sources: Vec<Source>) -> Head {
    Head {
        request: exchange.draft.request.clone(),
        created: exchange.draft.at.checked_div(1_000).unwrap_or_default(),
        operation: exchange.draft.operation.clone(),
        model: model.to_owned(),
        sources,
    }
}
