//! What every wire in does with an answer: write it, whole or event by event.

use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::{Event, Source};
use crate::usage::Usage;

/// What stands around an answer, whole or streamed.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The request's id, of which each wire makes its own.
    pub request: String,
    /// Unix seconds.
    pub created: u64,
    /// What the request is for.
    pub operation: String,
    /// The model that answered.
    pub model: String,
    /// What grounds the answer; the field is left out where there is nothing.
    pub sources: Vec<Source>,
}

/// Writes a streamed answer in the caller's wire. Each method appends bytes to `out`.
pub trait StreamWriter {
    /// Writes an event.
    fn push(&mut self, event: &Event, out: &mut Vec<u8>);

    /// Ends a whole stream. `usage` and `cost` are those of the whole request.
    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>);

    /// Ends a stream that failed, in a way that no client takes for a whole answer.
    fn error(&mut self, error: &Error, out: &mut Vec<u8>);

    /// Hears, before the end, that the answer could not be stored as the caller wished.
    fn unstored(&mut self) {}

    /// Writes something that says nothing, so that no proxy takes a slow stream for a dead one.
    fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b": keep-alive\n\n");
    }
}
