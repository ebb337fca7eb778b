//! What people think of answers: the table `feedback`. Every statement carries the org.

use futures::FutureExt;
use serde::Deserialize;

use super::d1::Database;
use crate::error::Error;
use crate::ports::{Feedback, FeedbackFilter, FeedbackRow, Page, Pending};

/// Feedback in D1.
pub(super) struct D1Feedback {
    database: Database,
}

/// A row that is there; its column is of no interest.
#[derive(Deserialize)]
struct Present {}

impl D1Feedback {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    async fn insert(&self, org: &str, row: &FeedbackRow, most: u32) -> Result<bool, Error> {
        let sql = "INSERT OR REPLACE INTO feedback
            (org, request, user, key, thumbs, score, comment, at)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
            WHERE (SELECT count(*) FROM feedback
                WHERE org = ?1 AND request = ?2 AND user <> ?3) < ?9
            RETURNING request";
        let values = (
            org,
            &row.request,
            &row.user,
            &row.key,
            row.thumbs,
            row.score,
            &row.comment,
            row.at,
            most,
        );
        let stored: Option<Present> = self.database.row(sql, &values).await?;
        Ok(stored.is_some())
    }

    async fn find(
        &self,
        org: &str,
        filter: &FeedbackFilter,
        page: &Page,
    ) -> Result<Vec<FeedbackRow>, Error> {
        let sql = "SELECT request, user, key, thumbs, score, comment, at FROM feedback
            WHERE org = ?1 AND (?2 IS NULL OR (request, user) > (?2, ?3))
            AND (?4 IS NULL OR request = ?4) AND (?5 IS NULL OR thumbs = ?5)
            ORDER BY request, user LIMIT ?6 + 1";
        let after = page.after.as_deref().map(|after| {
            let (request, user) = after.split_once('/').unwrap_or((after, ""));
            (request, user)
        });
        let (request, user) = after.unzip();
        let values = (
            org,
            request,
            user,
            &filter.request,
            filter.thumbs,
            page.limit,
        );
        self.database.rows(sql, &values).await
    }

    async fn remove(&self, org: &str, user: &str) -> Result<(), Error> {
        let sql = "DELETE FROM feedback WHERE org = ?1 AND (user = ?2 OR request IN
            (SELECT request FROM audit_personal WHERE org = ?1 AND user = ?2)) RETURNING request";
        self.database
            .rows::<Present>(sql, &(org, user))
            .await
            .map(drop)
    }
}

impl Feedback for D1Feedback {
    fn store<'a>(&'a self, org: &'a str, row: &'a FeedbackRow, most: u32) -> Pending<'a, bool> {
        self.insert(org, row, most).boxed_local()
    }

    fn list<'a>(
        &'a self,
        org: &'a str,
        filter: &'a FeedbackFilter,
        page: &'a Page,
    ) -> Pending<'a, Vec<FeedbackRow>> {
        self.find(org, filter, page).boxed_local()
    }

    fn erase<'a>(&'a self, org: &'a str, user: &'a str) -> Pending<'a, ()> {
        self.remove(org, user).boxed_local()
    }
}
