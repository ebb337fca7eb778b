//! Vectors of passages: Vectorize, or the emulator over RPC.
//!
//! <https://developers.cloudflare.com/vectorize/reference/client-api/>

use std::rc::Rc;

use futures::FutureExt;
use js_sys::Float32Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::Env;

use super::js::{self, Thrown};
use crate::error::Error;
use crate::ports::{Pending, VectorMatch, VectorRecord, Vectors};

#[wasm_bindgen]
extern "C" {
    type Vectorize;

    #[wasm_bindgen(method, catch)]
    async fn query(
        this: &Vectorize,
        vector: &Float32Array,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn upsert(this: &Vectorize, vectors: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = deleteByIds)]
    async fn delete_by_ids(this: &Vectorize, ids: &JsValue) -> Result<JsValue, JsValue>;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryOptions<'a> {
    top_k: u32,
    namespace: &'a str,
    return_values: bool,
    return_metadata: &'a str,
}

#[derive(Deserialize)]
struct Matches {
    matches: Vec<VectorMatch>,
}

/// The index `VECTORS`.
pub(super) struct VectorizeIndex {
    env: Rc<Env>,
}

impl VectorizeIndex {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }

    async fn nearest(
        &self,
        namespace: &str,
        vector: &[f32],
        top_k: u32,
    ) -> Result<Vec<VectorMatch>, Thrown> {
        let options = js::to_js(&QueryOptions {
            top_k,
            namespace,
            return_values: false,
            return_metadata: "none",
        })?;
        let answer = self
            .index()?
            .query(&Float32Array::from(vector), &options)
            .await?;
        Ok(js::from_js::<Matches>(&answer)?.matches)
    }

    async fn store(&self, vectors: &[VectorRecord]) -> Result<(), Thrown> {
        self.index()?.upsert(&js::to_js(vectors)?).await?;
        Ok(())
    }

    async fn remove(&self, ids: &[String]) -> Result<(), Thrown> {
        self.index()?.delete_by_ids(&js::to_js(ids)?).await?;
        Ok(())
    }

    fn index(&self) -> Result<Vectorize, Thrown> {
        js::binding(&self.env, "VECTORS")
    }
}

impl Vectors for VectorizeIndex {
    fn query<'a>(
        &'a self,
        namespace: &'a str,
        vector: &'a [f32],
        top_k: u32,
    ) -> Pending<'a, Vec<VectorMatch>> {
        self.nearest(namespace, vector, top_k)
            .map(|matches| matches.map_err(unavailable))
            .boxed_local()
    }

    fn upsert<'a>(&'a self, vectors: &'a [VectorRecord]) -> Pending<'a, ()> {
        self.store(vectors)
            .map(|done| done.map_err(unavailable))
            .boxed_local()
    }

    fn delete<'a>(&'a self, ids: &'a [String]) -> Pending<'a, ()> {
        self.remove(ids)
            .map(|done| done.map_err(unavailable))
            .boxed_local()
    }
}

fn unavailable(thrown: Thrown) -> Error {
    thrown.unavailable("vector index")
}
