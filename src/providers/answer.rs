//! A whole answer in any of the shapes models answer in, and the fields that streams share with it.

use serde_json::value::RawValue;

use super::failure::{Failure, FailureClass};
use super::{Wire, think};
use crate::protocol::json::{self, Object, Shape};
use crate::protocol::{Answer, Choice, FinishReason, ToolCall};
use crate::usage::Usage;

/// Choices of an answer; a request asks for 8 at most.
pub(super) const MAX_CHOICES: usize = 8;
/// Tool calls of a choice.
pub(super) const MAX_TOOL_CALLS: usize = 128;
/// Figures above this are not usage but a fault.
const MAX_TOKENS: f64 = 100_000_000.0;

/// Reads a whole answer of status 2xx. `max_tokens` is the bound that was sent: a model that does
/// not say why it stopped and used that many was cut off.
///
/// # Errors
/// The failure that the body tells of, or [`FailureClass::Malformed`].
pub fn decode_answer(wire: Wire, max_tokens: u32, body: &[u8]) -> Result<Answer, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| Failure::malformed("not UTF-8"))?;
    let object = Object::parse(text).ok_or_else(|| not_an_object(text))?;
    if let Some(failure) = Failure::told_by(&object) {
        return Err(failure);
    }
    let object = unwrapped(object);
    let usage = usage(&object);
    let cut = is_cut(usage, max_tokens);
    let choices = match object.get("choices").and_then(json::elements) {
        Some(items) if !items.is_empty() => chat_choices(wire, &items, cut)?,
        _ => vec![native_choice(wire, &object, cut)?],
    };
    Ok(Answer { choices, usage })
}

fn not_an_object(text: &str) -> Failure {
    let trimmed = text.trim_start();
    Failure::malformed(match trimmed.chars().next() {
        None => "the body is empty",
        Some('<') => "the body is HTML or XML",
        Some(_) => "the body is not a JSON object",
    })
}

/// The object in a `result`, where Cloudflare's REST envelope is around it.
pub(super) fn unwrapped(object: Object<'_>) -> Object<'_> {
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
    let reason = reason(object)?;
    let Some(message) = object.get("message").and_then(Object::of) else {
        let text = object.get("text").and_then(content);
        let text = text.ok_or_else(|| Failure::malformed("a choice has no message"))?;
        return Ok(choice(inline(wire, text), None, Vec::new(), reason, cut));
    };
    let told = reasoning(&message);
    let (thought, text) = match message.get("content").and_then(content) {
        Some(text) if told.is_none() => inline(wire, text),
        text => (told, text),
    };
    let calls = tool_calls(position, message.get("tool_calls"))?;
    let refusal = message.get("refusal").and_then(json::text);
    Ok(choice((thought, text), refusal, calls, reason, cut))
}

fn native_choice(wire: Wire, object: &Object<'_>, cut: bool) -> Result<Choice, Failure> {
    let calls = tool_calls(0, object.get("tool_calls"))?;
    let response = object.get("response").and_then(content);
    if response.is_none() && calls.is_empty() {
        return Err(Failure::malformed(
            "the answer has neither text nor tool calls",
        ));
    }
    let texts = response.map_or((None, None), |text| inline(wire, text));
    // Native models send empty text along with their calls.
    let texts = match texts {
        (thought, Some(text)) if text.is_empty() && !calls.is_empty() => (thought, None),
        texts => texts,
    };
    Ok(choice(texts, None, calls, reason(object)?, cut))
}

fn choice(
    (reasoning, text): (Option<String>, Option<String>),
    refusal: Option<String>,
    tool_calls: Vec<ToolCall>,
    reason: Option<FinishReason>,
    cut: bool,
) -> Choice {
    Choice {
        text,
        reasoning,
        refusal,
        finish_reason: settle_reason(reason, !tool_calls.is_empty(), cut),
        tool_calls,
    }
}

/// Parts reasoning from text where a Workers AI model writes both into one.
fn inline(wire: Wire, text: String) -> (Option<String>, Option<String>) {
    if wire.is_workers_ai() {
        let (reasoning, text) = think::split(&text);
        (reasoning, Some(text))
    } else {
        (None, Some(text))
    }
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
        "content_filter" | "safety" | "refusal" => Ok(Some(FinishReason::ContentFilter)),
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
        Some((call.id, call.name?, call.arguments))
    });
    let numbered = named
        .enumerate()
        .map(|(index, (id, name, arguments))| ToolCall {
            id: id.unwrap_or_else(|| generated_id(choice, index)),
            name,
            arguments: arguments
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| "{}".to_owned()),
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
        }
    }
}

/// What the call used. `None` where the provider says nothing, or nothing that can be true.
pub(super) fn usage(object: &Object<'_>) -> Option<Usage> {
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
    // A prompt has at least one token.
    (input_tokens > 0).then_some(Usage {
        input_tokens,
        cached_input_tokens: cached_tokens(&usage).min(input_tokens),
        output_tokens,
        estimated: false,
    })
}

fn cached_tokens(usage: &Object<'_>) -> u64 {
    let details = usage.first(&["prompt_tokens_details", "input_tokens_details"]);
    let cached = details
        .and_then(Object::of)
        .and_then(|details| tokens(details.get("cached_tokens")?));
    cached.unwrap_or(0)
}

fn tokens(raw: &RawValue) -> Option<u64> {
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
