//! The governors: a Durable Object for each org, asked over `fetch` with a JSON [`Message`].

use std::rc::Rc;

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};
use worker::Env;

use super::clock::within;
use super::js::{self, Thrown};
use crate::error::Error;
use crate::governor::command::{Command, Envelope, Reply};
use crate::ports::{ChainEnd, Governors, Pending};

/// Milliseconds in which a command is answered, a second try included.
const COMMAND_MS: u64 = 1_500;

/// Milliseconds in which a flush is answered, a second try included.
const FLUSH_MS: u64 = 10_000;

/// The address is never looked at: the stub is the object.
const ADDRESS: &str = "https://governor/";

#[wasm_bindgen]
extern "C" {
    type Namespace;

    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &Namespace, name: &str) -> Result<Stub, JsValue>;

    type Stub;

    #[wasm_bindgen(method, catch)]
    async fn fetch(this: &Stub, address: &str, init: &RequestInit) -> Result<JsValue, JsValue>;
}

/// What is sent to an org's object. The object does not know its name in an alarm otherwise.
#[derive(Serialize, Deserialize)]
pub(super) struct Message {
    /// The org.
    pub(super) org: String,
    /// What is asked of it.
    pub(super) ask: Ask,
}

/// What is asked of a governor object.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// An [`Envelope`], parsed only after its version was looked at.
    Execute(Box<RawValue>),
    /// Where the audit chain ends, and the records after a position that the object has.
    Chain(u64),
    /// Move the records to the audit log now.
    Flush,
    /// Move them, and let a snapshot replace the rows of the journal that they came from.
    Purge,
}

/// Why an attempt failed.
struct Failure {
    detail: String,
    overloaded: bool,
}

impl From<JsValue> for Failure {
    fn from(error: JsValue) -> Self {
        Self {
            detail: js::describe(&error),
            overloaded: js::flag(&error, "overloaded"),
        }
    }
}

impl From<Thrown> for Failure {
    fn from(thrown: Thrown) -> Self {
        Self {
            detail: thrown.to_string(),
            overloaded: false,
        }
    }
}

/// The namespace `GOVERNOR`.
pub(super) struct GovernorObjects {
    env: Rc<Env>,
}

impl GovernorObjects {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }

    async fn command(&self, org: &str, command: Command) -> Result<Reply, Error> {
        let envelope = serde_json::value::to_raw_value(&Envelope::new(command))
            .map_err(|error| Error::internal(error.to_string()))?;
        let answer = self.ask(org, Ask::Execute(envelope), COMMAND_MS).await?;
        serde_json::from_str(&answer).map_err(|error| unavailable(error.to_string()))
    }

    /// Every command is idempotent, so a failed attempt is repeated once; not where the object is
    /// overloaded, which that would only make worse.
    async fn ask(&self, org: &str, ask: Ask, milliseconds: u64) -> Result<String, Error> {
        let org_name = org.to_owned();
        let message = serde_json::to_string(&Message { org: org_name, ask })
            .map_err(|error| Error::internal(error.to_string()))?;
        let attempts = async {
            match self.attempt(org, &message).await {
                Err(failure) if !failure.overloaded => self.attempt(org, &message).await,
                outcome => outcome,
            }
        };
        within(milliseconds, attempts)
            .await
            .ok_or_else(|| unavailable("it did not answer in time"))?
            .map_err(|failure| unavailable(failure.detail))
    }

    async fn attempt(&self, org: &str, message: &str) -> Result<String, Failure> {
        let namespace: Namespace = js::binding(&self.env, "GOVERNOR")?;
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_body(&message.into());
        // A stub that has thrown may be broken, hence one for each attempt.
        let stub = namespace.get_by_name(org)?;
        let response: Response = stub.fetch(ADDRESS, &init).await?.unchecked_into();
        let text = JsFuture::from(response.text()?)
            .await?
            .as_string()
            .unwrap_or_default();
        if response.ok() {
            return Ok(text);
        }
        Err(Thrown::new(format!("status {}: {text}", response.status())).into())
    }
}

impl Governors for GovernorObjects {
    fn execute<'a>(&'a self, org: &'a str, command: Command) -> Pending<'a, Reply> {
        self.command(org, command).boxed_local()
    }

    fn chain<'a>(&'a self, org: &'a str, after: u64) -> Pending<'a, ChainEnd> {
        async move {
            let answer = self.ask(org, Ask::Chain(after), COMMAND_MS).await?;
            serde_json::from_str(&answer).map_err(|error| unavailable(error.to_string()))
        }
        .boxed_local()
    }

    fn flush<'a>(&'a self, org: &'a str) -> Pending<'a, ()> {
        self.ask(org, Ask::Flush, FLUSH_MS)
            .map(|answer| answer.map(drop))
            .boxed_local()
    }

    fn purge<'a>(&'a self, org: &'a str) -> Pending<'a, ()> {
        self.ask(org, Ask::Purge, FLUSH_MS)
            .map(|answer| answer.map(drop))
            .boxed_local()
    }
}

fn unavailable(detail: impl Into<String>) -> Error {
    Thrown::new(detail).unavailable("governor of this org")
}
