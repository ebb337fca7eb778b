//! Leases: a slice of what is left, from which an isolate admits requests without asking.
//!
//! A busy isolate asks for one together with a [`Reserve`](super::command::Reserve). The governor holds
//! the slice as it holds reservations, in the same meters; the [`holder`] admits from it by its own
//! clock, counted from before it asked, and tells what it used when the lease is over. What each
//! request costs is told when that ends, as a [`Part`] of its lease. Only the holder's [`Return`]
//! gives anything back: a lease without one is charged whole at its deadline.

pub(super) mod applied;
pub(super) mod grant;
pub(super) mod held;
pub mod holder;
pub(super) mod settled;

use serde::{Deserialize, Serialize};

use super::command::{Settle, Tokens};
use super::demand::Quantity;
use super::rules::Measure;
use crate::audit::Draft;
use crate::money::Nanos;

/// Milliseconds for which a lease is good at most.
pub const LEASE_MS: u64 = 2_000;

/// Milliseconds after which no lease that was granted before is used any more, for whoever waits for
/// that: the lease's own time, and what clocks of isolates lag behind while they compute.
pub const EFFECTIVE_MS: u64 = LEASE_MS + 250;

/// What is held for several requests together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Requests.
    pub requests: u64,
    /// The worst they may cost.
    pub bound: Nanos,
    /// The tokens they are likely to use.
    pub tokens: Tokens,
}

impl Slice {
    /// How much of a measure it is.
    pub(super) fn amount(&self, measure: Measure) -> u64 {
        let quantity = Quantity {
            requests: self.requests,
            tokens: self.tokens,
            cost: self.bound,
        };
        quantity.of(measure)
    }

    /// Whether `other` fits into it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.requests <= self.requests
            && other.bound <= self.bound
            && other.tokens.input <= self.tokens.input
            && other.tokens.output <= self.tokens.output
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            bound: self.bound.saturating_add(other.bound),
            tokens: Tokens {
                input: self.tokens.input.saturating_add(other.tokens.input),
                output: self.tokens.output.saturating_add(other.tokens.output),
            },
        }
    }

    /// What is left without `other`, never less than nothing.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            bound: self.bound.saturating_sub(other.bound).at_least_zero(),
            tokens: Tokens {
                input: self.tokens.input.saturating_sub(other.tokens.input),
                output: self.tokens.output.saturating_sub(other.tokens.output),
            },
        }
    }

    /// As much of it as fits into `other`.
    fn within(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.min(other.requests),
            bound: self.bound.at_least_zero().min(other.bound),
            tokens: Tokens {
                input: self.tokens.input.min(other.tokens.input),
                output: self.tokens.output.min(other.tokens.output),
            },
        }
    }
}

/// A lease that was granted, named by the id of the request that asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// What may be admitted from it.
    pub slice: Slice,
    /// Milliseconds for which it is good, counted from before it was asked for.
    pub lasts_ms: u64,
}

/// What a request that was admitted from a lease takes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The lease.
    pub lease: String,
    /// The request's number among those of the lease.
    pub number: u32,
    /// The worst it may cost.
    pub bound: Nanos,
    /// The tokens it is likely to use.
    pub tokens: Tokens,
}

impl Part {
    /// What it takes.
    #[must_use]
    pub const fn slice(&self) -> Slice {
        Slice {
            requests: 1,
            bound: self.bound,
            tokens: self.tokens,
        }
    }
}

/// The end of a lease: nothing is admitted from it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// The lease.
    pub lease: String,
    /// What was admitted from it, whether it has ended or not. The rest is given back.
    pub used: Slice,
}

/// What an isolate has to tell, together. Each of it is a command of its own: done in order, a row
/// each, and once, however often it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flush {
    /// Requests that have ended.
    pub settlements: Vec<Settle>,
    /// Leases that are over; after the settlements.
    pub returns: Vec<Return>,
}

/// Makes a reservation of its own of a request that was admitted from a lease, so that it can be
/// raised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detach {
    /// Becomes the record if nobody settles.
    pub draft: Draft,
    /// Its part of the lease.
    pub part: Part,
    /// Milliseconds after which an unsettled reservation is charged at its bound.
    pub deadline_ms: u64,
}
