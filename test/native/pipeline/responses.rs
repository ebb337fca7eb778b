//! Responses, whole and streamed, stored and gone on with.

use esclusa::audit::Outcome;
use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/responses";

fn asked(model: &str, input: &Value) -> Value {
    json!({ "model": model, "input": input })
}

fn get(acme: &Acme, key: &str, target: &str) -> Response {
    let request = Request::new("GET", target).key(key);
    acme.world.send(&acme.worker, request)
}

fn stored(acme: &Acme, id: &Value) -> Response {
    let target = format!("{PATH}/{}", id.as_str().unwrap());
    get(acme, &acme.key, &target)
}

/// What the last call gave the model.
fn told(acme: &Acme) -> Value {
    let calls = acme.world.provider.calls.borrow();
    calls.last().unwrap().input["messages"].clone()
}

fn events(response: &Response) -> Vec<Value> {
    let lines = response.text().lines();
    lines
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect()
}

#[test]
fn a_whole_response_is_given_and_stored() {
    let acme = Acme::new();
    let body = json!({ "model": QWEN, "instructions": "Be brief.", "input": "Hello",
        "metadata": { "ticket": "7" } });
    let reply = acme.posted(PATH, &body);
    let response = reply.json();
    let id = format!("resp_{}", reply.told("x-request-id"));
    assert_eq!(response["id"], *id);
    assert_eq!(response["object"], "response");
    assert_eq!(response["status"], "completed");
    assert_eq!(response["store"], true);
    assert_eq!(response["instructions"], "Be brief.");
    assert_eq!(response["metadata"]["ticket"], "7");
    let message = &response["output"][0];
    assert_eq!(
        (&message["type"], &message["role"]),
        (&json!("message"), &json!("assistant"))
    );
    assert_eq!(message["content"][0]["type"], "output_text");
    assert!(response["usage"]["input_tokens"].as_u64().unwrap() > 0);
    let record = acme.record(&reply);
    assert_eq!(record.draft.endpoint, "responses");
    assert_eq!(response["usage"]["cost_usd"], record.cost.to_usd());
    acme.check_released();

    let again = stored(&acme, &response["id"]);
    assert_eq!((again.status, again.json()), (200, response.clone()));
    let items = get(&acme, &acme.key, &format!("{PATH}/{id}/input_items")).json();
    assert_eq!(items["data"][0]["content"][0]["text"], "Hello");
    assert_eq!(items["has_more"], false);
    assert_eq!(items["first_id"], items["data"][0]["id"]);

    let remove = Request::new("DELETE", &format!("{PATH}/{id}")).key(&acme.key);
    let removed = acme.world.expect(&acme.worker, remove.clone(), 200).json();
    assert_eq!(
        removed,
        json!({ "id": id, "object": "response", "deleted": true })
    );
    assert_eq!(stored(&acme, &response["id"]).status, 404);
    assert_eq!(acme.world.send(&acme.worker, remove).status, 404);
}

#[test]
fn a_conversation_goes_on_in_another_isolate() {
    let acme = Acme::new();
    let body = json!({ "model": QWEN, "instructions": "Be brief.", "input": "My name is Iria." });
    let first = acme.posted(PATH, &body).json();
    let said = first["output"][0]["content"][0]["text"].clone();
    let mut body = asked(QWEN, &json!("What is my name?"));
    body["previous_response_id"] = first["id"].clone();
    let other = acme.world.worker(2);
    let request = Request::new("POST", PATH).key(&acme.key).json(&body);
    let second = acme.world.expect(&other, request, 200);
    assert_eq!(second.told("x-ai-cache-status"), "BYPASS");
    let second = second.json();
    assert_eq!(second["previous_response_id"], first["id"]);
    let messages = told(&acme);
    let texts: Vec<&Value> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["content"])
        .collect();
    // Instructions hold for their own request only.
    assert_eq!(
        texts,
        [
            &json!("My name is Iria."),
            &said,
            &json!("What is my name?")
        ]
    );

    body["previous_response_id"] = second["id"].clone();
    body["input"] = json!("And now?");
    let third = acme.posted(PATH, &body).json();
    assert_eq!(told(&acme).as_array().unwrap().len(), 5);
    let target = format!("{PATH}/{}/input_items", third["id"].as_str().unwrap());
    let items = get(&acme, &acme.key, &target).json();
    assert_eq!(items["data"].as_array().unwrap().len(), 1, "its own input");
}

