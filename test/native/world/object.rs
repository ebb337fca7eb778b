//! A governor's object: the state machine, its storage, and the watch over what it admits.

use std::rc::Rc;

use esclusa::audit::{Person, Sealed};
use esclusa::error::Error;
use esclusa::governor::command::{Command, Envelope, Reply};
use esclusa::governor::root::{Freshness, ROOT};
use esclusa::governor::switches::Edition;
use esclusa::governor::{AlwaysUtc, Governor, Journal, Row};
use esclusa::ports::ChainEnd;
use serde::Deserialize;

use super::ledger::Ledger;

/// Milliseconds between the first record and its move.
const DRAIN_DELAY_MS: u64 = 1_000;
const LONGEST_DELAY_MS: u64 = 60_000;
/// Rows after which a snapshot replaces them.
const COMPACT_ROWS: u64 = 16;
/// Records moved together.
const BATCH: usize = 32;

/// How the next append goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    BeforeAppend,
    AfterAppend,
}

/// What survives.
#[derive(Default)]
struct Storage {
    snapshot: Option<String>,
    rows: Vec<Row>,
    crash: Option<Crash>,
    ledger: Ledger,
}

impl Journal for Storage {
    fn append(&mut self, row: &Row) -> Result<(), Error> {
        let crash = self.crash.take();
        if crash != Some(Crash::BeforeAppend) {
            self.ledger.take(row);
            self.rows.push(row.clone());
        }
        crash.map_or(Ok(()), |_| Err(Error::internal("the disk failed")))
    }
}

/// Records to be moved together.
pub(crate) struct Batch {
    pub(crate) records: Vec<(Sealed, Person)>,
    last: u64,
}

pub(crate) struct Object {
    org: String,
    governor: Option<Governor>,
    storage: Storage,
    /// The last row that the snapshot covers.
    compacted: u64,
    /// The last row whose record is in the audit log for certain.
    drained: u64,
    drain_at: Option<u64>,
    failures: u32,
    /// When the alarm goes off, milliseconds since the world began.
    pub(crate) alarm: Option<u64>,
}

impl Object {
    pub(crate) fn new(org: &str) -> Self {
        Self {
            org: org.to_owned(),
            governor: None,
            storage: Storage::default(),
            compacted: 0,
            drained: 0,
            drain_at: None,
            failures: 0,
            alarm: None,
        }
    }

