//! Conditions of routes, in the form of `MongoDB`'s queries:
//! `{"metadata.plan": {"$in": ["pro", "team"]}, "context_tokens": {"$lt": 8000}}`.
//!
//! What a request does not have makes a comparison false, and `$ne`, `$nin` and `{"$exists": false}`
//! true; it equals `null`, as in `MongoDB`. Texts are compared with texts, by their characters' codes,
//! and numbers with numbers; the text of a header also with a number or a boolean, where it is one.

mod parse;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub(crate) use self::parse::parse;
use super::facts::{Facts, Found};
use crate::auth;

/// What is asked of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `$and`, and the fields of an object: all hold.
    All(Vec<Self>),
    /// `$or`: one holds.
    Any(Vec<Self>),
    /// `$not`, and of several `$nor`: none holds.
    None(Vec<Self>),
    /// A comparison.
    Test(Test),
}

/// A comparison of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// What is compared.
    pub field: Field,
    /// With what, and how.
    pub operator: Operator,
}

/// How a field is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `$eq`
    Equal(Value),
    /// `$exists`
    Exists(bool),
    /// `$gt`
    Greater(Value),
    /// `$in`
    In(Vec<Value>),
    /// `$gte`
    AtLeast(Value),
    /// `$lt`
    Less(Value),
    /// `$lte`
    AtMost(Value),
    /// `$ne`
    NotEqual(Value),
    /// `$nin`
    NotIn(Vec<Value>),
}

/// A value that fields are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`
    Boolean(bool),
    /// `null`
    Null,
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

/// A number, as it is written.
#[derive(Clone, Debug)]
pub struct Number {
    text: String,
    value: f64,
}

/// What a condition may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `body.NAME`, with further names and numbers of elements after points.
    Body(Vec<String>),
    /// `budget_left_usd`: the least that is left of the org's budgets.
    BudgetLeft,
    /// `capabilities`: what the request needs, a list of `audio`, `json`, `tools`, `vision`.
    Capabilities,
    /// `colo`: the data centre that serves the request, e.g. `MXP`.
    Colo,
    /// `context_tokens`: about how many tokens the prompt has.
    ContextTokens,
    /// `country`: of the client, e.g. `IT`.
    Country,
    /// `headers.NAME`
    Header(String),
    /// `key`: the id of the API key.
    Key,
    /// `metadata.NAME`: of the header `cf-aig-metadata`.
    Metadata(String),
    /// `operation`: as the caller named it, or as it was guessed.
    Operation,
    /// `region`: of the client, e.g. `Lombardy`.
    Region,
    /// `stream`
    Stream,
    /// `tier`: of the operation.
    Tier,
    /// `time.date`, `time.hour`, `time.minute`, `time.weekday`, in the org's time zone.
    Time(Clock),
    /// `user`: the end user.
    User,
}

/// A part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// E.g. `2026-11-21`.
    Date,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// `monday` to `sunday`.
    Weekday,
}

/// The days as conditions name them, from Monday.
pub const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// What a comparison came to, for whoever wants to know why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The field.
    pub field: String,
    /// The operator with its operand.
    pub operator: String,
    /// What the request has there, as JSON; `None` where it has nothing.
    pub found: Option<String>,
    /// Whether it holds.
    pub holds: bool,
}

impl Condition {
    /// Whether it holds of a request.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::None(parts) => !parts.iter().any(|part| part.holds(facts)),
            Self::Test(test) => test.holds(&facts.find(&test.field)),
        }
    }

    /// Every comparison in it, in order.
    #[must_use]
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(parts) | Self::Any(parts) | Self::None(parts) => {
                parts.iter().flat_map(Self::tests).collect()
            }
            Self::Test(test) => vec![test],
        }
    }

    /// Whether it asks for a field.
    #[must_use]
    pub fn asks(&self, field: &Field) -> bool {
        self.tests().iter().any(|test| test.field == *field)
    }

    /// The texts that a field is compared with.
    #[must_use]
    pub fn compared(&self, field: &Field) -> Vec<&str> {
        let of_field = |test: &&Test| test.field == *field;
        let compared = self.tests().into_iter().filter(of_field);
        let values = compared.flat_map(|test| test.operator.values());
        values.filter_map(Value::as_text).collect()
    }

    /// What each comparison comes to.
    #[must_use]
    pub fn explain(&self, facts: &Facts<'_>) -> Vec<Comparison> {
        let explained = |test: &Test| {
            let found = facts.find(&test.field);
            Comparison {
                field: test.field.to_string(),
                operator: test.operator.to_string(),
                found: found.to_json(),
                holds: test.holds(&found),
            }
        };
        self.tests().into_iter().map(explained).collect()
    }

    /// The texts that a field has wherever this holds.
    #[must_use]
    pub fn demands(&self, field: &Field) -> Vec<&str> {
        match self {
            Self::All(parts) => parts.iter().flat_map(|part| part.demands(field)).collect(),
            Self::Test(test) if test.field == *field => match &test.operator {
                Operator::Equal(value) => value.as_text().into_iter().collect(),
                Operator::In(values) if values.len() == 1 => {
                    values.iter().filter_map(Value::as_text).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

impl Test {
    fn holds(&self, found: &Found) -> bool {
        match &self.operator {
            Operator::Equal(value) => found.equals(value),
            Operator::Exists(wanted) => found.exists() == *wanted,
            Operator::Greater(value) => found.any_is(value, Ordering::is_gt),
            Operator::In(values) => values.iter().any(|value| found.equals(value)),
            Operator::AtLeast(value) => found.any_is(value, Ordering::is_ge),
            Operator::Less(value) => found.any_is(value, Ordering::is_lt),
            Operator::AtMost(value) => found.any_is(value, Ordering::is_le),
            Operator::NotEqual(value) => !found.equals(value),
            Operator::NotIn(values) => !values.iter().any(|value| found.equals(value)),
        }
    }
}

impl Operator {
    /// What it compares with.
    fn values(&self) -> &[Value] {
        match self {
            Self::Equal(value)
            | Self::Greater(value)
            | Self::AtLeast(value)
            | Self::Less(value)
            | Self::AtMost(value)
            | Self::NotEqual(value) => std::slice::from_ref(value),
            Self::Exists(_) => &[],
            Self::In(values) | Self::NotIn(values) => values,
        }
    }
}

impl Value {
    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Which of two is greater, where they can be compared.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(mine), Self::Number(other)) => Some(mine.value.total_cmp(&other.value)),
            (Self::Text(mine), Self::Text(other)) => Some(mine.cmp(other)),
            _ => None,
        }
    }

    /// The value of a header's text that is compared with `like`.
    #[must_use]
    pub fn of_header(text: &str, like: &Self) -> Self {
        let read = match like {
            Self::Boolean(_) => text.parse().ok().map(Self::Boolean),
            Self::Number(_) => Number::parse(text).map(Self::Number),
            Self::Null | Self::Text(_) => None,
        };
        read.unwrap_or_else(|| Self::Text(text.to_owned()))
    }
}

impl Number {
    /// Reads a number as JSON writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let value: f64 = text.trim().parse().ok()?;
        let begins = text.trim().bytes().next()?;
        let is_plain = begins == b'-' || begins.is_ascii_digit();
        (is_plain && value.is_finite()).then(|| Self {
            text: text.trim().to_owned(),
            // No negative zero, which would be less than zero.
            value: value + 0.0,
        })
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        let text = number.to_string();
        let value = text.parse().unwrap_or(f64::MAX);
        Self { text, value }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.value.total_cmp(&other.value).is_eq()
    }
}

