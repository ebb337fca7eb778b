//! Documents and their passages: tables `documents` and `passages`. Every statement carries the org.

use futures::FutureExt;
use serde::{Deserialize, Serialize};

use super::d1::{self, Database};
use crate::error::Error;
use crate::ports::{Document, Documents, Passage, Pending};

/// Documents in D1.
pub(super) struct D1Documents {
    database: Database,
}

/// The id of a passage.
#[derive(Deserialize)]
struct Id {
    id: String,
}

/// What of a passage is stored in its own row.
#[derive(Serialize)]
struct PassageRow<'a> {
    id: &'a str,
    ordinal: u32,
    text: &'a str,
}

impl<'a> From<&'a Passage> for PassageRow<'a> {
    fn from(passage: &'a Passage) -> Self {
        Self {
            id: &passage.id,
            ordinal: passage.ordinal,
            text: &passage.text,
        }
    }
}

impl D1Documents {
    pub(super) const fn new(database: Database) -> Self {
        Self { database }
    }

    async fn find(&self, org: &str, ids: &[String]) -> Result<Vec<Passage>, Error> {
        let sql = "SELECT p.id, p.document, d.title, d.uri, p.ordinal, p.text
            FROM passages p JOIN documents d ON d.org = p.org AND d.id = p.document
            WHERE p.org = ?1 AND p.id IN (SELECT value FROM json_each(?2))";
        self.database.rows(sql, &(org, json(ids)?)).await
    }

    async fn replace(
        &self,
        org: &str,
        document: &Document,
        passages: &[Passage],
    ) -> Result<Vec<String>, Error> {
        let kept: Vec<&str> = passages.iter().map(|passage| passage.id.as_str()).collect();
        let gone = "SELECT id FROM passages WHERE org = ?1 AND document = ?2
            AND id NOT IN (SELECT value FROM json_each(?3))";
        let clear = "DELETE FROM passages WHERE org = ?1 AND document = ?2";
        let of = (org, &document.id);
        let mut statements = vec![
            self.database
                .statement(gone, &(org, &document.id, json(&kept)?))?,
            self.database.statement(clear, &of)?,
            self.upsert(org, document)?,
        ];
        let rows: Vec<PassageRow<'_>> = passages.iter().map(PassageRow::from).collect();
        let insert = "INSERT INTO passages (org, id, document, ordinal, text)
            SELECT ?1, value ->> 'id', ?2, value ->> 'ordinal', value ->> 'text' FROM json_each(?3)";
        for part in d1::json_parts(&rows)? {
            statements.push(
                self.database
                    .statement(insert, &(org, &document.id, part))?,
            );
        }
        self.first_ids(statements).await
    }

    fn upsert(&self, org: &str, document: &Document) -> Result<d1::Statement, Error> {
        let sql = "INSERT OR REPLACE INTO documents
            (org, id, collection, title, uri, language, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = (
            org,
            &document.id,
            &document.collection,
            &document.title,
            &document.uri,
            &document.language,
            document.created_at,
        );
        self.database.statement(sql, &values)
    }

    async fn delete(&self, org: &str, document: &str) -> Result<Vec<String>, Error> {
        let of = (org, document);
        let passages = "DELETE FROM passages WHERE org = ?1 AND document = ?2 RETURNING id";
        let row = "DELETE FROM documents WHERE org = ?1 AND id = ?2";
        let statements = vec![
            self.database.statement(passages, &of)?,
            self.database.statement(row, &of)?,
        ];
        self.first_ids(statements).await
    }

    /// Runs statements in one transaction; gives the ids that the first one returned.
    async fn first_ids(&self, statements: Vec<d1::Statement>) -> Result<Vec<String>, Error> {
        let rows: Vec<Vec<Id>> = self.database.transaction(statements).await?;
        let ids = rows.into_iter().next().unwrap_or_default();
        Ok(ids.into_iter().map(|row| row.id).collect())
    }
}

impl Documents for D1Documents {
    fn passages<'a>(&'a self, org: &'a str, ids: &'a [String]) -> Pending<'a, Vec<Passage>> {
        self.find(org, ids).boxed_local()
    }

    fn store<'a>(
        &'a self,
        org: &'a str,
        document: &'a Document,
        passages: &'a [Passage],
    ) -> Pending<'a, Vec<String>> {
        self.replace(org, document, passages).boxed_local()
    }

    fn document<'a>(&'a self, org: &'a str, id: &'a str) -> Pending<'a, Option<Document>> {
        let sql = "SELECT id, collection, title, uri, language, created_at
            FROM documents WHERE org = ?1 AND id = ?2";
        async move {
            let rows: Vec<Document> = self.database.rows(sql, &(org, id)).await?;
            Ok(rows.into_iter().next())
        }
        .boxed_local()
    }

    fn list<'a>(&'a self, org: &'a str) -> Pending<'a, Vec<Document>> {
        let sql = "SELECT id, collection, title, uri, language, created_at
            FROM documents WHERE org = ?1 ORDER BY created_at, id";
        async move { self.database.rows(sql, &(org,)).await }.boxed_local()
    }

    fn remove<'a>(&'a self, org: &'a str, document: &'a str) -> Pending<'a, Vec<String>> {
        self.delete(org, document).boxed_local()
    }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::internal(error.to_string()))
}
