use std::fmt::Write as _;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::error::{Error, Kind};
use crate::golden::assert_golden;
use crate::money::Nanos;
use crate::protocol::assembly::{assemble, replay};
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{
    Answer, Bill, Choice, Citation, Content, Event, Family, FinishReason, Json, Media, Part,
    Signature, ToolCall,
};
use crate::usage::Usage;

const USAGE: Usage = Usage {
    input_tokens: 1_000,
    cached_input_tokens: 100,
    cache_write_tokens: 50,
    cache_write_1h_tokens: 0,
    audio_input_tokens: 0,
    output_tokens: 200,
    reasoning_tokens: 150,
    units: crate::usage::Units::NONE,
    estimated: false,
};

fn head() -> Head {
    Head {
        request: "1".to_owned(),
        created: 1_800_000_000,
        model: "@cf/x/y".to_owned(),
        sources: Vec::new(),
    }
}

fn thread(fields: &str) -> Rc<Thread> {
    let body = format!(r#"{{"model":"auto","input":"Hi"{fields}}}"#);
    parse(body.as_bytes()).unwrap().thread.unwrap()
}

const ENCRYPTED: &str = r#","include":["reasoning.encrypted_content"]"#;

fn bill() -> Bill<'static> {
    Bill {
        usage: &USAGE,
        cost: Nanos::new(1_500),
    }
}

fn answer(contents: Vec<Content>, reason: FinishReason) -> Answer {
    let parts = contents.into_iter().map(Part::new).collect();
    Answer {
        choices: vec![Choice::new(parts, reason)],
        ..Answer::default()
    }
}

fn text(text: &str) -> Content {
    Content::Text {
        text: text.to_owned(),
        citations: Vec::new(),
    }
}

fn reasoning(text: &str, signature: Option<Signature>) -> Content {
    Content::Reasoning {
        text: text.to_owned(),
        signature,
    }
}

fn call(id: &str, arguments: &str, signature: Option<Signature>) -> Content {
    Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "weather".to_owned(),
        arguments: arguments.to_owned(),
        signature,
    })
}

fn signature(family: Family, value: &str) -> Signature {
    Signature::new(family, value)
}

fn cited() -> Content {
    let citation = Citation {
        url: Some("https://a.example".to_owned()),
        title: Some("A".to_owned()),
        span: Some((0, 2)),
        ..Citation::default()
    };
    Content::Text {
        text: "Sí".to_owned(),
        citations: vec![citation, Citation::default()],
    }
}

