//! An org's configuration, or the deployment's: the newest version, and changes of it. Versions are rows that
//! never change; `Activate` is what puts one in force, in the org's governor or in the root, which tells the
//! others.

use serde::Serialize;
use serde_json::value::RawValue;

use super::Asked;
use super::document::{self, Sent, Told};
use super::misfits::misfits;
use super::spread::spread;
use crate::audit::Change;
use crate::config::changes::{Difference, differences, merged};
use crate::config::{self, Deployment, Problem, TenantConfig, advice, tenant};
use crate::error::{Error, Kind};
use crate::governor::command::{Activate, Command, Reply as Verdict, State};
use crate::governor::root::ROOT;
use crate::http::Reply;
use crate::isolate::configuration::{self, readable_deployment};
use crate::money::Nanos;
use crate::ports::{ConfigRow, Ports};
use crate::protocol::json::Json;
use crate::request::act::{administer, effective, note_change};
use crate::request::exchange::Exchange;

#[derive(Serialize)]
struct Shown<'a> {
    /// Absent where it is the deployment's.
    #[serde(skip_serializing_if = "str::is_empty")]
    org: &'a str,
    version: u64,
    /// The version in force; absent where the governor does not say. Another than `version` where
    /// saving that one stopped halfway: the next change, or the same again, mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<u64>,
    created_at: u64,
    author: &'a str,
    note: &'a str,
    /// Since when nothing is admitted under an older version, of one that was put in force now.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<u64>,
    config: Json,
    warnings: Vec<Told>,
}

#[derive(Serialize)]
struct Validation {
    valid: bool,
    /// The newest version, with which the changes are compared.
    version: u64,
    problems: Vec<Told>,
    warnings: Vec<Told>,
    changes: Vec<Difference>,
}

/// The newest configuration, with its version as `ETag`.
pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    let row = newest(asked.ports, asked.scope()).await?;
    show(asked, &row, None).await
}

/// Stores a new version and puts it in force. Once this has answered, nothing is admitted under an
/// older one. `If-Match` makes it conditional on the version that was read. `?note=…` says why.
pub(super) async fn put(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    note_change(act, change(None));
    let note = document::note(asked)?;
    let sent = document::read(asked.incoming).await?;
    let current = current(act).await?;
    let document = sent.json.clone();
    store(act, asked, &current, (&sent, document, note)).await
}

/// The same with the newest document changed by a merge patch (RFC 7396).
pub(super) async fn patch(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    note_change(act, change(None));
    let note = document::note(asked)?;
    let patch = document::read(asked.incoming).await?;
    let current = current(act).await?;
    let document = merged(&raw(&current.document)?, &raw(&patch.json)?);
    let document = document.map_err(|problem| document::refused(&patch.placed(vec![problem])))?;
    store(act, asked, &current, (&patch, document, note)).await
}

/// Says what is wrong with a document, what to know about it and what it would change; nothing is
/// stored. With `?merge=true` it is a merge patch of the newest one.
pub(super) async fn validate(asked: Asked<'_>) -> Result<Reply, Error> {
    let merges = document::merges(asked)?;
    let sent = document::read(asked.incoming).await?;
    let current = newest(asked.ports, asked.scope()).await?;
    let before = raw(&current.document)?;
    let document = if merges {
        merged(&before, &raw(&sent.json)?)
    } else {
        Ok(sent.json.clone())
    };
    let (document, checked) = match document {
        Ok(document) => {
            let checked = check(asked, &document).await?;
            (document, checked)
        }
        Err(problem) => (current.document.clone(), Err(vec![problem])),
    };
    let (problems, warnings) = match checked {
        Ok(config) => {
            let state = live(asked).await;
            let mut told = warnings(asked.ports, &config, state.as_ref());
            told.extend(lost_by_orgs(asked, &document).await);
            (Vec::new(), told)
        }
        Err(problems) => (sent.placed(problems), Vec::new()),
    };
    let validation = Validation {
        valid: problems.is_empty(),
        version: current.version,
        problems: problems.into_iter().map(Told::from).collect(),
        warnings,
        changes: differences(&before, &raw(&document)?),
    };
    Ok(Reply::json(200, &validation))
}

/// The newest version, noted as the one that is changed.
pub(super) async fn current(act: &mut Exchange) -> Result<ConfigRow, Error> {
    let current = newest(&act.ports, &act.org).await?;
    note_change(act, change(Some(current.version)));
    Ok(current)
}

