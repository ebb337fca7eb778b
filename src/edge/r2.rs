//! The bucket `FILES`: R2.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use worker::Env;

use super::js::{self, Thrown};
use crate::error::Error;

/// Keys of one deletion. <https://developers.cloudflare.com/r2/api/workers/workers-api-reference/>
pub(super) const DELETE_BATCH: usize = 1_000;

#[wasm_bindgen]
extern "C" {
    type R2;

    #[wasm_bindgen(method, catch)]
    async fn put(this: &R2, key: &str, value: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn get(this: &R2, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn delete(this: &R2, keys: &Array) -> Result<JsValue, JsValue>;

    type R2Body;

    #[wasm_bindgen(method, catch)]
    async fn text(this: &R2Body) -> Result<JsValue, JsValue>;
}

/// The bucket.
pub(super) struct Bucket {
    env: Rc<Env>,
}

impl Bucket {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }

    /// Stores a text.
    pub(super) async fn put(&self, key: &str, text: &str) -> Result<(), Error> {
        self.write(key, text).await.map_err(unavailable)
    }

    /// A stored text.
    pub(super) async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        self.read(key).await.map_err(unavailable)
    }

    /// Removes objects, at most [`DELETE_BATCH`]; unknown keys are ignored.
    pub(super) async fn delete(&self, keys: &[String]) -> Result<(), Error> {
        self.remove(keys).await.map_err(unavailable)
    }

    async fn write(&self, key: &str, text: &str) -> Result<(), Thrown> {
        self.binding()?.put(key, text).await?;
        Ok(())
    }

    async fn read(&self, key: &str) -> Result<Option<String>, Thrown> {
        let object = self.binding()?.get(key).await?;
        if object.is_null() {
            return Ok(None);
        }
        let text = object.unchecked_into::<R2Body>().text().await?;
        Ok(text.as_string())
    }

    async fn remove(&self, keys: &[String]) -> Result<(), Thrown> {
        let keys: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        self.binding()?.delete(&keys).await?;
        Ok(())
    }

    fn binding(&self) -> Result<R2, Thrown> {
        js::binding(&self.env, "FILES")
    }
}

fn unavailable(thrown: Thrown) -> Error {
    thrown.unavailable("file store")
}
