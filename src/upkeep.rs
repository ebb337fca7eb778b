//! What is done every hour, org by org: checkpoints and archives of the audit trail, and files whose
//! time is over.

use crate::audit::{archive, checkpoint};
use crate::config::tenant;
use crate::error::Error;
use crate::governor::root::ROOT;
use crate::isolate::configuration::last_readable_deployment;
use crate::ports::Ports;
use crate::request::idempotency;
use crate::transcript;

/// Does it for every org, and for the deployment. What fails is logged, and done by the next run.
pub async fn hourly(ports: &Ports) {
    let orgs = match rotated(ports).await {
        Ok(orgs) => orgs,
        Err(error) => return ports.log.error(&format!("upkeep: no orgs: {error}")),
    };
    for org in orgs {
        // First, so that it does not wait for what may take long.
        note(
            ports,
            &org,
            "no checkpoint",
            checkpoint::keep(ports, &org).await,
        );
        note(
            ports,
            &org,
            "not archived",
            archive::keep(ports, &org).await,
        );
        let purged = idempotency::purge(ports, &org).await;
        note(ports, &org, "kept answers were not removed", purged);
        let purged = purge_transcripts(ports, &org).await;
        note(ports, &org, "transcripts were not removed", purged);
    }
}

/// By the newest configuration, which is in force or will be in a moment.
async fn purge_transcripts(ports: &Ports, org: &str) -> Result<(), Error> {
    let Some(row) = ports.tenants.config(org, None).await? else {
        return Ok(());
    };
    let base = last_readable_deployment(ports).await?;
    let restored = tenant::restore_over(&row.document, &base);
    let unreadable = || Error::internal(format!("configuration {} cannot be read", row.version));
    let (config, _) = restored.ok_or_else(unreadable)?;
    transcript::purge(ports, org, config.transcripts()).await
}

fn note<T>(ports: &Ports, org: &str, failure: &str, done: Result<T, Error>) {
    if let Err(error) = done {
        let line = format!("upkeep of {org}: {failure}: {error}");
        ports.log.error(&line);
    }
}

/// All orgs, from a random one on, so that none is always last where a run is cut short.
async fn rotated(ports: &Ports) -> Result<Vec<String>, Error> {
    let orgs = ports.tenants.orgs().await?;
    let mut orgs: Vec<String> = orgs.into_iter().map(|org| org.id).collect();
    // What is done to the deployment has a chain of its own.
    orgs.push(ROOT.to_owned());
    let [low, high, ..] = ports.entropy.bytes()?;
    let chosen = usize::from(u16::from_le_bytes([low, high]));
    let middle = chosen.checked_rem(orgs.len()).unwrap_or_default();
    orgs.rotate_left(middle);
    Ok(orgs)
}
