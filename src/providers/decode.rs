//! A provider's answer, whole or streamed, to the internal model.

use super::failure::{Failure, FailureClass};
use super::{anthropic, chat_completions, gemini, openai_responses};
use crate::config::Wire;
use crate::protocol::json::Object;
use crate::protocol::{Answer, Event};
use crate::sse::{self, SseEvent};
use crate::usage::Usage;

/// Reads a whole answer of status 2xx. `max_tokens` is the bound that was sent: a model that does
/// not say why it stopped and used that many was cut off.
///
/// # Errors
/// The failure that the body tells of, or [`FailureClass::Malformed`].
pub fn decode_answer(wire: Wire, max_tokens: u32, body: &[u8]) -> Result<Answer, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| Failure::malformed("not UTF-8"))?;
    match wire {
        Wire::OpenAiChat | Wire::WorkersAiChat | Wire::WorkersAiNative => {
            chat_completions::decode(wire, max_tokens, text)
        }
        Wire::Anthropic => anthropic::decode(max_tokens, text),
        Wire::Gemini => gemini::decode(text),
        Wire::OpenAiResponses => openai_responses::decode(max_tokens, text),
    }
}

/// What a whole answer of status 2xx says that it used, also one that is of no other use. `None` where
/// it cannot be read, or says nothing that can be true.
#[must_use]
pub fn told_usage(wire: Wire, body: &[u8]) -> Option<Usage> {
    let object = Object::parse(std::str::from_utf8(body).ok()?)?;
    match wire {
        Wire::Anthropic => anthropic::usage(&chat_completions::unwrapped(object)),
        Wire::Gemini => gemini::usage(&object),
        Wire::OpenAiChat | Wire::OpenAiResponses | Wire::WorkersAiChat | Wire::WorkersAiNative => {
            chat_completions::usage(&chat_completions::unwrapped(object))
        }
    }
}

/// The object of a whole answer.
///
/// # Errors
/// The failure that it tells of, or [`FailureClass::Malformed`] for a body that is none.
pub(super) fn answer_object(text: &str) -> Result<Object<'_>, Failure> {
    let object = Object::parse(text).ok_or_else(|| Failure::not_an_object(text))?;
    Failure::told_by(&object).map_or(Ok(object), Err)
}

/// Reads the events of one wire.
pub(super) trait EventDecoder {
    /// Takes an event of the stream and appends what it says.
    ///
    /// # Errors
    /// The failure that it tells of, or [`FailureClass::Malformed`].
    fn event(&mut self, event: &SseEvent, events: &mut Vec<Event>) -> Result<(), Failure>;

    /// Whether the stream has said that it is over: what follows is no part of it.
    fn is_over(&self) -> bool {
        false
    }

    /// Whether `data` is a whole event, not the beginning of one that was cut off.
    fn is_whole(&self, data: &str) -> bool;

    /// Ends the stream: appends what was held back and the finish of each choice.
    ///
    /// # Errors
    /// [`FailureClass::Truncated`] for a stream that lacks its proper end, [`FailureClass::Malformed`]
    /// for one that brought no answer at all.
    fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Failure>;
}

/// Decodes one stream. Feed it bytes as they come, then call [`Self::finish`].
///
/// The events of a choice end with exactly one [`Event::Finish`]; nothing follows it but usage.
pub struct StreamDecoder {
    sse: sse::Decoder,
    wire: Box<dyn EventDecoder>,
    /// The events as they came, where somebody wants to forward them.
    raw: Option<Vec<SseEvent>>,
}

impl StreamDecoder {
    /// A decoder of a stream that has not begun. `max_tokens` is the bound that was sent: a model
    /// that does not say why it stopped and used that many was cut off.
    #[must_use]
    pub fn new(wire: Wire, max_tokens: u32) -> Self {
        let wire: Box<dyn EventDecoder> = match wire {
            Wire::Anthropic => Box::new(anthropic::Decoder::new(max_tokens)),
            Wire::Gemini => Box::new(gemini::Decoder::default()),
            Wire::OpenAiResponses => Box::new(openai_responses::Decoder::new(max_tokens)),
            _ => Box::new(chat_completions::Decoder::new(wire, max_tokens)),
        };
        Self {
            sse: sse::Decoder::default(),
            wire,
            raw: None,
        }
    }

    /// The same decoder, which also keeps the stream's own events for [`Self::take_raw`].
    #[must_use]
    pub fn keeping_raw(mut self) -> Self {
        self.raw = Some(Vec::new());
        self
    }

    /// The stream's own events since the last call, in order.
    pub fn take_raw(&mut self) -> Vec<SseEvent> {
        self.raw.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes bytes and appends the events that are complete with them.
    ///
    /// # Errors
    /// The failure that the stream tells of, or [`FailureClass::Malformed`]. Events before it have
    /// been appended; the decoder is of no use afterwards.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Failure> {
        let decoded = self.sse.feed(bytes).map_err(too_large)?;
        decoded
            .into_iter()
            .try_for_each(|event| self.take(event, events))
    }

    /// Ends the stream: appends what was held back and the finish of each choice.
    ///
    /// # Errors
    /// [`FailureClass::Truncated`] for a stream that lacks its proper end, [`FailureClass::Malformed`]
    /// for one that brought no answer at all.
    pub fn finish(&mut self, events: &mut Vec<Event>) -> Result<(), Failure> {
        let last = std::mem::take(&mut self.sse).finish();
        // Half an event is not malformed but cut off.
        let last = last.map_err(too_large)?;
        if let Some(event) = last.filter(|event| self.wire.is_whole(&event.data)) {
            self.take(event, events)?;
        }
        self.wire.finish(events)
    }

    fn take(&mut self, event: SseEvent, events: &mut Vec<Event>) -> Result<(), Failure> {
        if self.wire.is_over() {
            return Ok(());
        }
        self.wire.event(&event, events)?;
        if let Some(raw) = &mut self.raw {
            raw.push(event);
        }
        Ok(())
    }
}

fn too_large(error: sse::TooLarge) -> Failure {
    Failure::new(FailureClass::Malformed, &error.to_string())
}
