//! What an operation makes of prompts that are too long and of answers, and who judges them.
//!
//! ```json
//! {
//!   "input_tokens": 8000,
//!   "trim": ["turns", "passages"],
//!   "output": {
//!     "schema": { "type": "object", "required": ["answer"], "properties": { "answer": { "type": "string" } } },
//!     "repair": true,
//!     "extract": "/answer",
//!     "text": "markdown_to_text"
//!   },
//!   "guard": "both"
//! }
//! ```

use serde::{Deserialize, Serialize};

use crate::schema::Schema;

/// What may be left out of a prompt that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trim {
    /// Passages, the worst first.
    Passages,
    /// Turns of the conversation, the oldest first.
    Turns,
}

/// What an answer must be, and what is made of it. Each step takes what the one before gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What the answer, as JSON, must fit.
    #[serde(default)]
    #[cfg_attr(
        test,
        schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")
    )]
    pub schema: Option<Schema>,
    /// Whether the model is told once what is wrong with its answer.
    #[serde(default)]
    pub repair: bool,
    /// The JSON pointer (RFC 6901) of the part of the answer that is given.
    #[serde(default)]
    pub extract: Option<String>,
    /// As what text it is given.
    #[serde(default)]
    pub text: Option<TextForm>,
}

impl Output {
    /// Whether the answer must be JSON.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.schema.is_some() || self.extract.is_some()
    }
}

/// What is made of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TextForm {
    /// The text that Markdown means, without its marks. A longer one than 262,144 bytes stays as it is.
    MarkdownToText,
}

/// What the model that guards judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// What callers say and what models answer.
    Both,
    /// What callers say.
    Input,
    /// What models answer.
    Output,
}

impl Guard {
    /// Whether what callers say is judged.
    #[must_use]
    pub const fn of_input(self) -> bool {
        matches!(self, Self::Both | Self::Input)
    }

    /// Whether what models answer is judged.
    #[must_use]
    pub const fn of_output(self) -> bool {
        matches!(self, Self::Both | Self::Output)
    }
}

/// What becomes of a request that could not be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GuardFailure {
    /// It goes on, and its record says so.
    Allow,
    /// It is refused.
    #[default]
    Refuse,
}
