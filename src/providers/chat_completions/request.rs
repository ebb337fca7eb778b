//! A chat request as a body of chat completions.

use std::borrow::Cow;

use serde::Serialize;

use super::message::messages;
use crate::config::{EffortWord, Quirks, SchemaForm, ToolChoiceForm, Wire};
use crate::protocol::anthropic::body::CacheBody;
use crate::protocol::{
    ChatRequest, Effort, Family, FunctionTool, Json, ReasoningMode, ResponseFormat, Tool,
    ToolChoice, Warning,
};
use crate::providers::body::Body;
use crate::providers::encode::{Encoded, Prompt, Target, Unsupported};

/// Writes a request.
///
/// # Errors
/// What the target cannot express.
pub(in crate::providers) fn encode(
    prompt: Prompt<'_>,
    target: &Target<'_>,
) -> Result<Encoded, Unsupported> {
    let mut body = Body::new(target);
    body.maybe("model", target.model);
    let said = messages(prompt.messages, target, &mut body.warnings)?;
    body.add("messages", &said);
    body.answers(prompt.request)?;
    body.tools(prompt.request)?;
    body.sampling(prompt.request)?;
    body.reasoning(prompt.request)?;
    body.extras(prompt.request, Family::OpenAi)?;
    Ok(body.finish())
}

impl Body<'_> {
    /// How many answers, of what length and form, and how they are delivered.
    fn answers(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let native = self.wire == Wire::WorkersAiNative;
        let most = if native { 1 } else { self.quirks.max_choices };
        if request.choices > most {
            let reason = format!("must be at most {most} with this model.");
            return Err(Unsupported::new("n", reason));
        }
        self.add(&self.quirks.max_tokens_field, &self.target.max_tokens);
        self.add("stream", &request.stream);
        if request.stream && !native && self.quirks.stream_options {
            self.add(
                "stream_options",
                &StreamOptions {
                    include_usage: true,
                },
            );
        }
        self.maybe("n", Some(request.choices).filter(|choices| *choices > 1));
        let format = self.format(&request.response_format)?;
        self.maybe("response_format", format);
        Ok(())
    }

    fn format<'a>(
        &mut self,
        format: &'a ResponseFormat,
    ) -> Result<Option<FormatBody<'a>>, Unsupported> {
        let unsupported = |form: &str| {
            let reason = format!("asks for {form}, which this model does not give.");
            Unsupported::new("response_format", reason)
        };
        let ResponseFormat::JsonSchema {
            name,
            description,
            schema,
            strict,
        } = format
        else {
            let wanted = *format == ResponseFormat::JsonObject;
            if wanted && !self.quirks.json_object {
                return Err(unsupported("JSON without a schema"));
            }
            return Ok(wanted.then(FormatBody::object));
        };
        let json_schema = match self.quirks.json_schema {
            SchemaForm::Bare => {
                if description.is_some() {
                    self.warn("response_format.json_schema.description", "has no place");
                }
                SchemaBody::Bare(schema)
            }
            SchemaForm::Envelope => SchemaBody::Named {
                name: Cow::Borrowed(name.as_deref().unwrap_or("answer")),
                description: description.as_deref(),
                schema,
                strict: strict.filter(|_| self.quirks.strict),
            },
            SchemaForm::None => return Err(unsupported("an instance of a schema")),
        };
        Ok(Some(FormatBody {
            kind: "json_schema",
            json_schema: Some(json_schema),
        }))
    }

    fn tools(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        if !self.offers_tools(request)? {
            return Ok(());
        }
        let quirks = self.quirks;
        let tools = request.tools.iter().enumerate();
        let tools: Vec<ToolBody<'_>> = tools
            .map(|(index, tool)| ToolBody::new(index, tool, quirks, &mut self.warnings))
            .collect::<Result<_, _>>()?;
        self.add("tools", &tools);
        self.maybe("tool_choice", self.choice(request).map(ChoiceBody::new));
        self.parameter("parallel_tool_calls", request.parallel_tool_calls)
    }

    /// Whether the model is told of the tools.
    pub(in crate::providers) fn offers_tools(
        &self,
        request: &ChatRequest,
    ) -> Result<bool, Unsupported> {
        let choice = request.tool_choice.as_ref();
        if request.tools.is_empty() {
            return Ok(false);
        }
        match choice.filter(|choice| !self.takes(choice)) {
            None | Some(ToolChoice::Auto) => Ok(true),
            Some(ToolChoice::None) => Ok(false),
            Some(_) => {
                let reason = "cannot be forced with this model. Send \"auto\".";
                Err(Unsupported::new("tool_choice", reason))
            }
        }
    }

    /// The choice of tools that goes along with them.
    pub(in crate::providers) fn choice<'a>(
        &self,
        request: &'a ChatRequest,
    ) -> Option<&'a ToolChoice> {
        let choice = request.tool_choice.as_ref();
        choice.filter(|choice| self.takes(choice))
    }

    /// Native models choose by themselves.
    fn takes(&self, choice: &ToolChoice) -> bool {
        let form = match choice {
            ToolChoice::Auto => ToolChoiceForm::Auto,
            ToolChoice::Function(_) => ToolChoiceForm::Named,
            ToolChoice::None => ToolChoiceForm::None,
            ToolChoice::Required => ToolChoiceForm::Required,
        };
        self.wire != Wire::WorkersAiNative && self.quirks.tool_choice.contains(&form)
    }

    fn sampling(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let sampling = &request.sampling;
        self.temperature(sampling.temperature)?;
        self.parameter("top_p", sampling.top_p)?;
        self.parameter("top_k", sampling.top_k)?;
        self.parameter("frequency_penalty", sampling.frequency_penalty)?;
        self.parameter("presence_penalty", sampling.presence_penalty)?;
        self.parameter("seed", sampling.seed)?;
        self.stop(&sampling.stop)?;
        self.parameter("logit_bias", sampling.logit_bias.as_ref())?;
        self.parameter("logprobs", request.logprobs.map(|_| true))?;
        let alternatives = request.logprobs.filter(|number| *number > 0);
        self.parameter("top_logprobs", alternatives)?;
        self.parameter("service_tier", request.service_tier.as_deref())?;
        self.parameter("user", request.user.as_deref())?;
        self.parameter("verbosity", request.verbosity.as_deref())
    }

    pub(in crate::providers) fn temperature(
        &mut self,
        asked: Option<f64>,
    ) -> Result<(), Unsupported> {
        let most = self.quirks.max_temperature;
        if asked.is_some_and(|asked| asked > most) {
            self.warn("temperature", &format!("lowered to {most}"));
        }
        self.parameter("temperature", asked.map(|asked| asked.min(most)))
    }

    fn stop(&mut self, stop: &[String]) -> Result<(), Unsupported> {
        let most = usize::try_from(self.quirks.max_stop).unwrap_or(usize::MAX);
        if stop.len() > most {
            let reason = format!("must have at most {most} elements with this model.");
            return Err(Unsupported::new("stop", reason));
        }
        self.parameter("stop", Some(stop).filter(|stop| !stop.is_empty()))
    }

    fn reasoning(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let off = self.thinks_not(request);
        let effort = effort(request);
        match (self.wire, off) {
            (Wire::OpenAiChat, true) if self.quirks.thinking_switch => {
                self.parameter("thinking", Some(Switch { kind: "disabled" }))
            }
            (Wire::OpenAiChat, _) => {
                let effort = self.openai_effort(request);
                self.parameter("reasoning_effort", effort)
            }
            (_, true) => {
                let off = TemplateArguments {
                    enable_thinking: false,
                };
                self.parameter("chat_template_kwargs", Some(off))
            }
            (_, false) => self.parameter("reasoning_effort", effort.map(workers_ai_word)),
        }
    }

    /// How hard the model shall think, in the nearest of `OpenAI`'s words that it takes.
    pub(in crate::providers) fn openai_effort(
        &mut self,
        request: &ChatRequest,
    ) -> Option<&'static str> {
        let reasoning = &request.reasoning;
        let (asked, field) = if self.thinks_not(request) {
            (EffortWord::None, reasoning.mode.map(|_| "reasoning"))
        } else {
            let asked = openai_word(effort(request)?);
            let by_budget = reasoning.effort.is_none();
            let field = if by_budget {
                "reasoning.budget_tokens"
            } else {
                "reasoning.effort"
            };
            (asked, Some(field))
        };
        let taken = self.quirks.effort(asked);
        let hardest = [EffortWord::XHigh, EffortWord::Max];
        let same = |word| word == asked || hardest.contains(&word) && hardest.contains(&asked);
        if let (Some(word), Some(field)) = (taken.filter(|word| !same(*word)), field) {
            self.warn(field, &format!("told as {}", word.as_str()));
        }
        taken.map(EffortWord::as_str)
    }

    fn thinks_not(&self, request: &ChatRequest) -> bool {
        let reasoning = &request.reasoning;
        let mode = match (reasoning.mode, reasoning.effort) {
            (None, None) => self.target.reasoning,
            (mode, _) => mode,
        };
        mode == Some(ReasoningMode::Off)
    }
}

