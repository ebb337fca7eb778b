use std::fmt::Write as _;

use serde_json::{Value, json};

use super::decode_stream;
use crate::golden::assert_golden;
use crate::protocol::Event;
use crate::protocol::assembly::assemble;
use crate::providers::FailureClass;

/// An SSE stream of these objects, numbered and named by their type.
fn sse(events: &[Value]) -> String {
    let numbered = events.iter().enumerate();
    numbered.fold(String::new(), |text, (number, event)| {
        let mut event = event.clone();
        event["sequence_number"] = json!(number);
        let name = event["type"].as_str().unwrap().to_owned();
        format!("{text}event: {name}\ndata: {event}\n\n")
    })
}

fn of(kind: &str, index: usize, mut fields: Value) -> Value {
    fields["type"] = json!(format!("response.{kind}"));
    fields["output_index"] = json!(index);
    fields
}

fn begun(index: usize, item: &Value) -> Value {
    of("output_item.added", index, json!({ "item": item }))
}

fn done(index: usize, item: &Value) -> Value {
    of("output_item.done", index, json!({ "item": item }))
}

fn delta(kind: &str, index: usize, text: &str) -> Value {
    of(
        &format!("{kind}.delta"),
        index,
        json!({ "delta": text, "item_id": "x", "content_index": 0 }),
    )
}

fn message(content: &Value) -> Value {
    json!({ "type": "message", "id": "msg_1", "role": "assistant", "content": content })
}

fn text(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [] })
}

fn call(id: &str, arguments: &str) -> Value {
    json!({ "type": "function_call", "id": "fc_1", "call_id": id, "name": "f", "arguments": arguments })
}

fn reasoning(summary: &Value, sealed: &Value) -> Value {
    json!({ "type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": sealed })
}

fn response(status: &str, output: &[Value]) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": status, "error": null, "output": output,
        "service_tier": "default",
        "usage": {
            "input_tokens": 9, "input_tokens_details": { "cached_tokens": 3 },
            "output_tokens": 7, "output_tokens_details": { "reasoning_tokens": 5 },
        },
    })
}

fn end(status: &str, output: &[Value]) -> Value {
    json!({ "type": format!("response.{status}"), "response": response(status, output) })
}

/// A stream of these events between its beginning and its end.
fn whole(events: Vec<Value>) -> String {
    let started = json!({ "status": "in_progress", "error": null, "output": [] });
    let mut all = vec![
        json!({ "type": "response.created", "response": started }),
        json!({ "type": "response.in_progress", "response": started }),
    ];
    all.extend(events);
    all.push(end("completed", &[]));
    sse(&all)
}

fn said() -> Vec<Value> {
    vec![
        begun(0, &message(&json!([]))),
        of("content_part.added", 0, json!({ "part": text("") })),
        delta("output_text", 0, "Hola "),
        delta("output_text", 0, "日本語🚀"),
        of("output_text.done", 0, json!({ "text": "Hola 日本語🚀" })),
        of(
            "content_part.done",
            0,
            json!({ "part": text("Hola 日本語🚀") }),
        ),
        done(0, &message(&json!([text("Hola 日本語🚀")]))),
    ]
}

fn thinking() -> Vec<Value> {
    let summary = |index: usize, text: &str| {
        let fields = json!({ "delta": text, "summary_index": index });
        of("reasoning_summary_text.delta", 0, fields)
    };
    let mut events = vec![
        begun(0, &reasoning(&json!([]), &json!(""))),
        of(
            "reasoning_summary_part.added",
            0,
            json!({ "summary_index": 0 }),
        ),
        summary(0, "H"),
        summary(0, "m."),
        summary(1, "Yes."),
        delta("reasoning_text", 0, "In full."),
        done(
            0,
            &reasoning(
                &json!([{ "type": "summary_text", "text": "Hm." }]),
                &json!("gA=="),
            ),
        ),
        begun(1, &reasoning(&json!([]), &json!(null))),
        done(1, &reasoning(&json!([]), &json!("gB=="))),
    ];
    events.extend(said().into_iter().map(|mut event| {
        event["output_index"] = json!(2);
        event
    }));
    events
}