/// Pain 47: ids of responses are no keys to them.
#[test]
fn nobody_else_goes_on_with_a_response() {
    let acme = Acme::new();
    let first = acme.posted(PATH, &asked(QWEN, &json!("A secret"))).json();
    let colleague = acme.world.mint(&acme.worker, "acme");
    let colleague = colleague["key"].as_str().unwrap().to_owned();
    let stranger = acme.world.org(&acme.worker, "other", &json!({}));
    let id = first["id"].as_str().unwrap();
    for key in [&colleague, &stranger] {
        for target in [format!("{PATH}/{id}"), format!("{PATH}/{id}/input_items")] {
            check_error(&get(&acme, key, &target), 404, "not_found");
        }
        let remove = Request::new("DELETE", &format!("{PATH}/{id}")).key(key);
        check_error(&acme.world.send(&acme.worker, remove), 404, "not_found");
        let mut body = asked(QWEN, &json!("Tell me"));
        body["previous_response_id"] = json!(id);
        let request = Request::new("POST", PATH).key(key).json(&body);
        let refused = acme.world.send(&acme.worker, request);
        check_error(&refused, 404, "not_found");
        assert_eq!(refused.json()["error"]["param"], "previous_response_id");
        let item = first["output"][0]["id"].clone();
        let body = asked(QWEN, &json!([{ "type": "item_reference", "id": item }]));
        let request = Request::new("POST", PATH).key(key).json(&body);
        let refused = acme.world.send(&acme.worker, request);
        check_error(&refused, 404, "not_found");
        assert_eq!(refused.json()["error"]["param"], "input[0]");
    }
    assert_eq!(stored(&acme, &first["id"]).status, 200);
}

#[test]
fn a_tool_is_called_and_answered_over_two_requests() {
    let acme = Acme::new();
    acme.world.provider.once(OSS, Act::CallTool);
    let mut body = asked(OSS, &json!("How is the weather in Lugo?"));
    body["tools"] = json!([{ "type": "function", "name": "weather",
        "parameters": { "type": "object" }, "strict": true }]);
    let first = acme.posted(PATH, &body).json();
    let call = &first["output"][0];
    assert_eq!(
        (&call["type"], &call["name"]),
        (&json!("function_call"), &json!("weather"))
    );
    body["previous_response_id"] = first["id"].clone();
    body["input"] = json!("Well?");
    let refused = acme.post(PATH, &body);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains("without a result"), "{message}");
    body["input"] = json!([{ "type": "function_call_output",
        "call_id": call["call_id"], "output": "sunny" }]);
    acme.posted(PATH, &body);
    let messages = told(&acme);
    assert_eq!(
        messages[1]["tool_calls"][0]["function"]["name"], "weather",
        "{messages}"
    );
    assert_eq!(
        (&messages[2]["role"], &messages[2]["content"]),
        (&json!("tool"), &json!("sunny"))
    );
}

#[test]
fn items_are_named_instead_of_sent_again() {
    let acme = Acme::new();
    let first = acme.posted(PATH, &asked(QWEN, &json!("First"))).json();
    let item = |response: &Value| json!({ "id": response["output"][0]["id"] });
    let input = json!([{ "role": "user", "content": "First" }, item(&first),
        { "role": "user", "content": "Second" }]);
    let second = acme.posted(PATH, &asked(QWEN, &input)).json();
    let input = json!([{ "role": "user", "content": "First" }, item(&first),
        { "role": "user", "content": "Second" }, item(&second),
        { "role": "user", "content": "Third" }]);
    acme.posted(PATH, &asked(QWEN, &input));
    let messages = told(&acme);
    let of = |index: usize| &messages[index]["content"];
    assert_eq!(*of(1), first["output"][0]["content"][0]["text"]);
    assert_eq!(*of(3), second["output"][0]["content"][0]["text"]);
    let unknown = asked(
        QWEN,
        &json!([{ "role": "user", "content": "Hi" }, { "type": "item_reference", "id": "msg_x" }]),
    );
    let refused = acme.post(PATH, &unknown);
    check_error(&refused, 404, "not_found");
    assert_eq!(refused.json()["error"]["param"], "input[1]");
}

