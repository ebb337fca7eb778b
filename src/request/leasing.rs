//! Admission from leases, where an org wants that: who is admitted here and who asks, and what is told
//! to the governor later. No request waits for another one's work: each takes by value what there is
//! to tell, unless somebody was faster.

use std::pin::pin;
use std::rc::Rc;

use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, ready, select};

use crate::error::Error;
use crate::governor::command::{Command, Reply, Reserve, Settle, State};
use crate::governor::lease::holder::{FLUSH_MS, Way};
use crate::governor::lease::{Detach, Flush, LEASE_MS, Part};
use crate::isolate::{SharedHolder, SharedNotice};
use crate::ports::Ports;
use crate::request::exchange::{DEADLINE_MS, Exchange, hear};
use crate::request::reserve::GRACE_MS;
use crate::request::settle::RETRY_MS;

/// Admits a request from a lease, where there is one of the state that it was planned with; else asks
/// for one together with its admission, where that is worth it. Gives the limits as they stood when
/// the lease was granted.
pub fn admit(exchange: &Exchange, reserve: &mut Reserve) -> Option<(Part, State)> {
    let holder = exchange.holder.as_ref().filter(|_| exchange.lends)?;
    match holder.borrow_mut().way(reserve, exchange.ports.clock.now()) {
        Way::Lease(part, state) => Some((part, State::clone(&state))),
        Way::Ask(lease) => {
            reserve.lease = lease;
            None
        }
    }
}

/// Asks the governor for admission, and takes the lease that comes with it.
///
/// # Errors
/// As [`Exchange::govern`].
pub async fn ask(exchange: &Exchange, reserve: Reserve) -> Result<Reply, Error> {
    let Some(holder) = &exchange.holder else {
        return exchange.govern(Command::Reserve(reserve)).await;
    };
    if reserve.lease.is_none() {
        let reply = exchange.govern(Command::Reserve(reserve)).await?;
        heard(holder, &reply);
        return Ok(reply);
    }
    let clock = &exchange.ports.clock;
    let (asked_at, over) = (clock.now(), clock.sleep(LEASE_MS));
    let asked = reserve.clone();
    let asking = pin!(exchange.govern(Command::Reserve(reserve)));
    let (reply, over) = match select(asking, over).await {
        Either::Left((reply, over)) => (reply?, Some(over)),
        Either::Right(((), asking)) => (asking.await?, None),
    };
    heard(holder, &reply);
    let came = match &reply {
        Reply::Admitted { lease, state, .. } => lease.zip(Some(state)),
        _ => None,
    };
    let name = &asked.draft.request;
    holder.borrow_mut().answered(&asked, asked_at, came);
    if over.is_none() {
        holder.borrow_mut().end(name);
    }
    if came.is_some() {
        let over = over.unwrap_or_else(|| ready(()).boxed_local());
        end_after(over, exchange, Rc::clone(holder), name.clone());
    }
    Ok(reply)
}

/// Versions that are newer than those of a lease end it.
fn heard(holder: &SharedHolder, reply: &Reply) {
    let versions = match reply {
        Reply::Admitted { state, .. } | Reply::Refused { state, .. } => state.versions,
        Reply::Done { versions, .. } | Reply::Stale { versions } => *versions,
        _ => return,
    };
    holder.borrow_mut().heard(versions);
}

/// Sees to the end of a lease, by a timer that began before it was asked for: clocks may be set.
fn end_after(
    over: LocalBoxFuture<'static, ()>,
    exchange: &Exchange,
    holder: SharedHolder,
    lease: String,
) {
    let (ports, org) = (exchange.ports.clone(), exchange.org.clone());
    let switches = Rc::clone(&exchange.switches);
    exchange.ports.background.spawn(Box::pin(async move {
        over.await;
        let flush = {
            let mut holder = holder.borrow_mut();
            holder.end(&lease);
            holder.take_all()
        };
        tell(&ports, &org, (&holder, &switches), flush).await;
    }));
}

/// Tells of a request that has ended, with whatever else there is to tell by then, without anybody
/// waiting for it.
pub fn settle_soon(exchange: &Exchange, holder: SharedHolder, mut settle: Settle) {
    settle.draft.person = exchange.person();
    let round = holder.borrow_mut().settle(settle);
    let (ports, org) = (exchange.ports.clone(), exchange.org.clone());
    let switches = Rc::clone(&exchange.switches);
    exchange.ports.background.spawn(Box::pin(async move {
        ports.clock.sleep(FLUSH_MS).await;
        let taken = holder.borrow_mut().take(round);
        if let Some(flush) = taken {
            tell(&ports, &org, (&holder, &switches), flush).await;
        }
    }));
}

/// Tells the governor. What it does not hear of expires, charged at its bound.
async fn tell(
    ports: &Ports,
    org: &str,
    (holder, switches): (&SharedHolder, &SharedNotice),
    flush: Flush,
) {
    let Flush {
        settlements,
        returns,
    } = &flush;
    if settlements.is_empty() && returns.is_empty() {
        return;
    }
    let mut pauses = RETRY_MS.into_iter();
    loop {
        let command = Command::Flush(flush.clone());
        let error = match ports.governors.execute(org, command).await {
            Ok(reply @ Reply::Done { .. }) => {
                hear(switches, &reply);
                return heard(holder, &reply);
            }
            Ok(reply) => Error::internal(format!("flush was answered {reply:?}")),
            Err(error) => error,
        };
        let Some(pause) = pauses.next() else {
            let ids = settlements.iter().map(|it| it.draft.request.as_str());
            let ids = ids.collect::<Vec<_>>().join(", ");
            let line = format!("requests {ids} could not be settled and will expire: {error}");
            return ports.log.error(&line);
        };
        ports.clock.sleep(pause).await;
    }
}

/// Gives a request that was admitted from a lease a reservation of its own, so that it can be raised.
///
/// # Errors
/// As [`Exchange::govern`].
pub async fn detach(exchange: &Exchange) -> Result<(), Error> {
    match detachment(exchange) {
        Some(detach) => exchange.govern(detach).await.map(drop),
        None => Ok(()),
    }
}

/// The command that does so; none where the request has a reservation of its own.
#[must_use]
pub fn detachment(exchange: &Exchange) -> Option<Command> {
    let detach = Detach {
        draft: exchange.draft.clone(),
        part: exchange.part.clone()?,
        deadline_ms: DEADLINE_MS.saturating_add(GRACE_MS),
    };
    Some(Command::Detach(detach))
}
