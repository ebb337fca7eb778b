//! `POST /v1/run` for operations that hear, speak or search: `transcribe`, `speak` and
//! `search_semantic`. All others are conversations.
//!
//! Body: `{"operation", "input", …}` with the fields of the endpoint of that work, whose answer it gives.
//! The `input` of `transcribe` is a sound in base64 or as a data URL, or the body is a form as
//! `/v1/audio/transcriptions` has it, with `operation` in place of `model`; that of `speak` is a text.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use serde_json::value::RawValue;

use super::Visit;
use super::any_task::reading;
use super::search::search;
use crate::auth::Scope;
use crate::config::{ModelKind, Operation};
use crate::error::Error;
use crate::http::{Form, Gateway, Incoming, Method, Place, Reply};
use crate::isolate::{Isolate, OrgView};
use crate::ports::Ports;
use crate::protocol::audio::speech::{self, SpeechRequest};
use crate::protocol::audio::transcription::{self, Into, TranscriptionRequest};
use crate::protocol::json::{self, Json, Object, Path, Shape, Value};
use crate::protocol::{ChatPath, Fields};
use crate::request::admit::{authenticate, json_body};
use crate::request::{chat, failed};
use crate::routing::wanted::OPERATION_PREFIX;

const ENDPOINT: &str = "run";
/// The voice that speaks where none is named.
const USUAL_VOICE: &str = "\"alloy\"";
/// Values of a field that is an array.
const MOST_VALUES: usize = 16;

/// Answers a request, whatever its operation needs.
pub async fn run(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    path: &ChatPath<'_>,
    id: &str,
) -> Reply {
    let visit = |incoming| Visit {
        dialect: path.dialect,
        gateway: Gateway::default(),
        ports,
        isolate,
        incoming,
        id,
    };
    let content_type = incoming.header("content-type").unwrap_or_default();
    if content_type.starts_with("multipart/") {
        return visit(incoming)
            .serve(ENDPOINT, &|incoming| reading(read_form(incoming)))
            .await;
    }
    // Nobody unknown makes us read a body.
    let principal = match authenticate(ports, isolate, incoming, Scope::Inference).await {
        Ok(principal) => principal,
        Err(error) => return failed(ports, path.dialect, &error, id),
    };
    let read = Read {
        incoming,
        body: json_body(incoming).await,
    };
    let named = read.body.as_deref().ok().and_then(named);
    let operation = match operation(ports, isolate, &principal.org, named).await {
        Ok(operation) => operation,
        Err(error) => return failed(ports, path.dialect, &error, id),
    };
    match operation.map(|operation| (operation.tier.kind(), operation)) {
        Some((ModelKind::Speech, _)) => {
            visit(&read)
                .serve(ENDPOINT, &|read| reading(read_text(read)))
                .await
        }
        Some((ModelKind::Transcription, _)) => {
            visit(&read)
                .serve(ENDPOINT, &|read| reading(read_sound(read)))
                .await
        }
        // On the heap, so that other work does not grow with it.
        Some((ModelKind::Embedding, operation)) => {
            search(visit(&read), &operation).boxed_local().await
        }
        _ => chat(ports, isolate, &read, path, id).await,
    }
}

/// A request of which the body has been read.
struct Read<'a> {
    incoming: &'a dyn Incoming,
    body: Result<Vec<u8>, Error>,
}

impl Incoming for Read<'_> {
    fn method(&self) -> Method {
        self.incoming.method()
    }

    fn path(&self) -> &str {
        self.incoming.path()
    }

    fn query(&self) -> &str {
        self.incoming.query()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.incoming.header(name)
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.incoming.headers()
    }

    fn place(&self) -> Place {
        self.incoming.place()
    }

    fn whole(&self) -> Option<&str> {
        self.incoming.whole()
    }

    fn body(&self, _: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        let body = self.body.clone();
        Box::pin(async move { body })
    }
}

/// What the body calls its operation.
fn named(body: &[u8]) -> Option<String> {
    let object = Object::parse(std::str::from_utf8(body).ok()?)?;
    json::text(object.get("operation")?)
}

