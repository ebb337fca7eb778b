//! What is known of the move of audit records to D1.

use super::journal::Recorded;
use crate::audit::Sealed;
use crate::edge::audit_log::Moved;
use crate::edge::d1::PARAMETER_BYTES;

/// Milliseconds between the first record and the move to D1, in which others join it.
pub(super) const DELAY_MS: u64 = 1_000;

/// The longest pause after failed moves.
const LONGEST_DELAY_MS: u64 = 60_000;

/// Milliseconds after which the alarm moves what a timer should have moved, which ends with the
/// object's memory. So long, that the alarm set for the deadline of a reservation comes before it
/// and no other is set: that would write one more row.
const FORGOTTEN_MS: u64 = 600_000;

/// The records of the journal that are to be moved.
pub(super) struct Outbox {
    /// The last row of the journal that carries a record; 0 where there is none.
    last_record: u64,
    /// The last row whose record is in D1 for certain, as far as memory goes back.
    moved: u64,
    /// When records should be moved; nothing while all of them are in D1.
    move_at: Option<u64>,
    /// Moves that have failed in a row.
    failures: u32,
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

impl Outbox {
    /// Of a journal whose last record is that of row `last_record`, with those up to row `moved` in D1.
    pub(super) fn new(last_record: u64, moved: u64, now: u64) -> Self {
        Self {
            last_record,
            moved,
            move_at: (last_record > moved).then(|| now.saturating_add(DELAY_MS)),
            failures: 0,
        }
    }

    pub(super) const fn last_record(&self) -> u64 {
        self.last_record
    }

    pub(super) const fn moved(&self) -> u64 {
        self.moved
    }

    /// A row with a record was written.
    pub(super) fn add(&mut self, row: u64, now: u64) {
        self.last_record = row;
        self.move_at.get_or_insert(now.saturating_add(DELAY_MS));
    }

    /// When the timer moves records. After a failure it is the alarm's turn.
    pub(super) fn timer_at(&self) -> Option<u64> {
        self.move_at.filter(|_| self.failures == 0)
    }

    /// When the alarm moves records.
    pub(super) fn alarm_at(&self) -> Option<u64> {
        let spare = if self.failures == 0 { FORGOTTEN_MS } else { 0 };
        self.move_at.map(|at| at.saturating_add(spare))
    }

    /// Notes whether the records up to row `last` are in D1 now.
    pub(super) fn note(&mut self, stored: bool, last: u64, now: u64) {
        if stored {
            self.moved = self.moved.max(last);
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
        let left = self.last_record > self.moved;
        self.move_at = left.then(|| now.saturating_add(self.pause()));
    }

    /// Milliseconds until the next move: doubled with every failure.
    fn pause(&self) -> u64 {
        let factor = 2_u64.saturating_pow(self.failures.saturating_sub(1));
        DELAY_MS.saturating_mul(factor).min(LONGEST_DELAY_MS)
    }
}

/// As many records as fit into one statement, at least one.
pub(super) fn batch(org: &str, rows: Vec<Recorded>) -> Option<Batch> {
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
