//! Models that fail: who is asked next, who is left alone and for how long, and what the record says
//! (pains 16, 17, 18, 41, 42).

use esclusa::audit::Record;
use serde_json::json;

use super::support::*;

const BROKEN: Act = Act::Status(500, "broken");

/// Lets time pass.
fn pass(acme: &Acme, milliseconds: u64) {
    acme.world.shared.executor.pass(milliseconds);
}

/// The calls of a model so far.
fn calls(acme: &Acme, model: &str) -> usize {
    let answered = acme.world.provider.answered_by();
    answered.iter().filter(|name| *name == model).count()
}

/// The model of a light question's answer.
fn answers(acme: &Acme) -> String {
    let response = acme.ask(&question("light", "Hello"));
    response.told("cf-aig-model").to_owned()
}

/// A model fails until its circuit is open.
fn open(acme: &Acme, model: &str) {
    acme.world.provider.always(model, BROKEN);
    for _ in 0..5 {
        acme.send(&question("light", "Hello"));
    }
    assert_eq!(calls(acme, model), 5);
}

fn attempts(record: &Record) -> Vec<(&str, &str)> {
    let attempts = record.draft.attempts.iter();
    attempts
        .map(|it| (it.model.as_str(), it.result.as_str()))
        .collect()
}

fn passed_over(record: &Record) -> Vec<(&str, &str)> {
    let passed = record.draft.passed_over.iter();
    passed
        .map(|it| (it.model.as_str(), it.reason.as_str()))
        .collect()
}

#[test]
fn after_five_failures_a_model_is_passed_over_and_the_record_says_why() {
    let acme = Acme::new();
    open(&acme, QWEN);
    let response = acme.ask(&question("light", "Hello"));
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    assert_eq!(response.told("x-ai-attempts"), "1");
    let record = acme.record(&response);
    assert_eq!(attempts(&record), [(LLAMA_SMALL, "ok")]);
    assert_eq!(passed_over(&record), [(QWEN, "circuit open")]);
    assert_eq!(calls(&acme, QWEN), 5);
    let log = acme.world.shared.log.borrow();
    assert!(
        log.iter().any(|line| line.contains("left alone")),
        "{log:?}"
    );
}

#[test]
fn one_probe_finds_out_that_a_model_is_well_again() {
    let acme = Acme::new();
    open(&acme, QWEN);
    pass(&acme, 5_000);
    acme.world.provider.always(QWEN, Act::Slow(2_000));
    let requests = (0..20).map(|_| {
        let request = acme.request(&question("light", "Hello"));
        (acme.worker.clone(), request)
    });
    let responses = acme.world.send_all(requests.collect());
    let by_qwen = |it: &&Response| it.told("cf-aig-model") == QWEN;
    assert_eq!(responses.iter().filter(by_qwen).count(), 1, "one probe");
    assert_eq!(answers(&acme), QWEN, "the first success closes it");
}

#[test]
fn a_probe_that_fails_costs_its_request_nothing_and_the_model_a_longer_rest() {
    let acme = Acme::new();
    open(&acme, QWEN);
    pass(&acme, 5_000);
    assert_eq!(answers(&acme), LLAMA_SMALL);
    assert_eq!(calls(&acme, QWEN), 6, "the probe");
    acme.world.provider.always(QWEN, Act::Answer);
    pass(&acme, 7_000);
    assert_eq!(answers(&acme), LLAMA_SMALL, "less than 7.5 s after it");
    pass(&acme, 3_000);
    assert_eq!(answers(&acme), QWEN, "at most 10 s after it");
}

#[test]
fn a_probe_whose_client_goes_makes_way_for_the_next() {
    let acme = Acme::new();
    open(&acme, QWEN);
    pass(&acme, 5_000);
    acme.world.provider.always(QWEN, Act::Hang);
    let (worker, request) = (acme.worker.clone(), acme.request(&question("light", "Hi")));
    let executor = &acme.world.shared.executor;
    let task = executor.spawn(1, Box::pin(async move { drop(worker.open(request).await) }));
    pass(&acme, 100);
    assert_eq!(calls(&acme, QWEN), 6);
    assert!(executor.cancel(task));
    acme.world.provider.always(QWEN, Act::Answer);
    assert_eq!(answers(&acme), QWEN);
}

