//! `POST /v1/run` for operations that hear or speak.

use serde_json::json;

use super::support::*;

const PATH: &str = "/v1/run";

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
