//! `OpenAI`'s Responses as a provider's wire: by the AI binding, and straight to `OpenAI` and Azure,
//! both of which speak it beside chat completions.
//!
//! Nothing is stored there: Esclusa stores responses itself, and carries the reasoning from turn to
//! turn as the provider encrypted it.
//!
//! <https://platform.openai.com/docs/api-reference/responses>

mod answer;
mod input;
mod request;
mod stream;
mod tools;

pub(super) use self::answer::decode;
pub(super) use self::request::encode;
pub(super) use self::stream::Decoder;

use super::deployment::Deployment;
use super::encode::Prompt;
use crate::protocol::{Content, Message};

/// The provider refuses a lower bound of output, which chat completions take.
const LEAST_OUTPUT_TOKENS: u32 = 16;

/// Whether a provider that speaks both is better asked for a response than for a chat completion:
/// where the caller asks for one too, and where the conversation has reasoning that only a response
/// takes back. Sounds have a place in chat completions only.
pub(super) fn suits(prompt: Prompt<'_>, max_tokens: u32, deployment: &Deployment) -> bool {
    let wanted = prompt.request.thread.is_some() || returns_reasoning(prompt.messages, deployment);
    let sound = || {
        let contents = prompt.messages.iter().flat_map(|message| &message.parts);
        let mut contents = contents.map(|part| &part.content);
        contents.any(|content| matches!(content, Content::Audio(_)))
    };
    wanted && max_tokens >= LEAST_OUTPUT_TOKENS && !sound()
}

fn returns_reasoning(messages: &[Message], deployment: &Deployment) -> bool {
    let mut parts = messages.iter().flat_map(|message| &message.parts);
    parts.any(|part| match &part.content {
        Content::Reasoning {
            signature: Some(signature),
            ..
        }
        | Content::RedactedReasoning(signature) => deployment.made(signature),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
