//! The object's one alarm. Setting it writes a row, so it is set only where none is pending or an
//! earlier one is needed.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use worker::State;

/// Milliseconds between now and the earliest alarm, so that a failing alarm cannot spin.
const SOONEST_MS: u64 = 100;

/// What is known of the pending alarm.
#[derive(Clone, Copy)]
enum Pending {
    Unknown,
    Nothing,
    At(u64),
}

/// The alarm.
pub(super) struct Alarm {
    state: State,
    pending: AssertUnwindSafe<Cell<Pending>>,
}

impl Alarm {
    pub(super) const fn new(state: State) -> Self {
        Self {
            state,
            pending: AssertUnwindSafe(Cell::new(Pending::Unknown)),
        }
    }

    /// The alarm has gone off; none is pending.
    pub(super) fn fired(&self) {
        self.pending.set(Pending::Nothing);
    }

    /// Makes sure that an alarm goes off at `due` or before.
    pub(super) async fn arm(&self, due: u64, now: u64) -> worker::Result<()> {
        let pending = match self.pending.get() {
            Pending::Unknown => self.read().await?,
            known => known,
        };
        if let Pending::At(at) = pending
            && at <= due
        {
            return Ok(());
        }
        let delay = due.saturating_sub(now).max(SOONEST_MS);
        self.pending.set(Pending::At(now.saturating_add(delay)));
        let set = self
            .state
            .storage()
            .set_alarm(Duration::from_millis(delay))
            .await;
        if set.is_err() {
            self.pending.set(Pending::Unknown);
        }
        set
    }

    async fn read(&self) -> worker::Result<Pending> {
        let at = self.state.storage().get_alarm().await?;
        let pending = at
            .and_then(|at| u64::try_from(at).ok())
            .map_or(Pending::Nothing, Pending::At);
        self.pending.set(pending);
        Ok(pending)
    }
}
