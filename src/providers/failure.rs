//! What a failed call means: its class, and whether another candidate or the same one later helps.
//!
//! Codes are Cloudflare's: <https://developers.cloudflare.com/workers-ai/platform/errors/> and those
//! of AI Gateway.

mod google;

use serde_json::value::RawValue;

use self::google::GoogleDetails;
use crate::protocol::json::{self, Object, Shape};

/// The longest detail that is kept, in characters.
const MAX_MESSAGE: usize = 300;
/// Words this long that mix letters and digits may be keys, and are not kept.
const MIN_SECRET: usize = 20;

/// Why a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The provider refused the request itself: a parameter or a form that this model does not take.
    BadRequest,
    /// Out of capacity or above a rate limit for now (429, 3040).
    Capacity,
    /// The provider's policy forbids this content.
    ContentPolicy,
    /// The prompt does not fit this model.
    ContextLength,
    /// The account's quota or credit is used up (3036): retrying today does not help.
    DailyLimit,
    /// An answer came that cannot be understood, or that is empty.
    Malformed,
    /// The provider does not know the model.
    NotFound,
    /// The provider failed.
    ServerError,
    /// Not asked: an administrator has switched it off.
    SwitchedOff,
    /// No answer within the time.
    Timeout,
    /// The stream broke off.
    Truncated,
    /// The account may not use this model: credential, plan, agreement.
    Unauthorized,
    /// The network or the binding failed.
    Unreachable,
}

impl FailureClass {
    /// One word, for records and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Capacity => "capacity",
            Self::ContentPolicy => "content_policy",
            Self::ContextLength => "context_length",
            Self::DailyLimit => "daily_limit",
            Self::Malformed => "malformed",
            Self::NotFound => "not_found",
            Self::ServerError => "error",
            Self::SwitchedOff => "switched_off",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::Unauthorized => "unauthorized",
            Self::Unreachable => "unreachable",
        }
    }

    /// Whether the next candidate may do better. All but a breach of policy: the request was found
    /// valid before any provider saw it, so a refusal is about this model (its window, its
    /// parameters, its plan). Content that one provider forbids is not offered to the next.
    #[must_use]
    pub const fn falls_back(self) -> bool {
        !matches!(self, Self::ContentPolicy)
    }

    /// Whether the same model may do better soon.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(
            self,
            Self::Capacity
                | Self::Malformed
                | Self::ServerError
                | Self::Timeout
                | Self::Truncated
                | Self::Unreachable
        )
    }

    /// Whether the call may have cost something that nobody told: it reached the provider and no
    /// answer came back that can be read, unless what came tells its usage all the same. A stream that
    /// has brought events has cost something whatever the class of its failure.
    #[must_use]
    pub const fn cost_unknown(self) -> bool {
        matches!(
            self,
            Self::Malformed | Self::Timeout | Self::Truncated | Self::Unreachable
        )
    }
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", class.as_str())]
pub struct Failure {
    /// Why.
    pub class: FailureClass,
    /// HTTP status, where an answer came.
    pub status: Option<u16>,
    /// The provider's numeric error code, e.g. 3040.
    pub code: Option<u32>,
    /// For the log, never for a caller: at most 300 characters, without anything like a key.
    pub message: String,
    /// Seconds after which the provider wants to be asked again.
    pub retry_after: Option<u64>,
}

impl Failure {
    /// A failure without an answer of the provider.
    #[must_use]
    pub fn new(class: FailureClass, message: &str) -> Self {
        Self {
            class,
            status: None,
            code: None,
            message: clean(message),
            retry_after: None,
        }
    }

    /// No answer within `milliseconds`.
    #[must_use]
    pub fn timeout(milliseconds: u64) -> Self {
        Self::new(
            FailureClass::Timeout,
            &format!("no answer within {milliseconds} ms"),
        )
    }

    /// Whether nobody but this deployment says so: no provider told of it.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        self.status.is_none() && self.code.is_none()
    }

    /// An answer that cannot be understood. `message` never quotes it: it may be a person's text.
    #[must_use]
    pub fn malformed(message: &str) -> Self {
        Self::new(FailureClass::Malformed, message)
    }

    /// An answer that should be a JSON object and is none. Never quotes it.
    #[must_use]
    pub fn not_an_object(text: &str) -> Self {
        Self::malformed(match text.trim_start().chars().next() {
            None => "the body is empty",
            Some('<') => "the body is HTML or XML",
            Some(_) => "the body is not a JSON object",
        })
    }

    /// Whether the provider says that this account asks too often, rather than that it has too much to
    /// do itself. Workers AI has one code for both.
    #[must_use]
    pub fn is_rate_limit(&self) -> bool {
        let told = self.status == Some(429) || matches!(self.code, Some(429 | 3040));
        self.class == FailureClass::Capacity && told
    }

    /// The failure that an object with an `error` or `errors` field tells of, if it has one.
    #[must_use]
    pub fn told_by(object: &Object<'_>) -> Option<Self> {
        let report = Report::of(object)?;
        Some(report.failure(None, None))
    }

    /// The failure that an object is.
    #[must_use]
    pub fn of_object(object: &Object<'_>) -> Self {
        Report::of_object(object).failure(None, None)
    }
}

