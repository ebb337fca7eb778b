use std::fmt::Write as _;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::Value;

use super::super::{EventWriter, Thread};
use super::{ENCRYPTED, USAGE, answer, answers, call, head, reasoning, rendered, text, thread};
use crate::error::{Error, Kind};
use crate::golden::assert_golden;
use crate::money::Nanos;
use crate::protocol::assembly::{assemble, replay};
use crate::protocol::writer::StreamWriter;
use crate::protocol::{Citation, Content, Event, Family, FinishReason, Part, Signature};

/// The stream of some events, and its events.
fn streamed(thread: &Rc<Thread>, events: &[Event]) -> (String, Vec<Value>) {
    let mut writer = EventWriter::new(Rc::clone(thread), head());
    let mut out = Vec::new();
    for event in events {
        writer.push(event, &mut out);
    }
    writer.finish(&USAGE, Nanos::new(1_500), &mut out);
    read(out)
}

fn read(out: Vec<u8>) -> (String, Vec<Value>) {
    let text = String::from_utf8(out).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    (text, events)
}

#[test]
fn answers_are_streamed_as_events() {
    let mut golden = String::new();
    let thread = thread(ENCRYPTED);
    for (name, answer) in answers() {
        let (_, events) = streamed(&thread, &replay(&answer));
        writeln!(golden, "# {name}").unwrap();
        for event in &events {
            let kind = event["type"].as_str().unwrap();
            if event.get("response").is_some() {
                writeln!(golden, "{kind}").unwrap();
            } else {
                writeln!(golden, "{event}").unwrap();
            }
        }
        golden.push('\n');
    }
    assert_golden("responses_streams", &golden);
}

#[test]
fn a_stream_ends_with_what_is_told_whole() {
    for fields in ["", ENCRYPTED] {
        let thread = thread(fields);
        for (name, answer) in answers() {
            let (text, events) = streamed(&thread, &replay(&answer));
            check_well_formed(&events);
            let last = events.last().unwrap();
            assert_eq!(last["response"], rendered(&thread, &answer), "{name}");
            assert!(!text.contains("[DONE]"), "{name}");
        }
    }
}

/// Numbers without gaps, items one after the other, and each item's end in the whole response.
fn check_well_formed(events: &[Value]) {
    let mut open: Option<u64> = None;
    let mut done = Vec::new();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
        let index = event["output_index"].as_u64();
        match event["type"].as_str().unwrap() {
            "response.output_item.added" => {
                assert_eq!(open, None, "{event}");
                assert_eq!(index, u64::try_from(done.len()).ok(), "{event}");
                open = index;
            }
            "response.output_item.done" => {
                assert_eq!((open, index), (index, open), "{event}");
                open = None;
                done.push(event["item"].clone());
            }
            "response.created" | "response.in_progress" => assert!(number < 2),
            "response.completed" | "response.incomplete" => {
                assert_eq!(open, None);
                assert_eq!(event["response"]["output"], Value::Array(done.clone()));
            }
            _ => assert!(open.is_some() && open == index, "{event}"),
        }
    }
}

fn call_event(index: u32, begins: bool, arguments: &str) -> Event {
    Event::ToolCall {
        choice: 0,
        index,
        id: begins.then(|| format!("c{index}")),
        name: begins.then(|| "f".to_owned()),
        arguments: arguments.to_owned(),
        signature: None,
    }
}

/// Items are closed before the next one opens, however a provider mixes its calls.
#[test]
fn calls_that_come_at_once_are_told_one_after_the_other() {
    let events = [
        call_event(0, true, ""),
        call_event(1, true, "{\"a\""),
        call_event(0, false, "{\"b\":"),
        Event::Text {
            choice: 0,
            text: "meanwhile".to_owned(),
        },
        call_event(1, false, ":1}"),
        call_event(0, false, "2}"),
        call_event(2, true, "{}"),
        Event::Finish {
            choice: 0,
            reason: FinishReason::ToolCalls,
            stop_sequence: None,
        },
    ];
    let thread = thread("");
    let (_, told) = streamed(&thread, &events);
    check_well_formed(&told);
    let output = &told.last().unwrap()["response"]["output"];
    assert_eq!(*output, rendered(&thread, &assemble(&events))["output"]);
    let arguments: Vec<&str> = output
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["arguments"].as_str())
        .collect();
    assert_eq!(arguments, ["{\"b\":2}", "{\"a\":1}", "{}"]);
}

#[test]
fn a_stream_that_fails_says_so_twice() {
    for begun in [false, true] {
        let mut writer = EventWriter::new(thread(""), head());
        let mut out = Vec::new();
        if begun {
            let text = "Half".to_owned();
            writer.push(&Event::Text { choice: 0, text }, &mut out);
        }
        let error = Error::new(Kind::UpstreamFailed, "It broke off.");
        writer.error(&error, &mut out);
        let (_, events) = read(out);
        let [first, .., failed, error] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(first["type"], "response.created");
        assert_eq!(failed["type"], "response.failed");
        assert_eq!(failed["response"]["error"]["message"], "It broke off.");
        assert_eq!(error["type"], "error");
        assert_eq!(
            (&error["code"], &error["message"]),
            (
                &Value::from("upstream_failed"),
                &Value::from("It broke off.")
            )
        );
        assert_eq!(error["error"]["type"], "upstream_error");
        assert_eq!(
            error["sequence_number"].as_u64().unwrap(),
            failed["sequence_number"].as_u64().unwrap() + 1
        );
    }
}

fn event() -> impl Strategy<Value = Event> {
    let choice = 0;
    let words = || "[a-z ]{0,4}";
    prop_oneof![
        words().prop_map(move |text| Event::Text { choice, text }),
        words().prop_map(move |text| Event::Reasoning { choice, text }),
        words().prop_map(move |text| Event::Refusal { choice, text }),
        Just(Event::PartEnd { choice }),
        Just(Event::Usage(USAGE)),
        Just(Event::ReasoningSignature {
            choice,
            signature: Signature::new(Family::Google, "s"),
        }),
        Just(Event::Citation {
            choice,
            citation: Citation {
                url: Some("https://a.example".to_owned()),
                ..Citation::default()
            },
        }),
        Just(Event::Whole {
            choice,
            part: Part::new(Content::RedactedReasoning(Signature::new(
                Family::Anthropic,
                "r"
            ))),
        }),
        (
            0_u32..3,
            prop::sample::select(vec!["", "{", "}", "{}", "\"a\":1"])
        )
            .prop_map(|(index, arguments)| call_event(index, true, arguments)),
    ]
}

proptest! {
    #[test]
    fn any_stream_is_well_formed(events in prop::collection::vec(event(), 0..24)) {
        let (_, told) = streamed(&thread(ENCRYPTED), &events);
        check_well_formed(&told);
    }

    #[test]
    fn a_whole_answer_streams_to_itself(
        kinds in prop::collection::vec((0_u8..4, "[a-z]{1,4}"), 0..8)
    ) {
        let contents = (0..).zip(kinds).map(|(number, (kind, word)): (u32, _)| match kind {
            0 => text(&word),
            1 => reasoning(&word, None),
            2 => Content::Refusal(word),
            _ => call(&format!("{word}{number}"), "{}", None),
        });
        let answer = answer(contents.collect(), FinishReason::Stop);
        let thread = thread(ENCRYPTED);
        let (_, told) = streamed(&thread, &replay(&answer));
        prop_assert_eq!(&told.last().unwrap()["response"], &rendered(&thread, &answer));
    }
}
