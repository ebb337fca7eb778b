//! Models that fail: who is asked next, who is left alone and for how long, and what the record says
//! (pains 16, 17, 18, 41, 42).

mod next;

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
fn hangs_open_a_circuit_also_where_the_org_waits_less() {
    let acme = Acme::with(&json!({ "attempts": { "first_event_ms": 2_000, "answer_ms": 12_000 } }));
    for body in [streamed("light", "Hello"), question("light", "Hello")] {
        acme.world.provider.always(QWEN, Act::Answer);
        pass(&acme, 60_000);
        acme.ask(&body);
        acme.world.provider.always(QWEN, Act::Hang);
        let before = calls(&acme, QWEN);
        for _ in 0..8 {
            acme.ask(&body);
        }
        assert_eq!(calls(&acme, QWEN), before + 5, "{body}");
    }
}

#[test]
fn hangs_open_a_circuit_also_where_the_route_waits_less() {
    let large = json!({ "model": QWEN, "timeout": 5_000 });
    let elements = json!([
        { "id": "start", "type": "start", "outputs": { "next": { "elementId": "large" } } },
        { "id": "large", "type": "model", "properties": large,
          "outputs": { "fallback": { "elementId": "small" } } },
        { "id": "small", "type": "model", "properties": { "model": LLAMA_SMALL } },
    ]);
    let acme = Acme::with(&json!({ "routes": { "r": { "elements": elements } } }));
    acme.world.provider.always(QWEN, Act::Hang);
    for _ in 0..8 {
        let response = acme.ask(&streamed("dynamic/r", "Hello"));
        assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    }
    assert_eq!(calls(&acme, QWEN), 5);
}

#[test]
fn an_org_in_a_hurry_closes_a_slow_model_to_nobody() {
    let acme = Acme::new();
    let hasty = json!({ "attempts": { "first_event_ms": 100, "answer_ms": 100 } });
    let hasty = acme.world.org(&acme.worker, "hasty", &hasty);
    acme.world.provider.always(QWEN, Act::Slow(900));
    for body in [streamed("light", "Hello"), question("light", "Hello")] {
        let known = acme.ask(&body);
        assert_eq!(known.told("cf-aig-model"), QWEN);
        for _ in 0..12 {
            let request = Request::chat(&hasty, &body);
            let response = acme.world.expect(&acme.worker, request, 200);
            assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
        }
        assert_eq!(acme.ask(&body).told("cf-aig-model"), QWEN);
    }
}

#[test]
fn long_answers_that_a_caller_does_not_wait_for_close_a_model_to_nobody() {
    let acme = Acme::new();
    for _ in 0..5 {
        answers(&acme);
    }
    acme.world.provider.always(QWEN, Act::Slow(20_000));
    for _ in 0..12 {
        let request = acme.request(&question("light", "Tell me everything"));
        let request = request.header("cf-aig-request-timeout", "10000");
        let response = acme.world.expect(&acme.worker, request, 200);
        assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    }
    let other = acme.world.org(&acme.worker, "other", &json!({}));
    let request = Request::chat(&other, &question("light", "Hello"));
    let response = acme.world.expect(&acme.worker, request, 200);
    assert_eq!(response.told("cf-aig-model"), QWEN);
}

#[test]
fn streams_that_break_off_open_a_circuit() {
    for act in [Act::Cut(3), Act::ErrorEvent(3), Act::Stall(3)] {
        let acme = Acme::new();
        let ask = || acme.ask(&streamed("light", "Hello"));
        acme.world.provider.always(QWEN, act.clone());
        for _ in 0..4 {
            assert!(ask().text().contains("\"error\""), "{act:?}");
        }
        acme.world.provider.once(QWEN, Act::Answer);
        assert!(ask().text().contains("[DONE]"), "it counts anew");
        for _ in 0..8 {
            ask();
        }
        assert_eq!(calls(&acme, QWEN), 4 + 1 + 5, "{act:?}");
        assert!(ask().text().contains("[DONE]"));
        pass(&acme, 5_000);
        assert!(ask().text().contains("\"error\""), "a probe");
        assert!(ask().text().contains("[DONE]"), "left alone again: {act:?}");
        acme.check_released();
    }
}

#[test]
fn streams_whose_clients_go_say_nothing_of_their_model() {
    let acme = Acme::new();
    acme.world.provider.always(QWEN, Act::Drip(1_000));
    for _ in 0..8 {
        let (worker, request) = (acme.worker.clone(), acme.request(&streamed("light", "Hi")));
        let task = async move { drop(worker.open(request).await.finish().await) };
        let executor = &acme.world.shared.executor;
        let task = executor.spawn(1, Box::pin(task));
        pass(&acme, 4_000);
        assert!(executor.cancel(task));
    }
    assert_eq!(calls(&acme, QWEN), 8);
    acme.world.provider.always(QWEN, Act::Answer);
    assert_eq!(answers(&acme), QWEN);
}

#[test]
fn a_long_stream_that_is_a_probe_keeps_nobody_waiting() {
    let acme = Acme::new();
    open(&acme, QWEN);
    pass(&acme, 5_000);
    acme.world.provider.always(QWEN, Act::Drip(1_000));
    let (worker, request) = (acme.worker.clone(), acme.request(&streamed("light", "Hi")));
    let task = async move { drop(worker.open(request).await.finish().await) };
    let executor = &acme.world.shared.executor;
    let task = executor.spawn(1, Box::pin(task));
    pass(&acme, 3_000);
    acme.world.provider.always(QWEN, Act::Answer);
    assert_eq!(answers(&acme), LLAMA_SMALL, "it has only begun");
    pass(&acme, 6_000);
    assert_eq!(answers(&acme), QWEN);
    assert!(executor.cancel(task), "it goes on all the while");
}

#[test]
fn speech_that_breaks_off_opens_a_circuit() {
    let acme = Acme::new();
    acme.world.provider.always(AURA, Act::Cut(1));
    let speech = json!({ "model": "tts", "input": "Hello to you all", "voice": "alloy" });
    for _ in 0..8 {
        let request = Request::new("POST", "/v1/audio/speech").key(&acme.key);
        acme.world.send(&acme.worker, request.json(&speech));
    }
    let asked = acme.world.provider.calls.borrow();
    assert_eq!(asked.iter().filter(|call| call.model == AURA).count(), 5);
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
fn what_two_orgs_tell_costs_no_more_than_what_one_does() {
    let acme = Acme::new();
    let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
    let other = acme.world.worker(2);
    let third = acme.world.worker(3);
    acme.world.provider.always(QWEN, BROKEN);
    let body = question("light", "Hello");
    // Each org's governor hears of it at a moment of its own.
    for (key, worker) in [(&acme.key, &acme.worker), (&bolt, &third)] {
        for _ in 0..5 {
            let request = Request::chat(key, &body);
            acme.world.expect(worker, request, 200);
        }
        pass(&acme, 100);
    }
    acme.world.provider.always(QWEN, Act::Answer);
    for key in [&acme.key, &bolt] {
        let request = Request::chat(key, &body);
        acme.world.expect(&other, request, 200);
    }
    pass(&acme, 2_500);
    for _ in 0..4 {
        for key in [&acme.key, &bolt] {
            let request = Request::chat(key, &body);
            let response = acme.world.expect(&other, request, 200);
            assert_eq!(response.told("cf-aig-model"), QWEN, "it answers here");
            pass(&acme, 1_001);
        }
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
