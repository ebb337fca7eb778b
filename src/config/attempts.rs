//! How an org wants models to be asked: for how long, how often, and what one model's refusal means
//! for the next.
//!
//! ```json
//! "attempts": {
//!   "first_event_ms": 20000, "answer_ms": 60000, "total_ms": 120000,
//!   "max_attempts": 2, "retry_delay_ms": 250,
//!   "content_policy": "fall_back", "circuit_breaker": "off"
//! }
//! ```

use std::ops::RangeInclusive;

use serde::Deserialize;

use super::problem::Report;

/// Milliseconds that a request may take in all, and so whatever is a part of it.
pub const MOST_MS: u64 = 300_000;

const WAIT_MS: RangeInclusive<u64> = 100..=MOST_MS;
const ATTEMPTS: RangeInclusive<u64> = 1..=5;
const DELAY_MS: RangeInclusive<u64> = 0..=60_000;

/// Milliseconds before the second attempt, unless the org says otherwise.
const USUAL_DELAY_MS: u64 = 250;

/// How models are asked for an org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attempts {
    /// Milliseconds to the first event of a stream; by the model where there are none.
    pub first_event_ms: Option<u64>,
    /// Milliseconds to the end of a whole answer; by the kind of work where there are none.
    pub answer_ms: Option<u64>,
    /// Milliseconds of a request to the answer, or to the first event of a stream, over all attempts.
    pub total_ms: u64,
    /// Attempts at each model.
    pub max_attempts: u64,
    /// Milliseconds before the second attempt at a model; twice as many before each next one.
    pub retry_delay_ms: u64,
    /// What follows where a provider forbids the content.
    pub content_policy: ContentPolicy,
    /// Whether models that fail are passed over.
    pub circuit_breaker: Switch,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            first_event_ms: None,
            answer_ms: None,
            total_ms: MOST_MS,
            max_attempts: 1,
            retry_delay_ms: USUAL_DELAY_MS,
            content_policy: ContentPolicy::default(),
            circuit_breaker: Switch::default(),
        }
    }
}

/// What follows where a provider forbids the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentPolicy {
    /// The next model is asked.
    FallBack,
    /// The request ends: what one provider forbids is not offered to the next.
    #[default]
    Stop,
}

/// On or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Off.
    Off,
    /// On.
    #[default]
    On,
}

impl Attempts {
    /// Reports numbers that are out of their range.
    pub(crate) fn check(&self, report: &mut Report) {
        let checked = [
            ("first_event_ms", self.first_event_ms, WAIT_MS),
            ("answer_ms", self.answer_ms, WAIT_MS),
            ("total_ms", Some(self.total_ms), WAIT_MS),
            ("max_attempts", Some(self.max_attempts), ATTEMPTS),
            ("retry_delay_ms", Some(self.retry_delay_ms), DELAY_MS),
        ];
        for (name, number, range) in checked {
            if number.is_some_and(|number| !range.contains(&number)) {
                let (least, most) = range.into_inner();
                let reason = format!("expected a whole number from {least} to {most}");
                report.add(format!("attempts.{name}"), reason);
            }
        }
    }
}
