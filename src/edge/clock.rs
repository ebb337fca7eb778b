//! Time: `Date.now` and `setTimeout`.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{Either, LocalBoxFuture, select};
use js_sys::Date;
use wasm_bindgen::prelude::*;

use crate::ports::Clock;

#[wasm_bindgen]
extern "C" {
    // The handle is a number or, with Node compatibility, an object: it is only handed back.
    #[wasm_bindgen(catch, js_name = setTimeout)]
    fn set_timeout(callback: &Closure<dyn FnMut()>, milliseconds: f64) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = clearTimeout)]
    fn clear_timeout(handle: &JsValue) -> Result<(), JsValue>;
}

/// The platform's clock.
pub(super) struct PlatformClock;

impl Clock for PlatformClock {
    fn now(&self) -> u64 {
        now()
    }

    fn sleep(&self, milliseconds: u64) -> LocalBoxFuture<'static, ()> {
        sleep(milliseconds).boxed_local()
    }
}

/// Unix milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole milliseconds after 1970, far below 2^53"
)]
pub(super) fn now() -> u64 {
    Date::now() as u64
}

/// The result of `future` unless it takes longer than `milliseconds`.
pub(super) async fn within<F: Future>(milliseconds: u64, future: F) -> Option<F::Output> {
    match select(pin!(future), pin!(sleep(milliseconds))).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Resolves after `milliseconds`. Unlike `worker::Delay` it may be polled by one task after
/// another, as the pulls of a stream are.
pub(super) async fn sleep(milliseconds: u64) {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let wake = Closure::<dyn FnMut()>::new(move || {
        if let Some(sender) = sender.take() {
            // The receiver is gone where the sleeper was dropped in this very turn.
            let _ = sender.send(());
        }
    });
    let milliseconds = Duration::from_millis(milliseconds).as_secs_f64() * 1000.0;
    if let Ok(handle) = set_timeout(&wake, milliseconds) {
        let _timer = Timer {
            handle,
            _wake: wake,
        };
        // Cancelled is impossible: the sender lives in the closure, which the timer holds.
        let _ = receiver.await;
    }
}

/// A pending timeout, cleared when it is dropped.
struct Timer {
    handle: JsValue,
    _wake: Closure<dyn FnMut()>,
}

impl Drop for Timer {
    fn drop(&mut self) {
        // A timeout that has fired is cleared without effect.
        let _ = clear_timeout(&self.handle);
    }
}
