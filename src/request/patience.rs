//! The headers of a stream whose first event does not come: a client and the proxies before it wait
//! only so long for an answer, while a model may think for minutes.
//!
//! Past a few seconds the stream begins with comments, and the request goes on behind them. What is
//! not known by then (who answers, what was left out) is in the record only, and a failure is the
//! wire's own error event.

use std::rc::Rc;

use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::{self, LocalBoxStream, StreamExt};

use crate::error::Error;
use crate::governor::command::State;
use crate::http::{Body, Reply};
use crate::ports::{Clock, Log};
use crate::protocol::writer::{Head, StreamWriter};
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::request::headers;
use crate::request::pulse::Pulse;

/// Milliseconds that a stream's headers are held back for its first event.
const PATIENCE_MS: u64 = 10_000;

/// The rest of a request: its reply, or how it failed, settled already.
type Work = LocalBoxFuture<'static, Result<Reply, Error>>;

/// What a stream can begin with before its first event has come.
pub struct Patience {
    clock: Rc<dyn Clock>,
    /// None for a whole answer, which has nothing to begin with.
    early: Option<Early>,
}

struct Early {
    id: String,
    log: Rc<dyn Log>,
    writer: Box<dyn StreamWriter>,
    headers: Reply,
}

impl Patience {
    /// The patience with a request that was admitted.
    #[must_use]
    pub fn of(exchange: &Exchange, admitted: &Admitted, state: &State) -> Self {
        let begin = || {
            let head = Head {
                request: exchange.draft.request.clone(),
                created: exchange.draft.at.checked_div(1_000).unwrap_or_default(),
                operation: exchange.draft.operation.clone(),
                model: admitted.request.model.clone(),
                sources: Vec::new(),
            };
            let content_type = admitted.dialect.stream_type();
            let mut reply = Reply::streamed(content_type, stream::empty().boxed_local());
            headers::begun(&mut reply, &exchange.draft);
            headers::limits(&mut reply, state);
            Early {
                id: exchange.draft.request.clone(),
                log: exchange.ports.log.clone(),
                writer: admitted.dialect.writer(&admitted.request, head),
                headers: reply,
            }
        };
        Self {
            clock: exchange.ports.clock.clone(),
            early: admitted.request.stream.then(begin),
        }
    }

    /// What `work` gives, or a stream that begins without it.
    ///
    /// # Errors
    /// How the work failed, where that is known in time.
    pub async fn wait(self, work: Work) -> Result<Reply, Error> {
        let Some(early) = self.early else {
            return work.await;
        };
        match select(work, self.clock.sleep(PATIENCE_MS)).await {
            Either::Left((done, _)) => done,
            Either::Right(((), work)) => {
                let mut reply = early.headers;
                let waiting = Waiting {
                    work,
                    pulse: Pulse::new(self.clock),
                    id: early.id,
                    log: early.log,
                    writer: early.writer,
                };
                reply.body = Body::Stream(waiting.chunks());
                Ok(reply)
            }
        }
    }
}

/// A stream that has begun without its first event.
struct Waiting {
    work: Work,
    pulse: Pulse,
    id: String,
    log: Rc<dyn Log>,
    writer: Box<dyn StreamWriter>,
}

impl Waiting {
    /// Comments, then the stream itself. Dropping them drops the work.
    fn chunks(mut self) -> LocalBoxStream<'static, Vec<u8>> {
        let mut first = Vec::new();
        self.writer.keep_alive(&mut first);
        let rest = stream::unfold(Some(self), |waiting| async move {
            let mut waiting = waiting?;
            let Some(done) = waiting.pulse.unless_silent(&mut waiting.work).await else {
                let mut comment = Vec::new();
                waiting.writer.keep_alive(&mut comment);
                return Some((stream::iter([comment]).boxed_local(), Some(waiting)));
            };
            Some((waiting.body(done), None))
        });
        let rest = rest.flatten();
        stream::iter([first]).chain(rest).boxed_local()
    }

    fn body(&mut self, done: Result<Reply, Error>) -> LocalBoxStream<'static, Vec<u8>> {
        match done.map(|reply| reply.body) {
            Ok(Body::Relayed(chunks)) => chunks.map(Result::unwrap_or_default).boxed_local(),
            Ok(Body::Stream(chunks)) => chunks,
            Ok(Body::Bytes(bytes)) => stream::iter([bytes]).boxed_local(),
            Ok(Body::Empty) => stream::empty().boxed_local(),
            Err(error) => {
                error.log_fault(self.log.as_ref(), &self.id);
                let mut bytes = Vec::new();
                self.writer.error(&error, &mut bytes);
                stream::iter([bytes]).boxed_local()
            }
        }
    }
}
