use serde_json::{Value as Json, json};

use super::*;
use crate::error::Kind;

fn with(more: &Json) -> Vec<u8> {
    let mut body = json!({ "prompt": "a canal lock" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string().into_bytes()
}

#[test]
fn every_field_is_read() {
    let request = parse(&with(&json!({
        "model": "m", "n": 3, "size": "512x768", "quality": "high", "background": "opaque",
        "style": "vivid", "output_format": "webp", "response_format": "b64_json",
        "output_compression": 50, "stream": false, "partial_images": 0, "seed": 4,
    })));
    let request = request.unwrap();
    assert_eq!((request.model.as_str(), request.count), ("m", 3));
    assert_eq!(request.size.as_deref(), Some("512x768"));
    assert_eq!(request.format.as_deref(), Some("webp"));
    let expected = [
        ("quality", "high".to_owned()),
        ("background", "opaque".to_owned()),
    ];
    assert_eq!(request.styles, expected);
    let told: Vec<&str> = request
        .warnings
        .iter()
        .map(|warning| warning.field.as_str())
        .collect();
    assert_eq!(told, ["seed", "output_compression", "style"]);
}

#[test]
fn a_prompt_is_enough() {
    let request = parse(&with(&json!({ "size": "auto" }))).unwrap();
    assert_eq!((request.model.as_str(), request.count), ("auto", 1));
    assert_eq!((request.size, request.format), (None, None));
}

#[test]
fn bad_fields_are_named() {
    let cases = [
        (json!({ "prompt": null }), "prompt"),
        (json!({ "prompt": "" }), "prompt"),
        (json!({ "prompt": ["a"] }), "prompt"),
        (json!({ "prompt": "a".repeat(MOST_PROMPT + 1) }), "prompt"),
        (json!({ "n": 0 }), "n"),
        (json!({ "n": 11 }), "n"),
        (json!({ "n": "2" }), "n"),
        (json!({ "size": "large" }), "size"),
        (json!({ "size": "0x5" }), "size"),
        (json!({ "size": 1024 }), "size"),
        (json!({ "quality": "best" }), "quality"),
        (json!({ "style": 1 }), "style"),
        (json!({ "background": "red" }), "background"),
        (json!({ "moderation": "off" }), "moderation"),
        (json!({ "output_format": "gif" }), "output_format"),
        (json!({ "output_compression": 101 }), "output_compression"),
        (json!({ "response_format": "url" }), "response_format"),
        (json!({ "response_format": "file" }), "response_format"),
        (json!({ "stream": true }), "stream"),
        (json!({ "partial_images": 2 }), "partial_images"),
        (json!({ "user": 5 }), "user"),
        (json!({ "model": 5 }), "model"),
    ];
    for (more, param) in cases {
        let error = parse(&with(&more)).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidRequest);
        assert_eq!(
            error.param.as_deref(),
            Some(param),
            "{more}: {}",
            error.message
        );
    }
}

#[test]
fn pictures_are_told_by_their_bytes() {
    let body = render(&["/9j/4AAQ".to_owned()], Some("1024x1024"), 7);
    assert_eq!(
        serde_json::from_slice::<Json>(&body).unwrap(),
        json!({
            "created": 7, "data": [{ "b64_json": "/9j/4AAQ" }],
            "output_format": "jpeg", "size": "1024x1024",
        })
    );
    assert_eq!(format_of("iVBORw0KGgoAAA"), Some("png"));
    assert_eq!(format_of("UklGRiQ"), Some("webp"));
    assert_eq!(format_of("AAAA"), None);
}
