//! What isolates ask an org's governor, and what it answers. Both sides carry [`PROTOCOL`], since a
//! deploy mixes old and new code.

mod live;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::live::{BudgetState, CreditState, LimitState, State};
pub use self::refusal::Refusal;
use super::alerts::Alert;
use super::defaults::LeftOut;
use super::hints::{Hint, Sighting};
use super::lease::{Detach, Flush, Granted, Part, Slice};
use super::root::Holders;
use super::rules::Rules;
use super::switches::{Edition, Notice, Turn};
use crate::audit::Draft;
use crate::money::Nanos;

/// The version of this protocol.
pub const PROTOCOL: u32 = 3;

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
#[serde(rename_all = "snake_case")]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(
        clippy::large_enum_variant,
        reason = "one at a time; on the platform it is half as large"
    )
)]
pub enum Command {
    /// Alerts after this one.
    Alerts {
        /// An alert's id; 0 for all that are kept.
        after: u64,
    },
    /// Makes a configuration version the one in force. Lower versions than the current are ignored.
    Activate(Activate),
    /// Records what is changed by hand, and puts it in force with the record.
    Administer(Administer),
    /// Takes in the switches and the configuration of the deployment, unless they are older than those it
    /// has.
    Adopt(Edition),
    /// A document was added or removed: cached answers of the old corpus are no longer served.
    ChangeCorpus {
        /// The id of this change; the same id twice counts once.
        id: String,
    },
    /// Whether a key may read what nobody is charged for; changes nothing.
    Check {
        /// The key's id.
        key: String,
    },
    /// To the root: gives an org a copy of the deployment's switches and configuration.
    Copy {
        /// The org.
        org: String,
    },
    /// What gates would say to a request that names them; changes nothing.
    Consider(Box<Reserve>),
    /// Alerts up to this one were delivered.
    Delivered {
        /// The alert's id.
        id: u64,
    },
    /// Makes a reservation of its own of a request that was admitted from a lease.
    Detach(Detach),
    /// Refuses a key from a moment on, for ever. What was to be earlier stays.
    ExpireKey {
        /// The key's id.
        key: String,
        /// Unix milliseconds.
        at: u64,
    },
    /// Raises the bound of a reservation, asks for another candidate before one more attempt, or says
    /// what the request turned out to be for.
    Extend(Extend),
    /// Ends requests and leases.
    Flush(Flush),
    /// Forgets who an end user is: requests under way end without the name.
    Forget {
        /// The id of this change; the same id twice counts once.
        id: String,
        /// The end user.
        user: String,
    },
    /// To the root: who has a copy of the deployment's switches; changes nothing.
    Holders,
    /// The live state of every limit and budget; changes nothing.
    Inspect {
        /// Subjects of a rule at most, in the order of their names.
        most: usize,
    },
    /// Records a request that was refused after its key was known and before `Reserve`.
    Refuse {
        /// The record.
        draft: Draft,
    },
    /// Puts off the deadline of a reservation whose request is still under way.
    Renew {
        /// The request's id.
        request: String,
        /// Milliseconds from now to the new deadline.
        deadline_ms: u64,
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
    /// The switches that are on; changes nothing.
    Switches,
    /// Adds to the prepaid balance; a negative amount takes back.
    TopUp(TopUp),
    /// Turns a kill switch on or off.
    Turn(Turn),
    /// Raises an alert: a configuration that is in force cannot be read.
    Warn {
        /// Its version; each counts once.
        config: u64,
    },
}

impl Command {
    /// Whether it is answered by the switches or the configuration of the deployment too.
    #[must_use]
    pub const fn asks_the_root(&self) -> bool {
        matches!(
            self,
            Self::Check { .. }
                | Self::Extend(Extend {
                    purpose: Some(_),
                    ..
                })
                | Self::Inspect { .. }
                | Self::Reserve(_)
        )
    }
}

/// A configuration version and what of it the governor enforces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activate {
    /// The version, from 1.
    pub version: u64,
    /// The rules in force with it.
    pub rules: Rules,
    /// What its document leaves out of them: there the deployment's rules hold, where it has some.
    #[serde(default, skip_serializing_if = "LeftOut::is_empty")]
    pub left_out: LeftOut,
}

/// A change made by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Administer {
    /// The record, complete but for what the governor adds.
    pub draft: Draft,
    /// The change, where the governor is what makes it; it has the record or is no change. One that
    /// is made elsewhere is recorded once for the request's id.
    pub change: Option<Box<Command>>,
}

/// The state of the org that a plan was made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The active configuration; 0 where none is yet.
    pub config: u64,
    /// The corpus: counts every change of the org's documents.
    pub corpus: u64,
    /// The deployment's active configuration; 0 where there was none yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deployment: u64,
}

fn is_zero<T: Default + PartialEq>(version: &T) -> bool {
    *version == T::default()
}

/// A request for admission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reserve {
    /// Who asks and what for; becomes the record if the request is refused or never settled.
    pub draft: Draft,
    /// Whom else it counts for.
    #[serde(default)]
    pub subjects: Subjects,
    /// The models that may answer, in order. Those at their limit are passed over.
    #[serde(default)]
    pub candidates: Vec<Target>,
    /// The worst this request may cost.
    pub bound: Nanos,
    /// Whether what it may cost is not known at all.
    #[serde(default)]
    pub unpriced: bool,
    /// The tokens it is likely to use.
    #[serde(default)]
    pub tokens: Tokens,
    /// The cheaper route that it was planned for, after a `Downgrade`.
    #[serde(default)]
    pub route: Option<String>,
    /// The versions the plan was made with.
    pub planned: Versions,
    /// The client's own name for it, so that a repetition is not worked on twice.
    #[serde(default)]
    pub idempotency: Option<Idempotency>,
    /// A lease that is wanted besides, of so much at most. It is named by the request's id.
    #[serde(default)]
    pub lease: Option<Slice>,
    /// Milliseconds after which an unsettled reservation is charged at its bound.
    pub deadline_ms: u64,
}

