//! The org's documents: stored as rows, embedded as vectors, found by `request/ground.rs`.
//!
//! Storing a document embeds it, which costs money: it is admitted, charged and recorded like any
//! other request, as the operation `ingest`.

use serde::{Deserialize, Serialize};

use crate::audit::Attempt;
use crate::auth::{Principal, Scope, is_id};
use crate::config::{self, Model};
use crate::context::chunk;
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply as Verdict};
use crate::http::{Incoming, Method, Reply};
use crate::isolate::Isolate;
use crate::money::Nanos;
use crate::ports::{Document, Passage, Ports, VectorMetadata, VectorRecord};
use crate::providers::workers_ai::{self, MAX_EMBEDDING_TEXTS};
use crate::request::admit::{authenticate, json_body};
use crate::request::call;
use crate::request::exchange::Exchange;
use crate::request::reserve::{Admission, reserve_bound};
use crate::request::settle::{refuse, settle, settle_failure};
use crate::usage::{Usage, estimate_tokens};

/// Milliseconds for one batch of embeddings.
const EMBED_MS: u64 = 30_000;
/// The longest title, address or collection name, in bytes.
const NAME_LIMIT: usize = 500;
/// The most passages of one document.
const PASSAGE_LIMIT: usize = 2_000;
/// Vectors of one deletion, by Vectorize's limit.
const DELETE_BATCH: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    id: String,
    title: String,
    text: String,
    #[serde(default = "default_collection")]
    collection: String,
    #[serde(default)]
    uri: String,
    #[serde(default)]
    language: String,
}

fn default_collection() -> String {
    "default".to_owned()
}

#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    document: &'a Document,
    passages: usize,
    cost_usd: String,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Document>,
}

/// `GET` lists the org's documents, `POST` stores one.
///
/// # Errors
/// Those of authentication, of a malformed document, of admission, and of the stores.
pub async fn documents(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    id: &str,
) -> Result<Reply, Error> {
    let arrived = ports.clock.now();
    let principal = authenticate(ports, isolate, incoming, Scope::Knowledge).await?;
    if incoming.method() == Method::Get {
        let data = ports.documents.list(&principal.org).await?;
        return Ok(Reply::json(200, &List { object: "list", data }));
    }
    let mut exchange = Exchange::begin(ports, id, arrived, &principal);
    "knowledge.documents".clone_into(&mut exchange.draft.endpoint);
    "ingest".clone_into(&mut exchange.draft.operation);
    "embed".clone_into(&mut exchange.draft.tier);
    match read(ports, incoming).await {
        Ok((document, texts)) => store(exchange, isolate, document, texts).await,
        Err(error) => {
            refuse(exchange, &error);
            Err(error)
        }
    }
}

/// Removes a document and what was made of it.
///
/// # Errors
/// `NotFound`, and those of authentication and of the stores.
pub async fn remove(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    document: &str,
) -> Result<Reply, Error> {
    let Principal { org, .. } = authenticate(ports, isolate, incoming, Scope::Knowledge).await?;
    let passages = ports.documents.remove(&org, document).await?;
    // Without its row a vector is never used, so the rows go first. Also where there are none (any
    // more): an earlier removal may have failed here, and its repetition must end what it began.
    change_corpus(ports, &org).await?;
    if passages.is_empty() {
        return Err(Error::new(Kind::NotFound, "There is no document of this id."));
    }
    delete_vectors(ports, &passages).await?;
    Ok(Reply::empty(204))
}

/// Reads and checks an upload, and cuts its text into passages.
async fn read(ports: &Ports, incoming: &dyn Incoming) -> Result<(Document, Vec<String>), Error> {
    let body = json_body(incoming).await?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let upload: Upload = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        Error::invalid(error.path().to_string(), format!("The document is malformed: {}.", error.inner()))
    })?;
    if !is_id(&upload.id) {
        return Err(Error::invalid("id", "An id has 1 to 40 lower-case letters, digits and hyphens."));
    }
    let short = [
        ("title", &upload.title),
        ("collection", &upload.collection),
        ("uri", &upload.uri),
        ("language", &upload.language),
    ];
    for (name, value) in short {
        if value.len() > NAME_LIMIT || value.contains('\0') {
            let message = format!("`{name}` has at most {NAME_LIMIT} bytes and no NUL.");
            return Err(Error::invalid(name, message));
        }
    }
    if upload.title.trim().is_empty() {
        return Err(Error::invalid("title", "A document needs a title: it is shown with its passages."));
    }
    if upload.text.contains('\0') {
        return Err(Error::invalid("text", "The text contains NUL characters."));
    }
    let texts = chunk(&upload.text);
    if texts.is_empty() {
        return Err(Error::invalid("text", "The text is empty."));
    }
    if texts.len() > PASSAGE_LIMIT {
        let message = format!("The text makes {} passages; the most is {PASSAGE_LIMIT}. Split it.", texts.len());
        return Err(Error::invalid("text", message));
    }
    let document = Document {
        id: upload.id,
        collection: upload.collection,
        title: upload.title,
        uri: upload.uri,
        language: upload.language,
        created_at: ports.clock.now(),
    };
    Ok((document, texts))
}

