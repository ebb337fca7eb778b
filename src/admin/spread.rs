//! Brings the deployment's switches and its configuration to every governor that has a copy of them.

use futures::stream::{StreamExt, iter};

use super::switches::edition;
use crate::error::Error;
use crate::governor::command::{Command, Reply as Verdict};
use crate::governor::lease::EFFECTIVE_MS;
use crate::governor::root::{Holders, LONGEST_MS, ROOT};
use crate::governor::switches::Edition;
use crate::ports::Ports;

/// Governors that are told; of others the copies run out. The platform lets a request make a thousand
/// calls.
const MOST_TOLD: usize = 900;
/// Governors that are told at once.
const TOGETHER: usize = 50;

/// Tells every governor that has a copy. Gives the milliseconds after which nothing is admitted under an
/// older one: each has acknowledged the new one or cannot use its own any longer, and all leases from
/// before are over.
pub(super) async fn spread(ports: &Ports) -> u64 {
    let over = match whom_to_tell(ports).await {
        Ok((edition, holders)) => tell_all(ports, &edition, holders).await,
        Err(error) => {
            let line =
                format!("the governors were not told of a change of the deployment: {error}");
            ports.log.error(&line);
            after(ports.clock.now(), LONGEST_MS)
        }
    };
    over.saturating_sub(ports.clock.now())
}

async fn whom_to_tell(ports: &Ports) -> Result<(Edition, Holders), Error> {
    // In this order: whoever is given a copy later is given this edition.
    let edition = edition(ports, ROOT).await?;
    match ports.governors.execute(ROOT, Command::Holders).await? {
        Verdict::Holders(holders) => Ok((edition, holders)),
        verdict => Err(Error::internal(format!("the root answered {verdict:?}"))),
    }
}

/// Gives the time after which nothing is admitted under an older edition, Unix milliseconds.
async fn tell_all(ports: &Ports, edition: &Edition, holders: Holders) -> u64 {
    let now = ports.clock.now();
    let others = (holders.others_ms > 0).then(|| after(now, holders.others_ms));
    let mut known = holders.left_ms.into_iter();
    let told: Vec<_> = known.by_ref().take(MOST_TOLD).collect();
    let told = iter(told).map(|(org, left_ms)| async move {
        match tell(ports, &org, edition).await {
            Ok(effective_ms) => ports.clock.now().saturating_add(effective_ms),
            Err(error) => {
                let line = format!("{org} was not told of a change of the deployment: {error}");
                ports.log.error(&line);
                after(now, left_ms)
            }
        }
    });
    let told: Vec<u64> = told.buffer_unordered(TOGETHER).collect().await;
    let untold = known.map(|(_, left_ms)| after(now, left_ms));
    told.into_iter()
        .chain(untold)
        .chain(others)
        .max()
        .unwrap_or(now)
}

/// When the leases are over that a copy may have granted which is good for so long.
const fn after(now: u64, left_ms: u64) -> u64 {
    now.saturating_add(left_ms).saturating_add(EFFECTIVE_MS)
}

async fn tell(ports: &Ports, org: &str, edition: &Edition) -> Result<u64, Error> {
    let adopt = Command::Adopt(edition.clone());
    match ports.governors.execute(org, adopt).await? {
        Verdict::Done { effective_ms, .. } => Ok(effective_ms),
        verdict => Err(Error::internal(format!("it answered {verdict:?}"))),
    }
}
