//! Stored responses: table `responses`, and the bucket for those too large for a row. Every statement
//! but the one that clears up carries org and key.

use std::rc::Rc;

use futures::FutureExt;
use serde::Deserialize;
use worker::Env;

use super::d1::Database;
use super::r2::{self, Bucket};
use crate::error::Error;
use crate::ports::{Files, Owner, Pending, ResponseRow, Responses};

/// The largest body that has its place in the row, in bytes.
const ROW_BYTES: usize = 100_000;

/// Responses in D1 and R2.
pub(super) struct StoredResponses {
    database: Database,
    bucket: Bucket,
}

/// A row; its body is absent where it is in the bucket.
#[derive(Deserialize)]
struct Row {
    created_at: u64,
    expires_at: u64,
    body: Option<String>,
}

/// The place of a row, and whether its body is in the bucket.
#[derive(Deserialize)]
struct Place {
    org: String,
    key: String,
    id: String,
    outside: u8,
}

impl StoredResponses {
    pub(super) const fn new(database: Database, env: Rc<Env>) -> Self {
        Self {
            database,
            bucket: Bucket::new(env),
        }
    }

    /// The body goes first: a row that is there has its body.
    async fn store(&self, owner: &Owner, row: &ResponseRow) -> Result<(), Error> {
        let small = row.body.len() <= ROW_BYTES;
        if !small {
            let name = object_name(&owner.org, &owner.key, &row.id);
            self.bucket.put(&name, &row.body).await?;
        }
        let sql = "INSERT OR REPLACE INTO responses
            (org, key, id, created_at, expires_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = (
            &owner.org,
            &owner.key,
            &row.id,
            row.created_at,
            row.expires_at,
            small.then_some(&row.body),
        );
        let _: Vec<Row> = self.database.rows(sql, &values).await?;
        Ok(())
    }

    async fn find(&self, owner: &Owner, id: &str) -> Result<Option<ResponseRow>, Error> {
        let sql = "SELECT created_at, expires_at, body FROM responses
            WHERE org = ?1 AND key = ?2 AND id = ?3";
        let values = (&owner.org, &owner.key, id);
        let row: Option<Row> = self.database.row(sql, &values).await?;
        let Some(row) = row else { return Ok(None) };
        let mut body = row.body;
        if body.is_none() {
            let name = object_name(&owner.org, &owner.key, id);
            body = self.bucket.get(&name).await?;
        }
        Ok(body.map(|body| ResponseRow {
            id: id.to_owned(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            body,
        }))
    }

    async fn remove(&self, owner: &Owner, id: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM responses WHERE org = ?1 AND key = ?2 AND id = ?3
            RETURNING org, key, id, body IS NULL AS outside";
        let values = (&owner.org, &owner.key, id);
        let places: Vec<Place> = self.database.rows(sql, &values).await?;
        self.drop_bodies(&places).await?;
        Ok(!places.is_empty())
    }

    async fn clear(&self, now: u64) -> Result<(), Error> {
        let sql = "DELETE FROM responses WHERE rowid IN
            (SELECT rowid FROM responses WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
            RETURNING org, key, id, body IS NULL AS outside";
        let values = (now, r2::DELETE_BATCH);
        let places: Vec<Place> = self.database.rows(sql, &values).await?;
        self.drop_bodies(&places).await
    }

    async fn drop_bodies(&self, places: &[Place]) -> Result<(), Error> {
        let outside = places.iter().filter(|place| place.outside == 1);
        let names: Vec<String> = outside
            .map(|place| object_name(&place.org, &place.key, &place.id))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        Files::delete(&self.bucket, &names).await
    }
}

impl Responses for StoredResponses {
    fn put<'a>(&'a self, owner: &'a Owner, row: &'a ResponseRow) -> Pending<'a, ()> {
        self.store(owner, row).boxed_local()
    }

    fn get<'a>(&'a self, owner: &'a Owner, id: &'a str) -> Pending<'a, Option<ResponseRow>> {
        self.find(owner, id).boxed_local()
    }

    fn delete<'a>(&'a self, owner: &'a Owner, id: &'a str) -> Pending<'a, bool> {
        self.remove(owner, id).boxed_local()
    }

    fn purge(&self, now: u64) -> Pending<'_, ()> {
        self.clear(now).boxed_local()
    }
}

/// Where in the bucket a body is.
fn object_name(org: &str, key: &str, id: &str) -> String {
    format!("responses/{org}/{key}/{id}")
}
