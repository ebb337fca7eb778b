//! `/admin/v1`: orgs, keys, members, configuration, live limits and the audit trail. Every path is a
//! row of [`TABLE`]. Every change of an org is in its audit trail, see [`act`](crate::request::act),
//! what is of no org is in the deployment's own, and so is every attempt that was refused.

mod access;
mod alerts;
mod audit;
mod catalogue;
mod config;
mod credits;
mod document;
mod feedback;
mod keys;
mod limits;
mod members;
mod misfits;
mod orgs;
mod page;
mod routes;
mod spread;
mod switches;
mod table;
mod transcripts;
mod users;
mod versions;

use futures::future::{Either, select};
use serde::de::DeserializeOwned;

use self::access::Actor;
pub use self::access::{Permission, Role};
use self::table::Handle;
#[cfg(test)]
pub(crate) use self::table::takes;
pub use self::table::{Reach, Row, TABLE};
use crate::auth::is_id;
use crate::error::{Error, Kind};
use crate::governor::root::ROOT;
use crate::http::{Incoming, Reply};
use crate::isolate::Isolate;
use crate::ports::{Org, Ports};
use crate::request::act;
use crate::request::admit::json_body;
use crate::request::exchange::Exchange;

/// Milliseconds that a look-up may take for a switch.
const LOOK_UP_MS: u64 = 2_000;

/// A request of somebody who is known and may ask for it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    ports: &'a Ports,
    isolate: &'a Isolate,
    incoming: &'a dyn Incoming,
    /// The request's id.
    id: &'a str,
    actor: &'a Actor,
    /// The org of the path, which exists; empty where the path names none.
    org: &'a str,
    /// What the path names besides; empty where it names nothing.
    name: &'a str,
}

/// Answers a request for what stands behind `/admin/v1/`.
///
/// # Errors
/// `NotFound` and `MethodNotAllowed` by the table; `Unauthenticated`; `Forbidden` by the role; then
/// those of each path.
pub async fn serve(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    (path, id): (&str, &str),
) -> Result<Reply, Error> {
    let (row, [org, name]) = table::find(incoming.method(), path)?;
    let actor = &Actor::of(ports, incoming).await?;
    let asked = Asked {
        ports,
        isolate,
        incoming,
        id,
        actor,
        org,
        name,
    };
    match row.reach {
        Reach::Believed => asked.likely(org).await?,
        Reach::Org => drop(asked.known(org).await?),
        Reach::Deployment | Reach::Narrowed => {}
    }
    match row.handle {
        Handle::Plain(answer) => {
            asked.permit(row)?;
            answer(asked).await
        }
        Handle::Change(action, make) => {
            let chain = if row.reach.is_org() { org } else { ROOT };
            let mut act = asked.act(chain, action);
            let changed = match asked.permit(row) {
                Ok(()) => make(&mut act, asked).await,
                Err(error) => Err(error),
            };
            act::end(act, changed)
        }
    }
}

impl Asked<'_> {
    /// Whether whoever asks may.
    fn permit(&self, row: &Row) -> Result<(), Error> {
        self.actor.permit(row.needs)?;
        match row.reach {
            Reach::Deployment => self.actor.permit_deployment(),
            Reach::Believed | Reach::Narrowed | Reach::Org => Ok(()),
        }
    }

    /// Begins the record of a change of what has this audit trail.
    fn act(&self, chain: &str, action: &str) -> Exchange {
        let who = (chain, self.id, self.actor.name.as_str());
        act::administrator(self.ports, self.incoming, who, action)
    }

    /// Whose configuration and switches it is about: an org's, or those of the deployment.
    const fn scope(&self) -> &str {
        if self.org.is_empty() { ROOT } else { self.org }
    }

    /// An org that is there, as far as whoever asks may know.
    async fn known(&self, id: &str) -> Result<Org, Error> {
        let missing = || Error::new(Kind::NotFound, "There is no org of this id.");
        if !is_id(id) || !self.actor.sees(id) {
            return Err(missing());
        }
        self.ports.tenants.org(id).await?.ok_or_else(missing)
    }

    /// The same, believed to be there while the database is down or silent.
    async fn likely(&self, id: &str) -> Result<(), Error> {
        match self.soon(self.known(id)).await {
            Some(Err(error)) if error.kind == Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What is looked up for a switch, where that does not take too long: whoever turns one is believed
    /// rather than kept waiting.
    async fn soon<T>(&self, look_up: impl Future<Output = T>) -> Option<T> {
        let look_up = Box::pin(look_up);
        match select(look_up, self.ports.clock.sleep(LOOK_UP_MS)).await {
            Either::Left((found, _)) => Some(found),
            Either::Right(_) => None,
        }
    }

    /// Reads a JSON body.
    async fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let body = json_body(self.incoming).await?;
        let mut reader = serde_json::Deserializer::from_slice(&body);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            Error::invalid(
                error.path().to_string(),
                format!("The body is malformed: {}.", error.inner()),
            )
        })
    }
}
