//! A request's body to a [`ChatRequest`], or an error that names the JSON path and says what to do.
//!
//! Fields that the model does not know are kept for providers of the same wire. A null in a known
//! field is the same as no field.

use serde_json::value::RawValue;

use super::message;
use super::tools;
use crate::error::Error;
use crate::protocol::json::{self, Path, Shape, Value};
use crate::protocol::request::Extras;
use crate::protocol::{
    ChatRequest, Effort, Family, Fields, Json, Message, Reasoning, ReasoningMode, ResponseFormat,
};

/// Messages of a request.
pub const MAX_MESSAGES: usize = 4_096;
/// Answers to a request.
pub const MAX_CHOICES: u32 = 8;
/// The largest schema, in bytes.
const MAX_SCHEMA_BYTES: usize = 256 * 1024;

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
    request: ChatRequest,
    messages: Option<Vec<Message>>,
    max_completion_tokens: Option<u32>,
    include_usage: Option<bool>,
    metadata: Option<Json>,
    extras: Fields,
}

impl Draft {
    fn field(&mut self, name: &str, raw: &RawValue) -> Result<(), Error> {
        let path = Path::Field(&Path::Root, name);
        let value = Value::new(raw, &path);
        if value.shape() == Shape::Null {
            if !is_known(name) {
                self.extras.keep(name, raw);
            }
            return Ok(());
        }
        let request = &mut self.request;
        match name {
            "model" => request.model = model(value)?,
            "messages" => self.messages = Some(messages(value, request)?),
            "tools" => request.tools = tools::parse(value, &mut request.warnings)?,
            "tool_choice" => request.tool_choice = Some(tools::choice(value)?),
            "parallel_tool_calls" => request.parallel_tool_calls = Some(value.boolean()?),
            "response_format" => request.response_format = response_format(value)?,
            "max_tokens" => request.max_output_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?),
            "max_completion_tokens" => {
                self.max_completion_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?);
            }
            "n" => request.choices = count(value, i64::from(MAX_CHOICES))?,
            "stream" => request.stream = value.boolean()?,
            "stream_options" => self.include_usage = Some(stream_options(value)?),
            "reasoning_effort" => request.reasoning = reasoning(value)?,
            "service_tier" => request.service_tier = Some(value.string()?),
            "user" => request.user = Some(value.string()?),
            "verbosity" => request.verbosity = Some(value.string()?),
            "metadata" => {
                request.operation = operation(value)?;
                self.metadata = Some(Json::from(raw));
            }
            _ => return self.more(name, value),
        }
        Ok(())
    }

    fn more(&mut self, name: &str, value: Value<'_, '_>) -> Result<(), Error> {
        let sampling = &mut self.request.sampling;
        match name {
            "frequency_penalty" => sampling.frequency_penalty = Some(value.number(&(-2.0..=2.0))?),
            "presence_penalty" => sampling.presence_penalty = Some(value.number(&(-2.0..=2.0))?),
            "temperature" => sampling.temperature = Some(value.number(&(0.0..=2.0))?),
            "top_p" => sampling.top_p = Some(value.number(&(0.0..=1.0))?),
            "top_k" => sampling.top_k = Some(count(value, i64::from(u32::MAX))?),
            "seed" => sampling.seed = Some(value.integer(&(i64::MIN..=i64::MAX))?),
            "stop" => sampling.stop = stop(value)?,
            "logit_bias" => {
                value.check_object()?;
                sampling.logit_bias = Some(Json::from(value.raw));
            }
            "logprobs" => {
                let wanted = value.boolean()?;
                let known = self.request.logprobs.unwrap_or(0);
                self.request.logprobs = wanted.then_some(known);
            }
            "top_logprobs" => {
                let number = value.integer(&(0..=20))?;
                self.request.logprobs = u32::try_from(number).ok();
            }
            "prompt" | "input" | "requests" => return Err(not_a_chat_field(value.path)),
            "functions" | "function_call" => {
                return Err(value
                    .path
                    .error("was replaced by `tools` and `tool_choice`. Use those."));
            }
            "modalities" => modalities(value)?,
            "audio" => return Err(no_audio(value.path)),
            "store" => {
                value.boolean()?;
                self.extras.keep(name, value.raw);
            }
            _ => self.extras.keep(name, value.raw),
        }
        Ok(())
    }

    fn finish(self) -> Result<ChatRequest, Error> {
        let root = |name| Path::Field(&Path::Root, name);
        let mut request = self.request;
        if request.model.is_empty() {
            let advice = "Name a model, a tier such as \"light\", or \"auto\".";
            return Err(root("model").missing(advice));
        }
        let missing = || root("messages").missing("Send at least one message.");
        request.messages = self.messages.ok_or_else(missing)?;
        if self.include_usage.is_some() && !request.stream {
            let advice = "is only allowed with `stream: true`. Remove it, or stream.";
            return Err(root("stream_options").error(advice));
        }
        tools::check_choice(&request, &root("tool_choice"))?;
        let mut fields = self.extras;
        // OpenAI refuses metadata of completions that it is not asked to store.
        let stored = fields.get("store").is_some_and(|raw| raw.get() == "true");
        if let Some(metadata) = self.metadata.filter(|_| stored) {
            fields.keep("metadata", metadata.raw());
        }
        request.extras = Extras {
            family: (!fields.0.is_empty()).then_some(Family::OpenAi),
            fields,
        };
        request.max_output_tokens = self.max_completion_tokens.or(request.max_output_tokens);
        request.choices = request.choices.max(1);
        request.include_usage = self.include_usage.unwrap_or(false);
        Ok(request)
    }
}