fn change(before: Option<u64>) -> Change {
    Change {
        object: "config".to_owned(),
        before,
        ..Change::default()
    }
}

/// Stores a document after the newest and puts it in force.
async fn store(
    act: &mut Exchange,
    asked: Asked<'_>,
    current: &ConfigRow,
    (sent, document, note): (&Sent, String, String),
) -> Result<Reply, Error> {
    let refuse = |problems| document::refused(&sent.placed(problems));
    check(asked, &document).await?.map_err(refuse)?;
    if is_stopped_halfway(asked, current, &document).await? {
        return put_in_force(act, asked, current).await;
    }
    check_expected(asked, current)?;
    let next = current.version.saturating_add(1);
    let row = save(act, next, &document, note).await?;
    put_in_force(act, asked, &row).await
}

/// Whether this is the change again that stored the newest version and did not put it in force.
async fn is_stopped_halfway(
    asked: Asked<'_>,
    current: &ConfigRow,
    document: &str,
) -> Result<bool, Error> {
    let before = current.version.checked_sub(1);
    let is_same = expected(asked)?.is_some_and(|version| before == Some(version))
        && current.document == document;
    if !is_same {
        return Ok(false);
    }
    let in_force = live(asked).await.map(|state| state.versions.config);
    Ok(in_force != Some(current.version))
}

/// Puts a stored version in force and shows it.
pub(super) async fn put_in_force(
    act: &mut Exchange,
    asked: Asked<'_>,
    row: &ConfigRow,
) -> Result<Reply, Error> {
    let own_ms = activate(act, 200, row).await?;
    let spread_ms = match act.org.as_str() {
        ROOT => spread(&act.ports).await,
        _ => 0,
    };
    let effective_at = effective(act, own_ms.max(spread_ms)).await;
    show(asked, row, Some(effective_at)).await
}

/// What a document says, or what is wrong with it. One that could not be sent back is refused at once.
async fn check(
    asked: Asked<'_>,
    document: &str,
) -> Result<Result<TenantConfig, Vec<Problem>>, Error> {
    document::check_size(document)?;
    let ports = asked.ports;
    let parsed = match asked.scope() {
        ROOT => Deployment::parse(document, config::catalogue()?).map(Deployment::into_config),
        _ => tenant::parse_over(document, &readable_deployment(ports).await?),
    };
    let config = match parsed {
        Ok(config) => config,
        Err(problems) => return Ok(Err(problems)),
    };
    let mut problems = advice::lockouts(&config);
    let zone = &config.rules().time_zone;
    // Only the platform knows all time zones.
    if ports.zones.offset(zone, ports.clock.now()).is_none() {
        let reason = format!("`{zone}` is no IANA time zone, like Europe/Rome");
        problems.push(Problem {
            file: "config",
            path: "time_zone".to_owned(),
            line: None,
            reason,
        });
    }
    Ok(if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
    })
}

/// Checks that the newest version is the one that a change is conditional on.
pub(super) fn check_expected(asked: Asked<'_>, current: &ConfigRow) -> Result<(), Error> {
    match expected(asked)? {
        Some(version) if version != current.version => {
            let message = format!(
                "The configuration is at version {} by now. Read it again and redo the change.",
                etag(current.version)
            );
            Err(Error::new(Kind::PreconditionFailed, message))
        }
        _ => Ok(()),
    }
}

/// The version that a change is conditional on; none where any will do.
fn expected(asked: Asked<'_>) -> Result<Option<u64>, Error> {
    let Some(header) = asked.incoming.header("if-match") else {
        return Ok(None);
    };
    let header = header.trim();
    if header == "*" {
        return Ok(None);
    }
    // What compresses an answer on its way makes its `ETag` a weak one.
    let tag = header.strip_prefix("W/").unwrap_or(header);
    let number = tag.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let number = number.and_then(|number| number.parse().ok());
    number.map(Some).ok_or_else(|| {
        let message = "`If-Match` is the `ETag` of a version, like \"7\", or *.";
        Error::invalid("if-match", message)
    })
}

/// Stores a version.
pub(super) async fn save(
    act: &Exchange,
    version: u64,
    document: &str,
    note: String,
) -> Result<ConfigRow, Error> {
    let row = ConfigRow {
        version,
        document: document.to_owned(),
        created_at: act.ports.clock.now(),
        author: act.draft.key.clone(),
        note,
    };
    if act.ports.tenants.save_config(&act.org, &row).await? {
        configuration::keep(&act.ports, &act.org, &row);
        return Ok(row);
    }
    let message =
        "Somebody else changed the configuration meanwhile. Read it again and redo the change.";
    Err(Error::new(Kind::Conflict, message))
}

