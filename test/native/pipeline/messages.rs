//! `POST /v1/messages`: callers that speak Anthropic's wire, and models that do.

use esclusa::audit::{Flag, Outcome};
use esclusa::usage::Usage;
use serde_json::{Value, json};

use super::support::*;

const CLAUDE: &str = "anthropic/claude-haiku-4-5";

fn said(model: &str, text: &str) -> Value {
    json!({
        "model": model, "max_tokens": 500,
        "messages": [{ "role": "user", "content": text }],
    })
}

fn stream(model: &str, text: &str) -> Value {
    let mut body = said(model, text);
    body["stream"] = json!(true);
    body
}

fn post(acme: &Acme, body: &Value) -> Request {
    Request::new("POST", "/v1/messages")
        .header("x-api-key", &acme.key)
        .header("anthropic-version", "2023-06-01")
        .json(body)
}

fn ask(acme: &Acme, body: &Value) -> Response {
    acme.world.expect(&acme.worker, post(acme, body), 200)
}

/// The data of the events of a stream, each checked to be named as its type.
fn events(response: &Response) -> Vec<Value> {
    let mut events = Vec::new();
    for event in response.text().split_terminator("\n\n") {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(
            name.strip_prefix("event: "),
            data["type"].as_str(),
            "{event}"
        );
        events.push(data);
    }
    events
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

/// The text of a stream.
fn text(events: &[Value]) -> String {
    let deltas = events
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str());
    deltas.collect()
}

