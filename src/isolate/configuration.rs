//! An org's configuration as an isolate comes to it: from its copy in KV, which never changes, else from
//! the database. So a version that was read once is there while the database is not.

use futures::future::{Either, select};
use serde::{Deserialize, Serialize};

use crate::config::{self, TenantConfig, tenant};
use crate::error::Error;
use crate::governor::command::Command;
use crate::ports::{ConfigRow, Ports};

/// Milliseconds that the look-up of a copy may take.
const LOOK_UP_MS: u64 = 1_000;
/// Seconds that a copy is kept: 30 days.
const KEPT_SECONDS: u64 = 2_592_000;
/// Versions before one that cannot be read that are tried.
const MOST_EARLIER: u64 = 3;

/// A configuration and its version.
pub(super) type Versioned = (u64, TenantConfig);

/// A row as its copy has it.
#[derive(Serialize, Deserialize)]
struct Copied {
    document: String,
    created_at: u64,
}

/// The newest stored configuration, which is in force or will be in a moment.
pub(super) async fn newest(ports: &Ports, org: &str) -> Result<Versioned, Error> {
    let row = stored(ports, org, None).await?;
    Ok((row.version, restore(ports, org, &row)?))
}

/// The configuration of a version.
pub(super) async fn of_version(
    ports: &Ports,
    org: &str,
    version: u64,
) -> Result<TenantConfig, Error> {
    let row = match copy(ports, org, version).await {
        Some(row) => row,
        None => stored(ports, org, Some(version)).await?,
    };
    restore(ports, org, &row)
}

/// The last configuration before a version that can be read.
pub(super) async fn before(ports: &Ports, org: &str, version: u64) -> Option<Versioned> {
    for earlier in (version.saturating_sub(MOST_EARLIER)..version).rev() {
        if let Ok(config) = of_version(ports, org, earlier).await {
            return Some((earlier, config));
        }
    }
    None
}

/// Tells of a version that is in force and cannot be used, without anybody waiting for it.
pub(super) fn warn(ports: &Ports, org: &str, version: u64, error: &Error) {
    let line = format!("configuration {version} of org {org} is not used: {error}");
    ports.log.error(&line);
    if !is_unreadable(error) {
        return;
    }
    let (governors, log, org) = (ports.governors.clone(), ports.log.clone(), org.to_owned());
    ports.background.spawn(Box::pin(async move {
        let warn = Command::Warn { config: version };
        if let Err(error) = governors.execute(&org, warn).await {
            log.error(&format!("no alert of configuration {version}: {error}"));
        }
    }));
}

/// Whether a version is there and says nothing: another look does not help.
pub(super) fn is_unreadable(error: &Error) -> bool {
    error.kind == crate::error::Kind::Internal
}

async fn stored(ports: &Ports, org: &str, version: Option<u64>) -> Result<ConfigRow, Error> {
    let row = ports.tenants.config(org, version).await?.ok_or_else(|| {
        let message =
            "This org is not set up yet. The administrator creates it with POST /admin/v1/orgs.";
        Error::unavailable(
            message,
            format!("org {org} has no configuration {version:?}"),
        )
    })?;
    keep(ports, org, &row);
    Ok(row)
}

/// Makes the copy of a row, without anybody waiting for it.
pub(crate) fn keep(ports: &Ports, org: &str, row: &ConfigRow) {
    let copied = Copied {
        document: row.document.clone(),
        created_at: row.created_at,
    };
    let Ok(bytes) = serde_json::to_vec(&copied) else {
        return;
    };
    let (store, log, name) = (
        ports.cache.clone(),
        ports.log.clone(),
        name(org, row.version),
    );
    ports.background.spawn(Box::pin(async move {
        if let Err(error) = store.put(&name, bytes, KEPT_SECONDS).await {
            log.error(&format!("{name} could not be copied: {error}"));
        }
    }));
}

/// The copy of a row. Where that fails, the database is asked.
async fn copy(ports: &Ports, org: &str, version: u64) -> Option<ConfigRow> {
    let name = name(org, version);
    let found = select(ports.cache.get(&name), ports.clock.sleep(LOOK_UP_MS)).await;
    let Either::Left((Ok(Some(bytes)), _)) = found else {
        return None;
    };
    let copied: Copied = serde_json::from_slice(&bytes).ok()?;
    Some(ConfigRow {
        version,
        document: copied.document,
        created_at: copied.created_at,
        ..ConfigRow::default()
    })
}

/// No key of a cached answer looks like this: those are digests.
fn name(org: &str, version: u64) -> String {
    format!("config/{org}/{version}")
}

fn restore(ports: &Ports, org: &str, row: &ConfigRow) -> Result<TenantConfig, Error> {
    let restored = tenant::restore(&row.document, config::catalogue()?);
    let Some((config, problems)) = restored else {
        let detail = format!("configuration {} of org {org} cannot be read", row.version);
        return Err(Error::internal(detail));
    };
    for problem in problems {
        ports.log.error(&format!(
            "configuration {} of org {org}: {problem}",
            row.version
        ));
    }
    Ok(config)
}
