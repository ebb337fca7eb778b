//! The object's storage: the journal, the snapshot, and the name of the org.
//!
//! Two statements are not atomic together, so nothing relies on that: a command is ONE statement, a
//! snapshot counts only when all of its parts are there, and rows are given up last.
//!
//! A row deleted is paid for like one written. So a row that nobody needs any more stays, and the
//! next command's row is written over it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use worker::{SqlStorage, SqlStorageValue};

use crate::audit::Sealed;
use crate::error::Error;
use crate::governor::Row;

/// Bytes of one part of a snapshot; a row may have 2 MB.
const PART_BYTES: usize = 1_000_000;

/// Rows read for one batch of audit records.
const BATCH_ROWS: u32 = 256;

/// Rows before the end of the snapshot that may wait to be written over. Older ones are deleted:
/// there are some only where D1 was away for long.
const SPARE_ROWS: u64 = 10_000;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS journal (
  seq INTEGER PRIMARY KEY,
  entry TEXT NOT NULL,
  audit_seq INTEGER, -- null, like the next two, where the entry has no audit record
  record TEXT,
  hash TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS snapshot (
  seq INTEGER NOT NULL, -- the last row of the journal that it covers
  part INTEGER NOT NULL, -- from 0
  parts INTEGER NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (seq, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS moved (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  seq INTEGER NOT NULL -- the records up to this row of the journal are in D1
) STRICT;
CREATE TABLE IF NOT EXISTS salt (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  salt TEXT NOT NULL -- of the digests of users; never leaves this object
) STRICT;
CREATE TABLE IF NOT EXISTS meta (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  org TEXT NOT NULL
) STRICT;";

/// Storage through SQL.
#[derive(Clone)]
pub(super) struct SqlJournal {
    sql: SqlStorage,
}

/// What the governor is rebuilt from.
pub(super) struct Stored {
    /// The newest whole snapshot.
    pub(super) snapshot: Option<Snapshot>,
    /// The rows after it, in order.
    pub(super) rows: Vec<(u64, String)>,
    /// The last row, also among those the snapshot covers, that carries an audit record; 0 where
    /// none does.
    pub(super) last_record: u64,
    /// The last row whose record was known to be in D1 when the snapshot was taken.
    pub(super) moved: u64,
}

/// Which rows nobody needs any more: those the snapshot covers, but for records still to be moved.
#[derive(Clone, Copy)]
pub(super) struct Spare {
    /// The last row that the snapshot covers.
    pub(super) covered: u64,
    /// The last row whose record is in D1.
    pub(super) moved: u64,
}

/// A snapshot and the last row it covers.
pub(super) struct Snapshot {
    pub(super) seq: u64,
    pub(super) state: String,
}

/// A row with its audit record.
#[derive(Deserialize)]
pub(super) struct Recorded {
    /// Position in the journal.
    pub(super) seq: u64,
    /// Position in the audit chain.
    pub(super) audit_seq: u64,
    /// Canonical JSON.
    pub(super) record: String,
    /// Its hash.
    pub(super) hash: String,
    /// Who is behind it, as JSON.
    pub(super) person: Option<String>,
}

#[derive(Deserialize)]
struct Salt {
    salt: String,
}

#[derive(Deserialize)]
struct Meta {
    org: String,
}

#[derive(Deserialize)]
struct Entry {
    seq: u64,
    entry: String,
}

#[derive(Deserialize)]
struct Part {
    seq: u64,
    state: String,
}

#[derive(Deserialize)]
struct Last {
    seq: u64,
}

#[derive(Deserialize)]
struct First {
    seq: Option<u64>,
}

impl SqlJournal {
    pub(super) const fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// The org this object belongs to, where it was ever used.
    pub(super) fn org(&self) -> Result<Option<String>, Error> {
        self.run(TABLES, Vec::new())?;
        let rows: Vec<Meta> = self.rows("SELECT org FROM meta", Vec::new())?;
        Ok(rows.into_iter().next().map(|meta| meta.org))
    }

    /// Everything a governor is rebuilt from. Notes the org's name at first use.
    pub(super) fn load(&self, org: &str) -> Result<Stored, Error> {
        match self.org()? {
            None => self.run(
                "INSERT INTO meta (id, org) VALUES (0, ?1)",
                vec![org.into()],
            )?,
            Some(known) if known == org => {}
            Some(known) => {
                return Err(Error::internal(format!(
                    "{org} asked the governor of {known}"
                )));
            }
        }
        let snapshot = self.snapshot()?;
        let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        let rows: Vec<Entry> = self.rows(
            "SELECT seq, entry FROM journal WHERE seq > ?1 ORDER BY seq",
            vec![integer(after)?],
        )?;
        let last: Vec<Last> = self.rows(
            "SELECT seq FROM journal WHERE record IS NOT NULL ORDER BY seq DESC LIMIT 1",
            Vec::new(),
        )?;
        let moved: Vec<Last> = self.rows("SELECT seq FROM moved", Vec::new())?;
        Ok(Stored {
            snapshot,
            moved: moved.first().map_or(0, |row| row.seq),
            rows: rows.into_iter().map(|row| (row.seq, row.entry)).collect(),
            last_record: last.first().map_or(0, |row| row.seq),
        })
    }

    /// The org's salt; `fresh` becomes it at first use.
    pub(super) fn salt(&self, fresh: [u8; 32]) -> Result<String, Error> {
        let insert = "INSERT OR IGNORE INTO salt (id, salt) VALUES (0, ?1)";
        self.run(insert, vec![hex::encode(fresh).into()])?;
        let rows: Vec<Salt> = self.rows("SELECT salt FROM salt", Vec::new())?;
        let salt = rows.into_iter().next().map(|row| row.salt);
        salt.ok_or_else(|| Error::internal("governor storage: the salt is not there"))
    }

    /// Rows with audit records after `row`, in order, some hundred at most.
    pub(super) fn records_after(&self, row: u64) -> Result<Vec<Recorded>, Error> {
        self.rows(
            "SELECT seq, audit_seq, record, hash, entry -> '$.person' AS person FROM journal
             WHERE seq > ?1 AND record IS NOT NULL ORDER BY seq LIMIT ?2",
            vec![integer(row)?, i64::from(BATCH_ROWS).into()],
        )
    }

    /// The position in the audit chain of the first record after `row`.
    pub(super) fn first_sealed(&self, row: u64) -> Result<Option<u64>, Error> {
        let sql = "SELECT min(audit_seq) AS seq FROM journal WHERE seq > ?1";
        let rows: Vec<First> = self.rows(sql, vec![integer(row)?])?;
        Ok(rows.first().and_then(|first| first.seq))
    }

    /// Records after position `after` of the audit chain, in order, some hundred at most.
    pub(super) fn sealed_after(&self, after: u64) -> Result<Vec<Sealed>, Error> {
        // Nothing is that far, and no JavaScript number either.
        let Ok(after) = integer(after) else {
            return Ok(Vec::new());
        };
        self.rows(
            "SELECT audit_seq AS seq, record, hash FROM journal
             WHERE audit_seq > ?1 ORDER BY seq LIMIT ?2",
            vec![after, i64::from(BATCH_ROWS).into()],
        )
    }

    /// Persists a row in one statement.
    pub(super) fn append(&self, row: &Row) -> Result<(), Error> {
        self.run(
            "INSERT INTO journal (seq, entry, audit_seq, record, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
            columns(row)?,
        )
    }

    /// Persists a row in one statement, in the place of the oldest one. Says whether it did: nothing
    /// has happened where the oldest one is still needed.
    pub(super) fn overwrite(&self, row: &Row, spare: Spare) -> Result<bool, Error> {
        let mut values = columns(row)?;
        values.push(integer(spare.covered)?);
        values.push(integer(spare.moved)?);
        let sql = "UPDATE journal SET seq = ?1, entry = ?2, audit_seq = ?3, record = ?4, hash = ?5
            WHERE seq = (SELECT min(seq) FROM journal)
            AND seq <= ?6 AND (record IS NULL OR seq <= ?7)";
        let cursor = self.sql.exec(sql, values).map_err(failed)?;
        Ok(cursor.rows_written() > 0)
    }

    /// Replaces the snapshot, and notes how far the records are in D1.
    pub(super) fn keep(&self, snapshot: &Snapshot, moved: u64) -> Result<(), Error> {
        let parts = split(&snapshot.state);
        let seq = integer(snapshot.seq)?;
        for (part, state) in parts.iter().enumerate() {
            self.run(
                "INSERT OR REPLACE INTO snapshot (seq, part, parts, state) VALUES (?1, ?2, ?3, ?4)",
                vec![
                    seq.clone(),
                    count(part)?,
                    count(parts.len())?,
                    (*state).into(),
                ],
            )?;
        }
        self.run("DELETE FROM snapshot WHERE seq < ?1", vec![seq])?;
        self.run(
            "INSERT OR REPLACE INTO moved (id, seq) VALUES (0, ?1)",
            vec![integer(moved)?],
        )
    }

    /// Deletes spare rows where there are many.
    pub(super) fn trim(&self, spare: Spare) -> Result<(), Error> {
        self.forget(Spare {
            covered: spare.covered.saturating_sub(SPARE_ROWS),
            ..spare
        })
    }

    /// Deletes all spare rows.
    pub(super) fn forget(&self, spare: Spare) -> Result<(), Error> {
        self.run(
            "DELETE FROM journal WHERE seq <= ?1 AND (record IS NULL OR seq <= ?2)",
            vec![integer(spare.covered)?, integer(spare.moved)?],
        )
    }

    fn snapshot(&self) -> Result<Option<Snapshot>, Error> {
        let parts: Vec<Part> = self.rows(
            "SELECT seq, state FROM snapshot WHERE seq =
               (SELECT max(seq) FROM (SELECT seq FROM snapshot GROUP BY seq HAVING count(*) = max(parts)))
             ORDER BY part",
            Vec::new(),
        )?;
        let seq = parts.first().map(|part| part.seq);
        let state = parts.into_iter().map(|part| part.state).collect();
        Ok(seq.map(|seq| Snapshot { seq, state }))
    }

    fn run(&self, sql: &str, values: Vec<SqlStorageValue>) -> Result<(), Error> {
        self.sql.exec(sql, values).map(drop).map_err(failed)
    }

    fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: Vec<SqlStorageValue>,
    ) -> Result<Vec<T>, Error> {
        let cursor = self.sql.exec(sql, values).map_err(failed)?;
        cursor.to_array().map_err(failed)
    }
}

/// The columns of a row, in the table's order.
fn columns(row: &Row) -> Result<Vec<SqlStorageValue>, Error> {
    let sealed = row.sealed.as_ref();
    let audit_seq = sealed.map(|sealed| integer(sealed.seq)).transpose()?;
    Ok(vec![
        integer(row.seq)?,
        row.entry.as_str().into(),
        audit_seq.unwrap_or(SqlStorageValue::Null),
        sealed.map(|sealed| sealed.record.as_str()).into(),
        sealed.map(|sealed| sealed.hash.as_str()).into(),
    ])
}

/// Splits a text into parts of at most [`PART_BYTES`], between characters.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > PART_BYTES {
        let middle = (0..=PART_BYTES).rev().find(|at| rest.is_char_boundary(*at));
        let Some((part, after)) = middle.and_then(|at| rest.split_at_checked(at)) else {
            break;
        };
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Refuses what a JavaScript number cannot hold.
fn integer(number: u64) -> Result<SqlStorageValue, Error> {
    i64::try_from(number)
        .ok()
        .and_then(|number| SqlStorageValue::try_from_i64(number).ok())
        .ok_or_else(|| Error::internal(format!("{number} does not fit a JavaScript number")))
}

fn count(number: usize) -> Result<SqlStorageValue, Error> {
    integer(u64::try_from(number).unwrap_or(u64::MAX))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn failed(error: worker::Error) -> Error {
    Error::internal(format!("governor storage: {error}"))
}
