//! A whole answer in any of the shapes models answer in, and the fields that streams share with it.

use serde_json::value::RawValue;

use super::think;
use crate::config::Wire;
use crate::protocol::json::{self, Json, Object, Shape};
use crate::protocol::{
    Answer, Choice, Citation, Content, Family, FinishReason, Part, Signature, ToolCall,
};
use crate::providers::decode::answer_object;
use crate::providers::failure::{Failure, FailureClass};
use crate::usage::Usage;

/// Choices of an answer; a request asks for 8 at most.
pub(in crate::providers) const MAX_CHOICES: usize = 8;
/// Tool calls of a choice.
pub(in crate::providers) const MAX_TOOL_CALLS: usize = 128;
/// Figures above this are not usage but a fault.
const MAX_TOKENS: f64 = 100_000_000.0;

/// Reads a whole answer of status 2xx. `max_tokens` is the bound that was sent: a model that does
/// not say why it stopped and used that many was cut off.
///
/// # Errors
/// The failure that the body tells of, or [`FailureClass::Malformed`].
pub(in crate::providers) fn decode(
    wire: Wire,
    max_tokens: u32,
    text: &str,
) -> Result<Answer, Failure> {
    let object = unwrapped(answer_object(text)?);
    let usage = usage(&object);
    let cut = is_cut(usage, max_tokens);
    let choices = match object.get("choices").and_then(json::elements) {
        Some(items) if !items.is_empty() => chat_choices(wire, &items, cut)?,
        _ => vec![native_choice(wire, &object, cut)?],
    };
    Ok(Answer {
        choices,
        usage,
        service_tier: object.get("service_tier").and_then(json::text),
    })
}

