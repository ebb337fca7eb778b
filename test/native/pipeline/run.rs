//! `POST /v1/run`: every operation, whatever it needs.

use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/run";

const PICTURE: &str = "data:image/png;base64,iVBORw0KGgo=";

/// What each operation is asked for, and where its answer stands.
fn inputs() -> Vec<(&'static str, Value, &'static str)> {
    let tools =
        json!([{ "type": "function", "function": { "name": "weather", "parameters": {} } }]);
    let texts = [
        "analyze_report",
        "autocomplete",
        "chat",
        "classify_ticket",
        "complex_reasoning",
        "draft_email",
        "faq",
        "generate_report",
        "navigation",
        "summarize",
        "support_diagnosis",
        "translate",
    ];
    let texts = texts
        .into_iter()
        .map(|name| (name, json!({ "input": "Good morning" }), "/output"));
    let others = [
        ("read_document", json!({ "input": PICTURE }), "/output"),
        (
            "search_semantic",
            json!({ "input": QUESTION }),
            "/results/0/passage",
        ),
        ("speak", json!({ "input": "Good morning" }), ""),
        (
            "transcribe",
            json!({ "input": "AAAA".repeat(10_000) }),
            "/text",
        ),
        (
            "workflow",
            json!({ "input": "Weather?", "tools": tools }),
            "/output",
        ),
    ];
    texts.chain(others).collect()
}

#[test]
fn every_operation_answers() {
    let acme = Acme::learned();
    let inputs = inputs();
    let names: Vec<&str> = inputs.iter().map(|(name, ..)| *name).collect();
    let mut known: Vec<&str> = names.clone();
    known.sort_unstable();
    let catalogue = esclusa::config::catalogue().unwrap();
    let operations: Vec<&str> = catalogue.operations.keys().map(String::as_str).collect();
    assert_eq!(
        known, operations,
        "the table has every operation of the catalogue"
    );
    for (name, mut body, place) in inputs {
        body["operation"] = json!(name);
        let response = acme.posted(PATH, &body);
        assert_eq!(response.told("x-ai-operation"), name);
        if place.is_empty() {
            assert_eq!(response.told("content-type"), "audio/mpeg");
            assert_eq!(response.text(), "Good morning");
        } else {
            let answer = response.json();
            let said = answer.pointer(place).and_then(Value::as_str);
            assert!(
                said.is_some_and(|said| !said.is_empty()),
                "{name}: {answer}"
            );
        }
        let record = acme.record(&response);
        assert_eq!(
            (
                record.draft.endpoint.as_str(),
                record.draft.operation.as_str()
            ),
            ("run", name)
        );
        assert!(
            record.cost.get() > 0 && record.cost <= record.bound,
            "{name}"
        );
    }
    acme.check_released();
}

#[test]
fn a_picture_may_come_with_a_question() {
    let acme = Acme::new();
    let input = json!({ "text": "What is the total?", "image": PICTURE });
    let body = json!({ "operation": "read_document", "input": input });
    let response = acme.posted(PATH, &body);
    assert!(
        response.text().contains("What is the total?"),
        "{}",
        response.text()
    );
    assert!(acme.world.provider.sent()[0].contains("iVBORw0KGgo="));
}

#[test]
fn an_operation_calls_tools() {
    let acme = Acme::new();
    let tools =
        json!([{ "type": "function", "function": { "name": "weather", "parameters": {} } }]);
    acme.world.provider.once(OSS, Act::CallTool);
    let body = json!({ "operation": "workflow", "input": "Weather?", "tools": tools });
    let answer = acme.posted(PATH, &body).json();
    assert_eq!(
        (&answer["tool_calls"][0]["name"], &answer["finish_reason"]),
        (&json!("weather"), &json!("tool_calls"))
    );
    acme.world.provider.once(OSS, Act::CallTool);
    let mut body = body;
    body["stream"] = json!(true);
    let events = acme.posted(PATH, &body).events();
    let last: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
    for field in ["tool_calls", "finish_reason"] {
        assert_eq!(last[field], answer[field], "{last}");
    }
    assert!(last.get("output").is_none(), "{last}");
}

#[test]
fn more_than_one_answer_is_refused_before_it_is_paid_for() {
    let acme = Acme::new();
    let mut body = json!({ "operation": "chat", "input": "Hello", "n": 2 });
    for _ in 0..2 {
        let refused = acme.post(PATH, &body);
        check_error(&refused, 400, "invalid_request");
        assert_eq!(refused.json()["error"]["param"], "n");
        body["stream"] = json!(true);
    }
    assert!(acme.world.provider.calls.borrow().is_empty());
    body["n"] = json!(1);
    acme.posted(PATH, &body);
}

