//! The small ports: work in the background, randomness, the operator's log, secrets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use esclusa::error::Error;
use esclusa::ports::{Background, Entropy, Log, Secrets};
use futures::future::LocalBoxFuture;

use super::executor::Group;
use super::shared::Shared;

pub(crate) const ADMIN_KEY: &str = "admin-secret";

/// Work of an isolate: it is lost with the isolate.
pub(crate) struct GroupBackground {
    pub(crate) shared: Rc<Shared>,
    pub(crate) group: Group,
}

impl Background for GroupBackground {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        if !self.shared.lost.borrow().contains(&self.group) {
            self.shared.executor.spawn(self.group, task);
        }
    }
}

pub(crate) struct SeededEntropy(pub(crate) Rc<Shared>);

impl Entropy for SeededEntropy {
    fn bytes(&self) -> Result<[u8; 32], Error> {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.random.next().to_le_bytes());
        }
        Ok(bytes)
    }
}

pub(crate) struct CollectedLog(pub(crate) Rc<Shared>);

impl Log for CollectedLog {
    fn error(&self, line: &str) {
        self.0.executor.note(line);
        self.0.log.borrow_mut().push(line.to_owned());
    }
}

/// Secrets and variables, which a test may set.
#[derive(Clone, Default)]
pub(crate) struct FixedSecrets(pub(crate) Rc<RefCell<BTreeMap<String, String>>>);

impl Secrets for FixedSecrets {
    fn admin_key(&self) -> Option<String> {
        Some(ADMIN_KEY.to_owned())
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.borrow().get(name).cloned()
    }
}
