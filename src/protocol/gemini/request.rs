//! A request's body to a [`ChatRequest`], or an error that names the JSON path and says what to do.

use serde_json::value::RawValue;

use super::name::camel;
use super::part::{Turn, parse_turn};
use super::{GENERATION_CONFIG, generation, tools};
use crate::error::Error;
use crate::protocol::json::{self, Fields, Json, Object, Path, Shape, Value};
use crate::protocol::openai_chat::MAX_MESSAGES;
use crate::protocol::openai_chat::tools::check_choice;
use crate::protocol::request::Extras;
use crate::protocol::tool_order::OpenCalls;
use crate::protocol::{ChatRequest, Family, Message, Role, ToolCall, Warning};

/// Parses the body of a request to `model`, which the path names, as it says whether to stream.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param` where the fault has one.
pub fn parse(body: &[u8], model: &str, stream: bool) -> Result<ChatRequest, Error> {
    let path = Path::Root;
    Draft::read(json::document(body)?, &path)?.finish(&path, model, stream)
}

/// A request of which some fields have been read.
#[derive(Default)]
pub(super) struct Draft {
    request: ChatRequest,
    system: Option<Message>,
    messages: Option<Vec<Message>>,
    /// The functions that may be called; empty: all.
    allowed: Vec<String>,
    extras: Fields,
}

impl Draft {
    /// Reads the fields of a body at `parent`.
    pub(super) fn read(object: Object<'_>, parent: &Path<'_>) -> Result<Self, Error> {
        let mut draft = Self::default();
        for (name, raw) in object {
            let path = Path::Field(parent, &name);
            let value = Value::new(raw, &path);
            if value.shape() != Shape::Null {
                draft.field(&camel(&name), value)?;
            }
        }
        Ok(draft)
    }

    fn field(&mut self, name: &str, value: Value<'_, '_>) -> Result<(), Error> {
        let request = &mut self.request;
        match name {
            // The path names the model.
            "model" => {}
            "contents" => self.messages = Some(contents(value, &mut request.warnings)?),
            "systemInstruction" => {
                self.system = Some(instruction(value, &mut request.warnings)?);
            }
            "tools" => request.tools = tools::parse(value, &mut request.warnings)?,
            "toolConfig" => self.allowed = tools::config(value, request)?,
            GENERATION_CONFIG => {
                let others = generation::parse(value, request)?;
                if !others.0.is_empty() {
                    self.extras.keep(name, Json::of(&others).raw());
                }
            }
            _ => self.extras.keep(name, value.raw),
        }
        Ok(())
    }

    /// The whole request.
    pub(super) fn finish(
        self,
        parent: &Path<'_>,
        model: &str,
        stream: bool,
    ) -> Result<ChatRequest, Error> {
        let root = |name| Path::Field(parent, name);
        let mut request = self.request;
        let advice = "Send at least one content.";
        let said = self.messages;
        let said = said.ok_or_else(|| root("contents").missing(advice))?;
        request.messages = self.system.into_iter().chain(said).collect();
        check_choice(&request, &root("toolConfig"))?;
        tools::keep_allowed(&mut request, &self.allowed, &root("toolConfig"))?;
        model.clone_into(&mut request.model);
        request.stream = stream;
        request.include_usage = true;
        request.choices = request.choices.max(1);
        request.extras = Extras {
            family: (!self.extras.0.is_empty()).then_some(Family::Google),
            fields: self.extras,
        };
        Ok(request)
    }
}

/// Reads the turns of a conversation.
fn contents(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Message>, Error> {
    let items = value.array(MAX_MESSAGES)?;
    if items.is_empty() {
        let advice = "must not be empty. Send at least one content.";
        return Err(value.path.error(advice));
    }
    let mut reader = Reader {
        warnings,
        calls: Vec::new(),
        open: OpenCalls::default(),
        messages: Vec::with_capacity(items.len()),
    };
    for (index, raw) in items.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        reader.content(index, raw, &path)?;
    }
    reader.open.close(value.path)?;
    Ok(reader.messages)
}

struct Reader<'w> {
    warnings: &'w mut Vec<Warning>,
    /// Calls that wait for their results.
    calls: Vec<ToolCall>,
    open: OpenCalls,
    messages: Vec<Message>,
}

impl Reader<'_> {
    fn content(&mut self, index: usize, raw: &RawValue, path: &Path<'_>) -> Result<(), Error> {
        let turn = Turn {
            index,
            calls: &mut self.calls,
            warnings: self.warnings,
        };
        for message in parse_turn(Value::new(raw, path), turn)? {
            self.open.next(&message, path, "parts")?;
            if message.role == Role::Assistant {
                self.calls = message.tool_calls().cloned().collect();
            }
            self.messages.push(message);
        }
        Ok(())
    }
}

fn instruction(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Message, Error> {
    let turn = Turn {
        index: 0,
        calls: &mut Vec::new(),
        warnings,
    };
    let messages = parse_turn(value, turn)?;
    let parts: Vec<_> = messages.into_iter().flat_map(|it| it.parts).collect();
    if parts.iter().any(|part| part.as_text().is_none()) {
        let advice = "must hold parts of text and no others.";
        return Err(Path::Field(value.path, "parts").error(advice));
    }
    Ok(Message::new(Role::System, parts).at(value.path))
}
