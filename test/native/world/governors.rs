//! The governors: the real state machine on a journal in memory, behind a client and an object that
//! do what those of `src/edge/` do: repeat once, start anew after a failed write, one alarm, and
//! records that move to the audit log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use esclusa::error::Error;
use esclusa::governor::command::{Command, Envelope, Reply};
use esclusa::governor::root::{Freshness, ROOT};
use esclusa::ports::{ChainEnd, Governors, Pending};
use futures::FutureExt;

use super::database::Database;
use super::executor::OUTSIDE;
use super::faults::{Fault, Port};
use super::object::{Crash, Object};
use super::shared::{Shared, down};

/// Milliseconds in which a command is answered, a second try included.
const COMMAND_MS: u64 = 1_500;
const FLUSH_MS: u64 = 10_000;
/// Milliseconds in which the root answers.
const COPY_MS: u64 = 1_000;
/// Milliseconds after which a batch of records is taken for lost.
const STORE_MS: u64 = 10_000;
/// Milliseconds between now and the earliest alarm.
const SOONEST_MS: u64 = 100;
const LOOK_AGAIN_MS: u64 = 60_000;

/// All governors. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Objects {
    shared: Rc<Shared>,
    database: Database,
    by_org: Rc<RefCell<BTreeMap<String, Rc<RefCell<Object>>>>>,
    /// Calls of governors so far.
    pub(crate) calls: Rc<Cell<u64>>,
}

impl Objects {
    pub(crate) fn new(shared: Rc<Shared>, database: Database) -> Self {
        Self {
            shared,
            database,
            by_org: Rc::default(),
            calls: Rc::default(),
        }
    }

    /// The object of an org.
    pub(crate) fn of(&self, org: &str) -> Rc<RefCell<Object>> {
        let mut objects = self.by_org.borrow_mut();
        let object = objects
            .entry(org.to_owned())
            .or_insert_with(|| Rc::new(RefCell::new(Object::new(org))));
        Rc::clone(object)
    }

    /// Every object loses its memory.
    pub(crate) fn evict_all(&self) {
        let objects = self.by_org.borrow();
        objects
            .values()
            .for_each(|object| object.borrow_mut().evict());
    }

    async fn command(&self, org: &str, command: Command) -> Result<Reply, Error> {
        let sent = serde_json::to_string(&Envelope::new(command)).unwrap();
        let attempts = async {
            match self.attempt(org, &sent).await {
                Err(_) => self.attempt(org, &sent).await,
                outcome => outcome,
            }
        };
        let answered = self.shared.within(COMMAND_MS, attempts).await;
        let text = answered.unwrap_or_else(|| Err(down(Port::Governor)))?;
        Ok(serde_json::from_str(&text).unwrap())
    }

    async fn attempt(&self, org: &str, sent: &str) -> Result<String, Error> {
        self.calls.set(self.calls.get() + 1);
        self.shared.hop().await;
        let fault = self.shared.faults.take(Port::Governor, &self.shared.random);
        if fault == Some(Fault::Down) {
            return Err(down(Port::Governor));
        }
        if let Some(Fault::Slow(milliseconds)) = fault {
            // The caller may give up while the command is under way: it arrives all the same.
            self.delayed(org, sent, milliseconds).await;
        }
        if fault == Some(Fault::Evict) {
            self.of(org).borrow_mut().evict();
        }
        self.attend(org, sent).await;
        // The object answers a failure with a status, of which its client knows nothing more.
        let reply = self
            .execute(org, sent, fault)
            .map_err(|_| down(Port::Governor))?;
        self.shared.hop().await;
        match fault {
            Some(Fault::Lost) => Err(down(Port::Governor)),
            _ => Ok(reply),
        }
    }

    /// Executes a command after a while, whether or not anybody still waits for it.
    async fn delayed(&self, org: &str, sent: &str, milliseconds: u64) {
        let (objects, org, sent) = (self.clone(), org.to_owned(), sent.to_owned());
        let (done, arrived) = futures::channel::oneshot::channel();
        let task = async move {
            objects.shared.sleep(milliseconds).await;
            objects.attend(&org, &sent).await;
            // The caller asks again, or has gone.
            let _ = objects.execute(&org, &sent, None);
            let _ = done.send(());
        };
        self.shared.executor.spawn(OUTSIDE, task.boxed_local());
        arrived.await.unwrap();
    }

    /// Sees to the copy of the root's switches, for a command that is answered by it too.
    async fn attend(&self, org: &str, sent: &str) {
        let envelope: Envelope = serde_json::from_str(sent).unwrap();
        if !envelope.command.asks_the_root() {
            return;
        }
        let now = self.shared.clock.wall();
        let freshness = self.of(org).borrow_mut().freshness(now);
        match freshness.unwrap_or(Freshness::Gone) {
            Freshness::Fresh => {}
            Freshness::Due => {
                let (objects, org) = (self.clone(), org.to_owned());
                let task = async move { objects.copy(&org).await };
                self.shared.executor.spawn(OUTSIDE, task.boxed_local());
            }
            Freshness::Gone => self.copy(org).await,
        }
    }

