//! `POST /v1/embeddings`.

use esclusa::audit::{Flag, Outcome};
use esclusa::money::Nanos;
use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/embeddings";

fn vectors(response: &Response) -> Vec<Vec<f64>> {
    let body = response.json();
    let data = body["data"].as_array().unwrap();
    for (index, item) in data.iter().enumerate() {
        assert_eq!(item["object"], "embedding");
        assert_eq!(item["index"], index);
    }
    let numbers = |item: &Value| serde_json::from_value(item["embedding"].clone()).unwrap();
    data.iter().map(numbers).collect()
}

#[test]
fn a_text_becomes_a_vector_with_headers_record_and_price() {
    let acme = Acme::new();
    let response = acme.posted(
        PATH,
        &json!({ "model": "embed", "input": "four words of text" }),
    );
    assert_eq!(vectors(&response).len(), 1);
    let body = response.json();
    assert_eq!(body["object"], "list");
    assert_eq!(body["model"], EMBED);
    // 18 bytes are estimated as 5 tokens.
    assert_eq!(body["usage"]["prompt_tokens"], 5);
    assert_eq!(body["usage"]["total_tokens"], 5);
    let cost = Nanos::new(59);
    assert_eq!(body["usage"]["cost_usd"], cost.to_usd());
    for (name, value) in [
        ("cf-aig-step", "0"),
        ("cf-aig-provider", "workers-ai"),
        ("cf-aig-model", EMBED),
        ("x-ai-operation", "embed"),
        ("x-ai-tier", "embed"),
        ("x-ai-attempts", "1"),
        ("x-ai-cache-status", "BYPASS"),
        ("x-ai-cost-usd", &cost.to_usd()),
    ] {
        assert_eq!(response.told(name), value, "{name}");
    }
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "embeddings");
    assert_eq!(record.draft.operation, "embed");
    assert_eq!(record.draft.requested_model, "embed");
    assert_eq!(record.draft.outcome, Outcome::Answered);
    assert_eq!((record.cost, record.draft.usage.input_tokens), (cost, 5));
    assert_eq!(record.flags, [Flag::Estimated]);
    assert!(record.cost <= record.bound);
    acme.check_released();
}

#[test]
fn every_name_of_the_model_works() {
    let acme = Acme::new();
    for model in ["auto", "embed", EMBED, "operation/search_semantic"] {
        let response = acme.posted(PATH, &json!({ "model": model, "input": "a" }));
        assert_eq!(response.told("cf-aig-model"), EMBED, "{model}");
    }
    let response = acme.posted(
        PATH,
        &json!({ "model": "operation/search_semantic", "input": "a" }),
    );
    assert_eq!(response.told("x-ai-operation"), "search_semantic");
}

#[test]
fn many_inputs_are_embedded_in_batches_and_keep_their_order() {
    let acme = Acme::new();
    let inputs: Vec<String> = (0..950).map(|number| format!("text{number}")).collect();
    let many = acme.posted(PATH, &json!({ "model": "embed", "input": inputs }));
    let sizes: Vec<usize> = {
        let calls = acme.world.provider.calls.borrow();
        let texts = calls
            .iter()
            .map(|call| call.input["text"].as_array().unwrap().len());
        texts.collect()
    };
    assert_eq!(sizes, [100, 100, 100, 100, 100, 100, 100, 100, 100, 50]);
    let many = vectors(&many);
    assert_eq!(many.len(), inputs.len());
    for index in [0, 99, 100, 549, 949] {
        let one = acme.posted(PATH, &json!({ "model": "embed", "input": inputs[index] }));
        assert_eq!(vectors(&one)[0], many[index], "{index}");
    }
}

#[test]
fn base64_holds_the_same_numbers() {
    let acme = Acme::new();
    let float = acme.posted(PATH, &json!({ "model": "embed", "input": "canal" }));
    let body = json!({ "model": "embed", "input": "canal", "encoding_format": "base64" });
    let encoded = acme.posted(PATH, &body).json();
    let text = encoded["data"][0]["embedding"].as_str().unwrap();
    // 64 numbers of four bytes.
    assert_eq!(text.len(), 344);
    assert_eq!(vectors(&float)[0].len(), 64);
}

#[test]
fn long_texts_are_refused_instead_of_cut() {
    let acme = Acme::new();
    acme.posted(PATH, &json!({ "model": "embed", "input": "a" }));
    let truncated = acme.world.provider.calls.borrow()[0].input["truncate_inputs"].clone();
    assert_eq!(truncated, false);
    let too_long = r#"{"errors":[{"code":3006,"message":"the input exceeds the context window"}]}"#;
    acme.world.provider.once(EMBED, Act::Status(413, too_long));
    let response = acme.post(PATH, &json!({ "model": "embed", "input": "a" }));
    let message = check_error(&response, 400, "invalid_request");
    assert!(message.contains("`input` is too long"), "{message}");
}

