//! Virtual time: it moves only when the executor moves it. The wall clock that ports show can jump;
//! sleepers do not notice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use esclusa::ports::Clock;
use futures::future::LocalBoxFuture;

/// Noon of a day, Unix milliseconds.
pub(crate) const START: u64 = 20_000 * 86_400_000 + 43_200_000;

#[derive(Default)]
pub(crate) struct VirtualClock {
    elapsed: Cell<u64>,
    jumped: Cell<i64>,
    next: Cell<u64>,
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
}

impl VirtualClock {
    /// Milliseconds since the world began.
    pub(crate) fn elapsed(&self) -> u64 {
        self.elapsed.get()
    }

    /// What the wall clock shows, Unix milliseconds.
    pub(crate) fn wall(&self) -> u64 {
        (START + self.elapsed()).saturating_add_signed(self.jumped.get())
    }

    /// Sets the wall clock forward or back.
    pub(crate) fn jump(&self, milliseconds: i64) {
        self.jumped.set(self.jumped.get() + milliseconds);
    }

    pub(crate) fn next_timer(&self) -> Option<u64> {
        let sleepers = self.sleepers.borrow();
        sleepers.first_key_value().map(|((at, _), _)| *at)
    }

    /// Moves time and wakes whoever has slept enough.
    pub(crate) fn advance_to(&self, at: u64) {
        self.elapsed.set(self.elapsed().max(at));
        let later = self.sleepers.borrow_mut().split_off(&(at + 1, 0));
        let due = self.sleepers.replace(later);
        due.into_values().for_each(Waker::wake);
    }
}

/// The clock as a port.
pub(crate) struct ClockPort(pub(crate) Rc<VirtualClock>);

impl Clock for ClockPort {
    fn now(&self) -> u64 {
        self.0.wall()
    }

    fn sleep(&self, milliseconds: u64) -> LocalBoxFuture<'static, ()> {
        Box::pin(sleep(&self.0, milliseconds))
    }
}

pub(crate) fn sleep(clock: &Rc<VirtualClock>, milliseconds: u64) -> Sleep {
    Sleep {
        at: clock.elapsed().saturating_add(milliseconds),
        number: clock.next.replace(clock.next.get() + 1),
        clock: Rc::clone(clock),
    }
}

/// A sleeper. It leaves the list when it is dropped, so that nobody waits for it.
pub(crate) struct Sleep {
    clock: Rc<VirtualClock>,
    at: u64,
    number: u64,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.elapsed() >= self.at {
            return Poll::Ready(());
        }
        let place = (self.at, self.number);
        let mut sleepers = self.clock.sleepers.borrow_mut();
        sleepers.insert(place, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let place = (self.at, self.number);
        self.clock.sleepers.borrow_mut().remove(&place);
    }
}
