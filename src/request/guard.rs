//! The model that guards an operation: judges what callers say and what models answer.

use crate::config::{Guard, GuardFailure};
use crate::error::{Error, Kind};
use crate::protocol::{Answer, ChatRequest, Choice};
use crate::providers::workers_ai;
use crate::request::exchange::Exchange;
use crate::request::helper::{Helper, help};
use crate::routing::Plan;
use crate::routing::bound::GUARD_BYTES;
use crate::routing::health::Part;

/// Milliseconds that a verdict may take.
const MILLISECONDS: u64 = 10_000;
/// What each hazard is.
/// <https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/>
const HAZARDS: [(&str, &str); 14] = [
    ("S1", "violent crimes"),
    ("S2", "other crimes"),
    ("S3", "sex crimes"),
    ("S4", "sexual exploitation of children"),
    ("S5", "defamation"),
    ("S6", "specialised advice"),
    ("S7", "privacy"),
    ("S8", "intellectual property"),
    ("S9", "indiscriminate weapons"),
    ("S10", "hate"),
    ("S11", "suicide and self-harm"),
    ("S12", "sexual content"),
    ("S13", "elections"),
    ("S14", "abuse of code interpreters"),
];

/// Judges what the caller says, in every turn.
///
/// # Errors
/// `ContentBlocked`, with the hazards; `Unavailable` where there is no verdict.
pub async fn judge_request(
    exchange: &mut Exchange,
    plan: &Plan,
    request: &ChatRequest,
) -> Result<(), Error> {
    if plan.operation.guard.is_some_and(Guard::of_input) {
        judge(exchange, plan, "request", &request.text_of_caller()).await?;
    }
    Ok(())
}

/// Judges what a model answers.
///
/// # Errors
/// As [`judge_request`].
pub async fn judge_answer(
    exchange: &mut Exchange,
    plan: &Plan,
    answer: &Answer,
) -> Result<(), Error> {
    if plan.operation.guard.is_some_and(Guard::of_output) {
        let texts = answer.choices.iter().filter_map(Choice::text);
        let text = texts.collect::<Vec<_>>().join("\n");
        judge(exchange, plan, "answer", &text).await?;
    }
    Ok(())
}

async fn judge(
    exchange: &mut Exchange,
    plan: &Plan,
    subject: &'static str,
    text: &str,
) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let catalogue = exchange.catalogue()?;
    let model = &catalogue.helpers.guard;
    let helper = Helper {
        part: Part::Guard,
        model,
        bytes: text.len().saturating_add(GUARD_BYTES),
        answer_tokens: 0,
        milliseconds: MILLISECONDS,
        call: workers_ai::encode_guard(model, text),
    };
    let verdict = help(exchange, helper, workers_ai::decode_guard).await;
    let hazards = match verdict {
        Ok((verdict, _)) => verdict.hazards,
        Err(_) if plan.operation.guard_failure == GuardFailure::Allow => {
            let policy = format!("guard: {subject} not judged");
            exchange.draft.policy.push(policy);
            return Ok(());
        }
        Err(failure) => {
            let message = "What this operation is asked and answers must be judged, which cannot be done right now. Retry shortly.";
            return Err(Error::unavailable(message, failure.to_string()));
        }
    };
    if hazards.is_empty() {
        return Ok(());
    }
    let codes = hazards.join(" ");
    exchange
        .draft
        .policy
        .push(format!("guard: {subject} {codes}"));
    let named: Vec<String> = hazards.iter().map(|code| named(code)).collect();
    let message = format!(
        "The guard of the operation `{}` finds the {subject} unsafe: {}.",
        plan.operation.name,
        named.join(", ")
    );
    Err(Error::new(Kind::ContentBlocked, message))
}

fn named(code: &str) -> String {
    match HAZARDS.iter().find(|(known, _)| *known == code) {
        Some((_, name)) => format!("{code} {name}"),
        None => code.to_owned(),
    }
}