/// The object in a `result`, where Cloudflare's REST envelope is around it.
pub(in crate::providers) fn unwrapped(object: Object<'_>) -> Object<'_> {
    let inner = object.get("result").and_then(Object::of);
    inner.unwrap_or(object)
}

/// Whether the usage says that the bound of output was reached.
pub(super) fn is_cut(usage: Option<Usage>, max_tokens: u32) -> bool {
    usage.is_some_and(|usage| usage.output_tokens >= u64::from(max_tokens))
}

fn chat_choices(wire: Wire, items: &[&RawValue], cut: bool) -> Result<Vec<Choice>, Failure> {
    if items.len() > MAX_CHOICES {
        return Err(Failure::malformed("too many choices"));
    }
    let mut numbered = Vec::with_capacity(items.len());
    for (position, raw) in items.iter().enumerate() {
        let object = Object::of(raw).ok_or_else(|| Failure::malformed("a choice is no object"))?;
        let index = object.get("index").and_then(count).unwrap_or(position);
        numbered.push((index, chat_choice(wire, position, &object, cut)?));
    }
    numbered.sort_by_key(|(index, _)| *index);
    Ok(numbered.into_iter().map(|(_, choice)| choice).collect())
}

fn chat_choice(
    wire: Wire,
    position: usize,
    object: &Object<'_>,
    cut: bool,
) -> Result<Choice, Failure> {
    let mut said = Said {
        reason: reason(object)?,
        ..Said::default()
    };
    let Some(message) = object.get("message").and_then(Object::of) else {
        let text = object.get("text").and_then(content);
        let text = text.ok_or_else(|| Failure::malformed("a choice has no message"))?;
        said.inline(wire, text);
        return Ok(said.choice(cut));
    };
    said.reasoning = reasoning(&message);
    match message.get("content").and_then(content) {
        Some(text) if said.reasoning.is_none() => said.inline(wire, text),
        text => said.text = text,
    }
    said.calls = tool_calls(position, message.get("tool_calls"))?;
    said.refusal = message.get("refusal").and_then(json::text);
    said.citations = citations(&message);
    said.logprobs = logprobs(object);
    Ok(said.choice(cut))
}

fn native_choice(wire: Wire, object: &Object<'_>, cut: bool) -> Result<Choice, Failure> {
    let mut said = Said {
        calls: tool_calls(0, object.get("tool_calls"))?,
        reason: reason(object)?,
        ..Said::default()
    };
    let response = object.get("response").and_then(content);
    if response.is_none() && said.calls.is_empty() {
        return Err(Failure::malformed(
            "the answer has neither text nor tool calls",
        ));
    }
    // Native models send empty text along with their calls.
    if let Some(text) = response.filter(|text| !text.is_empty() || said.calls.is_empty()) {
        said.inline(wire, text);
    }
    Ok(said.choice(cut))
}

/// What a choice says, wherever it says it.
#[derive(Default)]
struct Said {
    reasoning: Option<String>,
    text: Option<String>,
    citations: Vec<Citation>,
    refusal: Option<String>,
    calls: Vec<ToolCall>,
    reason: Option<FinishReason>,
    logprobs: Vec<Json>,
}

impl Said {
    /// Parts reasoning from text where a Workers AI model writes both into one.
    fn inline(&mut self, wire: Wire, text: String) {
        if wire.is_workers_ai() {
            let (reasoning, text) = think::split(&text);
            (self.reasoning, self.text) = (reasoning, Some(text));
        } else {
            self.text = Some(text);
        }
    }

    fn choice(self, cut: bool) -> Choice {
        let finish_reason = settle_reason(self.reason, !self.calls.is_empty(), cut);
        let reasoning = self.reasoning.map(|text| Content::Reasoning {
            text,
            signature: None,
        });
        let citations = self.citations;
        let text = self.text.map(|text| Content::Text { text, citations });
        let refusal = self.refusal.map(Content::Refusal);
        let calls = self.calls.into_iter().map(Content::ToolCall);
        let parts = reasoning
            .into_iter()
            .chain(text)
            .chain(refusal)
            .chain(calls);
        Choice {
            logprobs: self.logprobs,
            ..Choice::new(parts.map(Part::new).collect(), finish_reason)
        }
    }
}

/// What a text rests on, in a message or a delta.
pub(super) fn citations(message: &Object<'_>) -> Vec<Citation> {
    let items = message.get("annotations").and_then(json::elements);
    let items = items.unwrap_or_default().into_iter();
    items.filter_map(citation).collect()
}

fn citation(raw: &RawValue) -> Option<Citation> {
    let cited = Object::of(Object::of(raw)?.get("url_citation")?)?;
    let index = |name| cited.get(name).and_then(count);
    let index = |name| index(name).and_then(|at| u32::try_from(at).ok());
    Some(Citation {
        url: cited.get("url").and_then(json::text),
        title: cited.get("title").and_then(json::text),
        quote: None,
        span: index("start_index").zip(index("end_index")),
        native: Some((Family::OpenAi, Json::from(raw))),
    })
}

/// The probabilities of tokens that a choice or a chunk of it tells.
pub(super) fn logprobs(choice: &Object<'_>) -> Vec<Json> {
    let told = choice.get("logprobs").and_then(Object::of);
    let tokens = told.and_then(|told| told.get("content").and_then(json::elements));
    tokens
        .unwrap_or_default()
        .into_iter()
        .map(Json::from)
        .collect()
}

/// The reason for the caller: what the provider said, but calls are never a plain stop, and a
/// provider that says nothing is read by what it wrote.
pub(super) const fn settle_reason(
    said: Option<FinishReason>,
    calls: bool,
    cut: bool,
) -> FinishReason {
    match said {
        Some(FinishReason::Stop) | None if calls => FinishReason::ToolCalls,
        None if cut => FinishReason::Length,
        None => FinishReason::Stop,
        Some(reason) => reason,
    }
}

/// Why the model stopped, where the object says so.
pub(super) fn reason(object: &Object<'_>) -> Result<Option<FinishReason>, Failure> {
    let word = object
        .first(&["finish_reason", "stop_reason"])
        .and_then(json::text);
    let Some(word) = word.filter(|word| !word.is_empty()) else {
        return Ok(None);
    };
    match word.to_ascii_lowercase().as_str() {
        "error" => {
            let message = "the model stopped with an error";
            Err(Failure::new(FailureClass::ServerError, message))
        }
        "length" | "max_tokens" | "max_output_tokens" | "model_length" => {
            Ok(Some(FinishReason::Length))
        }
        "tool_calls" | "tool_call" | "function_call" | "tool_use" => {
            Ok(Some(FinishReason::ToolCalls))
        }
        "content_filter" | "safety" => Ok(Some(FinishReason::ContentFilter)),
        "refusal" => Ok(Some(FinishReason::Refusal)),
        _ => Ok(Some(FinishReason::Stop)),
    }
}

/// Text in any form: a string, an array of parts, or a number or an object as its JSON text.
pub(super) fn content(raw: &RawValue) -> Option<String> {
    match json::shape(raw) {
        Shape::Null => None,
        Shape::String => json::text(raw),
        Shape::Array => Some(parts(raw).unwrap_or_else(|| raw.get().to_owned())),
        Shape::Boolean | Shape::Number | Shape::Object => Some(raw.get().to_owned()),
    }
}

/// The text of an array of parts, or `None` where it is an array of something else.
fn parts(raw: &RawValue) -> Option<String> {
    let mut text = String::new();
    for item in json::elements(raw)? {
        let part = Object::of(item)?;
        part.get("type")?;
        text.push_str(&part.get("text").and_then(json::text).unwrap_or_default());
    }
    Some(text)
}

/// The reasoning of a message or a delta.
pub(super) fn reasoning(object: &Object<'_>) -> Option<String> {
    let names = ["reasoning_content", "reasoning"];
    let texts = names
        .iter()
        .filter_map(|name| json::text(object.get(name)?));
    texts.into_iter().find(|text| !text.is_empty())
}

fn tool_calls(choice: usize, raw: Option<&RawValue>) -> Result<Vec<ToolCall>, Failure> {
    let items = raw.and_then(json::elements).unwrap_or_default();
    if items.len() > MAX_TOOL_CALLS {
        return Err(Failure::malformed("too many tool calls"));
    }
    let named = items.iter().filter_map(|item| {
        let object = Object::of(item)?;
        let call = CallFields::of(&object);
        Some((call.name.clone()?, call))
    });
    let numbered = named.enumerate().map(|(index, (name, call))| ToolCall {
        id: call.id.unwrap_or_else(|| generated_id(choice, index)),
        name,
        arguments: call
            .arguments
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "{}".to_owned()),
        signature: call.signature,
    });
    Ok(numbered.collect())
}

