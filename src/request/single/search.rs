//! `POST /v1/run` with the operation `search_semantic`: the passages of the org's own documents that
//! are nearest in meaning to a text.

use super::Visit;
use crate::config::{Operation, Rag};
use crate::error::Error;
use crate::governor::command::State;
use crate::http::Reply;
use crate::money::Nanos;
use crate::protocol::search::{self, SearchRequest};
use crate::protocol::{Bill, Source};
use crate::request::admit::json_body;
use crate::request::body_watch::BodyWatch;
use crate::request::copies::Copies;
use crate::request::exchange::Exchange;
use crate::request::ground::retrieve;
use crate::request::headers::{self, Decision};
use crate::request::notes::note_headers;
use crate::request::reserve::{Asking, plan_and_reserve};
use crate::request::settle::{refuse, settle, settle_failure};
use crate::request::subjects::{note_body, note_subjects};
use crate::routing::bound;

/// Passages of an operation that does not say how many.
const USUAL: Rag = Rag {
    top_k: 20,
    passages: 5,
};

/// Answers a search, of so many passages as its operation says.
pub(super) async fn search(visit: Visit<'_>, operation: &Operation) -> Reply {
    let rag = operation.rag.unwrap_or(USUAL);
    let mut exchange = match visit.begin("run").await {
        Ok(exchange) => exchange,
        Err(error) => return visit.failed(&error),
    };
    operation.name.clone_into(&mut exchange.draft.operation);
    operation.tier.as_str().clone_into(&mut exchange.draft.tier);
    exchange.draft.confidence = 100;
    let request = match admit(&mut exchange, visit, rag).await {
        Ok(request) => request,
        Err(error) => {
            refuse(exchange, &error);
            return visit.failed(&error);
        }
    };
    let copies = Copies::of(&exchange);
    let reply = answer(exchange, visit, (&request, rag)).await;
    copies.make(reply).await
}

async fn answer(
    mut exchange: Exchange,
    visit: Visit<'_>,
    (request, rag): (&SearchRequest, Rag),
) -> Reply {
    exchange.end_phase("admit");
    let planned = |exchange: &mut Exchange, _: &_, _: Option<&str>| {
        let catalogue = exchange.catalogue()?;
        Ok(bound::search(&request.query, rag, &catalogue))
    };
    let ask = |bound: &Nanos| Asking::of(*bound);
    match plan_and_reserve(&mut exchange, visit.isolate, planned, ask).await {
        Ok((_, state)) => find(exchange, visit, (request, rag), state).await,
        Err(rejected) => rejected.reply(exchange, visit.dialect),
    }
}

async fn admit(
    exchange: &mut Exchange,
    visit: Visit<'_>,
    rag: Rag,
) -> Result<SearchRequest, Error> {
    let incoming = visit.incoming;
    note_subjects(exchange, visit.isolate, incoming).await?;
    note_headers(exchange, incoming)?;
    note_body(exchange, None);
    let watch = BodyWatch::new(exchange, incoming)?;
    let request = search::parse(&json_body(&watch).await?, rag.passages)?;
    watch.note(exchange);
    Ok(request)
}

async fn find(
    mut exchange: Exchange,
    visit: Visit<'_>,
    (request, rag): (&SearchRequest, Rag),
    state: State,
) -> Reply {
    exchange.end_phase("reserve");
    let rag = Rag {
        passages: request.top_n.unwrap_or(rag.passages),
        ..rag
    };
    let found = retrieve(&mut exchange, &request.query, rag).await;
    exchange.end_phase("ground");
    match found {
        Ok(passages) => {
            let sources: Vec<Source> = passages.iter().map(Source::from).collect();
            release(exchange, request, state, &sources).await
        }
        Err(reason) => {
            let message = "The documents cannot be searched right now. Retry shortly.";
            let error = settle_failure(exchange, Error::unavailable(message, reason)).await;
            visit.failed(&error)
        }
    }
}

async fn release(
    mut exchange: Exchange,
    request: &SearchRequest,
    state: State,
    results: &[Source],
) -> Reply {
    exchange.draft.status = 200;
    exchange.draft.sources = u32::try_from(results.len()).unwrap_or(u32::MAX);
    let cost = exchange.cost();
    let embedded = exchange.draft.attempts.first().cloned().unwrap_or_default();
    let (draft, settled) = settle(exchange).await;
    let bill = Bill {
        usage: &draft.usage,
        cost,
    };
    let (id, operation) = (&draft.request, &draft.operation);
    let body = search::render(id, operation, &embedded.model, results, bill);
    let mut reply = Reply::bytes(200, "application/json", body);
    let decision = Decision {
        step: None,
        provider: embedded.provider,
        model: embedded.model,
        cost: Some(cost),
    };
    headers::set(&mut reply, &draft, &decision, &settled.unwrap_or(state));
    headers::warnings(&mut reply, &request.warnings);
    reply
}
