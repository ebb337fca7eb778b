//! What operations make of answers: of the right form, mended once, a part of it, plain text.

use serde_json::{Value, json};

use super::support::*;
use super::world::web::Page;

const PATH: &str = "/v1/run";
const GOOD: &str = r#"{"answer":"**Seven** days.","days":7}"#;

fn shop(output: &Value) -> Acme {
    let quote = json!({
        "tier": "light", "models": [LLAMA_SMALL, GLM], "cache_seconds": 600, "output_cap": 200, "output": output,
    });
    Acme::with(&json!({ "operations": { "quote": quote } }))
}

fn schema() -> Value {
    json!({
        "type": "object", "required": ["answer", "days"], "additionalProperties": false,
        "properties": { "answer": { "type": "string" }, "days": { "type": "integer" } },
    })
}

fn ask() -> Value {
    json!({ "operation": "quote", "input": "How many days?" })
}

fn say(acme: &Acme, text: &str) {
    acme.world
        .provider
        .once(LLAMA_SMALL, Act::Say(text.to_owned()));
}

fn calls(acme: &Acme) -> Vec<Value> {
    let calls = acme.world.provider.calls.borrow();
    calls.iter().map(|call| call.input.clone()).collect()
}

#[test]
fn an_answer_that_fits_its_schema_is_given_as_it_is() {
    let acme = shop(&json!({ "schema": schema() }));
    say(&acme, &format!("```json\n{GOOD}\n```"));
    let response = acme.posted(PATH, &ask());
    assert_eq!(response.json()["output"], GOOD);
    let sent = &calls(&acme)[0];
    assert_eq!(sent["response_format"]["type"], "json_schema", "{sent}");
    assert!(
        sent["response_format"]
            .to_string()
            .contains("additionalProperties")
    );
    let record = acme.record(&response);
    assert!(record.cost.get() > 0 && record.cost <= record.bound);
    acme.check_released();
}

