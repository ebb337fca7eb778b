//! The tools of a request and which of them the model shall call.

use crate::error::Error;
use crate::protocol::json::{Path, Shape, Value};
use crate::protocol::openai_chat::MAX_TOOLS;
use crate::protocol::openai_chat::request::schema;
use crate::protocol::openai_chat::tools::push_named;
use crate::protocol::{Family, FunctionTool, HostedTool, Json, Origin, Tool, ToolChoice, Warning};

/// Parses the tools.
pub(super) fn parse(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Tool>, Error> {
    let mut tools = Vec::new();
    for (index, raw) in value.array(MAX_TOOLS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        let tool = Value::new(raw, &path);
        let kind = tool
            .object()?
            .required(&path, "type", "Send \"function\".", kind)?;
        match kind.as_str() {
            "function" => push_named(&mut tools, function(tool, warnings)?, &path)?,
            "custom" => {
                let advice = "must not be \"custom\": tools of free text are not served here. Describe a function.";
                return Err(Path::Field(&path, "type").error(advice));
            }
            _ => tools.push(Tool::Hosted(HostedTool {
                family: Family::OpenAi,
                kind,
                definition: Json::from(raw),
                origin: Origin::at(&path),
            })),
        }
    }
    Ok(tools)
}

fn kind(value: Value<'_, '_>) -> Result<String, Error> {
    value.filled_string("the type of the tool")
}

fn function(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<FunctionTool, Error> {
    let (object, path) = (value.object()?, value.path);
    let known = ["type", "name", "description", "parameters", "strict"];
    object.warn_of_others(path, &known, warnings);
    Ok(FunctionTool {
        name: object.required(path, "name", "Name the function.", |name| {
            name.filled_string("the function's name")
        })?,
        description: object.optional_string(path, "description")?,
        parameters: object.optional(path, "parameters", schema)?,
        strict: object.optional_boolean(path, "strict")?,
        cache: None,
    })
}

/// Parses the choice of tools.
pub(super) fn choice(value: Value<'_, '_>) -> Result<ToolChoice, Error> {
    const EXPECTED: &str = "\"none\", \"auto\", \"required\" or an object that names a function";
    match value.shape() {
        Shape::String => match value.string()?.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" => Ok(ToolChoice::Required),
            _ => Err(value.path.error(&format!("must be {EXPECTED}."))),
        },
        Shape::Object => named(value),
        _ => Err(value.wrong(EXPECTED)),
    }
}

fn named(value: Value<'_, '_>) -> Result<ToolChoice, Error> {
    let (object, path) = (value.object()?, value.path);
    let kind = object.required_string(path, "type", "Send \"function\".")?;
    if kind != "function" {
        let advice = "must be \"function\". Offer only the tools you allow.";
        return Err(Path::Field(path, "type").error(advice));
    }
    let name = object.required_string(path, "name", "Name the function.")?;
    Ok(ToolChoice::Function(name))
}
