//! What an org has of its own over the catalogue, changed live.

use serde_json::{Value, json};

use super::support::*;

fn put(acme: &Acme, config: &Value) {
    let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
    acme.world.expect(&acme.worker, put.json(config), 200);
}

#[test]
fn what_is_new_serves_the_next_request_also_where_an_isolate_remembers_the_old() {
    let acme = Acme::new();
    acme.ask(&question("light", "Hello"));
    check_error(
        &acme.send(&question("operation/quote_price", "Hello")),
        400,
        "invalid_request",
    );
    put(
        &acme,
        &json!({
            "operations": { "quote_price": { "tier": "light", "output_cap": 64, "models": [LLAMA_SMALL] } },
            "aliases": { "house": GLM },
        }),
    );
    let quoted = acme.ask(&question("operation/quote_price", "Hello"));
    assert_eq!(quoted.told("cf-aig-model"), LLAMA_SMALL);
    assert_eq!(quoted.told("x-ai-operation"), "quote_price");
    assert_eq!(
        acme.ask(&question("house", "Hello")).told("cf-aig-model"),
        GLM
    );
    let run = acme.posted(
        "/v1/run",
        &json!({ "operation": "quote_price", "input": "Hello" }),
    );
    assert_eq!(run.told("cf-aig-model"), LLAMA_SMALL);
}

#[test]
fn an_operation_that_is_new_and_speaks_is_known_at_once() {
    let acme = Acme::new();
    acme.ask(&question("light", "Hello"));
    put(
        &acme,
        &json!({ "operations": { "announce": { "tier": "tts", "models": [MELO] } } }),
    );
    let spoken = acme.posted(
        "/v1/run",
        &json!({ "operation": "announce", "input": "Hello" }),
    );
    assert_eq!(spoken.told("cf-aig-model"), MELO);
}

#[test]
fn an_operations_own_models_are_the_only_ones() {
    let config = json!({ "operations": { "quote_price": { "tier": "light", "models": [GLM] } } });
    let acme = Acme::with(&config);
    let mut body = question(LLAMA, "Hello");
    body["metadata"] = json!({ "operation": "quote_price" });
    let refused = acme.send(&body);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains(GLM), "{message}");
    acme.world.provider.once(GLM, Act::Status(500, "broken"));
    let failed = acme.send(&question("operation/quote_price", "Hello"));
    let message = check_error(&failed, 502, "upstream_failed");
    assert!(!message.contains(QWEN), "{message}");
}

#[test]
fn a_model_is_charged_at_the_orgs_own_price() {
    let model = json!({
        "provider": "workers-ai", "kind": "chat", "wire": "workers_ai_chat",
        "price": { "tokens": { "input": "1000", "output": "1000" } },
        "context_window": 131_072, "max_output": 16_384, "capabilities": ["json"],
    });
    let acme = Acme::with(&json!({ "models": { GLM: model }, "budgets": [] }));
    let usual = Acme::new().ask(&question(GLM, "Hello"));
    let own = acme.ask(&question(GLM, "Hello"));
    let cost = |response: &Response| response.told("x-ai-cost-usd").parse::<f64>().unwrap();
    assert!(cost(&own) > cost(&usual) * 100.0);
}

#[test]
fn a_model_that_answers_only_whole_is_no_candidate_of_a_stream() {
    let model = json!({
        "provider": "workers-ai", "kind": "chat", "wire": "workers_ai_chat",
        "price": { "tokens": { "input": "1", "output": "1" } },
        "context_window": 131_072, "max_output": 16_384, "streams": false,
    });
    let shaped = json!({ "tier": "light", "output": { "text": "markdown_to_text" } });
    let acme = Acme::with(&json!({
        "models": { GLM: model },
        "tiers": { "light": [GLM, QWEN] },
        "operations": { "shaped": shaped },
    }));
    let ask = |model: &str, stream: bool| {
        let mut body = question(model, "Hello");
        body["stream"] = json!(stream);
        acme.send(&body)
    };
    assert_eq!(ask("light", false).told("cf-aig-model"), GLM);
    let streamed = ask("light", true);
    assert_eq!(streamed.told("cf-aig-model"), QWEN);
    let record = acme.record(&streamed);
    let [passed] = record.draft.passed_over.as_slice() else {
        panic!("{:?}", record.draft.passed_over);
    };
    assert_eq!(
        (passed.model.as_str(), passed.reason.as_str()),
        (GLM, "no capability")
    );
    // What is given whole anyway is not streamed upstream.
    assert_eq!(ask("operation/shaped", true).told("cf-aig-model"), GLM);
    let message = check_error(&ask(GLM, true), 400, "invalid_request");
    assert!(message.contains("a model with `streaming`"), "{message}");
    let request = Request::new("GET", &format!("/v1/models/{GLM}")).key(&acme.key);
    let shown = acme.world.expect(&acme.worker, request, 200).json();
    assert_eq!(shown["capabilities"], json!([]));
    let request = Request::new("GET", &format!("/v1/models/{QWEN}")).key(&acme.key);
    let shown = acme.world.expect(&acme.worker, request, 200).json();
    assert_eq!(
        shown["capabilities"],
        json!(["json", "reasoning", "tools", "streaming"])
    );
}
