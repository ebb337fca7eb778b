//! `POST /v1/audio/speech`.

use esclusa::audit::{Flag, Outcome};
use esclusa::money::Nanos;
use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/audio/speech";
const ENGLISH: &str = "The shop is open from nine to five.";
const SPANISH: &str = "La tienda abre de nueve a cinco.";

fn request(more: &Value) -> Value {
    let mut body = json!({ "model": "tts", "input": ENGLISH, "voice": "alloy" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn speak(acme: &Acme, more: &Value) -> Response {
    acme.posted(PATH, &request(more))
}

fn last_input(acme: &Acme) -> Value {
    acme.world
        .provider
        .calls
        .borrow()
        .last()
        .unwrap()
        .input
        .clone()
}

#[test]
fn a_text_is_spoken_with_headers_record_and_price() {
    let acme = Acme::new();
    let response = speak(&acme, &json!({ "model": AURA }));
    assert_eq!(response.text(), ENGLISH);
    assert!(!response.broken);
    // 35 characters at $0.015 a thousand.
    let cost = Nanos::new(525_000);
    for (name, value) in [
        ("content-type", "audio/mpeg"),
        ("cf-aig-model", AURA),
        ("x-ai-operation", "speak"),
        ("x-ai-tier", "tts"),
        ("x-ai-cost-usd", &cost.to_usd()),
    ] {
        assert_eq!(response.told(name), value, "{name}");
    }
    assert_eq!(
        last_input(&acme),
        json!({ "text": ENGLISH, "speaker": "asteria", "encoding": "mp3" })
    );
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "audio.speech");
    assert_eq!(record.draft.outcome, Outcome::Answered);
    assert_eq!(record.draft.usage.units.characters, 35);
    assert_eq!((record.cost, record.bound), (cost, cost));
    assert_eq!(record.flags, []);
    acme.check_released();
}

#[test]
fn formats_and_voices_are_those_of_the_model() {
    let acme = Acme::new();
    for (format, content_type, expected) in [
        (
            "wav",
            "audio/wav",
            json!({ "encoding": "linear16", "container": "wav" }),
        ),
        (
            "pcm",
            "audio/pcm",
            json!({ "encoding": "linear16", "container": "none", "sample_rate": 24_000 }),
        ),
        (
            "opus",
            "audio/opus",
            json!({ "encoding": "opus", "container": "ogg" }),
        ),
        ("flac", "audio/flac", json!({ "encoding": "flac" })),
        ("aac", "audio/aac", json!({ "encoding": "aac" })),
    ] {
        let more = json!({ "model": AURA, "voice": "orion", "response_format": format });
        assert_eq!(speak(&acme, &more).told("content-type"), content_type);
        let input = last_input(&acme);
        assert_eq!(input["speaker"], "orion");
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&input[name], value, "{format}");
        }
    }
}

#[test]
fn a_text_goes_to_a_model_that_speaks_its_language() {
    let acme = Acme::new();
    let model = |more: &Value| speak(&acme, more).told("cf-aig-model").to_owned();
    assert_eq!(model(&json!({})), AURA);
    assert_eq!(model(&json!({ "input": SPANISH })), AURA_ES);
    assert_eq!(
        model(&json!({ "input": "Ok", "language": "es-ES" })),
        AURA_ES
    );
    assert_eq!(
        model(&json!({ "input": "Bonjour", "language": "fr" })),
        MELO
    );
    assert_eq!(last_input(&acme)["lang"], "fr");
    // A guess never overrules a model that was named; a language does.
    assert_eq!(model(&json!({ "model": AURA, "input": SPANISH })), AURA);
    let wrong = request(&json!({ "model": AURA, "language": "es" }));
    let response = acme.post(PATH, &wrong);
    check_error(&response, 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "language");
}

