//! A chat request as a body of `generateContent`.

use serde::Serialize;

use super::contents::{Conversation, conversation};
use super::generation;
use super::traits::Traits;
use crate::protocol::gemini::GENERATION_CONFIG;
use crate::protocol::gemini::body::ContentBody;
use crate::protocol::json::Object;
use crate::protocol::{
    ChatRequest, Family, Field, Fields, FunctionTool, HostedTool, Json, Tool, ToolChoice, Warning,
};
use crate::providers::encode::{Encoded, Prompt, Target, Unsupported};

/// Writes a request. [`Target::model`] goes by the path, not in the body: it only says what the
/// model takes.
///
/// # Errors
/// What the target cannot express.
pub(in crate::providers) fn encode(
    prompt: Prompt<'_>,
    target: &Target<'_>,
) -> Result<Encoded, Unsupported> {
    let request = prompt.request;
    let mut body = Body::default();
    let traits = Traits::of(target.model);
    let Conversation { system, turns } = conversation(prompt.messages, traits, &mut body.warnings)?;
    if !system.is_empty() {
        let system = ContentBody {
            parts: system,
            role: None,
        };
        body.add("systemInstruction", &system);
    }
    body.add("contents", &turns);
    body.tools(request)?;
    let config = generation::config(request, target, &mut body.warnings)?;
    body.add(GENERATION_CONFIG, &config);
    body.extras(request);
    Ok(Encoded {
        body: serde_json::to_string(&body.fields).unwrap_or_default(),
        warnings: body.warnings,
    })
}

/// The body so far: fields in a fixed order, then what passes through in the order it came.
#[derive(Default)]
struct Body {
    fields: Fields,
    warnings: Vec<Warning>,
}

impl Body {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.fields.keep(name, Json::of(value).raw());
    }

    fn warn(&mut self, field: impl Into<Field>, reason: &str) {
        self.warnings.push(Warning::new(field, reason));
    }

    fn tools(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        if request.tools.is_empty() {
            return Ok(());
        }
        let mut declarations = Vec::new();
        let mut hosted = Vec::new();
        for (index, tool) in request.tools.iter().enumerate() {
            match tool {
                Tool::Function(tool) => declarations.push(self.declaration(index, tool)),
                Tool::Hosted(tool) => hosted.push(native(index, tool)?),
            }
        }
        let declarations = (!declarations.is_empty()).then_some(ToolBody::Functions {
            function_declarations: declarations,
        });
        let tools: Vec<ToolBody<'_>> = declarations.into_iter().chain(hosted).collect();
        self.add("tools", &tools);
        if let Some(choice) = &request.tool_choice {
            self.add("toolConfig", &ConfigBody::new(choice));
        }
        if request.parallel_tool_calls == Some(false) {
            self.warn("parallel_tool_calls", "not taken by this model");
        }
        Ok(())
    }

    fn declaration<'a>(&mut self, index: usize, tool: &'a FunctionTool) -> Declaration<'a> {
        if tool.cache.is_some() {
            let reason = "this model remembers prompts by itself";
            self.warn(format!("tools[{index}].cache_control"), reason);
        }
        if tool.strict == Some(true) {
            let reason = "not taken by this model";
            self.warn(Field::within(&format!("tools[{index}]"), "strict"), reason);
        }
        Declaration {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters_json_schema: tool.parameters.as_ref().filter(|json| has_fields(json)),
        }
    }

    /// Fields of the caller's wire that nobody here knows mean something to its own family only.
    fn extras(&mut self, request: &ChatRequest) {
        let extras = &request.extras;
        for (name, json) in &extras.fields.0 {
            if extras.family != Some(Family::Google) {
                self.warn(name.clone(), "not known to this model");
            } else if name != GENERATION_CONFIG {
                self.fields.keep(name, json.raw());
            }
        }
    }
}

/// Whether a schema says anything: this wire wants no schema where a function takes nothing.
fn has_fields(schema: &Json) -> bool {
    Object::of(schema.raw()).is_some_and(|object| object.entries().next().is_some())
}

fn native(index: usize, tool: &HostedTool) -> Result<ToolBody<'_>, Unsupported> {
    if tool.family == Family::Google {
        return Ok(ToolBody::Hosted(&tool.definition));
    }
    Err(Unsupported::hosted(index, tool))
}

#[derive(Serialize)]
#[serde(untagged)]
enum ToolBody<'a> {
    #[serde(rename_all = "camelCase")]
    Functions {
        function_declarations: Vec<Declaration<'a>>,
    },
    Hosted(&'a Json),
}

/// `parametersJsonSchema` takes any JSON schema; `parameters` knows a part of `OpenAPI`'s only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'a Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigBody<'a> {
    function_calling_config: CallingBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingBody<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

impl<'a> ConfigBody<'a> {
    fn new(choice: &'a ToolChoice) -> Self {
        let (mode, only) = match choice {
            ToolChoice::Auto => ("AUTO", None),
            ToolChoice::Function(name) => ("ANY", Some([name.as_str()])),
            ToolChoice::None => ("NONE", None),
            ToolChoice::Required => ("ANY", None),
        };
        Self {
            function_calling_config: CallingBody {
                mode,
                allowed_function_names: only,
            },
        }
    }
}
