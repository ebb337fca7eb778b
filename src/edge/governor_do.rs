//! The Durable Object around an org's governor: storage, the alarm, the move of audit records to
//! D1, and the delivery of alerts. What is admitted and charged is decided by [`Governor`](crate::governor::Governor).
//!
//! Memory is a copy: it is rebuilt from storage at first use, and again after a write that may or
//! may not have happened. No borrow of it lives across an await.
//!
//! An alarm that is set is paid for like a row, a timer is not. So records go to D1 by a timer, and
//! by the alarm only where the timer was lost with the memory, or the move failed.

mod alarm;
mod copy;
mod journal;
mod live;
mod outbox;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, RefUnwindSafe};
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;
use wasm_bindgen_futures::spawn_local;
use worker::{DurableObject, Env, Request, Response, State, console_error, durable_object};

use self::alarm::Alarm;
use self::copy::Refreshing;
use self::journal::SqlJournal;
use self::live::Live;
use self::outbox::Batch;
use super::audit_log::D1AuditLog;
use super::clock::{now, sleep, within};
use super::d1::Database;
use super::governors::{Ask, Message};
use super::secrets::EnvSecrets;
use super::upstream;
use crate::error::{Error, Kind};
use crate::governor::command::{Envelope, PROTOCOL, Reply};
use crate::ports::{HttpCall, Secrets};
use crate::webhook;

/// Milliseconds after which a batch of audit records is taken for lost and sent again later.
const STORE_MS: u64 = 10_000;

/// Milliseconds in which a webhook is answered.
const TELL_MS: u64 = 10_000;

/// Milliseconds after which the alarm looks again where a failure left nothing in memory.
const LOOK_AGAIN_MS: u64 = 60_000;

/// The object.
#[durable_object(alarm)]
pub struct GovernorObject {
    office: AssertUnwindSafe<Rc<Office>>,
}

/// What the object's calls, its alarm and its timer share.
struct Office {
    alarm: Alarm,
    audit: D1AuditLog,
    env: Rc<Env>,
    journal: SqlJournal,
    live: RefCell<Option<Live>>,
    refreshing: Refreshing,
    /// Whether the timer runs.
    timed: Cell<bool>,
}

// A build in which panics unwind keeps the object after one.
const _: fn() = || {
    const fn survives_unwinding<T: RefUnwindSafe>() {}
    survives_unwinding::<GovernorObject>();
};

impl DurableObject for GovernorObject {
    fn new(state: State, env: Env) -> Self {
        let env = Rc::new(env);
        let office = Office {
            audit: D1AuditLog::new(Database::new(env.clone())),
            env,
            journal: SqlJournal::new(state.storage().sql()),
            alarm: Alarm::new(state),
            live: RefCell::new(None),
            refreshing: Refreshing::default(),
            timed: Cell::new(false),
        };
        Self {
            office: AssertUnwindSafe(Rc::new(office)),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        match self.office.answer(&request.text().await?).await {
            // Without the headers of `Response::ok`, which nobody reads.
            Ok(json) => Ok(Response::builder().fixed(json.into_bytes())),
            Err(error) => {
                console_error!("{error}");
                Response::error(error.to_string(), error.status())
            }
        }
    }

    /// Never fails: the platform would repeat it six times and then forget it.
    async fn alarm(&self) -> worker::Result<Response> {
        self.office.alarm.fired();
        let done = self.office.work().await;
        if let Err(error) = &done {
            console_error!("alarm: {error}");
        }
        self.office.arm(done.is_err()).await;
        Response::empty()
    }
}

impl Office {
    async fn answer(self: &Rc<Self>, body: &str) -> Result<String, Error> {
        let message: Message = serde_json::from_str(body).map_err(unreadable)?;
        let answer = match message.ask {
            Ask::Execute(envelope) => self.execute(&message.org, &envelope).await,
            Ask::Chain(after) => self.chain(&message.org, after),
            Ask::Flush => self.flush(&message.org).await,
            Ask::Purge => self.purge(&message.org).await,
        };
        self.arm(answer.is_err()).await;
        self.set_timer();
        answer
    }

    async fn execute(self: &Rc<Self>, org: &str, envelope: &RawValue) -> Result<String, Error> {
        let reply = match parse(envelope)? {
            Some(envelope) => {
                if envelope.command.asks_the_root() {
                    self.attend(org).await?;
                }
                self.with(org, |live, journal| live.execute(&envelope, now(), journal))?
            }
            None => Reply::Unsupported { protocol: PROTOCOL },
        };
        serde_json::to_string(&reply).map_err(|error| Error::internal(error.to_string()))
    }

    fn chain(&self, org: &str, after: u64) -> Result<String, Error> {
        let end = self.with(org, |live, journal| live.chain(after, journal))?;
        serde_json::to_string(&end).map_err(|error| Error::internal(error.to_string()))
    }

    async fn flush(&self, org: &str) -> Result<String, Error> {
        self.with(org, |_, _| Ok(()))?;
        self.drain().await?;
        Ok(String::new())
    }

    async fn purge(&self, org: &str) -> Result<String, Error> {
        let moved = self.flush(org).await?;
        self.with(org, Live::purge)?;
        Ok(moved)
    }

