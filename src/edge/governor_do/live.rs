//! The governor in memory, with what is known of its rows and of the move of its records to D1.

use std::rc::Rc;

use super::journal::{Snapshot, Spare, SqlJournal};
use super::outbox::{self, Batch, Outbox};
use crate::edge::entropy::PlatformEntropy;
use crate::edge::zones::IntlZones;
use crate::error::Error;
use crate::governor::command::{Command, Envelope, Reply};
use crate::governor::root::{Freshness, ROOT};
use crate::governor::switches::Edition;
use crate::governor::{Alert, Governor, Journal, Row};
use crate::ports::{ChainEnd, Entropy, HttpCall};
use crate::webhook;

/// Rows of the journal after which a snapshot replaces them, unless they are less than the snapshot
/// itself. The price of a small number is rows written, that of a large one time to rebuild and
/// records that are sent twice.
const COMPACT_ROWS: u64 = 64;

/// The first and the longest pause between attempts to deliver an alert.
const SHORTEST_SILENCE_MS: u64 = 2_000;
const LONGEST_SILENCE_MS: u64 = 3_600_000;

/// How old an alert is when nobody wants it any more.
const STALE_ALERT_MS: u64 = 86_400_000;

/// The governor in memory.
pub(super) struct Live {
    org: String,
    governor: Governor,
    outbox: Outbox,
    /// The last row that the stored snapshot covers.
    compacted: u64,
    /// Whether there may be rows that nobody needs any more.
    spare: bool,
    /// Bytes of the stored snapshot, and of the rows after it.
    snapshot_bytes: usize,
    row_bytes: usize,
    /// Before this instant no alert is sent.
    silent_until: u64,
    /// Alerts that were not taken in a row.
    untaken: u32,
}

/// A journal that writes over spare rows, and notices records.
struct Noticing<'a> {
    journal: &'a SqlJournal,
    spare: Option<Spare>,
    last_record: Option<u64>,
    bytes: usize,
}

impl Journal for Noticing<'_> {
    fn append(&mut self, row: &Row) -> Result<(), Error> {
        self.write(row)?;
        self.bytes = self.bytes.saturating_add(row.entry.len());
        if row.sealed.is_some() {
            self.last_record = Some(row.seq);
        }
        Ok(())
    }
}

impl Noticing<'_> {
    fn write(&mut self, row: &Row) -> Result<(), Error> {
        if let Some(spare) = self.spare {
            if self.journal.overwrite(row, spare)? {
                return Ok(());
            }
            self.spare = None;
        }
        self.journal.append(row)
    }
}

