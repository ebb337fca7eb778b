//! Answers: plain, grounded, streamed, with tools.

use esclusa::audit::{CacheStatus, Outcome};
use serde_json::{Value, json};

use super::support::*;

#[test]
fn a_plain_question_is_answered_and_accounted_for() {
    let acme = Acme::new();
    let response = acme.ask(&question("gpt-4o-mini", "Hello there"));
    let body = response.json();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert!(response.answer().contains("Hello there"));
    assert_eq!(response.told("cf-aig-model"), "openai/gpt-4o-mini");
    assert_eq!(response.told("cf-aig-provider"), "openai");
    assert_eq!(response.told("cf-aig-step"), "0");
    assert_eq!(response.told("x-ai-attempts"), "1");
    assert_eq!(response.told("x-ai-cache-status"), "BYPASS");
    assert_eq!(response.told("x-ai-sources"), "0");
    assert_eq!(
        response.told("cf-aig-log-id"),
        response.told("x-request-id")
    );
    let cost = response.told("x-ai-cost-usd").to_owned();
    assert_eq!(body["usage"]["cost_usd"], cost.as_str());
    assert_eq!(acme.spent(), cost);
    acme.check_released();
    let record = acme.record(&response);
    assert_eq!(
        (record.draft.outcome, record.draft.status),
        (Outcome::Answered, 200)
    );
    assert_eq!(record.cost.to_usd(), cost);
    assert_eq!(record.draft.endpoint, "chat.completions");
    assert_eq!(record.flags, []);
}

#[test]
fn a_faq_is_grounded_in_the_orgs_documents() {
    let acme = Acme::learned();
    let before = acme.spent();
    let response = acme.ask(&faq());
    assert!(response.answer().contains("30 days"), "{}", response.text());
    assert_eq!(response.told("x-ai-operation"), "faq");
    assert_eq!(response.told("x-ai-tier"), "light");
    assert_eq!(response.told("x-ai-cache-status"), "MISS");
    assert_eq!(response.told("x-ai-sources"), "1");
    let body = response.json();
    let source = &body["sources"][0];
    assert_eq!(source["document"], "returns", "{body}");
    assert_eq!(source["passage"], RETURNS);
    let record = acme.record(&response);
    assert_eq!(
        (record.draft.sources, record.draft.cache),
        (1, CacheStatus::Miss)
    );
    let purposes: Vec<&str> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| attempt.purpose.as_str())
        .collect();
    assert_eq!(purposes, ["embed", "rerank", "answer"]);
    assert_ne!(acme.spent(), before);
    acme.check_released();
}

#[test]
fn a_question_without_an_operation_is_classified() {
    let acme = Acme::learned();
    let response = acme.ask(&question("auto", QUESTION));
    assert_eq!(response.told("x-ai-operation"), "faq");
    assert!(response.answer().contains("30 days"));
    let record = acme.record(&response);
    assert!((1..100).contains(&record.draft.confidence), "{record:?}");
}

#[test]
fn a_named_model_is_neither_grounded_nor_templated() {
    let acme = Acme::learned();
    let response = acme.ask(&question("gpt-4o-mini", QUESTION));
    assert!(!response.answer().contains("30 days"));
    let calls = acme.world.provider.calls.borrow();
    let messages = calls.last().unwrap().input["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn grounding_can_be_switched_off() {
    let acme = Acme::learned();
    let request = acme.request(&faq()).header("x-ai-rag", "off");
    let response = acme.world.expect(&acme.worker, request, 200);
    assert!(!response.answer().contains("30 days"));
    assert_eq!(response.told("x-ai-sources"), "0");
    assert_eq!(acme.record(&response).draft.ungrounded, None);
    assert!(
        acme.ask(&faq()).answer().contains("30 days"),
        "another cache key"
    );
}

#[test]
fn a_stream_ends_with_usage_and_cost_in_every_wire() {
    for model in [QWEN, LLAMA, "openai/gpt-4o"] {
        let acme = Acme::new();
        let response = acme.ask(&streamed(model, "Hello stream"));
        assert!(
            response
                .told("content-type")
                .starts_with("text/event-stream")
        );
        let events = response.events();
        assert_eq!(events.last().unwrap(), "[DONE]", "{model}");
        assert!(response.answer().contains("Hello stream"), "{model}");
        let usage: Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
        assert_eq!(usage["choices"], json!([]), "{model}");
        let spent = acme.spent();
        assert_eq!(usage["usage"]["cost_usd"], spent.as_str(), "{model}");
        assert_eq!(acme.record(&response).cost.to_usd(), spent);
        acme.check_released();
    }
}

#[test]
fn a_stream_and_a_whole_answer_cost_the_same() {
    let acme = Acme::new();
    acme.world
        .provider
        .always(LLAMA, Act::Say("The same answer.".to_owned()));
    let usage = esclusa::usage::Usage {
        input_tokens: 100,
        output_tokens: 50,
        ..Default::default()
    };
    acme.world.provider.once(LLAMA, Act::Use(usage));
    let whole = acme.ask(&question(LLAMA, "Twice"));
    acme.world.provider.once(LLAMA, Act::Use(usage));
    let stream = acme.ask(&streamed(LLAMA, "Twice"));
    let (whole, stream) = (acme.record(&whole), acme.record(&stream));
    assert_eq!(whole.cost, stream.cost);
    assert_eq!(whole.draft.usage, stream.draft.usage);
}

#[test]
fn the_answer_to_a_stream_may_come_whole() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Whole);
    let response = acme.ask(&streamed(QWEN, "Hello"));
    assert!(response.answer().contains("Hello"));
    assert_eq!(response.events().last().unwrap(), "[DONE]");
}

