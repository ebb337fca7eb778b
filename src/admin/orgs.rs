//! Orgs.

use serde::Deserialize;

use super::{Asked, List, config, known, read};
use crate::audit::Change;
use crate::auth::is_id;
use crate::config::tenant;
use crate::error::Error;
use crate::http::Reply;
use crate::ports::{Org, Ports};
use crate::request::act::note_change;
use crate::request::exchange::Exchange;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrg {
    id: String,
    #[serde(default)]
    name: String,
}

/// Creates an org with the default configuration: 201. Where it exists it is left as it is, and what
/// a crash may have left undone is done: 200. It can be used, and has its first record, once its
/// configuration is in force.
pub(super) async fn create(asked: Asked<'_>) -> Result<Reply, Error> {
    let ports = asked.ports;
    let new: NewOrg = read(asked.incoming).await?;
    if !is_id(&new.id) {
        return Err(Error::invalid(
            "id",
            "An id has 1 to 40 lower-case letters, digits and hyphens.",
        ));
    }
    let name = if new.name.is_empty() {
        new.id.clone()
    } else {
        new.name
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
        known(ports, &org.id).await?
    };
    let activate = async |act: &mut Exchange| {
        let change = Change {
            object: format!("org/{}", org.id),
            ..Change::default()
        };
        note_change(act, change);
        if ports.tenants.config(&org.id, None).await?.is_none() {
            config::save(ports, &org.id, 1, tenant::DEFAULT_DOCUMENT).await?;
        }
        let status = if created { 201 } else { 200 };
        config::activate_newest(act, status).await?;
        Ok(Reply::json(status, &org))
    };
    asked.change(&org.id, "org.create", activate).await
}

pub(super) async fn list(ports: &Ports) -> Result<Reply, Error> {
    Ok(List::reply(ports.tenants.orgs().await?))
}
