//! The turns of a conversation: what stands in them, and that results of tools answer calls of tools.

use serde_json::value::RawValue;

use super::block::{self, Place};
use crate::error::Error;
use crate::protocol::json::{Path, Value};
use crate::protocol::tool_order::OpenCalls;
use crate::protocol::{Content, Message, Part, Role, Warning};

const ROLES: &str = "Send \"user\" or \"assistant\"; instructions go into `system`.";

/// Parses the turns at `parent`. The results of tools in a turn of the user become a message of their
/// own, before what the user says.
pub(super) fn parse_all(
    items: &[&RawValue],
    parent: &Path<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Message>, Error> {
    let mut turns = Turns::default();
    for (index, raw) in items.iter().enumerate() {
        let path = Path::Index(parent, index);
        turns.parse(Value::new(raw, &path), warnings)?;
    }
    turns.open.close(parent)?;
    Ok(turns.messages)
}

/// The turns so far.
#[derive(Default)]
struct Turns {
    messages: Vec<Message>,
    open: OpenCalls,
}

impl Turns {
    fn parse(&mut self, value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<(), Error> {
        let (object, path) = (value.object()?, value.path);
        let place = object.required(path, "role", ROLES, role)?;
        let parts = object.required(path, "content", "Send a text or blocks.", |content| {
            block::parse_all(content, place, warnings)
        })?;
        object.warn_of_others(path, &["role", "content"], warnings);
        match place {
            Place::Assistant => self.assistant(parts, path),
            _ => self.user(parts, path),
        }
    }

    fn assistant(&mut self, parts: Vec<Part>, path: &Path<'_>) -> Result<(), Error> {
        check_ids(&parts, &Path::Field(path, "content"))?;
        self.add(Message::new(Role::Assistant, parts), path)
    }

    fn user(&mut self, parts: Vec<Part>, path: &Path<'_>) -> Result<(), Error> {
        let content = Path::Field(path, "content");
        let (mut results, mut said) = (Vec::new(), Vec::new());
        for (index, part) in parts.into_iter().enumerate() {
            if matches!(part.content, Content::ToolResult(_)) {
                let result = Message::new(Role::Tool, vec![part]);
                let place = Path::Index(&content, index);
                self.open.next(&result, &place, "tool_use_id")?;
                results.extend(result.parts);
            } else {
                said.push(part);
            }
        }
        if !results.is_empty() {
            let message = Message::new(Role::Tool, results);
            self.messages.push(message.at(path));
        }
        if said.is_empty() {
            return Ok(());
        }
        self.add(Message::new(Role::User, said), path)
    }

    fn add(&mut self, message: Message, path: &Path<'_>) -> Result<(), Error> {
        self.open.next(&message, path, "content")?;
        self.messages.push(message.at(path));
        Ok(())
    }
}

fn role(value: Value<'_, '_>) -> Result<Place, Error> {
    match value.string()?.as_str() {
        "assistant" => Ok(Place::Assistant),
        "user" => Ok(Place::User),
        _ => Err(value.path.error(&format!("is not a known role. {ROLES}"))),
    }
}

/// Checks that no two calls of a turn have the same id.
fn check_ids(parts: &[Part], content: &Path<'_>) -> Result<(), Error> {
    for (index, part) in parts.iter().enumerate() {
        let earlier = parts.iter().take(index).filter_map(Part::tool_call);
        let Some(call) = part.tool_call() else {
            continue;
        };
        if earlier.into_iter().any(|other| other.id == call.id) {
            let advice = "is the id of another call too. Give each call an id of its own.";
            let path = Path::Index(content, index);
            return Err(Path::Field(&path, "id").error(advice));
        }
    }
    Ok(())
}
