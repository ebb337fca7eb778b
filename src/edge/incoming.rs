//! A request as the core reads it. Each header and the body cross from JavaScript when asked for.

use std::cell::Cell;
use std::ops::Range;

use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_streams::ReadableStream;
use web_sys::{Headers, Request};

use super::js::Thrown;
use crate::error::{Error, Kind};
use crate::http::{Incoming, Method, Place};

/// A request from a client.
pub(super) struct FetchRequest {
    request: Request,
    headers: Headers,
    method: Method,
    url: String,
    path: Range<usize>,
    query: Range<usize>,
    body_read: Cell<bool>,
}

impl FetchRequest {
    pub(super) fn new(request: Request) -> Self {
        let url = request.url();
        let (path, query) = split(&url);
        Self {
            headers: request.headers(),
            method: Method::parse(&request.method()),
            request,
            url,
            path,
            query,
            body_read: Cell::new(false),
        }
    }

    async fn read(&self, limit: usize) -> Result<Vec<u8>, Error> {
        if self.body_read.replace(true) {
            return Err(Error::internal("the body was read twice"));
        }
        let announced: Option<usize> = self
            .header("content-length")
            .and_then(|text| text.parse().ok());
        match announced {
            Some(length) if length > limit => Err(too_large(limit)),
            // HTTP holds the client to the length it announced, so one copy does.
            Some(_) => self.read_at_once(limit).await,
            None => self.read_by_chunks(limit).await,
        }
    }

    async fn read_at_once(&self, limit: usize) -> Result<Vec<u8>, Error> {
        let buffer = self.request.array_buffer().map_err(broken)?;
        let bytes = Uint8Array::new(&JsFuture::from(buffer).await.map_err(broken)?);
        if usize::try_from(bytes.length()).is_ok_and(|length| length <= limit) {
            Ok(bytes.to_vec())
        } else {
            Err(too_large(limit))
        }
    }

    async fn read_by_chunks(&self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let Some(stream) = self.request.body() else {
            return Ok(body);
        };
        let mut chunks = ReadableStream::from_raw(stream)
            .try_into_stream()
            .map_err(|(error, _)| broken(error.into()))?;
        while let Some(chunk) = chunks.next().await {
            let chunk: Uint8Array = chunk.and_then(JsCast::dyn_into).map_err(broken)?;
            let chunk = chunk.to_vec();
            if chunk.len() > limit.saturating_sub(body.len()) {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Incoming for FetchRequest {
    fn method(&self) -> Method {
        self.method
    }

    fn path(&self) -> &str {
        self.url.get(self.path.clone()).unwrap_or("/")
    }

    fn query(&self) -> &str {
        self.url.get(self.query.clone()).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).ok().flatten()
    }

    fn headers(&self) -> Vec<(String, String)> {
        let pairs = js_sys::try_iter(&self.headers).ok().flatten();
        let pairs = pairs.into_iter().flatten().filter_map(Result::ok);
        let pair = |pair: JsValue| {
            let pair = pair.dyn_into::<Array>().ok()?;
            Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
        };
        pairs.filter_map(pair).collect()
    }

    fn place(&self) -> Place {
        let cf = Reflect::get(&self.request, &"cf".into()).unwrap_or_default();
        let text = |name: &str| {
            let value = Reflect::get(&cf, &name.into()).ok();
            value
                .and_then(|value| value.as_string())
                .unwrap_or_default()
        };
        Place {
            country: text("country"),
            region: text("region"),
            colo: text("colo"),
        }
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        self.read(limit).boxed_local()
    }
}

/// Where path and query stand in a URL. The platform serialises it, so after the host there is
/// always a path, in which `?` and `#` are escaped.
fn split(url: &str) -> (Range<usize>, Range<usize>) {
    let end = url.find('#').unwrap_or(url.len());
    let question = url.find('?').filter(|at| *at < end);
    let path_end = question.unwrap_or(end);
    let host = url.find("://").map_or(0, |at| at.saturating_add(3));
    let path = url
        .get(host..path_end)
        .and_then(|rest| rest.find('/'))
        .map_or(path_end, |at| host.saturating_add(at));
    let query = question.map_or(end, |at| at.saturating_add(1));
    (path..path_end, query..end)
}

fn too_large(limit: usize) -> Error {
    let message = format!("The body is larger than {limit} bytes. Send less at once.");
    Error::new(Kind::PayloadTooLarge, message)
}

fn broken(value: JsValue) -> Error {
    let message = "The body broke off before its end. Send the request again.";
    Error::new(Kind::InvalidRequest, message).with_detail(Thrown::from(value).to_string())
}
