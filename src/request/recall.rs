//! Is there a cached answer, and where would this one be cached.

use std::borrow::Cow;

use futures::future::{Either, select};

use crate::audit::CacheStatus;
use crate::cache::{self, Entry, KeyParts};
use crate::config;
use crate::governor::command::Target;
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::request::helper::unless_open;
use crate::request::reserve::check_on;
use crate::routing::Plan;
use crate::routing::health::Part;

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
    // The key names the configuration in force.
    if exchange.draft.stale_config.is_some() {
        return None;
    }
    let seconds = plan.cache_seconds?;
    // Cloudflare's custom key stands in place of the body.
    let body = if admitted.cache_key.is_some() {
        b"{}"
    } else {
        admitted.body.as_slice()
    };
    let asked = asked(admitted, plan);
    let key = cache::key(&KeyParts {
        org: &exchange.org,
        operation: &plan.operation.name,
        requested_model: &asked,
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

/// The model as it was asked for; of a route also where the way leads, which may be elsewhere for
/// another request of the same body.
fn asked<'a>(admitted: &'a Admitted, plan: &Plan) -> Cow<'a, str> {
    let model = &admitted.request.model;
    let led = plan.candidates.iter().filter(|it| it.step.is_some());
    let led: Vec<&str> = led.map(|candidate| candidate.id.as_str()).collect();
    if led.is_empty() {
        return Cow::Borrowed(model);
    }
    Cow::Owned(format!("{model} {}", led.join(" ")))
}

/// Looks for a cached answer. A cache that fails or is slow is a miss, and the operator hears of it.
pub async fn recall(exchange: &Exchange, place: Option<&Place>) -> (CacheStatus, Option<Entry>) {
    let Some(place) = place else {
        return (CacheStatus::Bypass, None);
    };
    let found = match look_up(exchange, &place.key).await {
        Some(entry) => (CacheStatus::Hit, Some(entry)),
        None => (CacheStatus::Miss, None),
    };
    unless_off(exchange, found)
}

/// What was found, but for an answer of a model that is switched off, as far as is known by now.
#[must_use]
pub fn unless_off(
    exchange: &Exchange,
    found: (CacheStatus, Option<Entry>),
) -> (CacheStatus, Option<Entry>) {
    match &found.1 {
        Some(entry) if check_on(exchange, &maker(entry)).is_err() => (CacheStatus::Miss, None),
        _ => found,
    }
}

/// Who gave a cached answer, as the governor knows it.
#[must_use]
pub fn maker(entry: &Entry) -> Target {
    Target {
        provider: entry.provider.clone(),
        model: entry.model.clone(),
    }
}

async fn look_up(exchange: &Exchange, key: &str) -> Option<Entry> {
    let ports = &exchange.ports;
    let in_time = async {
        let found = ports.cache.get(key);
        match select(found, ports.clock.sleep(LOOK_UP_MS)).await {
            Either::Left((Ok(bytes), _)) => Ok(bytes),
            Either::Left((Err(error), _)) => Err(Some(error.to_string())),
            Either::Right(_) => Err(Some("no answer in time".to_owned())),
        }
    };
    match unless_open(exchange, (Part::Cache, ""), in_time, |_| true, || None).await {
        Ok(bytes) => bytes.as_deref().and_then(Entry::decode),
        Err(reason) => {
            if let Some(reason) = reason {
                let line = format!("the answer cache failed: {reason}");
                ports.log.error(&line);
            }
            None
        }
    }
}
