//! Values to JavaScript and back.
//!
//! Both directions go through JSON text. `serde_wasm_bindgen::to_value` would turn maps into ES
//! `Map`s, which the bindings stringify to `{}`; JSON gives plain objects, and costs the same.

use js_sys::{JSON, Reflect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use worker::Env;

use crate::error::Error;
use crate::ports::Unreachable;

/// What a call into JavaScript threw, as text for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Thrown(String);

impl Thrown {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The error of a request that needs `part` of the deployment, e.g. "database".
    pub(super) fn unavailable(self, part: &str) -> Error {
        Error::unavailable(
            format!("The {part} is out of reach. Retry shortly."),
            self.0,
        )
    }
}

impl From<Thrown> for Unreachable {
    fn from(thrown: Thrown) -> Self {
        Self(thrown.0)
    }
}

impl From<JsValue> for Thrown {
    fn from(value: JsValue) -> Self {
        Self(describe(&value))
    }
}

impl From<serde_json::Error> for Thrown {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// A plain JavaScript value.
pub(super) fn to_js<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, Thrown> {
    parse(&serde_json::to_string(value)?)
}

/// The JavaScript value that a JSON text stands for.
pub(super) fn parse(json: &str) -> Result<JsValue, Thrown> {
    Ok(JSON::parse(json)?)
}

/// A Rust value from a plain JavaScript one.
pub(super) fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T, Thrown> {
    let json = JSON::stringify(value)?.as_string().unwrap_or_default();
    Ok(serde_json::from_str(&json)?)
}

/// A binding by its name, without a check of its class: locally some are service bindings.
pub(super) fn binding<T: JsCast>(env: &Env, name: &str) -> Result<T, Thrown> {
    let value = Reflect::get(env, &name.into())?;
    if value.is_undefined() {
        return Err(Thrown::new(format!("the binding {name} is missing")));
    }
    Ok(value.unchecked_into())
}

/// A property of an error that says `true`.
pub(super) fn flag(value: &JsValue, name: &str) -> bool {
    Reflect::get(value, &name.into()).is_ok_and(|flag| flag.is_truthy())
}

/// The message of an error, or the value itself where it is a text.
pub(super) fn describe(value: &JsValue) -> String {
    if let Some(text) = value.as_string() {
        return text;
    }
    Reflect::get(value, &"message".into())
        .ok()
        .and_then(|message| message.as_string())
        .unwrap_or_else(|| "an unknown exception".to_owned())
}
