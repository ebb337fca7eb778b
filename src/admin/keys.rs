//! API keys.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::Told;
use super::page::{page, paged};
use super::{Asked, config};
use crate::audit::Change;
use crate::auth::{Scope, is_id, mint};
use crate::config::Problem;
use crate::error::{Error, Kind};
use crate::governor::command::Command;
use crate::http::Reply;
use crate::ports::{ApiKey, KeyChange, KeyFilter};
use crate::request::act::{administer, effective, note_change};
use crate::request::exchange::Exchange;

/// Hexadecimal characters of a key's id.
const ID_CHARACTERS: usize = 12;
const NAME_LIMIT: usize = 200;
/// Seconds for which a key that is replaced stays good where nobody says how long.
const USUAL_GRACE: u64 = 86_400;
/// Less than this is no grace: leases of before may last so long. At most 90 days.
const GRACES: std::ops::RangeInclusive<u64> = 10..=7_776_000;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    name: Option<String>,
    scopes: Option<Vec<Scope>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    #[serde(default = "usual_grace")]
    grace_seconds: u64,
}

const fn usual_grace() -> u64 {
    USUAL_GRACE
}

#[derive(Serialize)]
struct Minted<'a> {
    /// Shown this once.
    key: &'a str,
    #[serde(flatten)]
    row: &'a ApiKey,
    /// The key in whose place it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a str>,
    /// Until when that one is good, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_until: Option<u64>,
    /// What speaks of that one alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Told>,
}

/// Makes a key. Its record comes first: a key that is known has one.
pub(super) async fn create(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let new: NewKey = asked.read().await?;
    check_name(&new.name)?;
    let scopes = checked_scopes(&new.scopes)?;
    let (key, row) = make(act, new.name, scopes).await?;
    let minted = Minted {
        key: &key,
        row: &row,
        replaces: None,
        replaced_until: None,
        warnings: Vec::new(),
    };
    Ok(Reply::json(201, &minted))
}

/// Makes a key in the place of another, which is refused from the end of its grace on. Counters of
/// limits per key begin anew.
pub(super) async fn rotate(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    let old = good(act, asked).await?;
    let Rotation { grace_seconds } = asked.read().await?;
    if grace_seconds != 0 && !GRACES.contains(&grace_seconds) {
        let message = "`grace_seconds` is 0, or 10 to 7776000 (90 days).";
        return Err(Error::invalid("grace_seconds", message));
    }
    let (key, row) = make(act, old.name.clone(), old.scopes.clone()).await?;
    note_change(act, change(&old.id));
    let (clock, tenants) = (act.ports.clock.clone(), &asked.ports.administration);
    let at = clock
        .now()
        .saturating_add(grace_seconds.saturating_mul(1_000));
    let end = Command::ExpireKey {
        key: old.id.clone(),
        at,
    };
    let effective_ms = administer(act, 201, Some(end)).await?;
    let expiry = KeyChange {
        expires_at: Some(at),
        ..KeyChange::default()
    };
    tenants.change_key(asked.org, &old.id, &expiry).await?;
    effective(act, effective_ms).await;
    let minted = Minted {
        key: &key,
        row: &row,
        replaces: Some(&old.id),
        replaced_until: Some(old.expires_at.map_or(at, |end| end.min(at))),
        warnings: left_behind(asked, &old.id, &row.id).await,
    };
    Ok(Reply::json(201, &minted))
}

/// What in the org's configuration names a key, and does not hold for the one in its place. Nothing where
/// it cannot be read now: the key is made.
async fn left_behind(asked: Asked<'_>, old: &str, new: &str) -> Vec<Told> {
    let Ok(row) = config::newest(asked.ports, asked.org).await else {
        return Vec::new();
    };
    let document = serde_json::from_str(&row.document).unwrap_or_default();
    let mut paths = Vec::new();
    find(&document, old, String::new(), &mut paths);
    let warning = |path| Problem {
        file: "config",
        path,
        line: None,
        reason: format!("names the key {old}, and does not hold for {new} in its place"),
    };
    paths.into_iter().map(warning).map(Told::from).collect()
}

/// Collects the paths of a text in a document.
fn find(value: &Value, text: &str, path: String, found: &mut Vec<String>) {
    match value {
        Value::String(said) if said == text => found.push(path),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                find(value, text, format!("{path}[{index}]"), found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                find(value, text, format!("{path}{dot}{name}"), found);
            }
        }
        _ => {}
    }
}

