//! What an org's configuration leaves to the deployment's: the parts of its rules that its document does
//! not speak of.

use std::collections::BTreeSet;
use std::mem;

use serde::{Deserialize, Serialize};

use super::command::Activate;
use super::journal::Event;
use super::rules::{Rules, Scope};
use super::state::State;

/// A part of the rules that a document may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Who admits.
    Admission,
    /// Limits on money.
    Budgets,
    /// Limits on what flows.
    Limits,
    /// Where days begin.
    TimeZone,
}

/// The parts that a document leaves out.
pub type LeftOut = BTreeSet<Part>;

impl Rules {
    /// The same rules with what was left out as `base` has it. The gates of routes are the org's own.
    #[must_use]
    pub fn over(mut self, base: &Self, left_out: &LeftOut) -> Self {
        for part in left_out {
            match part {
                Part::Admission => self.admission = base.admission,
                Part::Budgets => {
                    let own = mem::replace(&mut self.budgets, base.budgets.clone());
                    self.budgets
                        .extend(own.into_iter().filter(|it| is_gate(&it.per)));
                }
                Part::Limits => {
                    let own = mem::replace(&mut self.limits, base.limits.clone());
                    self.limits
                        .extend(own.into_iter().filter(|it| is_gate(&it.per)));
                }
                Part::TimeZone => self.time_zone.clone_from(&base.time_zone),
            }
        }
        self
    }
}

impl State {
    /// The rules that an event puts in force, where it changes them.
    pub(super) fn rules_after(&self, event: &Event) -> Option<Rules> {
        match event {
            Event::Activated(Activate {
                rules, left_out, ..
            }) => Some(match &self.switches.copied.deployment {
                Some(base) => rules.clone().over(&base.rules, left_out),
                None => rules.clone(),
            }),
            Event::Adopted(edition) => {
                let base = edition.deployment.as_ref();
                let base = base.filter(|base| base.version > self.versions.deployment)?;
                Some(self.rules.clone().over(&base.rules, &self.left_out))
            }
            _ => None,
        }
    }

    /// The configuration in force, once there is one.
    pub(super) fn activated(&self) -> Option<Activate> {
        (self.versions.config > 0).then(|| Activate {
            version: self.versions.config,
            rules: self.rules.clone(),
            left_out: self.left_out.clone(),
        })
    }
}

const fn is_gate(scope: &Scope) -> bool {
    matches!(scope, Scope::Gate(..))
}
