//! A whole response, and the items that streams share with it.

use serde_json::value::RawValue;

use crate::protocol::json::{self, Json, Object};
use crate::protocol::{
    Answer, Choice, Citation, Content, Family, FinishReason, Maker, Part, Signature, ToolCall,
};
use crate::providers::chat_completions::{MAX_TOOL_CALLS, unwrapped, usage};
use crate::providers::decode::answer_object;
use crate::providers::failure::{Failure, FailureClass};
use crate::usage::Usage;

/// Between the parts of a summary, which become one text.
pub(super) const PARAGRAPH: &str = "\n\n";

/// Reads a whole answer of status 2xx. `max_tokens` is the bound that was sent: a model that does
/// not say how it ended and used that many was cut off.
///
/// # Errors
/// The failure that the body tells of, or [`FailureClass::Malformed`].
pub(in crate::providers) fn decode(max_tokens: u32, text: &str) -> Result<Answer, Failure> {
    let response = unwrapped(answer_object(text)?);
    let items = response.get("output").and_then(json::elements);
    let items = items.ok_or_else(|| Failure::malformed("the response has no output"))?;
    let mut said = Said::default();
    for raw in items {
        said.item(raw)?;
    }
    let usage = usage(&response);
    let spoken = Spoken {
        calls: said.calls > 0,
        refusal: said.refused(),
    };
    let finish_reason = ending(&response, spoken, usage, max_tokens)?;
    Ok(Answer {
        choices: vec![Choice {
            logprobs: said.logprobs,
            ..Choice::new(said.parts, finish_reason)
        }],
        usage,
        service_tier: response.get("service_tier").and_then(json::text),
    })
}

/// What the items of a response say.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) parts: Vec<Part>,
    pub(super) logprobs: Vec<Json>,
    calls: usize,
}

impl Said {
    /// Takes an item.
    ///
    /// # Errors
    /// [`FailureClass::Malformed`] for what is no object, and for too many calls.
    pub(super) fn item(&mut self, raw: &RawValue) -> Result<(), Failure> {
        let item = Object::of(raw).ok_or_else(|| Failure::malformed("an item is no object"))?;
        match string(&item, "type").as_str() {
            "function_call" => {
                self.calls = self.calls.saturating_add(1);
                if self.calls > MAX_TOOL_CALLS {
                    return Err(Failure::malformed("too many tool calls"));
                }
                self.push(Content::ToolCall(call(&item)));
            }
            "message" => self.message(&item),
            "reasoning" => self.reasoning(&item),
            _ => self.push(Content::Native {
                family: Family::OpenAi,
                block: Json::from(raw),
            }),
        }
        Ok(())
    }

    fn push(&mut self, content: Content) {
        self.parts.push(Part::new(content));
    }

    fn message(&mut self, item: &Object<'_>) {
        for part in elements(item, "content").into_iter().filter_map(Object::of) {
            let (text, refusal) = (string(&part, "text"), string(&part, "refusal"));
            let citations: Vec<Citation> = elements(&part, "annotations")
                .into_iter()
                .filter_map(citation)
                .collect();
            self.logprobs.extend(logprobs(&part));
            if !refusal.is_empty() {
                self.push(Content::Refusal(refusal));
            } else if !text.is_empty() || !citations.is_empty() {
                self.push(Content::Text { text, citations });
            }
        }
    }

    /// Reasoning says nothing where it has neither a text nor a signature.
    fn reasoning(&mut self, item: &Object<'_>) {
        let texts = |name| -> Vec<String> {
            let parts = elements(item, name).into_iter().filter_map(Object::of);
            parts.map(|part| string(&part, "text")).collect()
        };
        let (full, summary) = (texts("content"), texts("summary"));
        let text = if full.is_empty() { summary } else { full };
        let text = text.join(PARAGRAPH);
        let signature = signature(item);
        if !text.is_empty() || signature.is_some() {
            self.push(Content::Reasoning { text, signature });
        }
    }

