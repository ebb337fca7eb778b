//! The tools of a request and which of them the model shall call.

use super::request::schema;
use crate::error::Error;
use crate::protocol::json::{Path, Shape, Value};
use crate::protocol::{CacheControl, ChatRequest, FunctionTool, Tool, ToolChoice, Warning};

/// Tools of a request.
pub const MAX_TOOLS: usize = 128;

/// Parses the tools.
pub(super) fn parse(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<Vec<Tool>, Error> {
    let mut tools = Vec::new();
    for (index, raw) in value.array(MAX_TOOLS)?.into_iter().enumerate() {
        let path = Path::Index(value.path, index);
        let tool = tool(Value::new(raw, &path), warnings)?;
        push_named(&mut tools, tool, &Path::Field(&path, "function"))?;
    }
    Ok(tools)
}

/// Adds a function whose name no other has; `path` is what holds the name.
pub(crate) fn push_named(
    tools: &mut Vec<Tool>,
    tool: FunctionTool,
    path: &Path<'_>,
) -> Result<(), Error> {
    if tools
        .iter()
        .filter_map(Tool::name)
        .any(|name| name == tool.name)
    {
        let advice = "is the name of another tool too. Give each tool a name of its own.";
        return Err(Path::Field(path, "name").error(advice));
    }
    tools.push(Tool::Function(tool));
    Ok(())
}

fn tool(value: Value<'_, '_>, warnings: &mut Vec<Warning>) -> Result<FunctionTool, Error> {
    let object = value.object()?;
    let kind = object.required_string(value.path, "type", "Send \"function\".")?;
    if kind != "function" {
        let path = Path::Field(value.path, "type");
        return Err(path.error("must be \"function\": no other tools are served here."));
    }
    let path = Path::Field(value.path, "function");
    let raw = object
        .get("function")
        .ok_or_else(|| path.missing("Describe the function."))?;
    let inner = Value::new(raw, &path).object()?;
    let cache = object.optional(value.path, "cache_control", cache_control)?;
    object.warn_of_others(value.path, &["type", "function", "cache_control"], warnings);
    let known = [
        "name",
        "description",
        "parameters",
        "strict",
        "cache_control",
    ];
    inner.warn_of_others(&path, &known, warnings);
    Ok(FunctionTool {
        name: inner.required(&path, "name", "Name the function.", |name| {
            name.filled_string("the function's name")
        })?,
        description: inner.optional_string(&path, "description")?,
        parameters: inner.optional(&path, "parameters", schema)?,
        strict: inner.optional_boolean(&path, "strict")?,
        cache: match cache {
            None => inner.optional(&path, "cache_control", cache_control)?,
            cache => cache,
        },
    })
}

/// Reads `{"type": "ephemeral", "ttl": "5m" | "1h"}`.
pub(crate) fn cache_control(value: Value<'_, '_>) -> Result<CacheControl, Error> {
    let object = value.object()?;
    let kind = object.required_string(value.path, "type", "Send \"ephemeral\".")?;
    if kind != "ephemeral" {
        return Err(Path::Field(value.path, "type").error("must be \"ephemeral\"."));
    }
    let ttl = object.optional_string(value.path, "ttl")?;
    if ttl
        .as_deref()
        .is_some_and(|ttl| !matches!(ttl, "5m" | "1h"))
    {
        return Err(Path::Field(value.path, "ttl").error("must be \"5m\" or \"1h\"."));
    }
    Ok(CacheControl { ttl })
}

/// Parses the choice of tools.
pub(super) fn choice(value: Value<'_, '_>) -> Result<ToolChoice, Error> {
    const EXPECTED: &str = "\"none\", \"auto\", \"required\" or an object that names a function";
    let wrong = || value.path.error(&format!("must be {EXPECTED}."));
    match value.shape() {
        Shape::String => match value.string()?.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" | "any" => Ok(ToolChoice::Required),
            _ => Err(wrong()),
        },
        Shape::Object => {
            let object = value.object()?;
            let kind = object.required_string(value.path, "type", "Send \"function\".")?;
            if kind != "function" {
                let path = Path::Field(value.path, "type");
                return Err(path.error("must be \"function\". Offer only the tools you allow."));
            }
            let path = Path::Field(value.path, "function");
            let raw = object
                .get("function")
                .ok_or_else(|| path.missing("Name the function."))?;
            let function = Value::new(raw, &path).object()?;
            let name = function.required_string(&path, "name", "Name the function.")?;
            Ok(ToolChoice::Function(name))
        }
        _ => Err(value.wrong(EXPECTED)),
    }
}

/// Checks that the tools can be chosen as the request says.
pub(crate) fn check_choice(request: &ChatRequest, path: &Path<'_>) -> Result<(), Error> {
    let named = |name: &String| {
        let mut names = request.tools.iter().filter_map(Tool::name);
        names.any(|known| known == name.as_str())
    };
    match &request.tool_choice {
        Some(ToolChoice::Required) if request.tools.is_empty() => {
            Err(path.error("asks for a call of a tool, but there is none. Send `tools`."))
        }
        Some(ToolChoice::Function(name)) if !named(name) => {
            let shown: String = name.chars().take(64).collect();
            Err(path.error(&format!("names \"{shown}\", which is not among the tools.")))
        }
        _ => Ok(()),
    }
}
