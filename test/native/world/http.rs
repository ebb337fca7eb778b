//! Requests as a client sends them, and replies as it reads them.

use esclusa::error::{Error, Kind};
use esclusa::http::{Body, Incoming, Method, Place, Reply};
use futures::future::LocalBoxFuture;
use futures::stream::{LocalBoxStream, StreamExt};
use serde_json::Value;

use super::platform::ADMIN_KEY;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    place: Place,
}

impl Request {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            place: Place::default(),
        }
    }

    /// The same from somewhere.
    pub(crate) fn from(mut self, country: &str, region: &str, colo: &str) -> Self {
        self.place = Place {
            country: country.to_owned(),
            region: region.to_owned(),
            colo: colo.to_owned(),
        };
        self
    }

    /// A chat request.
    pub(crate) fn chat(key: &str, body: &Value) -> Self {
        Self::new("POST", "/v1/chat/completions")
            .key(key)
            .json(body)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn admin(self) -> Self {
        self.key(ADMIN_KEY)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .bytes(body.to_string().into_bytes())
    }

    pub(crate) fn form(self, fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Self {
        const BOUNDARY: &str = "----boundary7";
        let mut body = Vec::new();
        let mut part = |disposition: &str, bytes: &[u8]| {
            let head =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        };
        for (name, text) in fields {
            part(&format!("name=\"{name}\""), text.as_bytes());
        }
        for (name, bytes) in files {
            part(&format!("name=\"{name}\"; filename=\"a.wav\""), bytes);
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        self.header("content-type", &content_type).bytes(body)
    }

    pub(crate) fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

impl Incoming for Request {
    fn method(&self) -> Method {
        Method::parse(&self.method)
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> &str {
        &self.query
    }

    fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.headers.clone()
    }

    fn place(&self) -> Place {
        self.place.clone()
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        let body = if self.body.len() > limit {
            Err(Error::new(Kind::PayloadTooLarge, "The body is too large."))
        } else {
            Ok(self.body.clone())
        };
        Box::pin(async move { body })
    }
}

/// A reply that was read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection was reset before its end.
    pub(crate) broken: bool,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A header that must be there.
    pub(crate) fn told(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no header {name}: {self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The data of the events of a stream, comments left out.
    pub(crate) fn events(&self) -> Vec<String> {
        let events = self.text().split("\n\n");
        let events = events.filter(|event| !event.is_empty() && !event.starts_with(':'));
        events
            .map(|event| event.strip_prefix("data: ").unwrap().to_owned())
            .collect()
    }

    /// The text of the answer, whole or streamed.
    pub(crate) fn answer(&self) -> String {
        let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if !self.told("content-type").starts_with("text/event-stream") {
            return of(&self.json()["choices"][0]["message"]["content"]);
        }
        let chunks = self.events().into_iter().filter(|data| data != "[DONE]");
        let chunks = chunks.map(|data| serde_json::from_str::<Value>(&data).unwrap());
        chunks
            .map(|chunk| of(&chunk["choices"][0]["delta"]["content"]))
            .collect()
    }
}

/// A reply whose body may still be on its way.
pub(crate) struct Opened {
    pub(crate) response: Response,
    stream: Option<LocalBoxStream<'static, Result<Vec<u8>, Error>>>,
}

impl Opened {
    pub(crate) fn new(reply: Reply) -> Self {
        let headers = reply.headers.into_iter();
        let headers = headers
            .map(|(name, value)| (name, value.into_owned()))
            .collect();
        let (body, stream) = match reply.body {
            Body::Bytes(bytes) => (bytes, None),
            Body::Empty => (Vec::new(), None),
            Body::Relayed(stream) => (Vec::new(), Some(stream)),
            Body::Stream(stream) => (Vec::new(), Some(stream.map(Ok).boxed_local())),
        };
        let response = Response {
            status: reply.status,
            headers,
            body,
            broken: false,
        };
        Self { response, stream }
    }

    pub(crate) const fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// Reads one chunk; `false` at the end.
    pub(crate) async fn read(&mut self) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        match stream.next().await {
            Some(Ok(chunk)) => self.response.body.extend_from_slice(&chunk),
            Some(Err(_)) => {
                self.response.broken = true;
                self.stream = None;
            }
            None => self.stream = None,
        }
        self.stream.is_some()
    }

    pub(crate) async fn finish(mut self) -> Response {
        while self.read().await {}
        self.response
    }
}
