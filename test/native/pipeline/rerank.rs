//! `POST /v1/rerank`.

use esclusa::audit::Flag;
use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/rerank";

fn request(more: &Value) -> Value {
    let documents = [
        "Bread is baked at night.",
        RETURNS,
        "We return calls in 30 days.",
    ];
    let mut body = json!({ "query": QUESTION, "documents": documents });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn documents_come_back_best_first() {
    let acme = Acme::new();
    let response = acme.posted(PATH, &request(&json!({ "model": RERANK })));
    let body = response.json();
    let results = body["results"].as_array().unwrap();
    let indices: Vec<&Value> = results.iter().map(|result| &result["index"]).collect();
    assert_eq!(indices, [1, 2, 0]);
    let scores: Vec<f64> = results
        .iter()
        .map(|result| result["relevance_score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.is_sorted_by(|left, right| left >= right),
        "{scores:?}"
    );
    assert!(
        results
            .iter()
            .all(|result| result.get("document").is_none())
    );
    assert_eq!(body["model"], RERANK);
    assert_eq!(body["id"], response.told("x-request-id"));
    assert_eq!(response.told("x-ai-operation"), "rerank");
    assert_eq!(response.told("x-ai-tier"), "rerank");
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "rerank");
    assert_eq!(record.flags, [Flag::Estimated]);
    // The model reads the query anew with each document.
    let bytes = QUESTION.len() * 3 + RETURNS.len() + 51;
    assert_eq!(record.draft.usage.input_tokens, (bytes as u64).div_ceil(4));
    assert!(record.cost.get() > 0 && record.cost <= record.bound);
    acme.check_released();
}

#[test]
fn the_best_come_with_their_text_where_that_is_wanted() {
    let acme = Acme::new();
    let more = json!({ "model": "auto", "top_n": 1, "return_documents": true });
    let body = acme.posted(PATH, &request(&more)).json();
    assert_eq!(body["results"].as_array().unwrap().len(), 1);
    assert_eq!(body["results"][0]["document"]["text"], RETURNS);
    let named = json!({ "documents": [{ "text": "a" }, { "text": "return battery" }] });
    let body = acme.posted(PATH, &request(&named)).json();
    assert_eq!(body["results"][0]["index"], 1);
}

#[test]
fn bad_requests_are_refused_by_name() {
    let acme = Acme::new();
    for (more, param) in [
        (json!({ "documents": [] }), "documents"),
        (json!({ "documents": ["a", ""] }), "documents[1]"),
        (json!({ "query": "" }), "query"),
        (json!({ "top_n": 0 }), "top_n"),
        (json!({ "model": EMBED }), "model"),
        (json!({ "model": "light" }), "model"),
        (json!({ "model": "operation/faq" }), "model"),
    ] {
        let response = acme.post(PATH, &request(&more));
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{more}");
    }
    assert!(acme.world.provider.calls.borrow().is_empty());
}

#[test]
fn a_provider_that_fails_is_named() {
    let acme = Acme::new();
    acme.world.provider.once(RERANK, Act::Busy(7));
    let response = acme.post(PATH, &request(&json!({})));
    let message = check_error(&response, 429, "upstream_rate_limited");
    assert!(
        message.contains("bge-reranker-base (capacity)"),
        "{message}"
    );
    assert_eq!(response.told("retry-after"), "7");
    assert_eq!(acme.spent(), "0");
}
