//! A reply on its way to the platform.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures::stream::{LocalBoxStream, StreamExt};
use js_sys::{Object, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_streams::ReadableStream;
use web_sys::{Response, ResponseInit};

use super::js::{self, Thrown};
use crate::error::Error;
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
        Body::Relayed(chunks) => {
            let chunks = readable(chunks);
            Response::new_with_opt_readable_stream_and_init(Some(&chunks), &init)
        }
        Body::Stream(chunks) => {
            let chunks = readable(chunks.map(Ok).boxed_local());
            Response::new_with_opt_readable_stream_and_init(Some(&chunks), &init)
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
        init.set_headers_record_from_str_to_str(&record(headers)?);
    }
    Ok(init)
}

/// A plain object of the headers, of which no name comes twice. The platform takes it in three times
/// as fast as a list of pairs.
fn record(headers: &[(&'static str, Cow<'static, str>)]) -> Result<Object, Thrown> {
    let headers: BTreeMap<_, _> = headers.iter().map(|(name, value)| (name, value)).collect();
    Ok(js::to_js(&headers)?.unchecked_into())
}

/// Whether a body beside this status throws.
const fn is_null_body(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

/// The stream is dropped when the client goes away. An error resets the connection.
fn readable(chunks: LocalBoxStream<'static, Result<Vec<u8>, Error>>) -> web_sys::ReadableStream {
    let chunks = chunks.map(|chunk| match chunk {
        Ok(bytes) => Ok(Uint8Array::from(bytes.as_slice()).into()),
        Err(error) => Err(js_sys::Error::new(&error.message).into()),
    });
    ReadableStream::from_stream(chunks).into_raw()
}
