//! A chat request as a body of messages.

use serde::Serialize;

use super::message::{Turns, is_blank};
use super::thinking::Thinking;
use super::tools;
use crate::config::{Parameter, SchemaForm, Unsupported as Fate};
use crate::protocol::{ChatRequest, Family, Json, ResponseFormat};
use crate::providers::body::Body;
use crate::providers::encode::{Encoded, Prompt, Target, Unsupported};

/// The lowest `top_p` beside thinking.
const MIN_THINKING_TOP_P: f64 = 0.95;

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
    body.add("max_tokens", &target.max_tokens);
    body.add("stream", &request.stream);
    let turns = Turns::of(prompt.messages, &mut body.warnings)?;
    turns.write(&mut body);
    tools::write(request, &mut body)?;
    let thinking = Thinking::of(prompt, &mut body);
    sampling(request, thinking.is_on(), &mut body)?;
    stop(&request.sampling.stop, &mut body)?;
    output(request, &thinking, &mut body)?;
    body.maybe("thinking", thinking.mode);
    account(request, &mut body)?;
    absent(request, &mut body)?;
    body.extras(request, Family::Anthropic)?;
    Ok(body.finish())
}

/// How tokens are drawn. Anthropic refuses most of it beside thinking, and both of temperature and
/// `top_p` with its newer models.
fn sampling(request: &ChatRequest, thinks: bool, body: &mut Body<'_>) -> Result<(), Unsupported> {
    const THINKS: &str = "not taken by a model that thinks";
    let sampling = &request.sampling;
    let most = body.quirks.max_temperature;
    let mut temperature = sampling.temperature;
    let taken = matches!(body.quirks.parameter("temperature"), Parameter::Taken(_));
    if taken && temperature.is_some_and(|asked| asked > most) {
        body.warn("temperature", &format!("lowered to {most}"));
        temperature = Some(most);
    }
    let usual = temperature.is_none_or(|asked| (asked - 1.0).abs() < f64::EPSILON);
    if thinks && !usual {
        body.warn("temperature", THINKS);
        temperature = None;
    }
    body.parameter("temperature", temperature)?;
    let mut top_p = sampling.top_p;
    if top_p.is_some() && temperature.is_some() {
        body.warn("top_p", "not taken beside temperature");
        top_p = None;
    }
    if thinks && top_p.is_some_and(|asked| asked < MIN_THINKING_TOP_P) {
        body.warn("top_p", THINKS);
        top_p = None;
    }
    body.parameter("top_p", top_p)?;
    if thinks && sampling.top_k.is_some() {
        body.warn("top_k", THINKS);
        return Ok(());
    }
    body.parameter("top_k", sampling.top_k)
}

fn stop(stop: &[String], body: &mut Body<'_>) -> Result<(), Unsupported> {
    if stop.iter().any(|text| is_blank(text)) {
        let reason = "must not be white space alone with this model.";
        return Err(Unsupported::new("stop", reason));
    }
    body.maybe("stop_sequences", Some(stop).filter(|stop| !stop.is_empty()));
    Ok(())
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatBody<'a>>,
}

#[derive(Serialize)]
struct FormatBody<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a Json,
}

/// How hard the model works and what form its answer has.
fn output(
    request: &ChatRequest,
    thinking: &Thinking,
    body: &mut Body<'_>,
) -> Result<(), Unsupported> {
    let unsupported = |form: &str| {
        let reason = format!("asks for {form}, which this model does not give.");
        Err(Unsupported::new("response_format", reason))
    };
    let format = match &request.response_format {
        ResponseFormat::JsonObject => return unsupported("JSON without a schema"),
        ResponseFormat::JsonSchema { .. } if body.quirks.json_schema == SchemaForm::None => {
            return unsupported("an instance of a schema");
        }
        ResponseFormat::JsonSchema {
            schema,
            description,
            ..
        } => {
            if description.is_some() {
                body.warn("response_format.json_schema.description", "has no place");
            }
            Some(FormatBody {
                kind: "json_schema",
                schema,
            })
        }
        ResponseFormat::Text => None,
    };
    let config = OutputConfig {
        effort: thinking.effort,
        format,
    };
    if config.effort.is_some() || config.format.is_some() {
        body.add("output_config", &config);
    }
    Ok(())
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// Who asks, and in which class of service.
fn account(request: &ChatRequest, body: &mut Body<'_>) -> Result<(), Unsupported> {
    let user = request.user.as_deref();
    match body.quirks.parameter("user") {
        Parameter::Taken(_) => body.maybe("metadata", user.map(|user_id| Metadata { user_id })),
        Parameter::Unsupported(fate) if user.is_some() => body.leave_out("user", fate)?,
        Parameter::Unsupported(_) => {}
    }
    let tier = match request.service_tier.as_deref() {
        None => None,
        Some("auto") => Some("auto"),
        Some("default") => Some("standard_only"),
        Some(_) => return body.leave_out("service_tier", Fate::Drop),
    };
    body.parameter("service_tier", tier)
}

/// What this wire has no field for.
fn absent(request: &ChatRequest, body: &mut Body<'_>) -> Result<(), Unsupported> {
    let sampling = &request.sampling;
    let asked = [
        ("frequency_penalty", sampling.frequency_penalty.is_some()),
        ("presence_penalty", sampling.presence_penalty.is_some()),
        ("seed", sampling.seed.is_some()),
        ("logit_bias", sampling.logit_bias.is_some()),
        ("logprobs", request.logprobs.is_some()),
        ("verbosity", request.verbosity.is_some()),
    ];
    for (name, _) in asked.into_iter().filter(|(_, asked)| *asked) {
        let fate = match body.quirks.parameter(name) {
            Parameter::Taken(_) => Fate::Drop,
            Parameter::Unsupported(fate) => fate,
        };
        body.leave_out(name, fate)?;
    }
    if request.choices > 1 {
        let reason = "must be 1: this model gives one answer.";
        return Err(Unsupported::new("n", reason));
    }
    Ok(())
}
