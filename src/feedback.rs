//! `POST /v1/feedback`: what people think of the answer to a request.
//!
//! Body: `{"request": id, "thumbs"?: "up" | "down", "score"?: 0 to 100, "comment"?: text, "user"?: text}` with
//! one of the three at least; the id is that of `x-request-id` and `cf-aig-log-id`. Any key of the request's
//! org may say so. The same user saying something again takes it back.

use crate::auth::Scope;
use crate::error::{Error, Kind};
use crate::http::{Incoming, Reply};
use crate::isolate::Isolate;
use crate::ports::{AuditFilter, FeedbackRow, Ports, Thumbs};
use crate::protocol::json::{self, Path};
use crate::request::admit::{authenticate_now, json_body};
use crate::request::subjects;
use crate::request_files::arrived;

/// Characters of a comment.
const LONGEST_COMMENT: usize = 2_000;
const LONGEST_ID: usize = 64;
/// Milliseconds after which the record of a request has left its governor.
const RECENT_MS: u64 = 6 * 60 * 60 * 1_000;
/// Milliseconds by which clocks may differ.
const SKEW_MS: u64 = 60_000;
/// Users who are heard on one request.
const MOST_USERS: u32 = 100;
const FIELDS: [&str; 5] = ["request", "thumbs", "score", "comment", "user"];

/// Stores feedback.
///
/// # Errors
/// `InvalidRequest`, `NotFound` for a request that the org has no record of, `Conflict` where too many
/// were heard on it, and those of authentication and of the stores.
pub async fn feedback(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
) -> Result<Reply, Error> {
    let principal = authenticate_now(ports, isolate, incoming, Scope::Inference).await?;
    let said = parse(&json_body(incoming).await?)?;
    let row = FeedbackRow {
        user: subjects::user(incoming).unwrap_or(said.user),
        key: principal.key,
        at: ports.clock.now(),
        ..said
    };
    if !is_recorded(ports, &principal.org, &row.request).await? {
        let message = "Your org has no record of this request. Send the id of the header `x-request-id`, within 30 days.";
        return Err(Error {
            param: Some("request".to_owned()),
            ..Error::new(Kind::NotFound, message)
        });
    }
    let stored = ports.feedback.store(&principal.org, &row, MOST_USERS);
    if !stored.await? {
        let message = format!("{MOST_USERS} users have been heard on this request already.");
        return Err(Error::new(Kind::Conflict, message));
    }
    Ok(Reply::json(200, &row))
}

fn parse(body: &[u8]) -> Result<FeedbackRow, Error> {
    let document = json::document(body)?;
    let root = &Path::Root;
    if let Some((name, _)) = document.entries().find(|(name, _)| !FIELDS.contains(name)) {
        let shown: String = name.chars().take(64).collect();
        return Err(Path::Field(root, &shown).error("is unknown. Leave it out."));
    }
    let request = document.required(root, "request", "Send the request's id.", |value| {
        value.filled_string("a request's id")
    })?;
    let thumbs = document.optional(root, "thumbs", |value| {
        let thumbs = Thumbs::parse(&value.string()?);
        thumbs.ok_or_else(|| value.path.error("must be \"up\" or \"down\"."))
    })?;
    let score = document.optional(root, "score", |value| {
        let score = value.integer(&(0..=100))?;
        Ok(u8::try_from(score).unwrap_or_default())
    })?;
    let comment = document
        .optional_string(root, "comment")?
        .unwrap_or_default();
    if comment.chars().count() > LONGEST_COMMENT {
        let message = format!("has more than {LONGEST_COMMENT} characters.");
        return Err(Path::Field(root, "comment").error(&message));
    }
    if thumbs.is_none() && score.is_none() && comment.is_empty() {
        return Err(Path::Field(root, "thumbs").missing("Or send a `score` or a `comment`."));
    }
    let user = document.optional_string(root, "user")?.unwrap_or_default();
    Ok(FeedbackRow {
        request: request.chars().take(LONGEST_ID).collect(),
        user: subjects::subject(&user),
        key: String::new(),
        thumbs,
        score,
        comment,
        at: 0,
    })
}

/// Whether the record of a request may be with its governor still: not that of an id which says that it
/// is older, or says nothing.
fn is_recent(request: &str, now: u64) -> bool {
    let soon = now.saturating_add(SKEW_MS);
    let since = now.saturating_sub(RECENT_MS);
    arrived(request).is_some_and(|at| (since..=soon).contains(&at))
}

/// Whether the org has a record of a request: at rest, or with its governor still.
async fn is_recorded(ports: &Ports, org: &str, request: &str) -> Result<bool, Error> {
    let filter = AuditFilter {
        org: org.to_owned(),
        request: Some(request.to_owned()),
        limit: 1,
        ..AuditFilter::default()
    };
    if !ports.audit.query(&filter).await?.is_empty() {
        return Ok(true);
    }
    if !is_recent(request, ports.clock.now()) {
        return Ok(false);
    }
    ports.governors.flush(org).await?;
    Ok(!ports.audit.query(&filter).await?.is_empty())
}
