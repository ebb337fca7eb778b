//! What was decided, in the headers of the answer (design/api.md, "Headers").

use crate::audit::Draft;
use crate::governor::command::{LimitState, State};
use crate::http::Reply;
use crate::money::Nanos;
use crate::protocol::Warning;

/// Warnings that a header tells.
const MOST_WARNINGS: usize = 20;

/// Who answered and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Which candidate, from 0; none for a cached answer.
    pub step: Option<usize>,
    /// The provider's slug.
    pub provider: String,
    /// The model's id.
    pub model: String,
    /// What the request cost; unknown while a stream runs, whose last chunk says it.
    pub cost: Option<Nanos>,
}

/// Sets the headers of an answer.
pub fn set(reply: &mut Reply, draft: &Draft, decision: &Decision, state: &State) {
    begun(reply, draft);
    if let Some(step) = decision.step {
        reply.set("cf-aig-step", step.to_string());
    }
    reply.set("cf-aig-provider", decision.provider.clone());
    reply.set("cf-aig-model", decision.model.clone());
    let attempts = draft
        .attempts
        .iter()
        .filter(|attempt| attempt.purpose == "answer")
        .count();
    reply.set("x-ai-attempts", attempts.to_string());
    reply.set("x-ai-sources", draft.sources.to_string());
    if let Some(cost) = decision.cost {
        reply.set("x-ai-cost-usd", cost.to_usd());
    }
    let phases = draft
        .phases
        .iter()
        .map(|(name, milliseconds)| format!("{name};dur={milliseconds}"));
    reply.set("server-timing", phases.collect::<Vec<_>>().join(", "));
    limits(reply, state);
}

/// Sets the headers of a request that was admitted.
pub fn begun(reply: &mut Reply, draft: &Draft) {
    reply.set("x-request-id", draft.request.clone());
    reply.set("cf-aig-log-id", draft.request.clone());
    reply.set("x-ai-cache-status", draft.cache.as_str());
    reply.set("cf-aig-cache-status", draft.cache.as_str());
    reply.set("x-ai-operation", draft.operation.clone());
    reply.set("x-ai-tier", draft.tier.clone());
    if draft.stale_config.is_some() {
        reply.set("x-ai-config", "stale");
    }
    if let Some(taken) = &draft.route {
        let (name, version) = (&taken.name, draft.versions.config);
        let nodes = taken.nodes.join(">");
        reply.set("x-ai-route", format!("{name}@{version}; {nodes}"));
    }
    if !draft.prompt.is_empty() {
        reply.set("x-ai-prompt", draft.prompt.clone());
    }
}

/// Tells what of the request was left out.
pub fn warnings(reply: &mut Reply, warnings: &[Warning]) {
    if !warnings.is_empty() {
        let told: Vec<String> = warnings
            .iter()
            .take(MOST_WARNINGS)
            .map(Warning::to_string)
            .collect();
        reply.set("x-ai-warnings", told.join(", "));
    }
}

/// Sets the headers that say what is left: those of the IETF draft
/// <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>, and `OpenAI`'s names with
/// the limit of which the least is left.
pub fn limits(reply: &mut Reply, state: &State) {
    let paced = || state.limits.iter().filter(|limit| limit.seconds.is_some());
    let policies = paced().map(|limit| {
        let (name, quota, window) = (&limit.name, limit.limit, limit.seconds.unwrap_or_default());
        format!("\"{name}\";q={quota};w={window}")
    });
    let left = paced().map(|limit| {
        let (name, remaining, reset) = (&limit.name, limit.remaining(), limit.reset);
        format!("\"{name}\";r={remaining};t={reset}")
    });
    let (policies, left): (Vec<_>, Vec<_>) = (policies.collect(), left.collect());
    if !left.is_empty() {
        reply.set("ratelimit-policy", policies.join(", "));
        reply.set("ratelimit", left.join(", "));
    }
    let of = |count: &'static str| paced().filter(move |limit| limit.count == count);
    if let Some(limit) = tightest(of("requests")) {
        reply.set("x-ratelimit-limit-requests", limit.limit.to_string());
        let remaining = limit.remaining().to_string();
        reply.set("x-ratelimit-remaining-requests", remaining);
        reply.set("x-ratelimit-reset-requests", format!("{}s", limit.reset));
    }
    let tokens = ["tokens", "input_tokens", "output_tokens"];
    if let Some(limit) = tightest(tokens.into_iter().flat_map(of)) {
        reply.set("x-ratelimit-limit-tokens", limit.limit.to_string());
        let remaining = limit.remaining().to_string();
        reply.set("x-ratelimit-remaining-tokens", remaining);
        reply.set("x-ratelimit-reset-tokens", format!("{}s", limit.reset));
    }
    if let Some(remaining) = state.remaining() {
        reply.set("x-ai-budget-remaining-usd", remaining.to_usd());
    }
}

/// The limit of which the least is left, which `OpenAI`'s headers tell
/// (<https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>).
fn tightest<'a>(limits: impl Iterator<Item = &'a LimitState>) -> Option<&'a LimitState> {
    limits.min_by_key(|limit| limit.remaining())
}
