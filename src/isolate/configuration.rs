//! The configuration of an org over the deployment's as an isolate comes to it: each from its copy in KV,
//! which never changes, else from the database. So a version that was read once is there while the database is
//! not.

use std::cell::RefCell;
use std::rc::Rc;

use futures::future::{Either, select};
use serde::{Deserialize, Serialize};

use crate::config::{self, Deployment, Problem, TenantConfig, tenant};
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Versions};
use crate::governor::root::ROOT;
use crate::ports::{ConfigRow, Ports};

/// Milliseconds that the look-up of a copy may take.
const LOOK_UP_MS: u64 = 1_000;
/// Seconds that a copy is kept: 30 days.
const KEPT_SECONDS: u64 = 2_592_000;
/// Versions before one that cannot be read that are tried.
const MOST_EARLIER: u64 = 3;

/// The deployment's configuration as it was read last, with its version.
pub(super) type Known = RefCell<Option<(u64, Rc<Deployment>)>>;

/// A configuration that cannot be used, and why.
pub(super) struct Unusable {
    /// The org, or [`ROOT`] for the deployment's.
    scope: String,
    version: u64,
    pub(super) error: Error,
}

/// A row as its copy has it.
#[derive(Serialize, Deserialize)]
struct Copied {
    document: String,
    created_at: u64,
}

/// The newest stored configuration, which is in force or will be in a moment; over the deployment's that
/// is known, or the newest of it.
pub(super) async fn newest(
    ports: &Ports,
    known: &Known,
    org: &str,
) -> Result<(Versions, TenantConfig), Error> {
    let row = stored(ports, org, None).await?;
    let remembered = known.borrow().clone();
    let (deployment, base) = if let Some(read) = remembered {
        read
    } else {
        let (version, base) = newest_deployment(ports).await?;
        remember(known, version, base)
    };
    let versions = Versions {
        config: row.version,
        corpus: 0,
        deployment,
    };
    Ok((versions, restore(ports, org, &row, &base)?))
}

/// The newest stored configuration of the deployment, with its version: 0 where there is none.
pub(crate) async fn newest_deployment(ports: &Ports) -> Result<(u64, Deployment), Error> {
    match ports.tenants.config(ROOT, None).await? {
        Some(row) => Ok((row.version, restore_deployment(ports, &row)?)),
        None => Ok((0, Deployment::without(config::catalogue()?))),
    }
}

/// The same for whoever changes or shows what is configured, and is to know why that cannot be done.
///
/// # Errors
/// `Conflict` where it cannot be read; `Unavailable`.
pub(crate) async fn readable_deployment(ports: &Ports) -> Result<Deployment, Error> {
    let Some(row) = ports.tenants.config(ROOT, None).await? else {
        return Ok(Deployment::without(config::catalogue()?));
    };
    restore_deployment(ports, &row).map_err(|error| {
        let message = format!(
            "Configuration {} of the deployment cannot be read: change it at /admin/v1/config.",
            row.version
        );
        Error {
            detail: error.detail,
            ..Error::new(Kind::Conflict, message)
        }
    })
}

/// The newest configuration of the deployment that can be read; where none of the last can, one that says
/// nothing.
///
/// # Errors
/// `Unavailable`.
pub(crate) async fn last_readable_deployment(ports: &Ports) -> Result<Deployment, Error> {
    let without = || config::catalogue().map(Deployment::without);
    let Some(newest) = ports.tenants.config(ROOT, None).await? else {
        return without();
    };
    let last = newest.version;
    for version in (last.saturating_sub(MOST_EARLIER)..=last).rev() {
        let row = ports.tenants.config(ROOT, Some(version)).await?;
        let read = row.and_then(|row| restore_deployment(ports, &row).ok());
        if let Some(deployment) = read {
            return Ok(deployment);
        }
    }
    without()
}

/// The configuration of these versions.
pub(super) async fn of_versions(
    ports: &Ports,
    known: &Known,
    org: &str,
    versions: Versions,
) -> Result<TenantConfig, Unusable> {
    let unusable = |scope: &str, version, error| Unusable {
        scope: scope.to_owned(),
        version,
        error,
    };
    let base = deployment(ports, known, versions.deployment).await;
    let base = base.map_err(|error| unusable(ROOT, versions.deployment, error))?;
    let row = row(ports, org, versions.config).await;
    row.and_then(|row| restore(ports, org, &row, &base))
        .map_err(|error| unusable(org, versions.config, error))
}

