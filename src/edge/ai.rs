//! Models: the `AI` binding, or the emulator over RPC.
//!
//! The caller asks for `returnRawResponse`, so that an answer is an HTTP response whatever its
//! status. <https://developers.cloudflare.com/workers-ai/configuration/bindings/>

use std::cell::RefCell;
use std::rc::Rc;
use std::str::FromStr;

use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use futures::stream::{LocalBoxStream, StreamExt};
use futures::{FutureExt, stream};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use wasm_streams::ReadableStream;
use web_sys::{Headers, Response};
use worker::Env;

use super::js::{self, Thrown};
use crate::ports::{BindingCall, ModelCall, Models, Unreachable, Upstream};
use crate::request::call::ANSWER_LIMIT;

/// Bytes of a whole body that are copied at once.
const PIECE: u32 = 1 << 20;

/// What a body is read as.
type Chunks = LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>;

/// Where a call's answer goes; cancelled where nobody waits for it any more.
type Caller = oneshot::Sender<Result<Upstream, Unreachable>>;

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
        let call = match call {
            ModelCall::Binding(call) => call,
            ModelCall::Http(_) => {
                let unbound = Unreachable("only the AI binding is bound".to_owned());
                return futures::future::err(unbound).boxed_local();
            }
        };
        let (sender, receiver) = oneshot::channel();
        let env = Rc::clone(&self.env);
        // The binding cannot be told to abort. A task of its own sees the answer even where the
        // caller has stopped waiting, and dropping that answer cancels its body.
        spawn_local(async move {
            let answer = answer(&env, &call, &sender).await;
            let _ = sender.send(answer.map_err(Unreachable::from));
        });
        let lost = |_| Err(Unreachable("the call was cancelled".to_owned()));
        receiver
            .map(move |answer| answer.unwrap_or_else(lost))
            .boxed_local()
    }
}

async fn answer(env: &Env, call: &BindingCall, caller: &Caller) -> Result<Upstream, Thrown> {
    let ai: Ai = js::binding(env, "AI")?;
    let (input, options) = (js::parse(&call.input)?, options(&call.options)?);
    let answer = ai.run(&call.model, &input, &options).await?;
    let response: Response = answer
        .dyn_into()
        .map_err(|_| Thrown::new("the AI binding gave something else than a response"))?;
    upstream(&response, caller).await
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

async fn upstream(response: &Response, caller: &Caller) -> Result<Upstream, Thrown> {
    let headers = response.headers();
    let content_type = headers.get("content-type")?.unwrap_or_default();
    let body = if is_whole(&content_type, &headers)? && !caller.is_canceled() {
        pieces(read(response).await)
    } else {
        let empty = || Ok(stream::empty().boxed_local());
        response.body().map_or_else(empty, chunks)?
    };
    Ok(Upstream {
        status: response.status(),
        content_type,
        retry_after: number(&headers, "retry-after")?,
        body,
    })
}

/// Whether a body is read at once, which costs less than a read for each chunk: JSON means nothing
/// before its end. What is announced as too large is left to the reader of chunks, who stops in time.
fn is_whole(content_type: &str, headers: &Headers) -> Result<bool, Thrown> {
    let length: Option<usize> = number(headers, "content-length")?;
    Ok(content_type.starts_with("application/json")
        && length.is_none_or(|length| length <= ANSWER_LIMIT))
}

fn number<T: FromStr>(headers: &Headers, name: &str) -> Result<Option<T>, Thrown> {
    let text = headers.get(name)?;
    Ok(text.and_then(|text| text.trim().parse().ok()))
}

/// A whole body. It follows its headers at once; the platform cannot be told to abort it.
async fn read(response: &Response) -> Result<Uint8Array, Thrown> {
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer))
}

/// A body that was read, copied as far as its reader goes: mostly one piece.
fn pieces(body: Result<Uint8Array, Thrown>) -> Chunks {
    let body = match body {
        Ok(body) => body,
        Err(thrown) => return stream::iter([Err(thrown.into())]).boxed_local(),
    };
    let starts = (0..body.length()).step_by(PIECE as usize);
    stream::iter(starts.map(move |start| {
        let end = start.saturating_add(PIECE);
        Ok(body.subarray(start, end).to_vec())
    }))
    .boxed_local()
}

/// The chunks of a body. Dropping them cancels it.
fn chunks(body: web_sys::ReadableStream) -> Result<Chunks, Thrown> {
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
