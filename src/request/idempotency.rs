//! `Idempotency-Key`: a request that its client names is worked on once. Whoever repeats it within a
//! day gets the answer that was kept, for free, also that of a finished stream.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>
//!
//! The governor knows digests of name and body; the answers are files. A failure frees the name. An
//! answer whose file is not there (it could not be stored, or the isolate was lost) counts as still
//! running for a minute, in which it may yet be stored, and then as never given.

use std::collections::BTreeMap;

use memchr::memmem;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::Outcome;
use crate::error::{Error, Kind};
use crate::http::{Body, Incoming, Reply};
use crate::ports::Ports;
use crate::request::exchange::Exchange;
use crate::request::header::parsed;
use crate::request::settle::settle;
use crate::request_files::ANSWERS;

/// The header of an answer that was given before.
pub const REPLAYED: &str = "idempotent-replayed";

const HEADER: &str = "idempotency-key";
const MOST_CHARACTERS: usize = 255;
/// Milliseconds for which an answer is kept, from when its request arrived.
const KEPT_MS: u64 = 86_400_000;
/// Milliseconds after its request was settled in which an answer is stored, if it ever is: work that
/// outlives an answer has 30 s.
const KEEPING_MS: u64 = 60_000;
/// What of an answer's headers is said again.
const SAID_AGAIN: [&str; 9] = [
    "cache-control",
    "cf-aig-model",
    "cf-aig-provider",
    "content-type",
    "x-ai-attempts",
    "x-ai-operation",
    "x-ai-sources",
    "x-ai-tier",
    "x-ai-warnings",
];
/// Seconds after which it is worth asking for the answer of a request that is under way.
const STILL_RUNNING_SECONDS: u64 = 2;

/// The digest of the name that a client gives its request, scoped to its API key.
///
/// # Errors
/// `InvalidRequest`.
pub fn name(incoming: &dyn Incoming, key: &str) -> Result<Option<String>, Error> {
    let expected = || format!("1 to {MOST_CHARACTERS} visible ASCII characters");
    let name = parsed(incoming, HEADER, unquoted, expected)?;
    Ok(name.map(|name| {
        let digest = Sha256::new().chain_update(key).chain_update("\n");
        hex::encode(digest.chain_update(name).finalize())
    }))
}

/// The draft has a string in quotes; most clients leave them out.
fn unquoted(text: &str) -> Option<String> {
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let name = inner.unwrap_or(text);
    let fits = (1..=MOST_CHARACTERS).contains(&name.len());
    let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    (fits && visible).then(|| name.to_owned())
}

/// The digest of what a request asks for: path, query and body. The boundary of a form, which
/// clients draw anew with each try, does not count.
#[must_use]
pub fn digest(incoming: &dyn Incoming, body: &[u8]) -> String {
    let mut digest = Sha256::new()
        .chain_update(incoming.path())
        .chain_update("\n")
        .chain_update(incoming.query())
        .chain_update("\n");
    let boundary = incoming
        .header("content-type")
        .and_then(|content_type| multer::parse_boundary(content_type).ok());
    match boundary {
        Some(boundary) => without(body, boundary.as_bytes(), |piece| digest.update(piece)),
        None => digest.update(body),
    }
    hex::encode(digest.finalize())
}

/// The pieces of `bytes` around `separator`.
fn without(bytes: &[u8], separator: &[u8], mut piece: impl FnMut(&[u8])) {
    let mut rest = bytes;
    while let Some(at) = memmem::find(rest, separator) {
        let Some((before, from)) = rest.split_at_checked(at) else {
            break;
        };
        piece(before);
        rest = from.get(separator.len()..).unwrap_or_default();
    }
    piece(rest);
}

/// What stands before the body in a kept answer's file, on a line of its own.
#[derive(Serialize, Deserialize)]
struct Head {
    status: u16,
    headers: BTreeMap<String, String>,
}