/// An id for a call whose provider gave none, the same each time.
pub(super) fn generated_id(choice: usize, index: usize) -> String {
    match choice {
        0 => format!("call_{index}"),
        _ => format!("call_{choice}_{index}"),
    }
}

/// The fields of a tool call, native (`{name, arguments}`) or `OpenAI`'s (`{id, function: {…}}`).
pub(super) struct CallFields {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: Option<String>,
    pub(super) signature: Option<Signature>,
}

impl CallFields {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let filled = |raw| json::text(raw).filter(|text| !text.is_empty());
        let function = object.get("function").and_then(Object::of);
        let inner = function.as_ref().unwrap_or(object);
        Self {
            id: object.get("id").and_then(filled),
            name: inner.get("name").and_then(filled),
            arguments: inner.get("arguments").and_then(content),
            signature: thought_signature(object),
        }
    }
}

/// Gemini's signature of a call, where Google's own `OpenAI` interface puts it.
fn thought_signature(call: &Object<'_>) -> Option<Signature> {
    let google = Object::of(Object::of(call.get("extra_content")?)?.get("google")?)?;
    let text = json::text(google.get("thought_signature")?)?;
    Some(Signature::new(Family::Google, text))
}

/// What the call used. `None` where the provider says nothing, or nothing that can be true.
pub(in crate::providers) fn usage(object: &Object<'_>) -> Option<Usage> {
    let usage = Object::of(object.get("usage")?)?;
    let input = usage.first(&["prompt_tokens", "input_tokens"]).map(tokens);
    let output = usage
        .first(&["completion_tokens", "output_tokens"])
        .map(tokens);
    let total = usage.get("total_tokens").and_then(tokens);
    // A figure that is there and absurd makes the others worthless; one that is absent follows.
    let (input_tokens, output_tokens) = match (input, output) {
        (Some(input), Some(output)) => (input?, output?),
        (Some(input), None) => (input?, total?.checked_sub(input?)?),
        (None, Some(output)) => (total?.checked_sub(output?)?, output?),
        (None, None) => return None,
    };
    let input_details = details(&usage, &["prompt_tokens_details", "input_tokens_details"]);
    let output_details = details(
        &usage,
        &["completion_tokens_details", "output_tokens_details"],
    );
    let part = |details: &Object<'_>, name| details.get(name).and_then(tokens).unwrap_or(0);
    // A prompt has at least one token.
    (input_tokens > 0).then(|| Usage {
        input_tokens,
        cached_input_tokens: part(&input_details, "cached_tokens").min(input_tokens),
        audio_input_tokens: part(&input_details, "audio_tokens").min(input_tokens),
        output_tokens,
        reasoning_tokens: part(&output_details, "reasoning_tokens").min(output_tokens),
        ..Usage::default()
    })
}

/// An object of details, empty where there is none.
fn details<'a>(usage: &Object<'a>, names: &[&str]) -> Object<'a> {
    usage.first(names).and_then(Object::of).unwrap_or_default()
}

/// A plausible number of tokens.
pub(in crate::providers) fn tokens(raw: &RawValue) -> Option<u64> {
    let number: f64 = serde_json::from_str(raw.get()).ok()?;
    let plausible = (0.0..=MAX_TOKENS).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked"
    )]
    plausible.then(|| number.ceil() as u64)
}

/// A small index.
pub(super) fn count(raw: &RawValue) -> Option<usize> {
    raw.get().parse().ok()
}
