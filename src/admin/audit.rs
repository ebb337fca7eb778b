//! The audit trail: pages of records, all of them as a stream, and whether they are as recorded.

mod interval;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Asked;
use super::page::{parameters, unknown};
use crate::audit::inspect::{self, inspect};
use crate::audit::search::search;
use crate::audit::{Change, Person, Sealed, export as exported, line};
use crate::error::Error;
use crate::governor::command::Command;
use crate::governor::root::ROOT;
use crate::http::Reply;
use crate::ports::{AuditFilter, Ports};
use crate::request::act::{administer, note_change};
use crate::request::exchange::Exchange;
use crate::request_files::{ANSWERS, TRANSCRIPTS};

/// Records of one page where the caller names no number.
const DEFAULT_LIMIT: u32 = 50;
/// What records are filtered by.
const FILTERS: [&str; 10] = [
    "org",
    "request",
    "key",
    "outcome",
    "operation",
    "user",
    "object",
    "changes",
    "before",
    "limit",
];
const LIMITS: std::ops::RangeInclusive<u32> = 1..=500;

/// Requests whose files are removed at once: two files each, of 1,000 that one deletion may name.
const FILES_AT_ONCE: u32 = 500;

#[derive(Serialize)]
struct Page {
    object: &'static str,
    data: Vec<Shown>,
    /// Pass as `before` for the next page; absent at the end. A page may have fewer records than were
    /// asked for, or none, and yet a next one: the archive is searched some files at a time.
    next_before: Option<u64>,
    /// Files of the archive that cannot be read: their records are missing here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Unreadable {
    first: u64,
    last: u64,
}

/// A record as it is stored, with its place in the chain, and who is behind it.
#[derive(Serialize)]
struct Shown {
    seq: u64,
    hash: String,
    record: Box<RawValue>,
    /// Beside the record, and absent once it was erased.
    #[serde(skip_serializing_if = "Person::is_empty")]
    person: Person,
}

#[derive(Serialize)]
struct Erasure {
    object: &'static str,
    org: String,
    /// Of how many requests nobody knows any more who asked.
    erased_requests: u64,
}

/// `?org=…` with `request`, `key`, `outcome`, `operation`, `user`, `object`, `changes`, `before`, `limit`;
/// newest first, on into the archive. What the governor has recorded so far is included.
pub(super) async fn query(asked: Asked<'_>) -> Result<Reply, Error> {
    let (ports, filter) = (asked.ports, parse(asked.incoming.query())?);
    check_trail(asked, &filter.org).await?;
    ports.governors.flush(&filter.org).await?;
    let found = search(ports, &filter).await?;
    let shown = |(sealed, person): (Sealed, Person)| {
        Ok(Shown {
            seq: sealed.seq,
            record: line::embedded(&sealed.record)?,
            hash: sealed.hash,
            person,
        })
    };
    let data = found.records.into_iter().map(shown);
    let unreadable = found.unreadable.iter().map(|span| Unreadable {
        first: span.first,
        last: span.last,
    });
    let page = Page {
        object: "list",
        data: data.collect::<Result<_, Error>>()?,
        next_before: found.next_before,
        unreadable: unreadable.collect(),
    };
    Ok(Reply::json(200, &page))
}

/// `?org=…`, and `after` where an earlier call stopped.
pub(super) async fn verify(asked: Asked<'_>) -> Result<Reply, Error> {
    let [org, after] = parameters(asked.incoming.query(), ["org", "after"])?;
    let malformed = || {
        Error::invalid(
            "after",
            "`after` is what the call before gave as `next_after`.",
        )
    };
    let start = after
        .map(|text| inspect::parse_start(&text).ok_or_else(malformed))
        .transpose()?;
    let org = named(asked, org).await?;
    let report = inspect(asked.ports, &org, start).await?;
    Ok(Reply::json(200, &report))
}

