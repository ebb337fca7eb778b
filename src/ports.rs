//! The world, as the core reaches it: one trait a thing. `src/edge/` has one adapter for each, tests
//! have in-memory ones with faults and virtual time.

mod administration;
mod feedback;
mod models;

use std::rc::Rc;

use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

pub use self::administration::{
    Administration, ConfigNote, KeyChange, KeyFilter, Member, MemberChange, OrgFilter, Page,
    SeenUser,
};
pub use self::feedback::{Feedback, FeedbackFilter, FeedbackRow, Thumbs};
pub use self::models::{BindingCall, Body, HttpCall, ModelCall, Models, Unreachable, Upstream};
use crate::audit::{Person, Sealed};
use crate::error::Error;
use crate::governor::Zones;
use crate::governor::command::{Command, Reply};

/// A call that answers later.
pub type Pending<'a, T> = LocalBoxFuture<'a, Result<T, Error>>;

/// All ports. Cheap to clone, so that a stream can own what it needs to settle itself.
#[derive(Clone)]
pub struct Ports {
    /// What only administration reads and changes.
    pub administration: Rc<dyn Administration>,
    /// Audit records at rest.
    pub audit: Rc<dyn AuditLog>,
    /// Work that outlives the answer.
    pub background: Rc<dyn Background>,
    /// Cached answers.
    pub cache: Rc<dyn AnswerCache>,
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// Documents and their passages.
    pub documents: Rc<dyn Documents>,
    /// Randomness.
    pub entropy: Rc<dyn Entropy>,
    /// What people think of answers.
    pub feedback: Rc<dyn Feedback>,
    /// Files of the deployment.
    pub files: Rc<dyn Files>,
    /// The governors, one per org.
    pub governors: Rc<dyn Governors>,
    /// Failures that an operator must hear of.
    pub log: Rc<dyn Log>,
    /// Models.
    pub models: Rc<dyn Models>,
    /// Stored responses.
    pub responses: Rc<dyn Responses>,
    /// Secrets of the deployment.
    pub secrets: Rc<dyn Secrets>,
    /// Orgs, keys and configuration.
    pub tenants: Rc<dyn Tenants>,
    /// Vectors of passages.
    pub vectors: Rc<dyn Vectors>,
    /// The rules of time zones.
    pub zones: Rc<dyn Zones>,
}

/// Time.
pub trait Clock {
    /// Unix milliseconds. In production it moves only at I/O.
    fn now(&self) -> u64;

    /// Resolves after `milliseconds`.
    fn sleep(&self, milliseconds: u64) -> LocalBoxFuture<'static, ()>;
}

/// Randomness from the platform.
pub trait Entropy {
    /// 32 random bytes.
    ///
    /// # Errors
    /// Where the platform has none to give.
    fn bytes(&self) -> Result<[u8; 32], Error>;
}

/// Work that outlives the answer, as `waitUntil` lets it.
pub trait Background {
    /// Runs `task` to its end if the platform can.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);
}

/// Where an operator looks. Never a prompt, an answer or a secret.
pub trait Log {
    /// One line about a failure.
    fn error(&self, line: &str);
}

/// Secrets and variables of the deployment.
pub trait Secrets {
    /// The key that opens `/admin/v1`, where one is set.
    fn admin_key(&self) -> Option<String>;

    /// A secret or variable by its name, e.g. `OPENAI_API_KEY`; none where it is empty.
    fn value(&self, name: &str) -> Option<String>;
}

/// A vector with its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VectorRecord {
    /// The passage's id.
    pub id: String,
    /// The org.
    pub namespace: String,
    /// The embedding.
    pub values: Vec<f32>,
    /// What queries may filter by.
    pub metadata: VectorMetadata,
}

/// The metadata of a vector; each field has a metadata index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VectorMetadata {
    /// The collection of the document.
    pub collection: String,
    /// The document's id.
    pub document: String,
}

/// A vector near the one asked for.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct VectorMatch {
    /// The passage's id.
    pub id: String,
    /// Cosine similarity, −1 to 1.
    pub score: f64,
}

/// Vectors of passages, a namespace for each org.
pub trait Vectors {
    /// The `top_k` (at most 100) nearest vectors of `namespace`, nearest first.
    fn query<'a>(
        &'a self,
        namespace: &'a str,
        vector: &'a [f32],
        top_k: u32,
    ) -> Pending<'a, Vec<VectorMatch>>;

    /// Stores vectors, replacing those of the same id. At most 1,000.
    fn upsert<'a>(&'a self, vectors: &'a [VectorRecord]) -> Pending<'a, ()>;

    /// Removes vectors; unknown ids are ignored. At most 1,000.
    fn delete<'a>(&'a self, ids: &'a [String]) -> Pending<'a, ()>;
}

