//! Requests that clients name themselves, so that a repetition is not worked on twice
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).

use serde::{Deserialize, Serialize};

use super::Id;
use super::recent::{Keep, Recent};

/// For 24 hours, at most 20,000.
const KEEP: Keep = Keep {
    age: 86_400_000,
    count: 20_000,
};

/// The names of requests, each with the request that it meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Named(Recent<Meaning>);

/// What a name meant first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Meaning {
    /// The digest of the body.
    pub(super) body: String,
    /// The request's id.
    pub(super) request: Id,
    /// When it was answered, where its answer is kept.
    #[serde(default)]
    pub(super) answered_at: Option<u64>,
    /// When it began.
    #[serde(default)]
    since: u64,
}

impl Named {
    pub(super) const fn new() -> Self {
        Self(Recent::new())
    }

    /// What a name means at `at`.
    pub(super) fn get(&self, name: &str, at: u64) -> Option<&Meaning> {
        let meaning = self.0.get(name)?;
        (meaning.since.saturating_add(KEEP.age) > at).then_some(meaning)
    }

    /// A request begins under a name.
    pub(super) fn begin(&mut self, at: u64, name: &str, body: &str, request: &Id) {
        let meaning = Meaning {
            body: body.to_owned(),
            request: request.clone(),
            answered_at: None,
            since: at,
        };
        // Anew, also where it was known: it is as old as what it means.
        self.0.remove(name);
        self.0.insert(at, name.into(), meaning);
    }

    /// The request under a name ended: its answer is kept, or the name is free again.
    pub(super) fn end(&mut self, name: &str, request: &Id, answered_at: Option<u64>) {
        let of_request = |meaning: &&mut Meaning| meaning.request == *request;
        match self.0.get_mut(name).filter(of_request) {
            Some(meaning) if answered_at.is_some() => meaning.answered_at = answered_at,
            Some(_) => self.0.remove(name),
            None => {}
        }
    }

    /// Purges what is too old or too much.
    pub(super) fn forget(&mut self, at: u64) {
        self.0.forget(at, KEEP, drop);
    }
}
