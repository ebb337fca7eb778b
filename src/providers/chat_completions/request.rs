//! A chat request as a body of chat completions.

use std::borrow::Cow;

use serde::Serialize;

use super::message::messages;
use crate::config::Wire;
use crate::protocol::{
    CacheControl, ChatRequest, Effort, Family, Fields, FunctionTool, Json, ReasoningMode,
    ResponseFormat, Tool, ToolChoice, Warning,
};
use crate::providers::encode::{Encoded, Prompt, Target, Unsupported};

/// Writes a request.
///
/// # Errors
/// What the target cannot express.
pub(in crate::providers) fn encode(
    prompt: Prompt<'_>,
    target: &Target<'_>,
) -> Result<Encoded, Unsupported> {
    let mut body = Body::default();
    body.maybe("model", target.model);
    let said = messages(prompt.messages, target.wire, &mut body.warnings)?;
    body.add("messages", &said);
    body.answers(prompt.request, target)?;
    body.tools(prompt.request, target)?;
    body.sampling(prompt.request);
    body.reasoning(prompt.request, target);
    body.extras(prompt.request);
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
        self.fields.0.push((name.to_owned(), Json::of(value)));
    }

    fn maybe<T: Serialize>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.add(name, &value);
        }
    }

    /// How many answers, of what length and form, and how they are delivered.
    fn answers(&mut self, request: &ChatRequest, target: &Target<'_>) -> Result<(), Unsupported> {
        let native = target.wire == Wire::WorkersAiNative;
        if native && request.choices > 1 {
            let reason = "must be 1: this model gives one answer.";
            return Err(Unsupported::new("n", reason));
        }
        let bound = match target.wire {
            Wire::OpenAiChat => "max_completion_tokens",
            _ => "max_tokens",
        };
        self.add(bound, &target.max_tokens);
        self.add("stream", &request.stream);
        if request.stream && !native {
            self.add(
                "stream_options",
                &StreamOptions {
                    include_usage: true,
                },
            );
        }
        self.maybe("n", Some(request.choices).filter(|choices| *choices > 1));
        self.maybe("response_format", format(&request.response_format, target));
        Ok(())
    }

    fn tools(&mut self, request: &ChatRequest, target: &Target<'_>) -> Result<(), Unsupported> {
        let native = target.wire == Wire::WorkersAiNative;
        if request.tools.is_empty() {
            return Ok(());
        }
        let wants_none = request.tool_choice == Some(ToolChoice::None);
        if native && wants_none {
            return Ok(());
        }
        let tools = request.tools.iter().enumerate();
        let tools: Vec<ToolBody<'_>> = tools
            .map(|(index, tool)| ToolBody::new(index, tool))
            .collect::<Result<_, _>>()?;
        self.add("tools", &tools);
        match &request.tool_choice {
            Some(ToolChoice::Required | ToolChoice::Function(_)) if native => {
                let reason = "cannot be forced with this model. Send \"auto\".";
                return Err(Unsupported::new("tool_choice", reason));
            }
            Some(ToolChoice::Auto) if native => {}
            choice => self.maybe("tool_choice", choice.as_ref().map(ChoiceBody::new)),
        }
        self.maybe("parallel_tool_calls", request.parallel_tool_calls);
        Ok(())
    }

    fn sampling(&mut self, request: &ChatRequest) {
        let sampling = &request.sampling;
        self.maybe("temperature", sampling.temperature);
        self.maybe("top_p", sampling.top_p);
        self.maybe("top_k", sampling.top_k);
        self.maybe("frequency_penalty", sampling.frequency_penalty);
        self.maybe("presence_penalty", sampling.presence_penalty);
        self.maybe("seed", sampling.seed);
        self.maybe("stop", Some(&sampling.stop).filter(|stop| !stop.is_empty()));
        self.maybe("logit_bias", sampling.logit_bias.as_ref());
        self.maybe("logprobs", request.logprobs.map(|_| true));
        let alternatives = request.logprobs.filter(|number| *number > 0);
        self.maybe("top_logprobs", alternatives);
        self.maybe("service_tier", request.service_tier.as_deref());
        self.maybe("user", request.user.as_deref());
        self.maybe("verbosity", request.verbosity.as_deref());
    }

    fn reasoning(&mut self, request: &ChatRequest, target: &Target<'_>) {
        let reasoning = &request.reasoning;
        let mode = match (reasoning.mode, reasoning.effort) {
            (None, None) => target.reasoning,
            (mode, _) => mode,
        };
        let effort = reasoning
            .effort
            .or_else(|| effort_of(reasoning.budget_tokens));
        let off = mode == Some(ReasoningMode::Off);
        if target.wire == Wire::OpenAiChat {
            let word = if off {
                Some("none")
            } else {
                effort.map(openai_word)
            };
            self.maybe("reasoning_effort", word);
        } else if off {
            self.add(
                "chat_template_kwargs",
                &TemplateArguments {
                    enable_thinking: false,
                },
            );
        } else {
            self.maybe("reasoning_effort", effort.map(workers_ai_word));
        }
    }

    /// Fields of the caller's wire that nobody here knows mean something to its own family only.
    fn extras(&mut self, request: &ChatRequest) {
        let extras = &request.extras;
        for (name, json) in &extras.fields.0 {
            if self.fields.get(name).is_some() {
                continue;
            }
            if extras.family == Some(Family::OpenAi) {
                self.fields.keep(name, json.raw());
            } else {
                let reason = "not known to this model";
                self.warnings.push(Warning::new(name, reason));
            }
        }
    }
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// How models of Workers AI and vLLM are told not to think.
#[derive(Serialize)]
struct TemplateArguments {
    enable_thinking: bool,
}

