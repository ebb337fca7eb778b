//! `POST /v1/images/generations`.

use esclusa::money::Nanos;
use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/images/generations";

#[test]
fn pictures_are_drawn_with_headers_record_and_price() {
    let acme = Acme::new();
    let response = acme.posted(
        PATH,
        &json!({ "prompt": "a canal lock", "n": 3, "model": FLUX }),
    );
    let body = response.json();
    let pictures: Vec<&Value> = body["data"].as_array().unwrap().iter().collect();
    assert_eq!(pictures.len(), 3);
    // Each of its own seed.
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
    assert_eq!(body["output_format"], "jpeg");
    assert_eq!(body["size"], "1024x1024");
    assert!(body["created"].is_u64());
    let cost = Nanos::new(3 * 633_600);
    for (name, value) in [
        ("cf-aig-model", FLUX),
        ("x-ai-operation", "generate_image"),
        ("x-ai-tier", "image"),
        ("x-ai-cost-usd", &cost.to_usd()),
    ] {
        assert_eq!(response.told(name), value, "{name}");
    }
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "images.generations");
    assert_eq!(record.draft.usage.units.images, 3);
    assert_eq!((record.cost, record.bound), (cost, cost));
    acme.check_released();
}

#[test]
fn what_the_model_does_not_take_is_told_or_refused() {
    let acme = Acme::new();
    let body =
        json!({ "prompt": "a", "quality": "high", "style": "vivid", "seed": 1, "model": FLUX });
    assert_eq!(
        acme.posted(PATH, &body).told("x-ai-warnings"),
        "seed; not known here, style; no model here takes it, quality; the model has one"
    );
    for (more, param) in [
        (json!({ "size": "512x512" }), "size"),
        (json!({ "output_format": "png" }), "output_format"),
        (json!({ "prompt": "a".repeat(2_049) }), "prompt"),
        (json!({ "response_format": "url" }), "response_format"),
        (json!({ "n": 0 }), "n"),
        (json!({ "model": "light" }), "model"),
    ] {
        let mut body = json!({ "prompt": "a", "model": FLUX });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let response = acme.post(PATH, &body);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{more}");
    }
    assert_eq!(acme.world.provider.calls.borrow().len(), 1);
}

#[test]
fn pictures_before_a_failure_are_charged() {
    // What came and is no picture may have been drawn.
    for (status, pictures) in [(500, 1), (200, 2)] {
        let acme = Acme::new();
        acme.world.provider.once(FLUX, Act::Answer);
        acme.world.provider.once(FLUX, Act::Status(status, "{}"));
        let response = acme.post(PATH, &json!({ "prompt": "a", "n": 2, "model": FLUX }));
        check_error(&response, 502, "upstream_failed");
        let cost = acme.record(&response).cost;
        assert_eq!(cost, Nanos::new(pictures * 633_600), "{status}");
        acme.check_released();
    }
}

#[test]
fn a_forbidden_picture_is_not_offered_to_others() {
    let acme = Acme::new();
    let forbidden = r#"{"errors":[{"code":2016,"message":"blocked"}]}"#;
    acme.world.provider.once(FLUX, Act::Status(424, forbidden));
    let response = acme.post(PATH, &json!({ "prompt": "a", "model": FLUX }));
    check_error(&response, 403, "forbidden");
}