#[test]
fn where_every_circuit_is_open_the_nearest_is_asked_all_the_same() {
    let acme = Acme::of_one_provider();
    acme.world.provider.always(LLAMA_SMALL, BROKEN);
    open(&acme, QWEN);
    assert_eq!(calls(&acme, LLAMA_SMALL), 5);
    let refused = acme.send(&question("light", "Hello"));
    check_error(&refused, 502, "upstream_failed");
    let record = acme.record(&refused);
    assert_eq!(attempts(&record), [(QWEN, "error")], "it opened first");
    acme.world.provider.always(QWEN, Act::Answer);
    assert_eq!(answers(&acme), QWEN);
    assert_eq!(calls(&acme, LLAMA_SMALL), 5);
}

#[test]
fn a_model_asked_for_by_name_is_asked_though_its_circuit_is_open() {
    let acme = Acme::new();
    open(&acme, QWEN);
    let refused = acme.send(&question(QWEN, "Hello"));
    check_error(&refused, 502, "upstream_failed");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(calls(&acme, QWEN), 6);
}

#[test]
fn hangs_open_a_circuit_and_impatient_callers_do_not() {
    let acme = Acme::new();
    acme.world.provider.always(QWEN, Act::Hang);
    for _ in 0..12 {
        let request = acme.request(&question("light", "Hello"));
        let request = request.header("cf-aig-request-timeout", "500");
        acme.world.expect(&acme.worker, request, 200);
    }
    assert_eq!(calls(&acme, QWEN), 12);
    for _ in 0..6 {
        acme.ask(&streamed("light", "Hello"));
    }
    assert_eq!(calls(&acme, QWEN), 12 + 5);
}

#[test]
fn requests_that_are_wrong_open_nothing() {
    let refused = r#"{"error":"no such parameter"}"#;
    let too_long = r#"{"errors":[{"code":5021,"message":"too long"}]}"#;
    for body in [refused, too_long] {
        let acme = Acme::new();
        acme.world.provider.always(QWEN, Act::Status(400, body));
        for _ in 0..12 {
            acme.send(&question("light", "Hello"));
        }
        assert_eq!(calls(&acme, QWEN), 12);
    }
}

#[test]
fn an_org_may_ask_on_whatever_fails() {
    let acme = Acme::with(&json!({ "attempts": { "circuit_breaker": "off" } }));
    acme.world.provider.always(QWEN, BROKEN);
    for _ in 0..12 {
        assert_eq!(answers(&acme), LLAMA_SMALL);
    }
    assert_eq!(calls(&acme, QWEN), 12);
}

#[test]
fn what_one_org_met_spares_the_next_of_the_same_isolate() {
    let acme = Acme::new();
    open(&acme, QWEN);
    let other = acme.world.org(&acme.worker, "other", &json!({}));
    let request = Request::chat(&other, &question("light", "Hello"));
    let response = acme.world.expect(&acme.worker, request, 200);
    assert_eq!(response.told("x-ai-attempts"), "1");
    assert_eq!(calls(&acme, QWEN), 5);
}

#[test]
fn what_one_isolate_met_costs_the_next_one_probe() {
    for admission in ["strict", "leased"] {
        let acme = Acme::with(&json!({ "admission": admission }));
        let other = acme.world.worker(2);
        let request = || acme.request(&question("light", "Hello"));
        open(&acme, QWEN);
        pass(&acme, 1_000);
        // The reply to its first request brings the hint.
        acme.world.expect(&other, request(), 200);
        pass(&acme, 1_100);
        for _ in 0..8 {
            let response = acme.world.expect(&other, request(), 200);
            assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
        }
        assert_eq!(calls(&acme, QWEN), 5 + 1, "{admission}");
    }
}

#[test]
fn a_hint_that_is_wrong_costs_one_detour() {
    let acme = Acme::new();
    let other = acme.world.worker(2);
    open(&acme, QWEN);
    acme.world.provider.always(QWEN, Act::Answer);
    let request = || acme.request(&question("light", "Hello"));
    let first = acme.world.expect(&other, request(), 200);
    assert_eq!(first.told("cf-aig-model"), LLAMA_SMALL);
    pass(&acme, 1_100);
    let second = acme.world.expect(&other, request(), 200);
    assert_eq!(second.told("cf-aig-model"), QWEN);
    pass(&acme, 5_000);
    assert_eq!(answers(&acme), QWEN);
    let third = acme.world.worker(3);
    let healed = acme.world.expect(&third, request(), 200);
    assert_eq!(healed.told("cf-aig-model"), QWEN, "told no more");
}