/// An error of Anthropic's form.
fn check_failed(response: &Response, status: u16, kind: &str) -> String {
    assert_eq!(response.status, status, "{}", response.text());
    let body = response.json();
    assert_eq!(body["type"], "error", "{body}");
    assert_eq!(body["error"]["type"], kind, "{body}");
    assert_eq!(body["request_id"], response.told("request-id"));
    assert_eq!(response.told("request-id"), response.told("x-request-id"));
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_message_is_answered_by_any_model_and_accounted_for() {
    for model in [QWEN, LLAMA, "openai/gpt-4o", CLAUDE] {
        let acme = Acme::new();
        let response = ask(&acme, &said(model, "Hello there"));
        let body = response.json();
        assert_eq!(body["type"], "message", "{body}");
        assert_eq!(body["role"], "assistant");
        assert_eq!(body["stop_reason"], "end_turn");
        assert_eq!(body["content"][0]["type"], "text");
        let text = body["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("Hello there"), "{body}");
        assert_eq!(response.told("request-id"), response.told("x-request-id"));
        assert_eq!(response.told("cf-aig-model"), model);
        let cost = response.told("x-ai-cost-usd");
        assert_eq!(body["usage"]["cost_usd"], cost);
        assert_eq!(acme.spent(), cost);
        let record = acme.record(&response);
        assert_eq!(record.draft.endpoint, "messages");
        assert_eq!(record.draft.outcome, Outcome::Answered);
        assert_eq!(record.cost.to_usd(), cost);
        acme.check_released();
    }
}

#[test]
fn a_streamed_message_has_every_event_and_its_cost() {
    for model in [QWEN, LLAMA, "openai/gpt-4o", CLAUDE] {
        let acme = Acme::new();
        let response = ask(&acme, &stream(model, "Hello stream"));
        assert!(
            response
                .told("content-type")
                .starts_with("text/event-stream")
        );
        let events = events(&response);
        let types = types(&events);
        assert_eq!(types[0], "message_start", "{model}");
        assert!(types.contains(&"ping"), "{model}");
        let end = &types[types.len() - 3..];
        assert_eq!(end, ["content_block_stop", "message_delta", "message_stop"]);
        assert!(text(&events).contains("Hello stream"), "{model}");
        let start = &events[0]["message"]["usage"];
        assert!(
            start["input_tokens"].as_u64().unwrap() > 0,
            "{model}: {start}"
        );
        let last = &events[events.len() - 2];
        assert_eq!(last["delta"]["stop_reason"], "end_turn");
        assert_eq!(last["usage"]["cost_usd"], acme.spent().as_str(), "{model}");
        acme.check_released();
    }
}

#[test]
fn a_stream_and_a_whole_answer_use_the_same() {
    for model in [QWEN, CLAUDE] {
        let acme = Acme::new();
        let used = Usage {
            input_tokens: 100,
            cached_input_tokens: 40,
            cache_write_tokens: if model == CLAUDE { 20 } else { 0 },
            output_tokens: 10,
            ..Usage::default()
        };
        acme.world.provider.always(model, Act::Use(used));
        let whole = ask(&acme, &said(model, "Hello")).json();
        let stream = events(&ask(&acme, &stream(model, "Hello")));
        let told = &stream[stream.len() - 2]["usage"];
        for name in [
            "input_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "output_tokens",
            "cost_usd",
        ] {
            assert_eq!(told[name], whole["usage"][name], "{model} {name}");
        }
        let fresh = 60 - used.cache_write_tokens;
        assert_eq!(told["input_tokens"], fresh, "{model}");
    }
}

#[test]
fn cached_tokens_have_their_own_prices() {
    let acme = Acme::new();
    let used = Usage {
        input_tokens: 1_000_000,
        cached_input_tokens: 400_000,
        cache_write_tokens: 200_000,
        output_tokens: 0,
        ..Usage::default()
    };
    acme.world.provider.once(CLAUDE, Act::Use(used));
    ask(&acme, &said(CLAUDE, "Hello"));
    // 400,000 at $1, 400,000 at $0.10, 200,000 at $1.25, per million.
    assert_eq!(acme.spent(), "0.69");
}

#[test]
fn claude_gets_what_the_caller_said_and_what_it_must() {
    let acme = Acme::new();
    let mut body = said("claude-haiku-4-5", "Hello");
    body["system"] =
        json!([{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral" } }]);
    body["x_new"] = json!({ "a": 1 });
    ask(&acme, &body);
    let calls = acme.world.provider.calls.borrow();
    let input = &calls.last().unwrap().input;
    assert_eq!(input["max_tokens"], 500);
    assert_eq!(input["system"], body["system"]);
    assert_eq!(input["x_new"], body["x_new"]);
    let hello = json!([{ "type": "text", "text": "Hello" }]);
    assert_eq!(
        input["messages"],
        json!([{ "role": "user", "content": hello }])
    );
}

#[test]
fn a_client_of_openai_is_answered_by_claude() {
    let acme = Acme::new();
    let whole = acme.ask(&question(CLAUDE, "Hello"));
    assert!(whole.answer().contains("Hello"));
    let stream = acme.ask(&streamed(CLAUDE, "Hello"));
    assert!(stream.answer().contains("Hello"), "{}", stream.text());
    assert_eq!(stream.events().last().unwrap(), "[DONE]");
}

#[test]
fn a_tool_is_called_in_both_forms() {
    for model in [QWEN, LLAMA, CLAUDE] {
        let acme = Acme::new();
        acme.world.provider.always(model, Act::CallTool);
        let mut body = said(model, "Hello");
        body["tools"] = json!([{ "name": "weather", "input_schema": { "type": "object" } }]);
        let whole = ask(&acme, &body).json();
        assert_eq!(whole["stop_reason"], "tool_use", "{whole}");
        let blocks = whole["content"].as_array().unwrap();
        let call = blocks.last().unwrap();
        assert_eq!(call["type"], "tool_use", "{model}: {whole}");
        assert_eq!(call["name"], "weather");
        assert_eq!(call["input"], json!({ "city": "Lima" }));
        body["stream"] = json!(true);
        let events = events(&ask(&acme, &body));
        let parts = events
            .iter()
            .filter_map(|event| event["delta"]["partial_json"].as_str());
        let input: Value = serde_json::from_str(&parts.collect::<String>()).unwrap();
        assert_eq!(input, json!({ "city": "Lima" }), "{model}");
        assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
    }
}

#[test]
fn what_a_model_is_not_told_stands_in_a_header() {
    let acme = Acme::new();
    let mut body = said(CLAUDE, "Hello");
    body["temperature"] = json!(0.5);
    body["top_p"] = json!(0.5);
    let response = ask(&acme, &body);
    assert_eq!(
        response.told("x-ai-warnings"),
        "top_p; not taken beside temperature"
    );
}

#[test]
fn errors_have_anthropics_form() {
    let acme = Acme::new();
    let send = |request| acme.world.send(&acme.worker, request);
    let good = said("auto", "Hello");
    let mut bad = good.clone();
    bad["messages"][0]["role"] = json!("robot");
    let message = check_failed(&send(post(&acme, &bad)), 400, "invalid_request_error");
    assert!(message.starts_with("`messages[0].role` "), "{message}");
    let anonymous = Request::new("POST", "/v1/messages").json(&good);
    check_failed(&send(anonymous), 401, "authentication_error");
    let unknown = said("claude-9", "Hello");
    check_failed(&send(post(&acme, &unknown)), 404, "not_found_error");
    let get = Request::new("GET", "/v1/messages");
    let response = send(get);
    check_failed(&response, 405, "invalid_request_error");
    assert_eq!(response.told("allow"), "POST");
    let text = Request::new("POST", "/v1/messages")
        .key(&acme.key)
        .header("content-type", "text/plain");
    check_failed(&send(text), 415, "invalid_request_error");
}

#[test]
fn a_budget_that_is_spent_is_a_billing_error() {
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "0.000001", "period": "day" }] }));
    let response = acme
        .world
        .send(&acme.worker, post(&acme, &said(CLAUDE, "Hello")));
    check_failed(&response, 402, "billing_error");
    assert_eq!(response.told("x-should-retry"), "false");
}

