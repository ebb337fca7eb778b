//! A streamed message, to events, with a verdict on whether it ended as a stream must.

mod block;

use std::collections::BTreeMap;

use self::block::OpenBlock;
use super::answer::{self, Tokens};
use crate::protocol::json::{self, Object};
use crate::protocol::openai_chat::message::MAX_TOOL_CALLS;
use crate::protocol::{Event, FinishReason};
use crate::providers::decode::EventDecoder;
use crate::providers::failure::{Failure, FailureClass};
use crate::sse::SseEvent;

/// Decodes the events of one stream.
#[derive(Debug)]
pub(in crate::providers) struct Decoder {
    max_tokens: u32,
    tokens: Tokens,
    service_tier: Option<String>,
    blocks: BTreeMap<u64, OpenBlock>,
    /// Calls so far.
    calls: u32,
    begun: bool,
    reason: Option<FinishReason>,
    stop_sequence: Option<String>,
    /// `message_stop` has come.
    stopped: bool,
}

impl Decoder {
    /// A decoder of a stream that has not begun. `max_tokens` is the bound that was sent.
    pub(in crate::providers) fn new(max_tokens: u32) -> Self {
        Self {
            max_tokens,
            tokens: Tokens::default(),
            service_tier: None,
            blocks: BTreeMap::new(),
            calls: 0,
            begun: false,
            reason: None,
            stop_sequence: None,
            stopped: false,
        }
    }
}

impl EventDecoder for Decoder {
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<(), Failure> {
        let data = event.data.trim();
        if data.is_empty() {
            return Ok(());
        }
        let object = Object::parse(data)
            .ok_or_else(|| Failure::malformed("an event of the stream is not a JSON object"))?;
        if let Some(failure) = Failure::told_by(&object) {
            return Err(failure);
        }
        let told = object.get("type").and_then(json::text);
        match told.as_deref().unwrap_or(&event.name) {
            "content_block_delta" => self.delta(&object, events),
            "content_block_start" => return self.start(&object, events),
            "content_block_stop" => self.stop(&object, events),
            "error" => {
                let message = "the stream ended with an event of type error";
                return Err(Failure::new(FailureClass::ServerError, message));
            }
            "message_delta" => self.ending(&object, events),
            "message_start" => self.begin(&object),
            "message_stop" => self.end(events),
            // Pings, and what Anthropic will think of.
            _ => {}
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stopped
    }

    fn is_whole(&self, data: &str) -> bool {
        Object::parse(data).is_some()
    }

    fn finish(&mut self, _events: &mut Vec<Event>) -> Result<(), Failure> {
        if !self.stopped {
            let message = "the stream ended without message_stop";
            return Err(Failure::new(FailureClass::Truncated, message));
        }
        if !self.begun {
            return Err(Failure::malformed("the stream brought no answer"));
        }
        Ok(())
    }
}

impl Decoder {
    /// Nothing is told yet: until the first block another model can take over.
    fn begin(&mut self, object: &Object<'_>) {
        self.begun = true;
        let message = object.get("message").and_then(Object::of);
        let usage = message.and_then(|message| Object::of(message.get("usage")?));
        if let Some(usage) = usage {
            self.count(&usage);
        }
    }

    fn count(&mut self, usage: &Object<'_>) {
        self.tokens.update(usage);
        self.service_tier = answer::tier(usage).or(self.service_tier.take());
    }

    fn tell_tier(&mut self, events: &mut Vec<Event>) {
        events.extend(self.service_tier.take().map(Event::ServiceTier));
    }

    fn start(&mut self, object: &Object<'_>, events: &mut Vec<Event>) -> Result<(), Failure> {
        self.begun = true;
        self.tell_tier(events);
        let malformed = || Failure::malformed("a block is no object");
        let raw = object.get("content_block").ok_or_else(malformed)?;
        let block = OpenBlock::new(raw, self.calls, events).ok_or_else(malformed)?;
        if block.is_call() {
            self.calls = self.calls.saturating_add(1);
        }
        if usize::try_from(self.calls).is_ok_and(|calls| calls > MAX_TOOL_CALLS) {
            return Err(Failure::malformed("too many tool calls"));
        }
        if let Some(before) = self.blocks.insert(index(object), block) {
            before.stop(events);
        }
        Ok(())
    }

    fn delta(&mut self, object: &Object<'_>, events: &mut Vec<Event>) {
        let delta = object.get("delta").and_then(Object::of);
        if let (Some(block), Some(delta)) = (self.blocks.get_mut(&index(object)), delta) {
            block.delta(&delta, events);
        }
    }

    fn stop(&mut self, object: &Object<'_>, events: &mut Vec<Event>) {
        if let Some(block) = self.blocks.remove(&index(object)) {
            block.stop(events);
        }
    }

    fn ending(&mut self, object: &Object<'_>, events: &mut Vec<Event>) {
        if let Some(delta) = object.get("delta").and_then(Object::of) {
            let word = delta.get("stop_reason").and_then(json::text);
            self.reason = word.map(|word| answer::reason(&word)).or(self.reason);
            self.stop_sequence = delta.get("stop_sequence").and_then(json::text);
        }
        if let Some(usage) = object.get("usage").and_then(Object::of) {
            self.count(&usage);
        }
        // What the beginning says of the output is no more than a first guess.
        events.extend(self.tokens.usage().map(Event::Usage));
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.stopped = true;
        for (_, block) in std::mem::take(&mut self.blocks) {
            block.stop(events);
        }
        self.tell_tier(events);
        if self.begun {
            let usage = self.tokens.usage();
            events.push(Event::Finish {
                choice: 0,
                reason: answer::settle(self.reason, self.calls > 0, usage, self.max_tokens),
                stop_sequence: self.stop_sequence.take(),
            });
        }
    }
}

/// Which block an event is about.
fn index(object: &Object<'_>) -> u64 {
    let index = object.get("index").map(|raw| raw.get().parse());
    index.and_then(Result::ok).unwrap_or_default()
}
