//! The items of a request's input: what each is in a conversation, and what is kept of it.
//!
//! <https://platform.openai.com/docs/api-reference/responses/create#responses_create-input>

use serde::Serialize;
use serde_json::value::RawValue;

use super::item::thought;
use super::part;
use crate::error::Error;
use crate::protocol::json::{MAX_ELEMENTS, Object, Path, Shape, Value, shape};
use crate::protocol::openai_chat::MAX_MESSAGES;
use crate::protocol::openai_chat::message::thought_signature;
use crate::protocol::{
    Content, Family, Fields, Json, Message, Origin, Part, Role, ToolCall, ToolResult, Warning,
};

const ROLES: &str = "Send \"user\", \"system\", \"developer\" or \"assistant\".";
/// What providers' own tools did, of use to the provider only.
const HOSTED: [&str; 9] = [
    "apply_patch_call",
    "code_interpreter_call",
    "computer_call",
    "file_search_call",
    "image_generation_call",
    "local_shell_call",
    "mcp_call",
    "mcp_list_tools",
    "web_search_call",
];

/// What a request's input has at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// An item, and what is kept of it.
    Item(Entry, Json),
    /// The id of an item that is stored.
    Reference(String),
}

/// What an item is in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A message to the model.
    Message(Message),
    /// What a function gave.
    Result(ToolResult),
    /// Some of a turn of the model.
    Said(Vec<Part>),
}

impl Entry {
    /// The same entry with all its parts at one place.
    pub(super) fn standing(mut self, origin: &Origin) -> Self {
        let parts = match &mut self {
            Self::Message(message) => &mut message.parts,
            Self::Result(result) => &mut result.parts,
            Self::Said(parts) => parts,
        };
        for part in parts {
            part.origin = origin.clone();
        }
        self
    }
}

