//! An org's configuration.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::audit::Change;
use crate::config::{self, Problem, tenant};
use crate::error::{Error, Kind};
use crate::governor::command::{Activate, Command};
use crate::http::{Incoming, Reply};
use crate::isolate::configuration;
use crate::ports::{ConfigRow, Org, Ports};
use crate::request::act::{administer, effective, note_change};
use crate::request::admit::json_body;
use crate::request::exchange::Exchange;

#[derive(Serialize)]
struct Shown {
    org: String,
    version: u64,
    created_at: u64,
    /// Since when nothing is admitted under an older version, of one that was put in force now.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<u64>,
    config: Box<RawValue>,
}

/// The newest configuration, with its version as `ETag`.
pub(super) async fn get(ports: &Ports, org: Org) -> Result<Reply, Error> {
    let row = newest(ports, &org.id).await?;
    show(org.id, row, None)
}

/// Stores a new version and puts it in force. Once this has answered, nothing is admitted under an
/// older one. `If-Match` makes it conditional on the version that was read.
pub(super) async fn put(act: &mut Exchange, incoming: &dyn Incoming) -> Result<Reply, Error> {
    let (ports, org) = (act.ports.clone(), act.org.clone());
    note_change(act, change(None));
    let body = json_body(incoming).await?;
    let document = String::from_utf8(body)
        .map_err(|_| Error::invalid("", "The configuration is not UTF-8."))?;
    let parsed = tenant::parse(&document, config::catalogue()?);
    let config = parsed.map_err(|problems| refused(&problems))?;
    check_zone(&ports, &config.rules().time_zone)?;
    let current = newest(&ports, &org).await?;
    note_change(act, change(Some(current.version)));
    if let Some(expected) = incoming.header("if-match") {
        let etag = etag(current.version);
        if expected.trim() != etag && expected.trim() != "*" {
            let message = format!(
                "The configuration is at version {etag} by now. Read it again and redo the change."
            );
            return Err(Error::new(Kind::PreconditionFailed, message));
        }
    }
    save(&ports, &org, current.version.saturating_add(1), &document).await?;
    let (row, effective_ms) = activate_newest(act, 200).await?;
    let effective_at = effective(act, effective_ms).await;
    show(org, row, Some(effective_at))
}

fn change(before: Option<u64>) -> Change {
    Change {
        object: "config".to_owned(),
        before,
        ..Change::default()
    }
}

/// Only the platform knows all time zones.
fn check_zone(ports: &Ports, zone: &str) -> Result<(), Error> {
    if ports.zones.offset(zone, ports.clock.now()).is_some() {
        return Ok(());
    }
    let message = format!("`{zone}` is no IANA time zone, like Europe/Rome.");
    Err(Error::invalid("time_zone", message))
}

/// Stores a version.
pub(super) async fn save(
    ports: &Ports,
    org: &str,
    version: u64,
    document: &str,
) -> Result<(), Error> {
    let row = ConfigRow {
        version,
        document: document.to_owned(),
        created_at: ports.clock.now(),
    };
    if ports.tenants.save_config(org, &row).await? {
        configuration::keep(ports, org, &row);
        return Ok(());
    }
    let message =
        "Somebody else changed the configuration meanwhile. Read it again and redo the change.";
    Err(Error::new(Kind::Conflict, message))
}

/// Puts the newest stored version in force with the record of the act. Gives it with the milliseconds
/// after which it alone is. Repeating it changes nothing, so that a crash between storing and this is
/// mended by the next change.
pub(super) async fn activate_newest(
    act: &mut Exchange,
    status: u16,
) -> Result<(ConfigRow, u64), Error> {
    let org = &act.org;
    let row = newest(&act.ports, org).await?;
    let restored = tenant::restore(&row.document, config::catalogue()?);
    let Some((config, _)) = restored else {
        return Err(Error::internal(format!(
            "configuration {} of org {org} cannot be read",
            row.version
        )));
    };
    let activate = Activate {
        version: row.version,
        rules: config.rules().clone(),
    };
    if let Some(change) = &mut act.draft.change {
        change.after = Some(row.version);
    }
    let effective_ms = administer(act, status, Some(Command::Activate(activate))).await?;
    Ok((row, effective_ms))
}

async fn newest(ports: &Ports, org: &str) -> Result<ConfigRow, Error> {
    let row = ports.tenants.config(org, None).await?;
    row.ok_or_else(|| {
        let message = "The org was not created completely. Repeat POST /admin/v1/orgs.";
        Error::new(Kind::NotFound, message)
    })
}

fn show(org: String, row: ConfigRow, effective_at: Option<u64>) -> Result<Reply, Error> {
    let etag = etag(row.version);
    let config = RawValue::from_string(row.document)
        .map_err(|error| Error::internal(format!("stored configuration: {error}")))?;
    let shown = Shown {
        org,
        version: row.version,
        created_at: row.created_at,
        effective_at,
        config,
    };
    let mut reply = Reply::json(200, &shown);
    reply.set("etag", etag);
    Ok(reply)
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

fn refused(problems: &[Problem]) -> Error {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.reason))
        .collect();
    let path = problems.first().map_or("", |problem| problem.path.as_str());
    Error::invalid(path, lines.join("; "))
}
