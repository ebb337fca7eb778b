//! What an org wants where nobody says what a request is for, and the classifier is not sure.
//!
//! ```json
//! "intent": { "threshold": 0.6, "below": "ask" }
//! ```

use serde::Deserialize;

use super::problem::Report;

/// The share of certainty below which the classifier is in doubt, unless the org says otherwise.
const USUAL_THRESHOLD: f32 = 0.4;

/// What follows from the classifier's doubt.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Intent {
    /// From 0, never in doubt, to 1, always.
    threshold: f32,
    /// What is done where it is less sure.
    below: Below,
}

impl Default for Intent {
    fn default() -> Self {
        Self {
            threshold: USUAL_THRESHOLD,
            below: Below::default(),
        }
    }
}

/// What is done where the classifier is in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Below {
    /// A small model of the light tier is asked.
    Ask,
    /// The model that decides is asked.
    Decide,
    /// The default operation serves the request.
    #[default]
    Default,
}

impl Intent {
    /// Reports what makes no sense.
    pub(super) fn check(self, report: &mut Report) {
        if !(0.0..=1.0).contains(&self.threshold) {
            report.add("intent.threshold", "expected a number from 0 to 1");
        }
    }

    /// What is done about a guess of so many per cent; `None` where that is sure enough.
    #[must_use]
    pub fn doubt(self, confidence: u8) -> Option<Below> {
        (f32::from(confidence) < self.threshold * 100.0).then_some(self.below)
    }
}
