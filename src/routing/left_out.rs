//! Which models of a tier a plan leaves out, and why: for the record.

use super::handling;
use super::plan::Plan;
use super::wanted::leaves_choice;
use crate::audit::PassedOver;
use crate::config::Catalogue;
use crate::protocol::ChatRequest;

/// The models of the tier that are not among the candidates. Nothing is left out where the caller names
/// a model.
#[must_use]
pub fn left_out(
    request: &ChatRequest,
    model: &str,
    plan: &Plan,
    catalogue: &Catalogue,
) -> Vec<PassedOver> {
    let candidates = &plan.candidates;
    if !leaves_choice(model) || candidates.iter().any(|it| it.step.is_some()) {
        return Vec::new();
    }
    let needs = handling::needs(request, &plan.operation);
    let mut models = catalogue.models_of(plan.tier);
    models.extend(catalogue.fallbacks_of(plan.tier));
    models.retain(|model| candidates.iter().all(|it| it.id != model.id));
    let passed = models.iter().map(|model| PassedOver {
        model: model.id.clone(),
        reason: match model.lacks(needs) {
            Some(_) => "no capability".to_owned(),
            None => "window".to_owned(),
        },
    });
    passed.collect()
}
