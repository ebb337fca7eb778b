mod answers;
mod requests;
mod streams;

use std::fmt::Write as _;

use super::*;
use crate::config::{Quirks, Wire};
use crate::protocol::Event;
use crate::providers::{Failure, StreamDecoder};

/// The bound of output that the requests have sent.
const BOUND: u32 = 100;

fn quirks() -> Quirks {
    let google = crate::config::catalogue().unwrap().provider("google");
    google.unwrap().quirks("gemini-2.5-flash")
}

/// Feeds a stream in chunks of `size` bytes.
fn decode_stream(body: &[u8], size: usize) -> (Vec<Event>, Result<(), Failure>) {
    let mut decoder = StreamDecoder::new(Wire::Gemini, BOUND);
    let mut events = Vec::new();
    let fed = body
        .chunks(size)
        .try_for_each(|chunk| decoder.feed(chunk, &mut events));
    let result = fed.and_then(|()| decoder.finish(&mut events));
    (events, result)
}

/// The chunks of a stream as server-sent events.
fn sse(chunks: &[&str]) -> String {
    let mut body = String::new();
    for chunk in chunks {
        write!(body, "data: {chunk}\r\n\r\n").unwrap();
    }
    body
}
