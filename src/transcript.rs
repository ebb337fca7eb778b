//! What was asked and answered, stored only for orgs that want it: whole or masked ([`crate::dlp`]),
//! for as many days as they say. A transcript is a file beside the audit record, which never holds a
//! text: it can go, for good, without a gap in the chain.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::audit::{Draft, Outcome};
use crate::dlp::mask;
use crate::error::Error;
use crate::ports::{Files, Ports};
use crate::protocol::{Answer, Choice};
use crate::request_files::TRANSCRIPTS;

/// The largest text that is stored, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
const DAY_MS: u64 = 86_400_000;

/// How much of the texts is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// All of it.
    Full,
    /// With what looks personal or secret masked.
    Redacted,
}

/// What an org stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How much; nothing where it is off.
    pub detail: Option<Detail>,
    /// For how many days.
    pub days: u32,
}

/// The texts of a request under way.
#[derive(Clone, Debug)]
pub struct Transcript {
    detail: Detail,
    prompt: Option<Value>,
    answer: Option<Value>,
}

/// A transcript as it is stored and read.
#[derive(Debug, Serialize)]
struct Document<'a> {
    object: &'static str,
    request: &'a str,
    /// When the request arrived, Unix milliseconds.
    at: u64,
    endpoint: &'a str,
    outcome: Outcome,
    detail: Detail,
    /// The body as it came.
    prompt: &'a Value,
    /// Of a conversation what each choice says; else the body as it went. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a Value>,
}

/// A choice of an answer.
#[derive(Serialize)]
struct Spoken<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a Choice> for Spoken<'a> {
    fn from(choice: &'a Choice) -> Self {
        let called = |call: &'a crate::protocol::ToolCall| Called {
            name: &call.name,
            arguments: &call.arguments,
        };
        Self {
            text: choice.text(),
            reasoning: choice.reasoning(),
            refusal: choice.refusal(),
            tool_calls: choice.tool_calls().map(called).collect(),
        }
    }
}

impl Transcript {
    /// The transcript of a request that has not been read.
    #[must_use]
    pub const fn new(detail: Detail) -> Self {
        Self {
            detail,
            prompt: None,
            answer: None,
        }
    }

    /// As much of it as an org wants that wants so much.
    #[must_use]
    pub fn at_most(self, wanted: Option<Detail>) -> Option<Self> {
        match (self.detail, wanted?) {
            (Detail::Full, Detail::Redacted) => Some(Self {
                detail: Detail::Redacted,
                prompt: self.prompt.map(masked),
                answer: self.answer.map(masked),
            }),
            _ => Some(self),
        }
    }

    /// Notes the body of the request.
    pub fn hear(&mut self, body: &[u8]) {
        self.prompt = Some(self.taken(body));
    }

    /// Notes the answer of a conversation, or what came of it.
    pub fn say(&mut self, answer: &Answer) {
        let spoken: Vec<Spoken<'_>> = answer.choices.iter().map(Spoken::from).collect();
        let text = serde_json::to_vec(&spoken).unwrap_or_default();
        self.answer = Some(self.taken(&text));
    }

    /// Notes the body of an answer that is no conversation.
    pub fn give(&mut self, body: &[u8]) {
        self.answer = Some(self.taken(body));
    }

    /// A text as it is stored: JSON as such. What is too large or no text is only counted.
    fn taken(&self, bytes: &[u8]) -> Value {
        let text = std::str::from_utf8(bytes).ok();
        let Some(text) = text.filter(|text| text.len() <= MOST_BYTES) else {
            let mut omitted = Map::new();
            omitted.insert("omitted_bytes".to_owned(), Value::from(bytes.len()));
            return Value::Object(omitted);
        };
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        match self.detail {
            Detail::Full => value,
            Detail::Redacted => masked(value),
        }
    }

    /// Stores it under the request's id, without anybody waiting for it. Of a request whose body was
    /// never read there is nothing to store.
    pub fn store(&self, ports: &Ports, org: &str, draft: &Draft) {
        let (Some(prompt), Some(name)) = (&self.prompt, TRANSCRIPTS.name(org, &draft.request))
        else {
            return;
        };
        let document = Document {
            object: "transcript",
            request: &draft.request,
            at: draft.at,
            endpoint: &draft.endpoint,
            outcome: draft.outcome,
            detail: self.detail,
            prompt,
            answer: self.answer.as_ref(),
        };
        let Ok(bytes) = serde_json::to_vec(&document) else {
            return;
        };
        let (files, log) = (ports.files.clone(), ports.log.clone());
        ports.background.spawn(Box::pin(async move {
            if let Err(error) = files.put(&name, bytes).await {
                log.error(&format!(
                    "the transcript {name} could not be stored: {error}"
                ));
            }
        }));
    }
}

/// Names of fields are texts too: of a tool's arguments they may be anybody's.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(masked).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let fields = fields.map(|(name, value)| (mask(&name), masked(value)));
            Value::Object(fields.collect())
        }
        Value::Number(number) => {
            let text = number.to_string();
            let kept = mask(&text) == text;
            if kept {
                Value::Number(number)
            } else {
                Value::from("[NUMBER]")
            }
        }
        other => other,
    }
}

/// The transcript of a request, as JSON.
///
/// # Errors
/// `Unavailable`.
pub async fn read(files: &dyn Files, org: &str, request: &str) -> Result<Option<Vec<u8>>, Error> {
    match TRANSCRIPTS.name(org, request) {
        Some(name) => files.get(&name).await,
        None => Ok(None),
    }
}

/// Removes the org's transcripts that are older than it wants.
///
/// # Errors
/// `Unavailable`.
pub async fn purge(ports: &Ports, org: &str, policy: Policy) -> Result<(), Error> {
    let kept = DAY_MS.saturating_mul(u64::from(policy.days));
    let before = ports.clock.now().saturating_sub(kept);
    TRANSCRIPTS.purge(ports.files.as_ref(), org, before).await
}
