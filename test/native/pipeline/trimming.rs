//! Prompts that are too long for their operation: what is left out, and what is refused.

use serde_json::{Value, json};

use super::support::*;

fn shop(more: &Value) -> Acme {
    let mut quote = json!({ "tier": "light", "models": [LLAMA_SMALL], "output_cap": 100 });
    for (name, value) in more.as_object().unwrap() {
        quote[name] = value.clone();
    }
    Acme::with(&json!({ "operations": { "quote": quote } }))
}

/// Turns of about 50 tokens each side, the last one a question.
fn talk(turns: usize, last: &str) -> Value {
    let mut messages = vec![json!({ "role": "system", "content": "Rule one." })];
    for turn in 0..turns {
        let said = |who: &str| format!("{who} {turn} {}", "word ".repeat(38));
        messages.push(json!({ "role": "user", "content": said("question") }));
        messages.push(json!({ "role": "assistant", "content": said("answer") }));
    }
    messages.push(json!({ "role": "user", "content": last }));
    json!({ "model": "operation/quote", "messages": messages })
}

fn sent(acme: &Acme) -> Vec<Value> {
    let calls = acme.world.provider.calls.borrow();
    let chat = calls.iter().rev().find(|call| call.model == LLAMA_SMALL);
    chat.unwrap().input["messages"].as_array().unwrap().clone()
}

#[test]
fn the_oldest_turns_are_left_out_and_everybody_is_told() {
    let acme = shop(&json!({ "input_tokens": 300, "trim": ["turns"] }));
    let response = acme.ask(&talk(10, "And now?"));
    let messages = sent(&acme);
    assert_eq!(messages[0]["content"], "Rule one.");
    assert_eq!(messages.last().unwrap()["content"], "And now?");
    assert!((4..=8).contains(&messages.len()), "{}", messages.len());
    assert!(
        messages[1]["content"]
            .as_str()
            .unwrap()
            .starts_with("question"),
        "whole turns"
    );
    let left = (messages.len() - 2) / 2;
    let warnings = response.told("x-ai-warnings");
    let expected = format!(
        "messages; the {} oldest turns were left out: the prompt may have 300 tokens",
        10 - left
    );
    assert_eq!(warnings, expected);
    let record = acme.record(&response);
    assert_eq!(
        record.draft.policy,
        [format!("left out: {} oldest turns", 10 - left)]
    );
    let bytes: usize = messages
        .iter()
        .map(|message| message["content"].as_str().unwrap().len())
        .sum();
    assert!(bytes / 4 <= 300, "{bytes}");
}

#[test]
fn what_the_operation_adds_takes_of_the_room() {
    let told = "Only the days of delivery count. ".repeat(20);
    let schema = json!({ "type": "object", "description": told });
    let acme = shop(&json!({
        "input_tokens": 400, "trim": ["turns"], "output": { "schema": schema },
    }));
    let act = Act::Say("{}".to_owned());
    acme.world.provider.always(LLAMA_SMALL, act);
    acme.ask(&talk(10, "And now?"));
    let calls = acme.world.provider.calls.borrow();
    let input = &calls.last().unwrap().input;
    let messages = input["messages"].as_array().unwrap().iter();
    let said: usize = messages
        .map(|message| message["content"].as_str().unwrap().len())
        .sum();
    let form = input["response_format"]["json_schema"].to_string().len();
    assert!(said + form <= 400 * 4, "{said} and {form}");
    drop(calls);
    let small =
        shop(&json!({ "input_tokens": 100, "trim": ["turns"], "output": { "schema": schema } }));
    let message = check_error(&small.send(&talk(1, "And now?")), 400, "invalid_request");
    assert!(message.contains("may have 100 tokens"), "{message}");
}

#[test]
fn what_fits_is_left_alone() {
    let acme = shop(&json!({ "input_tokens": 300, "trim": ["turns"] }));
    let response = acme.ask(&talk(1, "And now?"));
    assert_eq!(sent(&acme).len(), 4);
    assert_eq!(response.header("x-ai-warnings"), None);
    assert!(acme.record(&response).draft.policy.is_empty());
}