impl Reserve {
    /// What a request asks that costs nothing and lasts no time.
    #[must_use]
    pub fn of(draft: Draft, subjects: Subjects) -> Self {
        Self {
            planned: draft.versions,
            draft,
            subjects,
            candidates: Vec::new(),
            bound: Nanos::ZERO,
            unpriced: false,
            tokens: Tokens::default(),
            route: None,
            idempotency: None,
            lease: None,
            deadline_ms: 0,
        }
    }
}

/// An `Idempotency-Key` with what it was sent with, both as digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Of the API key's id and the header.
    pub name: String,
    /// Of path and body.
    pub body: String,
    /// The request whose answer was to be replayed and is not there: the name is free again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

/// What a request counts for, beyond what its draft says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subjects {
    /// The end user; empty where the request names none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The client's address, for `IPv6` its /64; empty where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// The headers that rules name, by name in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The metadata that rules name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The gates of a route that its plan goes through: where one is closed, nothing is admitted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gates: BTreeSet<String>,
}

/// A model that may answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The provider's slug.
    pub provider: String,
    /// The model's id.
    pub model: String,
}

/// Tokens in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
}

/// One more attempt of an admitted request, or what that turned out to be for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extend {
    /// The request's id.
    pub request: String,
    /// Names this raise among those of the request; the same step twice counts once.
    pub step: u32,
    /// By how much the bound is raised.
    pub by: Nanos,
    /// The candidate that is asked now, where it is not the one that was admitted.
    #[serde(default)]
    pub target: Option<Target>,
    /// What the request turned out to be for, before any model was asked to answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The models that may answer then, in order. Those at their limit are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Target>,
}

/// What an admitted request turned out to be for: it counts as that from then on, and only as that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// The operation.
    pub operation: String,
    /// The tier.
    pub tier: String,
    /// The tokens it is likely to use.
    #[serde(default)]
    pub tokens: Tokens,
}

/// Money that the org paid in advance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopUp {
    /// The id of this payment; the same id twice counts once.
    pub id: String,
    /// How much.
    pub amount: Nanos,
    /// Why, for the record.
    pub note: String,
}

/// The end of an admitted request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settle {
    /// The record, complete but for what the governor adds.
    pub draft: Draft,
    /// What the request used, in money. May exceed the bound: then the record says so.
    pub cost: Nanos,
    /// Whether the answer is kept under the request's id for repetitions of its idempotency key.
    #[serde(default)]
    pub kept: bool,
    /// Gates that its plan went through and that it did not come to, since a model before them
    /// answered: it does not count there.
    #[serde(default)]
    pub unreached: BTreeSet<String>,
    /// The lease from which it was admitted.
    #[serde(default)]
    pub part: Option<Part>,
    /// Models that turned out to fail, or to answer again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sightings: Vec<Sighting>,
}

/// What a governor answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The command is done, nothing more to say.
    Done {
        /// The versions in force.
        versions: Versions,
        /// Milliseconds after which nothing is admitted any more as it was before: leases that were
        /// granted may be in use until then.
        effective_ms: u64,
        /// What of the switches an isolate must know.
        #[serde(default, skip_serializing_if = "Notice::is_none")]
        switches: Notice,
    },
    /// The request may go on.
    Admitted {
        /// Which of the candidates may be asked first, from 0.
        candidate: usize,
        /// Whether rules speak of models or providers, so that another candidate must be asked for.
        guarded: bool,
        /// The lease that comes with it.
        #[serde(default)]
        lease: Option<Granted>,
        /// The limits after this admission.
        state: State,
        /// Models that fail elsewhere.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hints: Vec<Hint>,
    },
    /// The gates that a request names.
    Considered {
        /// Those that would not let it through.
        closed: Vec<Closed>,
        /// All of them, as they stand for its subjects.
        state: State,
    },
    /// Nothing was admitted: these gates of the plan's route are closed.
    Divert {
        /// The gates; at least one.
        gates: Vec<Closed>,
    },
    /// Nothing was admitted: a budget wants the request planned for a cheaper route.
    Downgrade {
        /// The tier or model.
        route: String,
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
    /// Alerts, oldest first.
    Alerts {
        /// The alerts.
        alerts: Vec<Alert>,
        /// The id up to which they were delivered.
        delivered: u64,
    },
    /// The request was answered before: its answer is kept under the id of that time.
    Replay {
        /// The id of the request that was answered.
        request: String,
        /// Milliseconds since it was.
        age_ms: u64,
    },
    /// Who may admit under an older state of the deployment's switches.
    Holders(Holders),
    /// The request is settled.
    Settled {
        /// The limits after the charge.
        state: State,
        /// Models that fail elsewhere.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hints: Vec<Hint>,
    },
    /// The live state.
    State {
        /// The limits as they stand.
        state: State,
    },
    /// The switches that are on.
    Switches(Edition),
    /// The sender's [`PROTOCOL`] is one this code does not speak.
    Unsupported {
        /// The version this code speaks.
        protocol: u32,
    },
}

impl Reply {
    /// What it says of the switches.
    #[must_use]
    pub const fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Done { switches, .. } => Some(switches),
            Self::Admitted { state, .. }
            | Self::Refused { state, .. }
            | Self::Settled { state, .. }
            | Self::State { state } => Some(&state.switches),
            _ => None,
        }
    }
}

/// A gate that does not let a request through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Its name.
    pub gate: String,
    /// Milliseconds until it would; `None` where it never will.
    pub retry_after_ms: Option<u64>,
}