/// `?org=…` with `from` and `to`: what was recorded from then on, and before then. Streamed.
pub(super) async fn export(asked: Asked<'_>) -> Result<Reply, Error> {
    let [org, from, to] = parameters(asked.incoming.query(), ["org", "from", "to"])?;
    let interval = interval::parse(from.as_deref(), to.as_deref())?;
    let org = named(asked, org).await?;
    let lines = exported::export(asked.ports, &org, interval).await?;
    Ok(Reply::relayed("application/x-ndjson", lines))
}

/// Forgets who an end user was.
pub(super) async fn erase(act: &mut Exchange, user: &str) -> Result<Reply, Error> {
    let change = Change {
        object: "user".to_owned(),
        ..Change::default()
    };
    note_change(act, change);
    // First, so that what is under way brings no name after this.
    let forget = Command::Forget {
        id: act.draft.request.clone(),
        user: user.to_owned(),
    };
    administer(act, 200, Some(forget)).await?;
    // What is still in the outbox would come after.
    act.ports.governors.purge(&act.org).await?;
    erase_files(&act.ports, &act.org, user).await?;
    // Before it is forgotten which requests are the user's.
    act.ports.feedback.erase(&act.org, user).await?;
    let erased = act.ports.audit.erase(&act.org, user).await?;
    Ok(Reply::json(
        200,
        &Erasure {
            object: "audit.erasure",
            org: act.org.clone(),
            erased_requests: erased,
        },
    ))
}

/// Removes what is stored of the texts of a user's requests: first, since who asked tells which.
async fn erase_files(ports: &Ports, org: &str, user: &str) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let requests = ports.audit.requests_of(org, user, &after, FILES_AT_ONCE);
        let requests = requests.await?;
        let Some(last) = requests.last() else {
            return Ok(());
        };
        after.clone_from(last);
        let names = requests.iter().flat_map(|request| {
            let folders = [ANSWERS, TRANSCRIPTS];
            folders.map(|folder| folder.name(org, request))
        });
        let names: Vec<String> = names.flatten().collect();
        ports.files.delete(&names).await?;
    }
}

/// Whose trail a query names.
async fn named(asked: Asked<'_>, org: Option<String>) -> Result<String, Error> {
    let unnamed = || Error::invalid("org", "Say whose records: `?org=…`.");
    let org = org.ok_or_else(unnamed)?;
    check_trail(asked, &org).await?;
    Ok(org)
}

/// Checks that there is such a trail: an org's, or the deployment's own.
async fn check_trail(asked: Asked<'_>, org: &str) -> Result<(), Error> {
    match org {
        ROOT => asked.actor.permit_deployment(),
        _ => asked.known(org).await.map(drop),
    }
}

fn parse(query: &str) -> Result<AuditFilter, Error> {
    let mut filter = AuditFilter {
        limit: DEFAULT_LIMIT,
        ..AuditFilter::default()
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "org" => filter.org = value,
            "request" => filter.request = Some(value),
            "key" => filter.key = Some(value),
            "outcome" => filter.outcome = Some(value),
            "operation" => filter.operation = Some(value),
            "user" => filter.user = Some(value),
            "object" => filter.object = Some(value),
            "changes" => filter.changes = Some(flag("changes", &value)?),
            "before" => filter.before = Some(number("before", &value)?),
            "limit" => filter.limit = number("limit", &value)?,
            other => return Err(unknown(other, &FILTERS)),
        }
    }
    if filter.org.is_empty() {
        return Err(Error::invalid("org", "Say whose records: `?org=…`."));
    }
    if !LIMITS.contains(&filter.limit) {
        return Err(Error::invalid("limit", "`limit` is 1 to 500."));
    }
    Ok(filter)
}

fn flag(name: &str, value: &str) -> Result<bool, Error> {
    value
        .parse()
        .map_err(|_| Error::invalid(name, format!("`{name}` is `true` or `false`.")))
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Error> {
    value
        .parse()
        .map_err(|_| Error::invalid(name, format!("`{name}` is a whole number.")))
}