#[test]
fn an_input_without_an_operation_is_classified() {
    let acme = Acme::new();
    let body = json!({ "input": "Please translate this into French: good morning" });
    let response = acme.posted(PATH, &body);
    assert_eq!(
        response.json()["operation"],
        response.told("x-ai-operation")
    );
    assert_eq!(response.told("x-ai-operation"), "translate");
    assert!(acme.record(&response).draft.confidence < 100);
    let plain = acme.posted(PATH, &json!({ "input": "Hm." }));
    assert_eq!(plain.told("x-ai-operation"), "chat");
}

#[test]
fn a_sound_in_base64_is_transcribed() {
    let acme = Acme::new();
    for input in ["c291bmQ=", "data:audio/wav;base64,c291bmQ="] {
        let body = json!({
            "operation": "transcribe", "input": input, "language": "es",
            "response_format": "verbose_json", "timestamp_granularities": ["word", "segment"],
        });
        let response = acme.posted(PATH, &body);
        assert_eq!(response.json()["words"].as_array().unwrap().len(), 2);
        assert_eq!(response.told("x-ai-operation"), "transcribe");
        assert_eq!(response.told("x-ai-tier"), "speech");
        assert_eq!(acme.record(&response).draft.endpoint, "run");
        let sent = acme
            .world
            .provider
            .calls
            .borrow()
            .last()
            .unwrap()
            .input
            .clone();
        assert_eq!(
            (&sent["audio"], &sent["language"]),
            (&json!("c291bmQ="), &json!("es"))
        );
    }
}

#[test]
fn a_sound_in_a_form_is_transcribed() {
    let acme = Acme::new();
    let fields = [("operation", "transcribe"), ("response_format", "text")];
    let response = acme.upload(PATH, &fields, &[("file", b"sound")]);
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().ends_with("Hello there.\n"));
    assert_eq!(response.told("x-ai-operation"), "transcribe");
    let response = acme.upload(PATH, &[], &[("file", b"sound")]);
    check_error(&response, 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "operation");
    let response = acme.upload(PATH, &[("operation", "faq")], &[("file", b"sound")]);
    check_error(&response, 400, "invalid_request");
}

#[test]
fn a_text_is_spoken() {
    let acme = Acme::new();
    let body = json!({ "operation": "speak", "input": "Hello there" });
    let response = acme.posted(PATH, &body);
    assert_eq!(response.text(), "Hello there");
    assert_eq!(response.told("content-type"), "audio/mpeg");
    assert_eq!(response.told("x-ai-operation"), "speak");
    let body =
        json!({ "operation": "speak", "input": "Hi", "voice": "orion", "response_format": "wav" });
    assert_eq!(acme.posted(PATH, &body).told("content-type"), "audio/wav");
    let sent = acme
        .world
        .provider
        .calls
        .borrow()
        .last()
        .unwrap()
        .input
        .clone();
    assert_eq!(sent["speaker"], "orion");
}

#[test]
fn other_operations_stay_conversations() {
    let acme = Acme::new();
    let body = json!({ "operation": "translate", "input": "Good morning" });
    let response = acme.posted(PATH, &body);
    assert_eq!(response.told("x-ai-operation"), "translate");
    assert!(response.text().contains("Good morning"));
}

#[test]
fn bad_requests_are_refused_by_name() {
    let acme = Acme::new();
    for (body, param) in [
        (json!({ "operation": "transcribe" }), "input"),
        (json!({ "operation": "transcribe", "input": "" }), "input"),
        (
            json!({ "operation": "transcribe", "input": "not base64!" }),
            "input",
        ),
        (
            json!({ "operation": "transcribe", "input": { "a": 1 } }),
            "input",
        ),
        (
            json!({ "operation": "transcribe", "input": "YQ==", "language": {} }),
            "language",
        ),
        (
            json!({ "operation": "transcribe", "input": "YQ==", "prompt": [[]] }),
            "prompt",
        ),
        (
            json!({ "operation": "transcribe", "input": "YQ==", "stream": true }),
            "stream",
        ),
        (json!({ "operation": "speak" }), "input"),
        (json!({ "operation": "speak", "input": 7 }), "input"),
        (
            json!({ "operation": "speak", "input": "a", "speed": 9 }),
            "speed",
        ),
        (json!({ "operation": "nothing", "input": "a" }), "model"),
    ] {
        let response = acme.post(PATH, &body);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{body}");
    }
    assert!(acme.world.provider.calls.borrow().is_empty());
    let bare = Request::new("POST", PATH).json(&json!({ "operation": "speak", "input": "a" }));
    check_error(&acme.world.send(&acme.worker, bare), 401, "invalid_api_key");
    let text = Request::new("POST", PATH)
        .key(&acme.key)
        .bytes(b"hello".to_vec());
    check_error(
        &acme.world.send(&acme.worker, text),
        415,
        "unsupported_media_type",
    );
}

