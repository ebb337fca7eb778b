//! A whole answer as a `chat.completion` object.

use serde::Serialize;

use super::reasoning::Detail;
use super::{Annotation, ExtraContent, FunctionBody, Logprobs, UsageBody, finish_reason, id};
use crate::money::Nanos;
use crate::protocol::writer::Head;
use crate::protocol::{Answer, Choice, Content, Source, ToolCall};
use crate::usage::Usage;

/// The body of a whole answer. `usage` and `cost` are those of the whole request.
///
/// Two fields are Esclusa's own: `usage.cost_usd`, decimal text, and `sources`, present only where
/// the answer is grounded.
#[must_use]
pub fn render(answer: &Answer, head: &Head, usage: &Usage, cost: Nanos) -> Vec<u8> {
    let body = CompletionBody {
        id: id(head),
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
        service_tier: answer.service_tier.as_deref(),
        sources: &head.sources,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

#[derive(Serialize)]
struct CompletionBody<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceBody<'a>>,
    usage: UsageBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    sources: &'a [Source],
}

#[derive(Serialize)]
struct ChoiceBody<'a> {
    index: usize,
    message: MessageBody<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: &'static str,
}

impl<'a> ChoiceBody<'a> {
    fn new((index, choice): (usize, &'a Choice)) -> Self {
        let refusal = choice.refusal();
        // Null stands for what is said in another way; clients read an answer of nothing as a text.
        let silent = refusal.is_none() && choice.tool_calls().next().is_none();
        Self {
            index,
            message: MessageBody {
                role: "assistant",
                content: choice.text().or_else(|| silent.then(String::new)),
                refusal,
                reasoning_content: choice.reasoning(),
                reasoning_details: reasoning_details(choice),
                annotations: annotations(choice),
                tool_calls: choice.tool_calls().map(ToolCallBody::new).collect(),
            },
            logprobs: Logprobs::of(&choice.logprobs),
            finish_reason: finish_reason(choice.finish_reason),
        }
    }
}

#[derive(Serialize)]
struct MessageBody<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    annotations: Vec<Annotation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallBody<'a>>,
}

fn reasoning_details(choice: &Choice) -> Vec<Detail<'_>> {
    let contents = choice.parts.iter().map(|part| &part.content);
    contents.filter_map(Detail::of).collect()
}

fn annotations(choice: &Choice) -> Vec<Annotation<'_>> {
    let cited = choice.parts.iter().flat_map(|part| match &part.content {
        Content::Text { citations, .. } => citations.as_slice(),
        _ => &[],
    });
    cited.filter_map(Annotation::of).collect()
}

#[derive(Serialize)]
struct ToolCallBody<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
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
            extra_content: ExtraContent::of(call.signature.as_ref()),
        }
    }
}
