//! The model that guards an operation: judges what callers say and what models answer.

use crate::config::{Guard, GuardFailure};
use crate::error::{Error, Kind};
use crate::protocol::Answer;
use crate::providers::workers_ai;
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::request::helper::{Helper, help};
use crate::routing::Plan;
use crate::routing::bound::{GUARD_BYTES, VERDICT_TOKENS};
use crate::routing::handling::said;
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

/// Judges what the caller says, in every turn. Media cannot be judged: the record says so, and a request
/// of nothing else is one without a verdict.
///
/// # Errors
/// `ContentBlocked`, with the hazards; `Unavailable` where there is no verdict.
pub async fn judge_request(
    exchange: &mut Exchange,
    plan: &Plan,
    admitted: &Admitted,
) -> Result<(), Error> {
    if !plan.operation.guard.is_some_and(Guard::of_input) {
        return Ok(());
    }
    let text = said(&admitted.request, &admitted.wishes.variables);
    let has_media = admitted.request.has_media_of_caller();
    if has_media && text.trim().is_empty() {
        note_unjudged(exchange, "request");
        return match plan.operation.guard_failure {
            GuardFailure::Allow => Ok(()),
            GuardFailure::Refuse => Err(nothing_to_judge(plan)),
        };
    }
    if has_media {
        note_unjudged(exchange, "media");
    }
    judge(exchange, plan, "request", &text).await
}

/// Judges what a model answers: what it says, thinks and refuses, and the calls that it makes.
///
/// # Errors
/// As [`judge_request`].
pub async fn judge_answer(
    exchange: &mut Exchange,
    plan: &Plan,
    answer: &Answer,
) -> Result<(), Error> {
    if plan.operation.guard.is_some_and(Guard::of_output) {
        let parts = answer.choices.iter().flat_map(|choice| &choice.parts);
        let texts = parts.flat_map(|part| part.content.texts());
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        judge(exchange, plan, "answer", &texts.join("\n")).await?;
    }
    Ok(())
}

fn note_unjudged(exchange: &mut Exchange, subject: &str) {
    let policy = format!("guard: {subject} not judged");
    exchange.draft.policy.push(policy);
    exchange.unjudged = true;
}

fn nothing_to_judge(plan: &Plan) -> Error {
    let message = format!(
        "The guard of the operation `{}` reads texts, and this request has none. Say in words what is wanted.",
        plan.operation.name
    );
    Error::new(Kind::ContentBlocked, message)
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
        answer_tokens: VERDICT_TOKENS,
        milliseconds: MILLISECONDS,
        call: workers_ai::encode_guard(model, text),
    };
    let verdict = help(exchange, helper, workers_ai::decode_guard).await;
    let hazards = match verdict {
        Ok((verdict, _)) => verdict.hazards,
        Err(_) if plan.operation.guard_failure == GuardFailure::Allow => {
            note_unjudged(exchange, subject);
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
