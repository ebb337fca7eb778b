//! The plan of a request that is one call and no conversation: which models may do it, in order, and
//! the worst that may cost.

use std::sync::Arc;

use super::custom_cost::CustomCost;
use super::plan::{Candidate, check_allowed, name_unlisted};
use super::wanted::{Wanted, named_operation};
use crate::config::{Catalogue, Model, ModelKind, Operation, Tier};
use crate::error::Error;
use crate::isolate::OrgView;
use crate::money::Nanos;
use crate::usage::Usage;

/// What a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The kind of work.
    pub kind: ModelKind,
    /// The `model` of the request.
    pub model: &'a str,
    /// The operation that the header names.
    pub operation: Option<&'a str>,
    /// What the work is called where the caller names no operation.
    pub work: &'static str,
    /// What the caller says that it costs.
    pub custom_cost: Option<CustomCost>,
}

/// What a request may do from here on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the request is for.
    pub operation: String,
    /// The tier, or the kind of models that have none.
    pub tier: &'static str,
    /// The models that may do it, in order; at least one.
    pub candidates: Vec<Candidate>,
    /// The worst this plan may cost.
    pub bound: Nanos,
}

impl Plan {
    /// Makes the plan of a request for an org. `unfit` says why a model cannot do it, `most` what it
    /// uses at most.
    ///
    /// # Errors
    /// `ModelNotFound`; `InvalidRequest` for a model or an operation of another kind, and the reason
    /// of the first candidate where none can do it.
    pub fn make(
        ask: Ask<'_>,
        org: &OrgView,
        unfit: impl Fn(&Model) -> Option<Error>,
        most: impl Fn(&Model) -> Usage,
    ) -> Result<Self, Error> {
        let catalogue = org.config.catalogue();
        let wanted = Wanted::parse(ask.model, ask.kind, catalogue)?;
        let operation = named(ask, &wanted, catalogue)?;
        let models = choose_models(ask.kind, &wanted, operation.as_deref(), catalogue)?;
        let candidate = |model: &Arc<Model>| Candidate {
            model: Arc::clone(model),
            id: model.id.clone(),
            max_tokens: 0,
            reasoning: None,
            bound: match &ask.custom_cost {
                Some(custom) => custom.bound(&most(model)),
                None => model.price.cost(&most(model)),
            },
            custom: ask.custom_cost,
            step: None,
        };
        let fitting = models.iter().filter(|model| unfit(model).is_none());
        let mut candidates: Vec<Candidate> = fitting.map(candidate).collect();
        if let Wanted::Model(_) = wanted {
            name_unlisted(&mut candidates, ask.model, ask.kind, catalogue);
        }
        let tier = Tier::of(ask.kind);
        if tier.is_none() {
            candidates.sort_by_key(|candidate| candidate.bound);
        }
        let Some(bound) = candidates.iter().map(|candidate| candidate.bound).max() else {
            let reason = models.first().and_then(|model| unfit(model));
            return Err(reason.unwrap_or_else(|| nothing_for(ask)));
        };
        Ok(Self {
            operation: operation.map_or_else(|| ask.work.to_owned(), |known| known.name.clone()),
            tier: tier.map_or(ask.kind.as_str(), Tier::as_str),
            candidates,
            bound,
        })
    }
}

/// The model asked for, the operation's own, or those of the kind's tier, best first. Of a kind without a
/// tier, all.
fn choose_models(
    kind: ModelKind,
    wanted: &Wanted<'_>,
    operation: Option<&Operation>,
    catalogue: &Catalogue,
) -> Result<Vec<Arc<Model>>, Error> {
    if let Wanted::Model(model) = wanted {
        operation.map_or(Ok(()), |operation| check_allowed(model, operation))?;
        return Ok(vec![Arc::clone(model)]);
    }
    if let Some(ids) = operation.and_then(|operation| operation.models.as_ref()) {
        return Ok(catalogue.known(ids));
    }
    if let Some(tier) = Tier::of(kind) {
        let mut models = catalogue.models_of(tier);
        models.extend(catalogue.fallbacks_of(tier));
        return Ok(models);
    }
    let models = catalogue.models.values();
    Ok(models.filter(|model| model.kind == kind).cloned().collect())
}

/// The operation that the caller names.
fn named(
    ask: Ask<'_>,
    wanted: &Wanted<'_>,
    catalogue: &Catalogue,
) -> Result<Option<Arc<Operation>>, Error> {
    let in_model = match wanted {
        Wanted::Operation(name) => Some((*name, "model")),
        _ => None,
    };
    let in_header = ask.operation.map(|name| (name, "x-ai-operation"));
    let named = in_header.or(in_model);
    named
        .map(|(name, param)| named_operation(name, param, ask.kind, catalogue))
        .transpose()
}

fn nothing_for(ask: Ask<'_>) -> Error {
    let work = ask.kind.work();
    Error::invalid("model", format!("No model of this deployment can {work}."))
}
