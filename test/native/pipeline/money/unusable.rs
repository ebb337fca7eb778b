//! Answers that came and cannot be used: their providers charge for them.

use esclusa::audit::{Attempt, Flag, Record};
use esclusa::money::Nanos;
use serde_json::{Value, json};

use super::super::support::*;

const FLASH: &str = "google/gemini-2.5-flash";
const GPT: &str = "openai/gpt-4o";

/// An org whose light questions go to `model` first, and may go over HTTPS to Google.
fn first(model: &str) -> Acme {
    let acme = Acme::with(&json!({ "tiers": { "light": [model, LLAMA_SMALL] } }));
    let key = "AIza-very-secret-0123456789".to_owned();
    let mut secrets = acme.world.secrets.0.borrow_mut();
    secrets.insert("GOOGLE_API_KEY".to_owned(), key);
    drop(secrets);
    acme
}

/// The attempt before the one that answered, after `act` of `model`.
fn failed(model: &str, act: &Act, body: &Value) -> (Attempt, Record) {
    let acme = first(model);
    acme.world.provider.once(model, act.clone());
    let record = acme.record(&acme.ask(body));
    let [failed, answered] = record.draft.attempts.as_slice() else {
        panic!("{act:?}: {record:?}");
    };
    assert_eq!(answered.result, "ok");
    assert_eq!(record.cost, failed.cost.saturating_add(answered.cost));
    assert_eq!(record.draft.usage, failed.usage.plus(answered.usage));
    assert!(record.cost <= record.bound, "{act:?}");
    assert_eq!(acme.spent(), record.cost.to_usd());
    acme.check_released();
    (failed.clone(), record)
}

fn both() -> [Value; 2] {
    [question("light", "Hello"), streamed("light", "Hello")]
}

#[test]
fn what_it_says_it_used_is_charged() {
    let gemini = r#"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}],"usageMetadata":{"promptTokenCount":40,"candidatesTokenCount":3}}"#;
    let openai = r#"{"choices":[{"index":0}],"usage":{"prompt_tokens":40,"completion_tokens":3}}"#;
    let wrapped = r#"{"result":{"choices":[{"index":0}],"usage":{"prompt_tokens":40,"completion_tokens":3}}}"#;
    for (model, answer, cost) in [
        (FLASH, gemini, 40 * 300 + 3 * 2_500),
        (GPT, openai, 40 * 2_500 + 3 * 10_000),
        (QWEN, wrapped, 40 * 51 + 3 * 335),
    ] {
        for body in both() {
            let (attempt, record) = failed(model, &Act::Status(200, answer), &body);
            assert_eq!(attempt.result, "malformed");
            let usage = attempt.usage;
            assert_eq!((usage.input_tokens, usage.output_tokens), (40, 3));
            assert_eq!((attempt.cost.get(), attempt.bounded), (cost, false));
            assert_eq!(record.flags, []);
        }
    }
}

#[test]
fn where_it_says_nothing_it_costs_its_bound() {
    let cut = r#"{"choices":[],"usage":{"prompt_tokens":40,"completion_tokens":3},"x":"#;
    let large = Act::Reply(200, None, "x".repeat(16 * 1024 * 1024 + 1));
    for act in [Act::Status(200, cut), Act::InvalidJson, large] {
        for body in both() {
            let (attempt, record) = failed(QWEN, &act, &body);
            assert_eq!(attempt.result, "malformed");
            assert!(attempt.bounded && attempt.cost > Nanos::ZERO);
            let (unanswered, _) = failed(QWEN, &Act::Hang, &body);
            assert_eq!(attempt.cost, unanswered.cost, "as one that never came");
            assert_eq!(record.flags, [Flag::Bounded]);
        }
    }
}

#[test]
fn a_stream_that_cannot_be_read_costs_its_bound() {
    let act = Act::Raw("data: {\"choices\"\n\n".to_owned());
    let (attempt, _) = failed(QWEN, &act, &streamed("light", "Hello"));
    assert_eq!(attempt.result, "malformed");
    assert!(attempt.bounded && attempt.cost > Nanos::ZERO);
}

#[test]
fn what_was_refused_costs_nothing_however_it_is_written() {
    for act in [
        Act::Status(500, "{\"response\":"),
        Act::Status(502, "<html>bad gateway</html>"),
        Act::Status(404, ""),
        Act::ErrorObject,
    ] {
        for body in both() {
            let (attempt, record) = failed(QWEN, &act, &body);
            assert_eq!((attempt.cost, attempt.bounded), (Nanos::ZERO, false));
            assert_eq!(record.flags, []);
        }
    }
}

/// The record of a request whose model was asked five times for nothing.
fn asked_on(acme: &Acme) -> (Response, Record) {
    acme.world.provider.always(QWEN, Act::InvalidJson);
    let request = acme.request(&question(QWEN, "Hello"));
    let request = request.header("cf-aig-max-attempts", "5");
    let response = acme.world.send(&acme.worker, request);
    let record = acme.record(&response);
    (response, record)
}

#[test]
fn each_of_many_attempts_is_held_and_charged() {
    let acme = Acme::new();
    let (response, record) = asked_on(&acme);
    check_error(&response, 502, "upstream_failed");
    let costs: Vec<i64> = record
        .draft
        .attempts
        .iter()
        .map(|attempt| attempt.cost.get())
        .collect();
    assert_eq!(costs, [costs[0]; 5]);
    assert!(costs[0] > 0);
    assert_eq!(record.cost.get(), 5 * costs[0]);
    assert!(record.cost <= record.bound, "the reservation was extended");
    assert_eq!(acme.spent(), record.cost.to_usd());
    acme.check_released();
    // Room for two of them.
    let budget = Nanos::new(2 * costs[0] + costs[0] / 2);
    let acme = Acme::with(&json!({ "budgets": [{ "usd": budget.to_usd(), "period": "day" }] }));
    let (response, record) = asked_on(&acme);
    check_error(&response, 402, "budget_exhausted");
    assert_eq!(record.draft.attempts.len(), 2);
    assert_eq!(record.cost.get(), 2 * costs[0]);
    acme.check_released();
}
