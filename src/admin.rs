//! `/admin/v1`: orgs, keys, configuration, live limits and the audit trail, for whoever holds the
//! secret `ESCLUSA_ADMIN_KEY`. Every change of an org is in its audit trail, see
//! [`act`](crate::request::act), and so is every attempt that was refused.

mod alerts;
mod audit;
mod config;
mod credits;
mod keys;
mod limits;
mod orgs;
mod switches;
mod transcripts;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::{is_id, same_secret};
use crate::error::{Error, Kind};
use crate::governor::root::ROOT;
use crate::http::{Endpoint, Incoming, Method, Reply};
use crate::ports::{Org, Ports};
use crate::request::act;
use crate::request::admit::json_body;
use crate::request::exchange::Exchange;

/// An authorised request.
#[derive(Clone, Copy)]
struct Asked<'a> {
    ports: &'a Ports,
    incoming: &'a dyn Incoming,
    id: &'a str,
}

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
    let asked = Asked {
        ports,
        incoming,
        id,
    };
    match (endpoint, incoming.method()) {
        (Endpoint::Audit, _) => audit::query(ports, incoming.query()).await,
        (Endpoint::AuditExport, _) => audit::export(ports, incoming.query()).await,
        (Endpoint::AuditVerify, _) => audit::verify(ports, incoming.query()).await,
        (Endpoint::Orgs, Method::Post) => orgs::create(asked).await,
        (Endpoint::Orgs, _) => orgs::list(ports).await,
        (Endpoint::Keys(org), Method::Post) => {
            let create = async |act: &mut Exchange| keys::create(act, incoming).await;
            asked.change(org, "key.create", create).await
        }
        (Endpoint::Keys(org), _) => keys::list(ports, known(ports, org).await?).await,
        (Endpoint::Key(org, key), _) => {
            let revoke = async |act: &mut Exchange| keys::revoke(act, key).await;
            asked.change(org, "key.revoke", revoke).await
        }
        (Endpoint::Config(org), Method::Put) => {
            let put = async |act: &mut Exchange| config::put(act, incoming).await;
            asked.change(org, "config.save", put).await
        }
        (Endpoint::Config(org), _) => config::get(ports, known(ports, org).await?).await,
        (Endpoint::Alerts(org), _) => alerts::list(ports, known(ports, org).await?).await,
        (Endpoint::Credits(org), _) => {
            let pay = async |act: &mut Exchange| credits::pay(act, incoming).await;
            asked.change(org, "credits.pay", pay).await
        }
        (Endpoint::Limits(org), _) => limits::get(ports, known(ports, org).await?.id).await,
        (Endpoint::Transcript(org, request), Method::Delete) => {
            let remove = async |act: &mut Exchange| transcripts::remove(act, request).await;
            asked.change(org, "transcript.remove", remove).await
        }
        (Endpoint::Transcript(org, request), _) => {
            transcripts::get(ports, known(ports, org).await?, request).await
        }
        (Endpoint::Switch(org, name), _) => {
            let turn = async |act: &mut Exchange| switches::turn(act, incoming, name).await;
            asked.switch(org, turn).await
        }
        (Endpoint::Switches(None), _) => switches::list(ports, ROOT).await,
        (Endpoint::Switches(Some(org)), _) => {
            switches::list(ports, &likely(ports, org).await?).await
        }
        (Endpoint::UserRecords(org, user), _) => {
            let erase = async |act: &mut Exchange| audit::erase(act, user).await;
            asked.change(org, "user.erase", erase).await
        }
        _ => Err(Error::new(Kind::NotFound, "There is nothing at this path.")),
    }
}

impl Asked<'_> {
    /// Changes an org that exists.
    async fn change(
        self,
        org: &str,
        action: &str,
        make: impl AsyncFnOnce(&mut Exchange) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        let org = known(self.ports, org).await?;
        self.make(&org.id, action, make).await
    }

    /// Turns a switch of an org, or of the deployment.
    async fn switch(
        self,
        org: Option<&str>,
        turn: impl AsyncFnOnce(&mut Exchange) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        let org = match org {
            Some(org) => likely(self.ports, org).await?,
            None => ROOT.to_owned(),
        };
        let action = match self.incoming.method() {
            Method::Delete => "switch.off",
            _ => "switch.on",
        };
        self.make(&org, action, turn).await
    }

    async fn make(
        self,
        org: &str,
        action: &str,
        make: impl AsyncFnOnce(&mut Exchange) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        let mut act = act::administrator(self.ports, self.incoming, (org, self.id), action);
        let changed = make(&mut act).await;
        act::end(act, changed)
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

/// The org of a path, believed to exist while the database is down.
async fn likely(ports: &Ports, id: &str) -> Result<String, Error> {
    match known(ports, id).await {
        Err(error) if error.kind == Kind::NotFound => Err(error),
        _ => Ok(id.to_owned()),
    }
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
