//! The messages of a request: roles and contents, and that tool results answer tool calls.

use serde_json::value::RawValue;

use super::part;
use super::reasoning;
use crate::error::Error;
use crate::protocol::json::{Object, Path, Shape, Value};
use crate::protocol::tool_order::OpenCalls;
use crate::protocol::{
    Content, Family, Fields, Message, Part, Role, Signature, ToolCall, ToolResult, Warning,
};

/// Tool calls of one message.
pub(crate) const MAX_TOOL_CALLS: usize = 128;
const ROLES: &str = "Send \"system\", \"developer\", \"user\", \"assistant\" or \"tool\".";

/// Parses the messages at `parent`.
pub(super) fn parse_all(
    items: &[&RawValue],
    parent: &Path<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Message>, Error> {
    let mut messages = Vec::with_capacity(items.len());
    let mut open = OpenCalls::default();
    for (index, raw) in items.iter().enumerate() {
        let path = Path::Index(parent, index);
        let message = parse(Value::new(raw, &path), warnings)?;
        open.next(&message, &path, "tool_call_id")?;
        messages.push(message);
    }
    open.close(parent)?;
    Ok(messages)
}

fn parse(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Message, Error> {
    let path = value.path;
    let object = value.object()?;
    let role = object.required(path, "role", ROLES, |value| role(value))?;
    let content = object.optional(path, "content", |value| {
        part::parse_all(value, role, warnings)
    })?;
    let parts = match role {
        Role::Assistant => assistant(&object, path, content)?,
        Role::Tool => vec![tool_result(&object, path, content)?],
        Role::Developer | Role::System | Role::User => {
            content.ok_or_else(|| Path::Field(path, "content").missing("Send a text."))?
        }
    };
    let mut message = Message::new(role, parts);
    message.name = object.optional_string(path, "name")?;
    if let Some(cache) = object.optional(path, "cache_control", super::tools::cache_control)?
        && let Some(last) = message.parts.last_mut()
    {
        last.cache = Some(cache);
    }
    message.extras = extras(object);
    Ok(message.at(path))
}

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

/// Reasoning, text, refusal, calls: the order in which a model gives them.
fn assistant(
    object: &Object<'_>,
    path: &Path<'_>,
    content: Option<Vec<Part>>,
) -> Result<Vec<Part>, Error> {
    let mut parts = reasoning::parse(object, path)?;
    let said = content.is_some();
    parts.extend(content.into_iter().flatten());
    let refusal = object.optional_string(path, "refusal")?;
    let refused = refusal.is_some();
    let said_no = |text| Part::new(Content::Refusal(text)).at(&Path::Field(path, "refusal"));
    parts.extend(refusal.map(said_no));
    let calls = object.optional(path, "tool_calls", tool_calls)?;
    let calls = calls.unwrap_or_default();
    let heard = object.get("audio").is_some();
    if !said && !refused && !heard && calls.is_empty() {
        let advice = "Send a text, or `tool_calls`.";
        return Err(Path::Field(path, "content").missing(advice));
    }
    parts.extend(calls);
    Ok(parts)
}

fn tool_calls(value: Value<'_, '_>) -> Result<Vec<Part>, Error> {
    let mut parts: Vec<Part> = Vec::new();
    for (index, raw) in value.array(MAX_TOOL_CALLS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        let call = tool_call(Value::new(raw, &path))?;
        if parts
            .iter()
            .filter_map(Part::tool_call)
            .any(|other| other.id == call.id)
        {
            let advice = "is the id of another call too. Give each call an id of its own.";
            return Err(Path::Field(&path, "id").error(advice));
        }
        parts.push(Part::new(Content::ToolCall(call)).at(&path));
    }
    Ok(parts)
}

fn tool_call(value: Value<'_, '_>) -> Result<ToolCall, Error> {
    let (object, path) = (value.object()?, value.path);
    let id = object.required(path, "id", "Send the call's id.", |id| {
        id.filled_string("the call's id")
    })?;
    let inner = Path::Field(path, "function");
    let raw = object
        .get("function")
        .ok_or_else(|| inner.missing("Send the function's name and arguments."))?;
    let function = Value::new(raw, &inner).object()?;
    let arguments = "Send the arguments as a string of JSON.";
    Ok(ToolCall {
        id,
        name: function.required(&inner, "name", "Name the function.", |name| {
            name.filled_string("the function's name")
        })?,
        arguments: function.required_string(&inner, "arguments", arguments)?,
        signature: thought_signature(&object),
    })
}

/// Gemini's signature, where Google's own `OpenAI` interface puts it.
/// <https://ai.google.dev/gemini-api/docs/thought-signatures>
pub(crate) fn thought_signature(call: &Object<'_>) -> Option<Signature> {
    let google = Object::of(Object::of(call.get("extra_content")?)?.get("google")?)?;
    let text = crate::protocol::json::text(google.get("thought_signature")?)?;
    Some(Signature::from_wire(&text, Family::Google))
}

fn tool_result(
    object: &Object<'_>,
    path: &Path<'_>,
    content: Option<Vec<Part>>,
) -> Result<Part, Error> {
    let call_id = object.required(path, "tool_call_id", "Name the call it answers.", |id| {
        id.filled_string("the id of the call it answers")
    })?;
    let missing = || Path::Field(path, "content").missing("Send what the tool gave.");
    Ok(Part::new(Content::ToolResult(ToolResult {
        call_id,
        parts: content.ok_or_else(missing)?,
        is_error: false,
    })))
}

/// The fields that the model does not know. Clients send answers back as they came, nulls included,
/// which some providers refuse.
fn extras(object: Object<'_>) -> Fields {
    const KNOWN: [&str; 12] = [
        "annotations",
        "cache_control",
        "content",
        "function_call",
        "name",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
        "role",
        "tool_call_id",
        "tool_calls",
    ];
    let mut extras = Fields::default();
    for (name, raw) in object {
        let null = crate::protocol::json::shape(raw) == Shape::Null;
        if !KNOWN.contains(&name.as_ref()) && !null {
            extras.keep(&name, raw);
        }
    }
    extras
}