/// The effort that a budget of thought comes to.
const fn effort_of(budget_tokens: Option<u32>) -> Option<Effort> {
    match budget_tokens {
        None => None,
        Some(..=1_024) => Some(Effort::Minimal),
        Some(..=4_096) => Some(Effort::Low),
        Some(..=16_384) => Some(Effort::Medium),
        Some(_) => Some(Effort::High),
    }
}

const fn openai_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Max => "xhigh",
        effort => effort.as_str(),
    }
}

/// Workers AI knows three efforts.
const fn workers_ai_word(effort: Effort) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Max => "high",
    }
}

#[derive(Serialize)]
struct ToolBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheBody<'a>>,
}

#[derive(Serialize)]
struct FunctionBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'a> ToolBody<'a> {
    fn new(index: usize, tool: &'a Tool) -> Result<Self, Unsupported> {
        match tool {
            Tool::Function(FunctionTool {
                name,
                description,
                parameters,
                strict,
                cache,
            }) => Ok(Self {
                kind: "function",
                function: FunctionBody {
                    name,
                    description: description.as_deref(),
                    parameters: parameters.as_ref(),
                    strict: *strict,
                },
                cache_control: cache.as_ref().map(CacheBody::new),
            }),
            Tool::Hosted(tool) => {
                let field = format!("tools[{index}]");
                let reason = format!("(`{}`) is a tool that this model does not have.", tool.kind);
                Err(Unsupported::new(field, reason))
            }
        }
    }
}

/// `OpenAI` and its copies cache by themselves; those who do not (`OpenRouter`) take Anthropic's field.
#[derive(Serialize)]
pub(super) struct CacheBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'a str>,
}

impl<'a> CacheBody<'a> {
    pub(super) fn new(cache: &'a CacheControl) -> Self {
        Self {
            kind: "ephemeral",
            ttl: cache.ttl.as_deref(),
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
        function: Named<'a>,
    },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

impl<'a> ChoiceBody<'a> {
    fn new(choice: &'a ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto => Self::Word("auto"),
            ToolChoice::Function(name) => Self::Function {
                kind: "function",
                function: Named { name },
            },
            ToolChoice::None => Self::Word("none"),
            ToolChoice::Required => Self::Word("required"),
        }
    }
}

#[derive(Serialize)]
struct FormatBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<SchemaBody<'a>>,
}

/// `Workers AI` takes the bare schema where `OpenAI` takes it with a name around it.
#[derive(Serialize)]
#[serde(untagged)]
enum SchemaBody<'a> {
    Bare(&'a Json),
    Named {
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

fn format<'a>(format: &'a ResponseFormat, target: &Target<'_>) -> Option<FormatBody<'a>> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(FormatBody {
            kind: "json_object",
            json_schema: None,
        }),
        ResponseFormat::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => Some(FormatBody {
            kind: "json_schema",
            json_schema: Some(if target.wire == Wire::OpenAiChat {
                SchemaBody::Named {
                    name: Cow::Borrowed(name.as_deref().unwrap_or("answer")),
                    description: description.as_deref(),
                    schema,
                    strict: *strict,
                }
            } else {
                SchemaBody::Bare(schema)
            }),
        }),
    }
}
