//! Server-sent events: an incremental decoder that takes bytes split anywhere, and an encoder.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>

use serde::Serialize;

/// The longest line and the largest event, in bytes.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// An event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    /// The event's type; empty where the stream names none, which means `message`.
    pub name: String,
    /// The data, lines joined by LF.
    pub data: String,
    /// The last id that the stream has named; empty where none.
    pub id: String,
}

/// A line or an event is larger than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server-sent event exceeds {MAX_EVENT_BYTES} bytes")]
pub struct TooLarge;

/// Decodes a stream as its bytes come.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last byte was CR: an LF after it belongs to the same line end.
    after_carriage_return: bool,
    /// The first line has ended, so no byte order mark can follow.
    begun: bool,
    data: String,
    has_data: bool,
    name: String,
    id: String,
}

impl Decoder {
    /// Takes bytes and gives the events that are complete with them.
    ///
    /// # Errors
    /// [`TooLarge`]; the decoder is of no use afterwards.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Vec<SseEvent>, TooLarge> {
        let mut events = Vec::new();
        if self.after_carriage_return && !bytes.is_empty() {
            self.after_carriage_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some((head, end, tail)) = split_line(bytes) {
            bytes = tail;
            if end == b'\r' {
                self.after_carriage_return = tail.is_empty();
                bytes = tail.strip_prefix(b"\n").unwrap_or(tail);
            }
            if self.line.is_empty() {
                self.line_ended(head, &mut events)?;
            } else {
                self.buffer(head)?;
                let line = std::mem::take(&mut self.line);
                self.line_ended(&line, &mut events)?;
            }
        }
        self.buffer(bytes)?;
        Ok(events)
    }

    /// Ends the stream and gives the event that lacked only its blank line. The specification drops
    /// it; providers that end with `data: [DONE]` and a single line end are why it is kept here.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn finish(mut self) -> Result<Option<SseEvent>, TooLarge> {
        let mut events = Vec::new();
        let line = std::mem::take(&mut self.line);
        self.line_ended(&line, &mut events)?;
        self.dispatch(&mut events);
        Ok(events.pop())
    }

    fn buffer(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        check_size(self.line.len(), bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_ended(&mut self, line: &[u8], events: &mut Vec<SseEvent>) -> Result<(), TooLarge> {
        check_size(line.len(), 0)?;
        let first = !std::mem::replace(&mut self.begun, true);
        let line = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if first => rest,
            _ => line,
        };
        if line.is_empty() {
            self.dispatch(events);
            return Ok(());
        }
        let (field, value) = split_field(line);
        match field {
            b"data" => self.append(value),
            b"event" => {
                self.name = String::from_utf8_lossy(value).into_owned();
                Ok(())
            }
            b"id" if !value.contains(&0) => {
                self.id = String::from_utf8_lossy(value).into_owned();
                Ok(())
            }
            // Comments (an empty field name), `retry`, and what nobody defined.
            _ => Ok(()),
        }
    }

    fn append(&mut self, value: &[u8]) -> Result<(), TooLarge> {
        check_size(self.data.len(), value.len())?;
        if self.has_data {
            self.data.push('\n');
        }
        self.has_data = true;
        self.data.push_str(&String::from_utf8_lossy(value));
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<SseEvent>) {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if std::mem::take(&mut self.has_data) {
            let id = self.id.clone();
            events.push(SseEvent { name, data, id });
        }
    }
}

/// Splits at the first line end: what is before it, its first byte, what is after that byte.
fn split_line(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let at = bytes
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let (head, tail) = bytes.split_at_checked(at)?;
    let (end, tail) = tail.split_first()?;
    Some((head, *end, tail))
}

/// Splits a line at its first colon; one space after it is not part of the value.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = line.iter().position(|byte| *byte == b':');
    let Some((field, value)) = colon.and_then(|at| line.split_at_checked(at)) else {
        return (line, b"");
    };
    let value = value.strip_prefix(b":").unwrap_or(value);
    (field, value.strip_prefix(b" ").unwrap_or(value))
}

const fn check_size(length: usize, more: usize) -> Result<(), TooLarge> {
    if length.saturating_add(more) > MAX_EVENT_BYTES {
        return Err(TooLarge);
    }
    Ok(())
}

/// Appends an event of one JSON value.
pub fn write_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // JSON text has no line breaks of its own. A value that cannot be serialised leaves no trace.
    let length = out.len();
    out.extend_from_slice(b"data: ");
    match serde_json::to_writer(&mut *out, value) {
        Ok(()) => out.extend_from_slice(b"\n\n"),
        Err(_) => out.truncate(length),
    }
}

/// Appends an event of text, one `data` line for each of its lines.
pub fn write_data(out: &mut Vec<u8>, text: &str) {
    write_event(out, "", text);
}

