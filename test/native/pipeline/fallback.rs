//! Fallback: what one candidate cannot do, the next one does, and the record names both.

mod begun;

use esclusa::audit::{Flag, Outcome};
use serde_json::json;

use super::support::*;

#[test]
fn the_second_candidate_answers_for_the_first() {
    let cases = [
        (Act::Status(500, "broken"), "error"),
        (
            Act::Status(500, r#"{"errors":[{"code":3040,"message":"Capacity"}]}"#),
            "capacity",
        ),
        (
            Act::Status(400, r#"{"error":"3036: Daily limit"}"#),
            "daily_limit",
        ),
        (Act::Busy(30), "capacity"),
        (Act::Hang, "timeout"),
        (Act::Html, "malformed"),
        (Act::InvalidJson, "malformed"),
        (Act::ErrorObject, "error"),
        (Act::ResetBefore, "unreachable"),
        (Act::ResetAfter, "unreachable"),
    ];
    for (act, result) in cases {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, act.clone());
        let response = acme.ask(&question("light", "Hello"));
        assert_eq!(response.told("cf-aig-step"), "1", "{act:?}");
        assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
        assert_eq!(response.told("x-ai-attempts"), "2");
        assert!(response.answer().contains("Hello"));
        let record = acme.record(&response);
        let attempts: Vec<(&str, &str)> = record
            .draft
            .attempts
            .iter()
            .map(|attempt| (attempt.model.as_str(), attempt.result.as_str()))
            .collect();
        assert_eq!(attempts, [(QWEN, result), (LLAMA_SMALL, "ok")], "{act:?}");
        assert_eq!(acme.world.provider.answered_by(), [QWEN, LLAMA_SMALL]);
        acme.check_released();
    }
}

#[test]
fn a_failure_that_is_known_costs_nothing() {
    let acme = Acme::new();
    acme.world
        .provider
        .once(QWEN, Act::Status(429, "slow down"));
    let response = acme.ask(&question("light", "Hello"));
    let record = acme.record(&response);
    assert_eq!(record.draft.attempts[0].cost.get(), 0);
    assert_eq!(record.cost, record.draft.attempts[1].cost);
    assert_eq!(record.flags, []);
}

#[test]
fn an_attempt_of_unknown_cost_keeps_its_bound() {
    for body in [question("light", "Hello"), streamed("light", "Hello")] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, Act::Hang);
        let response = acme.ask(&body);
        let record = acme.record(&response);
        let [first, second] = record.draft.attempts.as_slice() else {
            panic!("{record:?}");
        };
        assert!(first.bounded && first.cost.get() > 0 && !second.bounded);
        assert_eq!(record.cost, first.cost.saturating_add(second.cost));
        assert!(record.bound >= record.cost, "the reservation was extended");
        assert_eq!(record.flags, [Flag::Bounded]);
        acme.check_released();
    }
}

#[test]
fn every_attempt_after_one_of_unknown_cost_is_covered() {
    let acme = Acme::new();
    acme.world.provider.once(OSS, Act::Hang);
    acme.world.provider.once(LLAMA, Act::Status(500, "broken"));
    let mut body = question("heavy", &"long ".repeat(8_000));
    body["max_tokens"] = json!(10);
    // Not grounded: what that uses is estimated.
    body["metadata"] = json!({ "operation": "chat" });
    let usage = esclusa::usage::Usage {
        input_tokens: 41_000,
        output_tokens: 10,
        ..Default::default()
    };
    acme.world.provider.once("openai/gpt-4o", Act::Use(usage));
    let response = acme.ask(&body);
    assert_eq!(response.told("cf-aig-step"), "2");
    let record = acme.record(&response);
    assert!(
        record.cost <= record.bound,
        "{} of {}",
        record.cost,
        record.bound
    );
    assert_eq!(record.flags, [Flag::Bounded]);
}