#[test]
fn an_answer_that_does_not_fit_is_mended_once_by_the_same_model() {
    let acme = shop(&json!({ "schema": schema(), "repair": true }));
    say(&acme, r#"{"answer":"Seven"}"#);
    say(&acme, GOOD);
    let response = acme.posted(PATH, &ask());
    assert_eq!(response.json()["output"], GOOD);
    assert_eq!(
        acme.world.provider.answered_by(),
        [LLAMA_SMALL, LLAMA_SMALL]
    );
    let again = calls(&acme)[1]["messages"].as_array().unwrap().clone();
    let [.., quoted, wrong] = &again[..] else {
        panic!("{again:?}");
    };
    assert_eq!(
        (&quoted["role"], &quoted["content"]),
        (&json!("assistant"), &json!(r#"{"answer":"Seven"}"#))
    );
    assert!(
        wrong["content"]
            .as_str()
            .unwrap()
            .contains("`/days` is missing"),
        "{wrong}"
    );
    let record = acme.record(&response);
    assert_eq!(record.draft.policy, ["output invalid", "output repaired"]);
    let costs: Vec<i64> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| attempt.cost.get())
        .collect();
    assert_eq!(costs.len(), 2);
    assert!(costs.iter().all(|cost| *cost > 0), "{costs:?}");
    assert_eq!(record.cost.get(), costs.iter().sum::<i64>());
    assert!(
        record.cost <= record.bound,
        "the bound counts the second call"
    );
    assert_eq!(response.told("x-ai-cost-usd"), record.cost.to_usd());
    acme.check_released();
}

#[test]
fn what_nobody_reports_is_estimated_by_what_was_sent_and_came() {
    let told = "Only the days of delivery count. ".repeat(40);
    let mut schema = schema();
    schema["description"] = json!(told);
    let acme = shop(&json!({ "schema": schema, "repair": true, "extract": "/answer" }));
    let unmetered = |text: &str| {
        let answer = json!({ "response": text });
        acme.world
            .provider
            .once(LLAMA_SMALL, Act::Reply(200, None, answer.to_string()));
    };
    let long = format!(r#"{{"answer":"{}","days":"seven"}}"#, "word ".repeat(400));
    let right = format!(r#"{{"answer":"Seven","days":7{}}}"#, " ".repeat(400));
    unmetered(&long);
    unmetered(&right);
    let response = acme.posted(PATH, &ask());
    assert_eq!(response.json()["output"], "Seven");
    let record = acme.record(&response);
    let usage: Vec<(u64, u64)> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| (attempt.usage.input_tokens, attempt.usage.output_tokens))
        .collect();
    let tokens = |text: &str| u64::try_from(text.len().div_ceil(4)).unwrap();
    let [(first, wrong), (second, mended)] = usage[..] else {
        panic!("{usage:?}");
    };
    assert_eq!((wrong, mended), (tokens(&long), tokens(&right)));
    assert!(first > tokens(&told), "with the schema: {first}");
    assert!(second > first + wrong, "with what was wrong: {second}");
    assert!(record.flags.contains(&esclusa::audit::Flag::Estimated));
    acme.check_released();
}

#[test]
fn what_is_held_for_attempts_covers_those_of_the_second_round_once() {
    let acme = shop(&json!({ "schema": schema(), "repair": true }));
    let provider = &acme.world.provider;
    for act in [Act::ResetAfter, Act::ResetAfter] {
        provider.once(LLAMA_SMALL, act);
    }
    let wrong = Act::Say(r#"{"answer":"Seven"}"#.to_owned());
    for act in [wrong, Act::ResetAfter, Act::Say(GOOD.to_owned())] {
        provider.once(GLM, act);
    }
    let request = acme
        .request(&question("operation/quote", "How many days?"))
        .header("cf-aig-max-attempts", "2");
    let response = acme.world.expect(&acme.worker, request, 200);
    assert_eq!(response.answer(), GOOD);
    let record = acme.record(&response);
    let costs: Vec<i64> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| attempt.cost.get())
        .collect();
    // The last attempt may have cost as much as the one before it, of which nobody knows.
    let [first, second, wrong, lost, _] = costs[..] else {
        panic!("{costs:?}");
    };
    assert_eq!(record.bound.get(), first + second + wrong + lost + lost);
    acme.check_released();
}

#[test]
fn what_cannot_be_mended_is_an_error_that_is_paid_for() {
    for (repair, attempts) in [(false, 1), (true, 2)] {
        let acme = shop(&json!({ "schema": schema(), "repair": repair }));
        acme.world
            .provider
            .always(LLAMA_SMALL, Act::Say("Seven days.".to_owned()));
        let response = acme.post(PATH, &ask());
        let message = check_error(&response, 502, "output_invalid");
        assert!(message.contains("not valid JSON"), "{message}");
        let record = acme.record(&response);
        assert_eq!(record.draft.attempts.len(), attempts);
        assert!(
            record
                .draft
                .attempts
                .iter()
                .all(|attempt| attempt.cost.get() > 0)
        );
        assert!(record.cost.get() > 0 && record.cost <= record.bound);
        acme.check_released();
        let messages = Request::new("POST", "/v1/messages").key(&acme.key).json(&json!({
            "model": "operation/quote", "max_tokens": 50, "messages": [{ "role": "user", "content": "Hi" }],
        }));
        let theirs = acme.world.send(&acme.worker, messages);
        assert_eq!(
            (theirs.status, &theirs.json()["error"]["type"]),
            (502, &json!("api_error"))
        );
    }
}

#[test]
fn a_field_becomes_plain_text_and_is_cached_so() {
    let acme =
        shop(&json!({ "schema": schema(), "extract": "/answer", "text": "markdown_to_text" }));
    say(&acme, GOOD);
    let first = acme.posted(PATH, &ask());
    assert_eq!(first.json()["output"], "Seven days.");
    assert_eq!(first.told("x-ai-cache-status"), "MISS");
    let second = acme.posted(PATH, &ask());
    assert_eq!(second.told("x-ai-cache-status"), "HIT");
    assert_eq!(second.json()["output"], "Seven days.");
}

#[test]
fn every_wire_reads_the_transformed_answer_streamed_too() {
    let acme =
        shop(&json!({ "schema": schema(), "extract": "/answer", "text": "markdown_to_text" }));
    acme.world
        .provider
        .always(LLAMA_SMALL, Act::Say(GOOD.to_owned()));
    let chat = acme.ask(&question("operation/quote", "One"));
    assert_eq!(
        chat.json()["choices"][0]["message"]["content"],
        "Seven days."
    );
    let stream = acme.ask(&streamed("operation/quote", "Two"));
    assert_eq!(stream.answer(), "Seven days.");
    assert!(stream.told("content-type").starts_with("text/event-stream"));
    assert!(stream.text().contains("\"cost_usd\"") && stream.text().ends_with("data: [DONE]\n\n"));
    assert!(
        calls(&acme).iter().all(|sent| sent["stream"] != true),
        "nothing is streamed upstream"
    );
    let mut run = ask();
    run["stream"] = json!(true);
    let run = acme.posted(PATH, &run);
    assert!(
        run.text().contains(r#"{"delta":"Seven days."}"#),
        "{}",
        run.text()
    );
    acme.world
        .provider
        .always(LLAMA_SMALL, Act::Say("no".to_owned()));
    check_error(
        &acme.send(&streamed("operation/quote", "Three")),
        502,
        "output_invalid",
    );
}

#[test]
fn a_model_without_schemas_is_told_in_words() {
    let house = json!({
        "provider": "workers-ai", "kind": "chat", "wire": "workers_ai_native",
        "price": { "tokens": { "input": "1", "output": "1" } },
        "context_window": 8000, "max_output": 1000,
    });
    let acme = Acme::with(&json!({
        "models": { LLAMA_SMALL: house },
        "operations": { "quote": { "tier": "light", "models": [LLAMA_SMALL], "output_cap": 200, "output": { "schema": schema() } } },
    }));
    say(&acme, GOOD);
    acme.posted(PATH, &ask());
    let sent = &calls(&acme)[0];
    assert!(sent["response_format"].is_null());
    let first = sent["messages"][0]["content"].as_str().unwrap();
    assert!(
        first.contains("JSON only") && first.contains("additionalProperties"),
        "{first}"
    );
}

#[test]
fn calls_of_tools_and_refusals_stay_what_they_are() {
    let acme = Acme::with(&json!({
        "operations": { "quote": { "tier": "agent", "models": [LLAMA], "output": { "schema": schema() } } },
    }));
    acme.world.provider.once(LLAMA, Act::CallTool);
    let mut body = question("operation/quote", "Weather?");
    body["tools"] =
        json!([{ "type": "function", "function": { "name": "weather", "parameters": {} } }]);
    let response = acme.ask(&body);
    assert_eq!(response.json()["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn a_callers_own_form_is_refused_where_the_operation_has_one() {
    let acme = shop(&json!({ "schema": schema() }));
    let mut body = ask();
    body["response_format"] = json!({ "type": "json_object" });
    let response = acme.post(PATH, &body);
    check_error(&response, 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "response_format");
    assert!(acme.world.provider.calls.borrow().is_empty());
    // A model that is asked for by its name answers as it does.
    acme.ask(&question(LLAMA_SMALL, "Hello"));
}

#[test]
fn a_picture_by_its_address_is_there_again_when_the_answer_is_mended() {
    const VISION: &str = "@cf/meta/llama-3.2-11b-vision-instruct";
    const URL: &str = "https://images.example/cat.png";
    let read = json!({ "tier": "vision", "output": { "schema": schema(), "repair": true } });
    let acme = Acme::with(&json!({ "operations": { "read": read } }));
    acme.world.provider.web.put(
        URL,
        Page {
            status: 200,
            content_type: "image/png",
            chunks: vec![Ok(b"\x89PNG\r\n\x1a\nand the rest".to_vec())],
            delay: 0,
        },
    );
    acme.world
        .provider
        .once(VISION, Act::Say("A cat.".to_owned()));
    acme.world.provider.once(VISION, Act::Say(GOOD.to_owned()));
    let input = json!({ "text": "How many days?", "image": URL });
    let response = acme.posted(PATH, &json!({ "operation": "read", "input": input }));
    assert_eq!(response.json()["output"], GOOD);
    let sent = acme.world.provider.sent();
    assert_eq!(sent.len(), 2);
    assert!(
        sent.iter()
            .all(|body| body.contains("data:image/png;base64,") && !body.contains(URL))
    );
}