/// A document as it was uploaded, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Unique in the org.
    pub id: String,
    /// The collection it belongs to.
    pub collection: String,
    /// Its title.
    pub title: String,
    /// Where a person finds the original; empty where nowhere.
    pub uri: String,
    /// BCP 47 language tag, e.g. `es`; empty where unknown.
    pub language: String,
    /// When it was stored, Unix milliseconds.
    pub created_at: u64,
}

/// A passage of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Unique in the deployment; the vector's id.
    pub id: String,
    /// The document's id.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// The document's address.
    pub uri: String,
    /// Position in the document, from 0.
    pub ordinal: u32,
    /// The text.
    pub text: String,
}

/// Documents and passages, rows of an org each.
pub trait Documents {
    /// The passages among `ids` that belong to `org`, in no order.
    fn passages<'a>(&'a self, org: &'a str, ids: &'a [String]) -> Pending<'a, Vec<Passage>>;

    /// Stores a document with its passages, replacing the one of the same id. Gives the ids of the
    /// passages that the old one had and the new one has not.
    fn store<'a>(
        &'a self,
        org: &'a str,
        document: &'a Document,
        passages: &'a [Passage],
    ) -> Pending<'a, Vec<String>>;

    /// One document.
    fn document<'a>(&'a self, org: &'a str, id: &'a str) -> Pending<'a, Option<Document>>;

    /// The org's documents, oldest first.
    fn list<'a>(&'a self, org: &'a str) -> Pending<'a, Vec<Document>>;

    /// Removes a document; gives the ids of its passages, none where it did not exist.
    fn remove<'a>(&'a self, org: &'a str, document: &'a str) -> Pending<'a, Vec<String>>;
}

/// Cached answers.
pub trait AnswerCache {
    /// The entry under `key`.
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>>;

    /// Stores an entry for `seconds` (at least 60).
    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, seconds: u64) -> Pending<'a, ()>;
}

/// Whose a stored response is: no other key of the org ever sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The org.
    pub org: String,
    /// The id of the API key.
    pub key: String,
}

/// A stored response with the conversation it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseRow {
    /// Unique in the org.
    pub id: String,
    /// When it was made, Unix milliseconds.
    pub created_at: u64,
    /// From when on it is as good as gone, Unix milliseconds.
    pub expires_at: u64,
    /// JSON text; may have megabytes.
    pub body: String,
}

/// Stored responses.
pub trait Responses {
    /// Stores a response, replacing the one of the same id.
    fn put<'a>(&'a self, owner: &'a Owner, row: &'a ResponseRow) -> Pending<'a, ()>;

    /// One response, also where it has expired.
    fn get<'a>(&'a self, owner: &'a Owner, id: &'a str) -> Pending<'a, Option<ResponseRow>>;

    /// Removes a response. `false` where there is none of that id.
    fn delete<'a>(&'a self, owner: &'a Owner, id: &'a str) -> Pending<'a, bool>;

    /// Removes some of the responses, of all orgs, that had expired at `now` (Unix milliseconds).
    fn purge(&self, now: u64) -> Pending<'_, ()>;
}

/// The governors, one per org.
pub trait Governors {
    /// Sends a command to an org's governor. Fails closed: an error means that nothing is known of
    /// the command's fate.
    fn execute<'a>(&'a self, org: &'a str, command: Command) -> Pending<'a, Reply>;

    /// Moves what the governor has recorded to the audit log, so that a reader sees it.
    fn flush<'a>(&'a self, org: &'a str) -> Pending<'a, ()>;

    /// Like [`flush`](Self::flush), and keeps nothing but the present of what it has moved.
    fn purge<'a>(&'a self, org: &'a str) -> Pending<'a, ()>;

    /// The end of the audit chain, with records after position `after` that the object still has.
    fn chain<'a>(&'a self, org: &'a str, after: u64) -> Pending<'a, ChainEnd>;
}

/// The end of an org's audit chain, as its governor has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEnd {
    /// The last record's position; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// The first record of the outbox: not in the audit log yet, as far as the object knows.
    pub first: Option<u64>,
    /// Those the object has after the position that was asked for, in order, some hundred at most;
    /// also some that are in the audit log already.
    pub records: Vec<Sealed>,
}

/// An org.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Org {
    /// The id: lower-case letters, digits and hyphens.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// When it was created, Unix milliseconds.
    pub created_at: u64,
}