impl Eq for Number {}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Null => formatter.write_str("null"),
            Self::Number(number) => formatter.write_str(&number.text),
            Self::Text(text) => {
                let quoted = serde_json::to_string(text).unwrap_or_default();
                formatter.write_str(&quoted)
            }
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[Value]| {
            let texts: Vec<String> = values.iter().map(Value::to_string).collect();
            texts.join(", ")
        };
        match self {
            Self::Equal(value) => write!(formatter, "$eq {value}"),
            Self::Exists(wanted) => write!(formatter, "$exists {wanted}"),
            Self::Greater(value) => write!(formatter, "$gt {value}"),
            Self::In(values) => write!(formatter, "$in [{}]", list(values)),
            Self::AtLeast(value) => write!(formatter, "$gte {value}"),
            Self::Less(value) => write!(formatter, "$lt {value}"),
            Self::AtMost(value) => write!(formatter, "$lte {value}"),
            Self::NotEqual(value) => write!(formatter, "$ne {value}"),
            Self::NotIn(values) => write!(formatter, "$nin [{}]", list(values)),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Body(path) => return write!(formatter, "body.{}", path.join(".")),
            Self::Header(name) => return write!(formatter, "headers.{name}"),
            Self::Metadata(name) => return write!(formatter, "metadata.{name}"),
            Self::BudgetLeft => "budget_left_usd",
            Self::Capabilities => "capabilities",
            Self::Colo => "colo",
            Self::ContextTokens => "context_tokens",
            Self::Country => "country",
            Self::Key => "key",
            Self::Operation => "operation",
            Self::Region => "region",
            Self::Stream => "stream",
            Self::Tier => "tier",
            Self::Time(Clock::Date) => "time.date",
            Self::Time(Clock::Hour) => "time.hour",
            Self::Time(Clock::Minute) => "time.minute",
            Self::Time(Clock::Weekday) => "time.weekday",
            Self::User => "user",
        };
        formatter.write_str(name)
    }
}

/// A text names no [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownField {
    /// There is no such field.
    #[error(
        "expected body.NAME, headers.NAME, metadata.NAME, operation, tier, user, key, country, region, colo, stream, capabilities, context_tokens, budget_left_usd, time.hour, time.minute, time.weekday or time.date"
    )]
    Unknown,
    /// What it holds must not be asked for.
    #[error("this header holds a secret, which no condition may ask for")]
    Secret,
}

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        Ok(match text {
            "budget_left_usd" => Self::BudgetLeft,
            "capabilities" => Self::Capabilities,
            "colo" => Self::Colo,
            "context_tokens" => Self::ContextTokens,
            "country" => Self::Country,
            "key" => Self::Key,
            "operation" => Self::Operation,
            "region" => Self::Region,
            "stream" => Self::Stream,
            "tier" => Self::Tier,
            "time.date" => Self::Time(Clock::Date),
            "time.hour" => Self::Time(Clock::Hour),
            "time.minute" => Self::Time(Clock::Minute),
            "time.weekday" => Self::Time(Clock::Weekday),
            "user" => Self::User,
            _ => match text.split_once('.') {
                Some((_, "")) => return Err(UnknownField::Unknown),
                Some(("body", path)) => Self::Body(path.split('.').map(str::to_owned).collect()),
                Some(("headers" | "header", name)) => {
                    let name = name.to_ascii_lowercase();
                    if auth::is_secret(&name) {
                        return Err(UnknownField::Secret);
                    }
                    Self::Header(name)
                }
                Some(("metadata", name)) => Self::Metadata(name.to_owned()),
                _ => return Err(UnknownField::Unknown),
            },
        })
    }
}
