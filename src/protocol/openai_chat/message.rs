//! The messages of a request: roles, contents, parts, and that tool results answer tool calls.

use serde_json::value::RawValue;

use super::request::{required, required_string};
use crate::error::Error;
use crate::protocol::json::{MAX_ELEMENTS, Object, Path, Shape, Value};
use crate::protocol::{Content, Fields, Message, Part, Role};

/// Tool calls of one message.
const MAX_TOOL_CALLS: usize = 128;

/// Parses the messages at `parent`.
pub(super) fn parse_all(items: &[&RawValue], parent: &Path<'_>) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::with_capacity(items.len());
    let mut open = OpenCalls::default();
    for (index, raw) in items.iter().enumerate() {
        let path = Path::Index(parent, index);
        let (message, tools) = parse(Value::new(raw, &path))?;
        open.next(&message, tools, &path)?;
        messages.push(message);
    }
    open.close(parent)?;
    Ok(messages)
}

/// What a message has to do with tools.
#[derive(Default)]
struct ToolPart {
    /// The ids of the calls an assistant makes.
    calls: Vec<String>,
    /// The id of the call a tool answers.
    answers: Option<String>,
}

/// Tool calls that still need their results: providers refuse a conversation in which a call stays
/// open, or a result answers nothing.
#[derive(Default)]
struct OpenCalls {
    all: Vec<String>,
    answered: Vec<String>,
}

impl OpenCalls {
    fn next(&mut self, message: &Message, tools: ToolPart, path: &Path<'_>) -> Result<(), Error> {
        if let Some(id) = tools.answers {
            return self.answer(id, path);
        }
        self.close(path)?;
        if message.role == Role::Assistant {
            self.all = tools.calls;
            self.answered.clear();
        } else {
            *self = Self::default();
        }
        Ok(())
    }

    fn answer(&mut self, id: String, path: &Path<'_>) -> Result<(), Error> {
        if !self.all.contains(&id) {
            let advice = "names no tool call of the assistant message before it. Send that message, with its `tool_calls`, first.";
            return Err(Path::Field(path, "tool_call_id").error(advice));
        }
        if !self.answered.contains(&id) {
            self.answered.push(id);
        }
        Ok(())
    }

    fn close(&self, path: &Path<'_>) -> Result<(), Error> {
        let unanswered = self.all.iter().find(|id| !self.answered.contains(id));
        unanswered.map_or(Ok(()), |id| {
            let shown: String = id.chars().take(64).collect();
            let advice = format!(
                "leaves the tool call \"{shown}\" without a result. Send a message of role \"tool\" for each tool call, right after the assistant's."
            );
            Err(path.error(&advice))
        })
    }
}

fn parse(value: Value<'_, '_>) -> Result<(Message, ToolPart), Error> {
    let path = value.path;
    let object = value.object()?;
    let role = required(&object, path, "role", ROLES, role)?;
    let content = match object.get("content") {
        Some(raw) => content(Value::new(raw, &Path::Field(path, "content")))?,
        None => Content::Empty,
    };
    let tools = tool_part(role, &object, path)?;
    if matches!(content, Content::Empty) && !may_be_empty(role, &object, &tools) {
        return Err(Path::Field(path, "content").missing(match role {
            Role::Assistant => "An assistant message has `content`, `tool_calls` or both.",
            _ => "Send text or an array of parts.",
        }));
    }
    let rest = rest(object, path)?;
    let message = Message {
        role,
        content,
        rest,
    };
    Ok((message, tools))
}

const ROLES: &str = "Send \"developer\", \"system\", \"user\", \"assistant\" or \"tool\".";

fn role(value: Value<'_, '_>) -> Result<Role, Error> {
    match value.string()?.as_str() {
        "assistant" => Ok(Role::Assistant),
        "developer" => Ok(Role::Developer),
        "system" => Ok(Role::System),
        "tool" => Ok(Role::Tool),
        "user" => Ok(Role::User),
        _ => Err(value.path.error(&format!("is not a known role. {ROLES}"))),
    }
}

fn may_be_empty(role: Role, object: &Object<'_>, tools: &ToolPart) -> bool {
    let says_otherwise = object.first(&["refusal", "audio"]).is_some();
    role == Role::Assistant && (!tools.calls.is_empty() || says_otherwise)
}

fn tool_part(role: Role, object: &Object<'_>, path: &Path<'_>) -> Result<ToolPart, Error> {
    let mut part = ToolPart::default();
    match role {
        Role::Tool => {
            let advice = "Name the tool call that this message answers.";
            let read = |id: Value<'_, '_>| id.filled_string("the id of the tool call");
            part.answers = Some(required(object, path, "tool_call_id", advice, read)?);
        }
        Role::Assistant => {
            if let Some(raw) = object.get("tool_calls") {
                part.calls = tool_calls(Value::new(raw, &Path::Field(path, "tool_calls")))?;
            }
        }
        Role::Developer | Role::System | Role::User => {}
    }
    Ok(part)
}

