use serde_json::{Value as Json, json};

use super::*;
use crate::error::Kind;

fn parsed(input: &Json) -> ModerationRequest {
    parse(json!({ "input": input }).to_string().as_bytes()).unwrap()
}

#[test]
fn every_form_of_input_is_read() {
    let text = |text: &str| Item::Text(text.to_owned());
    assert_eq!(parsed(&json!("a")).input, [text("a")]);
    assert_eq!(parsed(&json!(["a", "b"])).input, [text("a"), text("b")]);
    let parts = json!([
        { "type": "text", "text": "a" },
        { "type": "image_url", "image_url": { "url": "https://images.example/cat.png" } },
    ]);
    let expected = [
        Part::Text("a".to_owned()),
        Part::Image("https://images.example/cat.png".to_owned()),
    ];
    assert_eq!(parsed(&parts).input, [Item::Parts(expected.to_vec())]);
    assert_eq!(parsed(&json!("a")).model, "auto");
}

#[test]
fn bad_fields_are_named() {
    let many = vec!["a"; MAX_INPUTS + 1];
    let image = |url: &str| json!([{ "type": "image_url", "image_url": { "url": url } }]);
    let cases = [
        (json!(null), "input"),
        (json!(""), "input"),
        (json!([]), "input"),
        (json!(7), "input"),
        (json!(many), "input"),
        (json!(["a", ""]), "input[1]"),
        (json!(["a", { "type": "text", "text": "b" }]), "input[1]"),
        (json!([{ "type": "text" }]), "input[0].text"),
        (json!([{ "text": "a" }]), "input[0].type"),
        (json!([{ "type": "audio" }]), "input[0].type"),
        (json!([{ "type": "text", "text": "a" }, "b"]), "input[1]"),
        (
            json!([{ "type": "image_url", "image_url": "x" }]),
            "input[0].image_url",
        ),
        (
            json!([{ "type": "image_url", "image_url": {} }]),
            "input[0].image_url.url",
        ),
        (image("file:///etc/passwd"), "input[0].image_url.url"),
        (
            image("data:text/plain;base64,YQ=="),
            "input[0].image_url.url",
        ),
    ];
    for (input, param) in cases {
        let body = json!({ "input": input });
        let error = parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidRequest);
        assert_eq!(
            error.param.as_deref(),
            Some(param),
            "{body}: {}",
            error.message
        );
    }
}

#[test]
fn a_verdict_names_every_category() {
    let mut verdict = Verdict {
        applies: [false; 13],
        scores: [0.0; 13],
        hazards: vec!["S10".to_owned()],
    };
    (verdict.applies[2], verdict.scores[2]) = (true, 1.0);
    let body = render(&parsed(&json!("a")), &[verdict], "id1", "m");
    let answer: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&answer["id"], &answer["model"]),
        (&json!("modr-id1"), &json!("m"))
    );
    let result = &answer["results"][0];
    assert_eq!(result["flagged"], true);
    for part in [
        "categories",
        "category_scores",
        "category_applied_input_types",
    ] {
        assert_eq!(result[part].as_object().unwrap().len(), 13, "{part}");
    }
    assert_eq!(result["categories"]["hate"], true);
    assert_eq!(result["categories"]["hate/threatening"], false);
    assert_eq!(result["category_scores"]["hate"], 1.0);
    assert_eq!(
        result["category_applied_input_types"]["violence"],
        json!(["text"])
    );
    assert_eq!(result["hazards"], json!(["S10"]));
}
