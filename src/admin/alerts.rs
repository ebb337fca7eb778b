//! Thresholds that an org's budgets have reached, and configurations of it, or of the deployment, that cannot
//! be read.

use serde::Serialize;

use super::Asked;
use super::page::{page, paged};
use crate::error::Error;
use crate::governor::Alert;
use crate::governor::command::{Command, Reply as Verdict};
use crate::http::Reply;

#[derive(Serialize)]
struct Shown {
    id: u64,
    at: u64,
    budget: String,
    per: String,
    subject: String,
    period: String,
    threshold_percent: u8,
    spent_usd: String,
    limit_usd: String,
    /// The version of a configuration that is in force and cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable_config: Option<u64>,
    /// Whether the webhook has taken it.
    delivered: bool,
}

/// The last thousand, oldest first; a page goes on after an id.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, []) = page(asked.incoming.query(), [])?;
    let after = page.after.as_deref().map_or(Ok(0), str::parse);
    let malformed = |_| Error::invalid("after", "`after` is the id of an alert.");
    let ask = Command::Alerts {
        after: after.map_err(malformed)?,
    };
    match asked.ports.governors.execute(asked.scope(), ask).await? {
        Verdict::Alerts { alerts, delivered } => {
            let shown = alerts.into_iter().map(|alert| show(alert, delivered));
            Ok(paged(shown.collect(), &page, |alert| alert.id.to_string()))
        }
        verdict => Err(Error::internal(format!(
            "the governor answered {verdict:?}"
        ))),
    }
}

fn show(alert: Alert, delivered: u64) -> Shown {
    Shown {
        id: alert.id,
        at: alert.at,
        per: alert.per.to_string(),
        budget: alert.budget,
        subject: alert.subject,
        period: alert.period,
        threshold_percent: alert.threshold,
        spent_usd: alert.spent.to_usd(),
        limit_usd: alert.limit.to_usd(),
        unreadable_config: alert.config,
        delivered: alert.id <= delivered,
    }
}
