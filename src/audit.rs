//! The audit record of a request, its canonical bytes, and the hash chain over them.
//!
//! `hash = SHA-256(previous hash ‖ canonical record)`, both as they stand: the previous hash as 64
//! hexadecimal characters, the record as the UTF-8 JSON text that is stored. A record is never
//! serialised again after its hash was taken, so the text itself is what the chain protects.

pub mod archive;
pub mod checkpoint;
pub mod export;
pub mod inspect;
pub mod line;
pub mod person;
pub mod search;
pub mod trail;
pub mod verify;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::person::Person;
pub use self::verify::verify;
use crate::error::Kind;
use crate::governor::command::Versions;
use crate::money::Nanos;
use crate::usage::Usage;

/// The hash before the first record of an org.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Who acts with the deployment's admin key. No key has this id: theirs are hexadecimal digits.
pub const ADMIN: &str = "admin";

/// How a request ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A whole answer was delivered.
    #[default]
    Answered,
    /// The answer came from the cache.
    Cached,
    /// Not a request: somebody changed what `change` says. Recorded before or with the change; where
    /// that then failed, a record of the same request says so.
    Changed,
    /// The client went away in the middle of a stream.
    ClientGone,
    /// Nobody settled the reservation before its deadline: charged at its bound.
    Expired,
    /// Every attempt failed, or Esclusa did.
    Failed,
    /// Not a request: an isolate did not say what became of the `count` requests that it may have
    /// admitted from a lease. Charged at their bound.
    LeaseLost,
    /// A settlement that came after the reservation, or its lease, expired: corrects its charge.
    Late,
    /// Refused before any attempt.
    Refused,
    /// An earlier answer was given again, for its `Idempotency-Key`.
    Replayed,
    /// Not a request: money was paid in, see `credit`.
    ToppedUp,
    /// Refusals beyond the ones recorded in full; `count` says how many.
    RefusedMany,
    /// The provider's stream ended in the middle.
    Truncated,
}

/// Where the answer stood with the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CacheStatus {
    /// This request is not cached.
    #[default]
    Bypass,
    /// Answered from the cache.
    Hit,
    /// Not in the cache.
    Miss,
}

impl CacheStatus {
    /// The value of `x-ai-cache-status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "BYPASS",
            Self::Hit => "HIT",
            Self::Miss => "MISS",
        }
    }
}

/// One call of a model: an attempt at the answer, or a helper (embedding, reranking).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What the call was for: `answer`, `embed`, `rerank`.
    pub purpose: String,
    /// The provider's slug, e.g. `workers-ai`.
    pub provider: String,
    /// The model's id in the catalogue.
    pub model: String,
    /// `ok`, or what went wrong in one word, e.g. `timeout`, `capacity`, `error`.
    pub result: String,
    /// HTTP status of the provider's answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The provider's own error code, e.g. 3040.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Milliseconds to the first byte of the answer, or to the failure.
    pub milliseconds: u64,
    /// What it used.
    pub usage: Usage,
    /// What it cost.
    pub cost: Nanos,
    /// Whether `cost` is a bound, because what the call used is unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bounded: bool,
    /// How often the same model had failed before for the same request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retry: u32,
}

/// A candidate that was not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// The model's id.
    pub model: String,
    /// Why, in a few words: `circuit open`, `cooling down`, `quota used up`, `account refused`, `window`,
    /// `no capability`, `at its limit`.
    pub reason: String,
}

