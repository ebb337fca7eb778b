//! Budgets whose thresholds were reached, and configurations that cannot be read: kept until they are
//! delivered, and the last ones for those who ask.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rules::Scope;
use crate::money::Nanos;

/// Alerts that are kept. Where more wait for delivery, the oldest are lost.
const KEPT: usize = 1_000;

/// A budget reached a threshold, or a configuration cannot be read.
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
    /// The configuration that is in force and cannot be read; such an alert is about no budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<u64>,
}

/// The alerts of an org.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Alerts {
    raised: u64,
    delivered: u64,
    kept: VecDeque<Alert>,
    /// The last configuration that was warned of.
    #[serde(default)]
    warned: u64,
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

    /// Whether it was warned of a configuration, or of a later one.
    pub(super) const fn has_warned(&self, config: u64) -> bool {
        config <= self.warned
    }

    /// Warns of a configuration that cannot be read.
    pub(super) fn warn(&mut self, config: u64, at: u64) {
        self.warned = config;
        self.raise(Alert {
            id: 0,
            at,
            budget: String::new(),
            per: Scope::Org,
            subject: String::new(),
            period: String::new(),
            threshold: 0,
            spent: Nanos::ZERO,
            limit: Nanos::ZERO,
            config: Some(config),
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
