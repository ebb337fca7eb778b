//! A proxy that hands each request to the upstream and its response back, body untouched. What
//! `workers/bare.js` does, in Rust: the difference between the two is what Rust itself costs.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Request, RequestInit, Response, ServiceWorkerGlobalScope};
use worker::{Context, Env, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let upstream = env.var("UPSTREAM")?.to_string();
    // A request stands for its own method, headers and body where options are expected.
    let options: &RequestInit = request.unchecked_ref();
    let onward = Request::new_with_str_and_init(&upstream, options)?;
    let scope: ServiceWorkerGlobalScope = worker::js_sys::global().unchecked_into();
    let answer: JsValue = JsFuture::from(scope.fetch_with_request(&onward)).await?;
    Ok(answer.unchecked_into())
}