/// The last configuration before these versions that can be read, with the org's version of it.
pub(super) async fn before(
    ports: &Ports,
    known: &Known,
    org: &str,
    versions: Versions,
) -> Option<(u64, TenantConfig)> {
    let earlier = |version: u64| (version.saturating_sub(MOST_EARLIER)..version).rev();
    let of_org = earlier(versions.config).map(|config| Versions { config, ..versions });
    let of_deployment = earlier(versions.deployment).map(|deployment| Versions {
        deployment,
        ..versions
    });
    for versions in of_org.chain(of_deployment) {
        if let Ok(config) = of_versions(ports, known, org, versions).await {
            return Some((versions.config, config));
        }
    }
    None
}

/// The deployment's configuration of a version.
async fn deployment(ports: &Ports, known: &Known, version: u64) -> Result<Rc<Deployment>, Error> {
    if version == 0 {
        return Ok(Rc::new(Deployment::without(config::catalogue()?)));
    }
    let remembered = known.borrow().clone();
    if let Some((_, base)) = remembered.filter(|(read, _)| *read == version) {
        return Ok(base);
    }
    let row = row(ports, ROOT, version).await?;
    let base = restore_deployment(ports, &row)?;
    Ok(remember(known, version, base).1)
}

fn remember(known: &Known, version: u64, base: Deployment) -> (u64, Rc<Deployment>) {
    let read = (version, Rc::new(base));
    known.replace(Some(read.clone()));
    read
}

/// Tells of a version that is in force and cannot be used, without anybody waiting for it.
pub(super) fn warn(ports: &Ports, unusable: &Unusable) {
    let Unusable {
        scope,
        version,
        error,
    } = unusable;
    let (version, line) = (
        *version,
        format!("{} is not used: {error}", named(scope, *version)),
    );
    ports.log.error(&line);
    if !is_unreadable(error) {
        return;
    }
    let (governors, log, scope) = (ports.governors.clone(), ports.log.clone(), scope.clone());
    ports.background.spawn(Box::pin(async move {
        let warn = Command::Warn { config: version };
        if let Err(error) = governors.execute(&scope, warn).await {
            log.error(&format!("no alert of configuration {version}: {error}"));
        }
    }));
}

/// Whether a version is there and says nothing: another look does not help.
pub(crate) fn is_unreadable(error: &Error) -> bool {
    error.kind == Kind::Internal
}

/// The row of a version, from its copy or the database.
async fn row(ports: &Ports, scope: &str, version: u64) -> Result<ConfigRow, Error> {
    match copy(ports, scope, version).await {
        Some(row) => Ok(row),
        None => stored(ports, scope, Some(version)).await,
    }
}

async fn stored(ports: &Ports, scope: &str, version: Option<u64>) -> Result<ConfigRow, Error> {
    let row = ports.tenants.config(scope, version).await?.ok_or_else(|| {
        let message =
            "This org is not set up yet. The administrator creates it with POST /admin/v1/orgs.";
        Error::unavailable(message, format!("{scope} has no configuration {version:?}"))
    })?;
    keep(ports, scope, &row);
    Ok(row)
}

/// Makes the copy of a row, without anybody waiting for it.
pub(crate) fn keep(ports: &Ports, scope: &str, row: &ConfigRow) {
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
        name(scope, row.version),
    );
    ports.background.spawn(Box::pin(async move {
        if let Err(error) = store.put(&name, bytes, KEPT_SECONDS).await {
            log.error(&format!("{name} could not be copied: {error}"));
        }
    }));
}

/// The copy of a row. Where that fails, the database is asked.
async fn copy(ports: &Ports, scope: &str, version: u64) -> Option<ConfigRow> {
    let name = name(scope, version);
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
fn name(scope: &str, version: u64) -> String {
    format!("config/{scope}/{version}")
}

fn restore(
    ports: &Ports,
    org: &str,
    row: &ConfigRow,
    base: &Deployment,
) -> Result<TenantConfig, Error> {
    let restored = tenant::restore_over(&row.document, base);
    usable(ports, restored, &named(org, row.version))
}

fn restore_deployment(ports: &Ports, row: &ConfigRow) -> Result<Deployment, Error> {
    let restored = Deployment::restore(&row.document, config::catalogue()?);
    usable(ports, restored, &named(ROOT, row.version))
}

/// What could be read; what does not fit of it is told.
fn usable<T>(ports: &Ports, restored: Option<(T, Vec<Problem>)>, name: &str) -> Result<T, Error> {
    let Some((config, problems)) = restored else {
        return Err(Error::internal(format!("{name} cannot be read")));
    };
    for problem in problems {
        ports.log.error(&format!("{name}: {problem}"));
    }
    Ok(config)
}

fn named(scope: &str, version: u64) -> String {
    match scope {
        ROOT => format!("configuration {version} of the deployment"),
        org => format!("configuration {version} of org {org}"),
    }
}