#[test]
fn a_call_of_a_tool_goes_with_its_result() {
    let acme = shop(
        &json!({ "input_tokens": 120, "trim": ["turns"], "tier": "agent", "models": [LLAMA] }),
    );
    let mut body = talk(0, "And now?");
    let old = json!([
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "weather", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "c1", "content": "rain ".repeat(200) },
        { "role": "assistant", "content": "It rains." },
    ]);
    let messages = body["messages"].as_array_mut().unwrap();
    let at = messages.len() - 1;
    messages.splice(at..at, old.as_array().unwrap().iter().cloned());
    body["tools"] =
        json!([{ "type": "function", "function": { "name": "weather", "parameters": {} } }]);
    acme.ask(&body);
    let calls = acme.world.provider.calls.borrow();
    let text = &calls.last().unwrap().text;
    assert!(
        !text.contains("rain") && !text.contains("tool_calls") && text.contains("And now?"),
        "{text}"
    );
}

#[test]
fn what_is_still_too_long_is_refused_with_the_figures() {
    let long = "word ".repeat(500);
    for trim in [json!([]), json!(["turns"])] {
        let acme = shop(&json!({ "input_tokens": 300, "trim": trim }));
        let response = acme.send(&talk(3, &long));
        let message = check_error(&response, 400, "invalid_request");
        assert!(
            message.contains("may have 300 tokens") && message.contains("`quote`"),
            "{message}"
        );
        assert_eq!(response.json()["error"]["param"], "messages");
        assert!(acme.world.provider.calls.borrow().is_empty());
    }
    let kept = shop(&json!({ "input_tokens": 300 }));
    let message = check_error(&kept.send(&talk(10, "Hi")), 400, "invalid_request");
    assert!(message.contains("may have 300 tokens"), "{message}");
    let anthropic = json!({ "model": "operation/quote", "max_tokens": 9, "messages": [{ "role": "user", "content": long }] });
    let theirs = kept.post("/v1/messages", &anthropic);
    assert_eq!(theirs.status, 400, "{}", theirs.text());
}

#[test]
fn a_conversation_larger_than_the_window_is_shortened_where_the_operation_says_so() {
    let turns = 700; // About 70,000 tokens; Llama 3.3 takes 24,000.
    let plain = shop(&json!({ "models": [LLAMA] }));
    let message = check_error(&plain.send(&talk(turns, "Hi")), 400, "invalid_request");
    assert!(
        message.contains("more than any suitable model takes"),
        "{message}"
    );
    let acme = shop(&json!({ "models": [LLAMA], "trim": ["turns"] }));
    let response = acme.ask(&talk(turns, "Hi"));
    assert!(
        response
            .told("x-ai-warnings")
            .contains("oldest turns were left out")
    );
    let bytes = acme.world.provider.sent().pop().unwrap().len();
    assert!((60_000..24_000 * 6).contains(&bytes), "{bytes}");
}

#[test]
fn passages_go_by_the_order_that_the_operation_says() {
    let learned = |trim: Value| {
        let acme = shop(
            &json!({ "input_tokens": 330, "trim": trim, "rag": { "top_k": 5, "passages": 1 } }),
        );
        acme.world
            .learn(&acme.worker, &acme.key, "returns", RETURNS);
        acme
    };
    let acme = learned(json!(["passages", "turns"]));
    let response = acme.ask(&talk(3, QUESTION));
    assert_eq!(response.told("x-ai-sources"), "0");
    let warnings = response.told("x-ai-warnings");
    assert!(
        warnings.contains("the 1 worst passages were left out"),
        "{warnings}"
    );
    let acme = learned(json!(["turns", "passages"]));
    let response = acme.ask(&talk(3, QUESTION));
    assert_eq!(response.told("x-ai-sources"), "1");
    assert!(response.told("x-ai-warnings").contains("oldest turns"));
    let acme = learned(json!([]));
    let response = acme.send(&talk(3, QUESTION));
    let message = check_error(&response, 400, "invalid_request");
    assert!(message.contains("may have 330 tokens"), "{message}");
    acme.record(&response);
    acme.check_released();
}
