//! The governor in memory, with what is known of the move of its records to D1.

use std::rc::Rc;

use super::journal::{Recorded, Snapshot, SqlJournal};
use crate::audit::Sealed;
use crate::edge::audit_log::Moved;
use crate::edge::d1::PARAMETER_BYTES;
use crate::edge::entropy::PlatformEntropy;
use crate::edge::zones::IntlZones;
use crate::error::Error;
use crate::governor::command::{Command, Envelope, Reply};
use crate::governor::{Alert, Governor, Journal, Row};
use crate::ports::{ChainEnd, Entropy, HttpCall};
use crate::webhook;

/// Milliseconds between the first record and the move to D1, in which others join it.
const DRAIN_DELAY_MS: u64 = 1_000;

/// The longest pause after failed moves.
const LONGEST_DELAY_MS: u64 = 60_000;

/// Rows of the journal after which a snapshot replaces them, unless they are less than the snapshot
/// itself. The price of a small number is rows written, that of a large one time to rebuild and
/// records that are sent twice.
const COMPACT_ROWS: u64 = 64;

/// The longest pause between attempts to deliver an alert.
const LONGEST_SILENCE_MS: u64 = 3_600_000;

/// How old an alert is when nobody wants it any more.
const STALE_ALERT_MS: u64 = 86_400_000;

/// The governor in memory.
pub(super) struct Live {
    org: String,
    governor: Governor,
    /// The last row of the journal that carries a record; 0 where there is none.
    last_record: u64,
    /// The last row whose record is in D1 for certain, as far as memory goes back.
    drained: u64,
    /// The last row that the stored snapshot covers.
    compacted: u64,
    /// Whether covered rows may still be there, because their records were not in D1.
    retained: bool,
    /// When records should be moved; nothing while all of them are in D1.
    drain_at: Option<u64>,
    /// Moves that have failed in a row.
    failures: u32,
    /// Bytes of the stored snapshot, and of the rows after it.
    snapshot_bytes: usize,
    row_bytes: usize,
    /// Before this instant no alert is sent.
    silent_until: u64,
    /// Alerts that were not taken in a row.
    untaken: u32,
}

/// Records to be moved together.
pub(super) struct Batch {
    /// The org.
    pub(super) org: String,
    /// The records.
    pub(super) records: Vec<Moved>,
    /// The row of the last of them.
    pub(super) last: u64,
}

/// A journal that notices records.
struct Noticing<'a> {
    journal: &'a mut SqlJournal,
    last_record: Option<u64>,
    bytes: usize,
}

impl Journal for Noticing<'_> {
    fn append(&mut self, row: &Row) -> Result<(), Error> {
        self.journal.append(row)?;
        self.bytes = self.bytes.saturating_add(row.entry.len());
        if row.sealed.is_some() {
            self.last_record = Some(row.seq);
        }
        Ok(())
    }
}

impl Live {
    /// Rebuilds the governor from storage.
    pub(super) fn load(org: &str, journal: &SqlJournal, now: u64) -> Result<Self, Error> {
        let stored = journal.load(org)?;
        let snapshot = stored.snapshot.as_ref();
        let state = snapshot.map(|snapshot| snapshot.state.as_str());
        let salt = journal.salt(PlatformEntropy.bytes()?)?;
        Ok(Self {
            org: org.to_owned(),
            governor: Governor::restore(org, Rc::new(IntlZones), state, stored.rows)?.salted(salt),
            last_record: stored.last_record,
            drained: 0,
            compacted: snapshot.map_or(0, |snapshot| snapshot.seq),
            retained: snapshot.is_some(),
            drain_at: (stored.last_record > 0).then(|| now.saturating_add(DRAIN_DELAY_MS)),
            failures: 0,
            snapshot_bytes: state.map_or(0, str::len),
            row_bytes: 0,
            silent_until: 0,
            untaken: 0,
        })
    }

    pub(super) fn org(&self) -> &str {
        &self.org
    }

    pub(super) fn execute(
        &mut self,
        envelope: &Envelope,
        now: u64,
        journal: &mut SqlJournal,
    ) -> Result<Reply, Error> {
        self.noticing(now, journal, |governor, journal| {
            governor.execute(envelope, now, journal)
        })
    }

    pub(super) fn tick(&mut self, now: u64, journal: &mut SqlJournal) -> Result<(), Error> {
        self.noticing(now, journal, |governor, journal| {
            governor.tick(now, journal)
        })
    }

    /// When the alarm is needed next, Unix milliseconds.
    pub(super) fn due(&self) -> Option<u64> {
        let alert = self.governor.undelivered().map(|_| self.silent_until);
        self.governor
            .next_due()
            .into_iter()
            .chain(self.drain_at)
            .chain(alert)
            .min()
    }

    /// The next alert to deliver, with its call where one can be made.
    pub(super) fn next_alert(
        &self,
        secret: Option<&str>,
        now: u64,
    ) -> Option<(u64, Result<HttpCall, Error>)> {
        let undelivered = self.governor.undelivered();
        let (url, alert) = undelivered.filter(|_| self.silent_until <= now)?;
        let unset = || Error::internal(format!("{} is not set", webhook::SECRET));
        let call = secret
            .ok_or_else(unset)
            .and_then(|secret| webhook::call(url, secret, &self.org, alert, now));
        Some((alert.id, call))
    }

