//! One call of a model within its time: whole bodies and open streams.

use std::pin::pin;

use futures::future::{Either, select};
use futures::stream::{LocalBoxStream, StreamExt};

use crate::audit::Attempt;
use crate::config::Model;
use crate::money::Nanos;
use crate::ports::{Clock, ModelCall, Ports, Unreachable, Upstream};
use crate::protocol::{Answer, Event, assembly};
use crate::providers::{
    Deployment, Failure, FailureClass, StreamDecoder, Wire, classify, decode_answer, send,
    told_usage,
};
use crate::request::stall::Stall;
use crate::sse::SseEvent;
use crate::usage::Usage;

/// A body as it comes. Dropping it aborts the call.
pub type Chunks = LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>;

/// The largest whole answer that is read, in bytes.
pub const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
/// The most of a stream that is read and held while it says nothing, in bytes. Some repeat the request
/// before they answer it, twice.
const UNSAID_LIMIT: usize = 4 * 1024 * 1024;

/// Runs `work`, but no longer than `milliseconds`. What was begun is dropped with its answer.
///
/// # Errors
/// A timeout, or the failure of `work`.
pub async fn within<T>(
    clock: &dyn Clock,
    milliseconds: u64,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match select(Box::pin(work), clock.sleep(milliseconds)).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(Failure::timeout(milliseconds)),
    }
}

/// Calls a model and reads its whole answer.
///
/// # Errors
/// The failure that the provider tells of, or that kept its answer from being read.
pub async fn whole(ports: &Ports, call: ModelCall) -> Result<Vec<u8>, Failure> {
    let mut upstream = open(ports, call).await?;
    collect(&mut upstream.body).await
}

/// Calls a model and gives its answer as it comes.
///
/// # Errors
/// As [`whole`].
pub async fn open(ports: &Ports, call: ModelCall) -> Result<Upstream, Failure> {
    let mut upstream = send(ports.models.as_ref(), call).await?;
    if (200..300).contains(&upstream.status) {
        return Ok(upstream);
    }
    let body = collect(&mut upstream.body).await.unwrap_or_default();
    Err(classify(upstream.status, upstream.retry_after, &body))
}

/// Reads a whole body.
///
/// # Errors
/// Where it breaks off or is too large.
pub async fn collect(body: &mut Chunks) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() > ANSWER_LIMIT {
            return Err(Failure::malformed("the answer is larger than 16 MiB"));
        }
    }
    Ok(bytes)
}

/// How a chat model was asked, by which its answer is read.
pub struct Spoken {
    /// The wire it speaks.
    pub wire: Wire,
    /// The bound of tokens that was sent.
    pub max_tokens: u32,
    /// Who was asked.
    pub deployment: Deployment,
}

impl Spoken {
    /// Reads a whole answer. What one that is of no use says that it used is noted.
    fn decode(&self, body: &[u8], used: &mut Usage) -> Result<Answer, Failure> {
        let mut answer = decode_answer(self.wire, self.max_tokens, body)
            .inspect_err(|_| *used = told_usage(self.wire, body).unwrap_or_default())?;
        self.deployment.sign(&mut answer);
        Ok(answer)
    }
}

/// Calls a chat model and reads its whole answer. What it used stands there; in `used` is what one says
/// that is of no use.
///
/// # Errors
/// As [`whole`].
pub async fn answer(
    ports: &Ports,
    call: ModelCall,
    spoken: &Spoken,
    used: &mut Usage,
) -> Result<Answer, Failure> {
    let body = whole(ports, call).await?;
    spoken.decode(&body, used)
}

/// The record of a call. What a successful one used and cost is for the caller to add.
#[must_use]
pub fn record(
    purpose: &str,
    model: &Model,
    failure: Option<&Failure>,
    milliseconds: u64,
) -> Attempt {
    Attempt {
        purpose: purpose.to_owned(),
        provider: model.provider.as_str().to_owned(),
        model: model.id.clone(),
        result: failure
            .map_or("ok", |failure| failure.class.as_str())
            .to_owned(),
        status: failure.and_then(|failure| failure.status),
        code: failure.and_then(|failure| failure.code),
        milliseconds,
        usage: Usage::default(),
        cost: Nanos::ZERO,
        bounded: failure.is_some_and(|failure| failure.class.cost_unknown()),
        retry: 0,
    }
}

/// A streamed answer that has begun to say something.
pub struct OpenStream {
    body: LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>,
    decoder: StreamDecoder,
    deployment: Deployment,
    stall: Stall,
    ready: Vec<Event>,
    /// Whether the stream's own events are kept, to be forwarded.
    raw: bool,
    ending: Ending,
}

/// What a stream has brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// What it means.
    pub events: Vec<Event>,
    /// What it was, where that is kept.
    pub raw: Option<Vec<SseEvent>>,
}