async fn store(
    mut exchange: Exchange,
    isolate: &Isolate,
    document: Document,
    texts: Vec<String>,
) -> Result<Reply, Error> {
    let embedded: Vec<String> = texts.iter().map(|text| format!("{}\n{text}", document.title)).collect();
    let bytes = embedded.iter().map(String::len).fold(0, usize::saturating_add);
    let bound = embedding_cost(u64::try_from(bytes).unwrap_or(u64::MAX))?;
    admit_ingest(&mut exchange, isolate, bound).await?;
    match ingest(&mut exchange, &document, &texts, &embedded).await {
        Ok(()) => {
            exchange.draft.status = 201;
            let cost_usd = exchange.cost().to_usd();
            settle(exchange).await?;
            let stored = Stored { document: &document, passages: texts.len(), cost_usd };
            Ok(Reply::json(201, &stored))
        }
        Err(error) => Err(settle_failure(exchange, error).await),
    }
}

async fn admit_ingest(exchange: &mut Exchange, isolate: &Isolate, bound: Nanos) -> Result<(), Error> {
    let ports = exchange.ports.clone();
    let mut view = isolate.org(&ports, &exchange.org).await?;
    // The embedding depends on no configuration, so one correction is enough unless somebody is
    // changing the org at this moment.
    for _ in 0..crate::request::MOST_PLANS {
        exchange.draft.versions = view.versions;
        match reserve_bound(exchange, bound).await? {
            Admission::Granted(_) => return Ok(()),
            Admission::Refused(error, _) => return Err(error),
            Admission::Stale(versions) => {
                view = isolate.refresh(&ports, &exchange.org, versions).await?;
            }
        }
    }
    Err(Error::unavailable("The org is changing right now. Retry shortly.", "every plan was stale"))
}

/// Embeds and stores. Vectors go first: a vector without its row is never used.
async fn ingest(
    exchange: &mut Exchange,
    document: &Document,
    texts: &[String],
    embedded: &[String],
) -> Result<(), Error> {
    let passages = passages(&exchange.org, document, texts);
    for (passages, texts) in passages.chunks(MAX_EMBEDDING_TEXTS).zip(embedded.chunks(MAX_EMBEDDING_TEXTS)) {
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
    let replaced = ports.documents.store(&exchange.org, document, &passages).await?;
    change_corpus(&ports, &exchange.org).await?;
    delete_vectors(&ports, &replaced).await
}

/// The passages of a document. Their ids are digests over org, document and position: unique in the
/// deployment, and short enough for Vectorize's 64 bytes.
fn passages(org: &str, document: &Document, texts: &[String]) -> Vec<Passage> {
    let passage = |(ordinal, text): (u32, &String)| {
        let digest = crate::auth::digest(&format!("{org}/{}/{ordinal}", document.id));
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
    let catalogue = config::catalogue()?;
    let id = &catalogue.helpers.embed;
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let call = workers_ai::encode_embedding(id, &borrowed);
    let ports = exchange.ports.clone();
    let began = ports.clock.now();
    let answered = call::within(ports.clock.as_ref(), EMBED_MS, call::whole(&ports, call)).await;
    let vectors = answered.and_then(|body| workers_ai::decode_embedding(&body, texts.len()));
    let bytes = texts.iter().map(String::len).fold(0, usize::saturating_add);
    let usage = Usage {
        input_tokens: estimate_tokens(u64::try_from(bytes).unwrap_or(u64::MAX)),
        ..Usage::default()
    };
    let failure = vectors.as_ref().err();
    let charged = failure.is_none_or(|failure| failure.class.cost_unknown());
    exchange.note(Attempt {
        purpose: "embed".to_owned(),
        provider: catalogue.model(id).map_or("", |model| model.provider.as_str()).to_owned(),
        model: id.clone(),
        result: failure.map_or("ok", |failure| failure.class.as_str()).to_owned(),
        status: failure.and_then(|failure| failure.status),
        code: failure.and_then(|failure| failure.code),
        milliseconds: ports.clock.now().saturating_sub(began),
        usage: if charged { usage } else { Usage::default() },
        cost: if charged { cost_of(usage)? } else { Nanos::ZERO },
        bounded: failure.is_some() && charged,
    });
    vectors.map_err(|failure| {
        let message = format!("The document could not be embedded ({}). Retry later.", failure.class.as_str());
        Error::new(Kind::UpstreamFailed, message).with_detail(failure.to_string())
    })
}

/// What embedding `bytes` bytes may cost at most: a token has at least one byte.
fn embedding_cost(bytes: u64) -> Result<Nanos, Error> {
    cost_of(Usage { input_tokens: bytes, ..Usage::default() })
}

fn cost_of(usage: Usage) -> Result<Nanos, Error> {
    let catalogue = config::catalogue()?;
    let price = catalogue.model(&catalogue.helpers.embed).and_then(Model::token_price);
    let price = price.ok_or_else(|| Error::internal("the embedding model has no price per token"))?;
    Ok(price.cost(&usage))
}

/// From now on no answer of the old corpus is served.
async fn change_corpus(ports: &Ports, org: &str) -> Result<(), Error> {
    let id = hex::encode(ports.entropy.bytes()?);
    match ports.governors.execute(org, Command::ChangeCorpus { id }).await? {
        Verdict::Done { .. } => Ok(()),
        verdict => Err(Error::internal(format!("the change of corpus was answered {verdict:?}"))),
    }
}

async fn delete_vectors(ports: &Ports, ids: &[String]) -> Result<(), Error> {
    for batch in ids.chunks(DELETE_BATCH) {
        ports.vectors.delete(batch).await?;
    }
    Ok(())
}
