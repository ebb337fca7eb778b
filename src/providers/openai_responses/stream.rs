//! A streamed response, to events, with a verdict on whether it ended as a stream must.

mod item;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use self::item::OpenItem;
use super::answer::{self, Said, Spoken, string};
use crate::protocol::json::{self, Object};
use crate::protocol::{Answer, Choice, Event, FinishReason, assembly};
use crate::providers::chat_completions::{MAX_TOOL_CALLS, usage};
use crate::providers::decode::EventDecoder;
use crate::providers::failure::{Failure, FailureClass};
use crate::sse::SseEvent;

/// Decodes the events of one stream.
#[derive(Debug)]
pub(in crate::providers) struct Decoder {
    max_tokens: u32,
    /// The items that have begun and not ended, by their place in the output.
    open: BTreeMap<u64, OpenItem>,
    /// How many items have ended.
    ended: usize,
    /// Calls so far.
    calls: u32,
    spoken: Spoken,
    /// The event that ends the stream has come.
    over: bool,
}

impl Decoder {
    /// A decoder of a stream that has not begun. `max_tokens` is the bound that was sent.
    pub(in crate::providers) fn new(max_tokens: u32) -> Self {
        Self {
            max_tokens,
            open: BTreeMap::new(),
            ended: 0,
            calls: 0,
            spoken: Spoken::default(),
            over: false,
        }
    }
}

impl EventDecoder for Decoder {
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<(), Failure> {
        let data = event.data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        let object = Object::parse(data)
            .ok_or_else(|| Failure::malformed("an event of the stream is not a JSON object"))?;
        if let Some(failure) = Failure::told_by(&object) {
            return Err(failure);
        }
        let told = string(&object, "type");
        let kind = if told.is_empty() { &event.name } else { &told };
        match kind.as_str() {
            "error" => Err(Failure::of_object(&object)),
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.end(&object, events)
            }
            "response.output_item.added" => self.begin(&object, events),
            "response.output_item.done" => self.complete(&object, events),
            // What the parts of items bring, what says no more than they do, and what OpenAI will
            // think of.
            kind => {
                self.more(kind, &object, events);
                Ok(())
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn is_whole(&self, data: &str) -> bool {
        Object::parse(data).is_some()
    }

    fn finish(&mut self, _events: &mut Vec<Event>) -> Result<(), Failure> {
        if self.over {
            return Ok(());
        }
        let message = "the stream ended without response.completed";
        Err(Failure::new(FailureClass::Truncated, message))
    }
}

impl Decoder {
    fn begin(&mut self, object: &Object<'_>, events: &mut Vec<Event>) -> Result<(), Failure> {
        let malformed = || Failure::malformed("an item is no object");
        let item = object.get("item").and_then(Object::of);
        let item = OpenItem::new(&item.ok_or_else(malformed)?, self.calls, events);
        if item.is_call() {
            self.count_call()?;
        }
        self.open.insert(place(object), item);
        Ok(())
    }

    fn count_call(&mut self) -> Result<(), Failure> {
        self.calls = self.calls.saturating_add(1);
        self.spoken.calls = true;
        if usize::try_from(self.calls).is_ok_and(|calls| calls > MAX_TOOL_CALLS) {
            return Err(Failure::malformed("too many tool calls"));
        }
        Ok(())
    }

    fn more(&mut self, kind: &str, object: &Object<'_>, events: &mut Vec<Event>) {
        let kind = kind.strip_prefix("response.").unwrap_or(kind);
        if kind == "refusal.delta" {
            self.spoken.refusal = true;
        }
        if let Some(item) = self.open.get_mut(&place(object)) {
            item.more(kind, object, events);
        }
    }

    /// An item that is complete: what it has that was not streamed.
    fn complete(&mut self, object: &Object<'_>, events: &mut Vec<Event>) -> Result<(), Failure> {
        let raw = object.get("item");
        let raw = raw.ok_or_else(|| Failure::malformed("an item is missing"))?;
        self.ended = self.ended.saturating_add(1);
        match self.open.remove(&place(object)) {
            Some(item) if item.has_spoken() => {
                let whole = Object::of(raw).unwrap_or_default();
                item.end(&whole, events);
                Ok(())
            }
            _ => self.whole(raw, events),
        }
    }

    /// An item that came at once.
    fn whole(&mut self, raw: &RawValue, events: &mut Vec<Event>) -> Result<(), Failure> {
        let mut said = Said::default();
        said.item(raw)?;
        if said.parts.is_empty() {
            return Ok(());
        }
        let first = self.calls;
        let is_call = said.parts.iter().any(|part| part.tool_call().is_some());
        if is_call {
            self.count_call()?;
        }
        self.spoken.refusal |= said.refused();
        let choice = Choice {
            logprobs: said.logprobs,
            ..Choice::new(said.parts, FinishReason::Stop)
        };
        let answer = Answer {
            choices: vec![choice],
            ..Answer::default()
        };
        let replayed = assembly::replay(&answer).into_iter();
        events.extend(replayed.filter_map(|event| numbered(event, first)));
        if !is_call {
            events.push(Event::PartEnd { choice: 0 });
        }
        Ok(())
    }

    fn end(&mut self, object: &Object<'_>, events: &mut Vec<Event>) -> Result<(), Failure> {
        let malformed = || Failure::malformed("the end of the stream has no response");
        let response = object.get("response").and_then(Object::of);
        let response = response.ok_or_else(malformed)?;
        if let Some(failure) = Failure::told_by(&response) {
            return Err(failure);
        }
        // Some tell of items at the end only.
        let open = self.open.values().filter(|item| item.has_spoken());
        let told = self.ended.saturating_add(open.count());
        let items = response.get("output").and_then(json::elements);
        for raw in items.unwrap_or_default().into_iter().skip(told) {
            self.whole(raw, events)?;
        }
        let usage = usage(&response);
        let reason = answer::ending(&response, self.spoken, usage, self.max_tokens)?;
        self.over = true;
        let tier = response.get("service_tier").and_then(json::text);
        events.extend(tier.map(Event::ServiceTier));
        events.extend(usage.map(Event::Usage));
        events.push(Event::Finish {
            choice: 0,
            reason,
            stop_sequence: None,
        });
        Ok(())
    }
}

/// An event of an item among others: its only call is number `first`, and it ends no answer.
fn numbered(mut event: Event, first: u32) -> Option<Event> {
    match &mut event {
        Event::Finish { .. } => return None,
        Event::ToolCall { index, .. } => *index = first,
        _ => {}
    }
    Some(event)
}

/// Which item an event is about.
fn place(object: &Object<'_>) -> u64 {
    let index = object.get("output_index").map(|raw| raw.get().parse());
    index.and_then(Result::ok).unwrap_or_default()
}
