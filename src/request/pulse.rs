//! Says when a stream has been silent for so long that a proxy may take it for dead.

use std::pin::pin;
use std::rc::Rc;

use futures::future::{Either, LocalBoxFuture, select};

use crate::ports::Clock;

/// Milliseconds between two looks: a stream is never silent for twice as long.
const PULSE_MS: u64 = 7_000;

/// One timer that serves many chunks.
pub struct Pulse {
    clock: Rc<dyn Clock>,
    timer: LocalBoxFuture<'static, ()>,
    /// Something was written since the timer was set.
    wrote: bool,
}

impl Pulse {
    /// A pulse that begins now.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        let timer = clock.sleep(PULSE_MS);
        Self {
            clock,
            timer,
            wrote: false,
        }
    }

    /// Notes that something was written.
    pub const fn wrote(&mut self) {
        self.wrote = true;
    }

    /// What `work` gives; `None` once nothing has been written between two beats. `work` is dropped
    /// then.
    pub async fn unless_silent<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        match select(pin!(work), pin!(self.silence())).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }

    async fn silence(&mut self) {
        loop {
            (&mut self.timer).await;
            self.timer = self.clock.sleep(PULSE_MS);
            if !std::mem::take(&mut self.wrote) {
                return;
            }
        }
    }
}