#[test]
fn what_a_tier_cannot_do_is_told_apart_from_what_was_not_asked() {
    let acme = Acme::new();
    let mut body = question("light", "Hello");
    body["tools"] = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    let response = acme.ask(&body);
    let record = acme.record(&response);
    assert_eq!(passed_over(&record), [(LLAMA_SMALL, "no capability")]);
    let response = acme.ask(&question("light", &"word ".repeat(40_000)));
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    let record = acme.record(&response);
    assert_eq!(passed_over(&record), [(QWEN, "window")]);
    let response = acme.ask(&question(QWEN, "Hello"));
    assert_eq!(passed_over(&acme.record(&response)), []);
}

#[test]
fn another_provider_answers_where_none_of_the_tiers_own_does() {
    let acme = Acme::new();
    for model in [QWEN, LLAMA_SMALL] {
        acme.world.provider.always(model, BROKEN);
    }
    let response = acme.ask(&question("light", "Hello"));
    assert_eq!(response.told("cf-aig-model"), "openai/gpt-4.1-nano");
    let own = Acme::with(&json!({ "tiers": { "light": [QWEN] } }));
    own.world.provider.always(QWEN, BROKEN);
    let refused = own.send(&question("light", "Hello"));
    check_error(&refused, 502, "upstream_failed");
}

#[test]
fn a_fallback_makes_no_tier_fit_for_more() {
    let acme = Acme::new();
    let content = json!([
        { "type": "text", "text": "What is this?" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } }
    ]);
    let body = json!({ "model": "light", "messages": [{ "role": "user", "content": content }] });
    let response = acme.ask(&body);
    let vision = "@cf/meta/llama-3.2-11b-vision-instruct";
    assert_eq!(response.told("cf-aig-model"), vision);
}

/// Pain 41: 429 without fallback, and stuck on it for hours.
#[test]
fn a_rate_limit_falls_back_at_once_and_is_over_when_the_provider_said() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Busy(30));
    let begun = acme.world.shared.clock.elapsed();
    assert_eq!(answers(&acme), LLAMA_SMALL);
    assert_eq!(acme.world.shared.clock.elapsed(), begun, "at once");
    pass(&acme, 29_000);
    let response = acme.ask(&question("light", "Hello"));
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    let record = acme.record(&response);
    assert_eq!(passed_over(&record), [(QWEN, "cooling down")]);
    assert_eq!(calls(&acme, QWEN), 1);
    pass(&acme, 1_000);
    assert_eq!(answers(&acme), QWEN);
}

/// Pain 41: a provider that says hours.
#[test]
fn nobody_waits_for_hours() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Busy(14_400));
    assert_eq!(answers(&acme), LLAMA_SMALL);
    pass(&acme, 600_000);
    assert_eq!(answers(&acme), QWEN);
}

#[test]
fn a_model_that_wants_to_be_left_alone_is_not_the_last_resort() {
    let acme = Acme::new();
    acme.world.provider.once(QWEN, Act::Busy(30));
    check_error(
        &acme.send(&question(QWEN, "Hi")),
        429,
        "upstream_rate_limited",
    );
    let again = acme.send(&question(QWEN, "Hi"));
    check_error(&again, 429, "upstream_rate_limited");
    assert_eq!(again.told("retry-after"), "30");
    assert_eq!(calls(&acme, QWEN), 1);
}

#[test]
fn an_account_that_is_refused_is_left_alone_and_the_operator_hears_of_it() {
    let acme = Acme::new();
    let body = r#"{"error":{"type":"authentication_error","message":"key disabled"}}"#;
    acme.world.provider.always(QWEN, Act::Status(401, body));
    assert_eq!(answers(&acme), LLAMA_SMALL);
    {
        let log = acme.world.shared.log.borrow();
        let told = log
            .iter()
            .any(|it| it.contains(QWEN) && it.contains("key disabled"));
        assert!(told, "{log:?}");
    }
    pass(&acme, 290_000);
    assert_eq!(answers(&acme), LLAMA_SMALL);
    let refused = acme.send(&question(QWEN, "Hello"));
    let message = check_error(&refused, 503, "circuit_open");
    assert!(message.contains(QWEN) && message.contains("account refused"));
    assert_eq!(refused.told("retry-after"), "10");
    assert_eq!(calls(&acme, QWEN), 1);
    acme.world.provider.always(QWEN, Act::Answer);
    pass(&acme, 10_000);
    assert_eq!(answers(&acme), QWEN);
}

#[test]
fn a_daily_allocation_is_asked_for_again_the_next_day() {
    let acme = Acme::new();
    let used_up = r#"{"errors":[{"code":3036,"message":"Daily allocation used"}]}"#;
    acme.world.provider.once(QWEN, Act::Status(429, used_up));
    assert_eq!(answers(&acme), LLAMA_SMALL);
    // The world begins at noon.
    pass(&acme, 12 * 3_600_000 - 60_000);
    let response = acme.ask(&question("light", "Hello"));
    let record = acme.record(&response);
    assert_eq!(passed_over(&record), [(QWEN, "quota used up")]);
    pass(&acme, 60_000);
    assert_eq!(answers(&acme), QWEN);
}

