//! Which orgs lose something by a configuration of the deployment: what of their documents does not fit over
//! it is left out when they are served.

use futures::stream::{StreamExt, iter};

use crate::config::{self, Deployment, Problem, tenant};
use crate::error::Error;
use crate::ports::Ports;

/// Orgs that are looked at, the oldest: an answer does not wait for more.
const MOST_ORGS: usize = 100;
/// Orgs that are looked at together.
const TOGETHER: usize = 10;

/// What does not fit over a document of the deployment, of each org under its name.
pub(super) async fn misfits(ports: &Ports, document: &str) -> Result<Vec<Problem>, Error> {
    let Some((base, _)) = Deployment::restore(document, config::catalogue()?) else {
        return Ok(Vec::new());
    };
    let base = &base;
    let orgs = ports.tenants.orgs().await?.into_iter().take(MOST_ORGS);
    let found = iter(orgs).map(|org| async move { of_org(ports, base, &org.id).await });
    let found: Vec<_> = found.buffered(TOGETHER).collect().await;
    let found: Result<Vec<Vec<Problem>>, Error> = found.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

async fn of_org(ports: &Ports, base: &Deployment, org: &str) -> Result<Vec<Problem>, Error> {
    let Some(row) = ports.tenants.config(org, None).await? else {
        return Ok(Vec::new());
    };
    let problems = tenant::parse_over(&row.document, base).err();
    let problems = problems.unwrap_or_default().into_iter();
    let named = problems.map(|problem| Problem {
        path: format!("orgs.{org}: {}", problem.path),
        ..problem
    });
    Ok(named.collect())
}
