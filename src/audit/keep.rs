//! What is done for the audit trail every hour: checkpoints and archives, org by org.

use crate::audit::{archive, checkpoint};
use crate::error::Error;
use crate::ports::Ports;

/// Keeps the audit trail of every org. What fails is logged, and done by the next run.
pub async fn keep(ports: &Ports) {
    let orgs = match rotated(ports).await {
        Ok(orgs) => orgs,
        Err(error) => return ports.log.error(&format!("audit: no orgs: {error}")),
    };
    for org in orgs {
        // First, so that it does not wait for what may take long.
        if let Err(error) = checkpoint::keep(ports, &org).await {
            ports
                .log
                .error(&format!("audit: no checkpoint of {org}: {error}"));
        }
        if let Err(error) = archive::keep(ports, &org).await {
            ports
                .log
                .error(&format!("audit: {org} was not archived: {error}"));
        }
    }
}

/// All orgs, from a random one on, so that none is always last where a run is cut short.
async fn rotated(ports: &Ports) -> Result<Vec<String>, Error> {
    let orgs = ports.tenants.orgs().await?;
    let mut orgs: Vec<String> = orgs.into_iter().map(|org| org.id).collect();
    let [low, high, ..] = ports.entropy.bytes()?;
    let chosen = usize::from(u16::from_le_bytes([low, high]));
    let middle = chosen.checked_rem(orgs.len()).unwrap_or_default();
    orgs.rotate_left(middle);
    Ok(orgs)
}
