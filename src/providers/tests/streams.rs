use std::fmt::Write as _;

use super::{BOUND, decode_stream};
use crate::golden::assert_golden;
use crate::protocol::Event;
use crate::protocol::assembly::assemble;
use crate::providers::Wire::{OpenAiChat, WorkersAiChat, WorkersAiNative};
use crate::providers::{FailureClass, StreamDecoder, Wire};

fn sse(data: &[&str]) -> String {
    data.iter()
        .fold(String::new(), |text, data| text + "data: " + data + "\n\n")
}

fn delta(delta: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

fn finished(reason: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#)
}

fn call_delta(index: u32, fields: &str) -> String {
    delta(&format!(
        r#"{{"tool_calls":[{{"index":{index},{fields}}}]}}"#
    ))
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn streams() -> Vec<(&'static str, Wire, String)> {
    let usage =
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#;
    let text = |text: &str| delta(&format!(r#"{{"content":"{text}"}}"#));
    let role = delta(r#"{"role":"assistant","content":""}"#);
    vec![
        (
            "native",
            WorkersAiNative,
            sse(&[
                r#"{"response":"Hola "}"#,
                r#"{"response":"日本語🚀"}"#,
                r#"{"response":4}"#,
                r#"{"response":"","usage":{"prompt_tokens":9,"completion_tokens":3}}"#,
                "[DONE]",
            ]),
        ),
        (
            "native reasoning",
            WorkersAiNative,
            sse(&[
                r#"{"response":"<th"}"#,
                r#"{"response":"ink>\nHm"}"#,
                r#"{"response":".</thi"}"#,
                r#"{"response":"nk>\n"}"#,
                r#"{"response":"\nYes"}"#,
                "[DONE]",
            ]),
        ),
        (
            "native tools",
            WorkersAiNative,
            sse(&[
                r#"{"response":"","tool_calls":[]}"#,
                r#"{"response":null,"tool_calls":[{"name":"f","arguments":{"a": 1}},{"name":"g"}]}"#,
                "[DONE]",
            ]),
        ),
        (
            "native cut at the bound",
            WorkersAiNative,
            sse(&[
                r#"{"response":"a","usage":{"prompt_tokens":9,"completion_tokens":100}}"#,
                "[DONE]",
            ]),
        ),
        (
            "native without the last line end",
            WorkersAiNative,
            "data: {\"response\":\"a\"}\r\n\r\ndata: [DONE]".to_owned(),
        ),
        (
            "chat",
            OpenAiChat,
            sse(&[
                &role,
                &text("Hel"),
                &text("lo"),
                &finished("stop"),
                usage,
                "[DONE]",
            ]),
        ),
        (
            "chat reasoning",
            WorkersAiChat,
            sse(&[
                &delta(r#"{"reasoning_content":"H"}"#),
                &delta(r#"{"reasoning":"m."}"#),
                &text("Yes"),
                &finished("stop"),
                "[DONE]",
            ]),
        ),
        (
            "chat from a native model",
            WorkersAiNative,
            sse(&[
                &text("<think>Hm.</think>"),
                &text("Yes"),
                &finished("stop"),
                "[DONE]",
            ]),
        ),
        (
            "chat tools, interleaved",
            OpenAiChat,
            sse(&[
                &call_delta(
                    0,
                    r#""id":"a","type":"function","function":{"name":"f","arguments":""}"#,
                ),
                &call_delta(
                    1,
                    r#""id":"b","type":"function","function":{"name":"g","arguments":"{\"x\""}"#,
                ),
                &call_delta(0, r#""function":{"arguments":"{\"y\":"}"#),
                &call_delta(1, r#""function":{"arguments":":1}"}"#),
                &call_delta(0, r#""function":{"arguments":"2}"}"#),
                &call_delta(2, r#""id":"c","function":{"name":"h"}"#),
                &finished("tool_calls"),
                "[DONE]",
            ]),
        ),
        (
            "chat tools, whole and without index",
            OpenAiChat,
            sse(&[
                &delta(
                    r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"{}"}}]}"#,
                ),
                &finished("stop"),
                "[DONE]",
            ]),
        ),
        (
            "chat tools, an empty list beside text",
            OpenAiChat,
            sse(&[
                &delta(r#"{"content":"a","tool_calls":[]}"#),
                &text("b"),
                &finished("stop"),
                "[DONE]",
            ]),
        ),
        (
            "two choices",
            OpenAiChat,
            sse(&[
                r#"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
                r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
                r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"},{"index":1,"delta":{},"finish_reason":"length"}]}"#,
                "[DONE]",
            ]),
        ),
        (
            "text completion",
            WorkersAiChat,
            sse(&[
                r#"{"choices":[{"text":"a","finish_reason":null}]}"#,
                r#"{"choices":[{"text":"","finish_reason":"length"}]}"#,
                "[DONE]",
            ]),
        ),
        (
            "refusal",
            OpenAiChat,
            sse(&[
                &delta(r#"{"refusal":"No."}"#),
                &finished("content_filter"),
                "[DONE]",
            ]),
        ),
        (
            "without [DONE] after the reason",
            OpenAiChat,
            sse(&[&text("a"), &finished("stop")]),
        ),
        (
            "without a reason before [DONE]",
            OpenAiChat,
            sse(&[&text("a"), "[DONE]"]),
        ),
        (
            "more after the end",
            OpenAiChat,
            sse(&[
                &text("a"),
                &finished("stop"),
                &text("b"),
                "[DONE]",
                &text("c"),
            ]),
        ),
        ("cut", OpenAiChat, sse(&[&text("a"), &text("b")])),
        (
            "cut while reasoning",
            WorkersAiNative,
            sse(&[r#"{"response":"<think>a</th"}"#]),
        ),
        (
            "cut inside an event",
            OpenAiChat,
            sse(&[&text("a")]) + "data: {\"choices\"",
        ),
        ("empty", OpenAiChat, String::new()),
        ("nothing but [DONE]", WorkersAiNative, sse(&["[DONE]"])),
        (
            "an error at once",
            OpenAiChat,
            sse(&[r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#]),
        ),
        (
            "an error in the middle",
            WorkersAiNative,
            sse(&[
                r#"{"response":"a"}"#,
                r#"{"errors":[{"code":3040,"message":"Capacity temporarily exceeded"}]}"#,
                "[DONE]",
            ]),
        ),
        (
            "an event of type error",
            WorkersAiChat,
            "event: error\ndata: {\"message\":\"x\"}\n\n".to_owned(),
        ),
        ("no JSON", OpenAiChat, sse(&[&text("a"), "oops"])),
    ]
}

#[test]
fn streams_in_every_shape() {
    let mut shown = String::new();
    for (name, wire, body) in streams() {
        let (events, result) = decode_stream(wire, body.as_bytes(), usize::MAX);
        writeln!(shown, "# {name} ({wire:?})").unwrap();
        for event in &events {
            writeln!(shown, "{event:?}").unwrap();
        }
        let ending = result.map_or_else(
            |failure| format!("{:?} {failure}", failure.class),
            |()| "complete".to_owned(),
        );
        writeln!(shown, "=> {ending}").unwrap();
    }
    assert_golden("provider_streams", &shown);
}

#[test]
fn streams_may_be_split_anywhere() {
    for (name, wire, body) in streams() {
        let whole = decode_stream(wire, body.as_bytes(), usize::MAX);
        for size in [1, 2, 3, 7, 64] {
            let (events, result) = decode_stream(wire, body.as_bytes(), size);
            assert_eq!(
                (assemble(&events), &result),
                (assemble(&whole.0), &whole.1),
                "{name} by {size}"
            );
        }
    }
}

#[test]
fn every_finished_choice_finishes_once() {
    for (name, wire, body) in streams() {
        let (events, result) = decode_stream(wire, body.as_bytes(), 5);
        let finishes = events
            .iter()
            .filter(|event| matches!(event, Event::Finish { .. }))
            .count();
        if result.is_ok() {
            assert_eq!(finishes, assemble(&events).choices.len(), "{name}");
        }
    }
}

#[test]
fn a_stream_without_end_is_bounded() {
    let mut decoder = StreamDecoder::new(OpenAiChat, BOUND);
    let chunk = vec![b'x'; 256 * 1024];
    let mut events = Vec::new();
    let fed = (0..8).try_for_each(|_| decoder.feed(&chunk, &mut events));
    assert_eq!(fed.unwrap_err().class, FailureClass::Malformed);
    for flood in [
        r#"{"choices":[{"index":4294967295,"delta":{"content":"a"}}]}"#.to_owned(),
        delta(&format!(
            r#"{{"tool_calls":[{}]}}"#,
            vec![r#"{"id":null,"function":{"name":"f"}}"#; 129].join(",")
        )),
    ] {
        let (_, result) = decode_stream(OpenAiChat, sse(&[&flood]).as_bytes(), 4096);
        assert_eq!(result.unwrap_err().class, FailureClass::Malformed);
    }
}

#[test]
fn what_follows_the_end_of_a_stream_is_not_forwarded() {
    let finished = format!("data: {}\n\n", finished("stop"));
    let openai = format!("{finished}data: [DONE]\n\n");
    let anthropic = concat!(
        r#"data: {"type":"message_start","message":{}}"#,
        "\n\n",
        r#"data: {"type":"message_stop"}"#,
        "\n\n",
    );
    for (wire, whole) in [(OpenAiChat, openai.as_str()), (Wire::Anthropic, anthropic)] {
        let mut decoder = StreamDecoder::new(wire, BOUND).keeping_raw();
        let mut events = Vec::new();
        decoder.feed(whole.as_bytes(), &mut events).unwrap();
        assert_eq!(decoder.take_raw().len(), 2, "{wire:?}");
        let more = b"data: {\"a\":nul\n\ndata: [DONE]\n\n";
        decoder.feed(more, &mut events).unwrap();
        assert_eq!(decoder.take_raw(), [], "{wire:?}");
    }
}
