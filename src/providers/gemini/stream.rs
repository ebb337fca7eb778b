//! A streamed answer to events, with a verdict on whether it ended as a stream must: there is no
//! mark of the end but the reason why each candidate stopped.

use serde_json::value::RawValue;

use super::answer::usage;
use super::citations::citations;
use super::logprobs::logprobs;
use crate::protocol::json::{self, Object};
use crate::protocol::{Content, Event, Family, Fields, FinishReason, Json, Media, Part, Signature};
use crate::providers::chat_completions::{MAX_CHOICES, MAX_TOOL_CALLS};
use crate::providers::decode::EventDecoder;
use crate::providers::failure::{Failure, FailureClass};
use crate::sse::SseEvent;
use crate::usage::Usage;

/// Decodes the chunks of one stream.
#[derive(Debug, Default)]
pub(in crate::providers) struct Decoder {
    choices: Vec<ChoiceState>,
    usage: Option<Usage>,
    /// The answer's id, of which calls without one make theirs.
    response: String,
}

#[derive(Debug, Default)]
struct ChoiceState {
    /// At least one chunk has named the choice.
    begun: bool,
    finished: bool,
    calls: usize,
    /// The whole text, which citations point into.
    text: String,
    last: Last,
}

/// What came last in a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Other,
    /// Text with a signature of its own, which no other text may join.
    SignedText,
    Thought,
}

impl EventDecoder for Decoder {
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<(), Failure> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let malformed = || Failure::malformed("an event of the stream is not a JSON object");
        let object = Object::parse(data).ok_or_else(malformed)?;
        if let Some(failure) = Failure::told_by(&object) {
            return Err(failure);
        }
        self.chunk(&object, events)
    }

    fn is_whole(&self, data: &str) -> bool {
        Object::parse(data).is_some()
    }

    fn finish(&mut self, _events: &mut Vec<Event>) -> Result<(), Failure> {
        let mut begun = self.choices.iter().filter(|choice| choice.begun).peekable();
        if begun.peek().is_none() || begun.any(|choice| !choice.finished) {
            let message = "the stream ended without a finish reason";
            return Err(Failure::new(FailureClass::Truncated, message));
        }
        Ok(())
    }
}

impl Decoder {
    /// Takes a chunk of the answer, or the whole of it.
    ///
    /// # Errors
    /// As [`EventDecoder::event`].
    pub(super) fn chunk(
        &mut self,
        object: &Object<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        if let Some(id) = object.get("responseId").and_then(json::text) {
            self.response = id;
        }
        if let Some(usage) = usage(object).filter(|usage| self.usage != Some(*usage)) {
            self.usage = Some(usage);
            events.push(Event::Usage(usage));
        }
        let candidates = object.get("candidates").and_then(json::elements);
        let candidates = candidates.unwrap_or_default();
        if candidates.is_empty() && is_blocked(object) {
            events.extend(judgement(0, object, "promptFeedback"));
            let choice = self.choice(0)?;
            choice.finish(0, FinishReason::ContentFilter, events);
        }
        for (position, raw) in candidates.into_iter().enumerate() {
            let candidate = Object::of(raw);
            let candidate =
                candidate.ok_or_else(|| Failure::malformed("a candidate is no object"))?;
            self.candidate(position, &candidate, events)?;
        }
        Ok(())
    }

    /// Checks that there was an answer.
    ///
    /// # Errors
    /// [`FailureClass::Malformed`].
    pub(super) fn check_begun(&self) -> Result<(), Failure> {
        let begun = self.choices.iter().any(|choice| choice.begun);
        let none = || Failure::malformed("there is no answer");
        begun.then_some(()).ok_or_else(none)
    }

