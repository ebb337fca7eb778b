//! What is up and what is not.

use serde::Serialize;

use crate::config;
use crate::http::Reply;
use crate::ports::Ports;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    checks: Checks,
}

#[derive(Serialize)]
struct Checks {
    admin_key: &'static str,
    catalogue: &'static str,
    database: &'static str,
}

/// The state of the deployment: 200 where it can answer requests, 503 where it cannot.
pub async fn health(ports: &Ports) -> Reply {
    let word = |good: bool| if good { "ok" } else { "failing" };
    let catalogue = config::catalogue().is_ok();
    // No org has this id: what counts is that the database answers.
    let database = ports.tenants.org("-").await.is_ok();
    let serving = catalogue && database;
    let checks = Checks {
        admin_key: if ports.secrets.admin_key().is_some() {
            "ok"
        } else {
            "not set"
        },
        catalogue: word(catalogue),
        database: word(database),
    };
    let health = Health {
        status: word(serving),
        version: env!("CARGO_PKG_VERSION"),
        checks,
    };
    Reply::json(if serving { 200 } else { 503 }, &health)
}