/// Pain 25: the events of a response's life, all of them and in order.
#[test]
fn a_stream_has_the_whole_life_of_a_response() {
    let acme = Acme::new();
    let mut body = asked(QWEN, &json!("Tell me a story"));
    body["stream"] = json!(true);
    let reply = acme.posted(PATH, &body);
    let events = events(&reply);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
        let name = format!("event: {}\n", event["type"].as_str().unwrap());
        assert!(reply.text().contains(&name), "{name}");
    }
    let mut kinds = types(&events);
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let last = &events.last().unwrap()["response"];
    assert_eq!(last["status"], "completed");
    assert_eq!(stored(&acme, &last["id"]).json(), *last);
    let record = acme.record(&reply);
    assert_eq!(record.draft.outcome, Outcome::Answered);
    assert_eq!(last["usage"]["cost_usd"], record.cost.to_usd());
    acme.check_released();
}

#[test]
fn a_stream_that_breaks_fails_and_is_not_stored() {
    for act in [Act::Cut(3), Act::ErrorEvent(3)] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, act);
        let mut body = asked(QWEN, &json!("Tell me a long story about it"));
        body["stream"] = json!(true);
        let reply = acme.posted(PATH, &body);
        let events = events(&reply);
        let kinds = types(&events);
        assert!(!kinds.contains(&"response.completed"));
        let [.., failed, error] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(failed["type"], "response.failed");
        assert_eq!(failed["response"]["status"], "failed");
        assert_eq!(failed["response"]["error"]["code"], "server_error");
        assert_eq!(failed["response"]["output"][0]["status"], "incomplete");
        assert_eq!(error["type"], "error");
        assert_eq!(error["error"]["code"], "upstream_failed");
        assert_eq!(stored(&acme, &failed["response"]["id"]).status, 404);
        assert_eq!(acme.record(&reply).draft.outcome, Outcome::Truncated);
        acme.check_released();
    }
}

#[test]
fn an_answer_at_its_bound_is_incomplete() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Length);
    let mut body = asked(QWEN, &json!("Tell me"));
    body["max_output_tokens"] = json!(16);
    let response = acme.posted(PATH, &body).json();
    assert_eq!(response["status"], "incomplete");
    assert_eq!(
        response["incomplete_details"],
        json!({ "reason": "max_output_tokens" })
    );
    acme.world.provider.once(QWEN, Act::Length);
    body["stream"] = json!(true);
    let reply = acme.posted(PATH, &body);
    assert_eq!(types(&events(&reply)).last(), Some(&"response.incomplete"));
}

#[test]
fn what_is_not_to_be_stored_is_not() {
    let acme = Acme::new();
    let mut body = asked(QWEN, &json!("Hello"));
    body["store"] = json!(false);
    let response = acme.posted(PATH, &body).json();
    assert_eq!(response["store"], false);
    body["stream"] = json!(true);
    acme.posted(PATH, &body);
    assert!(acme.world.responses.rows.borrow().is_empty());
    assert_eq!(stored(&acme, &response["id"]).status, 404);
}

#[test]
fn an_answer_that_cannot_be_stored_is_given_and_says_so() {
    for fault in [Fault::Down, Fault::Slow(20_000)] {
        let acme = Acme::new();
        acme.world.shared.faults.always(Port::Responses, fault);
        let mut body = asked(QWEN, &json!("Hello"));
        assert_eq!(acme.posted(PATH, &body).json()["store"], false);
        body["stream"] = json!(true);
        let reply = acme.posted(PATH, &body);
        let events = events(&reply);
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.completed");
        assert_eq!(last["response"]["store"], false);
        assert!(
            acme.world
                .shared
                .log
                .borrow()
                .iter()
                .any(|line| line.contains("could not be stored"))
        );
        acme.check_released();
    }
}

