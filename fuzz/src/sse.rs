//! The codec of event streams.

use esclusa::sse::{Decoder, SseEvent, TooLarge, write_event, write_json};

use super::splits::split;

/// Every splitting gives the same events, and what is written is read again.
pub(crate) fn sse(bytes: &[u8]) {
    let whole = decode(&[bytes]);
    assert_eq!(decode(&split(bytes, 1)), whole, "split one way");
    assert_eq!(decode(&split(bytes, 2)), whole, "split another way");
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(decode(&each), whole, "every byte apart");
    if let Ok(events) = whole {
        rewritten(&events);
    }
    let text = String::from_utf8_lossy(bytes);
    written_as_json(&text);
}

fn decode(chunks: &[&[u8]]) -> Result<Vec<SseEvent>, TooLarge> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(decoder.feed(chunk)?);
    }
    events.extend(decoder.finish()?);
    Ok(events)
}

fn rewritten(events: &[SseEvent]) {
    let mut out = Vec::new();
    for event in events {
        write_event(&mut out, &event.name, &event.data);
    }
    let again = decode(&[&out]).expect("as large as before");
    let said = |events: &[SseEvent]| -> Vec<(String, String)> {
        let pairs = events
            .iter()
            .map(|event| (event.name.clone(), event.data.clone()));
        pairs.collect()
    };
    assert_eq!(said(&again), said(events), "written and read");
}

fn written_as_json(text: &str) {
    let mut out = Vec::new();
    write_json(&mut out, text);
    let events = decode(&[&out]).expect("one event");
    let [event] = events.as_slice() else {
        panic!("not one event: {events:?}");
    };
    let read: String = serde_json::from_str(&event.data).expect("JSON");
    assert_eq!(read, text, "written as JSON and read");
}
