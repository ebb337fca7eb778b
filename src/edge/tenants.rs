//! Orgs, keys and configuration: tables `orgs`, `api_keys`, `configs` and `deployment_configs`.

use futures::FutureExt;
use serde::{Deserialize, Serialize};

use super::d1::Database;
use crate::error::Error;
use crate::governor::root::ROOT;
use crate::ports::{ApiKey, ConfigRow, Org, Pending, Tenants};

/// Tenants in D1.
pub(super) struct D1Tenants {
    database: Database,
}

/// A row that is there; its column is of no interest.
#[derive(Deserialize)]
struct Present {}

/// A row of `api_keys`.
#[derive(Deserialize)]
pub(super) struct KeyRow {
    org: String,
    id: String,
    name: String,
    digest: String,
    /// A JSON array.
    scopes: String,
    created_at: u64,
    revoked_at: Option<u64>,
    expires_at: Option<u64>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = Error;

    fn try_from(row: KeyRow) -> Result<Self, Error> {
        let scopes = serde_json::from_str(&row.scopes)
            .map_err(|error| Error::internal(format!("scopes of key {}: {error}", row.id)))?;
        Ok(Self {
            org: row.org,
            id: row.id,
            name: row.name,
            digest: row.digest,
            scopes,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            expires_at: row.expires_at,
        })
    }
}

impl D1Tenants {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    async fn insert_key(&self, key: &ApiKey) -> Result<(), Error> {
        let sql = "INSERT INTO api_keys (org, id, name, digest, scopes, created_at, revoked_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, json(?5), ?6, ?7, ?8)";
        let scopes = serde_json::to_string(&key.scopes)
            .map_err(|error| Error::internal(error.to_string()))?;
        let values = (
            &key.org,
            &key.id,
            &key.name,
            &key.digest,
            scopes,
            key.created_at,
            key.revoked_at,
            key.expires_at,
        );
        self.database.rows::<Present>(sql, &values).await.map(drop)
    }

    async fn find_key(&self, org: &str, id: &str) -> Result<Option<ApiKey>, Error> {
        let sql = "SELECT org, id, name, digest, scopes, created_at, revoked_at, expires_at
            FROM api_keys WHERE org = ?1 AND id = ?2";
        let row: Option<KeyRow> = self.database.row(sql, &(org, id)).await?;
        row.map(ApiKey::try_from).transpose()
    }

    /// Stores a version of the deployment's configuration.
    async fn save_deployment(&self, row: &ConfigRow) -> Result<bool, Error> {
        let sql = "INSERT INTO deployment_configs (version, document, created_at, author, note)
            VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (version) DO NOTHING RETURNING version";
        let values = (
            row.version,
            &row.document,
            row.created_at,
            &row.author,
            &row.note,
        );
        self.changes(sql, &values).await
    }

    /// A version of the deployment's configuration, or the newest.
    async fn deployment(&self, version: Option<u64>) -> Result<Option<ConfigRow>, Error> {
        let sql = "SELECT version, document, created_at, author, note FROM deployment_configs
            WHERE version = coalesce(?1, (SELECT max(version) FROM deployment_configs))";
        self.database.row(sql, &(version,)).await
    }

    /// Whether the statement, which returns the rows it changed, changed any.
    async fn changes(&self, sql: &str, parameters: &impl Serialize) -> Result<bool, Error> {
        let row: Option<Present> = self.database.row(sql, parameters).await?;
        Ok(row.is_some())
    }
}

impl Tenants for D1Tenants {
    fn create_org<'a>(&'a self, org: &'a Org) -> Pending<'a, bool> {
        let sql = "INSERT INTO orgs (id, name, created_at) VALUES (?1, ?2, ?3)
            ON CONFLICT (id) DO NOTHING RETURNING id";
        async move {
            self.changes(sql, &(&org.id, &org.name, org.created_at))
                .await
        }
        .boxed_local()
    }

    fn org<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Org>> {
        let sql = "SELECT id, name, created_at FROM orgs WHERE id = ?1";
        async move { self.database.row(sql, &(id,)).await }.boxed_local()
    }

    fn orgs(&self) -> Pending<'_, Vec<Org>> {
        let sql = "SELECT id, name, created_at FROM orgs ORDER BY created_at, id";
        async move { self.database.rows(sql, &[(); 0]).await }.boxed_local()
    }

    fn create_key<'a>(&'a self, key: &'a ApiKey) -> Pending<'a, ()> {
        self.insert_key(key).boxed_local()
    }

    fn key<'a>(&'a self, org: &'a str, id: &'a str) -> Pending<'a, Option<ApiKey>> {
        self.find_key(org, id).boxed_local()
    }

    fn revoke_key<'a>(&'a self, org: &'a str, id: &'a str, at: u64) -> Pending<'a, bool> {
        // The first revocation stands.
        let sql = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?3)
            WHERE org = ?1 AND id = ?2 RETURNING id";
        async move { self.changes(sql, &(org, id, at)).await }.boxed_local()
    }

    fn save_config<'a>(&'a self, org: &'a str, row: &'a ConfigRow) -> Pending<'a, bool> {
        if org == ROOT {
            return self.save_deployment(row).boxed_local();
        }
        let sql = "INSERT INTO configs (org, version, document, created_at, author, note)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (org, version) DO NOTHING RETURNING version";
        let values = (
            org,
            row.version,
            &row.document,
            row.created_at,
            &row.author,
            &row.note,
        );
        async move { self.changes(sql, &values).await }.boxed_local()
    }

    fn config<'a>(&'a self, org: &'a str, version: Option<u64>) -> Pending<'a, Option<ConfigRow>> {
        if org == ROOT {
            return self.deployment(version).boxed_local();
        }
        let sql = "SELECT version, document, created_at, author, note FROM configs WHERE org = ?1
            AND version = coalesce(?2, (SELECT max(version) FROM configs WHERE org = ?1))";
        async move { self.database.row(sql, &(org, version)).await }.boxed_local()
    }
}
