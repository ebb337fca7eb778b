//! What callers are sent: whatever a provider answered, each wire can say it.

use esclusa::config::Wire;
use esclusa::error::{Error, Kind};
use esclusa::money::Nanos;
use esclusa::protocol::assembly::{Assembler, replay};
use esclusa::protocol::dialect::Bill;
use esclusa::protocol::forward::Forwarder;
use esclusa::protocol::gemini::Framing;
use esclusa::protocol::writer::Head;
use esclusa::protocol::{Answer, ChatRequest, Dialect, Event};
use esclusa::sse::{Decoder, SseEvent};
use esclusa::usage::Usage;
use serde::de::IgnoredAny;

/// Every wire that callers speak.
pub(crate) const DIALECTS: [Dialect; 7] = [
    Dialect::Anthropic,
    Dialect::Gemini(Framing::Array),
    Dialect::Gemini(Framing::Events),
    Dialect::OpenAiChat,
    Dialect::OpenAiResponses,
    Dialect::Run,
    Dialect::WorkersAi,
];

/// An answer can be said whole and as a stream to every caller, and is the same when it is replayed.
pub(crate) fn answer(answer: &Answer) {
    let events = replay(answer);
    assert_eq!(assemble(&events), *answer, "replayed and assembled");
    let request = ChatRequest::default();
    let usage = Usage::estimate(40, 8);
    for dialect in DIALECTS {
        let bill = bill(&usage);
        is_json(&dialect.render(&request, answer, &head(), bill));
    }
    stream(&events);
}

/// The answer that events make.
pub(crate) fn assemble(events: &[Event]) -> Answer {
    let mut assembler = Assembler::default();
    for event in events {
        assembler.push(event);
    }
    assembler.finish()
}

/// Events can be said to every caller, whether the stream ends well or badly.
pub(crate) fn stream(events: &[Event]) {
    let usage = Usage::estimate(40, 8);
    let error = Error::new(Kind::UpstreamFailed, "The model failed. Retry.");
    for dialect in DIALECTS {
        let mut whole = Vec::new();
        let mut broken = Vec::new();
        let request = ChatRequest::default();
        let mut writer = dialect.writer(&request, head());
        let mut breaking = dialect.writer(&request, head());
        for event in events {
            writer.push(event, &mut whole);
            breaking.push(event, &mut broken);
        }
        writer.keep_alive(&mut whole);
        writer.finish(&usage, Nanos::new(1), &mut whole);
        breaking.error(&error, &mut broken);
        for out in [whole, broken] {
            match dialect {
                Dialect::Gemini(Framing::Array) => is_json(&out),
                _ => is_stream(&out),
            }
        }
    }
}

/// A stream that is forwarded is still one.
pub(crate) fn forwarded(wire: Wire, events: &[SseEvent]) {
    let usage = Usage::estimate(40, 8);
    for dialect in DIALECTS {
        let Some(mut forwarder) = Forwarder::new(dialect, wire, true) else {
            continue;
        };
        let mut out = Vec::new();
        for event in events {
            forwarder.push(event, &mut out);
        }
        forwarder.finish(bill(&usage), &mut out);
        is_stream(&out);
    }
}

/// Panics unless bytes are one JSON text.
pub(crate) fn is_json(bytes: &[u8]) {
    let read = serde_json::from_slice::<IgnoredAny>(bytes);
    assert!(read.is_ok(), "not JSON: {}", String::from_utf8_lossy(bytes));
}

fn is_stream(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    let events = decoder.feed(bytes).expect("events of a bounded size");
    let rest = decoder.finish().expect("events of a bounded size");
    assert_eq!(rest, None, "the last event has no end");
    for event in events {
        if event.data.trim() != "[DONE]" {
            is_json(event.data.as_bytes());
        }
    }
}

fn bill(usage: &Usage) -> Bill<'_> {
    Bill {
        usage,
        cost: Nanos::new(1),
    }
}

fn head() -> Head {
    Head {
        request: "1".to_owned(),
        created: 1_800_000_000,
        operation: "chat".into(),
        model: "@cf/x/y".to_owned(),
        sources: Vec::new(),
    }
}
