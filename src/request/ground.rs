//! Which of the org's documents go into the prompt: embed the question, find near passages, rank
//! them, take the best.
//!
//! Grounding that fails leaves the prompt without passages: the answer is given, the record says
//! why it is not grounded, and it is not cached.

use crate::audit::Attempt;
use crate::config::{self, Catalogue, Model, Rag};
use crate::context::{self, Keep, Ranked, Scored};
use crate::error::Error;
use crate::protocol::{Message, Source};
use crate::providers::{Failure, workers_ai};
use crate::request::admit::Admitted;
use crate::request::call;
use crate::request::exchange::Exchange;
use crate::routing::Plan;
use crate::routing::bound::{PASSAGE_BYTES, QUERY_BYTES};
use crate::usage::{Usage, estimate_tokens};

/// Milliseconds that each step of grounding may take.
const STEP_MS: u64 = 5_000;
/// Passages that the reranker gives less are about something else.
const FLOOR: f64 = 0.01;

/// A prompt, grounded or not.
pub struct Grounded {
    /// The messages as the model gets them.
    pub messages: Vec<Message>,
    /// What grounds them.
    pub sources: Vec<Source>,
}

/// Makes the prompt of a plan.
pub async fn ground(exchange: &mut Exchange, admitted: &Admitted, plan: &Plan) -> Grounded {
    let passages = match plan.rag {
        Some(rag) => retrieve(exchange, admitted, rag)
            .await
            .unwrap_or_else(|reason| {
                exchange.draft.ungrounded = Some(reason);
                Vec::new()
            }),
        None => Vec::new(),
    };
    exchange.draft.sources = u32::try_from(passages.len()).unwrap_or(u32::MAX);
    Grounded {
        messages: context::ground(&admitted.request.messages, plan.instructions, &passages),
        sources: passages.iter().map(Source::from).collect(),
    }
}

/// The passages for the last turn of the user; the error is one line for the record.
async fn retrieve(
    exchange: &mut Exchange,
    admitted: &Admitted,
    rag: Rag,
) -> Result<Vec<Ranked>, String> {
    let catalogue = config::catalogue().map_err(|error| error.to_string())?;
    let text = admitted.request.last_user_text();
    let query = head(&text, QUERY_BYTES).to_owned();
    if query.trim().is_empty() {
        return Ok(Vec::new());
    }
    let vector = embed(exchange, catalogue, &query)
        .await
        .map_err(|failure| format!("embed: {failure}"))?;
    let candidates = search(exchange, &vector, rag).await.map_err(|error| {
        exchange
            .ports
            .log
            .error(&format!("grounding failed: {error}"));
        format!("search: {:?}", error.kind)
    })?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let scores = rerank(exchange, catalogue, &query, &candidates).await;
    let scores = scores.map_err(|failure| format!("rerank: {failure}"))?;
    let passages = usize::try_from(rag.passages).unwrap_or(usize::MAX);
    let rule = Keep {
        passages,
        per_document: None,
        floor: FLOOR,
    };
    let kept = context::keep(candidates, Some(&scores), &rule);
    Ok(context::pack(kept, PASSAGE_BYTES.saturating_mul(passages)))
}

async fn embed(
    exchange: &mut Exchange,
    catalogue: &'static Catalogue,
    query: &str,
) -> Result<Vec<f32>, Failure> {
    let id = &catalogue.helpers.embed;
    let call = workers_ai::encode_embedding(id, &[query]);
    let body = helper(exchange, catalogue, "embed", id, query.len(), call).await?;
    let vectors = workers_ai::decode_embedding(&body, 1)?;
    vectors
        .into_iter()
        .next()
        .ok_or_else(|| Failure::malformed("no embedding"))
}

async fn search(exchange: &Exchange, vector: &[f32], rag: Rag) -> Result<Vec<Ranked>, Error> {
    let ports = &exchange.ports;
    let found = async {
        let matches = ports
            .vectors
            .query(&exchange.org, vector, rag.top_k)
            .await?;
        if matches.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = matches.iter().map(|near| near.id.clone()).collect();
        let rows = ports.documents.passages(&exchange.org, &ids).await?;
        Ok(context::join(&matches, rows))
    };
    let found = futures::future::select(Box::pin(found), ports.clock.sleep(STEP_MS)).await;
    match found {
        futures::future::Either::Left((outcome, _)) => outcome,
        futures::future::Either::Right(_) => Err(Error::internal("the search took too long")),
    }
}

async fn rerank(
    exchange: &mut Exchange,
    catalogue: &'static Catalogue,
    query: &str,
    candidates: &[Ranked],
) -> Result<Vec<Scored>, Failure> {
    let id = &catalogue.helpers.rerank;
    let texts: Vec<&str> = candidates
        .iter()
        .map(|ranked| ranked.passage.text.as_str())
        .collect();
    // The reranker reads the query anew with each passage.
    let bytes = texts
        .iter()
        .map(|text| text.len().saturating_add(query.len()))
        .fold(0, usize::saturating_add);
    let call = workers_ai::encode_rerank(id, query, &texts, texts.len());
    let body = helper(exchange, catalogue, "rerank", id, bytes, call).await?;
    let ranks = workers_ai::decode_rerank(&body, texts.len())?;
    Ok(ranks
        .into_iter()
        .map(|(index, score)| Scored { index, score })
        .collect())
}

/// Calls a helper model and notes the call. These models report no usage, so it is estimated; a
/// call of unknown fate is charged all the same.
async fn helper(
    exchange: &mut Exchange,
    catalogue: &'static Catalogue,
    purpose: &str,
    id: &str,
    bytes: usize,
    call: crate::ports::ModelCall,
) -> Result<Vec<u8>, Failure> {
    let clock = exchange.ports.clock.clone();
    let began = clock.now();
    let outcome = call::within(clock.as_ref(), STEP_MS, call::whole(&exchange.ports, call)).await;
    let failure = outcome.as_ref().err();
    let charged = failure.is_none_or(|failure| failure.class.cost_unknown());
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let usage = Usage {
        input_tokens: estimate_tokens(bytes),
        ..Usage::default()
    };
    let price = catalogue.model(id).and_then(Model::token_price);
    let cost = price
        .filter(|_| charged)
        .map(|price| price.cost(&usage))
        .unwrap_or_default();
    exchange.note(Attempt {
        purpose: purpose.to_owned(),
        provider: catalogue
            .model(id)
            .map_or("", |model| model.provider.as_str())
            .to_owned(),
        model: id.to_owned(),
        result: failure
            .map_or("ok", |failure| failure.class.as_str())
            .to_owned(),
        status: failure.and_then(|failure| failure.status),
        code: failure.and_then(|failure| failure.code),
        milliseconds: clock.now().saturating_sub(began),
        usage: if charged { usage } else { Usage::default() },
        cost,
        bounded: failure.is_some() && charged,
    });
    outcome
}

/// The beginning of a text, at most `bytes` long.
fn head(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or(text)
}
