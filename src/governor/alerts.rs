//! Budgets whose thresholds were reached: kept until they are delivered, and the last ones for those
//! who ask.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rules::Scope;
use crate::money::Nanos;

/// Alerts that are kept. Where more wait for delivery, the oldest are lost.
const KEPT: usize = 1_000;

/// A budget reached a threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Position among the org's alerts, from 1.
    pub id: u64,
    /// When, Unix milliseconds.
    pub at: u64,
    /// The budget's name.
    pub budget: String,
    /// Whom it counts apart.
    pub per: Scope,
    /// The subject; empty for the org, and for requests that name none.
    pub subject: String,
    /// The period, e.g. `day`.
    pub period: String,
    /// Per cent of the budget.
    pub threshold: u8,
    /// What was spent in the period.
    pub spent: Nanos,
    /// The budget.
    pub limit: Nanos,
}

/// The alerts of an org.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Alerts {
    raised: u64,
    delivered: u64,
    kept: VecDeque<Alert>,
}

impl Alerts {
    /// Raises an alert; its `id` is given here.
    pub(super) fn raise(&mut self, alert: Alert) {
        self.raised = self.raised.saturating_add(1);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Alert {
            id: self.raised,
            ..alert
        });
    }

    /// Alerts up to `id` need no delivery any more.
    pub(super) fn deliver(&mut self, id: u64) {
        self.delivered = self.delivered.max(id.min(self.raised));
    }

    /// The id up to which alerts were delivered.
    pub(super) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Alerts after `id`, oldest first.
    pub(super) fn after(&self, id: u64) -> impl Iterator<Item = &Alert> {
        self.kept.iter().filter(move |alert| alert.id > id)
    }
}
