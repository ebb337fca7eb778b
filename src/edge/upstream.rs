//! Calls over HTTPS: `fetch`, or the binding `PROVIDERS` where there is one, which stands in for the
//! whole internet on a machine without it.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use js_sys::{Object, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{Request, RequestInit, RequestRedirect, Response};
use worker::Env;

use super::js::{self, Thrown};
use super::response::{self, Chunks};
use crate::ports::{HttpCall, Unreachable, Upstream};

#[wasm_bindgen]
extern "C" {
    type Service;

    #[wasm_bindgen(catch, js_name = fetch)]
    async fn fetch(request: &Request) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = fetch)]
    async fn fetch_from(this: &Service, request: &Request) -> Result<JsValue, JsValue>;

    type AbortController;

    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<AbortController, JsValue>;

    #[wasm_bindgen(method, getter, catch)]
    fn signal(this: &AbortController) -> Result<web_sys::AbortSignal, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn abort(this: &AbortController) -> Result<(), JsValue>;
}

/// Calls a provider. Dropping the future, or the body of its answer, aborts the call.
pub(super) async fn run(env: &Env, call: HttpCall) -> Result<Upstream, Unreachable> {
    answer(env, call).await.map_err(Unreachable::from)
}

async fn answer(env: &Env, call: HttpCall) -> Result<Upstream, Thrown> {
    let guard = Guard(AbortController::new()?);
    let request = request(&call, &guard)?;
    // No binding, no stand-in.
    let answer = match js::binding::<Service>(env, "PROVIDERS") {
        Ok(service) => service.fetch_from(&request).await?,
        Err(_) => fetch(&request).await?,
    };
    let response: Response = answer
        .dyn_into()
        .map_err(|_| Thrown::new("fetch gave something else than a response"))?;
    let body = body(&response, guard).await?;
    response::upstream(&response, body)
}

/// Redirects are not followed: whoever could make a provider redirect would get the key.
fn request(call: &HttpCall, guard: &Guard) -> Result<Request, Thrown> {
    let init = RequestInit::new();
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&guard.0.signal()?));
    init.set_headers_record_from_str_to_str(&headers(call)?);
    if let Some(body) = &call.body {
        init.set_method("POST");
        // A copy: the platform reads it after this memory has moved on.
        init.set_body(&Uint8Array::from(body.bytes.as_slice()));
    }
    Ok(Request::new_with_str_and_init(&call.url, &init)?)
}

/// A plain object of the headers.
fn headers(call: &HttpCall) -> Result<Object, Thrown> {
    let content_type = call.body.as_ref().map(|body| &body.content_type);
    let others = call.headers.iter();
    let headers: BTreeMap<&str, &str> = others
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(content_type.map(|text| ("content-type", text.as_str())))
        .collect();
    Ok(js::to_js(&headers)?.unchecked_into())
}

/// The body, which holds the guard until its end.
async fn body(response: &Response, guard: Guard) -> Result<Chunks, Thrown> {
    if response::is_json(response)? && response::fits(response, false)? {
        let bytes = response::read(response).await?;
        return Ok(response::pieces(bytes));
    }
    let chunks = response::chunks(response)?;
    let held = stream::unfold((chunks, guard), |(mut chunks, guard)| async {
        let chunk = chunks.next().await?;
        Some((chunk, (chunks, guard)))
    });
    Ok(held.boxed_local())
}

/// Aborts a call when it is dropped; one that has ended does not notice.
struct Guard(AbortController);

impl Drop for Guard {
    fn drop(&mut self) {
        // Whatever is thrown here, nobody waits for the call any more.
        let _ = self.0.abort();
    }
}
