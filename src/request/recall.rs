//! Is there a cached answer, and where would this one be cached.

use futures::future::{Either, select};

use crate::audit::CacheStatus;
use crate::cache::{self, Entry, KeyParts};
use crate::config;
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::routing::Plan;

/// Milliseconds that a look-up may take before the request goes on without it.
const LOOK_UP_MS: u64 = 1_000;

/// Where an answer is cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The cache key.
    pub key: String,
    /// For how long, in seconds.
    pub seconds: u64,
}

/// The place of the plan's answer; `None` where it must not be cached.
#[must_use]
pub fn place(exchange: &Exchange, admitted: &Admitted, plan: &Plan) -> Option<Place> {
    let seconds = plan.cache_seconds?;
    // Cloudflare's custom key stands in place of the body.
    let body = if admitted.cache_key.is_some() {
        b"{}"
    } else {
        admitted.body.as_slice()
    };
    let key = cache::key(&KeyParts {
        org: &exchange.org,
        operation: &plan.operation.name,
        requested_model: &admitted.request.model,
        prompt: plan.instructions.as_ref().map_or(("", ""), |prompt| {
            (prompt.label.as_str(), prompt.text.as_str())
        }),
        catalogue: config::digest(),
        versions: exchange.draft.versions,
        grounded: plan.rag.is_some(),
        custom: admitted.cache_key.as_deref(),
        body,
    })?;
    Some(Place { key, seconds })
}

/// Looks for a cached answer. A cache that fails or is slow is a miss, and the operator hears of it.
pub async fn recall(exchange: &Exchange, place: Option<&Place>) -> (CacheStatus, Option<Entry>) {
    let Some(place) = place else {
        return (CacheStatus::Bypass, None);
    };
    let ports = &exchange.ports;
    let look_up = ports.cache.get(&place.key);
    let found = match select(look_up, ports.clock.sleep(LOOK_UP_MS)).await {
        Either::Left((Ok(bytes), _)) => bytes.as_deref().and_then(Entry::decode),
        Either::Left((Err(error), _)) => {
            ports
                .log
                .error(&format!("the answer cache failed: {error}"));
            None
        }
        Either::Right(_) => {
            ports.log.error("the answer cache did not answer in time");
            None
        }
    };
    match found {
        Some(entry) => (CacheStatus::Hit, Some(entry)),
        None => (CacheStatus::Miss, None),
    }
}
