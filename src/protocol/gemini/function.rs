//! Calls of functions and what they gave.
//!
//! Ids are optional in this wire: a call without one gets an id of its place, and a result without
//! one belongs to the first call of its function that has none.

use super::name::camel;
use super::part::{Turn, blob};
use crate::error::Error;
use crate::protocol::json::{MAX_ELEMENTS, Object, Path, Shape, Value};
use crate::protocol::{Content, Part, ToolCall, ToolResult};

/// Reads `{id, name, args}` of the part at `part` of the content at `content`.
pub(super) fn call(value: Value<'_, '_>, content: usize, part: usize) -> Result<ToolCall, Error> {
    let (object, path) = (value.object()?, value.path);
    let id = object.optional_string(path, "id")?;
    let args = object.optional(path, "args", |args| {
        args.check_object()?;
        Ok(args.raw.get().to_owned())
    })?;
    Ok(ToolCall {
        id: id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| format!("call_{content}_{part}")),
        name: object.required(path, "name", "Name the function.", |name| {
            name.filled_string("the function's name")
        })?,
        arguments: args.unwrap_or_else(|| "{}".to_owned()),
        signature: None,
    })
}

/// Reads `{id, name, response, parts}`.
pub(super) fn response(value: Value<'_, '_>, turn: &mut Turn<'_>) -> Result<Content, Error> {
    let (object, path) = (value.object()?, value.path);
    let name = object.required(path, "name", "Name the function.", |name| {
        name.filled_string("the function's name")
    })?;
    let id = object.optional_string(path, "id")?;
    let id = id.filter(|id| !id.is_empty());
    let answered = |call: &ToolCall| match &id {
        Some(id) => call.id == *id,
        None => call.name == name,
    };
    let Some(place) = turn.calls.iter().position(answered) else {
        let field = if id.is_some() { "id" } else { "name" };
        let advice = "names no open call of the content of the model before it. Send that content, with its calls, first.";
        return Err(Path::Field(path, field).error(advice));
    };
    let call = turn.calls.remove(place);
    let (mut parts, is_error) = object.required(path, "response", "Send an object.", gave)?;
    let media = object.optional(path, "parts", media)?;
    parts.extend(media.unwrap_or_default());
    let known = ["id", "name", "response", "parts"];
    object.warn_of_others(path, &known, turn.warnings);
    Ok(Content::ToolResult(ToolResult {
        call_id: call.id,
        parts,
        is_error,
    }))
}

/// What a function gave: a text under `output` or `error`, or any other object as it is.
fn gave(value: Value<'_, '_>) -> Result<(Vec<Part>, bool), Error> {
    let object = value.object()?;
    let mut entries = object.entries();
    if let (Some((name, raw)), None) = (entries.next(), entries.next())
        && let Some(text) = crate::protocol::json::text(raw)
    {
        let wrapped = match name {
            "error" => Some(true),
            // A text that is an object itself would come out as one.
            "output" => Object::parse(&text).is_none().then_some(false),
            _ => None,
        };
        if let Some(is_error) = wrapped {
            return Ok((vec![Part::text(text)], is_error));
        }
    }
    Ok((vec![Part::text(value.raw.get())], false))
}

/// Reads `[{inlineData}]`.
fn media(value: Value<'_, '_>) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    for (index, raw) in value.array(MAX_ELEMENTS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        let mut found = None;
        for (name, raw) in Value::new(raw, &path).object()? {
            let path = Path::Field(&path, &name);
            let field = Value::new(raw, &path);
            if camel(&name) == "inlineData" && field.shape() != Shape::Null {
                found = Some(blob(field)?);
            }
        }
        let inline = Path::Field(&path, "inlineData");
        let content = found.ok_or_else(|| inline.missing("Send the medium's bytes."))?;
        parts.push(Part::new(content).at(&inline));
    }
    Ok(parts)
}
