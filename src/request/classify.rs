//! What the request is for, and so which models may answer it and what it may cost.

use crate::error::{Error, Kind};
use crate::isolate::OrgView;
use crate::protocol::{Dialect, Field};
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::request::route;
use crate::routing::Plan;
use crate::routing::left_out::left_out;

/// Makes the request's plan for the org as `view` has it.
///
/// # Errors
/// `InvalidRequest`, `ModelNotFound`.
pub fn classify(
    exchange: &mut Exchange,
    admitted: &mut Admitted,
    view: &OrgView,
) -> Result<Plan, Error> {
    let way = route::take(exchange, admitted, view);
    let plan = way.and_then(|()| Plan::make(&admitted.request, &admitted.wishes, view));
    let first = plan.as_ref().ok().and_then(|plan| plan.candidates.first());
    route::note_first(exchange, first);
    let plan = plan
        .map_err(|error| route::with_wait(error, admitted.surroundings.as_deref()))
        .map_err(|error| told_to(admitted.dialect, error))?;
    exchange.draft.operation.clone_from(&plan.operation.name);
    plan.tier.as_str().clone_into(&mut exchange.draft.tier);
    exchange.draft.confidence = plan.confidence;
    if let Some(guessed) = &plan.instead_of {
        let code = Kind::InvalidRequest.row().code;
        exchange.note_policy(format!("guessed {guessed}"));
        exchange.note_policy(format!("served as {}: {code}", plan.operation.name));
    }
    let (wishes, request) = (&admitted.wishes, &admitted.request);
    let model = wishes.route.as_deref().unwrap_or(&request.model);
    exchange.draft.passed_over = match plan.operation.models {
        Some(_) => Vec::new(),
        None => left_out(request, model, &plan, view.config.catalogue()),
    };
    let prompt = plan.instructions.as_ref();
    exchange.draft.prompt = prompt.map_or_else(String::new, |prompt| prompt.label.clone());
    exchange.plan_for(view);
    Ok(plan)
}

/// The error with the name that the caller's wire has for the field.
fn told_to(dialect: Dialect, error: Error) -> Error {
    let own = |param: String| dialect.name(&Field::from(param.as_str()));
    Error {
        param: error.param.map(own),
        ..error
    }
}
