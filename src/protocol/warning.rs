//! What of a request was left out, so that nothing is lost in silence.

use std::fmt;

use super::field::Field;

/// A field that did not reach the model. Told in the header `x-ai-warnings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What was left out.
    pub field: Field,
    /// Why it was left out: continues "was dropped: ".
    pub reason: String,
}

impl Warning {
    /// A warning about a field.
    pub fn new(field: impl Into<Field>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Warning {
    /// `field; reason`, with nothing that a header could not carry.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |text: &str| -> String {
            let kept = text.chars().take(200);
            kept.map(|mark| match mark {
                ' '..='~' if mark != ',' && mark != ';' => mark,
                _ => '_',
            })
            .collect()
        };
        write!(
            formatter,
            "{}; {}",
            plain(self.field.as_str()),
            plain(&self.reason)
        )
    }
}
