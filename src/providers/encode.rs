//! A chat request in a provider's wire, and what of it did not fit.

use super::deployment::Deployment;
use super::{anthropic, chat_completions, gemini, openai_responses};
use crate::config::{Quirks, Wire};
use crate::error::Error;
use crate::protocol::{
    ChatRequest, Content, Dialect, Field, HostedTool, Message, ReasoningMode, Warning,
};

/// Options of the AI binding for a model of Workers AI.
pub(super) const WORKERS_AI: &str = r#"{"returnRawResponse":true}"#;
/// The same of one that is to answer at once that it is busy, rather than queue the request
/// (<https://developers.cloudflare.com/workers-ai/configuration/bindings/>).
pub(super) const WORKERS_AI_OR_BUSY: &str = r#"{"returnRawResponse":true,"rejectIfBusy":true}"#;
/// Third-party models go through a gateway of the account, which must neither log prompts, nor
/// cache, nor retry: Esclusa does.
pub(super) const THIRD_PARTY: &str = r#"{"returnRawResponse":true,"gateway":{"id":"default","collectLog":false,"skipCache":true,"retries":{"maxAttempts":1}}}"#;

/// What is asked of a model.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'a> {
    /// The caller's request.
    pub request: &'a ChatRequest,
    /// Its messages, perhaps with more context.
    pub messages: &'a [Message],
}

/// Which model is asked, and how.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The wire it speaks.
    pub wire: Wire,
    /// The provider's own name of the model; none where the transport names it.
    pub model: Option<&'a str>,
    /// What the model takes.
    pub quirks: &'a Quirks,
    /// The bound of each answer in tokens.
    pub max_tokens: u32,
    /// Whether the model thinks, where the caller leaves it open.
    pub reasoning: Option<ReasoningMode>,
    /// Whether the model can think at all.
    pub thinks: bool,
    /// Who is asked, to whom the reasoning goes back that was made there and cannot be read
    /// elsewhere.
    pub deployment: Option<&'a Deployment>,
}

/// A request in a provider's wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// JSON text of the body.
    pub body: String,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

impl Encoded {
    /// The same with its warnings in the words of the caller's wire.
    #[must_use]
    pub fn told_to(mut self, dialect: Dialect) -> Self {
        for warning in &mut self.warnings {
            warning.field = dialect.name(&warning.field).into();
        }
        self
    }
}

/// The request asks for something that the target cannot express and that changes what an answer is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct Unsupported {
    /// What cannot be expressed.
    pub field: Field,
    /// Why it cannot be: continues a sentence that begins with the field.
    pub reason: String,
}

impl Unsupported {
    /// A field that cannot be expressed.
    pub fn new(field: impl Into<Field>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// A tool of another provider than the target's.
    pub(super) fn hosted(index: usize, tool: &HostedTool) -> Self {
        let field = tool.origin.path_or(|| format!("tools[{index}]"));
        let reason = format!("(`{}`) is a tool that this model does not have.", tool.kind);
        Self::new(field, reason)
    }

    /// The same in the words of the caller's wire.
    #[must_use]
    pub fn told_to(self, dialect: Dialect) -> Self {
        Self {
            field: dialect.name(&self.field).into(),
            ..self
        }
    }
}

impl From<Unsupported> for Error {
    fn from(missing: Unsupported) -> Self {
        Self::invalid(missing.field.as_str(), missing.to_string())
    }
}

/// Writes a request for a target. The same request always gives the same bytes, so that a
/// provider's prompt cache finds its prefix again.
///
/// # Errors
/// What the target cannot express.
pub fn encode(prompt: Prompt<'_>, target: &Target<'_>) -> Result<Encoded, Unsupported> {
    let mut encoded = match target.wire {
        Wire::OpenAiChat | Wire::WorkersAiChat | Wire::WorkersAiNative => {
            chat_completions::encode(prompt, target)
        }
        Wire::Anthropic => anthropic::encode(prompt, target),
        Wire::Gemini => gemini::encode(prompt, target),
        Wire::OpenAiResponses => openai_responses::encode(prompt, target),
    }?;
    let warnings = &mut encoded.warnings;
    if target.wire != Wire::Anthropic {
        warnings.extend(uncited(prompt.messages));
    }
    if target.wire != Wire::OpenAiResponses {
        warnings.extend(unbounded(prompt.request));
    }
    Ok(encoded)
}

/// A bound of the tools that the provider runs, which only `OpenAI`'s responses have.
fn unbounded(request: &ChatRequest) -> Option<Warning> {
    const NAME: &str = "max_tool_calls";
    let thread = request.thread.as_ref()?;
    thread.told(NAME)?;
    let reason = "bounds the tools of the provider only";
    Some(Warning::new(NAME, reason))
}

/// What Anthropic alone does with documents: it cites them, and is told their context.
fn uncited(messages: &[Message]) -> impl Iterator<Item = Warning> {
    let numbered = messages.iter().enumerate();
    numbered.flat_map(|(index, message)| {
        let parts = message.parts.iter();
        let special = parts.filter(|part| match &part.content {
            Content::File(media) => media.cited || media.context.is_some(),
            _ => false,
        });
        special.map(move |part| {
            let place = part.origin.path_or(|| format!("messages[{index}].content"));
            let field = Field::within(&place, "citations");
            Warning::new(field, "this model does not cite documents")
        })
    })
}
