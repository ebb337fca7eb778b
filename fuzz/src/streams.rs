//! Providers' streams.

use std::collections::BTreeSet;

use esclusa::config::Wire;
use esclusa::protocol::Event;
use esclusa::providers::{Failure, StreamDecoder};
use esclusa::sse::SseEvent;

use super::splits::split;
use super::written;

/// The bound of output that the request has sent.
pub(crate) const BOUND: u32 = 100;

/// Every splitting gives the same events; a stream that ended well has one end for each choice, and
/// can be written for every caller.
pub(crate) fn stream(wire: Wire, bytes: &[u8]) {
    let whole = decode(wire, &[bytes]);
    assert_eq!(decode(wire, &split(bytes, 1)), whole, "split one way");
    assert_eq!(decode(wire, &split(bytes, 2)), whole, "split another way");
    if whole.result.is_ok() {
        check_ends(&whole.events);
        written::answer(&written::assemble(&whole.events));
    }
    written::stream(&whole.events);
    written::forwarded(wire, &whole.raw);
}

#[derive(Debug, PartialEq)]
struct Decoded {
    events: Vec<Event>,
    raw: Vec<SseEvent>,
    result: Result<(), Failure>,
}

fn decode(wire: Wire, chunks: &[&[u8]]) -> Decoded {
    let mut decoder = StreamDecoder::new(wire, BOUND).keeping_raw();
    let mut events = Vec::new();
    let mut feed = || {
        for chunk in chunks {
            decoder.feed(chunk, &mut events)?;
        }
        decoder.finish(&mut events)
    };
    let result = feed();
    let raw = decoder.take_raw();
    Decoded {
        events,
        raw,
        result,
    }
}

/// The events of a choice end with exactly one [`Event::Finish`]; nothing follows it but usage.
fn check_ends(events: &[Event]) {
    let mut begun = BTreeSet::new();
    let mut ended = BTreeSet::new();
    for event in events {
        let Some(choice) = choice_of(event) else {
            continue;
        };
        begun.insert(choice);
        assert!(!ended.contains(&choice), "after its end: {event:?}");
        if matches!(event, Event::Finish { .. }) {
            ended.insert(choice);
        }
    }
    assert_eq!(begun, ended, "choices without an end");
    assert!(
        !ended.is_empty(),
        "a stream without an answer is no success"
    );
}

const fn choice_of(event: &Event) -> Option<u32> {
    match event {
        Event::Citation { choice, .. }
        | Event::Finish { choice, .. }
        | Event::Logprobs { choice, .. }
        | Event::PartEnd { choice }
        | Event::Reasoning { choice, .. }
        | Event::ReasoningSignature { choice, .. }
        | Event::Refusal { choice, .. }
        | Event::Text { choice, .. }
        | Event::ToolCall { choice, .. }
        | Event::Whole { choice, .. } => Some(*choice),
        Event::ServiceTier(_) | Event::Usage(_) => None,
    }
}
