//! What a provider's chat models take of `OpenAI`'s chat completions, and in which form.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// What a chat model takes.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one thing is taken"
)]
#[derive(Clone, Debug, PartialEq)]
pub struct Quirks {
    /// The field that bounds the answer: `max_completion_tokens` or `max_tokens`.
    pub max_tokens_field: String,
    /// Takes `stream_options: {include_usage}`.
    pub stream_options: bool,
    /// Tells usage in streams, asked or not.
    pub stream_usage: bool,
    /// Knows the role `developer`; otherwise it is `system`.
    pub developer_role: bool,
    /// Fetches images by URL itself; otherwise they must come as data.
    pub image_urls: bool,
    /// Takes `response_format: {type: "json_object"}`.
    pub json_object: bool,
    /// How it takes a JSON schema.
    pub json_schema: SchemaForm,
    /// Takes `strict` in schemas and tools.
    pub strict: bool,
    /// The values of `tool_choice` that it takes.
    pub tool_choice: BTreeSet<ToolChoiceForm>,
    /// The words of `reasoning_effort` that it takes.
    pub efforts: BTreeSet<EffortWord>,
    /// Is told not to think by `thinking: {type: "disabled"}`, not by an effort.
    pub thinking_switch: bool,
    /// Takes the reasoning of earlier turns back, as `reasoning_content`.
    pub reasoning_content: bool,
    /// The ids of tool calls that it takes.
    pub tool_call_ids: ToolCallIds,
    /// The most answers to one request (`n`); 1 where it takes no `n`.
    pub max_choices: u32,
    /// The most stop sequences; 0 where it takes none.
    pub max_stop: u32,
    /// The highest `temperature`.
    pub max_temperature: f64,
    /// The only parameters it takes; absent where unknown ones do no harm. All others are dropped.
    pub only: Option<BTreeSet<String>>,
    /// Parameters it does not take, and what becomes of them. Fields of messages are written
    /// `messages[].name`.
    pub unsupported: BTreeMap<String, Unsupported>,
    /// Parameters it has under another name.
    pub renamed: BTreeMap<String, String>,
}

impl Default for Quirks {
    /// What most servers that call themselves compatible with `OpenAI` take.
    fn default() -> Self {
        use ToolChoiceForm::{Auto, Named, None, Required};
        Self {
            max_tokens_field: "max_tokens".to_owned(),
            stream_options: true,
            stream_usage: true,
            developer_role: false,
            image_urls: true,
            json_object: true,
            json_schema: SchemaForm::Envelope,
            strict: true,
            tool_choice: [Auto, None, Required, Named].into(),
            efforts: EffortWord::OPENAI.into(),
            thinking_switch: false,
            reasoning_content: false,
            tool_call_ids: ToolCallIds::Any,
            max_choices: 128,
            max_stop: 4,
            max_temperature: 2.0,
            only: Option::None,
            unsupported: BTreeMap::new(),
            renamed: BTreeMap::new(),
        }
    }
}

/// How a provider takes a JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaForm {
    /// The schema itself.
    Bare,
    /// With name and `strict` around it: `{name, schema, strict}`.
    Envelope,
    /// Not at all.
    None,
}

/// A form of `tool_choice`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoiceForm {
    /// `"auto"`
    Auto,
    /// One tool by its name.
    Named,
    /// `"none"`
    None,
    /// `"required"`
    Required,
}

/// A word of `reasoning_effort`, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EffortWord {
    /// `none`
    None,
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    XHigh,
    /// `max`
    Max,
}

impl EffortWord {
    /// The words that `OpenAI`'s models know among them.
    const OPENAI: [Self; 6] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::XHigh,
    ];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// Which ids of tool calls a provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolCallIds {
    /// Any.
    Any,
    /// Nine letters and digits of ASCII.
    NineAlphanumeric,
}

/// What becomes of a parameter that a provider does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsupported {
    /// It is left out, and the caller is warned: it only tunes the answer.
    Drop,
    /// The model cannot serve the request: the caller counts on its effect.
    Refuse,
}

/// What a provider makes of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// It takes it, under this name.
    Taken(&'a str),
    /// It does not take it.
    Unsupported(Unsupported),
}

impl Quirks {
    /// What becomes of a parameter, by its name in `OpenAI`'s chat completions.
    #[must_use]
    pub fn parameter<'a>(&'a self, name: &'a str) -> Parameter<'a> {
        if let Some(fate) = self.unsupported.get(name) {
            return Parameter::Unsupported(*fate);
        }
        let theirs = self.renamed.get(name).map_or(name, String::as_str);
        match &self.only {
            Some(only) if !only.contains(theirs) => Parameter::Unsupported(Unsupported::Drop),
            _ => Parameter::Taken(theirs),
        }
    }

    /// The word that it takes for an effort: the next harder one where it does not take the word
    /// itself, else its hardest; `None` where it takes no word.
    #[must_use]
    pub fn effort(&self, asked: EffortWord) -> Option<EffortWord> {
        let harder = self.efforts.range(asked..).next();
        harder.or_else(|| self.efforts.last()).copied()
    }

    /// These with what `change` says instead.
    pub(super) fn with(mut self, change: &Change) -> Self {
        fn replace<T: Clone>(value: &mut T, other: Option<&T>) {
            if let Some(other) = other {
                value.clone_from(other);
            }
        }
        replace(&mut self.max_tokens_field, change.max_tokens_field.as_ref());
        replace(&mut self.stream_options, change.stream_options.as_ref());
        replace(&mut self.stream_usage, change.stream_usage.as_ref());
        replace(&mut self.developer_role, change.developer_role.as_ref());
        replace(&mut self.image_urls, change.image_urls.as_ref());
        replace(&mut self.json_object, change.json_object.as_ref());
        replace(&mut self.json_schema, change.json_schema.as_ref());
        replace(&mut self.strict, change.strict.as_ref());
        replace(&mut self.tool_choice, change.tool_choice.as_ref());
        replace(&mut self.efforts, change.efforts.as_ref());
        replace(&mut self.thinking_switch, change.thinking_switch.as_ref());
        replace(
            &mut self.reasoning_content,
            change.reasoning_content.as_ref(),
        );
        replace(&mut self.tool_call_ids, change.tool_call_ids.as_ref());
        replace(&mut self.max_choices, change.max_choices.as_ref());
        replace(&mut self.max_stop, change.max_stop.as_ref());
        replace(&mut self.max_temperature, change.max_temperature.as_ref());
        if change.only.is_some() {
            self.only.clone_from(&change.only);
        }
        replace(&mut self.unsupported, change.unsupported.as_ref());
        replace(&mut self.renamed, change.renamed.as_ref());
        self
    }
}

/// What of [`Quirks`] is different; whatever is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub(super) max_tokens_field: Option<String>,
    stream_options: Option<bool>,
    stream_usage: Option<bool>,
    developer_role: Option<bool>,
    image_urls: Option<bool>,
    json_object: Option<bool>,
    json_schema: Option<SchemaForm>,
    strict: Option<bool>,
    tool_choice: Option<BTreeSet<ToolChoiceForm>>,
    efforts: Option<BTreeSet<EffortWord>>,
    thinking_switch: Option<bool>,
    reasoning_content: Option<bool>,
    tool_call_ids: Option<ToolCallIds>,
    pub(super) max_choices: Option<u32>,
    max_stop: Option<u32>,
    pub(super) max_temperature: Option<f64>,
    only: Option<BTreeSet<String>>,
    pub(super) unsupported: Option<BTreeMap<String, Unsupported>>,
    pub(super) renamed: Option<BTreeMap<String, String>>,
}
