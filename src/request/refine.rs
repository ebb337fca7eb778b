//! A whole answer as its operation wants it: of the right form, mended once where it is not, and judged.

use crate::config::Output;
use crate::error::{Error, Kind};
use crate::output;
use crate::protocol::{Answer, Choice, Content, FinishReason, Message, Part, Role};
use crate::request::admit::Admitted;
use crate::request::dispatch::{Delivery, Dispatched, dispatch};
use crate::request::exchange::Exchange;
use crate::request::guard;
use crate::routing::Plan;
use crate::routing::plan::Candidate;

/// Characters of what is wrong with an answer that a model is told.
const MOST_REASON: usize = 500;

/// Gives the answer that is released. One that is not is charged here.
///
/// # Errors
/// `OutputInvalid`; those of [`dispatch`] where the answer is asked for again; `ContentBlocked` and
/// `Unavailable` of the guard.
pub async fn refine(
    exchange: &mut Exchange,
    admitted: &Admitted,
    plan: &Plan,
    messages: &[Message],
    dispatched: Dispatched,
) -> Result<Dispatched, Error> {
    let Delivery::Whole(answer) = dispatched.delivery else {
        return Ok(dispatched);
    };
    let dispatched = Dispatched {
        delivery: Delivery::Whole(answer),
        ..dispatched
    };
    let dispatched = match plan.output() {
        Some(output) => {
            transformed(exchange, admitted, (plan, output), messages, dispatched).await?
        }
        None => dispatched,
    };
    if let Delivery::Whole(answer) = &dispatched.delivery
        && let Err(error) = guard::judge_answer(exchange, plan, answer).await
    {
        charge(exchange, &dispatched.candidate, answer);
        return Err(error);
    }
    Ok(dispatched)
}

async fn transformed(
    exchange: &mut Exchange,
    admitted: &Admitted,
    (plan, output): (&Plan, &Output),
    messages: &[Message],
    dispatched: Dispatched,
) -> Result<Dispatched, Error> {
    let Delivery::Whole(answer) = &dispatched.delivery else {
        return Ok(dispatched);
    };
    let reason = match shaped(output, answer) {
        Ok(answer) => return Ok(with(dispatched, answer)),
        Err(reason) => reason,
    };
    charge(exchange, &dispatched.candidate, answer);
    exchange.draft.policy.push("output invalid".to_owned());
    if !output.repair {
        return Err(invalid(plan, &reason));
    }
    let messages = corrected(messages, answer, &reason);
    let again = plan.again(&dispatched.candidate, &admitted.request, &messages);
    exchange.admitted_for = 0;
    let step = dispatched.step;
    let repaired = Box::pin(dispatch(exchange, admitted, &again, &messages)).await?;
    let Delivery::Whole(answer) = &repaired.delivery else {
        return Ok(repaired);
    };
    match shaped(output, answer) {
        Ok(answer) => {
            exchange.draft.policy.push("output repaired".to_owned());
            let repaired = Dispatched { step, ..repaired };
            Ok(with(repaired, answer))
        }
        Err(reason) => {
            charge(exchange, &repaired.candidate, answer);
            Err(invalid(plan, &reason))
        }
    }
}

fn with(dispatched: Dispatched, answer: Answer) -> Dispatched {
    Dispatched {
        delivery: Delivery::Whole(answer),
        ..dispatched
    }
}

fn charge(exchange: &mut Exchange, candidate: &Candidate, answer: &Answer) {
    exchange.charge(candidate, answer.usage.unwrap_or_default());
}

/// The answer with every text as the operation wants it. Calls of tools and refusals stay what they are.
fn shaped(output: &Output, answer: &Answer) -> Result<Answer, String> {
    let choices = answer.choices.iter().map(|choice| {
        let is_answer = choice.refusal().is_none() && choice.tool_calls().next().is_none();
        if !is_answer {
            return Ok(choice.clone());
        }
        let text = output::transform(output, &choice.text().unwrap_or_default())?;
        Ok(said(choice, &text))
    });
    let choices: Result<Vec<Choice>, String> = choices.collect();
    Ok(Answer {
        choices: choices?,
        ..answer.clone()
    })
}

/// The choice with one text in place of its own.
fn said(choice: &Choice, text: &str) -> Choice {
    let mut choice = choice.clone();
    let is_text = |part: &Part| matches!(part.content, Content::Text { .. });
    choice.parts.retain(|part| !is_text(part));
    choice.parts.push(Part::text(text));
    choice
}

/// The conversation that goes on with what is wrong.
fn corrected(messages: &[Message], answer: &Answer, reason: &str) -> Vec<Message> {
    let choice = answer.choices.first();
    let said = choice.and_then(Choice::text).unwrap_or_default();
    let cut = choice.is_some_and(|choice| choice.finish_reason == FinishReason::Length);
    let shorter = if cut { " You must be shorter." } else { "" };
    let reason: String = reason.chars().take(MOST_REASON).collect();
    let wrong = format!(
        "Your answer cannot be used: {reason}. You must give the whole answer again, as JSON only.{shorter}"
    );
    let more = [
        Message::text(Role::Assistant, said),
        Message::text(Role::User, wrong),
    ];
    // An assistant that said nothing cannot be quoted.
    let more = more
        .into_iter()
        .filter(|message| !message.plain_text().is_empty());
    messages.iter().cloned().chain(more).collect()
}

fn invalid(plan: &Plan, reason: &str) -> Error {
    let reason: String = reason.chars().take(MOST_REASON).collect();
    let message = format!(
        "The model's answer is not what the operation `{}` must give: {reason}. Retry, or change the operation's `output`.",
        plan.operation.name
    );
    Error::new(Kind::OutputInvalid, message)
}