    /// Everything that is due.
    async fn work(&self) -> Result<(), Error> {
        if let Some(org) = self.journal.org()? {
            self.with(&org, |live, journal| live.tick(now(), journal))?;
            let drained = self.drain().await;
            self.tell().await?;
            drained?;
        }
        Ok(())
    }

    /// Sends the alerts there are now, one after the other, until one is not taken.
    async fn tell(&self) -> Result<(), Error> {
        let secret = EnvSecrets::new(self.env.clone()).value(webhook::SECRET);
        let next = |live: &mut Live, _: &SqlJournal| Ok(live.next_alert(secret.as_deref(), now()));
        while let Some((id, call)) = self.with_loaded(next)?.flatten() {
            let sent = self.send(call).await;
            let taken = sent.is_ok();
            let note = |live: &mut Live, journal: &SqlJournal| live.told(id, taken, now(), journal);
            self.with_loaded(note)?;
            if let Err(error) = sent {
                console_error!("alert {id} was not delivered: {error}");
                break;
            }
        }
        Ok(())
    }

    async fn send(&self, call: Result<HttpCall, Error>) -> Result<(), Error> {
        let answer = within(TELL_MS, upstream::run(&self.env, call?)).await;
        match answer {
            Some(Ok(answer)) if (200..300).contains(&answer.status) => Ok(()),
            Some(Ok(answer)) => Err(Error::internal(format!("status {}", answer.status))),
            Some(Err(error)) => Err(Error::internal(error.to_string())),
            None => Err(Error::internal("the webhook did not answer in time")),
        }
    }

    /// Moves the audit records there are now to D1.
    async fn drain(&self) -> Result<(), Error> {
        let goal = self
            .with_loaded(|live, _| Ok(live.last_record()))?
            .unwrap_or_default();
        let next = |live: &mut Live, journal: &SqlJournal| live.next_batch(goal, journal);
        while let Some(batch) = self.with_loaded(next)?.flatten() {
            let stored = self.store(&batch).await;
            let note = |live: &mut Live, journal: &SqlJournal| {
                live.note(stored.is_ok(), &batch, now(), journal)
            };
            self.with_loaded(note)?;
            stored?;
        }
        Ok(())
    }

    async fn store(&self, batch: &Batch) -> Result<(), Error> {
        within(STORE_MS, self.audit.store(&batch.org, &batch.records))
            .await
            .unwrap_or_else(|| Err(Error::internal("the audit log did not answer in time")))
    }

    /// Runs a step on the governor in memory, which is rebuilt where there is none. A step that
    /// fails may have left memory and storage apart, so memory is dropped.
    fn with<T>(
        &self,
        org: &str,
        step: impl FnOnce(&mut Live, &SqlJournal) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut slot = self.live.borrow_mut();
        let mut live = match slot.take() {
            Some(live) => live,
            None => Live::load(org, &self.journal, now())?,
        };
        let result = step(&mut live, &self.journal)?;
        *slot = Some(live);
        Ok(result)
    }

    /// Like [`Self::with`], but does nothing where memory was dropped meanwhile.
    fn with_loaded<T>(
        &self,
        step: impl FnOnce(&mut Live, &SqlJournal) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let org = self
            .live
            .borrow()
            .as_ref()
            .map(|live| live.org().to_owned());
        org.map(|org| self.with(&org, step)).transpose()
    }

    /// Starts the timer that moves records to D1, where there are some and it does not run.
    fn set_timer(self: &Rc<Self>) {
        let at = self.live.borrow().as_ref().and_then(Live::move_at);
        let Some(at) = at.filter(|_| !self.timed.replace(true)) else {
            return;
        };
        // A timer that never goes off, because the object was evicted, must not keep its memory.
        let office = Rc::downgrade(self);
        spawn_local(async move {
            sleep(at.saturating_sub(now())).await;
            if let Some(office) = office.upgrade() {
                office.time_is_up().await;
            }
        });
    }

    async fn time_is_up(self: &Rc<Self>) {
        let moved = self.drain().await;
        if let Err(error) = &moved {
            console_error!("audit records were not moved: {error}");
        }
        self.timed.set(false);
        self.arm(moved.is_err()).await;
        self.set_timer();
    }

    /// Arms the alarm for what is due next. After a failure that left nothing in memory, what is due
    /// is in storage only, so the alarm will look.
    async fn arm(&self, failed: bool) {
        let due = match self.live.borrow().as_ref() {
            Some(live) => live.due(),
            None => failed.then(|| now().saturating_add(LOOK_AGAIN_MS)),
        };
        if let Some(due) = due
            && let Err(error) = self.alarm.arm(due, now()).await
        {
            console_error!("the alarm could not be set: {error}");
        }
    }
}

/// The version of an envelope, whatever else it says.
#[derive(Deserialize)]
struct Version {
    protocol: u32,
}

/// The envelope, or nothing where its sender speaks another version.
fn parse(envelope: &RawValue) -> Result<Option<Envelope>, Error> {
    let version: Version = serde_json::from_str(envelope.get()).map_err(unreadable)?;
    if version.protocol == PROTOCOL {
        serde_json::from_str(envelope.get())
            .map(Some)
            .map_err(unreadable)
    } else {
        Ok(None)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn unreadable(error: serde_json::Error) -> Error {
    Error::new(Kind::InvalidRequest, format!("governor: {error}"))
}
