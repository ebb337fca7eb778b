//! Which of the org's documents go into the prompt: embed the question, find near passages, rank
//! them, take the best.
//!
//! Grounding that fails leaves the prompt without passages: the answer is given, the record says
//! why it is not grounded, and it is not cached.

use futures::future::{Either, select};

use crate::config::{Catalogue, Rag};
use crate::context::trim::{Room, Trimmed, trim};
use crate::context::{self, Keep, Ranked, Scored};
use crate::error::{Error, Kind};
use crate::protocol::{Field, Message, Source, Warning};
use crate::providers::Failure;
use crate::providers::workers_ai::{self, Overlong};
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::request::helper::{Helper, help, unless_open};
use crate::routing::bound::{PASSAGE_BYTES, QUERY_BYTES};
use crate::routing::health::Part;
use crate::routing::{Plan, handling};

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
    /// What was left out, as the caller is told.
    pub warnings: Vec<Warning>,
}

/// Makes the prompt of a plan.
///
/// # Errors
/// `InvalidRequest` where it is too long, whatever may be left out of it is.
pub async fn ground(
    exchange: &mut Exchange,
    admitted: &Admitted,
    plan: &Plan,
) -> Result<Grounded, Error> {
    let passages = match plan.rag {
        Some(rag) => retrieve(exchange, &admitted.request.last_user_text(), rag)
            .await
            .unwrap_or_else(|reason| {
                exchange.draft.ungrounded = Some(reason);
                Vec::new()
            }),
        None => Vec::new(),
    };
    let Some(tokens) = plan.input_tokens else {
        let messages = &admitted.request.messages;
        return Ok(grounded(exchange, plan, messages, &passages));
    };
    let request = &admitted.request;
    let room = Room {
        tokens,
        fixed: plan.fixed_tokens(request),
        order: &plan.operation.trim,
    };
    let trimmed = trim(&request.messages, passages, room)
        .map_err(|long| handling::too_long(&plan.operation.name, tokens, long.tokens))?;
    let warnings = told(exchange, admitted, &trimmed, tokens);
    Ok(Grounded {
        warnings,
        ..grounded(exchange, plan, &trimmed.messages, &trimmed.passages)
    })
}

fn grounded(
    exchange: &mut Exchange,
    plan: &Plan,
    messages: &[Message],
    passages: &[Ranked],
) -> Grounded {
    exchange.draft.sources = u32::try_from(passages.len()).unwrap_or(u32::MAX);
    Grounded {
        messages: context::ground(messages, plan.prompt(), passages),
        sources: passages.iter().map(Source::from).collect(),
        warnings: Vec::new(),
    }
}

/// What was left out, in the record and for the caller.
fn told(
    exchange: &mut Exchange,
    admitted: &Admitted,
    trimmed: &Trimmed,
    tokens: u64,
) -> Vec<Warning> {
    let counts = [
        (trimmed.turns, "oldest turns", "messages"),
        (trimmed.worst, "worst passages", "passages"),
    ];
    let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
    let warnings = counts.map(|(count, what, field)| {
        let policy = format!("left out: {count} {what}");
        exchange.draft.policy.push(policy);
        let reason =
            format!("the {count} {what} were left out: the prompt may have {tokens} tokens");
        let field = admitted.dialect.name(&Field::from(field));
        Warning::new(field.as_str(), reason)
    });
    warnings.collect()
}

/// The org's passages for a text, best first.
///
/// # Errors
/// One line for the record.
pub async fn retrieve(
    exchange: &mut Exchange,
    text: &str,
    rag: Rag,
) -> Result<Vec<Ranked>, String> {
    let catalogue = exchange.catalogue().map_err(|error| error.to_string())?;
    let query = head(text, QUERY_BYTES).to_owned();
    if query.trim().is_empty() {
        return Ok(Vec::new());
    }
    let vector = embed(exchange, &catalogue, &query)
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
    let scores = rerank(exchange, &catalogue, &query, &candidates).await;
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
    catalogue: &Catalogue,
    query: &str,
) -> Result<Vec<f32>, Failure> {
    let model = &catalogue.helpers.embed;
    let helper = Helper {
        part: Part::Embed,
        model,
        bytes: query.len(),
        answer_tokens: 0,
        milliseconds: STEP_MS,
        call: workers_ai::encode_embedding(model, &[query], Overlong::Cut),
    };
    let decode = |body: &[u8]| workers_ai::decode_embedding(body, 1);
    let vectors = help(exchange, helper, decode).await?;
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
    let in_time = async {
        match select(Box::pin(found), ports.clock.sleep(STEP_MS)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(Error::internal("the search took too long")),
        }
    };
    unless_open(
        exchange,
        (Part::Search, ""),
        in_time,
        |_| true,
        circuit_open,
    )
    .await
}

fn circuit_open() -> Error {
    let message = "The documents cannot be searched right now.";
    Error::new(Kind::CircuitOpen, message)
}

async fn rerank(
    exchange: &mut Exchange,
    catalogue: &Catalogue,
    query: &str,
    candidates: &[Ranked],
) -> Result<Vec<Scored>, Failure> {
    let model = &catalogue.helpers.rerank;
    let texts: Vec<&str> = candidates
        .iter()
        .map(|ranked| ranked.passage.text.as_str())
        .collect();
    // The reranker reads the query anew with each passage.
    let sizes = texts
        .iter()
        .map(|text| text.len().saturating_add(query.len()));
    let helper = Helper {
        part: Part::Rerank,
        model,
        bytes: sizes.fold(0, usize::saturating_add),
        answer_tokens: 0,
        milliseconds: STEP_MS,
        call: workers_ai::encode_rerank(model, query, &texts, texts.len()),
    };
    let decode = |body: &[u8]| workers_ai::decode_rerank(body, texts.len());
    let ranks = help(exchange, helper, decode).await?;
    let scored = |(index, score)| Scored { index, score };
    Ok(ranks.into_iter().map(scored).collect())
}

/// The beginning of a text, at most `bytes` long.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or(text)
}
