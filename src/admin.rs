//! `/admin/v1`: orgs, keys, configuration, live limits and the audit trail, for whoever holds the
//! secret `ESCLUSA_ADMIN_KEY`.

mod alerts;
mod audit;
mod config;
mod credits;
mod keys;
mod limits;
mod orgs;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::{is_id, same_secret};
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply as Verdict};
use crate::http::{Endpoint, Incoming, Method, Reply};
use crate::ports::{Org, Ports};
use crate::request::admit::json_body;

/// A list, as every path of the API gives it.
#[derive(Serialize)]
struct List<T> {
    object: &'static str,
    data: Vec<T>,
}

impl<T: Serialize> List<T> {
    fn reply(data: Vec<T>) -> Reply {
        Reply::json(
            200,
            &Self {
                object: "list",
                data,
            },
        )
    }
}

/// Answers a request for administration.
///
/// # Errors
/// `Unauthenticated` without the admin key; then those of each path.
pub async fn serve(
    ports: &Ports,
    incoming: &dyn Incoming,
    endpoint: Endpoint<'_>,
    id: &str,
) -> Result<Reply, Error> {
    authorize(ports, incoming)?;
    match (endpoint, incoming.method()) {
        (Endpoint::Audit, _) => audit::query(ports, incoming.query()).await,
        (Endpoint::AuditExport, _) => audit::export(ports, incoming.query()).await,
        (Endpoint::AuditVerify, _) => audit::verify(ports, incoming.query()).await,
        (Endpoint::Orgs, Method::Post) => orgs::create(ports, incoming).await,
        (Endpoint::Orgs, _) => orgs::list(ports).await,
        (Endpoint::Keys(org), Method::Post) => {
            keys::create(ports, incoming, known(ports, org).await?, id).await
        }
        (Endpoint::Keys(org), _) => keys::list(ports, known(ports, org).await?).await,
        (Endpoint::Key(org, key), _) => keys::revoke(ports, known(ports, org).await?, key).await,
        (Endpoint::Config(org), Method::Put) => {
            config::put(ports, incoming, known(ports, org).await?).await
        }
        (Endpoint::Config(org), _) => config::get(ports, known(ports, org).await?).await,
        (Endpoint::Alerts(org), _) => alerts::list(ports, known(ports, org).await?).await,
        (Endpoint::Credits(org), _) => {
            credits::pay(ports, incoming, known(ports, org).await?).await
        }
        (Endpoint::Limits(org), _) => limits::get(ports, known(ports, org).await?).await,
        (Endpoint::UserRecords(org, user), _) => {
            audit::erase(ports, known(ports, org).await?, user).await
        }
        _ => Err(Error::new(Kind::NotFound, "There is nothing at this path.")),
    }
}

fn authorize(ports: &Ports, incoming: &dyn Incoming) -> Result<(), Error> {
    let Some(secret) = ports
        .secrets
        .admin_key()
        .filter(|secret| !secret.is_empty())
    else {
        let message = "Administration is closed: the secret ESCLUSA_ADMIN_KEY is not set. `npm run deploy` sets it.";
        return Err(Error::new(Kind::Unauthenticated, message));
    };
    let header = incoming.header("authorization").unwrap_or_default();
    let presented = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match presented {
        Some((_, key)) if same_secret(key.trim(), &secret) => Ok(()),
        _ => {
            let message = "Send the admin key as `Authorization: Bearer …`.";
            Err(Error::new(Kind::Unauthenticated, message))
        }
    }
}

/// The org of a path.
async fn known(ports: &Ports, id: &str) -> Result<Org, Error> {
    let missing = || Error::new(Kind::NotFound, "There is no org of this id.");
    if !is_id(id) {
        return Err(missing());
    }
    ports.tenants.org(id).await?.ok_or_else(missing)
}

/// Reads a JSON body.
async fn read<T: DeserializeOwned>(incoming: &dyn Incoming) -> Result<T, Error> {
    let body = json_body(incoming).await?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        Error::invalid(
            error.path().to_string(),
            format!("The body is malformed: {}.", error.inner()),
        )
    })
}

/// Asks an org's governor for something that it can only do, and waits until nothing is admitted as it
/// was before. Gives when that was, Unix milliseconds.
async fn done(ports: &Ports, org: &str, command: Command) -> Result<u64, Error> {
    match ports.governors.execute(org, command).await? {
        Verdict::Done { effective_ms, .. } => {
            if effective_ms > 0 {
                ports.clock.sleep(effective_ms).await;
            }
            Ok(ports.clock.now())
        }
        verdict => Err(Error::internal(format!(
            "the governor answered {verdict:?}"
        ))),
    }
}
