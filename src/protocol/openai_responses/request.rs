//! A request's body to a [`ChatRequest`], or an error that names the JSON path and says what to do.
//!
//! Fields that the model does not know are kept for providers of the same wire. A null is the same
//! as no field.

use serde_json::value::RawValue;

use super::thread::Draft as ThreadDraft;
use super::{entry, thread, tools};
use crate::error::Error;
use crate::protocol::json::{self, Path, Shape, Value};
use crate::protocol::openai_chat::request::{count, json_schema, model, operation, reasoning};
use crate::protocol::openai_chat::tools::check_choice;
use crate::protocol::request::Extras;
use crate::protocol::{ChatRequest, Family, Fields, ResponseFormat, Warning};

const MAX_OUTPUT_TOKENS: i64 = 1_000_000;
/// Names in `include`.
const MAX_INCLUDES: usize = 32;
/// Pairs of metadata, and the bytes of a key and a value.
const MAX_METADATA: usize = 16;
const MAX_METADATA_KEY: usize = 64;
const MAX_METADATA_VALUE: usize = 512;

/// Parses the body of `POST /v1/responses`. A request that needs what is stored has no messages until
/// [`super::complete`].
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
    thread: ThreadDraft,
    stream_options: bool,
    extras: Fields,
}

impl Draft {
    fn field(&mut self, name: &str, raw: &RawValue) -> Result<(), Error> {
        let path = Path::Field(&Path::Root, name);
        let value = Value::new(raw, &path);
        if value.shape() == Shape::Null {
            return Ok(());
        }
        let request = &mut self.request;
        match name {
            "model" => request.model = model(value)?,
            "input" => self.thread.given = entry::parse_all(value, &mut request.warnings)?,
            "instructions" => self.thread.instructions = Some(value.string()?),
            "previous_response_id" => {
                let id = value.filled_string("the id of a response")?;
                self.thread.previous = Some(id);
            }
            "store" => self.thread.unstored = !value.boolean()?,
            "include" => self.include(value)?,
            "tools" => request.tools = tools::parse(value, &mut request.warnings)?,
            "tool_choice" => request.tool_choice = Some(tools::choice(value)?),
            "parallel_tool_calls" => request.parallel_tool_calls = Some(value.boolean()?),
            "text" => text(value, request)?,
            "reasoning" => thinking(value, request)?,
            "max_output_tokens" => {
                request.max_output_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?);
            }
            "stream" => request.stream = value.boolean()?,
            "stream_options" => {
                stream_options(value, &mut request.warnings)?;
                self.stream_options = true;
            }
            "metadata" => request.operation = metadata(value)?,
            "service_tier" => request.service_tier = Some(value.string()?),
            "user" => request.user = Some(value.string()?),
            _ => self.more(name, value)?,
        }
        self.thread.echo(name, raw);
        Ok(())
    }

    fn more(&mut self, name: &str, value: Value<'_, '_>) -> Result<(), Error> {
        let request = &mut self.request;
        let sampling = &mut request.sampling;
        match name {
            "frequency_penalty" => sampling.frequency_penalty = Some(value.number(&(-2.0..=2.0))?),
            "presence_penalty" => sampling.presence_penalty = Some(value.number(&(-2.0..=2.0))?),
            "temperature" => sampling.temperature = Some(value.number(&(0.0..=2.0))?),
            "top_p" => sampling.top_p = Some(value.number(&(0.0..=1.0))?),
            "top_logprobs" => {
                let number = value.integer(&(0..=20))?;
                request.logprobs = u32::try_from(number).ok();
            }
            "truncation" => truncation(value, &mut request.warnings)?,
            "background" if value.boolean()? => {
                let advice = "is not served yet: answers in the background come later. Remove it, or stream.";
                return Err(value.path.error(advice));
            }
            "background" => {}
            "max_tool_calls" => {
                count(value, i64::from(u32::MAX))?;
            }
            "prompt_cache_key" | "safety_identifier" => {
                value.string()?;
                self.extras.keep(name, value.raw);
            }
            "conversation" => {
                return Err(value.path.error(
                    "is not served here. Go on with `previous_response_id`, or send all items.",
                ));
            }
            "prompt" => {
                let advice = "names a stored prompt, which are not served here. Send `instructions` and `input`.";
                return Err(value.path.error(advice));
            }
            "messages" => {
                let advice = "is not a field of responses. Put the conversation into `input`.";
                return Err(value.path.error(advice));
            }
            "n" => {
                let advice = "is not a field of responses, which are one answer each. Remove it.";
                return Err(value.path.error(advice));
            }
            _ => self.extras.keep(name, value.raw),
        }
        Ok(())
    }

    fn include(&mut self, value: Value<'_, '_>) -> Result<(), Error> {
        let names = value.strings(MAX_INCLUDES)?;
        for (index, name) in names.iter().enumerate() {
            match name.as_str() {
                "reasoning.encrypted_content" => self.thread.encrypted = true,
                "message.output_text.logprobs" => self.thread.logprobs = true,
                _ => {
                    let field = Path::Index(value.path, index).to_string();
                    let warning = Warning::new(field, "not known here");
                    self.request.warnings.push(warning);
                }
            }
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
        if self.thread.given.is_empty() {
            return Err(root("input").missing("Send a text, or at least one item."));
        }
        if self.stream_options && !request.stream {
            let advice = "is only allowed with `stream: true`. Remove it, or stream.";
            return Err(root("stream_options").error(advice));
        }
        check_choice(&request, &root("tool_choice"))?;
        if self.thread.logprobs {
            request.logprobs = request.logprobs.or(Some(0));
        }
        request.extras = Extras {
            family: (!self.extras.0.is_empty()).then_some(Family::OpenAi),
            fields: self.extras,
        };
        request.choices = 1;
        thread::begin(&mut request, self.thread)?;
        Ok(request)
    }
}