    /// Whether the model refused in so many words.
    pub(super) fn refused(&self) -> bool {
        let refusal = |part: &Part| matches!(part.content, Content::Refusal(_));
        self.parts.iter().any(refusal)
    }
}

/// What tells how an answer ended where the response itself does not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spoken {
    /// It calls functions.
    pub(super) calls: bool,
    /// It has a refusal.
    pub(super) refusal: bool,
}

/// Why a response that came to its end is at its end.
///
/// # Errors
/// The failure of a response that failed, [`FailureClass::Malformed`] for one that is not ended.
pub(super) fn ending(
    response: &Object<'_>,
    spoken: Spoken,
    usage: Option<Usage>,
    max_tokens: u32,
) -> Result<FinishReason, Failure> {
    let status = string(response, "status");
    let cut = || usage.is_some_and(|usage| usage.output_tokens >= u64::from(max_tokens));
    Ok(match status.as_str() {
        "cancelled" | "failed" => return Err(failed(response)),
        "in_progress" | "queued" => {
            return Err(Failure::malformed("the response is not complete"));
        }
        "incomplete" => incomplete(response),
        _ if spoken.calls => FinishReason::ToolCalls,
        _ if spoken.refusal => FinishReason::Refusal,
        "" if cut() => FinishReason::Length,
        _ => FinishReason::Stop,
    })
}

fn incomplete(response: &Object<'_>) -> FinishReason {
    let details = response.get("incomplete_details").and_then(Object::of);
    match details.map(|details| string(&details, "reason")).as_deref() {
        Some("content_filter") => FinishReason::ContentFilter,
        _ => FinishReason::Length,
    }
}

/// The failure of a response that failed.
pub(super) fn failed(response: &Object<'_>) -> Failure {
    let told = Failure::told_by(response);
    told.unwrap_or_else(|| Failure::new(FailureClass::ServerError, "the response failed"))
}

/// A call of a function.
pub(super) fn call(item: &Object<'_>) -> ToolCall {
    let id = item.first(&["call_id", "id"]).and_then(json::text);
    let arguments = string(item, "arguments");
    ToolCall {
        id: id.unwrap_or_default(),
        name: string(item, "name"),
        arguments: if arguments.is_empty() {
            "{}".to_owned()
        } else {
            arguments
        },
        signature: None,
    }
}

/// The reasoning of an item as its provider encrypted it.
pub(super) fn signature(item: &Object<'_>) -> Option<Signature> {
    let value = string(item, "encrypted_content");
    let id = string(item, "id");
    // An id goes to the client between marks that no id has.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let maker = Maker {
        deployment: String::new(),
        item: if id.bytes().all(plain) {
            id
        } else {
            String::new()
        },
    };
    (!value.is_empty()).then(|| Signature {
        maker: Some(maker),
        ..Signature::new(Family::OpenAi, value)
    })
}

/// What a text rests on: pages, and files by their names.
pub(super) fn citation(raw: &RawValue) -> Option<Citation> {
    let cited = Object::of(raw)?;
    let index = |name| -> Option<u32> { cited.get(name)?.get().parse().ok() };
    let title = cited.first(&["title", "filename"]).and_then(json::text);
    Some(Citation {
        url: cited.get("url").and_then(json::text),
        title,
        quote: None,
        span: index("start_index").zip(index("end_index")),
        native: Some((Family::OpenAi, Json::from(raw))),
    })
}

/// The probabilities of tokens that a part or a piece of it tells.
pub(super) fn logprobs(object: &Object<'_>) -> Vec<Json> {
    let tokens = elements(object, "logprobs").into_iter();
    tokens.map(Json::from).collect()
}

/// The text of a field, empty where it has none.
pub(super) fn string(object: &Object<'_>, name: &str) -> String {
    object.get(name).and_then(json::text).unwrap_or_default()
}

fn elements<'a>(object: &Object<'a>, name: &str) -> Vec<&'a RawValue> {
    object
        .get(name)
        .and_then(json::elements)
        .unwrap_or_default()
}
