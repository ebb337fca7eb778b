//! Orgs.

use serde::Deserialize;

use super::{List, config, known, read};
use crate::auth::is_id;
use crate::config::tenant;
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::{Org, Ports};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrg {
    id: String,
    #[serde(default)]
    name: String,
}

/// Creates an org with the default configuration: 201. Where it exists it is left as it is, and what
/// a crash may have left undone is done: 200.
pub(super) async fn create(ports: &Ports, incoming: &dyn Incoming) -> Result<Reply, Error> {
    let new: NewOrg = read(incoming).await?;
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
    if ports.tenants.config(&org.id, None).await?.is_none() {
        config::save(ports, &org.id, 1, tenant::DEFAULT_DOCUMENT).await?;
    }
    config::activate_newest(ports, &org.id).await?;
    Ok(Reply::json(if created { 201 } else { 200 }, &org))
}

pub(super) async fn list(ports: &Ports) -> Result<Reply, Error> {
    Ok(List::reply(ports.tenants.orgs().await?))
}
