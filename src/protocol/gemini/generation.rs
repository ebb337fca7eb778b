//! `generationConfig`: how long an answer is, of what form, how it is drawn and thought about.

use super::name::camel;
use super::schema::json_schema;
use crate::error::Error;
use crate::protocol::json::{Fields, Path, Shape, Value};
use crate::protocol::openai_chat::MAX_CHOICES;
use crate::protocol::openai_chat::request::{count, schema};
use crate::protocol::{ChatRequest, Effort, Json, Reasoning, ReasoningMode, ResponseFormat};

const MAX_OUTPUT_TOKENS: i64 = 1_000_000;
const MAX_STOPS: usize = 5;
const MAX_ELEMENTS: usize = 16;
const JSON_TYPE: &str = "application/json";

/// Reads the configuration into `request` and gives the fields that the model does not know.
///
/// # Errors
/// `InvalidRequest`, with the JSON path.
pub(super) fn parse(value: Value<'_, '_>, request: &mut ChatRequest) -> Result<Fields, Error> {
    let mut draft = Draft {
        request,
        mime_type: None,
        schema: None,
        tells_tokens: false,
        alternatives: None,
        others: Fields::default(),
    };
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        if field.shape() != Shape::Null {
            draft.field(&camel(&name), field)?;
        }
    }
    draft.finish(value.path)
}

struct Draft<'r> {
    request: &'r mut ChatRequest,
    mime_type: Option<String>,
    schema: Option<Json>,
    tells_tokens: bool,
    alternatives: Option<u32>,
    others: Fields,
}

impl Draft<'_> {
    fn field(&mut self, name: &str, value: Value<'_, '_>) -> Result<(), Error> {
        let request = &mut *self.request;
        let sampling = &mut request.sampling;
        match name {
            "candidateCount" => request.choices = count(value, i64::from(MAX_CHOICES))?,
            "maxOutputTokens" => {
                request.max_output_tokens = Some(count(value, MAX_OUTPUT_TOKENS)?);
            }
            "stopSequences" => sampling.stop = value.strings(MAX_STOPS)?,
            "temperature" => sampling.temperature = Some(value.number(&(0.0..=2.0))?),
            "topP" => sampling.top_p = Some(value.number(&(0.0..=1.0))?),
            "topK" => sampling.top_k = Some(top_k(value)?),
            "seed" => {
                let bits = i64::from(i32::MIN)..=i64::from(i32::MAX);
                sampling.seed = Some(value.integer(&bits)?);
            }
            "presencePenalty" => sampling.presence_penalty = Some(value.number(&(-2.0..=2.0))?),
            "frequencyPenalty" => {
                sampling.frequency_penalty = Some(value.number(&(-2.0..=2.0))?);
            }
            "responseLogprobs" => self.tells_tokens = value.boolean()?,
            "logprobs" => self.alternatives = u32::try_from(value.integer(&(0..=20))?).ok(),
            "thinkingConfig" => request.reasoning = thinking(value)?,
            _ => return self.form(name, value),
        }
        Ok(())
    }

    fn form(&mut self, name: &str, value: Value<'_, '_>) -> Result<(), Error> {
        match name {
            "responseMimeType" => self.mime_type = Some(value.string()?),
            "responseSchema" | "responseJsonSchema" | "_responseJsonSchema"
                if self.schema.is_some() =>
            {
                let advice = "is a second schema. Send `responseSchema` or `responseJsonSchema`.";
                return Err(value.path.error(advice));
            }
            "responseSchema" => self.schema = Some(json_schema(schema(value)?.raw())),
            "responseJsonSchema" | "_responseJsonSchema" => self.schema = Some(schema(value)?),
            "responseModalities" => {
                modalities(value)?;
                self.others.keep(name, value.raw);
            }
            _ => self.others.keep(name, value.raw),
        }
        Ok(())
    }

    fn finish(self, parent: &Path<'_>) -> Result<Fields, Error> {
        let field = |name| Path::Field(parent, name);
        let wants_json = match self.mime_type.as_deref() {
            None | Some("text/plain") => false,
            Some(JSON_TYPE) => true,
            Some(_) => {
                let advice = "must be \"text/plain\" or \"application/json\".";
                return Err(field("responseMimeType").error(advice));
            }
        };
        self.request.response_format = match self.schema {
            Some(_) if !wants_json => {
                let advice = "must be \"application/json\" with a schema.";
                return Err(field("responseMimeType").error(advice));
            }
            Some(schema) => ResponseFormat::JsonSchema {
                name: None,
                description: None,
                schema,
                strict: None,
            },
            None if wants_json => ResponseFormat::JsonObject,
            None => ResponseFormat::Text,
        };
        if self.alternatives.is_some() && !self.tells_tokens {
            let advice = "is only allowed with `responseLogprobs: true`.";
            return Err(field("logprobs").error(advice));
        }
        let alternatives = self.alternatives.unwrap_or_default();
        self.request.logprobs = self.tells_tokens.then_some(alternatives);
        Ok(self.others)
    }
}