#[test]
fn a_store_that_is_down_is_no_reason_to_forget_a_conversation() {
    let acme = Acme::new();
    let first = acme.posted(PATH, &asked(QWEN, &json!("Hello"))).json();
    acme.world
        .shared
        .faults
        .always(Port::Responses, Fault::Down);
    let mut body = asked(QWEN, &json!("And?"));
    body["previous_response_id"] = first["id"].clone();
    check_error(&acme.post(PATH, &body), 503, "unavailable");
    assert_eq!(acme.world.provider.answered_by().len(), 1);
}

#[test]
fn a_response_lives_thirty_days() {
    let acme = Acme::new();
    let response = acme.posted(PATH, &asked(QWEN, &json!("Hello"))).json();
    let day = 24 * 60 * 60 * 1_000;
    acme.world.shared.clock.jump(29 * day);
    assert_eq!(stored(&acme, &response["id"]).status, 200);
    acme.world.shared.clock.jump(day);
    assert_eq!(stored(&acme, &response["id"]).status, 404);
    for _ in 0..100 {
        acme.posted(PATH, &asked(QWEN, &json!("Hello")));
    }
    let rows = acme.world.responses.rows.borrow();
    assert_eq!(rows.len(), 100, "what has expired is cleared up");
}

#[test]
fn a_cached_answer_is_a_response_of_its_own() {
    let acme = Acme::learned();
    let body = asked("operation/faq", &json!(QUESTION));
    let first = acme.posted(PATH, &body).json();
    let reply = acme.posted(PATH, &body);
    assert_eq!(reply.told("x-ai-cache-status"), "HIT");
    let second = reply.json();
    assert_ne!(first["id"], second["id"]);
    assert_eq!(
        first["output"][0]["content"],
        second["output"][0]["content"]
    );
    assert_eq!(stored(&acme, &second["id"]).json(), second);
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let reply = acme.posted(PATH, &streamed);
    assert_eq!(reply.told("x-ai-cache-status"), "HIT");
    let events = events(&reply);
    let last = &events.last().unwrap()["response"];
    assert_eq!(stored(&acme, &last["id"]).json(), *last);
}

#[test]
fn bad_requests_are_refused_in_the_wire_of_openai() {
    let acme = Acme::new();
    for (body, param) in [
        (json!({ "model": "auto" }), "input"),
        (
            json!({ "model": "auto", "input": "Hi", "background": true }),
            "background",
        ),
        (
            json!({ "model": "auto", "input": [{ "role": "user", "content": 7 }] }),
            "input[0].content",
        ),
    ] {
        let refused = acme.post(PATH, &body);
        check_error(&refused, 400, "invalid_request");
        assert_eq!(refused.json()["error"]["param"], param);
        assert_eq!(refused.told("x-should-retry"), "false");
    }
    let target = |query: &str| format!("{PATH}/resp_1/input_items?{query}");
    for query in ["order=up", "limit=0", "limit=101", "limit=x"] {
        check_error(
            &get(&acme, &acme.key, &target(query)),
            400,
            "invalid_request",
        );
    }
    let resumed = get(&acme, &acme.key, &format!("{PATH}/resp_1?stream=true"));
    check_error(&resumed, 400, "invalid_request");
    assert_eq!(
        get(&acme, "nonsense", &format!("{PATH}/resp_1")).status,
        401
    );
}

#[test]
fn input_items_come_in_pages() {
    let acme = Acme::new();
    let input: Vec<Value> = (0..5)
        .map(|number| json!({ "role": "user", "content": format!("{number}") }))
        .collect();
    let response = acme.posted(PATH, &asked(QWEN, &json!(input))).json();
    let id = response["id"].as_str().unwrap();
    let page = |query: &str| {
        let target = format!("{PATH}/{id}/input_items?{query}");
        get(&acme, &acme.key, &target).json()
    };
    let texts = |page: &Value| -> Vec<String> {
        let items = page["data"].as_array().unwrap().iter();
        items
            .map(|item| item["content"][0]["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let newest = page("limit=2");
    assert_eq!(texts(&newest), ["4", "3"]);
    assert_eq!(newest["has_more"], true);
    let after = newest["last_id"].as_str().unwrap();
    assert_eq!(
        texts(&page(&format!("limit=9&after={after}"))),
        ["2", "1", "0"]
    );
    assert_eq!(texts(&page("order=asc&limit=3")), ["0", "1", "2"]);
    assert_eq!(page("after=nothing")["error"]["param"], "after");
}
