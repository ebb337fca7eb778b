//! What the governor writes: one row an entry, and the audit chain that the rows carry along.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Id;
use super::calendar::Periods;
use super::command::{Activate, Idempotency, Purpose, Refusal, Subjects, Target, Tokens, TopUp};
use super::demand::MoneyHold;
use super::lease::{Part, Return, Slice};
use super::switches::{Edition, Turn};
use crate::audit::{Draft, Flag, GENESIS, Person, Record, Sealed, chain_hash};
use crate::error::{Error, Kind};
use crate::money::Nanos;

/// The version of [`Entry`] and of the snapshot. Code that meets a newer one refuses to start.
pub(super) const FORMAT: u32 = 4;
/// The oldest that this code reads: it had neither leases nor switches.
const OLDEST: u32 = 2;

/// A row of the object's journal. ONE `INSERT` of it persists a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// JSON text that [`restore`](super::Governor::restore) reads back.
    pub entry: String,
    /// The audit record of this entry, to be moved to the audit log. `restore` does not need it.
    pub sealed: Option<Sealed>,
}

/// Where rows are kept.
pub trait Journal {
    /// Persists a row in one atomic statement.
    ///
    /// # Errors
    /// Whenever it is not sure that the row is stored; it may be stored all the same.
    fn append(&mut self, row: &Row) -> Result<(), Error>;
}

/// A change of state with its time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// [`FORMAT`].
    pub(super) version: u32,
    /// The governor's clock, Unix milliseconds.
    pub(super) at: u64,
    /// The hash of the audit record that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) head: Option<String>,
    /// Who is behind the audit record that came with it; goes its own way with it.
    #[serde(default, skip_serializing_if = "Person::is_empty")]
    pub(super) person: Person,
    /// The periods of budgets, where new ones began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) periods: Option<Periods>,
    /// What happened.
    pub(super) event: Event,
}

/// Everything that can change the state of a governor: facts, already decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// A configuration version came into force.
    Activated(Activate),
    /// Something was changed elsewhere.
    Administered { id: Id },
    /// The deployment's switches or its configuration have changed.
    Adopted(Edition),
    /// To be found by the root, should it lose its memory: no copy that it has given is good longer.
    Copied { until: u64 },
    /// A document was added or removed.
    CorpusChanged { id: Id },
    /// An expired request was settled after all: `cost` is the difference to what was charged.
    Corrected {
        request: Id,
        cost: Nanos,
        /// Of a lost lease, which was charged for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<Part>,
    },
    /// A request that was admitted from a lease has a reservation of its own now.
    Detached { part: Part, reserved: Box<Reserved> },
    /// A reservation passed its deadline and was charged at its bound.
    Expired { request: Id },
    /// Alerts up to `id` were delivered.
    Delivered { id: u64 },
    /// The bound of an open reservation was raised, another candidate is asked, or it turned out what
    /// the request is for.
    Extended {
        request: Id,
        /// The step of `Extend`; absent where a repeated `Reserve` raised it.
        step: Option<u32>,
        by: Nanos,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<Target>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purpose: Option<Purpose>,
    },
    /// Who an end user is, here by digest, was forgotten.
    Forgotten { id: Id, user: String },
    /// A key is refused from a moment on.
    KeyExpires { key: String, at: u64 },
    /// A key was revoked.
    KeyRevoked { key: String },
    /// A lease passed its deadline, and what was left of it was charged.
    LeaseLost { lease: Id },
    /// A request was refused.
    Refused(Refused),
    /// The deadline of an open reservation was put off.
    Renewed { request: Id, deadline: u64 },
    /// A request was admitted.
    Reserved(Box<Reserved>),
    /// The holder of a lease has told what was used.
    Returned(Return),
    /// A request was settled.
    Settled(Settled),
    /// A key's minute of refusals was closed.
    Summarised { tally: Id },
    /// Money was paid in.
    ToppedUp(TopUp),
    /// A kill switch was turned on or off.
    Turned(Turn),
    /// A configuration that is in force cannot be read.
    Warned { config: u64 },
}

/// An admitted request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Reserved {
    pub(super) draft: Box<Draft>,
    #[serde(default)]
    pub(super) subjects: Subjects,
    /// The candidate it was admitted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Target>,
    pub(super) tokens: Tokens,
    pub(super) bound: Nanos,
    /// The client's name for it, with the digest of its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) idempotency: Option<Idempotency>,
    pub(super) deadline: u64,
    /// The lease that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<Leased>,
}

/// A lease.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Leased {
    pub(super) slice: Slice,
    pub(super) lasts_ms: u64,
    pub(super) deadline: u64,
}

/// A settled request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settled {
    pub(super) request: Id,
    /// Its draft's `at`.
    pub(super) arrived: u64,
    pub(super) cost: Nanos,
    pub(super) tokens: Tokens,
    /// What each model used, where rules speak of models or providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) calls: Vec<Call>,
    /// Whether the answer is kept for repetitions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) kept: bool,
    /// Gates that it did not come to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) unreached: BTreeSet<String>,
    /// The lease that it was admitted from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Part>,
    /// Whom it is charged to, where it was never reserved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unreserved: Vec<MoneyHold>,
}

/// What a call of a model used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) target: Target,
    pub(super) cost: Nanos,
    pub(super) tokens: Tokens,
}

/// A refused request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) request: Id,
    /// Under which name refusals are tallied: the key's id, or empty where there are too many.
    pub(super) tally: Id,
    /// What a repetition of the same request is told.
    pub(super) reason: Refusal,
    pub(super) status: u16,
    pub(super) error: Option<Kind>,
    /// Recorded in full, or only counted.
    pub(super) recorded: bool,
}

/// A [`Record`] but for its place in the chain.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) draft: Draft,
    pub(super) cost: Nanos,
    pub(super) bound: Nanos,
    pub(super) credit: Nanos,
    pub(super) flags: Vec<Flag>,
    pub(super) count: u64,
}

impl Ending {
    /// One request that cost nothing.
    pub(super) const fn of(draft: Draft) -> Self {
        Self {
            draft,
            cost: Nanos::ZERO,
            bound: Nanos::ZERO,
            credit: Nanos::ZERO,
            flags: Vec::new(),
            count: 1,
        }
    }
}

/// The end of the audit chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chain {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self {
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }

    /// The record that would be next.
    pub(super) fn seal(&self, org: &str, at: u64, ending: Ending) -> Result<Sealed, Error> {
        let seq = self.seq.saturating_add(1);
        let record = to_json(&Record {
            org: org.to_owned(),
            seq,
            recorded_at: at,
            draft: ending.draft,
            cost: ending.cost,
            bound: ending.bound,
            credit: ending.credit,
            flags: ending.flags,
            count: ending.count,
        })?;
        let hash = chain_hash(&self.hash, &record);
        Ok(Sealed { seq, record, hash })
    }

    pub(super) fn advance(&mut self, hash: String) {
        self.seq = self.seq.saturating_add(1);
        self.hash = hash;
    }
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::internal(format!("governor: {error}")))
}

/// Reads an entry back.
pub(super) fn parse_entry(seq: u64, text: &str) -> Result<Entry, Error> {
    let entry: Entry = serde_json::from_str(text)
        .map_err(|error| Error::internal(format!("governor: journal row {seq}: {error}")))?;
    check_format(entry.version).map(|()| entry)
}

pub(super) fn check_format(version: u32) -> Result<(), Error> {
    if (OLDEST..=FORMAT).contains(&version) {
        return Ok(());
    }
    let detail = format!("governor: stored format {version}, this code reads {OLDEST} to {FORMAT}");
    Err(Error::internal(detail))
}
