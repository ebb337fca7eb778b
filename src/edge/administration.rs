//! What only administration reads and changes: lists of `orgs`, `api_keys`, `configs` and users, and
//! the table `members`.

use futures::FutureExt;
use serde::Deserialize;

use super::d1::Database;
use super::tenants::KeyRow;
use crate::error::Error;
use crate::governor::root::ROOT;
use crate::money::Nanos;
use crate::ports::{
    Administration, ApiKey, ConfigNote, KeyChange, KeyFilter, Member, MemberChange, Org, OrgFilter,
    Page, Pending, SeenUser,
};

/// Administration in D1.
pub(super) struct D1Administration {
    database: Database,
}

/// A row that is there; its column is of no interest.
#[derive(Deserialize)]
struct Present {}

/// What the records of a user come to. Money is text: it passes through a double otherwise.
#[derive(Deserialize)]
struct UserRow {
    user: String,
    requests: u64,
    spent: String,
    first_at: u64,
    last_at: u64,
}

impl TryFrom<UserRow> for SeenUser {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self, Error> {
        let spent = row.spent.parse();
        let spent = spent.map_err(|error| Error::internal(format!("spend of a user: {error}")))?;
        Ok(Self {
            user: row.user,
            requests: row.requests,
            spent: Nanos::new(spent),
            first_at: row.first_at,
            last_at: row.last_at,
        })
    }
}

impl D1Administration {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    async fn list_keys(
        &self,
        org: &str,
        filter: &KeyFilter,
        page: &Page,
    ) -> Result<Vec<ApiKey>, Error> {
        let sql = "SELECT org, id, name, digest, scopes, created_at, revoked_at, expires_at
            FROM api_keys WHERE org = ?1
            AND (?2 IS NULL OR (created_at, id) >
                (SELECT created_at, id FROM api_keys WHERE org = ?1 AND id = ?2))
            AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(scopes) WHERE value = ?3))
            AND (?4 IS NULL OR ?5 = (revoked_at IS NULL AND coalesce(expires_at > ?4, 1)))
            ORDER BY created_at, id LIMIT ?6 + 1";
        let (now, good) = filter.good.unzip();
        let good = good.map(u8::from);
        let values = (org, &page.after, &filter.scope, now, good, page.limit);
        let rows: Vec<KeyRow> = self.database.rows(sql, &values).await?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    async fn update_key(&self, org: &str, id: &str, change: &KeyChange) -> Result<(), Error> {
        let sql =
            "UPDATE api_keys SET name = coalesce(?3, name), scopes = coalesce(json(?4), scopes),
            expires_at = min(coalesce(expires_at, ?5), coalesce(?5, expires_at))
            WHERE org = ?1 AND id = ?2 RETURNING id";
        let scopes = change.scopes.as_ref().map(serde_json::to_string);
        let scopes = scopes
            .transpose()
            .map_err(|error| Error::internal(error.to_string()))?;
        let values = (org, id, &change.name, scopes, change.expires_at);
        self.database.rows::<Present>(sql, &values).await.map(drop)
    }

    async fn list_users(
        &self,
        org: &str,
        only: Option<&str>,
        page: &Page,
    ) -> Result<Vec<SeenUser>, Error> {
        let sql = "SELECT user, count(*) AS requests,
            CAST(sum(CAST(cost_nanos AS INTEGER)) AS TEXT) AS spent,
            min(at) AS first_at, max(at) AS last_at
            FROM audit_personal AS person JOIN audit
            ON audit.org = person.org AND audit.request = person.request
            WHERE person.org = ?1 AND user > coalesce(?2, '') AND (?3 IS NULL OR user = ?3)
            GROUP BY user ORDER BY user LIMIT ?4 + 1";
        let values = (org, &page.after, only, page.limit);
        let rows: Vec<UserRow> = self.database.rows(sql, &values).await?;
        rows.into_iter().map(SeenUser::try_from).collect()
    }

    async fn insert_member(&self, member: &Member) -> Result<bool, Error> {
        let sql = "INSERT INTO members (id, name, role, org, digest, created_at, removed_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING RETURNING id";
        let values = (
            &member.id,
            &member.name,
            member.role,
            &member.org,
            &member.digest,
            member.created_at,
            member.removed_at,
        );
        let row: Option<Present> = self.database.row(sql, &values).await?;
        Ok(row.is_some())
    }

    async fn update_member(&self, id: &str, change: &MemberChange) -> Result<(), Error> {
        let sql = "UPDATE members SET name = coalesce(?2, name), role = coalesce(?3, role),
            digest = coalesce(?4, digest), removed_at = coalesce(removed_at, ?5) WHERE id = ?1 RETURNING id";
        let values = (
            id,
            &change.name,
            change.role,
            &change.digest,
            change.removed_at,
        );
        self.database.rows::<Present>(sql, &values).await.map(drop)
    }
}