#[test]
fn what_is_too_long_goes_to_larger_windows_only() {
    let small = "@cf/meta/llama-3.3-70b-instruct-fp8-fast";
    let acme = Acme::with(&json!({ "tiers": { "light": [QWEN, small, LLAMA_SMALL] } }));
    let too_long = r#"{"errors":[{"code":5021,"message":"too long"}]}"#;
    acme.world.provider.once(QWEN, Act::Status(413, too_long));
    let response = acme.ask(&question("light", "Hello"));
    let record = acme.record(&response);
    let expected = [(QWEN, "context_length"), (LLAMA_SMALL, "ok")];
    assert_eq!(attempts(&record), expected);
    assert_eq!(passed_over(&record), [(small, "window")]);
}

#[test]
fn an_org_may_offer_the_next_provider_what_one_forbids() {
    let acme = Acme::with(&json!({ "attempts": { "content_policy": "fall_back" } }));
    let policy = r#"{"error":{"code":"content_filter","message":"no"}}"#;
    acme.world.provider.once(QWEN, Act::Status(400, policy));
    let response = acme.ask(&question("light", "Hello"));
    let record = acme.record(&response);
    let expected = [(QWEN, "content_policy"), (LLAMA_SMALL, "ok")];
    assert_eq!(attempts(&record), expected);
}

/// Pain 18: fallbacks although they were switched off.
#[test]
fn without_fallback_one_call_goes_out() {
    for act in [BROKEN, Act::Busy(30), Act::Hang, Act::ResetBefore] {
        for body in [question("light", "Hello"), streamed("light", "Hello")] {
            let acme = Acme::with(&json!({ "attempts": { "max_attempts": 3 } }));
            acme.world.provider.always(QWEN, act.clone());
            let request = acme.request(&body).header("x-ai-fallback", "off");
            let response = acme.world.send(&acme.worker, request);
            assert!(response.status >= 400 || response.text().contains("\"error\""));
            assert_eq!(acme.world.provider.calls.borrow().len(), 1, "{act:?}");
            acme.check_released();
        }
    }
    let acme = Acme::new();
    let request = acme.request(&question("light", "Hello"));
    let request = request.header("x-ai-fallback", "maybe");
    let refused = acme.world.send(&acme.worker, request);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains("x-ai-fallback"));
}

/// Pain 18, for what is no conversation.
#[test]
fn without_fallback_one_voice_is_asked() {
    let acme = Acme::new();
    acme.world.provider.always(AURA, BROKEN);
    let speech = json!({ "model": "tts", "input": "Hello", "voice": "alloy" });
    let request = Request::new("POST", "/v1/audio/speech").key(&acme.key);
    let request = request.json(&speech).header("x-ai-fallback", "off");
    let refused = acme.world.send(&acme.worker, request);
    check_error(&refused, 502, "upstream_failed");
    assert_eq!(acme.world.provider.calls.borrow().len(), 1);
}

/// Pain 42: 200 where the network was lost.
#[test]
fn a_lost_network_is_a_typed_error_for_whole_answers_and_streams() {
    for act in [Act::ResetBefore, Act::ResetAfter] {
        for body in [question(QWEN, "Hello"), streamed(QWEN, "Hello")] {
            let acme = Acme::new();
            acme.world.provider.always(QWEN, act.clone());
            let response = acme.send(&body);
            let message = check_error(&response, 502, "upstream_failed");
            assert!(message.contains(QWEN), "{message}");
            assert_eq!(response.json()["error"]["type"], "upstream_error");
        }
    }
}

/// Pain 16: an error in the first event of a stream, without fallback.
#[test]
fn an_error_in_the_first_event_counts_and_falls_back() {
    let acme = Acme::new();
    acme.world.provider.always(QWEN, Act::ErrorEvent(0));
    for asked in 0..8 {
        let response = acme.ask(&streamed("light", "Hello"));
        assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL, "{asked}");
        assert!(!response.text().contains("overloaded"));
        assert_eq!(response.answer().matches("You asked").count(), 1);
    }
    assert_eq!(calls(&acme, QWEN), 5);
}

