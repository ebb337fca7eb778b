//! The bucket `FILES`: R2.

use std::rc::Rc;

use futures::FutureExt;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::Env;

use super::js::{self, Thrown};
use crate::error::Error;
use crate::ports::{Files, Pending};

/// Keys of one deletion. <https://developers.cloudflare.com/r2/api/workers/workers-api-reference/>
pub(super) const DELETE_BATCH: usize = 1_000;

#[wasm_bindgen]
extern "C" {
    type R2;

    #[wasm_bindgen(method, catch)]
    async fn put(this: &R2, key: &str, value: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn get(this: &R2, key: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn delete(this: &R2, keys: &Array) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn list(this: &R2, options: &JsValue) -> Result<JsValue, JsValue>;

    type R2Body;

    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    async fn array_buffer(this: &R2Body) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn text(this: &R2Body) -> Result<JsValue, JsValue>;
}

/// What is listed. <https://developers.cloudflare.com/r2/api/workers/workers-api-reference/#r2listoptions>
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListOptions<'a> {
    prefix: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    start_after: &'a str,
}

#[derive(Deserialize)]
struct Listed {
    objects: Vec<Listing>,
}

#[derive(Deserialize)]
struct Listing {
    key: String,
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
        self.write(key, &text.into()).await.map_err(unavailable)
    }

    /// A stored text.
    pub(super) async fn get(&self, key: &str) -> Result<Option<String>, Error> {
        self.read_text(key).await.map_err(unavailable)
    }

    async fn write(&self, key: &str, value: &JsValue) -> Result<(), Thrown> {
        self.binding()?.put(key, value).await?;
        Ok(())
    }

    async fn read_text(&self, key: &str) -> Result<Option<String>, Thrown> {
        match self.body(key).await? {
            Some(body) => Ok(body.text().await?.as_string()),
            None => Ok(None),
        }
    }

    async fn read_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Thrown> {
        let Some(body) = self.body(key).await? else {
            return Ok(None);
        };
        let buffer: ArrayBuffer = body.array_buffer().await?.unchecked_into();
        Ok(Some(Uint8Array::new(&buffer).to_vec()))
    }

    async fn body(&self, key: &str) -> Result<Option<R2Body>, Thrown> {
        let object = self.binding()?.get(key).await?;
        Ok((!object.is_null()).then(|| object.unchecked_into()))
    }

    async fn keys(&self, prefix: &str, start_after: &str) -> Result<Vec<String>, Thrown> {
        let options = js::to_js(&ListOptions {
            prefix,
            start_after,
        })?;
        let listed: Listed = js::from_js(&self.binding()?.list(&options).await?)?;
        Ok(listed.objects.into_iter().map(|it| it.key).collect())
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

impl Files for Bucket {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Pending<'a, ()> {
        async move {
            let bytes = Uint8Array::from(bytes.as_slice());
            self.write(name, &bytes).await.map_err(unavailable)
        }
        .boxed_local()
    }

    fn get<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        async move { self.read_bytes(name).await.map_err(unavailable) }.boxed_local()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> Pending<'a, ()> {
        async move { self.remove(names).await.map_err(unavailable) }.boxed_local()
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> Pending<'a, Vec<String>> {
        async move { self.keys(prefix, after).await.map_err(unavailable) }.boxed_local()
    }
}

fn unavailable(thrown: Thrown) -> Error {
    thrown.unavailable("file store")
}
