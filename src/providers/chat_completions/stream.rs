//! A streamed answer in either of the two shapes, to events, with a verdict on whether it ended as
//! a stream must.

use serde_json::value::RawValue;

use super::answer::{self, CallFields, MAX_CHOICES, MAX_TOOL_CALLS};
use super::think::{Piece, Splitter};
use crate::config::Wire;
use crate::protocol::json::{self, Object};
use crate::protocol::{Event, FinishReason};
use crate::providers::decode::EventDecoder;
use crate::providers::failure::{Failure, FailureClass};
use crate::sse::SseEvent;
use crate::usage::Usage;

/// Decodes the events of one stream.
#[derive(Debug)]
pub(in crate::providers) struct Decoder {
    wire: Wire,
    max_tokens: u32,
    choices: Vec<ChoiceState>,
    usage: Option<Usage>,
    service_tier: Option<String>,
    /// `[DONE]` has come.
    done: bool,
}

#[derive(Debug)]
struct ChoiceState {
    /// Parts reasoning from text until the provider shows that it does so itself.
    splitter: Option<Splitter>,
    calls: Vec<CallState>,
    finished: bool,
    /// The choice has been named by at least one chunk.
    begun: bool,
}

#[derive(Debug)]
struct CallState {
    /// The index in the provider's stream, where it gives one.
    wire_index: Option<usize>,
    wire_id: Option<String>,
    has_arguments: bool,
}

impl Decoder {
    /// A decoder of a stream that has not begun. `max_tokens` is the bound that was sent.
    pub(in crate::providers) const fn new(wire: Wire, max_tokens: u32) -> Self {
        Self {
            wire,
            max_tokens,
            choices: Vec::new(),
            usage: None,
            service_tier: None,
            done: false,
        }
    }
}

impl EventDecoder for Decoder {
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<(), Failure> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let Some(object) = Object::parse(data) else {
            return Err(Failure::malformed(
                "an event of the stream is not a JSON object",
            ));
        };
        if let Some(failure) = Failure::told_by(&object) {
            return Err(failure);
        }
        if event.name == "error" {
            let message = "the stream ended with an event of type error";
            return Err(Failure::new(FailureClass::ServerError, message));
        }
        if let Some(usage) = answer::usage(&object) {
            self.usage = Some(usage);
            events.push(Event::Usage(usage));
        }
        if let Some(tier) = object.get("service_tier").and_then(json::text)
            && self.service_tier.as_ref() != Some(&tier)
        {
            events.push(Event::ServiceTier(tier.clone()));
            self.service_tier = Some(tier);
        }
        self.chunk(&object, events)
    }

    fn is_over(&self) -> bool {
        self.done
    }

    fn is_whole(&self, data: &str) -> bool {
        data.trim() == "[DONE]" || Object::parse(data).is_some()
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Failure> {
        let begun = || self.choices.iter().filter(|choice| choice.begun);
        let all_finished = begun().next().is_some() && begun().all(|choice| choice.finished);
        if !self.done && !all_finished {
            let message = "the stream ended without [DONE] and without a finish reason";
            return Err(Failure::new(FailureClass::Truncated, message));
        }
        if begun().next().is_none() {
            return Err(Failure::malformed("the stream brought no answer"));
        }
        let cut = answer::is_cut(self.usage, self.max_tokens);
        for (index, choice) in (0_u32..).zip(&mut self.choices) {
            if choice.begun {
                choice.finish(index, None, cut, events);
            }
        }
        Ok(())
    }
}

impl Decoder {
    fn chunk(&mut self, object: &Object<'_>, events: &mut Vec<Event>) -> Result<(), Failure> {
        let choices = object
            .get("choices")
            .and_then(json::elements)
            .unwrap_or_default();
        if choices.is_empty() {
            return self.native(object, events);
        }
        for (position, raw) in choices.into_iter().enumerate() {
            let object =
                Object::of(raw).ok_or_else(|| Failure::malformed("a choice is no object"))?;
            let index = object
                .get("index")
                .and_then(answer::count)
                .unwrap_or(position);
            self.chat(index, &object, events)?;
        }
        Ok(())
    }

    fn native(&mut self, object: &Object<'_>, events: &mut Vec<Event>) -> Result<(), Failure> {
        let response = object.get("response").and_then(answer::content);
        let calls = object.get("tool_calls");
        let reason = answer::reason(object)?;
        if response.is_none() && calls.is_none() && reason.is_none() {
            return Ok(());
        }
        let choice = self.choice(0)?;
        if let Some(text) = response {
            choice.text(0, text, events);
        }
        if let Some(calls) = calls {
            choice.tool_calls(0, calls, true, events)?;
        }
        if reason.is_some() {
            choice.finish(0, reason, false, events);
        }
        Ok(())
    }

    fn chat(
        &mut self,
        position: usize,
        object: &Object<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let reason = answer::reason(object)?;
        let choice = self.choice(position)?;
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        // Some providers send a whole message, or a text completion, in place of a delta.
        let delta = object.first(&["delta", "message"]).and_then(Object::of);
        if let Some(delta) = &delta {
            if let Some(text) = answer::reasoning(delta) {
                choice.reasoning(index, text, events);
            }
            if let Some(text) = delta.get("refusal").and_then(json::text) {
                choice.refusal(index, text, events);
            }
            if let Some(text) = delta.get("content").and_then(answer::content) {
                choice.text(index, text, events);
            }
            if let Some(calls) = delta.get("tool_calls") {
                choice.tool_calls(index, calls, false, events)?;
            }
            if !choice.finished {
                let cited = answer::citations(delta).into_iter();
                events.extend(cited.map(|citation| Event::Citation {
                    choice: index,
                    citation,
                }));
            }
        } else if let Some(text) = object.get("text").and_then(answer::content) {
            choice.text(index, text, events);
        }
        let tokens = answer::logprobs(object);
        if !tokens.is_empty() && !choice.finished {
            events.push(Event::Logprobs {
                choice: index,
                tokens,
            });
        }
        if reason.is_some() {
            choice.finish(index, reason, false, events);
        }
        Ok(())
    }

