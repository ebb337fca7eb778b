//! What each wire calls the fields of a request: one table a wire, of the names that are not those of
//! chat completions.

use super::Dialect;
use crate::protocol::field::Field;

/// Pairs of a name in the internal model and in a wire.
type Names = &'static [(&'static str, &'static str)];

const ANTHROPIC: Names = &[
    ("chat_template_kwargs", "thinking"),
    ("detail", "source"),
    ("max_completion_tokens", "max_tokens"),
    (
        "parallel_tool_calls",
        "tool_choice.disable_parallel_tool_use",
    ),
    ("reasoning", "thinking"),
    ("reasoning.budget_tokens", "thinking.budget_tokens"),
    ("reasoning.effort", "output_config.effort"),
    ("reasoning_effort", "thinking"),
    ("response_format", "output_config.format"),
    ("stop", "stop_sequences"),
    ("user", "metadata.user_id"),
];

const CHAT: Names = &[
    ("chat_template_kwargs", "reasoning_effort"),
    ("detail", "image_url.detail"),
    ("reasoning", "reasoning_effort"),
    ("reasoning.budget_tokens", "reasoning_effort"),
    ("reasoning.effort", "reasoning_effort"),
    ("strict", "function.strict"),
];

const GEMINI: Names = &[
    (
        "chat_template_kwargs",
        "generationConfig.thinkingConfig.thinkingBudget",
    ),
    ("frequency_penalty", "generationConfig.frequencyPenalty"),
    ("logprobs", "generationConfig.responseLogprobs"),
    ("max_completion_tokens", "generationConfig.maxOutputTokens"),
    ("max_tokens", "generationConfig.maxOutputTokens"),
    ("messages", "contents"),
    ("n", "generationConfig.candidateCount"),
    ("presence_penalty", "generationConfig.presencePenalty"),
    ("reasoning", "generationConfig.thinkingConfig"),
    (
        "reasoning.budget_tokens",
        "generationConfig.thinkingConfig.thinkingBudget",
    ),
    (
        "reasoning.effort",
        "generationConfig.thinkingConfig.thinkingLevel",
    ),
    ("reasoning_effort", "generationConfig.thinkingConfig"),
    ("response_format", "generationConfig.responseMimeType"),
    (
        "response_format.json_schema",
        "generationConfig.responseJsonSchema",
    ),
    ("seed", "generationConfig.seed"),
    ("stop", "generationConfig.stopSequences"),
    ("temperature", "generationConfig.temperature"),
    ("tool_choice", "toolConfig.functionCallingConfig"),
    ("top_k", "generationConfig.topK"),
    ("top_logprobs", "generationConfig.logprobs"),
    ("top_p", "generationConfig.topP"),
];

const RESPONSES: Names = &[
    ("chat_template_kwargs", "reasoning.effort"),
    ("logprobs", "top_logprobs"),
    ("max_completion_tokens", "max_output_tokens"),
    ("max_tokens", "max_output_tokens"),
    ("messages", "input"),
    ("reasoning.budget_tokens", "reasoning.effort"),
    ("reasoning_effort", "reasoning.effort"),
    ("response_format", "text.format"),
    ("response_format.json_schema", "text.format"),
    (
        "response_format.json_schema.description",
        "text.format.description",
    ),
    ("verbosity", "text.verbosity"),
];

const RUN: Names = &[
    ("chat_template_kwargs", "reasoning_effort"),
    ("detail", "image_url.detail"),
    ("max_completion_tokens", "max_output_tokens"),
    ("max_tokens", "max_output_tokens"),
    ("messages", "input"),
    ("reasoning", "reasoning_effort"),
    ("reasoning.budget_tokens", "reasoning_effort"),
    ("reasoning.effort", "reasoning_effort"),
    ("strict", "function.strict"),
];

impl Dialect {
    /// The JSON path of a field, as its callers know it.
    #[must_use]
    pub fn name(self, field: &Field) -> String {
        let (path, name) = field.halves();
        format!("{path}{}", self.own(name))
    }

    /// The name that the wire has for one of the internal model; the same where it has no other.
    fn own(self, name: &str) -> &str {
        let found = self.names().iter().find(|(internal, _)| *internal == name);
        found.map_or(name, |(_, own)| own)
    }

    const fn names(self) -> Names {
        match self {
            Self::Anthropic => ANTHROPIC,
            Self::Gemini(_) => GEMINI,
            Self::OpenAiChat | Self::WorkersAi => CHAT,
            Self::OpenAiResponses => RESPONSES,
            Self::Run => RUN,
        }
    }
}
