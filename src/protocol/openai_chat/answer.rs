//! A whole answer as a `chat.completion` object.

use serde::Serialize;

use super::{FunctionBody, Head, UsageBody, finish_reason};
use crate::money::Nanos;
use crate::protocol::{Answer, Choice, Source, ToolCall};
use crate::usage::Usage;

/// The body of a whole answer. `usage` and `cost` are those of the whole request.
///
/// Two fields are Esclusa's own: `usage.cost_usd`, decimal text, and `sources`, present only where
/// the answer is grounded.
#[must_use]
pub fn render(answer: &Answer, head: &Head, usage: &Usage, cost: Nanos) -> Vec<u8> {
    let body = CompletionBody {
        id: &head.id,
        object: "chat.completion",
        created: head.created,
        model: &head.model,
        choices: answer
            .choices
            .iter()
            .enumerate()
            .map(ChoiceBody::new)
            .collect(),
        usage: UsageBody::new(usage, cost),
        sources: &head.sources,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct CompletionBody<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceBody<'a>>,
    usage: UsageBody,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    sources: &'a [Source],
}

#[derive(Serialize)]
struct ChoiceBody<'a> {
    index: usize,
    message: MessageBody<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

impl<'a> ChoiceBody<'a> {
    fn new((index, choice): (usize, &'a Choice)) -> Self {
        Self {
            index,
            message: MessageBody {
                role: "assistant",
                content: choice.text.as_deref(),
                refusal: choice.refusal.as_deref(),
                reasoning_content: choice.reasoning.as_deref(),
                tool_calls: choice.tool_calls.iter().map(ToolCallBody::new).collect(),
            },
            logprobs: None,
            finish_reason: finish_reason(choice.finish_reason),
        }
    }
}

#[derive(Serialize)]
struct MessageBody<'a> {
    role: &'static str,
    content: Option<&'a str>,
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallBody<'a>>,
}

#[derive(Serialize)]
struct ToolCallBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
}

impl<'a> ToolCallBody<'a> {
    fn new(call: &'a ToolCall) -> Self {
        Self {
            id: &call.id,
            kind: "function",
            function: FunctionBody {
                name: Some(&call.name),
                arguments: &call.arguments,
            },
        }
    }
}
