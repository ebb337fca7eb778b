//! A document on its way in: admitted, embedded, stored, charged and recorded.

use super::{Stored, change_corpus, delete_vectors};
use crate::config;
use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::isolate::{Isolate, OrgView};
use crate::money::Nanos;
use crate::ports::{Document, Passage, VectorMetadata, VectorRecord};
use crate::providers::FailureClass;
use crate::providers::workers_ai::{self, MAX_EMBEDDING_TEXTS, Overlong};
use crate::request::act::effective;
use crate::request::exchange::Exchange;
use crate::request::helper::{Helper, help};
use crate::request::reserve::{Asking, plan_and_reserve};
use crate::request::settle::{settle, settle_failure};
use crate::routing::health::Part;
use crate::usage::Usage;

/// Milliseconds for one batch of embeddings.
const EMBED_MS: u64 = 30_000;

pub(super) async fn store(
    mut exchange: Exchange,
    isolate: &Isolate,
    document: Document,
    texts: Vec<String>,
) -> Result<Reply, Error> {
    let embedded: Vec<String> = texts
        .iter()
        .map(|text| format!("{}\n{text}", document.title))
        .collect();
    let bytes = embedded
        .iter()
        .map(String::len)
        .fold(0, usize::saturating_add);
    let plan = |_: &mut Exchange, _: &OrgView, _: Option<&str>| bound(bytes);
    let admission =
        plan_and_reserve(&mut exchange, isolate, plan, |bound| Asking::of(*bound)).await;
    if let Err(rejected) = admission {
        return Err(rejected.record(exchange).0);
    }
    match ingest(&mut exchange, &document, &texts, &embedded).await {
        Ok(()) => {
            exchange.draft.status = 201;
            let cost_usd = exchange.cost().to_usd();
            settle(exchange).await;
            let stored = Stored {
                document: &document,
                passages: texts.len(),
                cost_usd,
            };
            Ok(Reply::json(201, &stored))
        }
        Err(error) => Err(settle_failure(exchange, error).await),
    }
}

/// Embeds and stores. Vectors go first: a vector without its row is never used.
async fn ingest(
    exchange: &mut Exchange,
    document: &Document,
    texts: &[String],
    embedded: &[String],
) -> Result<(), Error> {
    let passages = passages(&exchange.org, document, texts);
    for (passages, texts) in passages
        .chunks(MAX_EMBEDDING_TEXTS)
        .zip(embedded.chunks(MAX_EMBEDDING_TEXTS))
    {
        let vectors = embed(exchange, texts).await?;
        let records: Vec<VectorRecord> = passages
            .iter()
            .zip(vectors)
            .map(|(passage, values)| VectorRecord {
                id: passage.id.clone(),
                namespace: exchange.org.clone(),
                values,
                metadata: VectorMetadata {
                    collection: document.collection.clone(),
                    document: document.id.clone(),
                },
            })
            .collect();
        exchange.ports.vectors.upsert(&records).await?;
    }
    let ports = exchange.ports.clone();
    change_corpus(&ports, &exchange.org).await?;
    let replaced = ports
        .documents
        .store(&exchange.org, document, &passages)
        .await?;
    let effective_ms = change_corpus(&ports, &exchange.org).await?;
    delete_vectors(&ports, &replaced).await?;
    effective(exchange, effective_ms).await;
    Ok(())
}

/// The passages of a document. Their ids are digests over org, document, position and text, so that
/// a vector always belongs to the text of its row, also while a document is being replaced; unique
/// in the deployment, and short enough for Vectorize's 64 bytes.
fn passages(org: &str, document: &Document, texts: &[String]) -> Vec<Passage> {
    let passage = |(ordinal, text): (u32, &String)| {
        let digest = crate::auth::digest(&format!("{org}/{}/{ordinal}/{text}", document.id));
        Passage {
            id: digest.chars().take(40).collect(),
            document: document.id.clone(),
            title: document.title.clone(),
            uri: document.uri.clone(),
            ordinal,
            text: text.clone(),
        }
    };
    (0_u32..).zip(texts).map(passage).collect()
}

async fn embed(exchange: &mut Exchange, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
    let model = &config::catalogue()?.helpers.embed;
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let helper = Helper {
        part: Part::Embed,
        model,
        bytes: texts.iter().map(String::len).fold(0, usize::saturating_add),
        answer_tokens: 0,
        milliseconds: EMBED_MS,
        call: workers_ai::encode_embedding(model, &borrowed, Overlong::Cut),
    };
    let decode = |body: &[u8]| workers_ai::decode_embedding(body, texts.len());
    help(exchange, helper, decode).await.map_err(|failure| {
        let class = failure.class.as_str();
        let message = format!("The document could not be embedded ({class}). Retry later.");
        let kind = match failure.class {
            FailureClass::SwitchedOff => Kind::KillSwitch,
            _ => Kind::UpstreamFailed,
        };
        Error::new(kind, message).with_detail(failure.to_string())
    })
}

/// What embedding `bytes` bytes may cost at most: a token has at least one byte.
fn bound(bytes: usize) -> Result<Nanos, Error> {
    let catalogue = config::catalogue()?;
    let price = catalogue
        .model(&catalogue.helpers.embed)
        .and_then(|model| model.token_price());
    let price =
        price.ok_or_else(|| Error::internal("the embedding model has no price per token"))?;
    let input_tokens = u64::try_from(bytes).unwrap_or(u64::MAX);
    Ok(price.cost(&Usage {
        input_tokens,
        ..Usage::default()
    }))
}
