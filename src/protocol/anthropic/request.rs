//! A request's body to a [`ChatRequest`], or an error that names the JSON path and says what to do.

use serde_json::value::RawValue;

use super::{block, message, tools};
use crate::error::Error;
use crate::protocol::json::{self, Path, Shape, Value};
use crate::protocol::openai_chat::MAX_MESSAGES;
use crate::protocol::openai_chat::request::{count, model, schema};
use crate::protocol::openai_chat::tools::check_choice;
use crate::protocol::request::Extras;
use crate::protocol::{
    ChatRequest, Effort, Family, Fields, Message, Reasoning, ReasoningMode, ResponseFormat, Role,
    Warning,
};

const MAX_OUTPUT_TOKENS: i64 = 1_000_000;
/// The smallest budget of thought that Anthropic takes.
const MIN_BUDGET_TOKENS: i64 = 1_024;
const MAX_STOPS: usize = 64;

/// Parses the body of `POST /v1/messages`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param` where the fault has one.
pub fn parse(body: &[u8]) -> Result<ChatRequest, Error> {
    let request = Draft::read(body)?.finish()?;
    if request.max_output_tokens.is_none() {
        let advice = "Say how many tokens the answer may have at most.";
        return Err(Path::Field(&Path::Root, "max_tokens").missing(advice));
    }
    Ok(request)
}

/// A request of which some fields have been read.
#[derive(Default)]
pub(super) struct Draft {
    request: ChatRequest,
    system: Option<Message>,
    messages: Option<Vec<Message>>,
    effort: Option<Effort>,
    extras: Fields,
}

impl Draft {
    /// Reads the fields of a body.
    pub(super) fn read(body: &[u8]) -> Result<Self, Error> {
        let mut draft = Self::default();
        for (name, raw) in json::document(body)? {
            draft.field(&name, raw)?;
        }
        Ok(draft)
    }

    fn field(&mut self, name: &str, raw: &RawValue) -> Result<(), Error> {
        let path = Path::Field(&Path::Root, name);
        let value = Value::new(raw, &path);
        if value.shape() == Shape::Null {
            return Ok(());
        }
        let request = &mut self.request;
        let warnings = &mut request.warnings;
        match name {
            "model" => request.model = model(value)?,
            "system" => self.system = Some(system(value, warnings)?),
            "messages" => self.messages = Some(messages(value, warnings)?),
            "max_tokens" => request.max_output_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?),
            "tools" => request.tools = tools::parse(value, warnings)?,
            "tool_choice" => {
                let choice = tools::choice(value, warnings)?;
                (request.tool_choice, request.parallel_tool_calls) = choice;
            }
            "stop_sequences" => request.sampling.stop = value.strings(MAX_STOPS)?,
            "temperature" => request.sampling.temperature = Some(value.number(&(0.0..=1.0))?),
            "top_p" => request.sampling.top_p = Some(value.number(&(0.0..=1.0))?),
            "top_k" => request.sampling.top_k = Some(count(value, i64::from(u32::MAX))?),
            "thinking" => request.reasoning = thinking(value, warnings)?,
            "output_config" => self.output_config(value)?,
            "output_format" => request.response_format = format(value)?,
            "metadata" => request.user = user(value, warnings)?,
            "service_tier" => request.service_tier = Some(service_tier(value)?),
            "stream" => request.stream = value.boolean()?,
            "prompt" | "max_tokens_to_sample" => return Err(not_a_messages_field(&path)),
            _ => self.extras.keep(name, raw),
        }
        Ok(())
    }

    fn output_config(&mut self, value: Value<'_, '_>) -> Result<(), Error> {
        let (object, path) = (value.object()?, value.path);
        self.effort = object.optional(path, "effort", effort)?;
        if let Some(format) = object.optional(path, "format", format)? {
            self.request.response_format = format;
        }
        object.warn_of_others(path, &["effort", "format"], &mut self.request.warnings);
        Ok(())
    }

    /// The whole request. Its bound of tokens may be absent.
    pub(super) fn finish(self) -> Result<ChatRequest, Error> {
        let root = |name| Path::Field(&Path::Root, name);
        let mut request = self.request;
        if request.model.is_empty() {
            let advice = "Name a model, a tier such as \"light\", or \"auto\".";
            return Err(root("model").missing(advice));
        }
        let missing = || root("messages").missing("Send at least one message.");
        let said = self.messages.ok_or_else(missing)?;
        request.messages = self.system.into_iter().chain(said).collect();
        check_choice(&request, &root("tool_choice"))?;
        request.reasoning.effort = self.effort;
        request.reasoning.effort_of_answer = self.effort.is_some();
        check_budget(&request)?;
        request.extras = Extras {
            family: (!self.extras.0.is_empty()).then_some(Family::Anthropic),
            fields: self.extras,
        };
        request.choices = 1;
        Ok(request)
    }
}