#[test]
fn what_the_model_cannot_do_is_refused_by_name() {
    let acme = Acme::new();
    for (body, param) in [
        (json!({ "model": "embed", "input": [1, 2, 3] }), "input"),
        (json!({ "model": "embed", "input": [[1], [2]] }), "input"),
        (
            json!({ "model": "embed", "input": "a", "dimensions": 256 }),
            "dimensions",
        ),
        (
            json!({ "model": "embed", "input": "a", "dimensions": 2048 }),
            "dimensions",
        ),
        (json!({ "model": "embed", "input": ["a", ""] }), "input[1]"),
        (json!({ "model": "embed", "input": [] }), "input"),
        (json!({ "model": "light", "input": "a" }), "model"),
        (json!({ "model": QWEN, "input": "a" }), "model"),
        (json!({ "model": "operation/faq", "input": "a" }), "model"),
    ] {
        let response = acme.post(PATH, &body);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{body}");
        assert_eq!(acme.record(&response).draft.outcome, Outcome::Refused);
    }
    let unknown = acme.post(PATH, &json!({ "model": "nobody", "input": "a" }));
    check_error(&unknown, 404, "model_not_found");
    assert!(acme.world.provider.calls.borrow().is_empty());
    assert_eq!(acme.spent(), "0");
}

#[test]
fn unknown_fields_are_told() {
    let acme = Acme::new();
    let body = json!({ "model": "embed", "input": "a", "input_type": "query" });
    let response = acme.posted(PATH, &body);
    assert_eq!(response.told("x-ai-warnings"), "input_type; not known here");
}

#[test]
fn a_request_needs_a_key_and_json() {
    let acme = Acme::new();
    let bare = Request::new("POST", PATH).json(&json!({ "model": "embed", "input": "a" }));
    let response = acme.world.send(&acme.worker, bare);
    check_error(&response, 401, "invalid_api_key");
    let form = Request::new("POST", PATH)
        .key(&acme.key)
        .bytes(b"input=a".to_vec());
    let response = acme.world.send(&acme.worker, form);
    check_error(&response, 415, "unsupported_media_type");
    let get = Request::new("GET", PATH).key(&acme.key);
    let response = acme.world.send(&acme.worker, get);
    check_error(&response, 405, "method_not_allowed");
}

#[test]
fn the_worst_is_held_before_the_call() {
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "0.0000003", "period": "day" }] }));
    // 17 bytes and 8 tokens around them: 25 tokens at most, of 11.8 nano-dollars each.
    let body = json!({ "model": "embed", "input": "seventeen letters" });
    assert_eq!(acme.post(PATH, &body).status, 200);
    let body = json!({ "model": "embed", "input": "seventeen letters!" });
    let response = acme.post(PATH, &body);
    check_error(&response, 402, "budget_exhausted");
    assert_eq!(acme.world.provider.calls.borrow().len(), 1);
}

#[test]
fn a_failed_batch_fails_the_request_and_what_succeeded_is_charged() {
    let acme = Acme::new();
    acme.world.provider.once(EMBED, Act::Answer);
    acme.world.provider.once(EMBED, Act::Status(500, "broken"));
    let inputs = vec!["abcd"; 150];
    let response = acme.post(PATH, &json!({ "model": "embed", "input": inputs }));
    let message = check_error(&response, 502, "upstream_failed");
    assert!(message.contains(EMBED), "{message}");
    let record = acme.record(&response);
    // 100 texts of one token each.
    assert_eq!(record.draft.usage.input_tokens, 100);
    assert_eq!(record.cost, Nanos::new(1_180));
    acme.check_released();
}

#[test]
fn a_batch_that_cannot_be_read_costs_the_request_its_bound() {
    for acts in [
        [Act::Answer, Act::InvalidJson],
        [Act::Status(500, "broken"), Act::InvalidJson],
    ] {
        let acme = Acme::new();
        for act in acts {
            acme.world.provider.once(EMBED, act);
        }
        let inputs = vec!["abcd"; 150];
        let response = acme.post(PATH, &json!({ "model": "embed", "input": inputs }));
        check_error(&response, 502, "upstream_failed");
        let record = acme.record(&response);
        assert_eq!(record.cost, record.bound);
        assert_eq!(record.flags, [Flag::Bounded]);
        acme.check_released();
    }
}

#[test]
fn a_call_of_unknown_fate_is_charged_at_its_bound() {
    let acme = Acme::new();
    acme.world.provider.once(EMBED, Act::Hang);
    let response = acme.post(PATH, &json!({ "model": "embed", "input": "a" }));
    check_error(&response, 502, "upstream_failed");
    let record = acme.record(&response);
    assert_eq!(record.cost, record.bound);
    assert_eq!(record.flags, [Flag::Bounded]);
}

#[test]
fn malformed_answers_are_failures() {
    for act in [
        Act::Html,
        Act::InvalidJson,
        Act::ErrorObject,
        Act::ResetAfter,
    ] {
        let acme = Acme::new();
        acme.world.provider.once(EMBED, act.clone());
        let response = acme.post(PATH, &json!({ "model": "embed", "input": "a" }));
        check_error(&response, 502, "upstream_failed");
    }
}