#[test]
fn without_budget_for_another_attempt_the_request_ends_with_402() {
    let acme = Acme::new();
    let bound = {
        acme.world.provider.once(QWEN, Act::Hang);
        let response = acme.ask(&question("light", "Hello"));
        acme.record(&response).draft.attempts[0].cost
    };
    // Room for one attempt at the dearest candidate, not for one more after it.
    let budget = bound
        .saturating_mul(3)
        .saturating_add(acme.world.records("acme").last().unwrap().cost);
    let room = esclusa::money::Nanos::new(budget.get() - bound.get() * 3 / 2);
    acme.world.configure(
        &acme.worker,
        "acme",
        &json!({ "budgets": [{ "usd": room.to_usd(), "period": "day" }] }),
    );
    acme.world.provider.once(QWEN, Act::Hang);
    let before = acme.world.provider.answered_by().len();
    let response = acme.send(&question("light", "Hello"));
    check_error(&response, 402, "budget_exhausted");
    assert_eq!(
        acme.world.provider.answered_by().len(),
        before + 1,
        "no second attempt"
    );
    let record = acme.record(&response);
    assert_eq!(
        (record.draft.outcome, record.cost),
        (Outcome::Failed, bound)
    );
    acme.check_released();
}

#[test]
fn a_full_outage_names_every_attempt_and_costs_nothing() {
    let acme = Acme::learned();
    let before = acme.spent();
    for model in [OSS, LLAMA, "openai/gpt-4o"] {
        acme.world
            .provider
            .always(model, Act::Status(500, "secret detail"));
    }
    for body in [question("heavy", "Hello"), streamed("heavy", "Hello")] {
        let response = acme.send(&body);
        let message = check_error(&response, 502, "upstream_failed");
        for model in [OSS, LLAMA, "openai/gpt-4o"] {
            assert!(message.contains(model), "{message}");
        }
        assert!(!response.text().contains("secret detail"));
        assert_eq!(acme.spent(), before, "the ledger is where it was");
        acme.check_released();
        let record = acme.record(&response);
        assert_eq!(
            (record.draft.outcome, record.draft.status),
            (Outcome::Failed, 502)
        );
        assert_eq!(record.draft.attempts.len(), 3);
    }
}

#[test]
fn an_error_in_the_first_event_falls_back() {
    for act in [Act::ErrorEvent(0), Act::Cut(0), Act::Stall(0)] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, act.clone());
        let response = acme.ask(&streamed("light", "Hello"));
        let record = acme.record(&response);
        let results: Vec<&str> = record
            .draft
            .attempts
            .iter()
            .map(|it| it.result.as_str())
            .collect();
        assert_eq!((results.len(), results.last()), (2, Some(&"ok")), "{act:?}");
        assert!(!response.text().contains("error"), "{}", response.text());
        assert_eq!(response.answer().matches("You asked").count(), 1);
        acme.check_released();
    }
}

#[test]
fn what_one_provider_forbids_is_not_offered_to_the_next() {
    let acme = Acme::new();
    let policy = r#"{"error":{"code":"content_filter","message":"no"}}"#;
    acme.world.provider.once(QWEN, Act::Status(400, policy));
    let response = acme.send(&question("light", "Hello"));
    check_error(&response, 403, "forbidden");
    assert_eq!(acme.world.provider.answered_by(), [QWEN]);
}

#[test]
fn the_caller_bounds_each_attempt() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Slow(5_000));
    let request = acme.request(&question("light", "Hello"));
    let begun = acme.world.shared.clock.elapsed();
    let request = request.header("cf-aig-request-timeout", "1000");
    let response = acme.world.expect(&acme.worker, request, 200);
    assert_eq!(response.told("cf-aig-step"), "1");
    assert_eq!(acme.world.shared.clock.elapsed() - begun, 1_000);
}