impl From<crate::ports::Unreachable> for Failure {
    fn from(error: crate::ports::Unreachable) -> Self {
        Self::new(FailureClass::Unreachable, &error.0)
    }
}

/// Reads an answer whose status is not 2xx: Cloudflare's envelopes, `OpenAI`'s error object, or text.
#[must_use]
pub fn classify(status: u16, retry_after: Option<u64>, body: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(body);
    // Google wraps the errors of streams that are no events into an array.
    let text = text.trim_start();
    let first = text
        .strip_prefix('[')
        .and_then(|rest| rest.trim_end().strip_suffix(']'));
    let object = Object::parse(first.unwrap_or(text));
    let report = object.as_ref().and_then(Report::of);
    let report = report.unwrap_or_else(|| Report::of_text(text));
    report.failure(Some(status), retry_after)
}

/// What a provider says of an error.
#[derive(Debug, Default)]
struct Report {
    number: Option<u32>,
    word: Option<String>,
    message: String,
    /// What Google tells beside the message.
    details: GoogleDetails,
    /// Whether it says which part of the prompt is forbidden, as `OpenRouter` does with a 403.
    flagged: bool,
}

impl Report {
    fn of(object: &Object<'_>) -> Option<Self> {
        let error = ["error", "errors"]
            .iter()
            .find_map(|name| told(object.get(name)?));
        let failed = || {
            object
                .get("success")
                .is_some_and(|raw| raw.get() == "false")
        };
        match error {
            Some(raw) => Some(Self::of_raw(raw)),
            None if failed() => Some(Self::of_object(object)),
            None => None,
        }
    }

    fn of_raw(raw: &RawValue) -> Self {
        match json::shape(raw) {
            Shape::Object => Object::of(raw).map(|object| Self::of_object(&object)),
            Shape::String => json::text(raw).map(|text| Self::of_text(&text)),
            _ => None,
        }
        .unwrap_or_else(|| Self::of_text(raw.get()))
    }

    fn of_object(object: &Object<'_>) -> Self {
        let code = object.first(&["internalCode", "code"]);
        let text = |names: &[&str]| object.first(names).and_then(json::text);
        let message = text(&["message", "description", "detail"]).unwrap_or_default();
        let told = Self::of_text(&message);
        Self {
            number: code.and_then(number).or(told.number),
            word: code
                .and_then(json::text)
                .or_else(|| text(&["type", "status"])),
            message,
            details: GoogleDetails::of(object),
            flagged: is_flagged(object),
        }
    }

    /// `"3040: Capacity temporarily exceeded"`, `"AiError: 3040: …"`, or any text.
    fn of_text(text: &str) -> Self {
        let mut heads = text.splitn(3, ':').take(2);
        Self {
            number: heads.find_map(|head| head.trim().parse().ok()),
            word: None,
            message: text.to_owned(),
            details: GoogleDetails::default(),
            flagged: false,
        }
    }

    fn failure(self, status: Option<u16>, retry_after: Option<u64>) -> Failure {
        let flagged = self.flagged.then_some(FailureClass::ContentPolicy);
        let class = flagged
            .or_else(|| by_text(&self.message))
            .or(self.details.class)
            .or_else(|| self.number.and_then(by_code))
            .or_else(|| by_word(self.word.as_deref()?))
            .or_else(|| status.map(by_status))
            .or_else(|| {
                self.number
                    .and_then(|code| u16::try_from(code).ok())
                    .map(by_status)
            })
            .unwrap_or(FailureClass::ServerError);
        Failure {
            class,
            status,
            code: self.number,
            message: clean(&self.message),
            retry_after: retry_after.or(self.details.retry_after),
        }
    }
}

/// <https://openrouter.ai/docs/api-reference/errors#moderation-errors>
fn is_flagged(error: &Object<'_>) -> bool {
    let metadata = error.get("metadata").and_then(Object::of);
    metadata.is_some_and(|told| told.first(&["reasons", "flagged_input"]).is_some())
}

/// The error in a field: itself, or the first of a list. Empty texts and lists tell of none.
fn told(raw: &RawValue) -> Option<&RawValue> {
    match json::shape(raw) {
        Shape::Array => json::elements(raw)?.into_iter().next(),
        Shape::Boolean | Shape::Null => None,
        Shape::String if raw.get() == "\"\"" => None,
        Shape::Number | Shape::Object | Shape::String => Some(raw),
    }
}