/// An API key as it is stored: never the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The org.
    pub org: String,
    /// Unique in the org.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Hexadecimal SHA-256 of the whole key.
    #[serde(skip_serializing)]
    pub digest: String,
    /// What the key may do, e.g. `inference`.
    pub scopes: Vec<String>,
    /// When it was created, Unix milliseconds.
    pub created_at: u64,
    /// When it was revoked.
    pub revoked_at: Option<u64>,
    /// From when on it is refused.
    #[serde(default)]
    pub expires_at: Option<u64>,
}

impl ApiKey {
    /// Whether it is good at a moment, Unix milliseconds.
    #[must_use]
    pub fn is_good(&self, now: u64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A configuration document of an org or of the deployment, never changed once stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigRow {
    /// From 1.
    pub version: u64,
    /// The document's JSON text.
    pub document: String,
    /// When it was stored, Unix milliseconds.
    pub created_at: u64,
    /// Who stored it, as records name him; empty where that was not noted yet.
    #[serde(default)]
    pub author: String,
    /// Why, in his words.
    #[serde(default)]
    pub note: String,
}

/// Orgs, keys and configuration.
pub trait Tenants {
    /// Stores an org. `false` where the id is taken.
    fn create_org<'a>(&'a self, org: &'a Org) -> Pending<'a, bool>;

    /// One org.
    fn org<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Org>>;

    /// All orgs, oldest first.
    fn orgs(&self) -> Pending<'_, Vec<Org>>;

    /// Stores a key.
    fn create_key<'a>(&'a self, key: &'a ApiKey) -> Pending<'a, ()>;

    /// One key.
    fn key<'a>(&'a self, org: &'a str, id: &'a str) -> Pending<'a, Option<ApiKey>>;

    /// Marks a key revoked. `false` where there is none of that id.
    fn revoke_key<'a>(&'a self, org: &'a str, id: &'a str, at: u64) -> Pending<'a, bool>;

    /// Stores a configuration version of an org, or of the deployment where the org is
    /// [`ROOT`](crate::governor::root::ROOT). `false` where that version exists.
    fn save_config<'a>(&'a self, org: &'a str, row: &'a ConfigRow) -> Pending<'a, bool>;

    /// A configuration version of an org or of the deployment, or the newest where none is named.
    fn config<'a>(&'a self, org: &'a str, version: Option<u64>) -> Pending<'a, Option<ConfigRow>>;
}

/// What of the audit log is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The org.
    pub org: String,
    /// Only this request.
    pub request: Option<String>,
    /// Only this key.
    pub key: Option<String>,
    /// Only this outcome.
    pub outcome: Option<String>,
    /// Only this operation.
    pub operation: Option<String>,
    /// Only this end user, unless erased.
    pub user: Option<String>,
    /// Only what changed this thing, e.g. `key/4f2a96cd01b7`.
    pub object: Option<String>,
    /// Only changes, or only what is none.
    pub changes: Option<bool>,
    /// Only records before this position.
    pub before: Option<u64>,
    /// At most so many, newest first.
    pub limit: u32,
}

/// Audit records at rest.
pub trait AuditLog {
    /// The records that match, newest first.
    fn query<'a>(&'a self, filter: &'a AuditFilter) -> Pending<'a, Vec<Sealed>>;

    /// Who is behind requests, where that is known and not erased.
    fn people<'a>(
        &'a self,
        org: &'a str,
        requests: &'a [String],
    ) -> Pending<'a, Vec<(String, Person)>>;

    /// At most `most` records after position `after`, oldest first.
    fn read<'a>(&'a self, org: &'a str, after: u64, most: u32) -> Pending<'a, Vec<Sealed>>;

    /// The requests of an end user after the id `after`, in order, `most` at most, unless erased.
    fn requests_of<'a>(
        &'a self,
        org: &'a str,
        user: &'a str,
        after: &'a str,
        most: u32,
    ) -> Pending<'a, Vec<String>>;

    /// Forgets who an end user was: what is personal goes, the records stay. Gives of how many
    /// requests.
    fn erase<'a>(&'a self, org: &'a str, user: &'a str) -> Pending<'a, u64>;

    /// Removes the records up to position `through`, for ever: they are not stored again.
    fn remove<'a>(&'a self, org: &'a str, through: u64) -> Pending<'a, ()>;
}

/// Files of the deployment, by names that sort as bytes.
pub trait Files {
    /// Stores a file, replacing the one of the same name.
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Pending<'a, ()>;

    /// A file.
    fn get<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Vec<u8>>>;

    /// Removes files, at most 1,000; unknown names are ignored.
    fn delete<'a>(&'a self, names: &'a [String]) -> Pending<'a, ()>;

    /// Names that begin with `prefix` and sort after `after`, in order, up to 1,000; none at the end.
    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> Pending<'a, Vec<String>>;
}
