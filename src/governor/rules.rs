//! What an org's governor enforces: limits on what flows, budgets on what is spent.
//!
//! A rule counts each **subject** of its scope apart: a rule per `user` gives every end user the same
//! allowance. With `only` it speaks of one subject, and then takes the place of the general rules of
//! the same scope and measure for that subject. A request that names no user (header, metadata key)
//! counts as the subject with the empty name, so that nobody escapes a limit by leaving it out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::money::Nanos;

/// Everything that is enforced for an org.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Limits on requests, tokens and concurrency.
    pub limits: Vec<Limit>,
    /// Limits on money.
    pub budgets: Vec<Budget>,
    /// The IANA time zone in which days, weeks and months begin, e.g. `Europe/Rome`. A change takes
    /// effect for each period when the current one ends; at once in an org that was not used yet.
    pub time_zone: String,
    /// Whether requests are admitted only against the prepaid balance.
    pub prepaid: bool,
    /// Where alerts are sent.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Who admits.
    #[serde(default)]
    pub admission: Admission,
}

/// Who admits requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// The governor, each by itself.
    #[default]
    Strict,
    /// Isolates too, from leases.
    Leased,
}

impl Default for Rules {
    /// Nothing is limited; periods are those of UTC.
    fn default() -> Self {
        Self {
            limits: Vec::new(),
            budgets: Vec::new(),
            time_zone: UTC.to_owned(),
            prepaid: false,
            webhook: None,
            admission: Admission::Strict,
        }
    }
}

/// The time zone where none is named.
pub const UTC: &str = "UTC";

/// A limit on what flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Its name, unique in the org: told in refusals and headers.
    pub name: String,
    /// Whom it counts apart.
    pub per: Scope,
    /// The only subject it speaks of.
    pub only: Option<String>,
    /// What it counts.
    pub measure: Measure,
    /// How much of it is admitted.
    pub limit: u64,
}

/// A limit on money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Its name, unique in the org.
    pub name: String,
    /// Whom it counts apart.
    pub per: Scope,
    /// The only subject it speaks of.
    pub only: Option<String>,
    /// For how long it lasts.
    pub period: Period,
    /// How much may be spent in a period.
    pub amount: Nanos,
    /// Per cents of `amount` at which an alert is raised, once a period.
    pub thresholds: Vec<u8>,
    /// What happens to a request that it cannot carry.
    pub when_spent: WhenSpent,
}

/// Whom a rule counts apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// The client's address; for `IPv6` its /64.
    Address,
    /// A gate of a route, by its name, with whom it counts apart. Only requests that go through it
    /// count, and it refuses nobody: whoever finds it closed takes another way.
    Gate(String, Box<Scope>),
    /// The value of a request header, by its name in lower case.
    Header(String),
    /// The API key.
    Key,
    /// The value of a metadata key.
    Metadata(String),
    /// The model that answers.
    Model,
    /// The operation.
    Operation,
    /// Nobody: the whole org together.
    Org,
    /// The provider that answers.
    Provider,
    /// The tier.
    Tier,
    /// The end user.
    User,
}

impl Scope {
    /// Whether the subject is known only when a candidate is chosen.
    #[must_use]
    pub const fn is_of_target(&self) -> bool {
        matches!(self, Self::Model | Self::Provider)
    }

    /// Whom it counts apart: of a gate what it is told.
    #[must_use]
    pub fn subject(&self) -> &Self {
        match self {
            Self::Gate(_, per) => per,
            scope => scope,
        }
    }