/// Pain 17: text twice, where a stream breaks in its middle.
#[test]
fn a_stream_that_breaks_in_its_middle_is_not_begun_again() {
    for act in [Act::Cut(5), Act::ErrorEvent(5)] {
        let acme = Acme::new();
        acme.world.provider.always(QWEN, act.clone());
        let response = acme.send(&streamed("light", "Hello"));
        assert!(response.text().contains("\"error\""), "{act:?}");
        assert!(!response.text().contains("[DONE]"));
        assert!(response.text().matches("You asked").count() <= 1);
        assert_eq!(calls(&acme, LLAMA_SMALL), 0);
    }
}

#[test]
fn an_org_says_how_often_and_how_long() {
    let attempts = json!({
        "max_attempts": 2, "retry_delay_ms": 400, "answer_ms": 15_000, "total_ms": 40_000
    });
    let acme = Acme::with(&json!({ "attempts": attempts }));
    acme.world.provider.once(QWEN, BROKEN);
    let begun = acme.world.shared.clock.elapsed();
    let response = acme.ask(&question("light", "Hello"));
    let waited = acme.world.shared.clock.elapsed() - begun;
    assert!((200..=400).contains(&waited), "{waited}");
    let record = acme.record(&response);
    assert_eq!(attempts_of(&record), [("error", 0), ("ok", 1)]);
    acme.world.provider.always(QWEN, Act::Hang);
    acme.world.provider.always(LLAMA_SMALL, Act::Hang);
    let begun = acme.world.shared.clock.elapsed();
    acme.send(&question("light", "Hello"));
    let waited = acme.world.shared.clock.elapsed() - begun;
    assert_eq!(waited, 40_000, "the request's time, and no more");
    acme.check_released();
}

fn attempts_of(record: &Record) -> Vec<(&str, u32)> {
    let attempts = record.draft.attempts.iter();
    attempts.map(|it| (it.result.as_str(), it.retry)).collect()
}

#[test]
fn a_short_wait_that_the_provider_asks_for_is_waited_for() {
    let acme = Acme::with(&json!({ "attempts": { "max_attempts": 2 } }));
    acme.world.provider.once(QWEN, Act::Busy(2));
    let begun = acme.world.shared.clock.elapsed();
    assert_eq!(answers(&acme), QWEN);
    assert_eq!(acme.world.shared.clock.elapsed() - begun, 2_000);
    acme.world.provider.once(QWEN, Act::Busy(3));
    assert_eq!(answers(&acme), LLAMA_SMALL, "a longer one is not");
}

#[test]
fn second_attempts_have_a_budget() {
    let acme = Acme::with(&json!({ "attempts": { "max_attempts": 2, "retry_delay_ms": 0 } }));
    // Every third call fails, so that no circuit opens.
    for asked in 0..200 {
        if asked % 3 == 0 {
            acme.world.provider.once(QWEN, BROKEN);
        }
        acme.ask(&question("light", "Hello"));
    }
    let retried = calls(&acme, QWEN) - 200;
    assert!((20..=31).contains(&retried), "{retried} of 67 that failed");
}

#[test]
fn where_another_is_left_workers_ai_is_not_to_queue() {
    let acme = Acme::of_one_provider();
    acme.world.provider.once(QWEN, BROKEN);
    acme.ask(&question("light", "Hello"));
    let options = acme.world.provider.options.borrow();
    let rejects = options
        .iter()
        .map(|it| it.contains("\"rejectIfBusy\":true"));
    assert_eq!(rejects.collect::<Vec<_>>(), [true, false]);
}

#[test]
fn wrong_sections_are_refused_with_their_path() {
    let acme = Acme::new();
    let cases = [
        (json!({ "total_ms": 99 }), "attempts.total_ms"),
        (json!({ "total_ms": 300_001 }), "attempts.total_ms"),
        (json!({ "first_event_ms": 0 }), "attempts.first_event_ms"),
        (json!({ "answer_ms": 1.5 }), "attempts.answer_ms"),
        (json!({ "max_attempts": 6 }), "attempts.max_attempts"),
        (json!({ "max_attempts": 0 }), "attempts.max_attempts"),
        (
            json!({ "retry_delay_ms": 60_001 }),
            "attempts.retry_delay_ms",
        ),
        (
            json!({ "content_policy": "try" }),
            "attempts.content_policy",
        ),
        (
            json!({ "circuit_breaker": true }),
            "attempts.circuit_breaker",
        ),
        (json!({ "retries": 2 }), "attempts"),
        (json!([]), "attempts"),
    ];
    for (attempts, path) in cases {
        let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
        let put = put.json(&json!({ "attempts": attempts }));
        let refused = acme.world.expect(&acme.worker, put, 400);
        assert!(refused.text().contains(path), "{path}: {}", refused.text());
    }
}