/// Parses an input: a text or items.
pub(super) fn parse_all(
    value: Value<'_, '_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Given>, Error> {
    if value.shape() == Shape::String {
        let text = value.filled_string("a text, or at least one item")?;
        let kept = kept_text(value.raw);
        let message = Message::new(Role::User, vec![Part::text(text).at(value.path)]);
        return Ok(vec![Given::Item(Entry::Message(message), kept)]);
    }
    if value.shape() != Shape::Array {
        return Err(value.wrong("a string or an array of items"));
    }
    let items = value.array(MAX_MESSAGES)?;
    if items.is_empty() {
        let advice = "must not be empty. Send a text, or at least one item.";
        return Err(value.path.error(advice));
    }
    let given = items.into_iter().enumerate().map(|(index, raw)| {
        let path = Path::Index(value.path, index);
        parse(Value::new(raw, &path), warnings)
    });
    given.collect()
}

/// Parses an item.
pub(super) fn parse(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Given, Error> {
    let (object, path) = (value.object()?, value.path);
    let kind = match object.optional_string(path, "type")? {
        Some(kind) => kind,
        // Clients leave the type out of messages and of references.
        None if object.get("role").is_none() && object.get("id").is_some() => {
            "item_reference".to_owned()
        }
        None => "message".to_owned(),
    };
    let entry = match kind.as_str() {
        "message" => message(&object, path, warnings)?,
        "function_call" => Entry::Said(vec![call(&object, path, warnings)?.at(path)]),
        "function_call_output" => result(&object, path, warnings)?,
        "reasoning" => reasoning(&object, path)?,
        "item_reference" => {
            let id = object.required(path, "id", "Name the item.", |id| {
                id.filled_string("the item's id")
            })?;
            return Ok(Given::Reference(id));
        }
        kind if HOSTED.contains(&kind) => {
            let block = Content::Native {
                family: Family::OpenAi,
                block: Json::from(value.raw),
            };
            Entry::Said(vec![Part::new(block).at(path)])
        }
        _ => {
            let advice = "is not a known item. Send \"message\", \"function_call\", \"function_call_output\", \"reasoning\" or \"item_reference\".";
            return Err(Path::Field(path, "type").error(advice));
        }
    };
    let assistant = matches!(entry, Entry::Said(_));
    Ok(Given::Item(entry, kept(&object, &kind, assistant)))
}

fn message(
    object: &Object<'_>,
    path: &Path<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Entry, Error> {
    let role = object.required(path, "role", ROLES, |role| match role.string()?.as_str() {
        "assistant" => Ok(Role::Assistant),
        "developer" => Ok(Role::Developer),
        "system" => Ok(Role::System),
        "user" => Ok(Role::User),
        _ => Err(role.path.error(&format!("is not a known role. {ROLES}"))),
    })?;
    let parts = object.required(path, "content", "Send a text.", |content| {
        part::parse_all(content, role, warnings)
    })?;
    let known = ["type", "id", "role", "content", "status", "phase"];
    object.warn_of_others(path, &known, warnings);
    Ok(match role {
        Role::Assistant => Entry::Said(parts),
        _ => Entry::Message(Message::new(role, parts)),
    })
}

fn call(object: &Object<'_>, path: &Path<'_>, warnings: &mut Vec<Warning>) -> Result<Part, Error> {
    let known = [
        "type",
        "id",
        "call_id",
        "name",
        "arguments",
        "status",
        "extra_content",
    ];
    object.warn_of_others(path, &known, warnings);
    let arguments = "Send the arguments as a string of JSON.";
    Ok(Part::new(Content::ToolCall(ToolCall {
        id: call_id(object, path)?,
        name: object.required(path, "name", "Name the function.", |name| {
            name.filled_string("the function's name")
        })?,
        arguments: object.required_string(path, "arguments", arguments)?,
        signature: thought_signature(object),
    })))
}

fn result(
    object: &Object<'_>,
    path: &Path<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Entry, Error> {
    object.warn_of_others(
        path,
        &["type", "id", "call_id", "output", "status"],
        warnings,
    );
    let call_id = call_id(object, path)?;
    let advice = "Send what the function gave.";
    let parts = object.required(path, "output", advice, |output| {
        part::parse_all(output, Role::Tool, warnings)
    })?;
    Ok(Entry::Result(ToolResult {
        call_id,
        parts,
        is_error: false,
    }))
}

fn call_id(object: &Object<'_>, path: &Path<'_>) -> Result<String, Error> {
    object.required(path, "call_id", "Send the call's id.", |id| {
        id.filled_string("the call's id")
    })
}

/// Reasoning that comes back. Where neither a text nor a signature came with it, it says nothing.
fn reasoning(object: &Object<'_>, path: &Path<'_>) -> Result<Entry, Error> {
    let texts = |name| {
        object
            .optional(path, name, texts)
            .map(Option::unwrap_or_default)
    };
    let (summary, full) = (texts("summary")?, texts("content")?);
    let text = if full.is_empty() { summary } else { full };
    let encrypted = object.optional_string(path, "encrypted_content")?;
    let content = thought(text.join("\n\n"), encrypted.as_deref());
    let part = content.map(|content| Part::new(content).at(path));
    Ok(Entry::Said(part.into_iter().collect()))
}

/// The texts of `[{type, text}]`.
fn texts(value: Value<'_, '_>) -> Result<Vec<String>, Error> {
    let items = value.array(MAX_ELEMENTS)?.into_iter().enumerate();
    let read = |(index, raw)| {
        let path = Path::Index(value.path, index);
        let object = Value::new(raw, &path).object()?;
        object.required_string(&path, "text", "Send the text.")
    };
    items.map(read).collect()
}

/// A text, where an item has parts.
#[derive(Serialize)]
struct TextPart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a RawValue,
}

/// What is kept of a text that is the whole input.
fn kept_text(text: &RawValue) -> Json {
    let mut fields = Fields::default();
    fields.keep("type", Json::of("message").raw());
    fields.keep("role", Json::of("user").raw());
    fields.keep("content", parts_of(text, false).raw());
    Json::of(&fields)
}

/// What is kept of an item: its fields as they came, with its type, and a message's text as a part.
fn kept(object: &Object<'_>, kind: &str, assistant: bool) -> Json {
    let mut fields = Fields::default();
    fields.keep("type", Json::of(kind).raw());
    for (name, raw) in object.entries().filter(|(name, _)| *name != "type") {
        if kind == "message" && name == "content" && shape(raw) == Shape::String {
            fields.keep(name, parts_of(raw, assistant).raw());
        } else {
            fields.keep(name, raw);
        }
    }
    Json::of(&fields)
}

fn parts_of(text: &RawValue, assistant: bool) -> Json {
    let kind = if assistant {
        "output_text"
    } else {
        "input_text"
    };
    Json::of(&[TextPart { kind, text }])
}
