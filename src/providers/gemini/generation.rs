//! `generationConfig`: how long an answer is, of what form, how it is drawn and thought about.

use serde::Serialize;

use super::traits::Traits;
use crate::protocol::gemini::GENERATION_CONFIG;
use crate::protocol::json::Object;
use crate::protocol::{
    ChatRequest, Effort, Family, Fields, Json, Reasoning, ReasoningMode, ResponseFormat, Warning,
};
use crate::providers::encode::{Target, Unsupported};

/// The budget of a model that thinks as much as it finds right.
const ADAPTIVE: i64 = -1;
/// The least budget of a model that always thinks.
const LEAST_THOUGHT: i64 = 128;

/// Writes the configuration of an answer.
///
/// # Errors
/// What the target cannot express.
pub(super) fn config(
    request: &ChatRequest,
    target: &Target<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Fields, Unsupported> {
    let mut config = Config {
        fields: Fields::default(),
        warnings,
    };
    config.add("maxOutputTokens", &target.max_tokens);
    config.answers(request, target)?;
    config.sampling(request);
    config.logprobs(request);
    config.format(&request.response_format);
    config.thinking(&request.reasoning, target);
    config.without_place(request);
    config.own(request);
    Ok(config.fields)
}

struct Config<'w> {
    fields: Fields,
    warnings: &'w mut Vec<Warning>,
}