fn answers() -> Vec<(&'static str, Answer)> {
    use FinishReason::{ContentFilter, Length, Refusal, Stop, ToolCalls};
    let hosted = Content::Native {
        family: Family::OpenAi,
        block: Json::parse(r#"{"type":"web_search_call","id":"ws_1"}"#).unwrap(),
    };
    let foreign = Content::Native {
        family: Family::Anthropic,
        block: Json::parse(r#"{"type":"server_tool_use"}"#).unwrap(),
    };
    let anthropic = |value| signature(Family::Anthropic, value);
    let weighed = Answer {
        choices: vec![Choice {
            logprobs: Json::parse(r#"{"token":"S","logprob":-0.5}"#)
                .into_iter()
                .collect(),
            ..Choice::new(vec![Part::text("S")], Stop)
        }],
        service_tier: Some("flex".to_owned()),
        ..Answer::default()
    };
    vec![
        ("a text", answer(vec![text("¿Qué tal? 😀\n")], Stop)),
        ("nothing", answer(Vec::new(), Stop)),
        ("an empty text", answer(vec![text("")], Stop)),
        ("two texts", answer(vec![text("a"), text("b")], Stop)),
        ("a cited text", answer(vec![cited()], Stop)),
        ("probabilities and tier", weighed),
        ("too long", answer(vec![text("a")], Length)),
        ("filtered", answer(vec![text("a")], ContentFilter)),
        (
            "a refusal",
            answer(vec![Content::Refusal("No.".to_owned())], Refusal),
        ),
        ("a refusal without words", answer(Vec::new(), Refusal)),
        (
            "text, then a refusal",
            answer(vec![text("a"), Content::Refusal("No.".to_owned())], Refusal),
        ),
        (
            "reasoning",
            answer(
                vec![reasoning("Hm.", Some(anthropic("s"))), text("a")],
                Stop,
            ),
        ),
        (
            "hidden reasoning",
            answer(
                vec![
                    reasoning("", Some(signature(Family::OpenAi, "s"))),
                    Content::RedactedReasoning(anthropic("r")),
                    text("a"),
                ],
                Stop,
            ),
        ),
        (
            "a call",
            answer(vec![call("a", r#"{"city":"Lugo"}"#, None)], ToolCalls),
        ),
        (
            "everything before calls",
            answer(
                vec![
                    reasoning("Hm.", None),
                    text("Let me see."),
                    call("a", "{}", Some(Signature::new(Family::Google, "t"))),
                    call("b", "", None),
                ],
                ToolCalls,
            ),
        ),
        (
            "text between calls",
            answer(
                vec![call("a", "{}", None), text("and"), call("b", "{}", None)],
                ToolCalls,
            ),
        ),
        (
            "a call that was cut",
            answer(vec![call("a", "{\"ci", None)], Length),
        ),
        (
            "tools of the provider",
            answer(vec![hosted, foreign, text("Found.")], Stop),
        ),
        (
            "a picture",
            answer(
                vec![Content::Image(Media::inline("image/png", "eA=="))],
                Stop,
            ),
        ),
    ]
}

fn rendered(thread: &Thread, answer: &Answer) -> Value {
    serde_json::from_slice(&render(thread, answer, &head(), bill())).unwrap()
}

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
fn answers_are_written_as_responses() {
    let mut golden = String::new();
    let thread = thread(ENCRYPTED);
    for (name, answer) in answers() {
        let response = rendered(&thread, &answer);
        let shown = serde_json::json!({
            "status": response["status"],
            "incomplete_details": response["incomplete_details"],
            "output": response["output"],
            "service_tier": response["service_tier"],
        });
        writeln!(golden, "# {name}\n{shown:#}\n").unwrap();
    }
    assert_golden("responses_answers", &golden);
}

#[test]
fn a_response_tells_its_request_again() {
    let fields = r#","instructions":"Be brief.","metadata":{"a":"b"},"temperature":0.5,"top_p":0.9,
        "tools":[{"type":"function","name":"f","parameters":{}}],"tool_choice":"auto",
        "parallel_tool_calls":false,"reasoning":{"effort":"low"},"text":{"verbosity":"low"},
        "store":false,"user":"u","max_output_tokens":7,"top_logprobs":2,"prompt_cache_key":"k",
        "safety_identifier":"s","service_tier":"flex""#;
    let whole = |fields| {
        let response = rendered(
            &thread(fields),
            &answer(vec![text("a")], FinishReason::Stop),
        );
        format!("{response:#}")
    };
    let golden = format!("# usual\n{}\n\n# echo\n{}\n", whole(""), whole(fields));
    assert_golden("responses_body", &golden);
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

/// Reasoning without its signature is of no use to the model, but it is the client's to ask for it.
#[test]
fn signatures_are_shown_to_who_asks_and_kept_for_who_goes_on() {
    let signed = vec![
        reasoning("Hm.", Some(signature(Family::Anthropic, "s"))),
        text("a"),
    ];
    let answer = answer(signed, FinishReason::Stop);
    let plain = thread("");
    assert!(!rendered(&plain, &answer).to_string().contains("encrypted"));
    let shown = rendered(&thread(ENCRYPTED), &answer);
    assert_eq!(
        shown["output"][0]["encrypted_content"],
        "esclusa.anthropic.s"
    );
    let record = record(&plain, &answer, &head(), bill());
    assert!(!record.response.get().contains("encrypted"));
    assert!(record.items[1].get().contains("esclusa.anthropic.s"));
    assert_eq!(record.input, (0, 1));
}

#[test]
fn what_was_answered_is_read_back_as_it_was() {
    for (name, answer) in answers() {
        if ["tools of the provider", "a picture", "a cited text"].contains(&name) {
            continue;
        }
        let record = record(&thread(ENCRYPTED), &answer, &head(), bill());
        let mut known = Known::default();
        known.previous.clone_from(&record.items);
        let results = answer.choices[0].tool_calls().map(|call| {
            format!(
                r#"{{"type":"function_call_output","call_id":"{}","output":"x"}}"#,
                call.id
            )
        });
        let user = r#"{"role":"user","content":"And?"}"#.to_owned();
        let items: Vec<String> = results.chain([user]).collect();
        let body = format!(
            r#"{{"model":"auto","previous_response_id":"resp_1","input":[{}]}}"#,
            items.join(",")
        );
        let mut request = parse(body.as_bytes()).unwrap();
        assert!(request.messages.is_empty());
        if let Err(error) = complete(&mut request, known) {
            // Calls between which the model speaks are answered at the end of its turn.
            panic!("{name}: {error}");
        }
        let filled = |part: &&Part| part.as_text() != Some("");
        let expected: Vec<&Part> = answer.choices[0].parts.iter().filter(filled).collect();
        let said: Vec<&Part> = request
            .messages
            .iter()
            .filter(|message| message.role == crate::protocol::Role::Assistant)
            .flat_map(|message| &message.parts)
            .collect();
        assert_eq!(said, expected, "{name}");
    }
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

#[test]
fn ids_of_items_lead_to_their_response() {
    assert_eq!(of_item("msg_0197-a_3").as_deref(), Some("resp_0197-a"));
    assert_eq!(of_item("fc_0197-a_in3").as_deref(), Some("resp_0197-a"));
    for id in ["", "msg", "msg_x", "resp-1"] {
        assert_eq!(of_item(id), None, "{id}");
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
