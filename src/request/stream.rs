//! A stream on its way to the client: written in its protocol, metered, and settled whatever
//! becomes of it.

use std::rc::Rc;

use futures::channel::oneshot;
use futures::stream::{LocalBoxStream, StreamExt};

use crate::audit::Outcome;
use crate::cache::Entry;
use crate::error::{Error, Kind};
use crate::governor::switches::Subject;
use crate::money::Nanos;
use crate::ports::Clock;
use crate::protocol::assembly::Assembler;
use crate::protocol::forward::Forwarder;
use crate::protocol::writer::StreamWriter;
use crate::protocol::{Answer, Bill, Event, Source};
use crate::providers::Failure;
use crate::request::call::{Brought, OpenStream};
use crate::request::conversation::Keeper;
use crate::request::exchange::Exchange;
use crate::request::pulse::Pulse;
use crate::request::recall::Place;
use crate::request::reserve::{killed, look, renew, target};
use crate::request::settle::{fill_cache, settle};
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// Milliseconds between two renewals of what is held: three of them may fail before it expires.
const RENEW_MS: u64 = 90_000;

/// Milliseconds between two looks at what was switched off: with the next bytes after it, which are at most
/// 14 s away, the stream of what is to be broken off ends.
const LOOK_MS: u64 = 15_000;

/// Where a whole answer goes besides to the client.
pub struct Fill {
    /// The cache key and its life.
    pub place: Place,
    /// What grounds the answer.
    pub sources: Vec<Source>,
}

/// Counts what a stream brings, and settles it once: at its end, or when the client drops it.
pub struct Meter {
    /// Gone once settled.
    open: Option<Box<Metered>>,
}

struct Metered {
    exchange: Exchange,
    candidate: Candidate,
    prompt_bytes: u64,
    assembler: Assembler,
    /// When the deadline of what is held was last put off, Unix milliseconds.
    renewed_at: u64,
    /// When it was last asked what is switched off, Unix milliseconds.
    looked_at: u64,
}

impl Meter {
    /// A meter of a stream that has not begun.
    #[must_use]
    pub fn new(exchange: Exchange, candidate: Candidate, prompt_bytes: u64) -> Self {
        let assembler = Assembler::default();
        Self {
            open: Some(Box::new(Metered {
                renewed_at: exchange.draft.at,
                looked_at: exchange.draft.at,
                exchange,
                candidate,
                prompt_bytes,
                assembler,
            })),
        }
    }

    fn push(&mut self, event: &Event) {
        if let Some(metered) = &mut self.open {
            metered.assembler.push(event);
            metered.exchange.goes_on();
        }
    }

    /// The provider has not given all of it.
    fn break_off(&mut self, failure: &Failure) {
        if let Some(metered) = &mut self.open {
            metered.exchange.break_off(failure);
        }
    }

    /// Puts off the end of what is held for a stream that lasts.
    fn stay(&mut self) {
        let Some(metered) = &mut self.open else {
            return;
        };
        let now = metered.exchange.ports.clock.now();
        if now.saturating_sub(metered.renewed_at) >= RENEW_MS {
            metered.renewed_at = now;
            metered.looked_at = now;
            renew(&metered.exchange);
        } else if now.saturating_sub(metered.looked_at) >= LOOK_MS {
            metered.looked_at = now;
            look(&metered.exchange);
        }
    }

    /// What was switched off such that this stream is broken off.
    fn aborted_by(&self) -> Option<Subject> {
        let metered = self.open.as_ref()?;
        let switches = metered.exchange.switches.borrow();
        let (draft, target) = (&metered.exchange.draft, target(&metered.candidate));
        switches.aborts(draft, &target).cloned()
    }

    /// What came so far, unless it is settled.
    fn answer(&self) -> Option<Answer> {
        let metered = self.open.as_ref()?;
        Some(metered.assembler.clone().finish())
    }

    /// Settles what came, also where the client goes meanwhile. Gives the usage and the cost of the
    /// whole request.
    async fn settle(
        &mut self,
        outcome: Outcome,
        error: Option<&Error>,
        fill: Option<Fill>,
    ) -> (Usage, Nanos) {
        let Some(metered) = self.open.take() else {
            return Default::default();
        };
        let error = error.map(|error| error.kind);
        let background = metered.exchange.ports.background.clone();
        let (done, settled) = oneshot::channel();
        background.spawn(Box::pin(async move {
            // Nobody waits for the figures of a stream whose client has gone.
            let _ = done.send(metered.settle(outcome, error, fill).await);
        }));
        settled.await.unwrap_or_default()
    }
}

impl Drop for Meter {
    /// The client has gone: what the model produced is charged all the same.
    fn drop(&mut self) {
        if let Some(metered) = self.open.take() {
            let background = metered.exchange.ports.background.clone();
            background.spawn(Box::pin(async move {
                metered.settle(Outcome::ClientGone, None, None).await;
            }));
        }
    }
}

