//! The models on the way through a route that can answer the request.

use std::sync::Arc;

use super::graph::Gate;
use super::graph::walk::{End, Step, Way};
use crate::config::{Catalogue, Model, ModelKind};
use crate::error::{Error, Kind};

/// A model on the way.
pub(super) struct Stop {
    pub(super) model: Arc<Model>,
    /// Its id: that of the model, but for one that the catalogue does not list.
    pub(super) id: String,
    pub(super) step: Step,
}

/// The models that can do what is asked, in order; at least one. `fits` says why one cannot.
///
/// # Errors
/// Why the way leads to none.
pub(super) fn stops(
    route: &str,
    way: &Way,
    catalogue: &Catalogue,
    fits: impl Fn(&Arc<Model>) -> Result<(), Error>,
) -> Result<Vec<Stop>, Error> {
    let mut stops = Vec::new();
    let mut unfit: Vec<(String, Error)> = Vec::new();
    for step in &way.steps {
        let Some((model, id)) = found(&step.model, catalogue) else {
            continue;
        };
        match fits(&model) {
            Ok(()) => stops.push(Stop {
                model,
                id,
                step: step.clone(),
            }),
            Err(error) => unfit.push((id, error)),
        }
    }
    if stops.is_empty() {
        return Err(nothing(route, way, &unfit));
    }
    Ok(stops)
}

/// The model of a name; none where the catalogue has it no more.
pub(super) fn found(name: &str, catalogue: &Catalogue) -> Option<(Arc<Model>, String)> {
    let named = catalogue.named(name, ModelKind::Chat).ok()?;
    let is_chat = named.model.kind == ModelKind::Chat;
    is_chat.then(|| (Arc::clone(named.model), named.id.into_owned()))
}

/// The error of a request for a route that its org does not have.
pub(super) fn unknown(route: &str) -> Error {
    let shown: String = route.chars().take(100).collect();
    let message = format!(
        "There is no route `{shown}`. The administrator adds it to the org's configuration under `routes`."
    );
    Error {
        param: Some("model".to_owned()),
        ..Error::new(Kind::ModelNotFound, message)
    }
}

fn nothing(route: &str, way: &Way, unfit: &[(String, Error)]) -> Error {
    if let [.., (_, last)] = unfit {
        let reasons: Vec<String> = unfit
            .iter()
            .map(|(id, error)| format!("{id}: {}", error.message))
            .collect();
        let message = format!(
            "No model to which the route `{route}` leads can serve this request. {}",
            reasons.join(" ")
        );
        return Error {
            param: last.param.clone(),
            ..Error::new(Kind::InvalidRequest, message)
        };
    }
    if !way.steps.is_empty() {
        let gone: Vec<&str> = way.steps.iter().map(|step| step.model.as_str()).collect();
        let message = format!(
            "The models to which the route `{route}` leads are gone from the catalogue: {}. Tell the administrator.",
            gone.join(", ")
        );
        return Error::unavailable(message, "a route leads to no model any more");
    }
    match &way.end {
        End::Closed(gate) => closed(route, gate),
        End::Ended | End::Exhausted => {
            let message =
                format!("The route `{route}` ends for this request before it comes to any model.");
            Error::new(Kind::Forbidden, message)
        }
    }
}

/// The error of a request that a limit of a route lets no further.
fn closed(route: &str, gate: &Gate) -> Error {
    let node = gate.name.rsplit('/').next().unwrap_or_default();
    if gate.counts_money() {
        let message = format!(
            "The budget `{node}` of the route `{route}` cannot carry this request, and leads to no other model."
        );
        return Error::new(Kind::BudgetExhausted, message);
    }
    let message = format!(
        "The limit `{node}` of the route `{route}` is used up, and leads to no other model. Retry later."
    );
    Error::new(Kind::RateLimited, message)
}
