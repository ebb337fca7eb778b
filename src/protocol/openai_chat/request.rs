//! A request's body to a [`ChatRequest`], or an error that names the JSON path and says what to do.
//!
//! What the gateway decides by (model, messages, tools, answer form and length, stream) is typed;
//! `temperature` and its like are checked and kept as they came; fields that it does not know are kept
//! untouched. A null in a known field is the same as no field.

use serde_json::value::RawValue;

use super::message;
use crate::error::Error;
use crate::protocol::json::{self, Object, Path, Shape, Value};
use crate::protocol::{ChatRequest, Fields, Message, ResponseFormat};

/// Messages of a request.
pub const MAX_MESSAGES: usize = 4_096;
/// Tools of a request.
pub const MAX_TOOLS: usize = 128;
/// Answers to a request.
pub const MAX_CHOICES: u32 = 8;

const MAX_MODEL_BYTES: usize = 256;
const MAX_STOPS: usize = 4;
const MAX_OUTPUT_TOKENS: i64 = 1_000_000;

/// Parses the body of `POST /v1/chat/completions`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param` where the fault has one.
pub fn parse(body: &[u8]) -> Result<ChatRequest, Error> {
    let mut draft = Draft::default();
    for (name, raw) in json::document(body)? {
        draft.field(&name, raw)?;
    }
    draft.finish()
}

/// A request of which some fields have been read.
#[derive(Default)]
struct Draft {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    tools: Vec<Box<RawValue>>,
    response_format: ResponseFormat,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    choices: Option<u32>,
    stream: bool,
    include_usage: Option<bool>,
    operation: Option<String>,
    metadata: Option<Box<RawValue>>,
    store: bool,
    rest: Fields,
}

impl Draft {
    fn field(&mut self, name: &str, raw: &RawValue) -> Result<(), Error> {
        let path = Path::Field(&Path::Root, name);
        let value = Value::new(raw, &path);
        if value.shape() == Shape::Null && is_known(name) {
            return Ok(());
        }
        match name {
            "model" => self.model = Some(model(value)?),
            "messages" => self.messages = Some(messages(value)?),
            "tools" => self.tools = tools(value)?,
            "response_format" => self.response_format = response_format(value)?,
            "max_tokens" => self.max_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?),
            "max_completion_tokens" => {
                self.max_completion_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?);
            }
            "n" => self.choices = Some(count(value, i64::from(MAX_CHOICES))?),
            "stream" => self.stream = value.boolean()?,
            "stream_options" => self.include_usage = Some(stream_options(value)?),
            "metadata" => {
                self.operation = operation(value)?;
                self.metadata = Some(raw.to_owned());
            }
            "prompt" | "input" | "requests" => return Err(not_a_chat_field(&path)),
            _ => {
                check(name, value)?;
                self.store |= name == "store" && raw.get() == "true";
                self.rest.keep(name, raw);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<ChatRequest, Error> {
        let missing = |name, advice| Path::Field(&Path::Root, name).missing(advice);
        let model = self.model.ok_or_else(|| {
            missing(
                "model",
                "Name a model, a tier such as \"light\", or \"auto\".",
            )
        })?;
        let messages = self
            .messages
            .ok_or_else(|| missing("messages", "Send at least one message."))?;
        if self.include_usage.is_some() && !self.stream {
            let advice = "is only allowed with `stream: true`. Remove it, or stream.";
            return Err(Path::Field(&Path::Root, "stream_options").error(advice));
        }
        // OpenAI refuses metadata of completions that it is not asked to store.
        if let Some(metadata) = self.metadata.filter(|_| self.store) {
            self.rest.keep("metadata", &metadata);
        }
        Ok(ChatRequest {
            model,
            operation: self.operation,
            messages,
            tools: self.tools,
            response_format: self.response_format,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            choices: self.choices.unwrap_or(1),
            stream: self.stream,
            include_usage: self.include_usage.unwrap_or(false),
            rest: self.rest,
        })
    }
}

/// Known fields, in which null is the same as absence. `reasoning_effort` is not among them: its
/// null switches the reasoning of some models off.
fn is_known(name: &str) -> bool {
    const NAMES: [&str; 24] = [
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    ];
    NAMES.contains(&name)
}

/// Checks a field that is passed through.
fn check(name: &str, value: Value<'_, '_>) -> Result<(), Error> {
    match name {
        "frequency_penalty" | "presence_penalty" => value.number(&(-2.0..=2.0)).map(drop),
        "temperature" => value.number(&(0.0..=2.0)).map(drop),
        "top_p" => value.number(&(0.0..=1.0)).map(drop),
        "seed" => value.integer(&(i64::MIN..=i64::MAX)).map(drop),
        "top_logprobs" => value.integer(&(0..=20)).map(drop),
        "logprobs" | "parallel_tool_calls" | "store" => value.boolean().map(drop),
        "logit_bias" => value.check_object(),
        "service_tier" | "user" => value.string().map(drop),
        "reasoning_effort" if value.shape() != Shape::Null => value.string().map(drop),
        "stop" => stop(value),
        "tool_choice" => match value.shape() {
            Shape::Object | Shape::String => Ok(()),
            _ => {
                Err(value.wrong("\"none\", \"auto\", \"required\" or an object that names a tool"))
            }
        },
        _ => Ok(()),
    }
}

/// Fields by which other Cloudflare and `OpenAI` interfaces take prompts. Passed through, they would
/// reach a model past every limit and check, which look at the messages.
fn not_a_chat_field(path: &Path<'_>) -> Error {
    path.error("is not a field of chat completions. Put the prompt into `messages`.")
}

fn model(value: Value<'_, '_>) -> Result<String, Error> {
    let name = value.filled_string("the name of a model, a tier, or \"auto\"")?;
    if name.len() > MAX_MODEL_BYTES {
        let message = format!("must be at most {MAX_MODEL_BYTES} bytes long.");
        return Err(value.path.error(&message));
    }
    Ok(name)
}

fn messages(value: Value<'_, '_>) -> Result<Vec<Message>, Error> {
    let items = value.array(MAX_MESSAGES)?;
    if items.is_empty() {
        let advice = "must not be empty. Send at least one message.";
        return Err(value.path.error(advice));
    }
    message::parse_all(&items, value.path)
}

fn tools(value: Value<'_, '_>) -> Result<Vec<Box<RawValue>>, Error> {
    let items = value.array(MAX_TOOLS)?;
    for (index, raw) in items.iter().enumerate() {
        check_tool(Value::new(raw, &Path::Index(value.path, index)))?;
    }
    Ok(items.into_iter().map(ToOwned::to_owned).collect())
}

fn check_tool(tool: Value<'_, '_>) -> Result<(), Error> {
    let object = tool.object()?;
    let kind = required_string(&object, tool.path, "type", "Send \"function\".")?;
    if kind != "function" {
        return Ok(());
    }
    let path = Path::Field(tool.path, "function");
    let raw = object
        .get("function")
        .ok_or_else(|| path.missing("Describe the function."))?;
    let function = Value::new(raw, &path).object()?;
    required(&function, &path, "name", "Name the function.", |name| {
        name.filled_string("the function's name")
    })?;
    let parameters = Path::Field(&path, "parameters");
    match function.get("parameters") {
        Some(raw) => Value::new(raw, &parameters).check_object(),
        None => Ok(()),
    }
}

/// Reads a string that must be there.
pub(super) fn required_string(
    object: &Object<'_>,
    parent: &Path<'_>,
    name: &str,
    advice: &str,
) -> Result<String, Error> {
    let path = Path::Field(parent, name);
    let raw = object.get(name).ok_or_else(|| path.missing(advice))?;
    Value::new(raw, &path).string()
}

/// Reads a field that must be there.
pub(super) fn required<'a, T>(
    object: &Object<'a>,
    parent: &Path<'_>,
    name: &str,
    advice: &str,
    read: impl FnOnce(Value<'a, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let path = Path::Field(parent, name);
    let raw = object.get(name).ok_or_else(|| path.missing(advice))?;
    read(Value::new(raw, &path))
}

fn response_format(value: Value<'_, '_>) -> Result<ResponseFormat, Error> {
    const KINDS: &str = "\"text\", \"json_object\" or \"json_schema\"";
    let object = value.object()?;
    let advice = format!("Send {KINDS}.");
    let kind = required_string(&object, value.path, "type", &advice)?;
    match kind.as_str() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => json_schema(&object, value.path),
        _ => Err(Path::Field(value.path, "type").error(&format!("must be {KINDS}."))),
    }
}

