use serde_json::{Value, json};

use super::*;
use crate::error::Kind;

fn parsed(body: &Value) -> EmbeddingRequest {
    parse(body.to_string().as_bytes()).unwrap()
}

fn refused(body: &Value) -> (Option<String>, String) {
    let error = parse(body.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.kind, Kind::InvalidRequest);
    (error.param, error.message)
}

#[test]
fn every_form_of_input_is_read() {
    let cases = [
        (json!("a"), Input::Texts(vec!["a".to_owned()])),
        (
            json!(["a", "é"]),
            Input::Texts(vec!["a".to_owned(), "é".to_owned()]),
        ),
        (json!([1, 2]), Input::Tokens(vec![vec![1, 2]])),
        (
            json!([[1], [2, 3]]),
            Input::Tokens(vec![vec![1], vec![2, 3]]),
        ),
    ];
    for (input, expected) in cases {
        let request = parsed(&json!({ "model": "embed", "input": input }));
        assert_eq!(request.input, expected);
        assert_eq!(request.encoding, Encoding::Float);
        assert_eq!(request.warnings, []);
    }
}

#[test]
fn options_are_read_and_unknown_fields_are_told() {
    let request = parsed(&json!({
        "model": "embed", "input": "a", "encoding_format": "base64", "dimensions": 256,
        "user": "u1", "priority": 1, "later": null,
    }));
    assert_eq!(request.encoding, Encoding::Base64);
    assert_eq!(request.dimensions, Some(256));
    let told: Vec<String> = request.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["priority; not known here"]);
}

#[test]
fn bad_fields_are_named() {
    let many: Vec<&str> = vec!["a"; MAX_INPUTS + 1];
    let cases = [
        (json!({ "input": "a" }), "model"),
        (json!({ "model": "", "input": "a" }), "model"),
        (json!({ "model": 1, "input": "a" }), "model"),
        (json!({ "model": "m" }), "input"),
        (json!({ "model": "m", "input": null }), "input"),
        (json!({ "model": "m", "input": "" }), "input"),
        (json!({ "model": "m", "input": [] }), "input"),
        (json!({ "model": "m", "input": {} }), "input"),
        (json!({ "model": "m", "input": 1 }), "input"),
        (json!({ "model": "m", "input": many }), "input"),
        (json!({ "model": "m", "input": ["a", ""] }), "input[1]"),
        (json!({ "model": "m", "input": ["a", 1] }), "input[1]"),
        (json!({ "model": "m", "input": [1, "a"] }), "input[1]"),
        (json!({ "model": "m", "input": [-1] }), "input[0]"),
        (json!({ "model": "m", "input": [[1], []] }), "input[1]"),
        (
            json!({ "model": "m", "input": [[1], [1.5]] }),
            "input[1][0]",
        ),
        (json!({ "model": "m", "input": ["a\0"] }), "input[0]"),
        (
            json!({ "model": "m", "input": "a", "encoding_format": "hex" }),
            "encoding_format",
        ),
        (
            json!({ "model": "m", "input": "a", "encoding_format": 1 }),
            "encoding_format",
        ),
        (
            json!({ "model": "m", "input": "a", "dimensions": 0 }),
            "dimensions",
        ),
        (
            json!({ "model": "m", "input": "a", "dimensions": "8" }),
            "dimensions",
        ),
        (json!({ "model": "m", "input": "a", "user": 7 }), "user"),
    ];
    for (body, param) in cases {
        let (found, message) = refused(&body);
        assert_eq!(found.as_deref(), Some(param), "{body}: {message}");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for body in ["", "[]", "{", "null", "\"a\""] {
        assert_eq!(
            parse(body.as_bytes()).unwrap_err().kind,
            Kind::InvalidRequest
        );
    }
}

#[test]
fn a_shortened_vector_has_length_one() {
    assert_eq!(shortened(vec![0.6, 0.8, 5.0], 2), [0.6, 0.8]);
    assert_eq!(shortened(vec![3.0, 4.0, 0.0], 2), [0.6, 0.8]);
    assert_eq!(shortened(vec![0.0, 0.0, 1.0], 2), [0.0, 0.0]);
}

#[test]
fn vectors_are_written_in_both_encodings() {
    let usage = Usage {
        input_tokens: 5,
        ..Usage::default()
    };
    let vectors = [vec![0.1, -2.5], vec![1e-7, 0.0]];
    let written = |encoding| -> Value {
        let body = render(&vectors, encoding, "m", &usage, Nanos::new(59));
        serde_json::from_slice(&body).unwrap()
    };
    let float = written(Encoding::Float);
    assert_eq!(
        float,
        json!({
            "object": "list",
            "data": [
                { "object": "embedding", "index": 0, "embedding": [0.1, -2.5] },
                { "object": "embedding", "index": 1, "embedding": [1e-7, 0.0] },
            ],
            "model": "m",
            "usage": { "prompt_tokens": 5, "total_tokens": 5, "cost_usd": "0.000000059" },
        })
    );
    let base64 = written(Encoding::Base64);
    let text = base64["data"][0]["embedding"].as_str().unwrap();
    let bytes = BASE64_STANDARD.decode(text).unwrap();
    let numbers: Vec<f32> = bytes
        .chunks(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    assert_eq!(numbers, vectors[0]);
}
