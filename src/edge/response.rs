//! A provider's response as the core reads it.

use std::str::FromStr;

use futures::stream::{self, LocalBoxStream, StreamExt};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_streams::ReadableStream;
use web_sys::Response;

use super::clock::now;
use super::js::Thrown;
use crate::ports::{Unreachable, Upstream};
use crate::providers::retry_after;
use crate::request::call::ANSWER_LIMIT;

/// Bytes of a whole body that are copied at once.
const PIECE: u32 = 1 << 20;

/// What a body is read as.
pub(super) type Chunks = LocalBoxStream<'static, Result<Vec<u8>, Unreachable>>;

/// The response with its body.
pub(super) fn upstream(response: &Response, body: Chunks) -> Result<Upstream, Thrown> {
    Ok(Upstream {
        status: response.status(),
        content_type: header(response, "content-type")?,
        retry_after: retry_after(&header(response, "retry-after")?, now()),
        body,
    })
}

/// Whether a body is JSON, which means nothing before its end: read at once, it costs less than a
/// read for each chunk.
pub(super) fn is_json(response: &Response) -> Result<bool, Thrown> {
    Ok(header(response, "content-type")?.starts_with("application/json"))
}

/// Whether a body is announced as one that may be read at once; `unannounced` says what holds where
/// it is not. What is too large is left to the reader of chunks, who stops in time.
pub(super) fn fits(response: &Response, unannounced: bool) -> Result<bool, Thrown> {
    let length: Option<usize> = number(response, "content-length")?;
    Ok(length.map_or(unannounced, |length| length <= ANSWER_LIMIT))
}

fn header(response: &Response, name: &str) -> Result<String, Thrown> {
    Ok(response.headers().get(name)?.unwrap_or_default())
}

fn number<T: FromStr>(response: &Response, name: &str) -> Result<Option<T>, Thrown> {
    Ok(header(response, name)?.trim().parse().ok())
}

/// A whole body. It follows its headers at once.
pub(super) async fn read(response: &Response) -> Result<Uint8Array, Thrown> {
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer))
}

/// A body that was read, copied as far as its reader goes: mostly one piece.
pub(super) fn pieces(body: Uint8Array) -> Chunks {
    let starts = (0..body.length()).step_by(PIECE as usize);
    stream::iter(starts.map(move |start| {
        let end = start.saturating_add(PIECE);
        Ok(body.subarray(start, end).to_vec())
    }))
    .boxed_local()
}

/// The chunks of a body as they come. Dropping them cancels it.
pub(super) fn chunks(response: &Response) -> Result<Chunks, Thrown> {
    let Some(body) = response.body() else {
        return Ok(stream::empty().boxed_local());
    };
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
