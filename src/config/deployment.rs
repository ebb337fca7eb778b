//! The document of the deployment: what holds in every org whose own says nothing else. It has the sections
//! of an org's, but for what is each org's own: routes, alerts and credits.
//!
//! An org's limits, budgets, time zone and admission take the place of the deployment's, each whole; so does
//! each of its tiers, models, aliases and operations. Fields of `attempts`, `intent` and `transcripts` do one by one.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::catalog::Catalogue;
use super::changes::merged;
use super::problem::{Problem, Report};
use super::shape;
use super::tenant::{self, TenantConfig};
use crate::governor::rules::{Rules, Scope};

/// What orgs have where their documents say nothing.
#[derive(Clone, Debug)]
pub struct Deployment {
    catalogue: Arc<Catalogue>,
    /// What the document says, where there is one.
    config: Option<Box<TenantConfig>>,
    sections: Sections,
}

/// Sections of which an org's may name some fields and leave others, as they stand in a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Sections {
    pub(super) attempts: Option<Box<RawValue>>,
    pub(super) intent: Option<Box<RawValue>>,
    pub(super) transcripts: Option<Box<RawValue>>,
}

impl Deployment {
    /// One that has no document.
    #[must_use]
    pub fn without(catalogue: &Arc<Catalogue>) -> Self {
        Self {
            catalogue: Arc::clone(catalogue),
            config: None,
            sections: Sections::default(),
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    /// Every problem found, with its JSON path.
    pub fn parse(json: &str, catalogue: &Arc<Catalogue>) -> Result<Self, Vec<Problem>> {
        let (deployment, problems) = Self::read(json, catalogue);
        deployment.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// Reads a document that was valid when it was stored, see [`tenant::restore`].
    #[must_use]
    pub fn restore(json: &str, catalogue: &Arc<Catalogue>) -> Option<(Self, Vec<Problem>)> {
        let (deployment, problems) = Self::read(json, catalogue);
        Some((deployment?, problems))
    }

    /// What its document says; where there is none, what one says that says nothing.
    #[must_use]
    pub fn into_config(self) -> TenantConfig {
        match self.config {
            Some(config) => *config,
            None => tenant::build(
                tenant::Document::default(),
                &self,
                &mut Report::new(tenant::FILE),
            ),
        }
    }

    /// What its document says.
    #[must_use]
    pub fn config(&self) -> Option<&TenantConfig> {
        self.config.as_deref()
    }

    /// The catalogue compiled in with what the deployment has of its own.
    #[must_use]
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    pub(super) fn rules(&self) -> Option<&Rules> {
        self.config().map(TenantConfig::rules)
    }

    pub(super) const fn sections(&self) -> &Sections {
        &self.sections
    }

    fn read(json: &str, catalogue: &Arc<Catalogue>) -> (Option<Self>, Vec<Problem>) {
        let mut report = Report::new(tenant::FILE);
        let document = tenant::document(json, &mut report);
        let deployment = document.map(|mut document| {
            document.leave_to_orgs(&mut report);
            let sections = document.sections();
            let plain = Self::without(catalogue);
            let config = tenant::build(document, &plain, &mut report);
            check_subjects(config.rules(), &mut report);
            Self {
                catalogue: Arc::clone(config.catalogue()),
                config: Some(Box::new(config)),
                sections,
            }
        });
        (deployment, report.into_problems())
    }
}

/// Keys, users and addresses are each org's own.
fn check_subjects(rules: &Rules, report: &mut Report) {
    let limits = rules.limits.iter().enumerate();
    let limits = limits.map(|(index, it)| ("limits", index, &it.per, &it.only));
    let budgets = rules.budgets.iter().enumerate();
    let budgets = budgets.map(|(index, it)| ("budgets", index, &it.per, &it.only));
    for (name, index, per, only) in limits.chain(budgets) {
        if only.is_some() && matches!(per, Scope::Address | Scope::Key | Scope::User) {
            let reason = format!("one {per} is of one org: name it in that org's document");
            report.add(format!("{name}[{index}].only"), reason);
        }
    }
}

/// A section with the deployment's fields for those that it leaves out.
pub(super) fn section<T: DeserializeOwned>(
    (own, base): (Option<&RawValue>, Option<&RawValue>),
    name: &str,
    report: &mut Report,
) -> Option<T> {
    match (own, base) {
        (Some(own), Some(base)) => {
            let unreadable = |it: Problem| report.add(shape::join(name, &it.path), it.reason);
            let both = merged(base, own).map_err(unreadable).ok()?;
            let both = RawValue::from_string(both).ok()?;
            shape::section(&both, name, report, shape::traced)
        }
        (one, other) => shape::section(one.or(other)?, name, report, shape::traced),
    }
}