fn json_schema(object: &Object<'_>, parent: &Path<'_>) -> Result<ResponseFormat, Error> {
    let path = Path::Field(parent, "json_schema");
    let envelope = object
        .get("json_schema")
        .ok_or_else(|| path.missing("Send an object with `name` and `schema`."))?;
    let fields = Value::new(envelope, &path).object()?;
    required(&fields, &path, "name", "Name the schema.", |name| {
        name.filled_string("the schema's name")
    })?;
    let schema = required(
        &fields,
        &path,
        "schema",
        "Send the JSON schema.",
        |schema| schema.check_object().map(|()| schema.raw),
    )?;
    Ok(ResponseFormat::JsonSchema {
        schema: schema.to_owned(),
        envelope: envelope.to_owned(),
    })
}

fn count(value: Value<'_, '_>, most: i64) -> Result<u32, Error> {
    let number = value.integer(&(1..=most))?;
    u32::try_from(number).map_err(|_| value.path.error("is too large."))
}

fn stop(value: Value<'_, '_>) -> Result<(), Error> {
    const EXPECTED: &str = "a string or an array of at most 4 strings";
    match value.shape() {
        Shape::String => value.string().map(drop),
        Shape::Array => {
            let items = value.array(MAX_STOPS)?;
            let check = |(index, raw): (usize, &&RawValue)| {
                Value::new(raw, &Path::Index(value.path, index))
                    .string()
                    .map(drop)
            };
            items.iter().enumerate().try_for_each(check)
        }
        _ => Err(value.wrong(EXPECTED)),
    }
}

fn stream_options(value: Value<'_, '_>) -> Result<bool, Error> {
    let path = Path::Field(value.path, "include_usage");
    match value.object()?.get("include_usage") {
        Some(raw) => Value::new(raw, &path).boolean(),
        None => Ok(false),
    }
}

fn operation(metadata: Value<'_, '_>) -> Result<Option<String>, Error> {
    let path = Path::Field(metadata.path, "operation");
    let object = metadata.object()?;
    let read = |raw| Value::new(raw, &path).filled_string("an operation such as \"faq\"");
    object.get("operation").map(read).transpose()
}

#[cfg(test)]
mod tests;
