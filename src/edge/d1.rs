//! The database `DB`: D1.
//!
//! Parameters are bound, never spliced into the text. They travel as one JSON array,
//! so numbers must be below 2^53; money is text. Lists go in as one JSON text for `json_each`, since
//! a statement takes at most 100 parameters. <https://developers.cloudflare.com/d1/platform/limits/>

use std::rc::Rc;

use js_sys::Array;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::Env;

use super::js::{self, Thrown};
use crate::error::Error;

/// Bytes of JSON in one parameter; a row or text may have 2 MB.
pub(super) const PARAMETER_BYTES: usize = 500_000;

#[wasm_bindgen]
extern "C" {
    type D1;

    #[wasm_bindgen(method, catch)]
    fn prepare(this: &D1, sql: &str) -> Result<Prepared, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn batch(this: &D1, statements: &Array) -> Result<JsValue, JsValue>;

    type Prepared;

    #[wasm_bindgen(method, catch, variadic)]
    fn bind(this: &Prepared, values: &JsValue) -> Result<Prepared, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn all(this: &Prepared) -> Result<JsValue, JsValue>;
}

#[derive(Deserialize)]
struct Outcome<T> {
    #[serde(default = "Vec::new")]
    results: Vec<T>,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub(super) struct Database {
    env: Rc<Env>,
}

/// A statement with its parameters.
pub(super) struct Statement {
    prepared: Prepared,
}

impl Database {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }

    /// The rows of one statement. `parameters` must serialise to an array.
    pub(super) async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: &impl Serialize,
    ) -> Result<Vec<T>, Error> {
        self.query(sql, parameters).await.map_err(unavailable)
    }

    /// The first row of one statement.
    pub(super) async fn row<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: &impl Serialize,
    ) -> Result<Option<T>, Error> {
        Ok(self.rows(sql, parameters).await?.into_iter().next())
    }

    /// A statement for [`Self::transaction`].
    pub(super) fn statement(
        &self,
        sql: &str,
        parameters: &impl Serialize,
    ) -> Result<Statement, Error> {
        self.prepare(sql, parameters).map_err(unavailable)
    }

    /// Runs statements in one transaction; gives the rows of each.
    pub(super) async fn transaction<T: DeserializeOwned>(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Vec<T>>, Error> {
        self.batch(statements).await.map_err(unavailable)
    }

    async fn query<T: DeserializeOwned>(
        &self,
        sql: &str,
        parameters: &impl Serialize,
    ) -> Result<Vec<T>, Thrown> {
        let outcome = self.prepare(sql, parameters)?.prepared.all().await?;
        Ok(js::from_js::<Outcome<T>>(&outcome)?.results)
    }

    fn prepare(&self, sql: &str, parameters: &impl Serialize) -> Result<Statement, Thrown> {
        let prepared = self
            .binding()?
            .prepare(sql)?
            .bind(&js::to_js(parameters)?)?;
        Ok(Statement { prepared })
    }

    async fn batch<T: DeserializeOwned>(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Vec<T>>, Thrown> {
        let statements: Array = statements
            .into_iter()
            .map(|it| JsValue::from(it.prepared))
            .collect();
        let outcomes = self.binding()?.batch(&statements).await?;
        let outcomes: Vec<Outcome<T>> = js::from_js(&outcomes)?;
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.results)
            .collect())
    }

    fn binding(&self) -> Result<D1, Thrown> {
        js::binding(&self.env, "DB")
    }
}

fn unavailable(thrown: Thrown) -> Error {
    thrown.unavailable("database")
}

/// The JSON array of some rows for `json_each`, each small enough for one parameter.
pub(super) fn json_parts<T: Serialize>(rows: &[T]) -> Result<Vec<String>, Error> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for row in rows {
        let row = serde_json::to_string(row).map_err(|error| Error::internal(error.to_string()))?;
        if !part.is_empty() && part.len().saturating_add(row.len()) > PARAMETER_BYTES {
            parts.push(close(std::mem::take(&mut part)));
        }
        part.push(if part.is_empty() { '[' } else { ',' });
        part.push_str(&row);
    }
    if !part.is_empty() {
        parts.push(close(part));
    }
    Ok(parts)
}

fn close(mut part: String) -> String {
    part.push(']');
    part
}