    async fn copy(&self, org: &str) {
        let asked_at = self.shared.clock.wall();
        let answered = self.shared.within(COPY_MS, self.ask_root(org)).await;
        if let Some(Ok(Reply::Switches(edition))) = answered {
            let now = self.shared.clock.wall();
            let object = self.of(org);
            object.borrow_mut().take_copy(edition, (asked_at, now));
            self.arm(org, false);
        }
    }

    async fn ask_root(&self, org: &str) -> Result<Reply, Error> {
        let org = org.to_owned();
        let sent = serde_json::to_string(&Envelope::new(Command::Copy { org })).unwrap();
        let work = || self.execute(ROOT, &sent, None);
        let text = self.shared.call(Port::Root, work).await??;
        Ok(serde_json::from_str(&text).unwrap())
    }

    fn execute(&self, org: &str, sent: &str, fault: Option<Fault>) -> Result<String, Error> {
        let envelope: Envelope = serde_json::from_str(sent).unwrap();
        let object = self.of(org);
        let now = self.shared.clock.wall();
        let reply = object.borrow_mut().execute(&envelope, now, crash(fault));
        self.arm(org, reply.is_err());
        let text = serde_json::to_string(&reply?).unwrap();
        self.shared.executor.note(&text);
        Ok(text)
    }

    /// Makes sure that the alarm of an org's object goes off in time.
    fn arm(&self, org: &str, failed: bool) {
        let object = self.of(org);
        let now = self.shared.clock.wall();
        let due = object.borrow().due();
        let due = due.or_else(|| failed.then(|| now + LOOK_AGAIN_MS));
        let Some(delay) = due.map(|due| due.saturating_sub(now).max(SOONEST_MS)) else {
            return;
        };
        let at = self.shared.clock.elapsed() + delay;
        if object.borrow().alarm.is_some_and(|pending| pending <= at) {
            return;
        }
        object.borrow_mut().alarm = Some(at);
        let (objects, org) = (self.clone(), org.to_owned());
        let task = async move {
            objects.shared.sleep(delay).await;
            objects.alarm(&org, at).await;
        };
        self.shared.executor.spawn(OUTSIDE, task.boxed_local());
    }

    async fn alarm(&self, org: &str, at: u64) {
        let object = self.of(org);
        if object.borrow().alarm != Some(at) {
            return;
        }
        object.borrow_mut().alarm = None;
        let fault = self.shared.faults.take(Port::Alarm, &self.shared.random);
        let ticked = match fault {
            Some(Fault::Down) => Err(down(Port::Alarm)),
            fault => {
                let now = self.shared.clock.wall();
                object.borrow_mut().tick(now, crash(fault))
            }
        };
        let done = match ticked {
            Ok(()) => self.drain(org).await,
            Err(error) => Err(error),
        };
        self.arm(org, done.is_err());
    }

    /// Moves the records there are now to the audit log.
    pub(crate) async fn drain(&self, org: &str) -> Result<(), Error> {
        let object = self.of(org);
        let goal = object.borrow_mut().last_record()?;
        loop {
            let Some(batch) = object.borrow().next_batch(goal) else {
                return Ok(());
            };
            let store = self.database.store_records(org, &batch.records);
            let stored = self.shared.within(STORE_MS, store).await;
            let stored = stored.unwrap_or_else(|| Err(down(Port::Audit)));
            let now = self.shared.clock.wall();
            object.borrow_mut().note(stored.is_ok(), &batch, now)?;
            stored?;
        }
    }

    async fn flush_now(&self, org: &str) -> Result<(), Error> {
        self.shared.hop().await;
        if self.shared.faults.take(Port::Governor, &self.shared.random) == Some(Fault::Down) {
            return Err(down(Port::Governor));
        }
        let drained = self.drain(org).await;
        self.arm(org, drained.is_err());
        drained
    }
}

/// What a fault does to the next write.
const fn crash(fault: Option<Fault>) -> Option<Crash> {
    match fault {
        Some(Fault::BeforeAppend) => Some(Crash::BeforeAppend),
        Some(Fault::AfterAppend) => Some(Crash::AfterAppend),
        _ => None,
    }
}

impl Governors for Objects {
    fn execute<'a>(&'a self, org: &'a str, command: Command) -> Pending<'a, Reply> {
        self.command(org, command).boxed_local()
    }

    fn chain<'a>(&'a self, org: &'a str, after: u64) -> Pending<'a, ChainEnd> {
        let work = move || self.of(org).borrow_mut().chain(after).unwrap();
        self.shared.call(Port::Governor, work).boxed_local()
    }

    fn flush<'a>(&'a self, org: &'a str) -> Pending<'a, ()> {
        async move {
            let flushed = self.shared.within(FLUSH_MS, self.flush_now(org)).await;
            flushed.unwrap_or_else(|| Err(down(Port::Governor)))
        }
        .boxed_local()
    }

    fn purge<'a>(&'a self, org: &'a str) -> Pending<'a, ()> {
        async move {
            self.flush(org).await?;
            self.of(org).borrow_mut().purge()
        }
        .boxed_local()
    }
}
