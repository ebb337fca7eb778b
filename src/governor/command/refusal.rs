//! Why a governor refuses.

use serde::{Deserialize, Serialize};

use crate::governor::switches::Subject;

/// Why a governor refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// A budget cannot carry the bound.
    BudgetExhausted {
        /// The budget's name.
        budget: String,
        /// Whether cached answers are still served.
        cache_only: bool,
    },
    /// The prepaid balance cannot carry the bound.
    CreditsExhausted,
    /// The idempotency key was used for another body.
    IdempotencyKeyReused,
    /// The key was revoked.
    KeyRevoked,
    /// A kill switch is on.
    Killed {
        /// What it turns off.
        subject: Subject,
        /// Milliseconds until it goes off by itself, where it does.
        left_ms: Option<u64>,
    },
    /// The org has no active configuration.
    NotActive,
    /// The reservation to extend is not open (any more).
    NotReserved,
    /// A limit is reached.
    RateLimited {
        /// The limit's name.
        limit: String,
        /// Milliseconds until the request fits.
        retry_after_ms: u64,
    },
    /// What the switches of the deployment are is not known: the root is out of reach.
    RootSilent,
    /// A request with this idempotency key is under way.
    StillRunning,
    /// The request alone is more than a limit admits.
    TooLarge {
        /// The limit's name.
        limit: String,
        /// What it admits.
        most: u64,
        /// What the request needs.
        needed: u64,
    },
    /// The edition of the switches that was to be changed is past.
    SwitchesTurned,
    /// As many kill switches are on as may be.
    TooManySwitches,
    /// A budget is in force, and what the request costs is not known.
    Unpriced,
}
