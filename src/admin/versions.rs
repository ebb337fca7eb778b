//! The versions of a configuration, an org's or the deployment's: which there are, what differs between them, and the way
//! back to one.

use serde::{Deserialize, Serialize};

use super::Asked;
use super::config::{check_expected, current, newest, put_in_force, raw, restored, save, show};
use super::document::checked_note;
use super::page::{page, paged, parameters};
use crate::config::changes::{Difference, differences};
use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::isolate::configuration::is_unreadable;
use crate::ports::ConfigRow;
use crate::request::exchange::Exchange;

#[derive(Serialize)]
struct Compared {
    from: u64,
    to: u64,
    changes: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rollback {
    to: u64,
    #[serde(default)]
    note: String,
}

/// All versions without their documents, newest first.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, []) = page(asked.incoming.query(), [])?;
    let before = page.after.as_deref().map(number).transpose()?;
    let administration = &asked.ports.administration;
    let versions = administration.config_versions(asked.scope(), before, page.limit);
    Ok(paged(versions.await?, &page, |note| {
        note.version.to_string()
    }))
}

pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    let row = stored(asked, number(asked.name)?).await?;
    show(asked, &row, None).await
}

/// `?to=…`: what became different from the version of the path to that one; the newest where none is
/// named.
pub(super) async fn diff(asked: Asked<'_>) -> Result<Reply, Error> {
    let [to] = parameters(asked.incoming.query(), ["to"])?;
    let from = stored(asked, number(asked.name)?).await?;
    let to = match to {
        Some(to) => stored(asked, number(&to)?).await?,
        None => newest(asked.ports, asked.scope()).await?,
    };
    let compared = Compared {
        from: from.version,
        to: to.version,
        changes: differences(&raw(&from.document)?, &raw(&to.document)?),
    };
    Ok(Reply::json(200, &compared))
}

/// Stores the document of an earlier version as the newest and puts it in force. What of it does not
/// fit any more is among the warnings: a way back that is refused would be none.
pub(super) async fn rollback(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let current = current(act).await?;
    let Rollback { to, note } = asked.read().await?;
    let earlier = stored(asked, to).await?;
    // Nothing is stored that could not be put in force.
    restored(asked.ports, asked.scope(), &earlier)
        .await
        .map_err(|error| unreadable(to, error))?;
    let note = match note.as_str() {
        "" => format!("Back to version {to}."),
        _ => checked_note(note)?,
    };
    check_expected(asked, &current)?;
    let next = current.version.saturating_add(1);
    let row = save(act, next, &earlier.document, note).await?;
    put_in_force(act, asked, &row).await
}

fn unreadable(version: u64, error: Error) -> Error {
    if !is_unreadable(&error) {
        return error;
    }
    let message = format!(
        "Version {version} cannot be read any more: its sections are not those of this deployment. Choose another, or send the document anew."
    );
    Error {
        detail: error.detail,
        ..Error::new(Kind::Conflict, message)
    }
}

async fn stored(asked: Asked<'_>, version: u64) -> Result<ConfigRow, Error> {
    let row = asked
        .ports
        .tenants
        .config(asked.scope(), Some(version))
        .await?;
    let missing = || Error::new(Kind::NotFound, format!("There is no version {version}."));
    row.ok_or_else(missing)
}

fn number(text: &str) -> Result<u64, Error> {
    // Parameters are doubles on their way to the database.
    let number = text.parse().ok().filter(|number| *number <= 1 << 53);
    number.ok_or_else(|| Error::invalid("version", "A version is a whole number, from 1."))
}
