//! How a model shall think: Anthropic's older models by a budget of tokens, its newer ones as much as
//! they find right, with an effort. Which model takes which stands in `config/providers.json`.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking>

use serde::Serialize;

use crate::config::Parameter;
use crate::protocol::{
    Content, Effort, Family, Message, Reasoning, ReasoningMode, Role, ToolChoice,
};
use crate::providers::body::Body;
use crate::providers::encode::Prompt;

/// Quirks by which a provider's row says what a model takes.
const ADAPTIVE: &str = "thinking.adaptive";
const BUDGET: &str = "thinking.budget_tokens";
const EFFORT: &str = "output_config.effort";
/// The smallest budget that Anthropic takes.
const MIN_BUDGET_TOKENS: u32 = 1_024;

/// How the model shall think.
#[derive(Default)]
pub(super) struct Thinking {
    /// The field `thinking`, where there is something to say.
    pub(super) mode: Option<Mode>,
    /// How hard the model works, where it takes that.
    pub(super) effort: Option<&'static str>,
}

/// The field `thinking`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Mode {
    Adaptive {
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    Disabled,
    Enabled {
        budget_tokens: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
}

impl Thinking {
    /// What a request asks for, as far as Anthropic takes it.
    pub(super) fn of(prompt: Prompt<'_>, body: &mut Body<'_>) -> Self {
        let reasoning = &prompt.request.reasoning;
        let effort = effort(reasoning, body);
        let asked = asked(reasoning).or(body.target.reasoning);
        let mode = match asked {
            None => None,
            Some(ReasoningMode::Off) => Some(Mode::Disabled),
            Some(_) => match obstacle(prompt) {
                Some(reason) => {
                    body.warn("reasoning", reason);
                    None
                }
                None => on(reasoning, body),
            },
        };
        Self { mode, effort }
    }

    /// Whether the model thinks.
    pub(super) const fn is_on(&self) -> bool {
        matches!(
            self.mode,
            Some(Mode::Adaptive { .. } | Mode::Enabled { .. })
        )
    }
}

/// Whether the caller wants thought; `None` where that is left open.
const fn asked(reasoning: &Reasoning) -> Option<ReasoningMode> {
    match reasoning.mode {
        None if reasoning.budget_tokens.is_some() => Some(ReasoningMode::On),
        None if reasoning.effort.is_some() && !reasoning.effort_of_answer => {
            Some(ReasoningMode::Adaptive)
        }
        mode => mode,
    }
}

fn takes(body: &Body<'_>, name: &str) -> bool {
    matches!(body.quirks.parameter(name), Parameter::Taken(_))
}

fn effort(reasoning: &Reasoning, body: &mut Body<'_>) -> Option<&'static str> {
    let effort = reasoning.effort?;
    if takes(body, EFFORT) {
        return Some(match effort {
            Effort::Minimal | Effort::Low => "low",
            effort => effort.as_str(),
        });
    }
    if reasoning.effort_of_answer {
        body.warn("reasoning.effort", "not taken by this model");
    }
    None
}

/// Why the model cannot think in this turn, though it was asked to. Anthropic would refuse the
/// request.
fn obstacle(prompt: Prompt<'_>) -> Option<&'static str> {
    let forced = matches!(
        prompt.request.tool_choice,
        Some(ToolChoice::Required | ToolChoice::Function(_))
    );
    let last = prompt.messages.last().map(|message| message.role);
    match last {
        _ if forced => Some("a tool is forced"),
        Some(Role::Assistant) => Some("the answer is begun already"),
        _ if !keeps_thoughts(prompt.messages) => Some("the call of the tool came without thoughts"),
        _ => None,
    }
}

/// Whether the turn whose tools have just answered has the thoughts that led to their calls.
fn keeps_thoughts(messages: &[Message]) -> bool {
    let mut answered = messages.iter().rev();
    let caller = answered.find(|message| message.role == Role::Assistant);
    let Some(caller) = caller.filter(|caller| caller.tool_calls().next().is_some()) else {
        return true;
    };
    let mut contents = caller.parts.iter().map(|part| &part.content);
    contents.any(|content| match content {
        Content::RedactedReasoning(signature)
        | Content::Reasoning {
            signature: Some(signature),
            ..
        } => signature.family == Family::Anthropic,
        _ => false,
    })
}

fn on(reasoning: &Reasoning, body: &mut Body<'_>) -> Option<Mode> {
    let (adaptive, by_budget) = (takes(body, ADAPTIVE), takes(body, BUDGET));
    let display = display(reasoning);
    if adaptive && (reasoning.budget_tokens.is_none() || !by_budget) {
        if reasoning.budget_tokens.is_some() {
            body.warn(
                "reasoning.budget_tokens",
                "this model finds its own measure",
            );
        }
        return Some(Mode::Adaptive { display });
    }
    if !by_budget {
        body.warn("reasoning", "not taken by this model");
        return None;
    }
    let asked = reasoning.budget_tokens.or(reasoning.effort.map(tokens));
    let budget_tokens = budget(asked, body.target.max_tokens);
    if budget_tokens.is_none() {
        body.warn("reasoning", "the answer's bound leaves no room for it");
    }
    budget_tokens.map(|budget_tokens| Mode::Enabled {
        budget_tokens,
        display,
    })
}

fn display(reasoning: &Reasoning) -> Option<&'static str> {
    let summary = reasoning.summary.as_deref()?;
    Some(if summary == "none" {
        "omitted"
    } else {
        "summarized"
    })
}

/// The budget that an effort comes to.
const fn tokens(effort: Effort) -> u32 {
    match effort {
        Effort::Minimal => 1_024,
        Effort::Low => 2_048,
        Effort::Medium => 8_192,
        Effort::High => 16_384,
        Effort::Max => 32_768,
    }
}

/// The budget within the answer's bound, of which a quarter stays for the answer where the budget
/// would take it all.
fn budget(asked: Option<u32>, max_tokens: u32) -> Option<u32> {
    let room = max_tokens.saturating_sub(max_tokens.div_ceil(4));
    let asked = asked.unwrap_or(room).max(MIN_BUDGET_TOKENS);
    let budget = if asked < max_tokens { asked } else { room };
    (budget >= MIN_BUDGET_TOKENS).then_some(budget)
}