#[test]
fn a_cut_stream_ends_with_an_error_event() {
    for (act, model) in [
        (Act::Cut(5), CLAUDE),
        (Act::ErrorEvent(5), CLAUDE),
        (Act::Stall(5), CLAUDE),
        (Act::Cut(3), QWEN),
        (Act::ErrorEvent(3), LLAMA_SMALL),
    ] {
        let acme = Acme::new();
        acme.world.provider.once(model, act.clone());
        let response = ask(&acme, &stream(model, "Tell me a long story about it"));
        let events = events(&response);
        let last = events.last().unwrap();
        assert_eq!(last["type"], "error", "{act:?}: {last}");
        assert_eq!(last["error"]["type"], "api_error");
        assert_eq!(last["request_id"], response.told("request-id"));
        assert!(!types(&events).contains(&"message_stop"), "{act:?}");
        assert!(!text(&events).is_empty(), "what came was delivered");
        let record = acme.record(&response);
        assert_eq!(record.draft.outcome, Outcome::Truncated);
        assert!(record.cost.get() > 0, "what was used is charged");
        assert_eq!(record.flags, [Flag::Estimated]);
        acme.check_released();
    }
}

#[test]
fn an_overloaded_model_that_said_nothing_yet_is_no_stream() {
    for events in [0, 1] {
        let acme = Acme::new();
        acme.world.provider.once(CLAUDE, Act::ErrorEvent(events));
        let response = acme
            .world
            .send(&acme.worker, post(&acme, &stream(CLAUDE, "Hello")));
        check_failed(&response, 429, "rate_limit_error");
        let record = acme.record(&response);
        assert_eq!(record.draft.attempts[0].result, "capacity");
        assert_eq!(record.cost.get(), 0);
    }
}

#[test]
fn a_silent_stream_is_kept_alive_by_pings() {
    let acme = Acme::new();
    acme.world.provider.once(CLAUDE, Act::Pause(5, 60_000));
    let response = ask(&acme, &stream(CLAUDE, "Hello"));
    let events = events(&response);
    let pings = types(&events).into_iter().filter(|kind| *kind == "ping");
    assert!(pings.count() >= 4, "{}", response.text());
    assert_eq!(types(&events).last(), Some(&"message_stop"));
}

#[test]
fn tokens_are_counted_for_free_and_without_a_model() {
    let acme = Acme::new();
    let count = |body: &Value| {
        let request = Request::new("POST", "/v1/messages/count_tokens").key(&acme.key);
        acme.world.send(&acme.worker, request.json(body))
    };
    let mut body = said("claude-haiku-4-5", "Hello there, how are you?");
    body.as_object_mut().unwrap().remove("max_tokens");
    let short = count(&body);
    assert_eq!(short.status, 200, "{}", short.text());
    assert_eq!(short.json().as_object().unwrap().len(), 1);
    body["system"] = json!("Be brief. ".repeat(400));
    let counted = |response: &Response| response.json()["input_tokens"].as_u64().unwrap();
    let long = count(&body);
    let more = counted(&long) - counted(&short);
    assert!(
        (900..=1_100).contains(&more),
        "4,000 bytes are {more} tokens"
    );
    assert_eq!(acme.world.provider.calls.borrow().len(), 0);
    assert_eq!(acme.spent(), "0");
    body["messages"] = json!([]);
    check_failed(&count(&body), 400, "invalid_request_error");
    let anonymous = Request::new("POST", "/v1/messages/count_tokens").json(&body);
    let response = acme.world.send(&acme.worker, anonymous);
    check_failed(&response, 401, "authentication_error");
}
