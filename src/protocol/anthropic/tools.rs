//! The tools of a request and which of them the model shall call.

use crate::error::Error;
use crate::protocol::json::{Json, Object, Path, Value};
use crate::protocol::openai_chat::MAX_TOOLS;
use crate::protocol::openai_chat::request::schema;
use crate::protocol::openai_chat::tools::{cache_control, push_named};
use crate::protocol::{Family, FunctionTool, HostedTool, Origin, Tool, ToolChoice, Warning};

/// The longest name of a tool, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// Parses the tools.
pub(super) fn parse(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Tool>, Error> {
    let mut tools = Vec::new();
    for (index, raw) in value.array(MAX_TOOLS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        let value = Value::new(raw, &path);
        let object = value.object()?;
        match object.optional_string(&path, "type")? {
            Some(kind) if kind != "custom" => tools.push(Tool::Hosted(HostedTool {
                family: Family::Anthropic,
                kind,
                definition: Json::from(raw),
                origin: Origin::at(&path),
            })),
            _ => push_named(&mut tools, custom(&object, &path, warnings)?, &path)?,
        }
    }
    Ok(tools)
}

fn custom(
    object: &Object<'_>,
    path: &Path<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<FunctionTool, Error> {
    let known = [
        "type",
        "name",
        "description",
        "input_schema",
        "strict",
        "cache_control",
    ];
    object.warn_of_others(path, &known, warnings);
    let advice = "Send the JSON schema of the tool's input.";
    Ok(FunctionTool {
        name: object.required(path, "name", "Name the tool.", name)?,
        description: object.optional_string(path, "description")?,
        parameters: Some(object.required(path, "input_schema", advice, schema)?),
        strict: object.optional_boolean(path, "strict")?,
        cache: object.optional(path, "cache_control", cache_control)?,
    })
}

fn name(value: Value<'_, '_>) -> Result<String, Error> {
    let name = value.filled_string("the tool's name")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if name.len() > MAX_NAME_BYTES || !name.bytes().all(plain) {
        let advice = "must be 1 to 128 letters, digits, `_` or `-`.";
        return Err(value.path.error(advice));
    }
    Ok(name)
}

/// Parses the choice of tools, and whether the model may call several at once.
pub(super) fn choice(
    value: Value<'_, '_>,
    warnings: &mut Vec<Warning>,
) -> Result<(Option<ToolChoice>, Option<bool>), Error> {
    const KINDS: &str = "\"auto\", \"any\", \"tool\" or \"none\"";
    let (object, path) = (value.object()?, value.path);
    let kind = object.required_string(path, "type", &format!("Send {KINDS}."))?;
    let mut known = vec!["type", "disable_parallel_tool_use"];
    let choice = match kind.as_str() {
        "any" => ToolChoice::Required,
        "auto" => ToolChoice::Auto,
        "none" => ToolChoice::None,
        "tool" => {
            known.push("name");
            ToolChoice::Function(object.required_string(path, "name", "Name the tool.")?)
        }
        _ => return Err(Path::Field(path, "type").error(&format!("must be {KINDS}."))),
    };
    let single = object.optional_boolean(path, "disable_parallel_tool_use")?;
    object.warn_of_others(path, &known, warnings);
    Ok((Some(choice), single.map(|single| !single)))
}
