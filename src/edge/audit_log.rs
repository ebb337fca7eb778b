//! Audit records at rest: table `audit`. Governors fill it, administrators read it.

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::d1::Database;
use crate::audit::{Person, Sealed};
use crate::error::Error;
use crate::ports::{AuditFilter, AuditLog, Pending};

/// The audit log in D1.
pub(super) struct D1AuditLog {
    database: Database,
}

/// A record on its way to the log.
#[derive(Serialize)]
pub(super) struct Moved {
    /// The record.
    #[serde(flatten)]
    pub(super) sealed: Sealed,
    /// The [`Person`](crate::audit::Person) behind it, as JSON; kept apart.
    pub(super) person: Option<String>,
}

/// A row that was removed; its column is of no interest.
#[derive(Deserialize)]
struct Erased {}

#[derive(Deserialize)]
struct OfRequest {
    request: String,
}

/// Who is behind a request.
#[derive(Deserialize)]
struct Named {
    request: String,
    #[serde(flatten)]
    person: Person,
}

/// How many records of a batch are in the table as they were sent.
#[derive(Deserialize)]
struct Confirmed {
    records: usize,
}

impl D1AuditLog {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores records of an org, together at most 2 MB of JSON; those that are there already are
    /// left as they are, and those that were archived stay away.
    ///
    /// # Errors
    /// Unless every record is in the table now, with the hash it has here, or was archived.
    pub(super) async fn store(&self, org: &str, records: &[Moved]) -> Result<(), Error> {
        // Only with the record itself: what was erased does not come back when it is sent again.
        let name = "INSERT INTO audit_personal (org, request, user, address)
            SELECT ?1, record ->> 'request', coalesce(person ->> 'user', ''),
                coalesce(person ->> 'address', '')
            FROM (SELECT value ->> 'seq' AS seq, value ->> 'record' AS record,
                value ->> 'person' AS person FROM json_each(?2)) AS sent
            WHERE person IS NOT NULL
            AND seq > coalesce((SELECT through FROM audit_archives WHERE org = ?1), 0)
            AND NOT EXISTS (SELECT 1 FROM audit WHERE org = ?1 AND audit.seq = sent.seq)
            ON CONFLICT (org, request) DO NOTHING";
        // Not `OR IGNORE`, which would swallow a violated NOT NULL along with the duplicates.
        let insert = "INSERT INTO audit
            (org, seq, request, at, key, outcome, operation, status, cost_nanos, record, hash)
            SELECT ?1, seq, record ->> 'request', record ->> 'at', record ->> 'key',
                record ->> 'outcome', record ->> 'operation', record ->> 'status',
                record ->> 'cost', record, hash
            FROM (SELECT value ->> 'seq' AS seq, value ->> 'record' AS record,
                value ->> 'hash' AS hash FROM json_each(?2))
            WHERE seq > coalesce((SELECT through FROM audit_archives WHERE org = ?1), 0)
            ON CONFLICT (org, seq) DO NOTHING";
        let confirm = "SELECT count(*) AS records FROM json_each(?2) AS sent
            LEFT JOIN audit ON audit.org = ?1 AND audit.seq = sent.value ->> 'seq'
            WHERE audit.hash = sent.value ->> 'hash' OR sent.value ->> 'seq'
                <= coalesce((SELECT through FROM audit_archives WHERE org = ?1), 0)";
        let json = serde_json::to_string(records).map_err(|it| Error::internal(it.to_string()))?;
        let values = (org, json);
        let statements = vec![
            self.database.statement(name, &values)?,
            self.database.statement(insert, &values)?,
            self.database.statement(confirm, &values)?,
        ];
        let rows: Vec<Vec<Confirmed>> = self.database.transaction(statements).await?;
        let stored = rows.iter().flatten().map(|row| row.records).sum::<usize>();
        if stored == records.len() {
            return Ok(());
        }
        let sent = records.len();
        Err(Error::internal(format!(
            "the audit log has {stored} of {sent} records of {org}"
        )))
    }

    /// Forgets archived records, and remembers that they are not to come back.
    async fn forget(&self, org: &str, through: u64) -> Result<(), Error> {
        let note = "INSERT INTO audit_archives (org, through) VALUES (?1, ?2)
            ON CONFLICT (org) DO UPDATE SET through = max(through, excluded.through)";
        let delete = "DELETE FROM audit WHERE org = ?1 AND seq <= ?2";
        let values = (org, through);
        let statements = vec![
            self.database.statement(note, &values)?,
            self.database.statement(delete, &values)?,
        ];
        let _: Vec<Vec<Confirmed>> = self.database.transaction(statements).await?;
        Ok(())
    }

