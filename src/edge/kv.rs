//! Cached answers: Workers KV.

use std::rc::Rc;

use futures::FutureExt;
use js_sys::{ArrayBuffer, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use worker::Env;

use super::js::{self, Thrown};
use crate::error::Error;
use crate::ports::{AnswerCache, Pending};

#[wasm_bindgen]
extern "C" {
    type Kv;

    #[wasm_bindgen(method, catch)]
    async fn get(this: &Kv, key: &str, kind: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn put(
        this: &Kv,
        key: &str,
        value: &Uint8Array,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PutOptions {
    /// Seconds, at least 60.
    expiration_ttl: u64,
}

/// The namespace `CACHE`.
pub(super) struct KvAnswerCache {
    env: Rc<Env>,
}

impl KvAnswerCache {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Thrown> {
        let value = self.namespace()?.get(key, "arrayBuffer").await?;
        let buffer = value.dyn_ref::<ArrayBuffer>();
        Ok(buffer.map(|buffer| Uint8Array::new(buffer).to_vec()))
    }

    async fn write(&self, key: &str, entry: &[u8], seconds: u64) -> Result<(), Thrown> {
        let options = js::to_js(&PutOptions {
            expiration_ttl: seconds,
        })?;
        // A copy: the platform may read it after this memory has moved on.
        let entry = Uint8Array::from(entry);
        self.namespace()?.put(key, &entry, &options).await?;
        Ok(())
    }

    fn namespace(&self) -> Result<Kv, Thrown> {
        js::binding(&self.env, "CACHE")
    }
}

impl AnswerCache for KvAnswerCache {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        self.read(key)
            .map(|entry| entry.map_err(unavailable))
            .boxed_local()
    }

    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, seconds: u64) -> Pending<'a, ()> {
        async move { self.write(key, &entry, seconds).await.map_err(unavailable) }.boxed_local()
    }
}

fn unavailable(thrown: Thrown) -> Error {
    thrown.unavailable("answer cache")
}