/// What a request knows of itself; the governor makes a [`Record`] of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The request's id, unique over all orgs and time.
    pub request: String,
    /// When the request arrived, Unix milliseconds.
    pub at: u64,
    /// The id of the API key; [`ADMIN`] for who holds the deployment's admin key, `member/{id}` for a
    /// member.
    pub key: String,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status of the answer.
    pub status: u16,
    /// The error that ended it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Kind>,
    /// The path, e.g. `chat.completions`.
    pub endpoint: String,
    /// The operation, e.g. `faq`.
    pub operation: String,
    /// The operation and the version of its prompt, e.g. `faq@2`, where one was used.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// How sure the classifier was, in per cent; 100 where the caller said it.
    pub confidence: u8,
    /// The tier, e.g. `light`.
    pub tier: String,
    /// The model as the caller wrote it.
    pub requested_model: String,
    /// The way it took through a route of its org, where it asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<Taken>>,
    /// Every call of a model, in order.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Candidates that were not asked in their turn, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// All calls together.
    pub usage: Usage,
    /// Where the answer stood with the cache.
    pub cache: CacheStatus,
    /// Passages that went into the prompt.
    pub sources: u32,
    /// Why the prompt was not grounded although the operation asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ungrounded: Option<String>,
    /// The versions the plan was made with.
    pub versions: Versions,
    /// The configuration it was made with in place of the one in force, which could not be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_config: Option<u64>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// W3C trace id, 32 hexadecimal characters, where the client sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The caller's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The caller's own values about the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Scalar>,
    /// How often the SDK says it has retried this request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sdk_retries: u32,
    /// The end user as [`Person::digest`] has it; the governor sets it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Who asked. Never part of a record: the governor takes it out.
    #[serde(default, skip_serializing_if = "Person::is_empty")]
    pub person: Person,
    /// What rules decided about it, a few words each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<String>,
    /// What was found in its texts. Never the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Findings>,
    /// What is changed by it, where it is no mere request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<Change>>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Milliseconds per phase, in the order they ran.
    #[serde(default)]
    pub phases: Vec<(String, u64)>,
}

/// A way through a route of the configuration that the request was planned with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The route.
    pub name: String,
    /// The operation that its conditions saw: where the caller names none, as it was guessed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub operation: String,
    /// The ids of the nodes it came to, in order; of a long way the first.
    pub nodes: Vec<String>,
}

/// What is changed by hand. Never a secret or a document's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Kind and id of the thing, e.g. `key/4f2a96cd01b7`.
    pub object: String,
    /// Its version before, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Its version from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// What it may do from now on: the scopes of a key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// A value of a caller's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Boolean(bool),
    /// A number, as JSON has it.
    Number(serde_json::Number),
    /// A text.
    Text(String),
}

/// What was found of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// E.g. `email`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many.
    pub count: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Something about a charge that a reader must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Some usage is Esclusa's estimate.
    Estimated,
    /// The cost exceeds the bound that was reserved.
    Overrun,
    /// The cost is the bound: what was used is unknown.
    Bounded,
    /// The provider reported so much that it cannot be true.
    Absurd,
}

/// An audit record: a draft with what the governor adds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The org.
    pub org: String,
    /// Position in the org's chain, from 1.
    pub seq: u64,
    /// When the governor recorded it, Unix milliseconds.
    pub recorded_at: u64,
    /// What the request knew of itself.
    #[serde(flatten)]
    pub draft: Draft,
    /// The change of the ledger: what was charged. Negative only where a late settlement corrects.
    pub cost: Nanos,
    /// What had been reserved.
    pub bound: Nanos,
    /// What was paid in.
    #[serde(default, skip_serializing_if = "crate::usage::is_zero")]
    pub credit: Nanos,
    /// What a reader must know about the charge.
    #[serde(default)]
    pub flags: Vec<Flag>,
    /// How many requests this record stands for.
    pub count: u64,
}

/// A record as it is stored: its canonical text and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Position in the org's chain.
    pub seq: u64,
    /// Canonical JSON of the [`Record`].
    pub record: String,
    /// Hexadecimal SHA-256 over the previous hash and `record`.
    pub hash: String,
}

/// The hash of a record that follows `previous`.
#[must_use]
pub fn chain_hash(previous: &str, record: &str) -> String {
    hex::encode(
        Sha256::new()
            .chain_update(previous)
            .chain_update(record)
            .finalize(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_documented_one() {
        let expected = hex::encode(Sha256::digest(format!("{GENESIS}{{}}")));
        assert_eq!(chain_hash(GENESIS, "{}"), expected);
    }
}
