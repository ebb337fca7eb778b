use std::fmt::Write as _;

use super::decode_stream;
use crate::golden::assert_golden;
use crate::protocol::Event;
use crate::protocol::assembly::assemble;
use crate::providers::FailureClass;

/// An SSE stream of these objects, named by their type.
fn sse(data: &[&str]) -> String {
    data.iter().fold(String::new(), |text, data| {
        let object: serde_json::Value = serde_json::from_str(data).unwrap();
        let name = object["type"].as_str().unwrap();
        text + "event: " + name + "\ndata: " + data + "\n\n"
    })
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude","usage":{"input_tokens":9,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,"output_tokens":1,"service_tier":"standard"}}}"#;
const PING: &str = r#"{"type":"ping"}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn begun(index: u32, block: &str) -> String {
    format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
}

fn more(index: u32, delta: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}"#)
}

fn ended(index: u32) -> String {
    format!(r#"{{"type":"content_block_stop","index":{index}}}"#)
}

fn text(index: u32, text: &str) -> String {
    more(
        index,
        &format!(r#"{{"type":"text_delta","text":"{text}"}}"#),
    )
}

fn input(index: u32, json: &str) -> String {
    let json = serde_json::json!({ "type": "input_json_delta", "partial_json": json });
    more(index, &json.to_string())
}

fn finish(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}","stop_sequence":null}},"usage":{{"output_tokens":7}}}}"#
    )
}

const TEXT: &str = r#"{"type":"text","text":""}"#;

/// A message of blocks, whole.
fn message(blocks: &[String], reason: &str) -> String {
    let finish = finish(reason);
    let mut all = vec![START, PING];
    all.extend(blocks.iter().map(String::as_str));
    all.extend([finish.as_str(), STOP]);
    sse(&all)
}

