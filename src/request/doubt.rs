//! What a request is for where nobody says so and the classifier is in doubt: a model is asked, where the
//! org wants that, and the request is planned again for what that says.
//!
//! It is asked once the request is admitted, for the default operation and the price of asking. Where it
//! fails, is slow, or what it says cannot be paid for, the default operation serves the request.

use futures::future::{Either, select};
use sha2::{Digest, Sha256};

use crate::audit::CacheStatus;
use crate::config;
use crate::config::intent::Below;
use crate::isolate::OrgView;
use crate::ports::ModelCall;
use crate::providers::workers_ai;
use crate::request::Reserved;
use crate::request::admit::Admitted;
use crate::request::classify::classify;
use crate::request::exchange::Exchange;
use crate::request::ground::head;
use crate::request::helper::{Helper, help};
use crate::request::recall::{place, recall};
use crate::request::reserve::{extend, target};
use crate::routing::Plan;
use crate::routing::bound::QUERY_BYTES;
use crate::routing::doubt::{Doubt, answer_tokens};
use crate::routing::health::Part;

/// Milliseconds that the question may take.
const ASK_MS: u64 = 1_500;
/// Milliseconds that its remembered answer may take.
const LOOK_UP_MS: u64 = 500;
/// Seconds for which an answer is remembered.
const REMEMBER_SECONDS: u64 = 24 * 60 * 60;
/// The raise of what is held for the plan that the answer makes; attempts count theirs from 0.
const STEP: u32 = u32::MAX;

/// Removes the doubt of an admitted plan, as far as that can be.
pub(super) async fn resolve(
    exchange: &mut Exchange,
    admitted: &mut Admitted,
    view: &OrgView,
    reserved: Reserved,
) -> Reserved {
    let Some(doubt) = reserved.plan.doubt.clone() else {
        return reserved;
    };
    let text = admitted.request.last_user_text().into_owned();
    let verdict = match answer(exchange, &doubt, head(&text, QUERY_BYTES)).await {
        Some(name) if name != reserved.plan.operation.name => name,
        _ => return reserved,
    };
    admitted.wishes.verdict = Some(verdict);
    let Some(plan) = plan_again(exchange, admitted, view, &reserved.plan).await else {
        admitted.wishes.verdict = None;
        note(exchange, &reserved.plan);
        exchange.draft.cache = CacheStatus::Bypass;
        return reserved;
    };
    let place = place(exchange, admitted, &plan);
    let (cache, hit) = recall(exchange, place.as_ref()).await;
    exchange.draft.cache = cache;
    Reserved {
        plan,
        place,
        hit,
        ..reserved
    }
}

/// The plan for what was answered, with what it may cost held; `None` where it cannot be.
async fn plan_again(
    exchange: &mut Exchange,
    admitted: &mut Admitted,
    view: &OrgView,
    first: &Plan,
) -> Option<Plan> {
    let mut plan = classify(exchange, admitted, view).ok()?;
    let needed = exchange.cost().saturating_add(plan.bound);
    let guarded = plan.candidates.first().filter(|_| exchange.guarded);
    let other = guarded.map(target);
    if needed > first.bound || other.is_some() {
        let by = needed.saturating_sub(first.bound).at_least_zero();
        extend(exchange, STEP, by, other).await.ok()?;
    }
    plan.bound = needed.max(first.bound);
    exchange.admitted_for = 0;
    Some(plan)
}

/// Notes the plan that the request goes on with after all.
fn note(exchange: &mut Exchange, plan: &Plan) {
    exchange.draft.operation.clone_from(&plan.operation.name);
    plan.tier.as_str().clone_into(&mut exchange.draft.tier);
    let prompt = plan.instructions.as_ref();
    exchange.draft.prompt = prompt.map_or_else(String::new, |prompt| prompt.label.clone());
}

/// One of the operations in question: as it was answered before, or is now.
async fn answer(exchange: &mut Exchange, doubt: &Doubt, text: &str) -> Option<String> {
    let key = key(exchange, doubt, text);
    let is_one = |name: &String| doubt.operations.contains(name);
    let remembered = look_up(exchange, &key).await.filter(is_one);
    let (name, how) = if let Some(name) = remembered {
        (name, "remembered")
    } else {
        let name = ask(exchange, doubt, text).await.filter(is_one)?;
        remember(exchange, key, &name);
        (name, "asked")
    };
    exchange.draft.policy.push(format!("{how} for {name}"));
    Some(name)
}

async fn ask(exchange: &mut Exchange, doubt: &Doubt, text: &str) -> Option<String> {
    let names: Vec<&str> = doubt.operations.iter().map(String::as_str).collect();
    let model = doubt.model.id.as_str();
    let call = match doubt.below {
        Below::Decide => workers_ai::encode_decision(model, text, &names),
        Below::Ask | Below::Default => workers_ai::encode_choice(model, text, &names),
    };
    let bytes = match &call {
        ModelCall::Binding(call) => call.input.len(),
        ModelCall::Http(_) => text.len(),
    };
    let helper = Helper {
        part: Part::Intent,
        model,
        bytes,
        answer_tokens: answer_tokens(doubt.below),
        milliseconds: ASK_MS,
        call,
    };
    let decode = match doubt.below {
        Below::Decide => workers_ai::decode_decision,
        Below::Ask | Below::Default => workers_ai::decode_choice,
    };
    help(exchange, helper, decode).await.ok()
}

/// Where an answer is remembered: nothing that it depends on is left out, and none crosses an org.
fn key(exchange: &Exchange, doubt: &Doubt, text: &str) -> String {
    let versions = exchange.draft.versions;
    let version = format!("{}.{}", versions.config, versions.deployment);
    let parts = [
        "esclusa-intent-1",
        &exchange.org,
        &version,
        config::digest(),
        &doubt.model.id,
        text,
    ];
    let hash = parts.into_iter().fold(Sha256::new(), |hash, part| {
        hash.chain_update(part.len().to_string())
            .chain_update(":")
            .chain_update(part)
    });
    hex::encode(hash.finalize())
}

async fn look_up(exchange: &Exchange, key: &str) -> Option<String> {
    let ports = &exchange.ports;
    match select(ports.cache.get(key), ports.clock.sleep(LOOK_UP_MS)).await {
        Either::Left((Ok(bytes), _)) => String::from_utf8(bytes?).ok(),
        Either::Left((Err(_), _)) | Either::Right(_) => None,
    }
}

fn remember(exchange: &Exchange, key: String, name: &str) {
    let (ports, name) = (exchange.ports.clone(), name.as_bytes().to_vec());
    exchange.ports.background.spawn(Box::pin(async move {
        if let Err(error) = ports.cache.put(&key, name, REMEMBER_SECONDS).await {
            let line = format!("what a request is for could not be remembered: {error}");
            ports.log.error(&line);
        }
    }));
}
