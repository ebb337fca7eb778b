//! What the caller's `model` asks for: a name, or how much of the choice is left to the gateway.

use std::sync::Arc;

use crate::config::{Catalogue, Model, ModelKind, Operation, Tier};
use crate::error::{Error, Kind};

/// The `model` that leaves everything to the gateway.
pub const AUTO: &str = "auto";
/// Before the name of an operation in `model`.
pub const OPERATION_PREFIX: &str = "operation/";
/// Before the name of a route in `model`.
pub const ROUTE_PREFIX: &str = "dynamic/";

/// What the caller's `model` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Whatever suits.
    Auto,
    /// Exactly this model.
    Model(Arc<Model>),
    /// Whatever this operation needs.
    Operation(&'a str),
    /// What this route of the org leads to.
    Route(&'a str),
    /// Whatever suits, of this tier.
    Tier(Tier),
}

impl<'a> Wanted<'a> {
    /// Reads the caller's `model`.
    ///
    /// # Errors
    /// `ModelNotFound` where it names nothing, `InvalidRequest` where that does not do the `kind` of
    /// work that the path serves.
    pub fn parse(name: &'a str, kind: ModelKind, catalogue: &Catalogue) -> Result<Self, Error> {
        if name == AUTO {
            return Ok(Self::Auto);
        }
        if let Some(operation) = name.strip_prefix(OPERATION_PREFIX) {
            return Ok(Self::Operation(operation));
        }
        if let Some(route) = route_name(name) {
            return if kind == ModelKind::Chat {
                Ok(Self::Route(route))
            } else {
                Err(other_endpoint(name, "model", kind))
            };
        }
        if let Ok(tier) = name.parse::<Tier>() {
            return if tier.kind() == kind {
                Ok(Self::Tier(tier))
            } else {
                Err(other_endpoint(name, "model", kind))
            };
        }
        match catalogue.named(name, kind) {
            Ok(named) if named.model.kind == kind => Ok(Self::Model(Arc::clone(named.model))),
            Ok(_) => Err(other_endpoint(name, "model", kind)),
            Err(reason) => {
                let message = format!(
                    "The model `{}` cannot be used here: {reason}.",
                    shortened(name)
                );
                Err(Error {
                    param: Some("model".to_owned()),
                    ..Error::new(Kind::ModelNotFound, message)
                })
            }
        }
    }

    /// Whether it is guessed what the request is for, where nobody says so: who names a model or a route wants
    /// neither instructions nor documents.
    pub(super) const fn leaves_operation(&self) -> bool {
        !matches!(self, Self::Model(_) | Self::Route(_))
    }

    /// The same, but for a model that the operation does not allow: then its own.
    pub(super) fn allowed_by(&self, operation: &Operation) -> &Self {
        match (self, &operation.models) {
            (Self::Model(model), Some(ids)) if !ids.contains(&model.id) => &Self::Auto,
            _ => self,
        }
    }
}

/// Whether a name leaves the choice of the model to the gateway.
#[must_use]
pub fn leaves_choice(name: &str) -> bool {
    name == AUTO
        || name.starts_with(OPERATION_PREFIX)
        || route_name(name).is_some()
        || name.parse::<Tier>().is_ok()
}

/// The route that a `model` names, as Cloudflare's gateway has it: `dynamic/{route}`.
#[must_use]
pub fn route_name(name: &str) -> Option<&str> {
    name.strip_prefix(ROUTE_PREFIX)
}

/// An operation that a caller names in `param`, for a path that serves `kind`.
///
/// # Errors
/// `InvalidRequest` where there is none of that name, or where it needs another kind of model.
pub fn named_operation(
    name: &str,
    param: &str,
    kind: ModelKind,
    catalogue: &Catalogue,
) -> Result<Arc<Operation>, Error> {
    let known = catalogue.operation(name).ok_or_else(|| {
        let names: Vec<&str> = catalogue.operations.keys().map(String::as_str).collect();
        let message = format!(
            "There is no operation `{}`. There are: {}.",
            shortened(name),
            names.join(", ")
        );
        Error::invalid(param, message)
    })?;
    if known.tier.kind() == kind {
        return Ok(Arc::clone(known));
    }
    Err(other_endpoint(name, param, kind))
}

/// The caller's text, short enough to be quoted in an error.
fn shortened(name: &str) -> String {
    name.chars().take(100).collect()
}

fn other_endpoint(name: &str, param: &str, kind: ModelKind) -> Error {
    let work = kind.work();
    let message = format!("`{name}` does not {work}, so it cannot serve this path.");
    Error::invalid(param, message)
}
