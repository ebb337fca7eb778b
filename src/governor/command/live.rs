//! The live state of limits and budgets, as replies tell it.

use serde::{Deserialize, Serialize};

use super::Versions;
use crate::governor::rules::Scope;
use crate::governor::switches::Notice;
use crate::money::Nanos;

/// The live state of the limits that a request counts for, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The versions in force.
    pub versions: Versions,
    /// Limits on what flows.
    pub limits: Vec<LimitState>,
    /// Budgets. The live state of all begins with what the whole org has spent in each period.
    pub budgets: Vec<BudgetState>,
    /// The prepaid balance, where one was ever paid in.
    pub credits: Option<CreditState>,
    /// Reservations and leases that have not ended.
    pub open_reservations: u64,
    /// What of the switches an isolate must know.
    #[serde(default, skip_serializing_if = "Notice::is_none")]
    pub switches: Notice,
}

impl State {
    /// What may still be spent: the least that is left of any budget that refuses and of the
    /// balance; `None` where nothing is limited.
    #[must_use]
    pub fn remaining(&self) -> Option<Nanos> {
        let budgets = self.budgets.iter().filter(|budget| budget.refuses);
        let left = budgets.filter_map(BudgetState::remaining);
        let credits = self.credits.iter().filter(|credits| credits.required);
        left.chain(credits.map(CreditState::remaining)).min()
    }
}

/// The state of a limit for one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitState {
    /// The limit's name.
    pub name: String,
    /// Whom it counts apart.
    pub per: Scope,
    /// The subject; empty for the org, and for requests that name none.
    pub subject: String,
    /// What it counts, e.g. `requests`.
    pub count: String,
    /// The length of its window in seconds; none for what is under way at once.
    pub seconds: Option<u32>,
    /// What it admits.
    pub limit: u64,
    /// What counts now, what is reserved included.
    pub used: u64,
    /// Seconds until nothing counts, if nothing more is admitted.
    pub reset: u64,
}

impl LimitState {
    /// What still fits.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// The state of a budget's current period for one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    /// The budget's name; empty for what is merely counted.
    pub name: String,
    /// Whom it counts apart.
    pub per: Scope,
    /// The subject; empty for the org, and for requests that name none.
    pub subject: String,
    /// The period, e.g. `day`.
    pub period: String,
    /// The budget, where there is one.
    pub limit: Option<Nanos>,
    /// Charged in this period.
    pub spent: Nanos,
    /// Held by open reservations of this period.
    pub reserved: Nanos,
    /// Seconds until the next period; none for a lifetime.
    pub reset: Option<u64>,
    /// Whether requests that it cannot carry are refused.
    pub refuses: bool,
}

impl BudgetState {
    /// What may still be reserved; `None` without a budget.
    #[must_use]
    pub fn remaining(&self) -> Option<Nanos> {
        let used = self.spent.saturating_add(self.reserved);
        self.limit
            .map(|limit| limit.saturating_sub(used).at_least_zero())
    }
}

/// The prepaid balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditState {
    /// What was paid in and not spent. Negative where requests cost more than was reserved.
    pub balance: Nanos,
    /// Held by open reservations.
    pub reserved: Nanos,
    /// Whether requests are admitted only against it.
    pub required: bool,
}

impl CreditState {
    /// What may still be reserved.
    #[must_use]
    pub fn remaining(&self) -> Nanos {
        self.balance.saturating_sub(self.reserved).at_least_zero()
    }
}
