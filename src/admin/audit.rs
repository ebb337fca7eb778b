//! The audit trail.

use serde::Serialize;
use serde_json::value::RawValue;

use super::known;
use crate::error::Error;
use crate::http::Reply;
use crate::ports::{AuditFilter, Ports};

/// Records of one page where the caller names no number.
const DEFAULT_LIMIT: u32 = 50;
const LIMITS: std::ops::RangeInclusive<u32> = 1..=500;

#[derive(Serialize)]
struct Page {
    object: &'static str,
    data: Vec<Shown>,
    /// Pass as `before` for the next page; absent at the end.
    next_before: Option<u64>,
}

/// A record as it is stored, with its place in the chain.
#[derive(Serialize)]
struct Shown {
    seq: u64,
    hash: String,
    record: Box<RawValue>,
}

/// `?org=…` with `request`, `key`, `outcome`, `operation`, `before`, `limit`; newest first. What the
/// governor has recorded so far is included.
pub(super) async fn query(ports: &Ports, query: &str) -> Result<Reply, Error> {
    let filter = parse(query)?;
    let org = known(ports, &filter.org).await?;
    ports.governors.flush(&org.id).await?;
    let records = ports.audit.query(&filter).await?;
    let full = u32::try_from(records.len()).is_ok_and(|count| count >= filter.limit);
    let next_before = records.last().map(|sealed| sealed.seq).filter(|_| full);
    let shown = |sealed: crate::audit::Sealed| {
        let record = RawValue::from_string(sealed.record)
            .map_err(|error| Error::internal(format!("stored record {}: {error}", sealed.seq)))?;
        Ok(Shown {
            seq: sealed.seq,
            hash: sealed.hash,
            record,
        })
    };
    let data = records
        .into_iter()
        .map(shown)
        .collect::<Result<_, Error>>()?;
    Ok(Reply::json(
        200,
        &Page {
            object: "list",
            data,
            next_before,
        },
    ))
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
            "before" => filter.before = Some(number("before", &value)?),
            "limit" => filter.limit = number("limit", &value)?,
            other => {
                let message = "Audit records are filtered by org, request, key, outcome, operation, before and limit.";
                return Err(Error::invalid(
                    other.chars().take(50).collect::<String>(),
                    message,
                ));
            }
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

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Error> {
    value
        .parse()
        .map_err(|_| Error::invalid(name, format!("`{name}` is a whole number.")))
}
