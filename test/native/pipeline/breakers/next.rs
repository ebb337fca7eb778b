//! Who is asked after a failure, by what failed and by what the org wants.

use super::*;

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
fn what_passes_is_told_rather_than_what_does_not() {
    let keyless = "groq/llama-3.3-70b-versatile";
    for models in [[QWEN, keyless], [keyless, QWEN]] {
        let acme = Acme::with(&json!({ "tiers": { "light": models } }));
        acme.world.provider.once(QWEN, Act::Busy(30));
        for _ in 0..2 {
            let refused = acme.send(&question("light", "Hello"));
            check_error(&refused, 429, "upstream_rate_limited");
            assert_eq!(refused.told("retry-after"), "30");
        }
        assert_eq!(calls(&acme, QWEN), 1);
    }
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
fn what_is_out_of_capacity_is_not_asked_again_while_another_is_left() {
    let full = r#"{"errors":[{"code":3040,"message":"Capacity temporarily exceeded"}]}"#;
    let limited = r#"{"error":{"code":"rate_limit_exceeded","message":"slow down"}}"#;
    for act in [Act::Status(500, full), Act::Status(429, limited)] {
        let acme = Acme::with(&json!({ "attempts": { "max_attempts": 2 } }));
        acme.world.provider.once(QWEN, act.clone());
        let begun = acme.world.shared.clock.elapsed();
        assert_eq!(answers(&acme), LLAMA_SMALL, "{act:?}");
        assert_eq!(acme.world.shared.clock.elapsed(), begun, "at once");
        acme.world.provider.once(QWEN, act);
        acme.ask(&question(QWEN, "Hello"));
        assert_eq!(calls(&acme, QWEN), 1 + 2, "nobody else is left");
    }
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