/// A budget of thought is part of the answer's bound, and must leave something of it.
fn check_budget(request: &ChatRequest) -> Result<(), Error> {
    match (request.reasoning.budget_tokens, request.max_output_tokens) {
        (Some(budget), Some(most)) if budget >= most => {
            let thinking = Path::Field(&Path::Root, "thinking");
            let advice = format!("must be less than `max_tokens`, which is {most}.");
            Err(Path::Field(&thinking, "budget_tokens").error(&advice))
        }
        _ => Ok(()),
    }
}

/// Fields of the completions that came before messages. Passed through, they would reach a model past
/// every limit and check, which look at the messages.
fn not_a_messages_field(path: &Path<'_>) -> Error {
    path.error("is not a field of messages. Use `messages` and `max_tokens`.")
}

fn system(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Message, Error> {
    let parts = block::parse_all(value, block::Place::System, warnings)?;
    Ok(Message::new(Role::System, parts).at(value.path))
}

fn messages(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Message>, Error> {
    let items = value.array(MAX_MESSAGES)?;
    if items.is_empty() {
        let advice = "must not be empty. Send at least one message.";
        return Err(value.path.error(advice));
    }
    message::parse_all(&items, value.path, warnings)
}

fn thinking(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Reasoning, Error> {
    const KINDS: &str = "\"enabled\", \"adaptive\" or \"disabled\"";
    let (object, path) = (value.object()?, value.path);
    let kind = object.required_string(path, "type", &format!("Send {KINDS}."))?;
    let budget = |value: Value<'_, '_>| {
        let tokens = value.integer(&(MIN_BUDGET_TOKENS..=MAX_OUTPUT_TOKENS))?;
        u32::try_from(tokens).map_err(|_| value.path.error("is too large."))
    };
    let mut reasoning = Reasoning {
        summary: object.optional(path, "display", display)?,
        ..Reasoning::default()
    };
    let mut known = vec!["type", "display"];
    match kind.as_str() {
        "adaptive" => reasoning.mode = Some(ReasoningMode::Adaptive),
        "disabled" => reasoning.mode = Some(ReasoningMode::Off),
        "enabled" => {
            let advice = "Say how many tokens the model may think.";
            let tokens = object.required(path, "budget_tokens", advice, budget)?;
            reasoning.mode = Some(ReasoningMode::On);
            reasoning.budget_tokens = Some(tokens);
            known.push("budget_tokens");
        }
        _ => return Err(Path::Field(path, "type").error(&format!("must be {KINDS}."))),
    }
    object.warn_of_others(path, &known, warnings);
    Ok(reasoning)
}

/// Whether the answer shows the thoughts, in the words of [`Reasoning::summary`].
fn display(value: Value<'_, '_>) -> Result<String, Error> {
    match value.string()?.as_str() {
        "omitted" => Ok("none".to_owned()),
        "summarized" => Ok("auto".to_owned()),
        _ => Err(value.path.error("must be \"summarized\" or \"omitted\".")),
    }
}

fn effort(value: Value<'_, '_>) -> Result<Effort, Error> {
    let known = Effort::parse(&value.string()?).filter(|effort| *effort != Effort::Minimal);
    known.ok_or_else(|| {
        let advice = "must be \"low\", \"medium\", \"high\", \"xhigh\" or \"max\".";
        value.path.error(advice)
    })
}

fn format(value: Value<'_, '_>) -> Result<ResponseFormat, Error> {
    let (object, path) = (value.object()?, value.path);
    let kind = object.required_string(path, "type", "Send \"json_schema\".")?;
    if kind != "json_schema" {
        return Err(Path::Field(path, "type").error("must be \"json_schema\"."));
    }
    Ok(ResponseFormat::JsonSchema {
        name: None,
        description: None,
        schema: object.required(path, "schema", "Send the JSON schema.", schema)?,
        strict: Some(true),
    })
}

fn user(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Option<String>, Error> {
    let object = value.object()?;
    object.warn_of_others(value.path, &["user_id"], warnings);
    object.optional_string(value.path, "user_id")
}

/// The class of service, `default` being what Anthropic calls standard.
fn service_tier(value: Value<'_, '_>) -> Result<String, Error> {
    match value.string()?.as_str() {
        "auto" => Ok("auto".to_owned()),
        "standard_only" => Ok("default".to_owned()),
        _ => Err(value.path.error("must be \"auto\" or \"standard_only\".")),
    }
}

#[cfg(test)]
mod tests;