impl Live {
    /// Rebuilds the governor from storage.
    pub(super) fn load(org: &str, journal: &SqlJournal, now: u64) -> Result<Self, Error> {
        let stored = journal.load(org)?;
        let snapshot = stored.snapshot.as_ref();
        let state = snapshot.map(|snapshot| snapshot.state.as_str());
        let salt = journal.salt(PlatformEntropy.bytes()?)?;
        let row_bytes = stored.rows.iter().map(|(_, entry)| entry.len()).sum();
        let governor = Governor::restore(org, Rc::new(IntlZones), state, stored.rows)?.salted(salt);
        let governor = if org == ROOT {
            governor
        } else {
            governor.watching()
        };
        Ok(Self {
            org: org.to_owned(),
            governor,
            outbox: Outbox::new(stored.last_record, stored.moved, now),
            compacted: snapshot.map_or(0, |snapshot| snapshot.seq),
            spare: snapshot.is_some(),
            snapshot_bytes: state.map_or(0, str::len),
            row_bytes,
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
        journal: &SqlJournal,
    ) -> Result<Reply, Error> {
        self.noticing(now, journal, |governor, journal| {
            governor.execute(envelope, now, journal)
        })
    }

    pub(super) fn tick(&mut self, now: u64, journal: &SqlJournal) -> Result<(), Error> {
        self.noticing(now, journal, |governor, journal| {
            governor.tick(now, journal)
        })
    }

    /// How good the copy of the root's switches is.
    pub(super) fn freshness(&self, now: u64) -> Freshness {
        self.governor.freshness(now)
    }

    /// Takes in a copy of the root's switches that was asked for at `asked_at`.
    pub(super) fn take_copy(
        &mut self,
        edition: Edition,
        (asked_at, now): (u64, u64),
        journal: &SqlJournal,
    ) -> Result<(), Error> {
        let adopt = Envelope::new(Command::Adopt(edition));
        self.execute(&adopt, now, journal)?;
        self.governor.note_copy(asked_at);
        Ok(())
    }

    /// When the alarm is needed next, Unix milliseconds.
    pub(super) fn due(&self) -> Option<u64> {
        let alert = self.governor.undelivered().map(|_| self.silent_until);
        self.governor
            .next_due()
            .into_iter()
            .chain(self.outbox.alarm_at())
            .chain(alert)
            .min()
    }

    /// When records should be moved without an alarm, Unix milliseconds.
    pub(super) fn move_at(&self) -> Option<u64> {
        self.outbox.timer_at()
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
        journal: &SqlJournal,
    ) -> Result<(), Error> {
        let stale = |(_, alert): (&str, &Alert)| alert.at.saturating_add(STALE_ALERT_MS) <= now;
        if taken || self.governor.undelivered().is_some_and(stale) {
            self.untaken = 0;
            let envelope = Envelope::new(Command::Delivered { id });
            return self.execute(&envelope, now, journal).map(drop);
        }
        let pause = SHORTEST_SILENCE_MS.saturating_mul(2_u64.saturating_pow(self.untaken));
        self.untaken = self.untaken.saturating_add(1);
        self.silent_until = now.saturating_add(pause.min(LONGEST_SILENCE_MS));
        Ok(())
    }

    /// Where the audit chain ends, and the records after position `after` that are still here.
    pub(super) fn chain(&self, after: u64, journal: &SqlJournal) -> Result<ChainEnd, Error> {
        let (seq, hash) = self.governor.head();
        Ok(ChainEnd {
            seq,
            hash: hash.to_owned(),
            first: journal.first_sealed(self.outbox.moved())?,
            records: journal.sealed_after(after)?,
        })
    }

    pub(super) const fn last_record(&self) -> u64 {
        self.outbox.last_record()
    }

    /// The next records to move, up to row `goal`.
    pub(super) fn next_batch(
        &self,
        goal: u64,
        journal: &SqlJournal,
    ) -> Result<Option<Batch>, Error> {
        let moved = self.outbox.moved();
        if moved >= goal {
            return Ok(None);
        }
        Ok(outbox::batch(&self.org, journal.records_after(moved)?))
    }

    /// Notes whether a batch is in D1 now, and makes rows of the journal spare.
    pub(super) fn note(
        &mut self,
        stored: bool,
        batch: &Batch,
        now: u64,
        journal: &SqlJournal,
    ) -> Result<(), Error> {
        self.outbox.note(stored, batch.last, now);
        self.spare |= stored && self.compacted > 0;
        self.compact(journal)
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
        journal.forget(self.spare_rows())
    }

    fn snapshot(&mut self, journal: &SqlJournal) -> Result<(), Error> {
        let seq = self.governor.seq();
        let state = self.governor.snapshot()?;
        (self.snapshot_bytes, self.row_bytes) = (state.len(), 0);
        journal.keep(&Snapshot { seq, state }, self.outbox.moved())?;
        self.compacted = seq;
        self.spare = true;
        journal.trim(self.spare_rows())
    }

    const fn spare_rows(&self) -> Spare {
        Spare {
            covered: self.compacted,
            moved: self.outbox.moved(),
        }
    }

    fn noticing<T>(
        &mut self,
        now: u64,
        journal: &SqlJournal,
        step: impl FnOnce(&mut Governor, &mut dyn Journal) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut journal = Noticing {
            journal,
            spare: self.spare.then(|| self.spare_rows()),
            last_record: None,
            bytes: 0,
        };
        let result = step(&mut self.governor, &mut journal)?;
        self.spare = journal.spare.is_some();
        self.row_bytes = self.row_bytes.saturating_add(journal.bytes);
        if let Some(row) = journal.last_record {
            self.outbox.add(row, now);
        }
        Ok(result)
    }
}
