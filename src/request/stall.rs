//! When a provider's stream has taken too long: between two of its parts, or in all.

use std::rc::Rc;

use futures::future::LocalBoxFuture;

use crate::ports::Clock;
use crate::request::exchange::DEADLINE_MS;

/// Milliseconds for which a stream may bring nothing once it has begun.
const SILENT_MS: u64 = 240_000;
/// Milliseconds that a stream may last.
const LONGEST_MS: u64 = 3_600_000;

/// One timer that watches over many parts.
pub struct Stall {
    clock: Rc<dyn Clock>,
    timer: LocalBoxFuture<'static, ()>,
    /// When the request's time or the stream's silence is over, Unix milliseconds.
    over: u64,
    /// When the stream must have ended.
    end: u64,
}

impl Stall {
    /// Watches a stream of a request that arrived at `arrived` (Unix milliseconds). Until its first part
    /// has come it has the request's own time.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>, arrived: u64) -> Self {
        let over = arrived.saturating_add(DEADLINE_MS);
        let timer = clock.sleep(over.saturating_sub(clock.now()));
        Self {
            end: arrived.saturating_add(LONGEST_MS),
            clock,
            timer,
            over,
        }
    }

    /// Notes that a part has come.
    pub fn read(&mut self) {
        let silent = self.clock.now().saturating_add(SILENT_MS);
        self.over = silent.min(self.end);
    }

    /// Comes once it has taken too long. Dropping the future loses nothing.
    pub async fn over(&mut self) {
        loop {
            (&mut self.timer).await;
            let left = self.over.saturating_sub(self.clock.now());
            self.timer = self.clock.sleep(left);
            if left == 0 {
                return;
            }
        }
    }
}