fn text(value: Value<'_, '_>, request: &mut ChatRequest) -> Result<(), Error> {
    let (object, path) = (value.object()?, value.path);
    let format = object.optional(path, "format", format)?;
    request.response_format = format.unwrap_or_default();
    request.verbosity = object.optional_string(path, "verbosity")?;
    object.warn_of_others(path, &["format", "verbosity"], &mut request.warnings);
    Ok(())
}

fn format(value: Value<'_, '_>) -> Result<ResponseFormat, Error> {
    const KINDS: &str = "\"text\", \"json_object\" or \"json_schema\"";
    let advice = format!("Send {KINDS}.");
    let kind = value
        .object()?
        .required_string(value.path, "type", &advice)?;
    match kind.as_str() {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => json_schema(value),
        _ => Err(Path::Field(value.path, "type").error(&format!("must be {KINDS}."))),
    }
}

fn thinking(value: Value<'_, '_>, request: &mut ChatRequest) -> Result<(), Error> {
    let (object, path) = (value.object()?, value.path);
    let effort = object.optional(path, "effort", reasoning)?;
    request.reasoning = effort.unwrap_or_default();
    // Its first name, which older clients still send.
    let older = object.optional(path, "generate_summary", summary)?;
    let summary = object.optional(path, "summary", summary)?.or(older);
    request.reasoning.summary = summary;
    let known = ["effort", "generate_summary", "summary"];
    object.warn_of_others(path, &known, &mut request.warnings);
    Ok(())
}

fn summary(value: Value<'_, '_>) -> Result<String, Error> {
    let word = value.string()?;
    if !matches!(word.as_str(), "auto" | "concise" | "detailed") {
        let advice = "must be \"auto\", \"concise\" or \"detailed\".";
        return Err(value.path.error(advice));
    }
    Ok(word)
}

fn truncation(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    match value.string()?.as_str() {
        "disabled" => Ok(()),
        "auto" => {
            let reason = "conversations are not cut here";
            warnings.push(Warning::new(value.path.to_string(), reason));
            Ok(())
        }
        _ => Err(value.path.error("must be \"auto\" or \"disabled\".")),
    }
}

fn stream_options(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<(), Error> {
    let (object, path) = (value.object()?, value.path);
    if object.optional_boolean(path, "include_obfuscation")? == Some(true) {
        let field = Path::Field(path, "include_obfuscation").to_string();
        warnings.push(Warning::new(field, "streams are not padded here"));
    }
    object.warn_of_others(path, &["include_obfuscation"], warnings);
    Ok(())
}

/// Checks the metadata and reads the operation it names.
fn metadata(value: Value<'_, '_>) -> Result<Option<String>, Error> {
    let object = value.object()?;
    if object.entries().count() > MAX_METADATA {
        let message = format!("must have at most {MAX_METADATA} pairs.");
        return Err(value.path.error(&message));
    }
    for (key, raw) in object.entries() {
        let path = Path::Field(value.path, key);
        let text = Value::new(raw, &path).string()?;
        if key.len() > MAX_METADATA_KEY || text.len() > MAX_METADATA_VALUE {
            let message = format!(
                "must have at most {MAX_METADATA_KEY} bytes in its key and {MAX_METADATA_VALUE} in its value."
            );
            return Err(path.error(&message));
        }
    }
    operation(value)
}

#[cfg(test)]
mod tests;
