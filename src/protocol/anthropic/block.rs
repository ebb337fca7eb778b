//! The blocks of a content.

use super::{citation, source};
use crate::error::Error;
use crate::protocol::content::{self, Form};
use crate::protocol::json::{Json, Object, Path, Value};
use crate::protocol::openai_chat::tools::cache_control;
use crate::protocol::{Content, Family, Part, Signature, ToolCall, ToolResult, Warning};

/// Blocks that only Anthropic understands and that do not end in [`RESULTS`].
const NATIVE: [&str; 7] = [
    "compaction",
    "container_upload",
    "mcp_tool_use",
    "search_result",
    "server_tool_use",
    "tool_reference",
    "tool_search_tool_use",
];
/// How the results of the tools that Anthropic runs end.
const RESULTS: &str = "_tool_result";

/// What a content stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A turn of the assistant.
    Assistant,
    /// The instructions.
    System,
    /// The result of a tool.
    ToolResult,
    /// A turn of the user.
    User,
}

impl Place {
    const fn kinds(self) -> &'static str {
        match self {
            Self::Assistant => {
                "Send \"text\", \"thinking\", \"redacted_thinking\" or \"tool_use\"."
            }
            Self::System => "Send \"text\".",
            Self::ToolResult => "Send \"text\", \"image\" or \"document\".",
            Self::User => "Send \"text\", \"image\", \"document\" or \"tool_result\".",
        }
    }

    fn takes(self, kind: &str) -> bool {
        match kind {
            "text" => true,
            "image" | "document" => matches!(self, Self::ToolResult | Self::User),
            "tool_result" => self == Self::User,
            "redacted_thinking" | "thinking" | "tool_use" => self == Self::Assistant,
            _ => self != Self::System && (NATIVE.contains(&kind) || kind.ends_with(RESULTS)),
        }
    }
}

/// Parses a content: a string or an array of blocks.
pub(super) fn parse_all(
    value: Value<'_, '_>,
    place: Place,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Part>, Error> {
    let form = Form {
        element: "block",
        may_be_empty: place != Place::User,
    };
    content::parse(value, form, |value| block(value, place, warnings))
}

fn block(value: Value<'_, '_>, place: Place, warnings: &mut Vec<Warning>) -> Result<Part, Error> {
    let (object, path) = (value.object()?, value.path);
    let kind = object.required_string(path, "type", place.kinds())?;
    if !place.takes(&kind) {
        let advice = format!("is not a block that can stand here. {}", place.kinds());
        return Err(Path::Field(path, "type").error(&advice));
    }
    let (content, known): (_, &[&str]) = match kind.as_str() {
        "text" => (text(&object, path)?, &["text", "citations"]),
        "image" => (Content::Image(source::image(&object, path)?), &["source"]),
        "document" if source::is_composed(&object) => return native(value),
        "document" => (
            Content::File(source::document(&object, path)?),
            &["source", "title", "context", "citations"],
        ),
        "thinking" => (thinking(&object, path)?, &["thinking", "signature"]),
        "redacted_thinking" => (redacted(&object, path)?, &["data"]),
        "tool_use" => (
            Content::ToolCall(tool_use(&object, path)?),
            &["id", "name", "input", "signature"],
        ),
        "tool_result" => (
            Content::ToolResult(tool_result(&object, path, warnings)?),
            &["tool_use_id", "content", "is_error"],
        ),
        _ => return native(value),
    };
    let cache = object.optional(path, "cache_control", cache_control)?;
    let known = [known, &["type", "cache_control"]].concat();
    object.warn_of_others(path, &known, warnings);
    Ok(Part {
        cache,
        ..Part::new(content)
    })
}

/// A block as it came, its `cache_control` in it.
fn native(value: Value<'_, '_>) -> Result<Part, Error> {
    value.check_object()?;
    Ok(Part::new(Content::Native {
        family: Family::Anthropic,
        block: Json::from(value.raw),
    }))
}

fn text(object: &Object<'_>, path: &Path<'_>) -> Result<Content, Error> {
    let citations = object.optional(path, "citations", citation::parse_all)?;
    Ok(Content::Text {
        text: object.required_string(path, "text", "Send the block's text.")?,
        citations: citations.unwrap_or_default(),
    })
}

/// A signature may be empty: models that make none think too.
fn thinking(object: &Object<'_>, path: &Path<'_>) -> Result<Content, Error> {
    let signature = object.optional_string(path, "signature")?;
    let signature = signature.filter(|text| !text.is_empty());
    Ok(Content::Reasoning {
        text: object.required_string(path, "thinking", "Send the thought as it came.")?,
        signature: signature.map(|text| Signature::from_wire(&text, Family::Anthropic)),
    })
}

fn redacted(object: &Object<'_>, path: &Path<'_>) -> Result<Content, Error> {
    let data = object.required_string(path, "data", "Send the block as it came.")?;
    Ok(Content::RedactedReasoning(Signature::from_wire(
        &data,
        Family::Anthropic,
    )))
}

fn tool_use(object: &Object<'_>, path: &Path<'_>) -> Result<ToolCall, Error> {
    let input = object.required(
        path,
        "input",
        "Send the tool's input, an object.",
        |input| input.check_object().map(|()| input.raw.get().to_owned()),
    )?;
    let signature = object.optional_string(path, "signature")?;
    Ok(ToolCall {
        id: object.required(path, "id", "Send the call's id.", |id| {
            id.filled_string("the call's id")
        })?,
        name: object.required(path, "name", "Name the tool.", |name| {
            name.filled_string("the tool's name")
        })?,
        arguments: input,
        signature: signature.map(|text| Signature::from_wire(&text, Family::Anthropic)),
    })
}

fn tool_result(
    object: &Object<'_>,
    path: &Path<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<ToolResult, Error> {
    let call_id = object.required(path, "tool_use_id", "Name the call it answers.", |id| {
        id.filled_string("the id of the call it answers")
    })?;
    let parts = object.optional(path, "content", |content| {
        parse_all(content, Place::ToolResult, warnings)
    })?;
    Ok(ToolResult {
        call_id,
        parts: parts.unwrap_or_default(),
        is_error: object.optional_boolean(path, "is_error")?.unwrap_or(false),
    })
}