/// Records and stores a new key.
async fn make(
    act: &mut Exchange,
    name: String,
    scopes: Vec<String>,
) -> Result<(String, ApiKey), Error> {
    let ports = act.ports.clone();
    // The request's id is unique, so its digest names the key.
    let id: String = crate::auth::digest(&act.draft.request)
        .chars()
        .take(ID_CHARACTERS)
        .collect();
    let (key, digest) = mint(&act.org, &id, ports.entropy.bytes()?);
    let row = ApiKey {
        org: act.org.clone(),
        id,
        name,
        digest,
        scopes,
        created_at: ports.clock.now(),
        revoked_at: None,
        expires_at: None,
    };
    let change = Change {
        scopes: row.scopes.clone(),
        ..change(&row.id)
    };
    note_change(act, change);
    administer(act, 201, None).await?;
    ports.tenants.create_key(&row).await?;
    Ok((key, row))
}

/// `?scope=…`, and `?state=good` or `?state=ended` for those that were revoked or have expired.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, [scope, state]) = page(asked.incoming.query(), ["scope", "state"])?;
    let good = match state.as_deref() {
        None => None,
        Some("good") => Some(true),
        Some("ended") => Some(false),
        Some(_) => return Err(Error::invalid("state", "`state` is `good` or `ended`.")),
    };
    let now = asked.ports.clock.now();
    let filter = KeyFilter {
        scope,
        good: good.map(|good| (now, good)),
    };
    let keys = &asked.ports.administration;
    let keys = keys.keys(asked.org, &filter, &page).await?;
    Ok(paged(keys, &page, |key| key.id.clone()))
}

pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    Ok(Reply::json(200, &known(asked).await?))
}

/// Gives a key another name or other scopes. Isolates that remember it read it again within a minute.
pub(super) async fn change_key(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    good(act, asked).await?;
    let new: Changed = asked.read().await?;
    new.name.as_deref().map_or(Ok(()), check_name)?;
    let scopes = new.scopes.as_deref().map(checked_scopes).transpose()?;
    let noted = Change {
        scopes: scopes.clone().unwrap_or_default(),
        ..change(asked.name)
    };
    note_change(act, noted);
    administer(act, 200, None).await?;
    let change = KeyChange {
        name: new.name,
        scopes,
        expires_at: None,
    };
    let administration = &asked.ports.administration;
    administration
        .change_key(asked.org, asked.name, &change)
        .await?;
    get(asked).await
}

/// Revokes a key. Once this has answered, no isolate admits it any more: the governor refuses it, and
/// does so first, with the record.
pub(super) async fn revoke(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    note_key(act, asked);
    let key = known(asked).await?.id;
    let tenants = act.ports.tenants.clone();
    let revoke = Command::RevokeKey { key: key.clone() };
    let effective_ms = administer(act, 204, Some(revoke)).await?;
    tenants
        .revoke_key(asked.org, &key, act.ports.clock.now())
        .await?;
    let effective_at = effective(act, effective_ms).await;
    let mut reply = Reply::empty(204);
    reply.set("x-ai-effective-at", effective_at.to_string());
    Ok(reply)
}

/// The key of a path, which may be changed.
async fn good(act: &mut Exchange, asked: Asked<'_>) -> Result<ApiKey, Error> {
    note_key(act, asked);
    let key = known(asked).await?;
    if key.is_good(asked.ports.clock.now()) {
        return Ok(key);
    }
    let message = "This key was revoked or has expired. Make a new one.";
    Err(Error::new(Kind::Conflict, message))
}

async fn known(asked: Asked<'_>) -> Result<ApiKey, Error> {
    let found = asked.ports.tenants.key(asked.org, asked.name).await?;
    found.ok_or_else(|| Error::new(Kind::NotFound, "There is no key of this id."))
}

fn note_key(act: &mut Exchange, asked: Asked<'_>) {
    if is_id(asked.name) {
        note_change(act, change(asked.name));
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.len() > NAME_LIMIT {
        let message = format!("A name has at most {NAME_LIMIT} bytes.");
        return Err(Error::invalid("name", message));
    }
    Ok(())
}

fn checked_scopes(scopes: &[Scope]) -> Result<Vec<String>, Error> {
    if scopes.is_empty() {
        let message = "A key needs a scope: `inference`, `knowledge` or both.";
        return Err(Error::invalid("scopes", message));
    }
    let names = scopes.iter().map(|scope| scope.as_str().to_owned());
    Ok(names.collect())
}

fn change(key: &str) -> Change {
    Change {
        object: format!("key/{key}"),
        ..Change::default()
    }
}