/// Appends an event of a type. `name` must not hold line breaks; they are left out.
pub fn write_event(out: &mut Vec<u8>, name: &str, text: &str) {
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend(name.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
        out.push(b'\n');
    }
    let mut rest = text.as_bytes();
    loop {
        out.extend_from_slice(b"data: ");
        let Some((line, end, tail)) = split_line(rest) else {
            out.extend_from_slice(rest);
            out.extend_from_slice(b"\n\n");
            return;
        };
        out.extend_from_slice(line);
        out.push(b'\n');
        rest = match end {
            b'\r' => tail.strip_prefix(b"\n").unwrap_or(tail),
            _ => tail,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<SseEvent> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        for chunk in chunks {
            events.extend(decoder.feed(chunk).unwrap());
        }
        events.extend(decoder.finish().unwrap());
        events
    }

    fn data(text: &str) -> Vec<String> {
        let events = decode(&[text.as_bytes()]);
        events.into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(data("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
        let stream = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
        let events = decode(&[stream.as_bytes()]);
        let shown: Vec<_> = events
            .iter()
            .map(|event| (event.data.as_str(), event.id.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("first event", "1"),
                ("second event", ""),
                (" third event", "")
            ]
        );
        assert_eq!(data("data\n\ndata\ndata\n\ndata:"), ["", "\n", ""]);
        assert_eq!(data("data:test\n\ndata: test\n\n"), ["test", "test"]);
    }

    #[test]
    fn every_line_end_ends_a_line() {
        for end in ["\n", "\r", "\r\n"] {
            let text = "data: a\ndata: b\n\nevent: e\ndata: c\n\n".replace('\n', end);
            let events = decode(&[text.as_bytes()]);
            assert_eq!(events.len(), 2, "{end:?}");
            assert_eq!(
                (events[0].data.as_str(), events[1].name.as_str()),
                ("a\nb", "e")
            );
        }
    }

    #[test]
    fn what_carries_no_data_is_no_event() {
        assert_eq!(
            data(": keepalive\n\nevent: e\n\nretry: 5\nunknown: x\n\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_start() {
        assert_eq!(data("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n"), ["a"]);
    }

    #[test]
    fn an_id_with_nul_is_ignored() {
        let events = decode(&[b"id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n"]);
        assert_eq!(events[1].id, "7");
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let chunk = vec![b'x'; 64 * 1024];
        let mut decoder = Decoder::default();
        let fed = (0..17).try_for_each(|_| decoder.feed(&chunk).map(drop));
        assert_eq!(fed, Err(TooLarge));
        let line = [b"data: ".as_slice(), &chunk, b"\n"].concat();
        let mut decoder = Decoder::default();
        let fed = (0..17).try_for_each(|_| decoder.feed(&line).map(drop));
        assert_eq!(fed, Err(TooLarge));
        let long = [vec![b'x'; MAX_EVENT_BYTES + 1], vec![b'\n']].concat();
        assert_eq!(Decoder::default().feed(&long), Err(TooLarge));
    }

    #[test]
    fn text_with_line_breaks_survives() {
        let mut out = Vec::new();
        write_event(&mut out, "na\nme", "a\nb\r\nc\rd\n");
        let events = decode(&[&out]);
        assert_eq!(
            (events[0].name.as_str(), events[0].data.as_str()),
            ("name", "a\nb\nc\nd\n")
        );
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            Just(b"data:".to_vec()),
            Just(b" ".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            Just(b"\n\n".to_vec()),
            Just("日本語🚀é".as_bytes().to_vec()),
            Just(b"event: e\n".to_vec()),
            Just(b"id: 1\n".to_vec()),
            Just(b": c\n".to_vec()),
            Just(BYTE_ORDER_MARK.to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
    }

    /// Streams with every trap: characters of four bytes, all line ends, comments, a byte order mark,
    /// several lines of data, the shapes of real providers.
    const STREAMS: [&str; 6] = [
        "\u{FEFF}data: {\"a\":\"日本語🚀é\"}\r\n\r\ndata:x\n\n",
        ": keep-alive\n\nevent: content_block_delta\rdata: 1\rdata: 2\r\rdata: [DONE]",
        "event: ping\r\ndata: {}\r\n\r\nid: 7\r\ndata\r\n\r\ndata:\r\n\r\n",
        "data: {\"response\":\"é\"}\n\ndata: {\"response\":\"\",\"usage\":{}}\n\ndata: [DONE]\n\n",
        "retry: 5\n\n\n\r\n\r\r\ndata: 🚀🚀\ndata: ñ\n\nid: 8\0\ndata: z\n\n",
        "event: error\ndata: {\"error\":{\"message\":\"ü\"}}\n\n",
    ];

    #[test]
    fn a_million_random_splits_give_the_same_events() {
        let whole = STREAMS.map(|stream| decode(&[stream.as_bytes()]));
        // A linear congruential generator: the same splits each time.
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..1_000_000 {
            let which = random(STREAMS.len());
            let mut rest = STREAMS[which].as_bytes();
            let mut chunks = Vec::with_capacity(8);
            while !rest.is_empty() {
                let (chunk, more) = rest.split_at(1 + random(rest.len()));
                chunks.push(chunk);
                rest = more;
            }
            assert_eq!(decode(&chunks), whole[which], "{chunks:?}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            bytes in stream(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len().saturating_add(1))).collect();
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                chunks.push(&bytes[from..cut]);
                from = cut;
            }
            prop_assert_eq!(decode(&chunks), decode(&[&bytes]));
        }

        #[test]
        fn every_byte_apart_gives_the_same_events(bytes in stream()) {
            let chunks: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(decode(&chunks), decode(&[&bytes]));
        }

        #[test]
        fn what_is_written_is_read(text in "[^\r]{0,40}") {
            let mut out = Vec::new();
            write_data(&mut out, &text);
            let events = decode(&[&out]);
            prop_assert_eq!(&events[0].data, &text);
        }
    }
}
