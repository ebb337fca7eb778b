//! A reply on its way to the platform.

use std::borrow::Cow;

use futures::stream::{LocalBoxStream, StreamExt};
use js_sys::Uint8Array;
use wasm_streams::ReadableStream;
use web_sys::{Response, ResponseInit};

use super::js::{self, Thrown};
use crate::http::{Body, Reply};

/// Builds the response.
///
/// # Errors
/// Where the platform refuses a header. Nothing here panics: `worker::Response` would.
pub(super) fn respond(reply: Reply) -> Result<Response, Thrown> {
    // The constructor throws outside of this range.
    let status = reply.status.clamp(200, 599);
    let init = init(status, &reply.headers)?;
    let response = match reply.body {
        _ if is_null_body(status) => Response::new_with_opt_str_and_init(None, &init),
        Body::Empty => Response::new_with_opt_str_and_init(None, &init),
        Body::Bytes(bytes) => {
            // A copy: the platform may read it after this memory has moved on.
            let bytes = Uint8Array::from(bytes.as_slice());
            Response::new_with_opt_js_u8_array_and_init(Some(&bytes), &init)
        }
        Body::Stream(chunks) => {
            Response::new_with_opt_readable_stream_and_init(Some(&readable(chunks)), &init)
        }
    };
    Ok(response?)
}

fn init(
    status: u16,
    headers: &[(&'static str, Cow<'static, str>)],
) -> Result<ResponseInit, Thrown> {
    let init = ResponseInit::new();
    init.set_status(status);
    if !headers.is_empty() {
        init.set_headers_str_sequence_sequence(&js::to_js(headers)?);
    }
    Ok(init)
}

/// Whether a body beside this status throws.
const fn is_null_body(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

/// The stream is dropped when the client goes away.
fn readable(chunks: LocalBoxStream<'static, Vec<u8>>) -> web_sys::ReadableStream {
    let chunks = chunks.map(|chunk| Ok(Uint8Array::from(chunk.as_slice()).into()));
    ReadableStream::from_stream(chunks).into_raw()
}