#[test]
fn a_model_that_charges_by_the_minute_is_settled_by_what_it_spoke() {
    let acme = Acme::new();
    let response = speak(&acme, &json!({ "model": MELO, "input": "Ten signs." }));
    assert_eq!(response.told("content-type"), "audio/wav");
    assert_eq!(response.body.len(), 44 + 16_000);
    let warnings = response.told("x-ai-warnings");
    assert_eq!(warnings, "voice; the model has one voice");
    let record = acme.record(&response);
    // One second at $0.0002 a minute; 20 s were held.
    assert_eq!(record.draft.usage.units.audio_milliseconds, 1_000);
    assert_eq!(record.cost, Nanos::new(3_334));
    assert_eq!(record.bound, Nanos::new(66_667));
    assert_eq!(record.flags, []);
    acme.world
        .provider
        .once(MELO, Act::Status(200, r#"{"audio":"c291bmQ="}"#));
    let response = speak(&acme, &json!({ "model": MELO, "input": "Ten signs." }));
    assert_eq!(response.text(), "sound");
    assert_eq!(acme.record(&response).flags, [Flag::Estimated]);
}

#[test]
fn what_a_model_does_not_take_is_told() {
    let acme = Acme::new();
    let more = json!({ "model": AURA, "speed": 1.5, "instructions": "Whisper.", "tone": 3 });
    let response = speak(&acme, &more);
    assert_eq!(
        response.told("x-ai-warnings"),
        "tone; not known here, speed; the model has one speed, instructions; the model takes none"
    );
}

#[test]
fn a_model_that_fails_before_its_first_byte_is_replaced() {
    for act in [
        Act::Status(500, "broken"),
        Act::Status(200, r#"{"audio":""}"#),
        Act::Html,
        Act::ErrorObject,
        Act::InvalidJson,
        Act::Cut(0),
        Act::Hang,
    ] {
        let acme = Acme::new();
        acme.world.provider.once(AURA, act.clone());
        let response = speak(&acme, &json!({}));
        assert_eq!(
            response.told("cf-aig-model"),
            "@cf/deepgram/aura-2-en",
            "{act:?}"
        );
        assert_eq!(
            (response.told("cf-aig-step"), response.text()),
            ("1", ENGLISH)
        );
        acme.check_released();
    }
}

#[test]
fn a_sound_that_breaks_off_is_never_taken_for_whole() {
    let acme = Acme::new();
    acme.world.provider.once(AURA, Act::Cut(3));
    let response = speak(&acme, &json!({}));
    assert_eq!(response.text(), "The shop is ");
    assert!(response.broken);
    let record = acme.record(&response);
    assert_eq!(record.draft.outcome, Outcome::Truncated);
    assert_eq!(record.cost, Nanos::new(525_000));
    acme.check_released();
}

#[test]
fn a_client_that_goes_is_charged_what_was_asked_for() {
    let acme = Acme::new();
    let executor = &acme.world.shared.executor;
    let request = Request::new("POST", PATH)
        .key(&acme.key)
        .json(&request(&json!({})));
    let worker = acme.worker.clone();
    let opened = executor.block_on(async move {
        let mut opened = worker.open(request).await;
        opened.read().await;
        opened
    });
    let response = opened.response.clone();
    drop(opened);
    executor.run_ready();
    let record = acme.record(&response);
    assert_eq!(record.draft.outcome, Outcome::ClientGone);
    assert_eq!(record.cost, Nanos::new(525_000));
    acme.check_released();
}

#[test]
fn bad_requests_are_refused_by_name() {
    let acme = Acme::new();
    for (more, param) in [
        (json!({ "input": "" }), "input"),
        (json!({ "input": "a".repeat(4_097) }), "input"),
        (
            json!({ "input": "a".repeat(2_001), "model": AURA }),
            "input",
        ),
        (json!({ "voice": null }), "voice"),
        (json!({ "voice": "nobody", "model": AURA }), "voice"),
        (json!({ "response_format": "ogg" }), "response_format"),
        (
            json!({ "response_format": "wav", "model": MELO }),
            "response_format",
        ),
        (json!({ "speed": 9 }), "speed"),
        (json!({ "language": "de" }), "language"),
        (json!({ "stream_format": "sse" }), "stream_format"),
        (json!({ "model": "speech" }), "model"),
    ] {
        let response = acme.post(PATH, &request(&more));
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{more}");
    }
    assert!(acme.world.provider.calls.borrow().is_empty());
}
