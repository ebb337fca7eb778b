//! A deterministic executor: one task at a time in seeded random order, time that moves only when
//! nothing is ready, and tasks that can be dropped between any two polls, which is at any await.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures::future::LocalBoxFuture;

use super::clock::VirtualClock;
use super::random::Random;

/// What runs together and is lost together: an isolate, or 0 for the world outside.
pub(crate) type Group = u64;
pub(crate) type TaskId = u64;

/// The world outside the isolates.
pub(crate) const OUTSIDE: Group = 0;

/// More polls than any run needs: what exceeds them spins.
const MOST_STEPS: u64 = 200_000_000;

struct Task {
    group: Group,
    future: LocalBoxFuture<'static, ()>,
}

#[derive(Default)]
struct Ready(Mutex<Vec<TaskId>>);

impl Ready {
    fn push(&self, id: TaskId) {
        let mut ready = self.0.lock().unwrap();
        if !ready.contains(&id) {
            ready.push(id);
        }
    }
}

struct TaskWaker {
    id: TaskId,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.ready.push(self.id);
    }
}

pub(crate) struct Executor {
    pub(crate) clock: Rc<VirtualClock>,
    random: Random,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    ready: Arc<Ready>,
    next: Cell<TaskId>,
    steps: Cell<u64>,
    /// A hash over everything that has happened, in order.
    digest: Cell<u64>,
}

impl Executor {
    pub(crate) fn new(seed: u64, clock: Rc<VirtualClock>) -> Self {
        Self {
            clock,
            random: Random::new(seed),
            tasks: RefCell::default(),
            ready: Arc::default(),
            next: Cell::new(1),
            steps: Cell::new(0),
            digest: Cell::new(0xcbf2_9ce4_8422_2325),
        }
    }

    pub(crate) fn spawn(&self, group: Group, future: LocalBoxFuture<'static, ()>) -> TaskId {
        let id = self.next.replace(self.next.get() + 1);
        self.tasks.borrow_mut().insert(id, Task { group, future });
        self.ready.push(id);
        id
    }

    /// Drops a task where it stands; whether it was still there.
    pub(crate) fn cancel(&self, id: TaskId) -> bool {
        let task = self.tasks.borrow_mut().remove(&id);
        task.is_some()
    }

    /// Drops all tasks of a group where they stand.
    pub(crate) fn cancel_group(&self, group: Group) {
        let of_group = |(id, task): (&TaskId, &Task)| (task.group == group).then_some(*id);
        let ids: Vec<TaskId> = self.tasks.borrow().iter().filter_map(of_group).collect();
        for id in ids {
            self.cancel(id);
        }
    }

    /// Notes that something happened.
    pub(crate) fn note(&self, what: &str) {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = what.bytes().fold(self.digest.get(), mix);
        self.digest.set(mix(hash, b'\n'));
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest.get()
    }

    /// Runs `future` to its end, and whatever else is ready until then.
    pub(crate) fn block_on<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> T {
        let slot = Rc::new(RefCell::new(None));
        let result = Rc::clone(&slot);
        let task = async move {
            let output = future.await;
            *result.borrow_mut() = Some(output);
        };
        self.spawn(OUTSIDE, Box::pin(task));
        loop {
            if let Some(output) = slot.borrow_mut().take() {
                return output;
            }
            assert!(self.step(u64::MAX), "nothing is left to wait for");
        }
    }

    /// Runs what is ready without letting time pass.
    pub(crate) fn run_ready(&self) {
        while self.poll_one() {}
    }

    /// Lets `milliseconds` pass.
    pub(crate) fn pass(&self, milliseconds: u64) {
        let end = self.clock.elapsed() + milliseconds;
        while self.step(end) {}
        self.clock.advance_to(end);
        self.run_ready();
    }

    /// One poll, or one step of time up to `end`; `false` where neither is left.
    pub(crate) fn step(&self, end: u64) -> bool {
        if self.poll_one() {
            return true;
        }
        match self.clock.next_timer() {
            Some(at) if at <= end => {
                self.clock.advance_to(at);
                true
            }
            _ => false,
        }
    }

    fn poll_one(&self) -> bool {
        let Some(id) = self.take_ready() else {
            return false;
        };
        let Some(mut task) = self.tasks.borrow_mut().remove(&id) else {
            return true;
        };
        self.steps.set(self.steps.get() + 1);
        assert!(self.steps.get() < MOST_STEPS, "the run does not end");
        self.note(&format!("{} {id}", self.clock.elapsed()));
        let waker = Waker::from(Arc::new(TaskWaker {
            id,
            ready: Arc::clone(&self.ready),
        }));
        match task.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                self.tasks.borrow_mut().insert(id, task);
            }
            Poll::Ready(()) => drop(task),
        }
        true
    }

    fn take_ready(&self) -> Option<TaskId> {
        let mut ready = self.ready.0.lock().unwrap();
        if ready.is_empty() {
            return None;
        }
        let index = self.random.index(ready.len());
        Some(ready.swap_remove(index))
    }
}
