//! Bytes on their way to the client as they come, settled once whatever becomes of them.

use futures::channel::oneshot;
use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::{LocalBoxStream, StreamExt};

use crate::audit::Outcome;
use crate::error::{Error, Kind};
use crate::providers::{Failure, FailureClass};
use crate::request::call::Chunks;
use crate::request::exchange::{DEADLINE_MS, Exchange};
use crate::request::settle::settle;

/// The chunks of an answer. The last one comes after it is settled; an answer that broke ends with an
/// error, so that nobody takes it for whole.
#[must_use]
pub(super) fn relay(
    exchange: Exchange,
    chunks: Chunks,
) -> LocalBoxStream<'static, Result<Vec<u8>, Error>> {
    let clock = &exchange.ports.clock;
    let elapsed = clock.now().saturating_sub(exchange.draft.at);
    let deadline = clock.sleep(DEADLINE_MS.saturating_sub(elapsed));
    let relay = Relay {
        chunks,
        deadline,
        open: Some(Box::new(exchange)),
    };
    futures::stream::unfold(relay, |mut relay| async move {
        let chunk = relay.next().await?;
        Some((chunk, relay))
    })
    .boxed_local()
}

struct Relay {
    chunks: Chunks,
    /// The end of the whole request's time.
    deadline: LocalBoxFuture<'static, ()>,
    /// Gone once settled.
    open: Option<Box<Exchange>>,
}

impl Relay {
    async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        self.open.as_ref()?;
        let read = select(self.chunks.next(), &mut self.deadline);
        let broken = match read.await {
            Either::Left((Some(Ok(chunk)), _)) => return Some(Ok(chunk)),
            Either::Left((None, _)) => {
                self.settle(Outcome::Answered, None).await;
                return None;
            }
            Either::Left((Some(Err(broken)), _)) => {
                self.break_off(&Failure::new(FailureClass::Truncated, &broken.0));
                broken.0
            }
            Either::Right(_) => "the answer did not end within the request's time".to_owned(),
        };
        let message = "The provider's answer broke off: it is not complete. Retry.";
        let error = Error::new(Kind::UpstreamFailed, message).with_detail(broken);
        self.settle(Outcome::Truncated, Some(&error)).await;
        Some(Err(error))
    }

    fn break_off(&mut self, failure: &Failure) {
        if let Some(exchange) = &mut self.open {
            exchange.break_off(failure);
        }
    }

    /// Settles also where the client goes meanwhile.
    async fn settle(&mut self, outcome: Outcome, error: Option<&Error>) {
        let Some(exchange) = self.open.take() else {
            return;
        };
        let background = exchange.ports.background.clone();
        let (done, settled) = oneshot::channel();
        let task = end(*exchange, outcome, error.map(|error| error.kind));
        background.spawn(Box::pin(async move {
            task.await;
            // Nobody waits for the end of what a client that has gone was sent.
            let _ = done.send(());
        }));
        let _ = settled.await;
    }
}

impl Drop for Relay {
    /// The client has gone.
    fn drop(&mut self) {
        if let Some(exchange) = self.open.take() {
            let background = exchange.ports.background.clone();
            background.spawn(Box::pin(end(*exchange, Outcome::ClientGone, None)));
        }
    }
}

async fn end(mut exchange: Exchange, outcome: Outcome, error: Option<Kind>) {
    exchange.draft.outcome = outcome;
    exchange.draft.error = error;
    exchange.end_phase("release");
    settle(exchange).await;
}