/// Known fields, in which null is the same as absence.
fn is_known(name: &str) -> bool {
    const NAMES: [&str; 32] = [
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "modalities",
        "model",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
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
    NAMES.contains(&name) || matches!(name, "top_k" | "verbosity" | "web_search_options")
}

/// Fields by which other Cloudflare and `OpenAI` interfaces take prompts. Passed through, they would
/// reach a model past every limit and check, which look at the messages.
fn not_a_chat_field(path: &Path<'_>) -> Error {
    path.error("is not a field of chat completions. Put the prompt into `messages`.")
}

fn no_audio(path: &Path<'_>) -> Error {
    path.error("asks for spoken answers, which are not served here. Use POST /v1/audio/speech.")
}

fn modalities(value: Value<'_, '_>) -> Result<(), Error> {
    for (index, raw) in value.array(MAX_STOPS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        if Value::new(raw, &path).string()? != "text" {
            return Err(no_audio(&path));
        }
    }
    Ok(())
}

/// Reads the name of a model.
pub(crate) fn model(value: Value<'_, '_>) -> Result<String, Error> {
    let name = value.filled_string("the name of a model, a tier, or \"auto\"")?;
    if name.len() > MAX_MODEL_BYTES {
        let message = format!("must be at most {MAX_MODEL_BYTES} bytes long.");
        return Err(value.path.error(&message));
    }
    Ok(name)
}

fn messages(value: Value<'_, '_>, request: &mut ChatRequest) -> Result<Vec<Message>, Error> {
    let items = value.array(MAX_MESSAGES)?;
    if items.is_empty() {
        let advice = "must not be empty. Send at least one message.";
        return Err(value.path.error(advice));
    }
    message::parse_all(&items, value.path, &mut request.warnings)
}

/// Reads how hard a model thinks.
pub(crate) fn reasoning(value: Value<'_, '_>) -> Result<Reasoning, Error> {
    let word = value.string()?;
    if word == "none" {
        return Ok(Reasoning {
            mode: Some(ReasoningMode::Off),
            ..Reasoning::default()
        });
    }
    let effort = Effort::parse(&word).ok_or_else(|| {
        let words = "\"none\", \"minimal\", \"low\", \"medium\", \"high\" or \"xhigh\"";
        value.path.error(&format!("must be {words}."))
    })?;
    Ok(Reasoning {
        effort: Some(effort),
        ..Reasoning::default()
    })
}

fn response_format(value: Value<'_, '_>) -> Result<ResponseFormat, Error> {
    const KINDS: &str = "\"text\", \"json_object\" or \"json_schema\"";
    let object = value.object()?;
    let advice = format!("Send {KINDS}.");
    let kind = object.required_string(value.path, "type", &advice)?;
    match kind.as_str() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => {
            let path = Path::Field(value.path, "json_schema");
            let envelope = object
                .get("json_schema")
                .ok_or_else(|| path.missing("Send an object with `name` and `schema`."))?;
            json_schema(Value::new(envelope, &path))
        }
        _ => Err(Path::Field(value.path, "type").error(&format!("must be {KINDS}."))),
    }
}

/// Reads `{name, description, schema, strict}`.
pub(crate) fn json_schema(envelope: Value<'_, '_>) -> Result<ResponseFormat, Error> {
    let (fields, path) = (envelope.object()?, envelope.path);
    let name = fields.required(path, "name", "Name the schema.", |name| {
        name.filled_string("the schema's name")
    })?;
    let schema = fields.required(path, "schema", "Send the JSON schema.", schema)?;
    Ok(ResponseFormat::JsonSchema {
        name: Some(name),
        description: fields.optional_string(path, "description")?,
        schema,
        strict: fields.optional_boolean(path, "strict")?,
    })
}

/// Reads a JSON schema of bounded size.
pub(crate) fn schema(value: Value<'_, '_>) -> Result<Json, Error> {
    value.check_object()?;
    if value.raw.get().len() > MAX_SCHEMA_BYTES {
        let message = format!("must be at most {MAX_SCHEMA_BYTES} bytes of JSON.");
        return Err(value.path.error(&message));
    }
    Ok(Json::from(value.raw))
}

/// Reads a number from 1 to `most`.
pub(crate) fn count(value: Value<'_, '_>, most: i64) -> Result<u32, Error> {
    let number = value.integer(&(1..=most))?;
    u32::try_from(number).map_err(|_| value.path.error("is too large."))
}

fn stop(value: Value<'_, '_>) -> Result<Vec<String>, Error> {
    const EXPECTED: &str = "a string or an array of at most 4 strings";
    match value.shape() {
        Shape::String => Ok(vec![value.string()?]),
        Shape::Array => value.strings(MAX_STOPS),
        _ => Err(value.wrong(EXPECTED)),
    }
}

fn stream_options(value: Value<'_, '_>) -> Result<bool, Error> {
    let usage = value
        .object()?
        .optional_boolean(value.path, "include_usage")?;
    Ok(usage.unwrap_or(false))
}

/// Reads the operation that the metadata of a request names.
pub(crate) fn operation(metadata: Value<'_, '_>) -> Result<Option<String>, Error> {
    metadata
        .object()?
        .optional(metadata.path, "operation", |value| {
            value.filled_string("an operation such as \"faq\"")
        })
}

#[cfg(test)]
mod tests;
