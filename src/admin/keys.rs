//! API keys.

use serde::{Deserialize, Serialize};

use super::{List, read};
use crate::audit::Change;
use crate::auth::{Scope, is_id, mint};
use crate::error::{Error, Kind};
use crate::governor::command::Command;
use crate::http::{Incoming, Reply};
use crate::ports::{ApiKey, Org, Ports};
use crate::request::act::{administer, effective, note_change};
use crate::request::exchange::Exchange;

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

/// Makes a key. Its record comes first: a key that is known has one.
pub(super) async fn create(act: &mut Exchange, incoming: &dyn Incoming) -> Result<Reply, Error> {
    let ports = act.ports.clone();
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
    let id: String = crate::auth::digest(&act.draft.request)
        .chars()
        .take(ID_CHARACTERS)
        .collect();
    let (key, digest) = mint(&act.org, &id, ports.entropy.bytes()?);
    let row = ApiKey {
        org: act.org.clone(),
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
    let change = Change {
        scopes: row.scopes.clone(),
        ..change(&row.id)
    };
    note_change(act, change);
    administer(act, 201, None).await?;
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

/// Revokes a key. Once this has answered, no isolate admits it any more: the governor refuses it, and
/// does so first, with the record.
pub(super) async fn revoke(act: &mut Exchange, key: &str) -> Result<Reply, Error> {
    let (tenants, org) = (act.ports.tenants.clone(), act.org.clone());
    if is_id(key) {
        note_change(act, change(key));
    }
    if tenants.key(&org, key).await?.is_none() {
        return Err(Error::new(Kind::NotFound, "There is no key of this id."));
    }
    let revoke = Command::RevokeKey {
        key: key.to_owned(),
    };
    let effective_ms = administer(act, 204, Some(revoke)).await?;
    tenants.revoke_key(&org, key, act.ports.clock.now()).await?;
    let effective_at = effective(act, effective_ms).await;
    let mut reply = Reply::empty(204);
    reply.set("x-ai-effective-at", effective_at.to_string());
    Ok(reply)
}

fn change(key: &str) -> Change {
    Change {
        object: format!("key/{key}"),
        ..Change::default()
    }
}