#[test]
fn a_search_gives_the_orgs_own_passages_with_their_scores() {
    let acme = Acme::learned();
    acme.world
        .learn(&acme.worker, &acme.key, "shipping", "We ship on Mondays.");
    let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
    let theirs = "Bolt takes any battery back within 99 days.";
    acme.world.learn(&acme.worker, &bolt, "returns", theirs);
    let body = json!({ "operation": "search_semantic", "input": QUESTION });
    let response = acme.posted(PATH, &body);
    let found = response.json();
    assert_eq!(
        (&found["object"], &found["operation"]),
        (&json!("run"), &json!("search_semantic"))
    );
    let best = &found["results"][0];
    assert_eq!(
        (&best["document"], &best["passage"]),
        (&json!("returns"), &json!(RETURNS))
    );
    let scores: Vec<f64> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["score"].as_f64().unwrap())
        .collect();
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
    assert!(scores.is_sorted_by(|left, right| left >= right));
    assert!(!response.text().contains("99 days"), "another org's");
    assert_eq!(response.told("x-ai-operation"), "search_semantic");
    assert_eq!(response.told("cf-aig-model"), EMBED);
    assert_eq!(response.told("x-ai-sources"), scores.len().to_string());
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "run");
    let purposes: Vec<&str> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| attempt.purpose.as_str())
        .collect();
    assert_eq!(purposes, ["embed", "rerank"]);
    assert!(record.cost.get() > 0 && record.cost <= record.bound);
    assert_eq!(found["usage"]["cost_usd"], record.cost.to_usd());
    acme.check_released();
    let mut one = body.clone();
    one["top_n"] = json!(1);
    let one = acme.posted(PATH, &one).json();
    assert_eq!(one["results"].as_array().unwrap().len(), 1);
    let fresh = acme.world.org(&acme.worker, "empty", &json!({}));
    let request = Request::new("POST", PATH).key(&fresh).json(&body);
    let nothing = acme.world.expect(&acme.worker, request, 200).json();
    assert_eq!(nothing["results"], json!([]));
}

#[test]
fn a_search_that_is_malformed_or_too_dear_is_refused() {
    let acme = Acme::learned();
    for (more, param) in [
        (json!({}), "input"),
        (json!({ "input": "" }), "input"),
        (json!({ "input": ["a"] }), "input"),
        (json!({ "input": "a", "top_n": 0 }), "top_n"),
        (json!({ "input": "a", "top_n": 11 }), "top_n"),
        (json!({ "input": "a", "top_n": "1" }), "top_n"),
    ] {
        let mut body = more;
        body["operation"] = json!("search_semantic");
        let response = acme.post(PATH, &body);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{body}");
        acme.record(&response);
    }
    let body = json!({ "operation": "search_semantic", "input": "a", "stream": true });
    let warnings = acme.posted(PATH, &body).told("x-ai-warnings").to_owned();
    assert!(warnings.starts_with("stream;"), "{warnings}");
    let poor = Acme::with(&json!({ "budgets": [{ "usd": "0", "period": "day" }] }));
    check_error(&poor.post(PATH, &body), 402, "budget_exhausted");
    assert!(poor.world.provider.calls.borrow().is_empty());
}

#[test]
fn a_search_that_fails_is_no_empty_one() {
    let acme = Acme::learned();
    let body = json!({ "operation": "search_semantic", "input": QUESTION });
    for _ in 0..2 {
        acme.world.shared.faults.once(Port::Vectors, Fault::Down);
        let response = acme.post(PATH, &body);
        check_error(&response, 503, "unavailable");
        assert!(response.header("retry-after").is_some());
        acme.world.provider.once(RERANK, Act::Status(500, "broken"));
        check_error(&acme.post(PATH, &body), 503, "unavailable");
        acme.check_released();
    }
}
