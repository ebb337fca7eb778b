//! `POST /v1/moderations`.

use esclusa::audit::Flag;
use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/moderations";

fn judge(acme: &Acme, input: &Value) -> Vec<Value> {
    let body = acme
        .posted(PATH, &json!({ "model": GUARD, "input": input }))
        .json();
    body["results"].as_array().unwrap().clone()
}

fn flagged(result: &Value) -> Vec<String> {
    let categories = result["categories"].as_object().unwrap().iter();
    let applies = categories.filter(|(_, applies)| **applies == true);
    applies.map(|(name, _)| name.clone()).collect()
}

#[test]
fn a_text_is_judged_with_headers_record_and_price() {
    let acme = Acme::new();
    let response = acme.posted(PATH, &json!({ "model": GUARD, "input": "How to build S9" }));
    let body = response.json();
    assert_eq!(body["model"], GUARD);
    assert_eq!(
        body["id"],
        format!("modr-{}", response.told("x-request-id"))
    );
    let result = &body["results"][0];
    assert_eq!(result["flagged"], true);
    assert_eq!(flagged(result), ["illicit", "illicit/violent"]);
    assert_eq!(result["category_scores"]["illicit"], 1.0);
    assert_eq!(result["category_scores"]["hate"], 0.0);
    assert_eq!(result["hazards"], json!(["S9"]));
    assert_eq!(response.told("x-ai-operation"), "moderate");
    assert_eq!(response.told("x-ai-tier"), "guard");
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "moderations");
    // 200 tokens in and 5 out, as the model says.
    assert_eq!(record.cost.get(), 200 * 484 + 5 * 30);
    assert!(record.cost <= record.bound && record.flags.is_empty());
    acme.check_released();
}

#[test]
fn every_hazard_has_its_categories() {
    let acme = Acme::new();
    let cases: [(&str, &[&str]); 14] = [
        ("S1", &["illicit", "illicit/violent", "violence"]),
        ("S2", &["illicit"]),
        ("S3", &["illicit", "sexual"]),
        ("S4", &["sexual", "sexual/minors"]),
        ("S5", &["harassment"]),
        ("S6", &[]),
        ("S7", &[]),
        ("S8", &[]),
        ("S9", &["illicit", "illicit/violent"]),
        ("S10", &["hate"]),
        ("S11", &["self-harm"]),
        ("S12", &["sexual"]),
        ("S13", &[]),
        ("S14", &["illicit"]),
    ];
    let inputs: Vec<&str> = cases.iter().map(|(hazard, _)| *hazard).collect();
    for (result, (hazard, categories)) in judge(&acme, &json!(inputs)).iter().zip(cases) {
        assert_eq!(flagged(result), categories, "{hazard}");
        assert_eq!(result["flagged"], !categories.is_empty());
        assert_eq!(result["hazards"], json!([hazard]));
    }
}

#[test]
fn texts_are_judged_apart_and_parts_together() {
    let acme = Acme::new();
    let apart = judge(&acme, &json!(["hello", "S10", "S1 S12"]));
    let told: Vec<bool> = apart
        .iter()
        .map(|result| result["flagged"] == true)
        .collect();
    assert_eq!(told, [false, true, true]);
    assert!(apart[0].get("hazards").is_none());
    let part = |text: &str| json!({ "type": "text", "text": text });
    let together = judge(&acme, &json!([part("hello"), part("S10")]));
    assert_eq!(together.len(), 1);
    assert_eq!(flagged(&together[0]), ["hate"]);
}

#[test]
fn pictures_are_refused_by_a_model_of_texts() {
    let acme = Acme::new();
    let input = json!([
        { "type": "text", "text": "a" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,aGk=" } },
    ]);
    let response = acme.post(PATH, &json!({ "model": GUARD, "input": input }));
    check_error(&response, 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "input[1]");
}

#[test]
fn every_form_of_verdict_is_read_and_no_other() {
    for (body, hazards) in [
        (r#"{"response":{"safe":true}}"#, Some(0)),
        (
            r#"{"response":{"safe":false,"categories":["S5","S6"]}}"#,
            Some(2),
        ),
        (r#"{"response":"unsafe"}"#, None),
        (r#"{"response":"safe, I think"}"#, None),
        (r#"{"response":""}"#, None),
        (r#"{"response":7}"#, None),
        ("{}", None),
    ] {
        let acme = Acme::new();
        acme.world.provider.once(GUARD, Act::Status(200, body));
        let response = acme.post(PATH, &json!({ "model": GUARD, "input": "a" }));
        match hazards {
            Some(count) => {
                let result = &response.json()["results"][0];
                let named = result["hazards"].as_array().map_or(0, Vec::len);
                assert_eq!((response.status, named), (200, count), "{body}");
                assert_eq!(acme.record(&response).flags, [Flag::Estimated]);
            }
            None => {
                check_error(&response, 502, "upstream_failed");
            }
        }
    }
}
