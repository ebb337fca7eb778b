//! The end of a request: what it used to the ledger, its record to the audit trail, its answer to
//! the cache; for errors and refusals too.

use crate::audit::{Draft, Outcome};
use crate::cache::{self, Entry};
use crate::error::{Error, Kind, Source};
use crate::governor::command::{Command, Reply, Settle, State};
use crate::ports::Ports;
use crate::request::copies::is_success;
use crate::request::exchange::Exchange;
use crate::request::leasing::settle_soon;
use crate::request::recall::Place;
use crate::request::route::Taken;

/// Pauses before a settlement that failed is tried again, in milliseconds: together less than the
/// 30 s for which the platform lets work outlive the answer.
pub(crate) const RETRY_MS: [u64; 3] = [1_000, 4_000, 15_000];

/// Ends an admitted request: charges what its calls cost, once, and records it. Gives the record and
/// the limits after the charge.
///
/// Where the governor is out of reach there are none to give: the answer is delivered all the same,
/// the settlement is tried again in the background, and at last the reservation expires, charged at
/// its bound and recorded, so that nothing is lost.
///
/// Where the org is admitted from leases, nobody waits: it is told with others, and there are no newer
/// limits to give.
pub async fn settle(mut exchange: Exchange) -> (Draft, Option<State>) {
    if exchange.draft.outcome == Outcome::Answered {
        exchange.complete();
    }
    exchange.ended.set(Some(exchange.draft.outcome));
    if let Some(transcript) = &exchange.transcript {
        transcript.store(&exchange.ports, &exchange.org, &exchange.draft);
    }
    if let Some(holder) = exchange.settles_later() {
        settle_soon(&exchange, holder, settlement(&exchange));
        return (exchange.draft, None);
    }
    match try_settle(&exchange).await {
        Ok(state) => (exchange.draft, Some(state)),
        Err(error) => {
            let draft = exchange.draft.clone();
            settle_later(exchange, error);
            (draft, None)
        }
    }
}

async fn try_settle(exchange: &Exchange) -> Result<State, Error> {
    match exchange
        .govern(Command::Settle(settlement(exchange)))
        .await?
    {
        Reply::Settled { state, .. } => Ok(state),
        reply => Err(Error::internal(format!("settle was answered {reply:?}"))),
    }
}

fn settlement(exchange: &Exchange) -> Settle {
    Settle {
        draft: exchange.draft.clone(),
        cost: exchange.cost(),
        kept: exchange.idempotency.is_some() && is_success(exchange.draft.outcome),
        unreached: exchange
            .taken
            .as_deref()
            .map(Taken::unreached)
            .unwrap_or_default(),
        part: exchange.part.clone(),
        sightings: exchange.sightings.clone(),
    }
}

fn settle_later(exchange: Exchange, mut error: Error) {
    let background = exchange.ports.background.clone();
    background.spawn(Box::pin(async move {
        for pause in RETRY_MS {
            exchange.ports.clock.sleep(pause).await;
            match try_settle(&exchange).await {
                Ok(_) => return,
                Err(again) => error = again,
            }
        }
        let id = &exchange.draft.request;
        let line = format!("request {id} could not be settled and will expire: {error}");
        exchange.ports.log.error(&line);
    }));
}

/// Ends a request that failed after it was admitted.
pub async fn settle_failure(mut exchange: Exchange, error: Error) -> Error {
    exchange.fail(Outcome::Failed, &error);
    settle(exchange).await;
    error
}

/// Ends a request of which nobody knows whether it was admitted, without anybody waiting for it.
pub fn abandon(mut exchange: Exchange, error: &Error) {
    exchange.fail(Outcome::Failed, error);
    let background = exchange.ports.background.clone();
    background.spawn(Box::pin(async move {
        settle(exchange).await;
    }));
}

/// Records a request of a known caller that was refused before it asked for admission.
pub fn refuse(mut exchange: Exchange, error: &Error) {
    if error.kind == Kind::Unauthenticated {
        return;
    }
    let outcome = if error.kind.row().source == Source::Client {
        Outcome::Refused
    } else {
        Outcome::Failed
    };
    exchange.fail(outcome, error);
    let background = exchange.ports.background.clone();
    background.spawn(Box::pin(async move {
        let draft = exchange.draft.clone();
        if let Err(error) = exchange.govern(Command::Refuse { draft }).await {
            exchange
                .ports
                .log
                .error(&format!("a refusal could not be recorded: {error}"));
        }
    }));
}

/// Keeps an answer for the next who asks the same, without anybody waiting for it.
pub fn fill_cache(ports: &Ports, place: &Place, entry: &Entry) {
    if !cache::is_storable(&entry.answer) {
        return;
    }
    let Some(bytes) = entry.encode() else { return };
    let (store, log, place) = (ports.cache.clone(), ports.log.clone(), place.clone());
    ports.background.spawn(Box::pin(async move {
        if let Err(error) = store.put(&place.key, bytes, place.seconds).await {
            log.error(&format!("an answer could not be cached: {error}"));
        }
    }));
}
