//! The tools of a request: functions, and those that `OpenAI` runs, as they came.

use serde::Serialize;

use crate::protocol::{ChatRequest, Family, FunctionTool, Json, Tool, ToolChoice};
use crate::providers::body::Body;
use crate::providers::encode::Unsupported;

/// The parameters of a function that has none: responses want a schema.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

/// Adds the fields of tools.
///
/// # Errors
/// A tool of another provider, a choice that the model does not take.
pub(super) fn write(request: &ChatRequest, body: &mut Body<'_>) -> Result<(), Unsupported> {
    if !body.offers_tools(request)? {
        return Ok(());
    }
    // In this wire functions are strict unless it is said that they are not.
    let usual = request.thread.is_none().then_some(false);
    let mut tools = Vec::with_capacity(request.tools.len());
    for (index, tool) in request.tools.iter().enumerate() {
        tools.push(match tool {
            Tool::Function(function) => {
                if function.cache.is_some() {
                    let field = format!("tools[{index}].cache_control");
                    body.warn(field, "this model remembers prompts by itself");
                }
                let strict = function.strict.filter(|_| body.quirks.strict);
                ToolBody::function(function, strict.or(usual))
            }
            Tool::Hosted(tool) if tool.family == Family::OpenAi => {
                ToolBody::Hosted(&tool.definition)
            }
            Tool::Hosted(tool) => {
                return Err(Unsupported::hosted(index, tool));
            }
        });
    }
    body.add("tools", &tools);
    body.maybe("tool_choice", body.choice(request).map(ChoiceBody::new));
    body.parameter("parallel_tool_calls", request.parallel_tool_calls)
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ToolBody<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        parameters: Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    #[serde(untagged)]
    Hosted(&'a Json),
}

impl<'a> ToolBody<'a> {
    fn function(tool: &'a FunctionTool, strict: Option<bool>) -> Self {
        let parameters = tool.parameters.clone();
        let parameters = parameters.or_else(|| Json::parse(NO_PARAMETERS));
        Self::Function {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: parameters.unwrap_or_else(|| Json::of(&())),
            strict,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum ChoiceBody<'a> {
    Word(&'static str),
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        name: &'a str,
    },
}

impl<'a> ChoiceBody<'a> {
    fn new(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto => Self::Word("auto"),
            ToolChoice::Function(name) => Self::Function {
                kind: "function",
                name,
            },
            ToolChoice::None => Self::Word("none"),
            ToolChoice::Required => Self::Word("required"),
        }
    }
}