fn calls() -> Vec<Value> {
    let arguments = |index, text| delta("function_call_arguments", index, text);
    vec![
        begun(0, &call("a", "")),
        arguments(0, "{\"z\":"),
        arguments(0, " 1}"),
        of(
            "function_call_arguments.done",
            0,
            json!({ "arguments": "{\"z\": 1}" }),
        ),
        done(0, &call("a", "{\"z\": 1}")),
        begun(1, &call("b", "")),
        done(1, &call("b", "{\"y\":2}")),
        begun(2, &call("c", "")),
        done(2, &call("c", "")),
    ]
}

fn broken() -> Vec<(&'static str, String)> {
    let plain = whole(said());
    let cut = |keep: usize| -> String {
        let events: Vec<&str> = plain.split_inclusive("\n\n").take(keep).collect();
        events.concat()
    };
    let with = |last: Value| {
        let mut events = said();
        events.push(last);
        sse(&events)
    };
    let failed = json!({ "type": "response.failed", "response": {
        "status": "failed", "error": { "code": "server_error", "message": "The model failed." },
    } });
    let flat = json!({ "type": "error", "code": "rate_limit_exceeded", "message": "Slow down.", "param": null });
    let nested =
        json!({ "type": "error", "error": { "code": "server_error", "message": "Broken." } });
    vec![
        ("nothing", String::new()),
        ("only its beginning", cut(1)),
        ("cut after a delta", cut(5)),
        ("cut before the end", cut(9)),
        (
            "cut within an event",
            plain.trim_end().trim_end_matches('}').to_owned(),
        ),
        ("failed", with(failed)),
        (
            "failed without a word",
            with(
                json!({ "type": "response.failed", "response": { "status": "failed", "error": null } }),
            ),
        ),
        ("an error", with(flat)),
        ("an error object", with(nested)),
        (
            "an error at once",
            sse(&[json!({ "type": "error", "code": "server_error", "message": "No." })]),
        ),
        (
            "the end without a response",
            with(json!({ "type": "response.completed" })),
        ),
        ("an item that is none", sse(&[begun(0, &json!(7))])),
        ("not JSON", "data: {\"type\n\n".to_owned()),
        ("HTML", "<html>502</html>".to_owned()),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn streams() -> Vec<(&'static str, String)> {
    let plain = whole(said());
    let lines = plain.split_inclusive('\n');
    let unnamed = lines.filter(|line| !line.starts_with("event: ")).collect();
    let refusal = json!({ "type": "refusal", "refusal": "No." });
    let cited = json!({ "type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2 });
    let searched = json!({ "type": "web_search_call", "id": "ws_1", "status": "completed" });
    let token = json!({ "token": "a", "logprob": -0.5 });
    let mut incomplete = said();
    let mut last = end("incomplete", &[]);
    last["response"]["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    incomplete.push(last.clone());
    let mut filtered = said();
    last["response"]["incomplete_details"] = json!({ "reason": "content_filter" });
    filtered.push(last);
    let halfway = sse(&[
        begun(0, &call("a", "")),
        delta("function_call_arguments", 0, "{\"z"),
        end("incomplete", &[call("a", "{\"z")]),
    ]);
    let mut all = vec![
        ("a call that was cut", halfway),
        ("plain", plain.clone()),
        ("without names", unnamed),
        ("[DONE] after its end", format!("{plain}data: [DONE]\n\n")),
        (
            "more after its end",
            format!("{plain}{}", sse(&[begun(5, &call("a", ""))])),
        ),
        ("thinking", whole(thinking())),
        ("calls", whole(calls())),
        (
            "a refusal",
            whole(vec![
                begun(0, &message(&json!([]))),
                delta("refusal", 0, "N"),
                delta("refusal", 0, "o."),
                done(0, &message(&json!([refusal]))),
            ]),
        ),
        (
            "a refusal at once",
            whole(vec![done(0, &message(&json!([refusal])))]),
        ),
        (
            "two parts",
            whole(vec![
                begun(0, &message(&json!([]))),
                of("content_part.added", 0, json!({ "content_index": 0 })),
                delta("output_text", 0, "a"),
                of("content_part.added", 0, json!({ "content_index": 1 })),
                delta("output_text", 0, "b"),
                done(0, &message(&json!([text("a"), text("b")]))),
            ]),
        ),
        (
            "cited",
            whole(vec![
                begun(0, &message(&json!([]))),
                delta("output_text", 0, "Sí"),
                of(
                    "output_text.annotation.added",
                    0,
                    json!({ "annotation": cited }),
                ),
                done(0, &message(&json!([text("Sí")]))),
            ]),
        ),
        (
            "probabilities",
            whole(vec![
                begun(0, &message(&json!([]))),
                of(
                    "output_text.delta",
                    0,
                    json!({ "delta": "a", "logprobs": [token] }),
                ),
                done(0, &message(&json!([text("a")]))),
            ]),
        ),
        (
            "an empty message",
            whole(vec![
                begun(0, &message(&json!([]))),
                done(0, &message(&json!([text("")]))),
            ]),
        ),
        (
            "a message at once",
            whole(vec![done(0, &message(&json!([text("a"), text("b")])))]),
        ),
        (
            "items at the end only",
            sse(&[end(
                "completed",
                &[
                    message(&json!([text("a")])),
                    call("a", "{}"),
                    call("b", "{}"),
                ],
            )]),
        ),
        (
            "reasoning in full",
            whole(vec![
                begun(0, &reasoning(&json!([]), &json!(null))),
                delta("reasoning_text", 0, "In full."),
                done(0, &reasoning(&json!([]), &json!(null))),
            ]),
        ),
        (
            "tools of OpenAI's",
            whole(vec![
                begun(0, &searched),
                of("web_search_call.searching", 0, json!({})),
                done(0, &searched),
                begun(1, &message(&json!([]))),
                delta("output_text", 1, "Found."),
                done(1, &message(&json!([text("Found.")]))),
            ]),
        ),
        (
            "events to come",
            whole(vec![of("mood.delta", 0, json!({ "delta": "x" }))]),
        ),
        (
            "deltas of no item",
            whole(vec![delta("output_text", 7, "x")]),
        ),
        ("no items", whole(Vec::new())),
        ("too long", sse(&incomplete)),
        ("filtered", sse(&filtered)),
    ];
    all.extend(broken());
    all
}

#[test]
fn streams_in_every_shape() {
    let mut shown = String::new();
    for (name, body) in streams() {
        let (events, result) = decode_stream(body.as_bytes(), usize::MAX);
        let byte_by_byte = decode_stream(body.as_bytes(), 1);
        assert_eq!(
            (&events, &result),
            (&byte_by_byte.0, &byte_by_byte.1),
            "{name}"
        );
        writeln!(shown, "# {name}").unwrap();
        for event in events {
            writeln!(shown, "{event:?}").unwrap();
        }
        match result {
            Ok(()) => writeln!(shown, "Ok"),
            Err(failure) => writeln!(shown, "{:?} {failure}", failure.class),
        }
        .unwrap();
    }
    assert_golden("responses_provider_streams", &shown);
}

#[test]
fn a_stream_says_what_its_end_says() {
    for events in [said(), thinking(), calls()] {
        let items = events
            .iter()
            .filter(|event| event["type"] == "response.output_item.done");
        let items: Vec<Value> = items.map(|event| event["item"].clone()).collect();
        let streamed = decode_stream(whole(events.clone()).as_bytes(), 7);
        let at_once = decode_stream(sse(&[end("completed", &items)]).as_bytes(), 7);
        assert_eq!((streamed.1, at_once.1), (Ok(()), Ok(())));
        let texts = |events: &[Event]| {
            let answer = assemble(events);
            let choice = &answer.choices[0];
            let calls: Vec<_> = choice.tool_calls().cloned().collect();
            (choice.text(), calls, choice.finish_reason, answer.usage)
        };
        assert_eq!(texts(&streamed.0), texts(&at_once.0));
    }
}

#[test]
fn too_many_calls_are_refused() {
    let calls: Vec<Value> = (0..129).map(|at| begun(at, &call("a", ""))).collect();
    let (_, result) = decode_stream(sse(&calls).as_bytes(), usize::MAX);
    assert_eq!(result.unwrap_err().class, FailureClass::Malformed);
    let whole = end("completed", &vec![call("a", "{}"); 129]);
    let (_, result) = decode_stream(sse(&[whole]).as_bytes(), usize::MAX);
    assert_eq!(result.unwrap_err().class, FailureClass::Malformed);
}

#[test]
fn a_stream_without_its_end_is_cut_off() {
    let body = whole(said());
    let events: Vec<&str> = body.split_inclusive("\n\n").collect();
    for keep in 0..events.len() {
        let (_, result) = decode_stream(events[..keep].concat().as_bytes(), 11);
        assert_eq!(result.unwrap_err().class, FailureClass::Truncated, "{keep}");
    }
}
