//! Models: the `AI` binding, or the emulator over RPC.
//!
//! The caller asks for `returnRawResponse`, so that an answer is an HTTP response whatever its
//! status. <https://developers.cloudflare.com/workers-ai/configuration/bindings/>

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use futures::stream::{LocalBoxStream, StreamExt};
use futures::{FutureExt, stream};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_streams::ReadableStream;
use web_sys::Response;
use worker::Env;

use super::js::{self, Thrown};
use crate::ports::{ModelCall, Models, Unreachable, Upstream};

#[wasm_bindgen]
extern "C" {
    type Ai;

    #[wasm_bindgen(method, catch)]
    async fn run(
        this: &Ai,
        model: &str,
        input: &JsValue,
        options: &JsValue,
    ) -> Result<JsValue, JsValue>;
}

/// The binding `AI`.
pub(super) struct AiModels {
    env: Rc<Env>,
}

impl AiModels {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }
}

impl Models for AiModels {
    fn run(&self, call: ModelCall) -> LocalBoxFuture<'_, Result<Upstream, Unreachable>> {
        let (sender, receiver) = oneshot::channel();
        let env = Rc::clone(&self.env);
        // The binding cannot be told to abort. A task of its own sees the answer even where the
        // caller has stopped waiting, and dropping that answer cancels its body.
        spawn_local(async move {
            let answer = answer(&env, &call).await.map_err(Unreachable::from);
            let _ = sender.send(answer);
        });
        let lost = |_| Err(Unreachable("the call was cancelled".to_owned()));
        receiver
            .map(move |answer| answer.unwrap_or_else(lost))
            .boxed_local()
    }
}

async fn answer(env: &Env, call: &ModelCall) -> Result<Upstream, Thrown> {
    let ai: Ai = js::binding(env, "AI")?;
    let (input, options) = (js::parse(&call.input)?, options(&call.options)?);
    let answer = ai.run(&call.model, &input, &options).await?;
    let response: Response = answer
        .dyn_into()
        .map_err(|_| Thrown::new("the AI binding gave something else than a response"))?;
    upstream(&response)
}

/// The options' value, which the binding only reads. Few texts come, one after the other the same.
fn options(json: &str) -> Result<JsValue, Thrown> {
    thread_local! {
        static LAST: RefCell<Option<(String, JsValue)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some((known, value)) if known == json => Ok(value.clone()),
        _ => {
            let value = js::parse(json)?;
            *last = Some((json.to_owned(), value.clone()));
            Ok(value)
        }
    })
}

fn upstream(response: &Response) -> Result<Upstream, Thrown> {
    let headers = response.headers();
    let seconds = headers
        .get("retry-after")?
        .and_then(|text| text.trim().parse().ok());
    Ok(Upstream {
        status: response.status(),
        content_type: headers.get("content-type")?.unwrap_or_default(),
        retry_after: seconds,
        body: response
            .body()
            .map_or_else(|| Ok(stream::empty().boxed_local()), chunks)?,
    })
}

/// The chunks of a body. Dropping them cancels it.
fn chunks(
    body: web_sys::ReadableStream,
) -> Result<LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>, Thrown> {
    let chunks = ReadableStream::from_raw(body)
        .try_into_stream()
        .map_err(|(error, _)| Thrown::from(JsValue::from(error)))?;
    Ok(chunks
        .map(|chunk| bytes(chunk.map_err(Thrown::from)?))
        .map(|chunk| chunk.map_err(Unreachable::from))
        .boxed_local())
}

fn bytes(chunk: JsValue) -> Result<Vec<u8>, Thrown> {
    let bytes: Uint8Array = chunk
        .dyn_into()
        .map_err(|_| Thrown::new("the body has a chunk that is not bytes"))?;
    Ok(bytes.to_vec())
}