    /// Reads the name of a gate and its scope.
    fn gate(text: &str) -> Option<Self> {
        let (name, per) = text.split_once(' ')?;
        let per: Self = per.parse().ok()?;
        let fits = !name.is_empty() && !per.is_of_target() && !matches!(per, Self::Gate(..));
        fits.then(|| Self::Gate(name.to_owned(), Box::new(per)))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("address"),
            Self::Gate(name, per) => write!(formatter, "gate:{name} {per}"),
            Self::Header(name) => write!(formatter, "header:{name}"),
            Self::Key => formatter.write_str("key"),
            Self::Metadata(name) => write!(formatter, "metadata:{name}"),
            Self::Model => formatter.write_str("model"),
            Self::Operation => formatter.write_str("operation"),
            Self::Org => formatter.write_str("org"),
            Self::Provider => formatter.write_str("provider"),
            Self::Tier => formatter.write_str("tier"),
            Self::User => formatter.write_str("user"),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// A text names no [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected org, key, user, operation, tier, model, provider, address, header:NAME or metadata:NAME"
)]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Ok(match text {
            "address" => Self::Address,
            "key" => Self::Key,
            "model" => Self::Model,
            "operation" => Self::Operation,
            "org" => Self::Org,
            "provider" => Self::Provider,
            "tier" => Self::Tier,
            "user" => Self::User,
            _ => match text.split_once(':') {
                Some(("gate", gate)) => Self::gate(gate).ok_or(UnknownScope)?,
                Some(("header", name)) if !name.is_empty() => {
                    Self::Header(name.to_ascii_lowercase())
                }
                Some(("metadata", name)) if !name.is_empty() => Self::Metadata(name.to_owned()),
                _ => return Err(UnknownScope),
            },
        })
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Requests under way at once.
    Concurrent,
    /// What requests cost, in nano-dollars.
    Cost(Pace),
    /// Prompt tokens.
    InputTokens(Pace),
    /// Completion tokens.
    OutputTokens(Pace),
    /// Requests.
    Requests(Pace),
    /// Tokens in both directions.
    Tokens(Pace),
}

impl Measure {
    /// The pace, where there is one.
    #[must_use]
    pub const fn pace(self) -> Option<Pace> {
        match self {
            Self::Concurrent => None,
            Self::Cost(pace)
            | Self::InputTokens(pace)
            | Self::OutputTokens(pace)
            | Self::Requests(pace)
            | Self::Tokens(pace) => Some(pace),
        }
    }

    /// Its name in configuration and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Concurrent => "concurrent",
            Self::Cost(_) => "nano_usd",
            Self::InputTokens(_) => "input_tokens",
            Self::OutputTokens(_) => "output_tokens",
            Self::Requests(_) => "requests",
            Self::Tokens(_) => "tokens",
        }
    }
}

/// Over what time a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pace {
    /// The length of the window in seconds.
    pub seconds: u32,
    /// How the window moves.
    pub window: Window,
}

/// How a window moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Any stretch of its length holds no more than the limit.
    Sliding,
    /// It begins anew at every multiple of its length since 1970-01-01 UTC; across that moment twice
    /// the limit can pass.
    Fixed,
    /// A bucket of the limit's size that fills again steadily, once in the window's length: a burst
    /// of the limit, then an even flow.
    TokenBucket,
}

/// For how long a budget lasts, in the org's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day from midnight.
    Day,
    /// An ISO week, from Monday.
    Week,
    /// A month from its first day.
    Month,
    /// For ever.
    Lifetime,
}

impl Period {
    /// All periods.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Lifetime];

    /// Its name in configuration and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
        }
    }
}

/// What happens to a request that a budget cannot carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenSpent {
    /// It goes on: the budget only raises alerts.
    Allow,
    /// It is refused unless its answer is in the cache.
    CacheOnly,
    /// It is planned again for this cheaper model or tier, and goes on with that.
    Downgrade(String),
    /// It is refused; once everything is spent, cached answers are too.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_as_they_are_read() {
        for text in [
            "org",
            "key",
            "user",
            "operation",
            "tier",
            "model",
            "provider",
            "address",
            "header:x-team",
            "metadata:Team",
            "gate:support/limit user",
            "gate:support/limit metadata:user id",
        ] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "orgs",
            "header",
            "header:",
            "metadata:",
            "cookie:a",
            "gate:a",
            "gate: user",
            "gate:a model",
            "gate:a gate:b user",
        ] {
            assert_eq!(text.parse::<Scope>(), Err(UnknownScope), "{text}");
        }
        assert_eq!(
            "header:X-Team".parse::<Scope>().unwrap(),
            Scope::Header("x-team".to_owned())
        );
    }
}
