//! Models: over the AI binding, or over HTTPS.

use std::rc::Rc;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use worker::Env;

use super::{ai, upstream};
use crate::ports::{ModelCall, Models, Unreachable, Upstream};

/// The models that the platform reaches.
pub(super) struct PlatformModels {
    env: Rc<Env>,
}

impl PlatformModels {
    pub(super) const fn new(env: Rc<Env>) -> Self {
        Self { env }
    }
}

impl Models for PlatformModels {
    fn run(&self, call: ModelCall) -> LocalBoxFuture<'_, Result<Upstream, Unreachable>> {
        match call {
            ModelCall::Binding(call) => ai::run(Rc::clone(&self.env), call).boxed_local(),
            ModelCall::Http(call) => upstream::run(&self.env, call).boxed_local(),
        }
    }
}
