//! API keys.

use serde::{Deserialize, Serialize};

use super::{List, done, read};
use crate::auth::{Scope, mint};
use crate::error::{Error, Kind};
use crate::governor::command::Command;
use crate::http::{Incoming, Reply};
use crate::ports::{ApiKey, Org, Ports};

/// Hexadecimal characters of a key's id.
const ID_CHARACTERS: usize = 12;
const NAME_LIMIT: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    #[serde(default)]
    name: String,
    #[serde(default = "inference")]
    scopes: Vec<Scope>,
}

fn inference() -> Vec<Scope> {
    vec![Scope::Inference]
}

#[derive(Serialize)]
struct Minted<'a> {
    /// Shown this once.
    key: &'a str,
    #[serde(flatten)]
    row: &'a ApiKey,
}

pub(super) async fn create(
    ports: &Ports,
    incoming: &dyn Incoming,
    org: Org,
    request: &str,
) -> Result<Reply, Error> {
    let new: NewKey = read(incoming).await?;
    if new.scopes.is_empty() {
        return Err(Error::invalid(
            "scopes",
            "A key needs a scope: `inference`, `knowledge` or both.",
        ));
    }
    if new.name.len() > NAME_LIMIT {
        return Err(Error::invalid(
            "name",
            format!("A name has at most {NAME_LIMIT} bytes."),
        ));
    }
    // The request's id is unique, so its digest names the key.
    let id: String = crate::auth::digest(request)
        .chars()
        .take(ID_CHARACTERS)
        .collect();
    let (key, digest) = mint(&org.id, &id, ports.entropy.bytes()?);
    let row = ApiKey {
        org: org.id,
        id,
        name: new.name,
        digest,
        scopes: new
            .scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        created_at: ports.clock.now(),
        revoked_at: None,
    };
    ports.tenants.create_key(&row).await?;
    Ok(Reply::json(
        201,
        &Minted {
            key: &key,
            row: &row,
        },
    ))
}

pub(super) async fn list(ports: &Ports, org: Org) -> Result<Reply, Error> {
    Ok(List::reply(ports.tenants.keys(&org.id).await?))
}

/// Revokes a key. Once this has answered, no isolate admits it any more: the governor refuses it.
pub(super) async fn revoke(ports: &Ports, org: Org, key: &str) -> Result<Reply, Error> {
    let existed = ports
        .tenants
        .revoke_key(&org.id, key, ports.clock.now())
        .await?;
    if !existed {
        return Err(Error::new(Kind::NotFound, "There is no key of this id."));
    }
    let revoke = Command::RevokeKey {
        key: key.to_owned(),
    };
    let effective_at = done(ports, &org.id, revoke).await?;
    let mut reply = Reply::empty(204);
    reply.set("x-ai-effective-at", effective_at.to_string());
    Ok(reply)
}
