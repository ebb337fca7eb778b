//! Orgs.

use serde::Deserialize;

use super::page::{page, paged};
use super::{Asked, config};
use crate::audit::Change;
use crate::auth::is_id;
use crate::config::tenant;
use crate::error::Error;
use crate::http::Reply;
use crate::ports::{Org, OrgFilter};
use crate::request::act::{administer, end, note_change};
use crate::request::exchange::Exchange;

/// Bytes of a name for people.
const NAME_LIMIT: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrg {
    id: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    name: String,
}

/// Creates an org with the default configuration: 201. Where it exists it is left as it is, and what
/// a crash may have left undone is done: 200. It can be used, and has its first record, once its
/// configuration is in force. `refused` is the record of an attempt that makes none, in the trail of the
/// deployment.
pub(super) async fn create(refused: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let ports = asked.ports;
    let new: NewOrg = asked.read().await?;
    if !is_id(&new.id) {
        return Err(Error::invalid(
            "id",
            "An id has 1 to 40 lower-case letters, digits and hyphens.",
        ));
    }
    note_change(refused, change(&new.id));
    let name = if new.name.is_empty() {
        new.id.clone()
    } else {
        checked_name(new.name)?
    };
    let org = Org {
        id: new.id,
        name,
        created_at: ports.clock.now(),
    };
    let created = ports.tenants.create_org(&org).await?;
    let org = if created {
        org
    } else {
        asked.known(&org.id).await?
    };
    let mut act = asked.act(&org.id, "org.create");
    let status = if created { 201 } else { 200 };
    let activated = activate(&mut act, &org, status).await;
    end(act, activated)
}

async fn activate(act: &mut Exchange, org: &Org, status: u16) -> Result<Reply, Error> {
    note_change(act, change(&org.id));
    let stored = act.ports.tenants.config(&org.id, None).await?;
    let row = match stored {
        Some(row) => row,
        None => config::save(act, 1, tenant::DEFAULT_DOCUMENT, String::new()).await?,
    };
    config::activate(act, status, &row).await?;
    Ok(Reply::json(status, org))
}

/// `?search=…`: what is in the id or the name.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, [search]) = page(asked.incoming.query(), ["search"])?;
    let filter = OrgFilter {
        id: asked.actor.only().map(ToOwned::to_owned),
        search,
    };
    let orgs = asked.ports.administration.orgs(&filter, &page).await?;
    Ok(paged(orgs, &page, |org| org.id.clone()))
}

pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    Ok(Reply::json(200, &asked.known(asked.org).await?))
}

/// Gives it another name for people. The id stays.
pub(super) async fn rename(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    note_change(act, change(asked.org));
    let Rename { name } = asked.read().await?;
    let name = checked_name(name)?;
    administer(act, 200, None).await?;
    let administration = &asked.ports.administration;
    administration.rename_org(asked.org, &name).await?;
    get(asked).await
}

/// A name for people.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn checked_name(name: String) -> Result<String, Error> {
    if name.is_empty() || name.len() > NAME_LIMIT {
        let message = format!("A name has 1 to {NAME_LIMIT} bytes.");
        return Err(Error::invalid("name", message));
    }
    Ok(name)
}

fn change(org: &str) -> Change {
    Change {
        object: format!("org/{org}"),
        ..Change::default()
    }
}
