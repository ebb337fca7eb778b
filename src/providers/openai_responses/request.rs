//! A chat request as a body of Responses.

use std::borrow::Cow;

use serde::Serialize;

use super::{input, tools};
use crate::config::{Parameter, SchemaForm, Unsupported as Fate};
use crate::protocol::json::Object;
use crate::protocol::{ChatRequest, Content, Family, Json, Message, ResponseFormat, Role};
use crate::providers::body::Body;
use crate::providers::encode::{Encoded, Prompt, Target, Unsupported};

/// Fields of `OpenAI`'s that mean the same in chat completions and in responses.
const SHARED: [&str; 3] = [
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
];

/// Writes a request.
///
/// # Errors
/// What the target cannot express.
pub(in crate::providers) fn encode(
    prompt: Prompt<'_>,
    target: &Target<'_>,
) -> Result<Encoded, Unsupported> {
    let request = prompt.request;
    let mut body = Body::new(target);
    body.maybe("model", target.model);
    let instructions = instructions(prompt.messages);
    let skipped = usize::from(instructions.is_some());
    body.maybe("instructions", instructions);
    let items = input::items(prompt.messages, skipped, target, &mut body.warnings)?;
    if items.is_empty() {
        let reason = "holds nothing that this model takes.";
        return Err(Unsupported::new("messages", reason));
    }
    body.add("input", &items);
    body.add("store", &false);
    body.add("stream", &request.stream);
    body.add("max_output_tokens", &target.max_tokens);
    body.includes(request)?;
    body.text(request)?;
    tools::write(request, &mut body)?;
    body.thought(request)?;
    body.drawing(request)?;
    body.absent(request)?;
    body.told_again(request);
    let own = request.thread.is_some();
    body.extras_where(request, Family::OpenAi, |name| {
        own || SHARED.contains(&name)
    })?;
    Ok(body.finish())
}

/// The text of the system's first message, where more follows it.
fn instructions(messages: &[Message]) -> Option<Cow<'_, str>> {
    let (first, rest) = messages.split_first()?;
    let text = |part: &crate::protocol::Part| matches!(part.content, Content::Text { .. });
    let plain = first.role == Role::System && first.parts.iter().all(text);
    (plain && !rest.is_empty()).then(|| first.plain_text())
}

impl Body<'_> {
    /// What the answer shall tell beside what it always tells.
    fn includes(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let mut include = Vec::new();
        if self.target.thinks {
            include.push("reasoning.encrypted_content");
        }
        if self.taken("logprobs", request.logprobs)?.is_some() {
            include.push("message.output_text.logprobs");
        }
        self.maybe("include", Some(include).filter(|names| !names.is_empty()));
        let alternatives = request.logprobs.filter(|number| *number > 0);
        self.parameter("top_logprobs", alternatives)
    }

    /// The form of the text and its length.
    fn text(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let format = self.format_of(&request.response_format)?;
        let verbosity = self.taken("verbosity", request.verbosity.as_deref())?;
        let verbosity = verbosity.map(|(_, word)| word);
        let text = TextBody { format, verbosity };
        let said = text.format.is_some() || text.verbosity.is_some();
        self.maybe("text", said.then_some(text));
        Ok(())
    }

    fn format_of<'a>(
        &self,
        format: &'a ResponseFormat,
    ) -> Result<Option<FormatBody<'a>>, Unsupported> {
        let unsupported = |form: &str| {
            let reason = format!("asks for {form}, which this model does not give.");
            Unsupported::new("response_format", reason)
        };
        Ok(match format {
            ResponseFormat::Text => None,
            ResponseFormat::JsonObject if !self.quirks.json_object => {
                return Err(unsupported("JSON without a schema"));
            }
            ResponseFormat::JsonObject => Some(FormatBody::JsonObject),
            ResponseFormat::JsonSchema { .. } if self.quirks.json_schema == SchemaForm::None => {
                return Err(unsupported("an instance of a schema"));
            }
            ResponseFormat::JsonSchema {
                name,
                description,
                schema,
                strict,
            } => Some(FormatBody::JsonSchema {
                name: name.as_deref().unwrap_or("answer"),
                description: description.as_deref(),
                schema,
                strict: strict.filter(|_| self.quirks.strict),
            }),
        })
    }

    /// How hard the model thinks, and what it shows of it.
    fn thought(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let effort = self.openai_effort(request);
        let effort = self.taken("reasoning_effort", effort)?;
        let effort = effort.map(|(_, word)| word);
        let summary = request.reasoning.summary.as_deref();
        let summary = summary.filter(|summary| *summary != "none");
        if summary.is_some() && !self.target.thinks {
            self.warn("reasoning.summary", "not taken by this model");
        }
        let summary = summary.filter(|_| self.target.thinks);
        let reasoning = ReasoningBody { effort, summary };
        let said = effort.is_some() || summary.is_some();
        self.maybe("reasoning", said.then_some(reasoning));
        Ok(())
    }

    /// How tokens are drawn, and for whom.
    fn drawing(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        self.temperature(request.sampling.temperature)?;
        self.parameter("top_p", request.sampling.top_p)?;
        self.parameter("service_tier", request.service_tier.as_deref())?;
        self.parameter("user", request.user.as_deref())
    }

    /// What chat completions have and responses have not.
    fn absent(&mut self, request: &ChatRequest) -> Result<(), Unsupported> {
        let sampling = &request.sampling;
        if request.choices > 1 {
            let reason = "must be at most 1 with this model.";
            return Err(Unsupported::new("n", reason));
        }
        let absent = [
            (
                "frequency_penalty",
                sampling.frequency_penalty.is_some(),
                Fate::Drop,
            ),
            ("logit_bias", sampling.logit_bias.is_some(), Fate::Drop),
            (
                "presence_penalty",
                sampling.presence_penalty.is_some(),
                Fate::Drop,
            ),
            ("seed", sampling.seed.is_some(), Fate::Drop),
            ("stop", !sampling.stop.is_empty(), Fate::Refuse),
            ("top_k", sampling.top_k.is_some(), Fate::Drop),
        ];
        for (name, _, usual) in absent.into_iter().filter(|(_, asked, _)| *asked) {
            // Where the provider's row says what becomes of it, that counts.
            let fate = match self.quirks.parameter(name) {
                Parameter::Taken(_) => usual,
                Parameter::Unsupported(fate) => fate,
            };
            self.leave_out(name, fate)?;
        }
        Ok(())
    }

    /// Fields that only a request for a response has.
    fn told_again(&mut self, request: &ChatRequest) {
        let Some(thread) = &request.thread else {
            return;
        };
        let bound = thread.told("max_tool_calls").map(Json::from);
        self.maybe("max_tool_calls", bound);
        let metadata = thread.told("metadata");
        let filled =
            metadata.filter(|raw| Object::of(raw).is_some_and(|it| it.entries().next().is_some()));
        self.maybe("metadata", filled.map(Json::from));
    }
}

#[derive(Serialize)]
struct TextBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatBody<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Serialize)]
struct ReasoningBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}