/// Google's clients send it as a number with a fraction of nothing.
fn top_k(value: Value<'_, '_>) -> Result<u32, Error> {
    let number = value.number(&(1.0..=f64::from(u32::MAX)))?;
    if number.fract() != 0.0 {
        return Err(value.path.error("must be a whole number."));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range"
    )]
    let whole = number as u32;
    Ok(whole)
}

fn modalities(value: Value<'_, '_>) -> Result<(), Error> {
    for (index, word) in value.strings(MAX_ELEMENTS)?.into_iter().enumerate() {
        if word.eq_ignore_ascii_case("audio") {
            let path = Path::Index(value.path, index);
            let advice =
                "asks for spoken answers, which are not served here. Use POST /v1/audio/speech.";
            return Err(path.error(advice));
        }
    }
    Ok(())
}

/// Reads `{includeThoughts, thinkingBudget | thinkingLevel}`.
fn thinking(value: Value<'_, '_>) -> Result<Reasoning, Error> {
    let mut reasoning = Reasoning::default();
    let mut shown = false;
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        match camel(&name).as_ref() {
            _ if field.shape() == Shape::Null => {}
            "includeThoughts" => shown = field.boolean()?,
            "thinkingBudget" => budget(field, &mut reasoning)?,
            "thinkingLevel" => reasoning.effort = level(field)?,
            _ => return Err(path.error("is not known here. Remove it.")),
        }
    }
    if reasoning.mode.is_some() && reasoning.effort.is_some() {
        let path = Path::Field(value.path, "thinkingLevel");
        return Err(path.error("contradicts `thinkingBudget`. Send one of them."));
    }
    let summary = if shown { "auto" } else { "none" };
    reasoning.summary = Some(summary.to_owned());
    Ok(reasoning)
}

/// Tokens of thought: 0 for none, −1 for as many as the model finds right.
fn budget(value: Value<'_, '_>, reasoning: &mut Reasoning) -> Result<(), Error> {
    let tokens = value.integer(&(-1..=MAX_OUTPUT_TOKENS))?;
    reasoning.mode = Some(match tokens {
        -1 => ReasoningMode::Adaptive,
        0 => ReasoningMode::Off,
        _ => ReasoningMode::On,
    });
    reasoning.budget_tokens = u32::try_from(tokens).ok().filter(|tokens| *tokens > 0);
    Ok(())
}

fn level(value: Value<'_, '_>) -> Result<Option<Effort>, Error> {
    let word = value.string()?.to_ascii_lowercase();
    if word == "thinking_level_unspecified" {
        return Ok(None);
    }
    let known = Effort::parse(&word).filter(|effort| *effort != Effort::Max);
    let advice = "must be \"minimal\", \"low\", \"medium\" or \"high\".";
    known.map(Some).ok_or_else(|| value.path.error(advice))
}
