//! What all ports of a world share: executor, time, randomness, faults, and the log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::rc::Rc;

use esclusa::error::Error;

use super::clock::{Sleep, VirtualClock, sleep};
use super::executor::{Executor, Group};
use super::faults::{Fault, Faults, Port};
use super::random::Random;

pub(crate) struct Shared {
    pub(crate) clock: Rc<VirtualClock>,
    pub(crate) executor: Executor,
    pub(crate) faults: Faults,
    /// Isolates that are gone.
    pub(crate) lost: RefCell<BTreeSet<Group>>,
    pub(crate) log: RefCell<Vec<String>>,
    pub(crate) random: Random,
    /// The most milliseconds that a call takes where nothing fails; 0 answers at once.
    pub(crate) latency: Cell<u64>,
}

impl Shared {
    pub(crate) fn new(seed: u64) -> Rc<Self> {
        let clock = Rc::new(VirtualClock::default());
        Rc::new(Self {
            executor: Executor::new(seed, Rc::clone(&clock)),
            clock,
            faults: Faults::default(),
            lost: RefCell::default(),
            log: RefCell::default(),
            random: Random::new(seed ^ 0x5eed),
            latency: Cell::new(0),
        })
    }

    pub(crate) fn sleep(&self, milliseconds: u64) -> Sleep {
        sleep(&self.clock, milliseconds)
    }

    /// The way there or back.
    pub(crate) async fn hop(&self) {
        let latency = self.latency.get();
        if latency > 0 {
            self.sleep(self.random.below(latency) + 1).await;
        }
    }

    /// A call of a store: `work` is done at once, somewhere between the two hops.
    pub(crate) async fn call<T: Debug>(
        &self,
        port: Port,
        work: impl FnOnce() -> T,
    ) -> Result<T, Error> {
        self.hop().await;
        let fault = self.faults.take(port, &self.random);
        if let Some(Fault::Slow(milliseconds)) = fault {
            self.sleep(milliseconds).await;
        }
        if fault == Some(Fault::Down) {
            return Err(down(port));
        }
        let result = work();
        self.executor.note(&format!("{port:?} {result:?}"));
        self.hop().await;
        match fault {
            Some(Fault::Lost) => Err(down(port)),
            _ => Ok(result),
        }
    }

    /// The result of `work`, unless it takes longer than `milliseconds`.
    pub(crate) async fn within<T>(
        &self,
        milliseconds: u64,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        use futures::future::{Either, select};
        match select(Box::pin(work), self.sleep(milliseconds)).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

/// The error that an adapter makes of a failed call.
pub(crate) fn down(port: Port) -> Error {
    Error::unavailable(
        "A part of the gateway is out of reach. Retry shortly.",
        format!("{port:?}"),
    )
}
