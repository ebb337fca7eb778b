use serde_json::{Value as Json, json};

use super::*;
use crate::error::Kind;

fn with(more: &Json) -> Json {
    let mut body = json!({ "model": "tts", "input": "Hello", "voice": "alloy" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn parsed(more: &Json) -> SpeechRequest {
    parse(with(more).to_string().as_bytes()).unwrap()
}

#[test]
fn every_field_is_read() {
    let request = parsed(&json!({
        "input": "¿Qué tal?", "response_format": "wav", "speed": 1.5, "instructions": "Calmly.",
        "language": "es-MX", "stream_format": "audio", "pitch": 2,
    }));
    assert_eq!(request.format, SoundFormat::Wav);
    assert_eq!(request.speed, Some(1.5));
    assert_eq!(request.instructions.as_deref(), Some("Calmly."));
    assert_eq!(request.language.as_deref(), Some("es"));
    assert_eq!(request.characters(), 9);
    let told: Vec<String> = request.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["pitch; not known here"]);
}

#[test]
fn what_is_left_out_has_its_default() {
    let request = parsed(&json!({ "speed": 1, "language": null }));
    assert_eq!(request.format, SoundFormat::Mp3);
    assert_eq!((request.speed, request.language), (None, None));
}

#[test]
fn bad_fields_are_named() {
    let cases = [
        (json!({ "model": null }), "model"),
        (json!({ "input": null }), "input"),
        (json!({ "input": "" }), "input"),
        (json!({ "input": " \n" }), "input"),
        (json!({ "input": ["a"] }), "input"),
        (json!({ "input": "a\0" }), "input"),
        (json!({ "input": "ñ".repeat(MAX_CHARACTERS + 1) }), "input"),
        (json!({ "voice": null }), "voice"),
        (json!({ "voice": { "id": "custom" } }), "voice"),
        (json!({ "voice": "v".repeat(65) }), "voice"),
        (json!({ "response_format": "ogg" }), "response_format"),
        (json!({ "response_format": 1 }), "response_format"),
        (json!({ "speed": 0.1 }), "speed"),
        (json!({ "speed": "1" }), "speed"),
        (json!({ "instructions": 1 }), "instructions"),
        (json!({ "language": "spanish" }), "language"),
        (json!({ "stream_format": "sse" }), "stream_format"),
    ];
    for (more, param) in cases {
        let error = parse(with(&more).to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidRequest);
        assert_eq!(
            error.param.as_deref(),
            Some(param),
            "{more}: {}",
            error.message
        );
    }
    assert!(parse("ñ".as_bytes()).is_err());
    parsed(&json!({ "input": "ñ".repeat(MAX_CHARACTERS) }));
}
