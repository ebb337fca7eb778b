//! The models as one isolate asks them, with a count of what it asks of those that fail.

use std::cell::RefCell;
use std::rc::Rc;

use esclusa::isolate::Isolate;
use esclusa::ports::{Clock, ModelCall, Models, Unreachable, Upstream};
use futures::future::LocalBoxFuture;

use super::world::clock::ClockPort;
use super::world::shared::Shared;

/// What an isolate has asked.
pub(crate) struct Watch {
    /// The models that fail.
    failing: &'static [&'static str],
    from: u64,
    until: u64,
    /// Calls of any model while it lasts.
    pub(crate) calls: u64,
    /// Failures of the first of them in a row so far.
    failures: u32,
    /// How many there had been when the isolate left it alone.
    pub(crate) opened: Option<u32>,
    /// Calls of the first of them since it answers again, until the first answer.
    pub(crate) calls_after: u32,
    /// When it answered again.
    pub(crate) healed_at: Option<u64>,
}

impl Watch {
    pub(crate) const fn new(failing: &'static [&'static str], from: u64, until: u64) -> Self {
        Self {
            failing,
            from,
            until,
            calls: 0,
            failures: 0,
            opened: None,
            calls_after: 0,
            healed_at: None,
        }
    }

    /// Notes whether the isolate leaves the model alone by now.
    fn look(&mut self, memory: &Isolate, shared: &Shared) {
        let now = ClockPort(Rc::clone(&shared.clock)).now();
        let is_open = memory.health.borrow().is_open(self.failing[0], now);
        if self.opened.is_none() && is_open {
            self.opened = Some(self.failures);
        }
    }
}

/// The models of an isolate.
pub(crate) struct Watched {
    pub(crate) inner: Rc<dyn Models>,
    pub(crate) memory: Rc<Isolate>,
    pub(crate) shared: Rc<Shared>,
    pub(crate) watch: Rc<RefCell<Watch>>,
}

impl Watched {
    /// Notes that a call begins; whether it is one of the model that is watched.
    fn begin(&self, model: &str) -> bool {
        let elapsed = self.shared.clock.elapsed();
        let mut watch = self.watch.borrow_mut();
        let is_during = (watch.from..watch.until).contains(&elapsed);
        watch.calls += u64::from(is_during);
        watch.look(&self.memory, &self.shared);
        let is_watched = model == watch.failing[0];
        let is_after = elapsed >= watch.until && watch.healed_at.is_none();
        watch.calls_after += u32::from(is_after && is_watched);
        is_watched
    }
}

/// A call of the model that is watched. One that is dropped has failed.
struct Call {
    memory: Rc<Isolate>,
    shared: Rc<Shared>,
    watch: Rc<RefCell<Watch>>,
    is_answered: bool,
}

impl Drop for Call {
    fn drop(&mut self) {
        let elapsed = self.shared.clock.elapsed();
        let mut watch = self.watch.borrow_mut();
        if !self.is_answered {
            // What was under way when the model was left alone opens nothing.
            watch.look(&self.memory, &self.shared);
            watch.failures += 1;
            return;
        }
        watch.failures = 0;
        if elapsed >= watch.until && watch.healed_at.is_none() {
            watch.healed_at = Some(elapsed);
        }
    }
}

impl Models for Watched {
    fn run(&self, call: ModelCall) -> LocalBoxFuture<'_, Result<Upstream, Unreachable>> {
        let model = match &call {
            ModelCall::Binding(call) => call.model.clone(),
            ModelCall::Http(call) => call.url.clone(),
        };
        let watched = self.begin(&model).then(|| Call {
            memory: Rc::clone(&self.memory),
            shared: Rc::clone(&self.shared),
            watch: Rc::clone(&self.watch),
            is_answered: false,
        });
        Box::pin(async move {
            let outcome = self.inner.run(call).await;
            if let Some(mut watched) = watched {
                watched.is_answered = outcome.as_ref().is_ok_and(|it| it.status < 400);
            }
            outcome
        })
    }
}