/// How some models are told not to think.
#[derive(Serialize)]
struct Switch {
    #[serde(rename = "type")]
    kind: &'static str,
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

/// How hard the caller wants the model to think.
fn effort(request: &ChatRequest) -> Option<Effort> {
    let reasoning = &request.reasoning;
    reasoning
        .effort
        .or_else(|| effort_of(reasoning.budget_tokens))
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

const fn openai_word(effort: Effort) -> EffortWord {
    match effort {
        Effort::Minimal => EffortWord::Minimal,
        Effort::Low => EffortWord::Low,
        Effort::Medium => EffortWord::Medium,
        Effort::High => EffortWord::High,
        Effort::Max => EffortWord::XHigh,
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
    fn new(
        index: usize,
        tool: &'a Tool,
        quirks: &Quirks,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, Unsupported> {
        match tool {
            Tool::Function(FunctionTool {
                name,
                description,
                parameters,
                strict: asked,
                cache,
            }) => {
                let marks = !quirks.unsupported.contains_key("cache_control");
                let lost = [
                    ("cache_control", cache.is_some() && !marks),
                    ("function.strict", *asked == Some(true) && !quirks.strict),
                ];
                for (field, _) in lost.iter().filter(|(_, lost)| *lost) {
                    let field = format!("tools[{index}].{field}");
                    warnings.push(Warning::new(field, "not taken by this model"));
                }
                Ok(Self {
                    kind: "function",
                    function: FunctionBody {
                        name,
                        description: description.as_deref(),
                        parameters: parameters.as_ref(),
                        strict: asked.filter(|_| quirks.strict),
                    },
                    cache_control: cache.as_ref().filter(|_| marks).map(CacheBody::new),
                })
            }
            Tool::Hosted(tool) => Err(Unsupported::hosted(index, tool)),
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

impl FormatBody<'_> {
    const fn object() -> Self {
        Self {
            kind: "json_object",
            json_schema: None,
        }
    }
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
