//! What isolates ask an org's governor, and what it answers. Both sides carry [`PROTOCOL`], since a
//! deploy mixes old and new code.

use serde::{Deserialize, Serialize};

use crate::audit::Draft;
use crate::money::Nanos;

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// A command with its version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`PROTOCOL`] of the sender.
    pub protocol: u32,
    /// The command.
    pub command: Command,
}

impl Envelope {
    /// Wraps a command of this code's version.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self {
            protocol: PROTOCOL,
            command,
        }
    }
}

/// What can be asked of a governor. Every command that changes something is idempotent: by request
/// id, by version, or by key id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Makes a configuration version the one in force. Lower versions than the current are ignored.
    Activate(Activate),
    /// A document was added or removed: cached answers of the old corpus are no longer served.
    ChangeCorpus {
        /// The id of this change; the same id twice counts once.
        id: String,
    },
    /// Raises the bound of a reservation before one more paid attempt.
    Extend {
        /// The request's id.
        request: String,
        /// Names this raise among those of the request; the same step twice counts once.
        step: u32,
        /// By how much.
        by: Nanos,
    },
    /// The live state of limits and budget; changes nothing.
    Inspect,
    /// Records a request that was refused after its key was known and before `Reserve`.
    Refuse {
        /// The record.
        draft: Draft,
    },
    /// Asks for admission.
    Reserve(Reserve),
    /// Refuses a key from now on, for ever.
    RevokeKey {
        /// The key's id.
        key: String,
    },
    /// Ends an admitted request: charges what it used and records it.
    Settle(Settle),
}

/// A configuration version and what of it the governor enforces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activate {
    /// The version, from 1.
    pub version: u64,
    /// The limits in force with it.
    pub limits: Limits,
}

/// The limits of an org. Absent means unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Requests admitted in any 60 seconds.
    pub requests_per_minute: Option<u32>,
    /// Money admitted per day (UTC).
    pub daily_budget: Option<Nanos>,
}

/// The state of the org that a plan was made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The active configuration; 0 where none is yet.
    pub config: u64,
    /// The corpus: counts every change of the org's documents.
    pub corpus: u64,
}

/// A request for admission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reserve {
    /// Who asks and what for; becomes the record if the request is refused or never settled.
    pub draft: Draft,
    /// The worst this request may cost.
    pub bound: Nanos,
    /// The versions the plan was made with.
    pub planned: Versions,
    /// Milliseconds after which an unsettled reservation is charged at its bound.
    pub deadline_ms: u64,
}

/// The end of an admitted request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settle {
    /// The record, complete but for what the governor adds.
    pub draft: Draft,
    /// What the request used, in money. May exceed the bound: then the record says so.
    pub cost: Nanos,
}

/// What a governor answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The command is done, nothing more to say.
    Done {
        /// The versions in force.
        versions: Versions,
    },
    /// The request may go on.
    Admitted {
        /// The limits after this admission.
        state: State,
    },
    /// The request may not go on.
    Refused {
        /// Why.
        reason: Refusal,
        /// The limits as they stand.
        state: State,
    },
    /// The plan was made with versions that are no longer in force. Nothing was admitted.
    Stale {
        /// The versions in force.
        versions: Versions,
    },
    /// The request is settled.
    Settled {
        /// The limits after the charge.
        state: State,
    },
    /// The live state.
    State {
        /// The limits as they stand.
        state: State,
    },
    /// The sender's [`PROTOCOL`] is one this code does not speak.
    Unsupported {
        /// The version this code speaks.
        protocol: u32,
    },
}

/// Why a governor refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// The budget cannot carry the bound.
    BudgetExhausted,
    /// The reservation to extend is not open (any more).
    NotReserved,
    /// The key was revoked.
    KeyRevoked,
    /// The org has no active configuration.
    NotActive,
    /// The window is full.
    RateLimited {
        /// Seconds until one request fits again.
        retry_after: u64,
    },
}

/// The live state of an org's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The versions in force.
    pub versions: Versions,
    /// Requests per minute, where limited.
    pub requests: Option<WindowState>,
    /// The day's money. Present even without a limit, since spending is always counted.
    pub budget: BudgetState,
    /// Reservations that are neither settled nor expired.
    pub open_reservations: u64,
}

/// The state of a window of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowState {
    /// Requests in any window.
    pub limit: u64,
    /// Requests counted in the window that ends now.
    pub used: u64,
    /// Seconds until the window is empty, if nothing more is admitted.
    pub reset: u64,
}

impl WindowState {
    /// Requests that still fit.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// The state of a budget's current period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    /// The budget, where there is one.
    pub limit: Option<Nanos>,
    /// Charged in this period.
    pub spent: Nanos,
    /// Held by open reservations of this period.
    pub reserved: Nanos,
    /// Seconds until the next period.
    pub reset: u64,
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