fn tool_calls(value: Value<'_, '_>) -> Result<Vec<String>, Error> {
    let items = value.array(MAX_TOOL_CALLS)?;
    let call = |(index, raw): (usize, &&RawValue)| {
        tool_call(Value::new(raw, &Path::Index(value.path, index)))
    };
    items.iter().enumerate().map(call).collect()
}

fn tool_call(value: Value<'_, '_>) -> Result<String, Error> {
    let object = value.object()?;
    let id = required(&object, value.path, "id", "Send the call's id.", |id| {
        id.filled_string("the call's id")
    })?;
    let path = Path::Field(value.path, "function");
    if let Some(raw) = object.get("function") {
        let function = Value::new(raw, &path).object()?;
        required(&function, &path, "name", "Name the function.", |name| {
            name.filled_string("the function's name")
        })?;
        let advice = "Send the arguments as a string of JSON.";
        required_string(&function, &path, "arguments", advice)?;
    }
    Ok(id)
}

/// The fields that pass through. A null in a known one is dropped: clients send answers back as
/// they came, nulls included, which some providers refuse.
fn rest(object: Object<'_>, path: &Path<'_>) -> Result<Fields, Error> {
    const OPTIONAL: [&str; 6] = [
        "audio",
        "function_call",
        "name",
        "refusal",
        "tool_call_id",
        "tool_calls",
    ];
    let mut rest = Fields::default();
    for (name, raw) in object {
        let field = Path::Field(path, &name);
        let value = Value::new(raw, &field);
        let known = OPTIONAL.contains(&name.as_ref());
        match name.as_ref() {
            "role" | "content" => continue,
            _ if known && value.shape() == Shape::Null => continue,
            "name" | "refusal" | "tool_call_id" => value.string().map(drop)?,
            _ => {}
        }
        // An empty list of calls says nothing, and some providers refuse it.
        if name != "tool_calls" || !is_empty_array(raw) {
            rest.keep(&name, raw);
        }
    }
    Ok(rest)
}

fn is_empty_array(raw: &RawValue) -> bool {
    let inner = raw
        .get()
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|text| text.trim().is_empty())
}

fn content(value: Value<'_, '_>) -> Result<Content, Error> {
    match value.shape() {
        Shape::String => value.string().map(Content::Text),
        Shape::Array => parts(value).map(Content::Parts),
        _ => Err(value.wrong("a string or an array of parts")),
    }
}

fn parts(value: Value<'_, '_>) -> Result<Vec<Part>, Error> {
    let items = value.array(MAX_ELEMENTS)?;
    if items.is_empty() {
        return Err(value
            .path
            .error("must not be empty. Send at least one part."));
    }
    let part =
        |(index, raw): (usize, &&RawValue)| part(Value::new(raw, &Path::Index(value.path, index)));
    items.iter().enumerate().map(part).collect()
}

fn part(value: Value<'_, '_>) -> Result<Part, Error> {
    const KINDS: &str = "Send \"text\", \"image_url\", \"input_audio\", \"file\" or \"refusal\".";
    let object = value.object()?;
    let kind = required_string(&object, value.path, "type", KINDS)?;
    let raw = || value.raw.to_owned();
    match kind.as_str() {
        "text" => text_part(object, value.path),
        "image_url" => {
            check_inner(
                &object,
                value.path,
                "image_url",
                &[("url", "a URL or a data URL")],
            )?;
            Ok(Part::Image(raw()))
        }
        "input_audio" => {
            let fields = [
                ("data", "base64 of the sound"),
                ("format", "\"wav\" or \"mp3\""),
            ];
            check_inner(&object, value.path, "input_audio", &fields)?;
            Ok(Part::Audio(raw()))
        }
        "file" => {
            check_inner(&object, value.path, "file", &[])?;
            Ok(Part::File(raw()))
        }
        "refusal" => {
            required_string(&object, value.path, "refusal", "Send the refusal's text.")?;
            Ok(Part::Refusal(raw()))
        }
        _ => Err(Path::Field(value.path, "type").error(&format!("is not a known part. {KINDS}"))),
    }
}

fn text_part(object: Object<'_>, path: &Path<'_>) -> Result<Part, Error> {
    let text = required_string(&object, path, "text", "Send the part's text.")?;
    let mut rest = Fields::default();
    for (name, raw) in object {
        if name != "type" && name != "text" {
            rest.keep(&name, raw);
        }
    }
    Ok(Part::Text { text, rest })
}

/// Checks for an object under `name` with strings in `fields`: (name, what it is).
fn check_inner(
    object: &Object<'_>,
    parent: &Path<'_>,
    name: &str,
    fields: &[(&str, &str)],
) -> Result<(), Error> {
    let path = Path::Field(parent, name);
    let raw = object
        .get(name)
        .ok_or_else(|| path.missing("Send an object."))?;
    let inner = Value::new(raw, &path).object()?;
    fields.iter().try_for_each(|(field, what)| {
        let advice = format!("Send {what}.");
        required(&inner, &path, field, &advice, |value| {
            value.check_string(what)
        })
    })
}
