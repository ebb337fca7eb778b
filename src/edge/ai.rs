//! Calls over the `AI` binding, or of the emulator over RPC.
//!
//! The caller asks for `returnRawResponse`, so that an answer is an HTTP response whatever its
//! status. <https://developers.cloudflare.com/workers-ai/configuration/bindings/>

use std::cell::RefCell;
use std::rc::Rc;

use futures::channel::oneshot;
use futures::stream::{self, StreamExt};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::Response;
use worker::Env;

use super::js::{self, Thrown};
use super::response::{self, Chunks};
use crate::ports::{BindingCall, Unreachable, Upstream};

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

/// Calls a model over the binding.
pub(super) async fn run(env: Rc<Env>, call: BindingCall) -> Result<Upstream, Unreachable> {
    let (sender, receiver) = oneshot::channel();
    // The binding cannot be told to abort. A task of its own sees the answer even where the
    // caller has stopped waiting, and dropping that answer cancels its body.
    spawn_local(async move {
        let answer = answer(&env, &call, &sender).await;
        let _ = sender.send(answer.map_err(Unreachable::from));
    });
    let lost = |_| Err(Unreachable("the call was cancelled".to_owned()));
    receiver.await.unwrap_or_else(lost)
}

async fn answer(env: &Env, call: &BindingCall, caller: &Caller) -> Result<Upstream, Thrown> {
    let ai: Ai = js::binding(env, "AI")?;
    let (input, options) = (js::parse(&call.input)?, options(&call.options)?);
    let answer = ai.run(&call.model, &input, &options).await?;
    let response: Response = answer
        .dyn_into()
        .map_err(|_| Thrown::new("the AI binding gave something else than a response"))?;
    let body = body(&response, caller).await?;
    response::upstream(&response, body)
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

/// JSON is read at once also where its length is not announced: the binding's answers are short, and
/// nobody but the platform writes them.
async fn body(response: &Response, caller: &Caller) -> Result<Chunks, Thrown> {
    if response::is_json(response)? && response::fits(response, true)? && !caller.is_canceled() {
        return Ok(match response::read(response).await {
            Ok(bytes) => response::pieces(bytes),
            Err(thrown) => stream::iter([Err(thrown.into())]).boxed_local(),
        });
    }
    response::chunks(response)
}