    /// Notes whether an alert was taken. One that is a day old is given up.
    pub(super) fn told(
        &mut self,
        id: u64,
        taken: bool,
        now: u64,
        journal: &mut SqlJournal,
    ) -> Result<(), Error> {
        let stale = |(_, alert): (&str, &Alert)| alert.at.saturating_add(STALE_ALERT_MS) <= now;
        if taken || self.governor.undelivered().is_some_and(stale) {
            self.untaken = 0;
            let envelope = Envelope::new(Command::Delivered { id });
            return self.execute(&envelope, now, journal).map(drop);
        }
        self.untaken = self.untaken.saturating_add(1);
        let pause = DRAIN_DELAY_MS.saturating_mul(2_u64.saturating_pow(self.untaken));
        self.silent_until = now.saturating_add(pause.min(LONGEST_SILENCE_MS));
        Ok(())
    }

    /// Where the audit chain ends, and the records after position `after` that are still here.
    pub(super) fn chain(&self, after: u64, journal: &SqlJournal) -> Result<ChainEnd, Error> {
        let (seq, hash) = self.governor.head();
        Ok(ChainEnd {
            seq,
            hash: hash.to_owned(),
            first: journal.first_sealed(self.drained)?,
            records: journal.sealed_after(after)?,
        })
    }

    pub(super) const fn last_record(&self) -> u64 {
        self.last_record
    }

    /// The next records to move, up to row `goal`.
    pub(super) fn next_batch(
        &self,
        goal: u64,
        journal: &SqlJournal,
    ) -> Result<Option<Batch>, Error> {
        if self.drained >= goal {
            return Ok(None);
        }
        Ok(batch(&self.org, journal.records_after(self.drained)?))
    }

    /// Notes whether a batch is in D1 now, and makes rows of the journal superfluous.
    pub(super) fn note(
        &mut self,
        stored: bool,
        batch: &Batch,
        now: u64,
        journal: &SqlJournal,
    ) -> Result<(), Error> {
        if stored {
            self.drained = self.drained.max(batch.last);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
        let undrained = self.last_record > self.drained;
        self.drain_at = undrained.then(|| now.saturating_add(self.pause()));
        self.compact(journal)?;
        if self.retained && stored {
            journal.forget(self.compacted, self.drained)?;
            self.retained = self.drained < self.compacted && undrained;
        }
        Ok(())
    }

    /// Milliseconds until the next move: doubled with every failure.
    fn pause(&self) -> u64 {
        let factor = 2_u64.saturating_pow(self.failures.saturating_sub(1));
        DRAIN_DELAY_MS.saturating_mul(factor).min(LONGEST_DELAY_MS)
    }

    /// Replaces rows by a snapshot where there are many; also while D1 is down, so that a rebuild
    /// stays short.
    fn compact(&mut self, journal: &SqlJournal) -> Result<(), Error> {
        let seq = self.governor.seq();
        let few = seq.saturating_sub(self.compacted) < COMPACT_ROWS;
        if few || self.row_bytes < self.snapshot_bytes {
            return Ok(());
        }
        self.snapshot(journal)
    }

    /// Replaces all rows whose records are in D1, few as they may be.
    pub(super) fn purge(&mut self, journal: &SqlJournal) -> Result<(), Error> {
        self.snapshot(journal)?;
        journal.forget(self.compacted, self.drained)
    }

    fn snapshot(&mut self, journal: &SqlJournal) -> Result<(), Error> {
        let seq = self.governor.seq();
        let state = self.governor.snapshot()?;
        (self.snapshot_bytes, self.row_bytes) = (state.len(), 0);
        journal.keep(&Snapshot { seq, state })?;
        self.compacted = seq;
        self.retained = true;
        Ok(())
    }

    fn noticing<T>(
        &mut self,
        now: u64,
        journal: &mut SqlJournal,
        step: impl FnOnce(&mut Governor, &mut dyn Journal) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut journal = Noticing {
            journal,
            last_record: None,
            bytes: 0,
        };
        let result = step(&mut self.governor, &mut journal)?;
        self.row_bytes = self.row_bytes.saturating_add(journal.bytes);
        if let Some(row) = journal.last_record {
            self.last_record = row;
            self.drain_at
                .get_or_insert(now.saturating_add(DRAIN_DELAY_MS));
        }
        Ok(result)
    }
}

/// As many records as fit into one statement, at least one.
fn batch(org: &str, rows: Vec<Recorded>) -> Option<Batch> {
    let mut last = None;
    let mut bytes = 0_usize;
    let mut records = Vec::new();
    for row in rows {
        bytes = bytes.saturating_add(row.record.len());
        if bytes > PARAMETER_BYTES && last.is_some() {
            break;
        }
        last = Some(row.seq);
        records.push(Moved {
            sealed: Sealed {
                seq: row.audit_seq,
                record: row.record,
                hash: row.hash,
            },
            person: row.person,
        });
    }
    last.map(|last| Batch {
        org: org.to_owned(),
        records,
        last,
    })
}