impl Metered {
    async fn settle(
        mut self: Box<Self>,
        outcome: Outcome,
        error: Option<Kind>,
        fill: Option<Fill>,
    ) -> (Usage, Nanos) {
        let usage = self
            .assembler
            .usage()
            .unwrap_or_else(|| Usage::estimate(self.prompt_bytes, self.assembler.output_bytes()));
        self.exchange.charge(&self.candidate, usage);
        let cost = self.exchange.cost();
        self.exchange.draft.outcome = outcome;
        self.exchange.draft.error = error;
        let answer = self.assembler.finish();
        self.exchange.say(&answer);
        if let Some(fill) = fill {
            let model = &self.candidate.model;
            let entry = Entry {
                answer,
                model: self.candidate.id.clone(),
                provider: model.provider.as_str().to_owned(),
                sources: fill.sources,
            };
            fill_cache(&self.exchange.ports, &fill.place, &entry);
        }
        self.exchange.end_phase("release");
        settle(self.exchange).await;
        (usage, cost)
    }
}

/// How a stream is given to the client.
pub struct Delivery {
    /// Writes it in the client's wire.
    pub writer: Box<dyn StreamWriter>,
    /// Passes it on as it came, where the client's wire is the provider's.
    pub forwarder: Option<Forwarder>,
    /// Where its whole answer goes besides.
    pub fill: Option<Fill>,
    /// Stores its whole answer, where the client wants that.
    pub keeper: Option<Keeper>,
}

struct Release {
    open: OpenStream,
    delivery: Delivery,
    meter: Meter,
    pulse: Pulse,
    ended: bool,
}

/// The chunks of a stream. Its last bytes come after it is settled, so that a client that has read
/// to the end has been recorded.
#[must_use]
pub fn chunks(
    open: OpenStream,
    delivery: Delivery,
    meter: Meter,
    clock: Rc<dyn Clock>,
) -> LocalBoxStream<'static, Vec<u8>> {
    let pulse = Pulse::new(clock);
    let release = Box::new(Release {
        open,
        delivery,
        meter,
        pulse,
        ended: false,
    });
    futures::stream::unfold(release, |mut release| async move {
        let bytes = release.next().await?;
        Some((bytes, release))
    })
    .boxed_local()
}

impl Release {
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let mut bytes = Vec::new();
        while bytes.is_empty() && !self.ended {
            match self.meter.aborted_by() {
                Some(subject) => self.end_with(&killed(&subject, None), &mut bytes).await,
                None => self.advance(&mut bytes).await,
            }
        }
        self.pulse.wrote();
        self.meter.stay();
        Some(bytes)
    }

    async fn advance(&mut self, bytes: &mut Vec<u8>) {
        match self.pulse.unless_silent(self.open.next()).await {
            None => self.delivery.writer.keep_alive(bytes),
            Some(Some(Ok(brought))) => self.pass(&brought, bytes),
            Some(Some(Err(failure))) => self.break_off(&failure, bytes).await,
            Some(None) => self.finish(bytes).await,
        }
    }

    fn pass(&mut self, brought: &Brought, bytes: &mut Vec<u8>) {
        let delivery = &mut self.delivery;
        for event in &brought.events {
            self.meter.push(event);
        }
        if let (Some(forwarder), Some(raw)) = (&mut delivery.forwarder, &brought.raw) {
            for event in raw {
                forwarder.push(event, bytes);
            }
        } else {
            delivery.forwarder = None;
            for event in &brought.events {
                delivery.writer.push(event, bytes);
            }
        }
    }

    async fn finish(&mut self, bytes: &mut Vec<u8>) {
        let fill = self.delivery.fill.take();
        let keeper = self.delivery.keeper.take();
        let answer = keeper.as_ref().and_then(|_| self.meter.answer());
        let (usage, cost) = self.meter.settle(Outcome::Answered, None, fill).await;
        if let (Some(keeper), Some(answer)) = (keeper, answer) {
            let usage = &usage;
            if !keeper.keep(&answer, Bill { usage, cost }).await {
                self.delivery.writer.unstored();
            }
        }
        match &mut self.delivery.forwarder {
            Some(forwarder) => {
                let usage = &usage;
                forwarder.finish(Bill { usage, cost }, bytes);
            }
            None => self.delivery.writer.finish(&usage, cost, bytes),
        }
        self.ended = true;
    }

    async fn break_off(&mut self, failure: &Failure, bytes: &mut Vec<u8>) {
        self.meter.break_off(failure);
        let message = format!(
            "The provider's stream broke off ({}): the answer is not complete. Retry.",
            failure.class.as_str()
        );
        let error = Error::new(Kind::UpstreamFailed, message).with_detail(failure.to_string());
        self.end_with(&error, bytes).await;
    }

    async fn end_with(&mut self, error: &Error, bytes: &mut Vec<u8>) {
        self.meter
            .settle(Outcome::Truncated, Some(error), None)
            .await;
        self.delivery.writer.error(error, bytes);
        self.ended = true;
    }
}