#[test]
fn a_tool_is_called_whole_and_streamed() {
    let acme = Acme::new();
    let tools = json!([{
        "type": "function",
        "function": { "name": "weather", "parameters": { "type": "object" } },
    }]);
    for model in [OSS, LLAMA, "openai/gpt-4o"] {
        let mut body = question(model, "What is the weather in Lima?");
        body["tools"] = tools.clone();
        acme.world.provider.once(model, Act::CallTool);
        let whole = acme.ask(&body);
        let choice = &whole.json()["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls", "{model}");
        let function = &choice["message"]["tool_calls"][0]["function"];
        assert_eq!(function["name"], "weather", "{model}");
        let arguments: Value =
            serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(arguments, json!({ "city": "Lima" }), "{model}");
        body["stream"] = json!(true);
        acme.world.provider.once(model, Act::CallTool);
        let stream = acme.ask(&body);
        assert!(
            stream.text().contains("\"finish_reason\":\"tool_calls\""),
            "{model}"
        );
        assert!(stream.text().contains("weather"), "{model}");
    }
}

#[test]
fn unknown_fields_reach_the_model_untouched() {
    let acme = Acme::new();
    let mut body = question("gpt-4o-mini", "Hello");
    body["x_future"] = json!({ "b": [1, null], "a": 2.50 });
    acme.ask(&body);
    let calls = acme.world.provider.calls.borrow();
    assert_eq!(calls.last().unwrap().input["x_future"], body["x_future"]);
}

#[test]
fn the_models_are_listed_as_the_org_has_them_now() {
    let acme = Acme::new();
    let listed = || -> Vec<String> {
        let request = Request::new("GET", "/v1/models").key(&acme.key);
        let body = acme.world.expect(&acme.worker, request, 200).json();
        let items = body["data"].as_array().unwrap().iter();
        items
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let own = ["openai/mine", "operation/quote", "dynamic/mine"];
    let shared = ["auto", "light", "operation/faq", QWEN];
    let before = listed();
    for id in shared {
        assert!(before.iter().any(|listed| listed == id), "{id}: {before:?}");
    }
    for id in own {
        assert!(
            !before.iter().any(|listed| listed == id),
            "{id}: {before:?}"
        );
    }
    let price = json!({ "tokens": { "input": "1", "output": "2" } });
    let mine = json!({ "provider": "openai", "kind": "chat", "context_window": 8_000, "max_output": 1_000, "price": price });
    let config = json!({
        "models": { "openai/mine": mine },
        "aliases": { "our-best": "openai/mine" },
        "operations": { "quote": { "tier": "light" } },
        "routes": { "mine": { "elements": [
            { "id": "start", "type": "start", "outputs": { "next": { "elementId": "m" } } },
            { "id": "m", "type": "model", "outputs": { "success": { "elementId": "end" } },
              "properties": { "model": "openai/mine", "provider": "openai" } },
            { "id": "end", "type": "end", "outputs": {} },
        ] } },
    });
    acme.world.configure(&acme.worker, "acme", &config);
    let after = listed();
    for id in shared.iter().chain(&own) {
        assert!(after.iter().any(|listed| listed == id), "{id}: {after:?}");
    }
    for (asked, found) in [
        ("openai%2Fmine", "openai/mine"),
        ("our-best", "openai/mine"),
        ("operation/quote", "operation/quote"),
        ("dynamic/mine", "dynamic/mine"),
    ] {
        let request = Request::new("GET", &format!("/v1/models/{asked}")).key(&acme.key);
        let shown = acme.world.expect(&acme.worker, request, 200).json();
        assert_eq!(shown["id"], found);
    }
}