/// The head of an answer that may be kept.
#[derive(Clone, Debug)]
pub struct KeptHead(Vec<u8>);

impl KeptHead {
    /// The head of a reply.
    #[must_use]
    pub fn of(reply: &Reply) -> Self {
        let said = |name: &&str| Some(((*name).to_owned(), reply.header(name)?.to_owned()));
        let head = Head {
            status: reply.status,
            headers: SAID_AGAIN.iter().filter_map(said).collect(),
        };
        let mut line = serde_json::to_vec(&head).unwrap_or_default();
        line.push(b'\n');
        Self(line)
    }
}

/// Keeps the answer to a request. Where that fails, the operator hears of it.
pub async fn keep(ports: &Ports, (org, request): (&str, &str), head: KeptHead, body: &[u8]) {
    let KeptHead(mut bytes) = head;
    bytes.extend_from_slice(body);
    let stored = match ANSWERS.name(org, request) {
        Some(name) => ports.files.put(&name, bytes).await,
        None => Err(Error::internal(format!("{request} is no request's id"))),
    };
    if let Err(error) = stored {
        let line = format!("the answer to request {request} could not be kept: {error}");
        ports.log.error(&line);
    }
}

/// An answer that is to be given again.
pub enum Replay {
    /// This one.
    Given(Reply),
    /// It is gone, so that the request may be worked on anew.
    Lost,
}

/// A request that was answered before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its id.
    pub request: String,
    /// Milliseconds since it was answered.
    pub age_ms: u64,
}

/// The answer that was kept of an earlier request.
///
/// # Errors
/// `StillRunning` where it is not there yet, `Unavailable`.
pub async fn replay(exchange: &Exchange, earlier: &Earlier) -> Result<Replay, Error> {
    let ports = &exchange.ports;
    let kept = match ANSWERS.name(&exchange.org, &earlier.request) {
        Some(name) => ports.files.get(&name).await?,
        None => None,
    };
    if let Some(reply) = kept.and_then(restored) {
        return Ok(Replay::Given(reply));
    }
    if earlier.age_ms < KEEPING_MS {
        return Err(still_running());
    }
    Ok(Replay::Lost)
}

/// The error of a request that runs already.
#[must_use]
pub fn still_running() -> Error {
    let message =
        "A request with this `Idempotency-Key` is still running. Retry shortly for its answer.";
    Error::new(Kind::StillRunning, message).retry_after(STILL_RUNNING_SECONDS)
}

fn restored(mut bytes: Vec<u8>) -> Option<Reply> {
    let end = memchr::memchr(b'\n', &bytes)?;
    let body = bytes.split_off(end.checked_add(1)?);
    let head: Head = serde_json::from_slice(&bytes).ok()?;
    let mut reply = Reply::empty(head.status);
    for name in SAID_AGAIN {
        if let Some(value) = head.headers.get(name) {
            reply.set(name, value.clone());
        }
    }
    reply.set("x-ai-cost-usd", "0");
    reply.set(REPLAYED, "true");
    reply.body = Body::Bytes(body);
    Some(reply)
}

/// Records that a request was answered with the kept answer of `original`, without anybody waiting.
pub fn record(mut exchange: Exchange, original: &str, status: u16) {
    exchange.draft.outcome = Outcome::Replayed;
    exchange.draft.status = status;
    exchange.draft.note = format!("replays {original}");
    exchange.idempotency = None;
    exchange.transcript = None;
    let background = exchange.ports.background.clone();
    background.spawn(Box::pin(async move {
        settle(exchange).await;
    }));
}

/// Removes the org's answers whose day is over.
///
/// # Errors
/// `Unavailable`.
pub async fn purge(ports: &Ports, org: &str) -> Result<(), Error> {
    let before = ports.clock.now().saturating_sub(KEPT_MS);
    ANSWERS.purge(ports.files.as_ref(), org, before).await
}