    /// What was admitted and charged, as the rows say.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.storage.ledger
    }

    pub(crate) const fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.storage.ledger
    }

    /// Loses the memory.
    pub(crate) fn evict(&mut self) {
        self.governor = None;
    }

    /// How good the copy of the root's switches is.
    pub(crate) fn freshness(&mut self, now: u64) -> Result<Freshness, Error> {
        self.load()?;
        Ok(self.governor.as_ref().unwrap().freshness(now))
    }

    /// Takes in a copy of the root's switches that was asked for at `asked_at`.
    pub(crate) fn take_copy(&mut self, edition: Edition, (asked_at, now): (u64, u64)) {
        let adopt = Envelope::new(Command::Adopt(edition));
        self.execute(&adopt, now, None).unwrap();
        self.governor.as_mut().unwrap().note_copy(asked_at);
    }

    /// Everything ever charged.
    pub(crate) fn charged(&mut self) -> i128 {
        self.load().unwrap();
        self.governor.as_ref().unwrap().charged()
    }

    pub(crate) fn execute(
        &mut self,
        envelope: &Envelope,
        now: u64,
        crash: Option<Crash>,
    ) -> Result<Reply, Error> {
        self.load()?;
        self.storage.crash = crash;
        let reply = self.with(now, |governor, storage| {
            governor.execute(envelope, now, storage)
        });
        self.storage.crash = None;
        if let (Command::Reserve(reserve), Ok(Reply::Admitted { state, .. })) =
            (&envelope.command, &reply)
        {
            self.storage.ledger.check_admission(reserve, state);
        }
        reply
    }

    pub(crate) fn tick(&mut self, now: u64, crash: Option<Crash>) -> Result<(), Error> {
        self.load()?;
        self.storage.crash = crash;
        let ticked = self.with(now, |governor, storage| governor.tick(now, storage));
        self.storage.crash = None;
        ticked
    }

    /// When the alarm is needed next, by the wall clock.
    pub(crate) fn due(&self) -> Option<u64> {
        let governor = self.governor.as_ref()?;
        governor.next_due().into_iter().chain(self.drain_at).min()
    }

    /// Where the audit chain ends, and the records after position `after` that are still here.
    pub(crate) fn chain(&mut self, after: u64) -> Result<ChainEnd, Error> {
        self.load()?;
        let (seq, hash) = self.governor.as_ref().unwrap().head();
        let rows = self.storage.rows.iter();
        let sealed = rows.filter_map(|row| row.sealed.clone().map(|sealed| (row.seq, sealed)));
        let sealed: Vec<(u64, Sealed)> = sealed.collect();
        let waits = |(row, _): &&(u64, Sealed)| *row > self.drained;
        Ok(ChainEnd {
            seq,
            hash: hash.to_owned(),
            first: sealed.iter().find(waits).map(|(_, sealed)| sealed.seq),
            records: sealed
                .into_iter()
                .map(|(_, sealed)| sealed)
                .filter(|sealed| sealed.seq > after)
                .collect(),
        })
    }

    /// The last row that carries a record.
    pub(crate) fn last_record(&mut self) -> Result<u64, Error> {
        self.load()?;
        let recorded = self
            .storage
            .rows
            .iter()
            .rev()
            .find(|row| row.sealed.is_some());
        Ok(recorded.map_or(0, |row| row.seq))
    }

    pub(crate) fn next_batch(&self, goal: u64) -> Option<Batch> {
        let rows = self
            .storage
            .rows
            .iter()
            .filter(|row| row.seq > self.drained);
        let recorded = rows.filter(|row| row.sealed.is_some()).take(BATCH);
        let last = recorded.clone().last().map(|row| row.seq);
        let last = last.filter(|_| self.drained < goal)?;
        let records = recorded.filter_map(|row| Some((row.sealed.clone()?, person(row))));
        Some(Batch {
            records: records.collect(),
            last,
        })
    }

    /// Notes whether a batch has arrived, and compacts.
    pub(crate) fn note(&mut self, stored: bool, batch: &Batch, now: u64) -> Result<(), Error> {
        if stored {
            self.drained = self.drained.max(batch.last);
            self.failures = 0;
        } else {
            self.failures += 1;
        }
        let pause = DRAIN_DELAY_MS << self.failures.saturating_sub(1).min(10);
        let undrained = self.last_record()? > self.drained;
        self.drain_at = undrained.then(|| now + pause.min(LONGEST_DELAY_MS));
        self.compact()
    }

    fn compact(&mut self) -> Result<(), Error> {
        self.load()?;
        let governor = self.governor.as_ref().unwrap();
        if governor.seq() - self.compacted >= COMPACT_ROWS {
            return self.purge();
        }
        self.forget();
        Ok(())
    }

    /// Replaces all rows whose records are in the audit log, few as they may be.
    pub(crate) fn purge(&mut self) -> Result<(), Error> {
        self.load()?;
        let governor = self.governor.as_ref().unwrap();
        self.storage.snapshot = Some(governor.snapshot()?);
        self.compacted = governor.seq();
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        let superfluous = self.compacted.min(self.drained);
        self.storage.rows.retain(|row| row.seq > superfluous);
    }

    /// Everything that is stored, as text.
    pub(crate) fn stored(&self) -> String {
        let rows = self.storage.rows.iter().map(|row| row.entry.as_str());
        let snapshot = self.storage.snapshot.as_deref();
        rows.chain(snapshot).collect()
    }

    /// Runs a step. One that fails may have left memory and storage apart, so memory is dropped.
    fn with<T>(
        &mut self,
        now: u64,
        step: impl FnOnce(&mut Governor, &mut Storage) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut governor = self.governor.take().unwrap();
        let result = step(&mut governor, &mut self.storage)?;
        self.governor = Some(governor);
        if self.last_record()? > self.drained {
            self.drain_at.get_or_insert(now + DRAIN_DELAY_MS);
        }
        Ok(result)
    }

    fn load(&mut self) -> Result<(), Error> {
        if self.governor.is_none() {
            let rows = self.storage.rows.iter();
            let rows = rows.map(|row| (row.seq, row.entry.as_str()));
            let snapshot = self.storage.snapshot.as_deref();
            let governor = Governor::restore(&self.org, Rc::new(AlwaysUtc), snapshot, rows)?;
            let governor = governor.salted(format!("salt of {}", self.org));
            self.governor = Some(if self.org == ROOT {
                governor
            } else {
                governor.watching()
            });
        }
        Ok(())
    }
}

/// Who is behind the record of a row.
fn person(row: &Row) -> Person {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        person: Person,
    }
    let entry: Entry = serde_json::from_str(&row.entry).unwrap();
    entry.person
}