fn number(raw: &RawValue) -> Option<u32> {
    match json::shape(raw) {
        Shape::String => json::text(raw)?.parse().ok(),
        _ => raw.get().parse().ok(),
    }
}

const fn by_code(code: u32) -> Option<FailureClass> {
    use FailureClass::{
        BadRequest, Capacity, ContentPolicy, ContextLength, DailyLimit, NotFound, ServerError,
        Timeout, Unauthorized,
    };
    Some(match code {
        3003 | 3039 | 5004 | 5005 | 5019 => BadRequest,
        3006 | 5021 => ContextLength,
        3007 | 3008 => Timeout,
        3023 | 3041 | 5016 | 5018 | 5035 | 2009 | 2021 | 10_000 => Unauthorized,
        3036 => DailyLimit,
        3040 => Capacity,
        3042 | 5007 | 7003 => NotFound,
        2005 | 7013 => ServerError,
        2016 | 2017 | 2029 | 2030 => ContentPolicy,
        _ => return None,
    })
}

fn by_text(message: &str) -> Option<FailureClass> {
    const PHRASES: [(&str, FailureClass); 10] = [
        ("context window", FailureClass::ContextLength),
        ("context length", FailureClass::ContextLength),
        ("context_length", FailureClass::ContextLength),
        ("exceed context limit", FailureClass::ContextLength),
        (
            "exceeds the maximum number of tokens",
            FailureClass::ContextLength,
        ),
        ("prompt is too long", FailureClass::ContextLength),
        ("content filtering policy", FailureClass::ContentPolicy),
        ("input was flagged", FailureClass::ContentPolicy),
        (
            "flagged as potentially violating",
            FailureClass::ContentPolicy,
        ),
        ("credit balance is too low", FailureClass::DailyLimit),
    ];
    let message = message.to_ascii_lowercase();
    let told = PHRASES.iter().find(|(phrase, _)| message.contains(phrase));
    told.map(|(_, class)| *class)
}

fn by_word(word: &str) -> Option<FailureClass> {
    use FailureClass::{
        BadRequest, Capacity, ContentPolicy, ContextLength, DailyLimit, NotFound, ServerError,
        Timeout, Unauthorized,
    };
    Some(match word.to_ascii_lowercase().as_str() {
        "content_filter"
        | "content_policy_violation"
        | "invalid_prompt"
        | "moderation_blocked"
        | "responsible_ai_policy_violation" => ContentPolicy,
        "context_length_exceeded" | "request_too_large" => ContextLength,
        "insufficient_quota" | "billing_error" | "billing_hard_limit_reached" => DailyLimit,
        "overloaded_error"
        | "rate_limit_exceeded"
        | "rate_limit_error"
        | "resource_exhausted"
        | "unavailable" => Capacity,
        "model_not_found" | "not_found" | "not_found_error" => NotFound,
        "invalid_argument" => BadRequest,
        "deadline_exceeded" | "timeout_error" => Timeout,
        "invalid_api_key"
        | "authentication_error"
        | "failed_precondition"
        | "permission_denied"
        | "permission_error"
        | "unauthenticated" => Unauthorized,
        "server_error" | "internal" | "internal_server_error" | "api_error" => ServerError,
        _ => return None,
    })
}

const fn by_status(status: u16) -> FailureClass {
    match status {
        400 | 405 | 406 | 409 | 411 | 415 | 422 => FailureClass::BadRequest,
        401..=403 => FailureClass::Unauthorized,
        404 | 410 => FailureClass::NotFound,
        408 | 504 | 522 | 524 => FailureClass::Timeout,
        413 => FailureClass::ContextLength,
        429 | 529 => FailureClass::Capacity,
        _ => FailureClass::ServerError,
    }
}

/// Text fit for a log: one line, bounded, without words that may be keys.
fn clean(text: &str) -> String {
    let bounded: String = text.chars().take(MAX_MESSAGE.saturating_mul(4)).collect();
    let words = bounded.split(|c: char| c.is_whitespace() || c.is_control());
    let kept = words.filter(|word| !word.is_empty()).map(|word| {
        let is_key = ["sk-", "esk_", "esa_"]
            .iter()
            .any(|mark| word.contains(mark))
            || looks_secret(word);
        if is_key { "[redacted]" } else { word }
    });
    let line = kept.collect::<Vec<_>>().join(" ");
    line.chars().take(MAX_MESSAGE).collect()
}

fn looks_secret(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_token =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '+' | '=');
    word.len() >= MIN_SECRET
        && word.chars().all(is_token)
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().any(|c| c.is_ascii_alphabetic())
}
