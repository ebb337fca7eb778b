//! The tools of a request and which of them the model shall call.

use super::name::camel;
use super::schema::json_schema;
use crate::error::Error;
use crate::protocol::json::{Fields, Json, Path, Shape, Value};
use crate::protocol::openai_chat::MAX_TOOLS;
use crate::protocol::openai_chat::request::schema;
use crate::protocol::openai_chat::tools::push_named;
use crate::protocol::{
    ChatRequest, Family, FunctionTool, HostedTool, Origin, Tool, ToolChoice, Warning,
};

const MODES: &str = "must be \"AUTO\", \"ANY\", \"NONE\" or \"VALIDATED\".";

/// Parses the tools: lists of functions, and tools of Google's own.
pub(super) fn parse(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Tool>, Error> {
    let mut tools = Vec::new();
    for (index, raw) in value.array(MAX_TOOLS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        for (name, raw) in Value::new(raw, &path).object()? {
            let path = Path::Field(&path, &name);
            let field = Value::new(raw, &path);
            let kind = camel(&name);
            if field.shape() == Shape::Null {
                continue;
            }
            if kind == "functionDeclarations" {
                functions(field, &mut tools, warnings)?;
            } else {
                field.check_object()?;
                let mut definition = Fields::default();
                definition.keep(&kind, raw);
                tools.push(Tool::Hosted(HostedTool {
                    family: Family::Google,
                    kind: kind.into_owned(),
                    definition: Json::of(&definition),
                    origin: Origin::at(&path),
                }));
            }
        }
    }
    if tools.len() > MAX_TOOLS {
        let count = tools.len();
        let message = format!("must have at most {MAX_TOOLS} tools, not {count}.");
        return Err(value.path.error(&message));
    }
    Ok(tools)
}

fn functions(
    value: Value<'_, '_>,
    tools: &mut Vec<Tool>,
    warnings: &mut Vec<Warning>,
) -> Result<(), Error> {
    for (index, raw) in value.array(MAX_TOOLS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        let tool = function(Value::new(raw, &path), warnings)?;
        push_named(tools, tool, &path)?;
    }
    Ok(())
}

fn function(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<FunctionTool, Error> {
    let mut tool = FunctionTool::default();
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        match camel(&name).as_ref() {
            _ if field.shape() == Shape::Null => {}
            "name" => tool.name = field.filled_string("the function's name")?,
            "description" => tool.description = Some(field.string()?),
            "parameters" | "parametersJsonSchema" if tool.parameters.is_some() => {
                let advice = "is a second schema. Send `parameters` or `parametersJsonSchema`.";
                return Err(path.error(advice));
            }
            "parameters" => tool.parameters = Some(json_schema(schema(field)?.raw())),
            "parametersJsonSchema" => tool.parameters = Some(schema(field)?),
            _ => warnings.push(Warning::new(path.to_string(), "not known here")),
        }
    }
    if tool.name.is_empty() {
        return Err(Path::Field(value.path, "name").missing("Name the function."));
    }
    Ok(tool)
}

/// Reads `{functionCallingConfig: {mode, allowedFunctionNames}}` and gives the allowed names.
pub(super) fn config(
    value: Value<'_, '_>,
    request: &mut ChatRequest,
) -> Result<Vec<String>, Error> {
    let mut allowed = Vec::new();
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        if field.shape() == Shape::Null {
            continue;
        }
        if camel(&name) == "functionCallingConfig" {
            allowed = calling(field, request)?;
        } else {
            let warning = Warning::new(path.to_string(), "not known here");
            request.warnings.push(warning);
        }
    }
    Ok(allowed)
}

fn calling(value: Value<'_, '_>, request: &mut ChatRequest) -> Result<Vec<String>, Error> {
    let (mut mode, mut allowed) = (String::new(), Vec::new());
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        match camel(&name).as_ref() {
            _ if field.shape() == Shape::Null => {}
            "mode" => mode = field.string()?.to_ascii_uppercase(),
            "allowedFunctionNames" => allowed = field.strings(MAX_TOOLS)?,
            _ => {
                let warning = Warning::new(path.to_string(), "not known here");
                request.warnings.push(warning);
            }
        }
    }
    let path = Path::Field(value.path, "allowedFunctionNames");
    let forced = matches!(mode.as_str(), "ANY" | "VALIDATED");
    if !forced && !allowed.is_empty() {
        return Err(path.error("is only allowed with the mode \"ANY\" or \"VALIDATED\"."));
    }
    request.tool_choice = match mode.as_str() {
        "" | "MODE_UNSPECIFIED" => None,
        "ANY" => Some(match allowed.as_slice() {
            [only] => ToolChoice::Function(only.clone()),
            _ => ToolChoice::Required,
        }),
        "AUTO" | "VALIDATED" => Some(ToolChoice::Auto),
        "NONE" => Some(ToolChoice::None),
        _ => return Err(Path::Field(value.path, "mode").error(MODES)),
    };
    Ok(allowed)
}

/// Takes away the functions that may not be called: no other wire can offer and forbid them at once.
///
/// # Errors
/// `InvalidRequest` for a name that no function has.
pub(super) fn keep_allowed(
    request: &mut ChatRequest,
    allowed: &[String],
    path: &Path<'_>,
) -> Result<(), Error> {
    if allowed.is_empty() {
        return Ok(());
    }
    let is_allowed = |tool: &Tool| {
        let name = tool.name();
        name.is_some_and(|name| allowed.iter().any(|allowed| *allowed == name))
    };
    let known = request.tools.iter().filter(|tool| is_allowed(tool)).count();
    if known < allowed.len() {
        return Err(path.error("allows a function that is not among the tools."));
    }
    if request.tool_choice != Some(ToolChoice::Function(allowed.concat())) {
        request.tools.retain(is_allowed);
    }
    Ok(())
}