    fn candidate(
        &mut self,
        position: usize,
        candidate: &Object<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let reason = reason(candidate)?;
        let index = candidate
            .get("index")
            .and_then(|raw| raw.get().parse().ok());
        let index = index.unwrap_or(position);
        let response = self.response.clone();
        let choice = self.choice(index)?;
        if choice.finished {
            return Ok(());
        }
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let content = candidate.get("content").and_then(Object::of);
        let parts = content.and_then(|content| content.get("parts").and_then(json::elements));
        for raw in parts.unwrap_or_default() {
            choice.part(index, raw, &response, events)?;
        }
        let tokens = logprobs(candidate);
        if !tokens.is_empty() {
            events.push(Event::Logprobs {
                choice: index,
                tokens,
            });
        }
        let cited = citations(candidate, &choice.text).into_iter();
        events.extend(cited.map(|citation| Event::Citation {
            choice: index,
            citation,
        }));
        if let Some(reason) = reason {
            if reason == FinishReason::ContentFilter {
                events.extend(judgement(index, candidate, "safetyRatings"));
            }
            choice.finish(index, reason, events);
        }
        Ok(())
    }

    fn choice(&mut self, index: usize) -> Result<&mut ChoiceState, Failure> {
        let too_many = || Failure::malformed("too many candidates");
        if index >= MAX_CHOICES {
            return Err(too_many());
        }
        while self.choices.len() <= index {
            self.choices.push(ChoiceState::default());
        }
        let choice = self.choices.get_mut(index).ok_or_else(too_many)?;
        choice.begun = true;
        Ok(choice)
    }
}

/// What the provider's filter says in a field, which is worth something to Google's clients only.
fn judgement(choice: u32, object: &Object<'_>, field: &str) -> Option<Event> {
    let mut fields = Fields::default();
    fields.keep(field, object.get(field)?);
    let content = Content::Native {
        family: Family::Google,
        block: Json::of(&fields),
    };
    let part = Part::new(content);
    Some(Event::Whole { choice, part })
}

impl ChoiceState {
    fn part(
        &mut self,
        choice: u32,
        raw: &RawValue,
        response: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let part = Object::of(raw).ok_or_else(|| Failure::malformed("a part is no object"))?;
        let thought = part.get("thought").is_some_and(|raw| raw.get() == "true");
        let signature = part.get("thoughtSignature").and_then(json::text);
        let signature = signature.map(|value| Signature::new(Family::Google, value));
        let text = part.get("text").and_then(json::text);
        if let Some(call) = part.get("functionCall").and_then(Object::of) {
            return self.call(choice, &call, signature, response, events);
        }
        match text {
            Some(text) if thought => self.thought(choice, text, signature, events),
            Some(text) => self.text(choice, text, signature, events),
            None => self.whole(choice, raw, &part, (thought, signature), events),
        }
        Ok(())
    }

    fn call(
        &mut self,
        choice: u32,
        call: &Object<'_>,
        signature: Option<Signature>,
        response: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let number = self.calls;
        if number >= MAX_TOOL_CALLS {
            return Err(Failure::malformed("too many tool calls"));
        }
        self.calls = number.saturating_add(1);
        self.last = Last::Other;
        let name = call.get("name").and_then(json::text);
        let name = name.ok_or_else(|| Failure::malformed("a call names no function"))?;
        let id = call.get("id").and_then(json::text);
        let id = id.filter(|id| !id.is_empty());
        let arguments = call.get("args").map_or("{}", RawValue::get);
        events.push(Event::ToolCall {
            choice,
            index: u32::try_from(number).unwrap_or(u32::MAX),
            id: Some(id.unwrap_or_else(|| call_id(response, choice, number))),
            name: Some(name),
            arguments: arguments.to_owned(),
            signature,
        });
        Ok(())
    }

    fn thought(
        &mut self,
        choice: u32,
        text: String,
        signature: Option<Signature>,
        events: &mut Vec<Event>,
    ) {
        if !text.is_empty() {
            events.push(Event::Reasoning { choice, text });
            self.last = Last::Thought;
        }
        if let Some(signature) = signature {
            events.push(Event::ReasoningSignature { choice, signature });
            self.last = Last::Other;
        }
    }

