//! What a request is for where nobody says so and the classifier is in doubt: a model is asked, where the
//! org wants that, and the request is planned again for what that says.
//!
//! It is asked once the request is admitted, for the default operation and the price of asking. Where it
//! fails, is slow, or what it says is not admitted, the default operation serves the request.

use futures::future::{Either, select};
use sha2::{Digest, Sha256};

use crate::audit::CacheStatus;
use crate::config;
use crate::config::intent::Below;
use crate::error::{Error, Kind};
use crate::isolate::OrgView;
use crate::ports::ModelCall;
use crate::protocol::Needs;
use crate::providers::workers_ai;
use crate::request::Reserved;
use crate::request::admit::Admitted;
use crate::request::classify::classify;
use crate::request::exchange::Exchange;
use crate::request::extend::change_purpose;
use crate::request::helper::{Helper, help};
use crate::request::recall::{place, recall};
use crate::routing::Plan;
use crate::routing::doubt::{Doubt, answer_tokens, excerpt};
use crate::routing::health::Part;

/// Milliseconds that the question may take.
const ASK_MS: u64 = 1_500;
/// Milliseconds that its remembered answer may take.
const LOOK_UP_MS: u64 = 500;
/// Seconds for which an answer is remembered.
const REMEMBER_SECONDS: u64 = 24 * 60 * 60;

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
    let asked = Asked {
        text: &text,
        needs: admitted.request.needs(),
    };
    let verdict = match answer(exchange, &doubt, asked).await {
        Some(name) if name != reserved.plan.operation.name => name,
        _ => return reserved,
    };
    let before = exchange.draft.clone();
    admitted.wishes.verdict = Some(verdict);
    let plan = match plan_again(exchange, admitted, view, &reserved.plan).await {
        Ok(plan) => plan,
        Err(error) => {
            admitted.wishes.verdict = None;
            exchange.draft = before;
            let (name, code) = (&reserved.plan.operation.name, error.kind.row().code);
            let policy = format!("served as {name}: {code}");
            exchange.draft.policy.push(policy);
            exchange.draft.cache = CacheStatus::Bypass;
            return reserved;
        }
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

/// The plan for what was answered, admitted as that: before its answer is looked for anywhere, since
/// rules and switches of its operation hold for cached ones too.
async fn plan_again(
    exchange: &mut Exchange,
    admitted: &mut Admitted,
    view: &OrgView,
    first: &Plan,
) -> Result<Plan, Error> {
    let mut plan = classify(exchange, admitted, view)?;
    if plan.operation.name == first.operation.name {
        let message = "The request does not fit what it was said to be for.";
        return Err(Error::new(Kind::InvalidRequest, message));
    }
    let needed = exchange.cost().saturating_add(plan.bound);
    let by = needed.saturating_sub(first.bound).at_least_zero();
    change_purpose(exchange, &plan, by).await?;
    plan.bound = needed.max(first.bound);
    Ok(plan)
}

/// What the answer depends on.
#[derive(Clone, Copy)]
struct Asked<'a> {
    text: &'a str,
    needs: Needs,
}

/// One of the operations in question: as it was answered before, or is now.
async fn answer(exchange: &mut Exchange, doubt: &Doubt, asked: Asked<'_>) -> Option<String> {
    let key = key(exchange, doubt, asked);
    let is_one = |name: &String| doubt.operations.contains(name);
    let remembered = look_up(exchange, &key).await.filter(is_one);
    let (name, how) = if let Some(name) = remembered {
        (name, "remembered")
    } else {
        let name = ask(exchange, doubt, &excerpt(asked.text))
            .await
            .filter(is_one)?;
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
fn key(exchange: &Exchange, doubt: &Doubt, Asked { text, needs }: Asked<'_>) -> String {
    let versions = exchange.draft.versions;
    let version = format!("{}.{}", versions.config, versions.deployment);
    let signs = [needs.tools, needs.vision, needs.audio, needs.json];
    let signs = signs.map(|sign| if sign { "1" } else { "0" }).concat();
    let parts = [
        "esclusa-intent-2",
        &exchange.org,
        &version,
        config::digest(),
        &doubt.model.id,
        &signs,
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
