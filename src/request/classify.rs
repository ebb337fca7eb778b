//! What the request is for, and so which models may answer it and what it may cost.

use crate::config;
use crate::error::Error;
use crate::isolate::OrgView;
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::routing::Plan;

/// Makes the request's plan for the org as `view` has it.
///
/// # Errors
/// `InvalidRequest`, `ModelNotFound`.
pub fn classify(
    exchange: &mut Exchange,
    admitted: &Admitted,
    view: &OrgView,
) -> Result<Plan, Error> {
    let plan = Plan::make(
        &admitted.request,
        &admitted.wishes,
        view,
        config::catalogue()?,
    )?;
    exchange.draft.operation.clone_from(&plan.operation.name);
    plan.tier.as_str().clone_into(&mut exchange.draft.tier);
    exchange.draft.confidence = plan.confidence;
    exchange.draft.versions = view.versions;
    Ok(plan)
}
