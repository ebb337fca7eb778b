//! The end of a request: what it used to the ledger, its record to the audit trail, its answer to
//! the cache; for errors and refusals too.

use crate::audit::{Draft, Outcome};
use crate::cache::{self, Entry};
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply, Settle, State};
use crate::ports::Ports;
use crate::request::exchange::Exchange;
use crate::request::recall::Place;

/// Ends an admitted request: charges what its calls cost, once, and records it.
///
/// # Errors
/// `Unavailable` where the governor is out of reach: the reservation then expires later and is
/// charged at its bound, so that nothing is lost. The operator hears of it.
pub async fn settle(exchange: Exchange) -> Result<(Draft, State), Error> {
    let settle = Settle {
        draft: exchange.draft.clone(),
        cost: exchange.cost(),
    };
    let answered = exchange
        .govern(Command::Settle(settle))
        .await
        .and_then(|reply| match reply {
            Reply::Settled { state } => Ok(state),
            reply => Err(Error::internal(format!("settle was answered {reply:?}"))),
        });
    match answered {
        Ok(state) => Ok((exchange.draft, state)),
        Err(error) => {
            let id = &exchange.draft.request;
            exchange
                .ports
                .log
                .error(&format!("request {id} could not be settled: {error}"));
            Err(error)
        }
    }
}

/// Ends an admitted request that failed.
pub async fn settle_failure(mut exchange: Exchange, error: Error) -> Error {
    exchange.fail(Outcome::Failed, &error);
    // That the request failed matters more to the caller than that its end could not be written.
    let _ = settle(exchange).await;
    error
}

/// Records a request of a known caller that was refused before it asked for admission.
pub fn refuse(mut exchange: Exchange, error: &Error) {
    if error.kind == Kind::Unauthenticated {
        return;
    }
    let outcome = if error.status() < 500 {
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