impl Config<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.fields.keep(name, Json::of(value).raw());
    }

    fn maybe<T: Serialize>(&mut self, name: &str, value: Option<T>) {
        if let Some(value) = value {
            self.add(name, &value);
        }
    }

    fn warn(&mut self, field: &str, reason: &str) {
        self.warnings.push(Warning::new(field, reason));
    }

    fn answers(&mut self, request: &ChatRequest, target: &Target<'_>) -> Result<(), Unsupported> {
        let most = target.quirks.max_choices;
        if request.choices > most {
            let reason = format!("must be at most {most} with this model.");
            return Err(Unsupported::new("n", reason));
        }
        let choices = Some(request.choices).filter(|choices| *choices > 1);
        self.maybe("candidateCount", choices);
        let stop = &request.sampling.stop;
        let most = usize::try_from(target.quirks.max_stop).unwrap_or(usize::MAX);
        if stop.len() > most {
            let reason = format!("must have at most {most} elements with this model.");
            return Err(Unsupported::new("stop", reason));
        }
        let stop = Some(stop).filter(|stop| !stop.is_empty());
        self.maybe("stopSequences", stop);
        Ok(())
    }

    fn sampling(&mut self, request: &ChatRequest) {
        let sampling = &request.sampling;
        self.maybe("temperature", sampling.temperature);
        self.maybe("topP", sampling.top_p);
        self.maybe("topK", sampling.top_k);
        self.maybe("presencePenalty", sampling.presence_penalty);
        self.maybe("frequencyPenalty", sampling.frequency_penalty);
        let seed = sampling.seed.map(i32::try_from);
        if matches!(seed, Some(Err(_))) {
            self.warn("seed", "larger than this model's 32 bits");
        }
        self.maybe("seed", seed.and_then(Result::ok));
    }

    fn logprobs(&mut self, request: &ChatRequest) {
        self.maybe("responseLogprobs", request.logprobs.map(|_| true));
        let alternatives = request.logprobs.filter(|number| *number > 0);
        self.maybe("logprobs", alternatives);
    }

    fn format(&mut self, format: &ResponseFormat) {
        if *format == ResponseFormat::Text {
            return;
        }
        self.add("responseMimeType", "application/json");
        if let ResponseFormat::JsonSchema {
            schema,
            description,
            ..
        } = format
        {
            if description.is_some() {
                self.warn("response_format.json_schema.description", "has no place");
            }
            self.add("responseJsonSchema", schema);
        }
    }

    fn thinking(&mut self, asked: &Reasoning, target: &Target<'_>) {
        let traits = Traits::of(target.model);
        let open = asked.mode.is_none() && asked.effort.is_none() && asked.budget_tokens.is_none();
        let mode = asked.mode.or(target.reasoning.filter(|_| open));
        let mut thinking = Thinking::default();
        if mode == Some(ReasoningMode::Off) {
            if asked.mode.is_some() && traits.always_thinks() {
                self.warn("reasoning", "this model always thinks: as little as it can");
            }
            thinking.least(traits);
        } else {
            self.budget(asked, mode, traits, &mut thinking);
        }
        thinking.include_thoughts = shown(asked, mode);
        self.maybe(
            "thinkingConfig",
            Some(thinking).filter(|it| *it != Thinking::default()),
        );
    }

    fn budget(
        &mut self,
        asked: &Reasoning,
        mode: Option<ReasoningMode>,
        traits: Traits<'_>,
        thinking: &mut Thinking,
    ) {
        if let Some(tokens) = asked.budget_tokens {
            let most = traits.most_thought();
            if tokens > most {
                let reason = format!("lowered to {most}");
                self.warn("reasoning.budget_tokens", &reason);
            }
            thinking.budget = Some(i64::from(tokens.min(most)));
        } else if let Some(effort) = asked.effort {
            if traits.thinks_in_levels() {
                thinking.level = Some(level(effort, traits));
            } else {
                thinking.budget = Some(budget(effort));
            }
        } else if mode.is_some() && !traits.thinks_in_levels() {
            thinking.budget = Some(ADAPTIVE);
        }
    }

    /// What tunes an answer and has no place in this wire.
    fn without_place(&mut self, request: &ChatRequest) {
        let fields = [
            ("logit_bias", request.sampling.logit_bias.is_some()),
            ("service_tier", request.service_tier.is_some()),
            ("user", request.user.is_some()),
            ("verbosity", request.verbosity.is_some()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, asked)| *asked) {
            self.warn(field, "not taken by this model");
        }
    }

    /// What a caller of the same wire says here that nobody here knows.
    fn own(&mut self, request: &ChatRequest) {
        let extras = &request.extras;
        let own = extras.family == Some(Family::Google);
        let raw = extras.fields.get(GENERATION_CONFIG).filter(|_| own);
        for (name, raw) in raw.and_then(Object::of).unwrap_or_default() {
            self.fields.keep(&name, raw);
        }
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Thinking {
    #[serde(rename = "thinkingBudget", skip_serializing_if = "Option::is_none")]
    budget: Option<i64>,
    #[serde(rename = "thinkingLevel", skip_serializing_if = "Option::is_none")]
    level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_thoughts: Option<bool>,
}

impl Thinking {
    fn least(&mut self, traits: Traits<'_>) {
        if traits.thinks_in_levels() {
            self.level = Some(level(Effort::Minimal, traits));
        } else if traits.always_thinks() {
            self.budget = Some(LEAST_THOUGHT);
        } else {
            self.budget = Some(0);
        }
    }
}

/// Whether the answer shows its thoughts: where the caller asks for them, or for thinking as a mode,
/// whose wires always show it.
fn shown(asked: &Reasoning, mode: Option<ReasoningMode>) -> Option<bool> {
    let thinks = matches!(mode, Some(ReasoningMode::Adaptive | ReasoningMode::On));
    match asked.summary.as_deref() {
        Some("none") => Some(false),
        Some(_) => (mode != Some(ReasoningMode::Off)).then_some(true),
        None => thinks.then_some(true),
    }
}

fn level(effort: Effort, traits: Traits<'_>) -> &'static str {
    match effort {
        Effort::Minimal if traits.thinks_minimally() => "minimal",
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium if !traits.has_two_levels() => "medium",
        Effort::Medium | Effort::High | Effort::Max => "high",
    }
}

/// Tokens of an effort, as Google's own `OpenAI` interface has them.
/// <https://ai.google.dev/gemini-api/docs/openai#thinking>
const fn budget(effort: Effort) -> i64 {
    match effort {
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High | Effort::Max => 24_576,
    }
}
