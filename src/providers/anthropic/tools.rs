//! The tools of a request and which of them the model shall call.

use serde::Serialize;

use crate::protocol::anthropic::body::CacheBody;
use crate::protocol::{ChatRequest, Family, FunctionTool, Json, Tool, ToolChoice};
use crate::providers::body::Body;
use crate::providers::encode::Unsupported;

/// A tool: a function, or one of Anthropic's as it came.
#[derive(Serialize)]
#[serde(untagged)]
enum ToolBody<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Schema<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheBody<'a>>,
    },
    Hosted(&'a Json),
}

/// The schema of a tool's input; that of no arguments where there is none.
#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(&'a Json),
    Nothing {
        #[serde(rename = "type")]
        kind: &'static str,
    },
}

#[derive(Serialize)]
struct ChoiceBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

/// Writes the tools and the choice of them.
///
/// # Errors
/// A tool of another provider.
pub(super) fn write(request: &ChatRequest, body: &mut Body<'_>) -> Result<(), Unsupported> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let strict = body.quirks.strict;
    let tools = request.tools.iter().enumerate();
    let tools: Vec<ToolBody<'_>> = tools
        .map(|(index, tool)| ToolBody::new(index, tool, strict))
        .collect::<Result<_, _>>()?;
    body.add("tools", &tools);
    body.maybe("tool_choice", ChoiceBody::of(request));
    Ok(())
}

impl<'a> ToolBody<'a> {
    fn new(index: usize, tool: &'a Tool, strict: bool) -> Result<Self, Unsupported> {
        match tool {
            Tool::Function(FunctionTool {
                name,
                description,
                parameters,
                strict: asked,
                cache,
            }) => Ok(Self::Function {
                name,
                description: description.as_deref(),
                input_schema: parameters
                    .as_ref()
                    .map_or(Schema::Nothing { kind: "object" }, Schema::Given),
                strict: asked.filter(|_| strict),
                cache_control: cache.as_ref().map(CacheBody::new),
            }),
            Tool::Hosted(tool) if tool.family == Family::Anthropic => {
                Ok(Self::Hosted(&tool.definition))
            }
            Tool::Hosted(tool) => Err(Unsupported::hosted(index, tool)),
        }
    }
}

impl<'a> ChoiceBody<'a> {
    /// The choice, where it is not what Anthropic does by itself.
    fn of(request: &'a ChatRequest) -> Option<Self> {
        let single = (request.parallel_tool_calls == Some(false)).then_some(true);
        let (kind, name) = match &request.tool_choice {
            None => (single.map(|_| "auto")?, None),
            Some(ToolChoice::Auto) => ("auto", None),
            Some(ToolChoice::Function(name)) => ("tool", Some(name.as_str())),
            Some(ToolChoice::None) => ("none", None),
            Some(ToolChoice::Required) => ("any", None),
        };
        Some(Self {
            kind,
            name,
            disable_parallel_tool_use: single.filter(|_| kind != "none"),
        })
    }
}