fn call(index: u32, id: &str) -> String {
    begun(
        index,
        &format!(r#"{{"type":"tool_use","id":"{id}","name":"f","input":{{}}}}"#),
    )
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn streams() -> Vec<(&'static str, String)> {
    let said = [
        begun(0, TEXT),
        text(0, "Hola "),
        text(0, "日本語🚀"),
        ended(0),
    ];
    let plain = message(&said, "end_turn");
    let unnamed = plain.split_inclusive('\n');
    let unnamed = unnamed
        .filter(|line| !line.starts_with("event: "))
        .collect();
    let cut = |keep: usize| -> String {
        let events: Vec<&str> = plain.split_inclusive("\n\n").take(keep).collect();
        events.concat()
    };
    let thinking = [
        begun(0, r#"{"type":"thinking","thinking":"","signature":""}"#),
        more(0, r#"{"type":"thinking_delta","thinking":"H"}"#),
        more(0, r#"{"type":"thinking_delta","thinking":"m."}"#),
        more(0, r#"{"type":"signature_delta","signature":"c2ln"}"#),
        ended(0),
        begun(1, r#"{"type":"thinking","thinking":"","signature":""}"#),
        more(1, r#"{"type":"signature_delta","signature":"c2lo"}"#),
        ended(1),
        begun(2, r#"{"type":"redacted_thinking","data":"cmVk"}"#),
        ended(2),
        begun(3, TEXT),
        text(3, "Yes"),
        ended(3),
    ];
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    vec![
        ("plain", plain.clone()),
        ("thinking", message(&thinking, "end_turn")),
        (
            "two texts",
            message(
                &[
                    begun(0, TEXT),
                    text(0, "a"),
                    ended(0),
                    begun(1, TEXT),
                    text(1, "b"),
                    ended(1),
                ],
                "end_turn",
            ),
        ),
        (
            "an empty text",
            message(&[begun(0, TEXT), ended(0)], "end_turn"),
        ),
        (
            "text in the beginning of its block",
            message(
                &[
                    begun(0, r#"{"type":"text","text":"a"}"#),
                    text(0, "b"),
                    ended(0),
                ],
                "end_turn",
            ),
        ),
        ("no blocks", message(&[], "end_turn")),
        ("refusal", message(&[], "refusal")),
        (
            "tool, many chunks",
            message(
                &[
                    call(0, "t1"),
                    input(0, ""),
                    input(0, "{\"ci"),
                    input(0, "ty\":1}"),
                    ended(0),
                ],
                "tool_use",
            ),
        ),
        (
            "tool, no chunks",
            message(&[call(0, "t1"), ended(0)], "tool_use"),
        ),
        (
            "tool, an empty chunk",
            message(&[call(0, "t1"), input(0, ""), ended(0)], "tool_use"),
        ),
        (
            "tool, whole at once",
            message(
                &[
                    begun(
                        0,
                        r#"{"type":"tool_use","id":"t1","name":"f","input":{"a": 1}}"#,
                    ),
                    ended(0),
                ],
                "tool_use",
            ),
        ),
        (
            "tools, one after the other",
            message(
                &[
                    call(0, "t1"),
                    input(0, "{}"),
                    ended(0),
                    call(1, "t2"),
                    input(1, "{\"a\":1}"),
                    ended(1),
                ],
                "tool_use",
            ),
        ),
        (
            "tools, interleaved",
            message(
                &[
                    call(0, "t1"),
                    call(1, "t2"),
                    input(1, "{\"a\""),
                    input(0, "{\"b\""),
                    input(1, ":1}"),
                    input(0, ":2}"),
                    ended(1),
                    ended(0),
                ],
                "tool_use",
            ),
        ),
        (
            "text and tool",
            message(
                &[
                    begun(0, TEXT),
                    text(0, "I look."),
                    ended(0),
                    call(1, "t1"),
                    input(1, "{}"),
                    ended(1),
                ],
                "tool_use",
            ),
        ),
        (
            "citations",
            message(
                &[
                    begun(0, r#"{"type":"text","text":"","citations":[]}"#),
                    text(0, "a"),
                    more(
                        0,
                        r#"{"type":"citations_delta","citation":{"type":"char_location","cited_text":"q","document_index":0,"document_title":"D","start_char_index":0,"end_char_index":1}}"#,
                    ),
                    ended(0),
                ],
                "end_turn",
            ),
        ),
        (
            "hosted tools",
            message(
                &[
                    begun(
                        0,
                        r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#,
                    ),
                    input(0, "{\"query\":"),
                    input(0, " \"x\"}"),
                    ended(0),
                    begun(
                        1,
                        r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[{"a": 1}]}"#,
                    ),
                    ended(1),
                ],
                "pause_turn",
            ),
        ),
        (
            "stop sequence",
            sse(&[
                START,
                &begun(0, TEXT),
                &text(0, "a"),
                &ended(0),
                r#"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"END"},"usage":{"output_tokens":7}}"#,
                STOP,
            ]),
        ),
        ("max_tokens", message(&said, "max_tokens")),
        (
            "usage at the end replaces that of the beginning",
            sse(&[
                START,
                &begun(0, TEXT),
                &text(0, "a"),
                &ended(0),
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":1,"output_tokens":8}}"#,
                STOP,
            ]),
        ),
        (
            "usage missing",
            sse(&[
                r#"{"type":"message_start","message":{}}"#,
                &begun(0, TEXT),
                &text(0, "a"),
                &ended(0),
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"}}"#,
                STOP,
            ]),
        ),
        (
            "events to come",
            sse(&[
                START,
                r#"{"type":"mood","x":1}"#,
                &begun(0, TEXT),
                &more(0, r#"{"type":"colour_delta","x":1}"#),
                &text(0, "a"),
                PING,
                &ended(0),
                &finish("end_turn"),
                STOP,
            ]),
        ),
        (
            "blocks that nobody ended",
            sse(&[
                START,
                &call(0, "t1"),
                &input(0, "{}"),
                &begun(1, TEXT),
                &text(1, "a"),
                &finish("tool_use"),
                STOP,
            ]),
        ),
        (
            "a delta of no block",
            sse(&[START, &text(7, "a"), &ended(7), &finish("end_turn"), STOP]),
        ),
        (
            "more after the end",
            plain.clone() + &sse(&[&begun(1, TEXT), &text(1, "b")]),
        ),
        ("without names", unnamed),
        ("without the last line end", plain.trim_end().to_owned()),
        ("cut before any block", cut(2)),
        ("cut in a block", cut(4)),
        ("cut before message_stop", cut(7)),
        (
            "cut inside an event",
            cut(4) + "event: content_block_delta\ndata: {\"type\"",
        ),
        ("empty", String::new()),
        ("nothing but message_stop", sse(&[STOP])),
        ("an error at once", sse(&[error])),
        ("an error before any block", sse(&[START, PING, error])),
        (
            "an error in the middle",
            sse(&[START, &begun(0, TEXT), &text(0, "a"), error, STOP]),
        ),
        (
            "an error without words",
            "event: error\ndata: {}\n\n".to_owned(),
        ),
        ("no JSON", cut(4) + "data: oops\n\n"),
        ("a block that is none", sse(&[START, &begun(0, "7")])),
    ]
}

#[test]
fn streams_in_every_shape() {
    let mut shown = String::new();
    for (name, body) in streams() {
        let (events, result) = decode_stream(body.as_bytes(), usize::MAX);
        writeln!(shown, "# {name}").unwrap();
        for event in &events {
            writeln!(shown, "{event:?}").unwrap();
        }
        let ending = result.map_or_else(
            |failure| format!("{:?} {failure}", failure.class),
            |()| "complete".to_owned(),
        );
        writeln!(shown, "=> {ending}").unwrap();
    }
    assert_golden("anthropic_provider_streams", &shown);
}

#[test]
fn streams_may_be_split_anywhere() {
    for (name, body) in streams() {
        let whole = decode_stream(body.as_bytes(), usize::MAX);
        for size in [1, 2, 3, 7, 64] {
            let split = decode_stream(body.as_bytes(), size);
            assert_eq!(split, whole, "{name} by {size}");
        }
    }
}

#[test]
fn every_whole_stream_finishes_once_and_last_but_for_usage() {
    for (name, body) in streams() {
        let (events, result) = decode_stream(body.as_bytes(), 5);
        let finish = |event: &&Event| matches!(event, Event::Finish { .. });
        let finishes = events.iter().filter(finish).count();
        assert_eq!(finishes, usize::from(result.is_ok()), "{name}");
    }
}

#[test]
fn an_error_before_any_block_leaves_the_answer_to_another_model() {
    let (_, body) = streams()
        .into_iter()
        .find(|(name, _)| *name == "an error before any block")
        .unwrap();
    let (events, result) = decode_stream(body.as_bytes(), usize::MAX);
    assert_eq!(events, [], "nothing has been delivered");
    let failure = result.unwrap_err();
    assert_eq!(failure.class, FailureClass::Capacity);
    assert!(failure.class.falls_back());
}

#[test]
fn a_stream_brings_what_a_whole_answer_has() {
    let (_, body) = streams().remove(1);
    let answer = assemble(&decode_stream(body.as_bytes(), usize::MAX).0);
    let kinds: Vec<String> = answer.choices[0]
        .parts
        .iter()
        .map(|part| format!("{:?}", part.content).chars().take(9).collect())
        .collect();
    assert_eq!(kinds, ["Reasoning", "Reasoning", "RedactedR", "Text { te"]);
    assert_eq!(answer.service_tier.as_deref(), Some("default"));
    assert_eq!(answer.usage.unwrap().input_tokens, 14);
    assert_eq!(answer.usage.unwrap().output_tokens, 7);
}