    async fn erase_user(&self, org: &str, user: &str) -> Result<u64, Error> {
        let sql = "DELETE FROM audit_personal WHERE rowid IN
            (SELECT rowid FROM audit_personal WHERE org = ?1 AND user = ?2 LIMIT 5000)
            RETURNING request";
        let mut erased: u64 = 0;
        loop {
            let rows: Vec<Erased> = self.database.rows(sql, &(org, user)).await?;
            if rows.is_empty() {
                return Ok(erased);
            }
            erased = erased.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        }
    }

    async fn named(&self, org: &str, requests: &[String]) -> Result<Vec<(String, Person)>, Error> {
        let sql = "SELECT request, user, address FROM audit_personal
            WHERE org = ?1 AND request IN (SELECT value FROM json_each(?2))";
        let requests =
            serde_json::to_string(requests).map_err(|it| Error::internal(it.to_string()))?;
        let rows: Vec<Named> = self.database.rows(sql, &(org, requests)).await?;
        let rows = rows.into_iter().map(|row| (row.request, row.person));
        Ok(rows.collect())
    }

    async fn find(&self, filter: &AuditFilter) -> Result<Vec<Sealed>, Error> {
        let (sql, values) = statement(filter);
        self.database.rows(&sql, &values).await
    }
}

impl AuditLog for D1AuditLog {
    fn query<'a>(&'a self, filter: &'a AuditFilter) -> Pending<'a, Vec<Sealed>> {
        self.find(filter).boxed_local()
    }

    fn people<'a>(
        &'a self,
        org: &'a str,
        requests: &'a [String],
    ) -> Pending<'a, Vec<(String, Person)>> {
        self.named(org, requests).boxed_local()
    }

    fn read<'a>(&'a self, org: &'a str, after: u64, most: u32) -> Pending<'a, Vec<Sealed>> {
        let sql = "SELECT seq, record, hash FROM audit WHERE org = ?1 AND seq > ?2
            ORDER BY seq LIMIT ?3";
        async move { self.database.rows(sql, &(org, after, most)).await }.boxed_local()
    }

    fn requests_of<'a>(
        &'a self,
        org: &'a str,
        user: &'a str,
        after: &'a str,
        most: u32,
    ) -> Pending<'a, Vec<String>> {
        let sql = "SELECT request FROM audit_personal
            WHERE org = ?1 AND user = ?2 AND request > ?3 ORDER BY request LIMIT ?4";
        async move {
            let rows: Vec<OfRequest> = self.database.rows(sql, &(org, user, after, most)).await?;
            Ok(rows.into_iter().map(|row| row.request).collect())
        }
        .boxed_local()
    }

    fn erase<'a>(&'a self, org: &'a str, user: &'a str) -> Pending<'a, u64> {
        self.erase_user(org, user).boxed_local()
    }

    fn remove<'a>(&'a self, org: &'a str, through: u64) -> Pending<'a, ()> {
        self.forget(org, through).boxed_local()
    }
}

/// Only the conditions that are asked for, so that an index can serve them.
fn statement(filter: &AuditFilter) -> (String, Vec<Value>) {
    let conditions = [
        (" AND request = ?", filter.request.clone().map(Value::from)),
        (" AND key = ?", filter.key.clone().map(Value::from)),
        (" AND outcome = ?", filter.outcome.clone().map(Value::from)),
        (
            " AND operation = ?",
            filter.operation.clone().map(Value::from),
        ),
        (
            " AND request IN (SELECT request FROM audit_personal
                WHERE audit_personal.org = audit.org AND user = ?)",
            filter.user.clone().map(Value::from),
        ),
        (
            " AND record ->> '$.change.object' = ?",
            filter.object.clone().map(Value::from),
        ),
        (
            " AND (record ->> '$.change' IS NOT NULL) = ?",
            filter.changes.map(|wanted| Value::from(u8::from(wanted))),
        ),
        (" AND seq < ?", filter.before.map(Value::from)),
    ];
    let mut sql = "SELECT seq, record, hash FROM audit WHERE org = ?".to_owned();
    let mut values = vec![Value::from(filter.org.as_str())];
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(" ORDER BY seq DESC LIMIT ?");
    values.push(Value::from(filter.limit));
    (sql, values)
}