impl Administration for D1Administration {
    fn orgs<'a>(&'a self, filter: &'a OrgFilter, page: &'a Page) -> Pending<'a, Vec<Org>> {
        let sql = "SELECT id, name, created_at FROM orgs
            WHERE (?1 IS NULL OR (created_at, id) >
                (SELECT created_at, id FROM orgs WHERE id = ?1))
            AND (?2 IS NULL OR id = ?2)
            AND (?3 IS NULL OR instr(lower(id || char(10) || name), lower(?3)) > 0)
            ORDER BY created_at, id LIMIT ?4 + 1";
        let values = (&page.after, &filter.id, &filter.search, page.limit);
        async move { self.database.rows(sql, &values).await }.boxed_local()
    }

    fn rename_org<'a>(&'a self, id: &'a str, name: &'a str) -> Pending<'a, ()> {
        let sql = "UPDATE orgs SET name = ?2 WHERE id = ?1 RETURNING id";
        let values = (id, name);
        async move {
            let rows = self.database.rows::<Present>(sql, &values);
            rows.await.map(drop)
        }
        .boxed_local()
    }

    fn keys<'a>(
        &'a self,
        org: &'a str,
        filter: &'a KeyFilter,
        page: &'a Page,
    ) -> Pending<'a, Vec<ApiKey>> {
        self.list_keys(org, filter, page).boxed_local()
    }

    fn change_key<'a>(
        &'a self,
        org: &'a str,
        id: &'a str,
        change: &'a KeyChange,
    ) -> Pending<'a, ()> {
        self.update_key(org, id, change).boxed_local()
    }

    fn config_versions<'a>(
        &'a self,
        org: &'a str,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Vec<ConfigNote>> {
        if org == ROOT {
            let sql = "SELECT version, created_at, author, note FROM deployment_configs
                WHERE ?1 IS NULL OR version < ?1 ORDER BY version DESC LIMIT ?2 + 1";
            return async move { self.database.rows(sql, &(before, limit)).await }.boxed_local();
        }
        let sql = "SELECT version, created_at, author, note FROM configs
            WHERE org = ?1 AND (?2 IS NULL OR version < ?2) ORDER BY version DESC LIMIT ?3 + 1";
        async move { self.database.rows(sql, &(org, before, limit)).await }.boxed_local()
    }

    fn seen_users<'a>(
        &'a self,
        org: &'a str,
        only: Option<&'a str>,
        page: &'a Page,
    ) -> Pending<'a, Vec<SeenUser>> {
        self.list_users(org, only, page).boxed_local()
    }

    fn create_member<'a>(&'a self, member: &'a Member) -> Pending<'a, bool> {
        self.insert_member(member).boxed_local()
    }

    fn member<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Member>> {
        let sql = "SELECT id, name, role, org, digest, created_at, removed_at
            FROM members WHERE id = ?1";
        async move { self.database.row(sql, &(id,)).await }.boxed_local()
    }

    fn members<'a>(&'a self, page: &'a Page) -> Pending<'a, Vec<Member>> {
        let sql = "SELECT id, name, role, org, digest, created_at, removed_at FROM members
            WHERE ?1 IS NULL OR (created_at, id) >
                (SELECT created_at, id FROM members WHERE id = ?1)
            ORDER BY created_at, id LIMIT ?2 + 1";
        async move { self.database.rows(sql, &(&page.after, page.limit)).await }.boxed_local()
    }

    fn change_member<'a>(&'a self, id: &'a str, change: &'a MemberChange) -> Pending<'a, ()> {
        self.update_member(id, change).boxed_local()
    }
}
