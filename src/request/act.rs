//! Changes made by hand, of an org by administrators and of its documents by keys: each has its record
//! before it is in force. What the governor itself changes is recorded in the same row; what is changed
//! elsewhere is recorded first, so that an isolate that dies in between leaves a record of what did
//! not happen, and never a change without one.

use crate::audit::{ADMIN, Change, Outcome};
use crate::auth::{Principal, Rights};
use crate::error::Error;
use crate::governor::command::{Administer, Command, Reply};
use crate::http::Incoming;
use crate::money::Nanos;
use crate::ports::Ports;
use crate::request::exchange::Exchange;
use crate::request::reserve::refusal;
use crate::request::settle::refuse;
use crate::request::subjects::address;

/// Begins the record of what an administrator, by name, does to an org, under the request's `id`.
#[must_use]
pub fn administrator(
    ports: &Ports,
    incoming: &dyn Incoming,
    (org, id, name): (&str, &str, &str),
    action: &str,
) -> Exchange {
    let principal = Principal {
        org: org.to_owned(),
        key: name.to_owned(),
        rights: Rights::default(),
    };
    let mut act = begin(ports, incoming, (&principal, id), action);
    ADMIN.clone_into(&mut act.draft.endpoint);
    act
}

/// Begins the record of what a key does.
#[must_use]
pub fn begin(
    ports: &Ports,
    incoming: &dyn Incoming,
    (principal, id): (&Principal, &str),
    action: &str,
) -> Exchange {
    let mut act = Exchange::begin(ports, id, ports.clock.now(), principal);
    action.clone_into(&mut act.draft.operation);
    act.subjects.address = address(incoming);
    act
}

/// Notes what is changed.
pub fn note_change(act: &mut Exchange, change: Change) {
    act.draft.change = Some(Box::new(change));
}

/// Records a change that will be answered with `status`, and puts it in force where the governor is
/// what makes it. Gives the milliseconds after which nothing is admitted any more as it was before.
///
/// # Errors
/// `Unauthenticated` where the key was revoked meanwhile; what else the governor refuses; `Unavailable`: nothing is changed, as far as
/// anybody knows.
pub async fn administer(
    act: &mut Exchange,
    status: u16,
    change: Option<Command>,
) -> Result<u64, Error> {
    act.draft.outcome = Outcome::Changed;
    act.draft.status = status;
    let administer = Administer {
        draft: act.draft.clone(),
        change: change.map(Box::new),
    };
    match act.govern(Command::Administer(administer)).await? {
        Reply::Done { effective_ms, .. } => Ok(effective_ms),
        Reply::Refused { reason, .. } => Err(refusal(&reason, Nanos::ZERO)),
        reply => Err(Error::internal(format!("an act was answered {reply:?}"))),
    }
}

/// Waits until a change is in force everywhere; gives the time, Unix milliseconds.
pub async fn effective(act: &Exchange, effective_ms: u64) -> u64 {
    let clock = &act.ports.clock;
    if effective_ms > 0 {
        clock.sleep(effective_ms).await;
    }
    clock.now()
}

/// Ends an act: one that was refused or has failed is recorded as such.
///
/// # Errors
/// Its own.
pub fn end<T>(act: Exchange, ended: Result<T, Error>) -> Result<T, Error> {
    ended.inspect_err(|error| refuse(act, error))
}