#[test]
fn an_org_has_its_own_candidates() {
    let acme = Acme::with(&json!({ "tiers": { "light": [GLM, QWEN] } }));
    acme.world.provider.once(GLM, Act::Status(500, "broken"));
    let response = acme.ask(&question("light", "Hello"));
    assert_eq!(response.told("cf-aig-model"), QWEN);
    assert_eq!(acme.world.provider.answered_by(), [GLM, QWEN]);
}

#[test]
fn rate_limits_of_every_provider_are_told_as_one() {
    for body in [question("light", "Hello"), streamed("light", "Hello")] {
        let acme = Acme::of_one_provider();
        acme.world.provider.always(QWEN, Act::Busy(30));
        acme.world.provider.always(LLAMA_SMALL, Act::Busy(7));
        let response = acme.send(&body);
        let message = check_error(&response, 429, "upstream_rate_limited");
        assert!(message.contains(QWEN), "{message}");
        assert_eq!(response.json()["error"]["type"], "rate_limit_error");
        assert_eq!(response.told("retry-after"), "7", "the least");
        let record = acme.record(&response);
        assert_eq!(
            (record.draft.outcome, record.draft.status),
            (Outcome::Failed, 429)
        );
        acme.check_released();
    }
}

#[test]
fn a_rate_limit_that_says_nothing_of_its_end_has_one_all_the_same() {
    let acme = Acme::of_one_provider();
    for model in [QWEN, LLAMA_SMALL] {
        acme.world.provider.always(model, Act::Status(429, "slow"));
    }
    let response = acme.send(&question("light", "Hello"));
    assert_eq!((response.status, response.told("retry-after")), (429, "5"));
}

#[test]
fn one_failure_of_another_kind_is_no_rate_limit() {
    for other in [
        Act::Status(500, "broken"),
        Act::Status(503, r#"{"error":{"type":"overloaded_error"}}"#),
    ] {
        let acme = Acme::of_one_provider();
        acme.world.provider.always(QWEN, Act::Busy(30));
        acme.world.provider.always(LLAMA_SMALL, other);
        let response = acme.send(&question("light", "Hello"));
        check_error(&response, 502, "upstream_failed");
        assert_eq!(response.told("retry-after"), "30");
    }
}

#[test]
fn every_wire_tells_a_rate_limit_in_its_own_envelope() {
    let said = json!([{ "role": "user", "content": "Hi" }]);
    let messages = json!({ "model": "light", "max_tokens": 9, "messages": said });
    let contents = json!({ "contents": [{ "parts": [{ "text": "Hi" }] }] });
    let cases = [
        (
            "/v1/messages",
            messages,
            "/error/type",
            json!("rate_limit_error"),
        ),
        (
            "/v1/responses",
            json!({ "model": "light", "input": "Hi" }),
            "/error/type",
            json!("rate_limit_error"),
        ),
        (
            "/v1beta/models/light:generateContent",
            contents,
            "/error/status",
            json!("RESOURCE_EXHAUSTED"),
        ),
        (
            "/workers-ai/@cf/qwen/qwen3-30b-a3b-fp8",
            json!({ "prompt": "Hi" }),
            "/errors/0/code",
            json!(3040),
        ),
    ];
    for (path, body, pointer, expected) in cases {
        let acme = Acme::of_one_provider();
        for model in [QWEN, LLAMA_SMALL] {
            acme.world.provider.always(model, Act::Busy(7));
        }
        let response = acme.post(path, &body);
        assert_eq!(response.status, 429, "{path}: {}", response.text());
        assert_eq!(response.told("retry-after"), "7", "{path}");
        assert_eq!(response.json().pointer(pointer), Some(&expected), "{path}");
    }
}

#[test]
fn a_rate_limit_of_an_embedding_is_one_too() {
    let acme = Acme::new();
    acme.world.provider.always(EMBED, Act::Busy(3));
    let response = acme.post("/v1/embeddings", &json!({ "model": "embed", "input": "a" }));
    check_error(&response, 429, "upstream_rate_limited");
    assert_eq!(response.told("retry-after"), "3");
}