    fn text(
        &mut self,
        choice: u32,
        text: String,
        signature: Option<Signature>,
        events: &mut Vec<Event>,
    ) {
        let signed = signature.is_some();
        self.sign(choice, signature, events);
        if text.is_empty() {
            return;
        }
        if !signed && self.last == Last::SignedText {
            events.push(Event::PartEnd { choice });
        }
        self.last = if signed {
            Last::SignedText
        } else {
            Last::Other
        };
        self.text.push_str(&text);
        events.push(Event::Text { choice, text });
    }

    /// The signature of what follows, which is no part of the thought before it.
    fn sign(&mut self, choice: u32, signature: Option<Signature>, events: &mut Vec<Event>) {
        let Some(signature) = signature else {
            return;
        };
        if std::mem::take(&mut self.last) == Last::Thought {
            events.push(Event::PartEnd { choice });
        }
        events.push(Event::ReasoningSignature { choice, signature });
    }

    /// A part that is no text: a medium, or something that only Google understands.
    fn whole(
        &mut self,
        choice: u32,
        raw: &RawValue,
        part: &Object<'_>,
        (thought, signature): (bool, Option<Signature>),
        events: &mut Vec<Event>,
    ) {
        let medium = part.get("inlineData").and_then(medium);
        let content = if let Some(medium) = medium.filter(|_| !thought) {
            self.sign(choice, signature, events);
            medium
        } else if part.entries().any(|(name, _)| name != "thoughtSignature") {
            Content::Native {
                family: Family::Google,
                block: Json::from(raw),
            }
        } else {
            return self.sign(choice, signature, events);
        };
        self.last = Last::Other;
        events.push(Event::Whole {
            choice,
            part: Part::new(content),
        });
    }

    /// Ends the choice, once. Calls are never a plain stop.
    fn finish(&mut self, choice: u32, reason: FinishReason, events: &mut Vec<Event>) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let calls = reason == FinishReason::Stop && self.calls > 0;
        events.push(Event::Finish {
            choice,
            reason: if calls {
                FinishReason::ToolCalls
            } else {
                reason
            },
            stop_sequence: None,
        });
    }
}

fn is_blocked(object: &Object<'_>) -> bool {
    let feedback = object.get("promptFeedback").and_then(Object::of);
    feedback.is_some_and(|feedback| feedback.get("blockReason").is_some())
}

/// An id for a call that came without one: the same each time, and no other call's.
fn call_id(response: &str, choice: u32, number: usize) -> String {
    match (response, choice) {
        ("", 0) => format!("call_{number}"),
        ("", _) => format!("call_{choice}_{number}"),
        (_, 0) => format!("call_{response}_{number}"),
        _ => format!("call_{response}_{choice}_{number}"),
    }
}

fn medium(raw: &RawValue) -> Option<Content> {
    let blob = Object::of(raw)?;
    let media_type = json::text(blob.get("mimeType")?)?;
    let data = json::text(blob.get("data")?)?;
    let of_kind = |kind| media_type.starts_with(kind);
    let wrap = match () {
        () if of_kind("image/") => Content::Image,
        () if of_kind("audio/") => Content::Audio,
        () => Content::File,
    };
    Some(wrap(Media::inline(media_type, data)))
}

/// Why the model stopped, where the candidate says so.
/// <https://ai.google.dev/api/generate-content#FinishReason>
fn reason(candidate: &Object<'_>) -> Result<Option<FinishReason>, Failure> {
    let Some(word) = candidate.get("finishReason").and_then(json::text) else {
        return Ok(None);
    };
    match word.as_str() {
        "" | "FINISH_REASON_UNSPECIFIED" => Ok(None),
        "STOP" => Ok(Some(FinishReason::Stop)),
        "MAX_TOKENS" => Ok(Some(FinishReason::Length)),
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE"
        | "TOO_MANY_TOOL_CALLS"
        | "UNEXPECTED_TOOL_CALL" => {
            let message = format!("the model stopped with {word}");
            Err(Failure::malformed(&message))
        }
        // SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII, LANGUAGE, OTHER, IMAGE_…
        _ => Ok(Some(FinishReason::ContentFilter)),
    }
}
