//! Copies of an answer as it goes out: kept for whoever repeats the request under its
//! `Idempotency-Key`.

use std::cell::Cell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::select;
use futures::stream::{LocalBoxStream, StreamExt};

use crate::audit::Outcome;
use crate::http::{Body, Reply};
use crate::ports::Ports;
use crate::request::exchange::Exchange;
use crate::request::idempotency::{self, KeptHead};

/// The largest answer that is copied, in bytes.
const MOST_BYTES: usize = 24 << 20;

/// Milliseconds for which the end of an answer waits for its copies.
const PATIENCE_MS: u64 = 5_000;

/// What is copied of a request's answer.
pub struct Copies {
    ports: Ports,
    org: String,
    request: String,
    named: bool,
    /// How the request ended, once it is settled.
    ended: Rc<Cell<Option<Outcome>>>,
}

impl Copies {
    /// The copies of a request that is about to be worked on.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Self {
        Self {
            ports: exchange.ports.clone(),
            org: exchange.org.clone(),
            request: exchange.draft.request.clone(),
            named: exchange.idempotency.is_some(),
            ended: Rc::clone(&exchange.ended),
        }
    }

    /// The same reply, of which the copies are made: of a whole one now, of a stream as it goes out.
    pub async fn make(self, reply: Reply) -> Reply {
        if !self.named {
            return reply;
        }
        let head = KeptHead::of(&reply);
        let Reply {
            status,
            headers,
            body,
        } = reply;
        let tee = Tee {
            copies: Some((self, head)),
            bytes: Vec::new(),
        };
        Reply {
            status,
            headers,
            body: tee.of(body).await,
        }
    }

    async fn keep(self, head: KeptHead, bytes: Vec<u8>) {
        if self.ended.get().is_some_and(is_success) && bytes.len() <= MOST_BYTES {
            let place = (self.org.as_str(), self.request.as_str());
            idempotency::keep(&self.ports, place, head, &bytes).await;
        }
    }
}

/// Whether a request that ended so has its answer, which a repetition may be given.
#[must_use]
pub const fn is_success(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Answered | Outcome::Cached)
}

/// A body that is copied.
struct Tee {
    /// Gone once they are made.
    copies: Option<(Copies, KeptHead)>,
    bytes: Vec<u8>,
}

impl Tee {
    async fn of(mut self, body: Body) -> Body {
        match body {
            Body::Bytes(bytes) => {
                self.bytes.clone_from(&bytes);
                self.finish().await;
                Body::Bytes(bytes)
            }
            Body::Empty => Body::Empty,
            Body::Relayed(chunks) => Body::Relayed(
                self.chunks(chunks, |chunk| chunk.as_ref().map_or(&[], Vec::as_slice)),
            ),
            Body::Stream(chunks) => Body::Stream(self.chunks(chunks, Vec::as_slice)),
        }
    }

    fn chunks<T: 'static>(
        self,
        chunks: LocalBoxStream<'static, T>,
        bytes: fn(&T) -> &[u8],
    ) -> LocalBoxStream<'static, T> {
        futures::stream::unfold((self, chunks), move |(mut tee, mut chunks)| async move {
            let chunk = chunks.next().await;
            if let Some(chunk) = &chunk {
                tee.push(bytes(chunk));
            }
            if chunk.is_none() || tee.is_settled() {
                tee.finish().await;
            }
            chunk.map(|chunk| (chunk, (tee, chunks)))
        })
        .boxed_local()
    }

    /// Beyond what is copied only the length is wrong, so that it is not taken for whole.
    fn push(&mut self, bytes: &[u8]) {
        if self.copies.is_some() && self.bytes.len() <= MOST_BYTES {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Whether the last chunk is out: what comes after a request is settled is its end.
    fn is_settled(&self) -> bool {
        let copies = self.copies.as_ref();
        copies.is_some_and(|(copies, _)| copies.ended.get().is_some())
    }

    /// Makes the copies before the end goes out, also where the client goes meanwhile; a store that is
    /// slow goes on behind it.
    async fn finish(&mut self) {
        let Some((copies, head)) = self.copies.take() else {
            return;
        };
        let bytes = std::mem::take(&mut self.bytes);
        let background = copies.ports.background.clone();
        let patience = copies.ports.clock.sleep(PATIENCE_MS);
        let (done, made) = oneshot::channel();
        background.spawn(Box::pin(async move {
            copies.keep(head, bytes).await;
            // Nobody waits where the client has gone.
            let _ = done.send(());
        }));
        select(made, patience).await;
    }
}
