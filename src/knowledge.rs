//! The org's documents: stored as rows, embedded as vectors, found by `request/ground.rs`.
//!
//! Storing a document embeds it, which costs money: it is admitted, charged and recorded like any
//! other request, as the operation `ingest`.

mod ingest;

use serde::{Deserialize, Serialize};

use crate::audit::Change;
use crate::auth::{Scope, is_id};
use crate::context::chunk;
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply as Verdict};
use crate::http::{Incoming, Method, Reply};
use crate::isolate::Isolate;
use crate::ports::{Document, Ports};
use crate::request::act::{self, administer, effective, note_change};
use crate::request::admit::{authenticate_now, json_body};
use crate::request::exchange::Exchange;
use crate::request::settle::refuse;
use crate::request::subjects::note_subjects;
use crate::request::works;

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
    let principal = authenticate_now(ports, isolate, incoming, Scope::Knowledge).await?;
    if incoming.method() == Method::Get {
        let data = ports.documents.list(&principal.org).await?;
        return Ok(Reply::json(
            200,
            &List {
                object: "list",
                data,
            },
        ));
    }
    let mut exchange = Exchange::begin(ports, id, arrived, &principal);
    note_subjects(&mut exchange, isolate, incoming).await?;
    "knowledge.documents".clone_into(&mut exchange.draft.endpoint);
    works::INGEST.clone_into(&mut exchange.draft.operation);
    "embed".clone_into(&mut exchange.draft.tier);
    match read(ports, incoming).await {
        Ok((document, texts)) => {
            note_change(&mut exchange, change(&document.id));
            ingest::store(exchange, isolate, document, texts).await
        }
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
    (document, id): (&str, &str),
) -> Result<Reply, Error> {
    let principal = authenticate_now(ports, isolate, incoming, Scope::Knowledge).await?;
    let mut act = act::begin(ports, incoming, (&principal, id), "document.remove");
    "knowledge.documents".clone_into(&mut act.draft.endpoint);
    let removed = take_out(&mut act, document).await;
    act::end(act, removed)
}

async fn take_out(act: &mut Exchange, document: &str) -> Result<Reply, Error> {
    let (ports, org) = (act.ports.clone(), act.org.clone());
    if is_id(document) {
        note_change(act, change(document));
    }
    if ports.documents.document(&org, document).await?.is_none() {
        // An earlier removal may have stopped after the rows.
        change_corpus(&ports, &org).await?;
        let message = "There is no document of this id.";
        return Err(Error::new(Kind::NotFound, message));
    }
    let id = act.draft.request.clone();
    administer(act, 204, Some(Command::ChangeCorpus { id })).await?;
    let passages = ports.documents.remove(&org, document).await?;
    // Without its row a vector is never used, so the rows go first.
    let effective_ms = change_corpus(&ports, &org).await?;
    delete_vectors(&ports, &passages).await?;
    effective(act, effective_ms).await;
    Ok(Reply::empty(204))
}

fn change(document: &str) -> Change {
    Change {
        object: format!("document/{document}"),
        ..Change::default()
    }
}

/// Reads and checks an upload, and cuts its text into passages.
async fn read(ports: &Ports, incoming: &dyn Incoming) -> Result<(Document, Vec<String>), Error> {
    let body = json_body(incoming).await?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let upload: Upload = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        Error::invalid(
            error.path().to_string(),
            format!("The document is malformed: {}.", error.inner()),
        )
    })?;
    if !is_id(&upload.id) {
        return Err(Error::invalid(
            "id",
            "An id has 1 to 40 lower-case letters, digits and hyphens.",
        ));
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
        return Err(Error::invalid(
            "title",
            "A document needs a title: it is shown with its passages.",
        ));
    }
    if upload.text.contains('\0') {
        return Err(Error::invalid("text", "The text contains NUL characters."));
    }
    let texts = chunk(&upload.text);
    if texts.is_empty() {
        return Err(Error::invalid("text", "The text is empty."));
    }
    if texts.len() > PASSAGE_LIMIT {
        let message = format!(
            "The text makes {} passages; the most is {PASSAGE_LIMIT}. Split it.",
            texts.len()
        );
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

/// From now on no answer of the old corpus is served.
///
/// Every change of documents is announced before it, so that a failure in its middle leaves no
/// cached answer behind, and after it, so that no answer of its middle is served again. Gives the
/// milliseconds after which that is so: isolates may admit from leases until then.
async fn change_corpus(ports: &Ports, org: &str) -> Result<u64, Error> {
    let id = hex::encode(ports.entropy.bytes()?);
    match ports
        .governors
        .execute(org, Command::ChangeCorpus { id })
        .await?
    {
        Verdict::Done { effective_ms, .. } => Ok(effective_ms),
        verdict => Err(Error::internal(format!(
            "the change of corpus was answered {verdict:?}"
        ))),
    }
}

async fn delete_vectors(ports: &Ports, ids: &[String]) -> Result<(), Error> {
    for batch in ids.chunks(DELETE_BATCH) {
        ports.vectors.delete(batch).await?;
    }
    Ok(())
}