/// Puts a stored version in force with the record of the act, unless a newer one is. Gives the
/// milliseconds after which it alone is. Repeating it changes nothing.
pub(super) async fn activate(
    act: &mut Exchange,
    status: u16,
    row: &ConfigRow,
) -> Result<u64, Error> {
    let config = restored(&act.ports, &act.org, row).await?.0;
    let activate = Activate {
        version: row.version,
        rules: config.rules().clone(),
        left_out: config.left_out().clone(),
    };
    if let Some(change) = &mut act.draft.change {
        change.after = Some(row.version);
    }
    administer(act, status, Some(Command::Activate(activate))).await
}

/// A stored version as it is read under the catalogue of today, with what of it does not fit.
pub(super) async fn restored(
    ports: &Ports,
    scope: &str,
    row: &ConfigRow,
) -> Result<(TenantConfig, Vec<Problem>), Error> {
    let restored = match scope {
        ROOT => Deployment::restore(&row.document, config::catalogue()?)
            .map(|(deployment, problems)| (deployment.into_config(), problems)),
        _ => tenant::restore_over(&row.document, &readable_deployment(ports).await?),
    };
    restored.ok_or_else(|| {
        let version = row.version;
        Error::internal(format!("configuration {version} of {scope} cannot be read"))
    })
}

/// The newest version. Of the deployment the first says nothing, and is nowhere stored.
pub(super) async fn newest(ports: &Ports, scope: &str) -> Result<ConfigRow, Error> {
    let row = ports.tenants.config(scope, None).await?;
    let unwritten = || ConfigRow {
        document: tenant::DEFAULT_DOCUMENT.to_owned(),
        ..ConfigRow::default()
    };
    row.or_else(|| (scope == ROOT).then(unwritten))
        .ok_or_else(|| {
            let message = "The org was not created completely. Repeat POST /admin/v1/orgs.";
            Error::new(Kind::NotFound, message)
        })
}

/// Shows a version.
pub(super) async fn show(
    asked: Asked<'_>,
    row: &ConfigRow,
    effective_at: Option<u64>,
) -> Result<Reply, Error> {
    let state = live(asked).await;
    let mut told = Vec::new();
    if let Ok((config, problems)) = restored(asked.ports, asked.scope(), row).await {
        told.extend(problems.into_iter().map(Told::from));
        told.extend(warnings(asked.ports, &config, state.as_ref()));
    }
    if effective_at.is_some() {
        told.extend(lost_by_orgs(asked, &row.document).await);
    }
    let shown = Shown {
        org: asked.org,
        version: row.version,
        in_force: state.map(|state| state.versions.config),
        created_at: row.created_at,
        author: &row.author,
        note: &row.note,
        effective_at,
        config: Json::from(&*raw(&row.document)?),
        warnings: told,
    };
    let mut reply = Reply::json(200, &shown);
    reply.set("etag", etag(row.version));
    Ok(reply)
}

/// What the governor says of the org, where it does.
async fn live(asked: Asked<'_>) -> Option<State> {
    let inspect = Command::Inspect { most: 0 };
    match asked.ports.governors.execute(asked.scope(), inspect).await {
        Ok(Verdict::State { state }) => Some(state),
        _ => None,
    }
}

fn warnings(ports: &Ports, config: &TenantConfig, state: Option<&State>) -> Vec<Told> {
    let paid = |state: &State| state.credits.as_ref().map_or(Nanos::ZERO, |it| it.balance);
    let warnings = advice::warnings(config, state.map(paid), ports.clock.now());
    warnings.into_iter().map(Told::from).collect()
}

/// What orgs lose by a document, where it is the deployment's and they can be looked at.
async fn lost_by_orgs(asked: Asked<'_>, document: &str) -> Vec<Told> {
    if asked.scope() != ROOT {
        return Vec::new();
    }
    let found = misfits(asked.ports, document).await;
    found
        .unwrap_or_default()
        .into_iter()
        .map(Told::from)
        .collect()
}

/// A document's text as JSON.
pub(super) fn raw(document: &str) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(document.to_owned())
        .map_err(|error| Error::internal(format!("stored configuration: {error}")))
}

fn etag(version: u64) -> String {
    format!("\"{version}\"")
}
