//! Secrets and variables of the deployment.

use std::rc::Rc;

use wasm_bindgen::JsValue;
use worker::Env;

use super::js;
use crate::ports::Secrets;

/// Secrets as the platform puts them into the environment.
pub(super) struct EnvSecrets {
    env: Rc<Env>,
}

impl EnvSecrets {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }
}

impl Secrets for EnvSecrets {
    fn admin_key(&self) -> Option<String> {
        self.value("ESCLUSA_ADMIN_KEY")
    }

    fn value(&self, name: &str) -> Option<String> {
        js::binding::<JsValue>(&self.env, name)
            .ok()?
            .as_string()
            .filter(|value| !value.is_empty())
    }
}