/// The org's operation of a name, where there is one: also one that this isolate has not seen yet.
async fn operation(
    ports: &Ports,
    isolate: &Isolate,
    org: &str,
    name: Option<String>,
) -> Result<Option<Arc<Operation>>, Error> {
    let Some(name) = name else {
        return Ok(None);
    };
    let find = |view: &OrgView| view.config.catalogue().operation(&name).map(Arc::clone);
    match find(&*isolate.org(ports, org).await?) {
        Some(operation) => Ok(Some(operation)),
        None => Ok(find(&*isolate.current(ports, org).await?)),
    }
}

/// The `model` of an operation, as the other endpoints take it.
fn model(operation: &str) -> String {
    format!("{OPERATION_PREFIX}{operation}")
}

async fn read_form(incoming: &dyn Incoming) -> Result<TranscriptionRequest, Error> {
    let form = Form::read(incoming)
        .await?
        .renamed("operation", "model", model)?;
    transcription::parse(&form, Into::Transcript)
}

async fn read_text(incoming: &dyn Incoming) -> Result<SpeechRequest, Error> {
    let body = json_body(incoming).await?;
    let document = json::document(&body)?;
    let mut fields = Fields::default();
    let mut voiced = false;
    for (name, raw) in document.entries() {
        match name {
            "model" => {}
            "operation" => {
                let operation = json::text(raw).unwrap_or_default();
                fields.keep("model", Json::of(&model(&operation)).raw());
            }
            name => {
                voiced |= name == "voice";
                fields.keep(name, raw);
            }
        }
    }
    let usual = Json::parse(USUAL_VOICE).filter(|_| !voiced);
    if let Some(voice) = usual {
        fields.keep("voice", voice.raw());
    }
    speech::parse(&serde_json::to_vec(&fields).unwrap_or_default())
}

async fn read_sound(incoming: &dyn Incoming) -> Result<TranscriptionRequest, Error> {
    let body = json_body(incoming).await?;
    let document = json::document(&body)?;
    let root = &Path::Root;
    let advice = "Send a sound in base64, or as a data URL.";
    let sound = document.required(root, "input", advice, sound)?;
    let mut form = Form::with_file("file", sound);
    for (name, raw) in document.entries() {
        let path = Path::Field(root, name);
        match name {
            "input" | "model" => {}
            "operation" => {
                let operation = json::text(raw).unwrap_or_default();
                form.add("model", model(&operation));
            }
            name => {
                for text in texts(Value::new(raw, &path))? {
                    form.add(name, text);
                }
            }
        }
    }
    transcription::parse(&form, Into::Transcript)
}

fn sound(value: Value<'_, '_>) -> Result<Vec<u8>, Error> {
    let text = value.filled_string("a sound in base64")?;
    let data = match text.split_once(',') {
        Some((head, data)) if head.starts_with("data:audio/") && head.ends_with(";base64") => data,
        _ => text.as_str(),
    };
    let bytes = BASE64_STANDARD.decode(data);
    bytes.map_err(|_| {
        value
            .path
            .error("must be a sound in base64, or as a data URL.")
    })
}

/// A JSON value as the texts that a form would have for it.
fn texts(value: Value<'_, '_>) -> Result<Vec<String>, Error> {
    let one = |raw: &RawValue| match json::shape(raw) {
        Shape::String => json::text(raw),
        Shape::Boolean | Shape::Number => Some(raw.get().to_owned()),
        _ => None,
    };
    match value.shape() {
        Shape::Null => Ok(Vec::new()),
        Shape::Array => {
            let values = value.array(MOST_VALUES)?.into_iter().map(one);
            let values: Option<Vec<String>> = values.collect();
            values.ok_or_else(|| value.path.error("must be an array of strings."))
        }
        _ => {
            let value_or = one(value.raw).ok_or_else(|| value.wrong("a string or a number"));
            value_or.map(|text| vec![text])
        }
    }
}