/// How a stream is read.
pub struct Reading {
    /// How it was asked for.
    pub spoken: Spoken,
    /// Whether its own events are kept, to be forwarded.
    pub raw: bool,
    /// When it has taken too long.
    pub stall: Stall,
}

/// How far a stream has come.
enum Ending {
    /// More may come.
    Open,
    /// It broke; the events before it are given out first.
    Failed(Failure),
    /// It ended as it must.
    Whole,
}

impl OpenStream {
    /// Calls a chat model and waits until its answer says something, so that a failure before it can
    /// still be answered by another model. What it used is told by the stream; in `used` is what one
    /// told that is given up, also where that is by dropping the future.
    ///
    /// # Errors
    /// The failure that the provider tells of, also where it is the first event of a stream.
    pub async fn open(
        ports: &Ports,
        call: ModelCall,
        reading: Reading,
        used: &mut Usage,
    ) -> Result<Self, Failure> {
        let Reading { spoken, raw, stall } = reading;
        let mut upstream = open(ports, call).await?;
        let decoder = StreamDecoder::new(spoken.wire, spoken.max_tokens);
        if upstream.content_type.starts_with("application/json") {
            let body = collect(&mut upstream.body).await?;
            let answer = spoken.decode(&body, used)?;
            let ready = assembly::replay(&answer);
            let body = futures::stream::empty().boxed_local();
            return Ok(Self {
                body,
                decoder,
                deployment: spoken.deployment,
                stall,
                ready,
                raw: false,
                ending: Ending::Whole,
            });
        }
        let mut stream = Self {
            body: upstream.body,
            decoder: if raw { decoder.keeping_raw() } else { decoder },
            deployment: spoken.deployment,
            stall,
            ready: Vec::new(),
            raw,
            ending: Ending::Open,
        };
        let begun = stream.begin(used).await;
        match stream.ending {
            Ending::Failed(failure) if !begun => Err(failure),
            _ => {
                *used = Usage::default();
                Ok(stream)
            }
        }
    }

    /// Reads until something is said, or nothing more comes. Notes in `used` what the stream tells;
    /// gives whether it has said something.
    async fn begin(&mut self, used: &mut Usage) -> bool {
        let mut unsaid = 0_usize;
        let mut begun = false;
        while !begun && matches!(self.ending, Ending::Open) {
            let before = self.ready.len();
            unsaid = unsaid.saturating_add(self.advance().await);
            for event in self.ready.iter().skip(before) {
                match event {
                    Event::Usage(usage) => *used = *usage,
                    Event::ServiceTier(_) => {}
                    _ => begun = true,
                }
            }
            if !begun && unsaid > UNSAID_LIMIT {
                let failure = Failure::malformed("the stream has said nothing in 4 MiB");
                self.ending = Ending::Failed(failure);
            }
        }
        begun
    }

    /// The next events; `None` at the end of a whole answer.
    ///
    /// # Errors
    /// How the stream broke. Nothing comes after it.
    ///
    /// Dropping the future loses nothing: a later call goes on where it was.
    pub async fn next(&mut self) -> Option<Result<Brought, Failure>> {
        loop {
            let raw = self.decoder.take_raw();
            if !self.ready.is_empty() || !raw.is_empty() {
                let mut events = std::mem::take(&mut self.ready);
                for event in &mut events {
                    self.deployment.sign_event(event);
                }
                let raw = self.raw.then_some(raw);
                return Some(Ok(Brought { events, raw }));
            }
            match std::mem::replace(&mut self.ending, Ending::Whole) {
                Ending::Failed(failure) => return Some(Err(failure)),
                Ending::Whole => return None,
                Ending::Open => self.ending = Ending::Open,
            }
            self.advance().await;
        }
    }

    /// Reads once; gives how many bytes have come.
    async fn advance(&mut self) -> usize {
        let read = match select(self.body.next(), pin!(self.stall.over())).await {
            Either::Left((read, _)) => read,
            Either::Right(_) => {
                let message = "the stream fell silent, or did not end within its time";
                self.ending = Ending::Failed(Failure::new(FailureClass::Truncated, message));
                return 0;
            }
        };
        self.stall.read();
        let mut count = 0;
        let outcome = match read {
            Some(Ok(bytes)) => {
                count = bytes.len();
                let fed = self.decoder.feed(&bytes, &mut self.ready);
                fed.map(|()| Ending::Open)
            }
            Some(Err(broken)) => Err(Failure::new(FailureClass::Truncated, &broken.0)),
            None => self.decoder.finish(&mut self.ready).map(|()| Ending::Whole),
        };
        self.ending = outcome.unwrap_or_else(Ending::Failed);
        count
    }
}