    fn choice(&mut self, index: usize) -> Result<&mut ChoiceState, Failure> {
        let too_many = || Failure::malformed("too many choices");
        if index >= MAX_CHOICES {
            return Err(too_many());
        }
        while self.choices.len() <= index {
            self.choices.push(ChoiceState::new(self.wire));
        }
        let choice = self.choices.get_mut(index).ok_or_else(too_many)?;
        choice.begun = true;
        Ok(choice)
    }
}

impl ChoiceState {
    fn new(wire: Wire) -> Self {
        Self {
            splitter: wire.is_workers_ai().then(Splitter::default),
            calls: Vec::new(),
            finished: false,
            begun: false,
        }
    }

    fn text(&mut self, choice: u32, text: String, events: &mut Vec<Event>) {
        if self.finished || text.is_empty() {
            return;
        }
        match &mut self.splitter {
            Some(splitter) => {
                let pieces = splitter.push(&text);
                events.extend(pieces.into_iter().map(|piece| piece_event(choice, piece)));
            }
            None => events.push(Event::Text { choice, text }),
        }
    }

    fn reasoning(&mut self, choice: u32, text: String, events: &mut Vec<Event>) {
        if !self.finished {
            self.release(choice, events);
            events.push(Event::Reasoning { choice, text });
        }
    }

    fn refusal(&mut self, choice: u32, text: String, events: &mut Vec<Event>) {
        if !self.finished && !text.is_empty() {
            events.push(Event::Refusal { choice, text });
        }
    }

    /// Gives what the splitter holds back, and splits no more.
    fn release(&mut self, choice: u32, events: &mut Vec<Event>) {
        let held = self
            .splitter
            .take()
            .and_then(|mut splitter| splitter.finish());
        events.extend(held.map(|piece| piece_event(choice, piece)));
    }

    fn tool_calls(
        &mut self,
        choice: u32,
        raw: &RawValue,
        whole: bool,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        for item in json::elements(raw).unwrap_or_default() {
            let Some(object) = Object::of(item).filter(|_| !self.finished) else {
                continue;
            };
            let wire_index = object.get("index").and_then(answer::count);
            let fields = CallFields::of(&object);
            match self.known(wire_index, &fields, whole) {
                Some(index) => self.more(choice, index, fields, events),
                None => self.begin(choice, wire_index, fields, events)?,
            }
        }
        Ok(())
    }

    /// Which call a delta continues: by index, by id, or the last one where it has neither and no
    /// name. A native call without an index is always a whole new one.
    fn known(&self, wire_index: Option<usize>, fields: &CallFields, whole: bool) -> Option<usize> {
        if wire_index.is_some() {
            return self
                .calls
                .iter()
                .position(|call| call.wire_index == wire_index);
        }
        if fields.id.is_some() {
            return self.calls.iter().position(|call| call.wire_id == fields.id);
        }
        if whole || fields.name.is_some() {
            return None;
        }
        self.calls.len().checked_sub(1)
    }

    fn begin(
        &mut self,
        choice: u32,
        wire_index: Option<usize>,
        fields: CallFields,
        events: &mut Vec<Event>,
    ) -> Result<(), Failure> {
        let position = self.calls.len();
        if position >= MAX_TOOL_CALLS {
            return Err(Failure::malformed("too many tool calls"));
        }
        self.release(choice, events);
        let arguments = fields.arguments.unwrap_or_default();
        let number = usize::try_from(choice).unwrap_or(usize::MAX);
        let id = fields
            .id
            .clone()
            .unwrap_or_else(|| answer::generated_id(number, position));
        self.calls.push(CallState {
            wire_index,
            wire_id: fields.id,
            has_arguments: !arguments.is_empty(),
        });
        events.push(Event::ToolCall {
            choice,
            index: u32::try_from(position).unwrap_or(u32::MAX),
            id: Some(id),
            name: Some(fields.name.unwrap_or_default()),
            arguments,
            signature: fields.signature,
        });
        Ok(())
    }

    fn more(&mut self, choice: u32, index: usize, fields: CallFields, events: &mut Vec<Event>) {
        let arguments = fields.arguments.unwrap_or_default();
        let Some(call) = self.calls.get_mut(index).filter(|_| !arguments.is_empty()) else {
            return;
        };
        call.has_arguments = true;
        events.push(Event::ToolCall {
            choice,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            id: None,
            name: None,
            arguments,
            signature: None,
        });
    }

    /// Ends the choice, once: held text, `{}` for calls without arguments, and the reason.
    fn finish(
        &mut self,
        choice: u32,
        said: Option<FinishReason>,
        cut: bool,
        events: &mut Vec<Event>,
    ) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        self.release(choice, events);
        let bare = (0_u32..)
            .zip(&self.calls)
            .filter(|(_, call)| !call.has_arguments);
        events.extend(bare.map(|(index, _)| Event::ToolCall {
            choice,
            index,
            id: None,
            name: None,
            arguments: "{}".to_owned(),
            signature: None,
        }));
        let reason = answer::settle_reason(said, !self.calls.is_empty(), cut);
        events.push(Event::Finish {
            choice,
            reason,
            stop_sequence: None,
        });
    }
}

fn piece_event(choice: u32, piece: Piece) -> Event {
    match piece {
        Piece::Reasoning(text) => Event::Reasoning { choice, text },
        Piece::Text(text) => Event::Text { choice, text },
    }
}
