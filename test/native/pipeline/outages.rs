//! Parts of the deployment that are down or slow.

use serde_json::json;

use super::support::*;

#[test]
fn without_grounding_the_answer_is_given_marked_and_not_kept() {
    let cases = [
        (Port::Vectors, Fault::Down),
        (Port::Documents, Fault::Down),
        (Port::Vectors, Fault::Slow(60_000)),
    ];
    for (port, fault) in cases {
        let acme = Acme::learned();
        acme.world.shared.faults.once(port, fault);
        let response = acme.ask(&faq());
        assert!(!response.answer().contains("30 days"), "{port:?}");
        let record = acme.record(&response);
        assert!(record.draft.ungrounded.is_some(), "{port:?}");
        assert!(acme.world.cache.answers().is_empty());
        assert!(acme.ask(&faq()).answer().contains("30 days"), "{port:?}");
    }
}

#[test]
fn helpers_that_fail_leave_the_answer_ungrounded() {
    for (model, act) in [
        (EMBED, Act::Status(500, "broken")),
        (EMBED, Act::Hang),
        (RERANK, Act::Html),
        (RERANK, Act::ResetBefore),
    ] {
        let acme = Acme::learned();
        acme.world.provider.once(model, act.clone());
        for body in [faq(), streamed("operation/faq", QUESTION)] {
            let response = acme.ask(&body);
            let record = acme.record(&response);
            if record.draft.ungrounded.is_some() {
                assert!(acme.world.cache.answers().is_empty(), "{act:?}");
                assert!(!response.answer().contains("30 days"), "{act:?}");
            } else {
                assert!(response.answer().contains("30 days"), "{act:?}");
            }
            assert!(record.cost <= record.bound);
            acme.check_released();
        }
    }
}

#[test]
fn without_the_database_a_fresh_isolate_answers_503_and_a_warm_one_serves() {
    let acme = Acme::new();
    acme.ask(&question("light", "Hello"));
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    let fresh = acme.world.worker(2);
    let refused = acme
        .world
        .send(&fresh, acme.request(&question("light", "Hello")));
    check_error(&refused, 503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    acme.ask(&question("light", "Hello again"));
    acme.world.shared.faults.end();
    acme.world
        .expect(&fresh, acme.request(&question("light", "Hello")), 200);
}

#[test]
fn without_its_governor_nothing_is_admitted() {
    for fault in [Fault::Down, Fault::Slow(60_000)] {
        let acme = Acme::new();
        acme.ask(&question("light", "Hello"));
        acme.world.shared.faults.always(Port::Governor, fault);
        let calls = acme.world.provider.calls.borrow().len();
        let begun = acme.world.shared.clock.elapsed();
        let refused = acme.send(&question("light", "Hello"));
        check_error(&refused, 503, "unavailable");
        assert!(
            acme.world.shared.clock.elapsed() - begun <= 1_500,
            "{fault:?}"
        );
        assert_eq!(
            acme.world.provider.calls.borrow().len(),
            calls,
            "fails closed"
        );
        acme.world.shared.faults.end();
        acme.ask(&question("light", "Hello"));
        acme.world.shared.executor.pass(500_000);
        acme.check_released();
    }
}

#[test]
fn one_lost_reply_is_asked_for_again() {
    for fault in [
        Fault::Down,
        Fault::Lost,
        Fault::BeforeAppend,
        Fault::AfterAppend,
        Fault::Evict,
    ] {
        let acme =
            Acme::with(&json!({ "limits": [{ "count": "requests", "limit": 1, "seconds": 60 }] }));
        acme.world.shared.faults.once(Port::Governor, fault);
        let response = acme.ask(&question("light", "Hello"));
        assert_eq!(acme.limits()["limits"][0]["used"], 1, "{fault:?}");
        acme.record(&response);
        acme.check_released();
    }
}

#[test]
fn the_audit_log_catches_up_after_an_outage() {
    let acme = Acme::new();
    acme.world.shared.faults.always(Port::Audit, Fault::Down);
    for _ in 0..5 {
        acme.ask(&question("light", "Hello"));
    }
    acme.world.governors.evict_all();
    acme.ask(&question("light", "Hello"));
    acme.world.shared.executor.pass(20_000);
    assert_eq!(acme.world.stored_records("acme").len(), 0);
    acme.world.shared.faults.end();
    acme.world.shared.executor.pass(120_000);
    let records = acme.world.stored_records("acme");
    assert!(records.iter().map(|record| record.seq).eq(4..=9));
}

#[test]
fn a_batch_whose_confirmation_is_lost_is_stored_once() {
    let acme = Acme::new();
    acme.world.shared.faults.once(Port::Audit, Fault::Lost);
    acme.ask(&question("light", "Hello"));
    acme.world.shared.executor.pass(2_000);
    acme.ask(&question("light", "Hello"));
    acme.world.shared.executor.pass(120_000);
    let records = acme.world.stored_records("acme");
    assert!(records.iter().map(|record| record.seq).eq(4..=5));
}

#[test]
fn a_document_that_could_not_be_embedded_is_not_stored() {
    let acme = Acme::new();
    acme.world.provider.once(EMBED, Act::Status(500, "broken"));
    let new = Request::new("POST", "/v1/knowledge/documents").key(&acme.key);
    let document = json!({ "id": "returns", "title": "Returns", "text": RETURNS });
    let failed = acme.world.send(&acme.worker, new.json(&document));
    check_error(&failed, 502, "upstream_failed");
    let list = Request::new("GET", "/v1/knowledge/documents").key(&acme.key);
    let list = acme.world.expect(&acme.worker, list, 200).json();
    assert_eq!(list["data"], json!([]));
    assert_eq!(acme.spent(), "0");
    acme.check_released();
}

/// Milliseconds that a question of its own takes.
fn takes(acme: &Acme, number: u64) -> u64 {
    let clock = &acme.world.shared.clock;
    let begun = clock.elapsed();
    let text = format!("{QUESTION} I ask for the {number}th time.");
    acme.ask(&question("operation/faq", &text));
    clock.elapsed() - begun
}

/// A part, the milliseconds that a request waits for it, and what makes it slow.
type SlowPart = (&'static str, u64, fn(&Acme, Fault));

/// Pain 43: whatever waits for a slow part waits for all of it, again and again.
#[test]
fn a_slow_part_holds_up_five_requests_and_then_none_for_a_minute() {
    let slow = Fault::Slow(10_000);
    let parts: [SlowPart; 4] = [
        ("cache", 1_000, |it, slow| {
            it.world.shared.faults.always(Port::Cache, slow);
        }),
        ("search", 5_000, |it, slow| {
            it.world.shared.faults.always(Port::Vectors, slow);
        }),
        ("search", 5_000, |it, slow| {
            it.world.shared.faults.always(Port::Documents, slow);
        }),
        ("embed", 5_000, |it, _| {
            it.world.provider.always(EMBED, Act::Slow(10_000));
        }),
    ];
    for (part, milliseconds, make_slow) in parts {
        let acme = Acme::learned();
        // Its plan is made anew, since the document is.
        takes(&acme, 100);
        make_slow(&acme, slow);
        for number in 0..5 {
            assert_eq!(takes(&acme, number), milliseconds, "{part} {number}");
        }
        for number in 5..8 {
            assert_eq!(takes(&acme, number), 0, "{part} {number}");
        }
        let log = acme.world.shared.log.borrow().join("\n");
        assert!(
            log.contains(&format!("requests do without {part}")),
            "{log}"
        );
        acme.world.shared.executor.pass(60_000);
        assert_eq!(takes(&acme, 8), milliseconds, "{part}: asked again");
        assert_eq!(takes(&acme, 9), 0, "{part}");
        acme.world.shared.faults.end();
        acme.world.provider.always(EMBED, Act::Answer);
        acme.world.shared.executor.pass(60_000);
        assert!(acme.ask(&faq()).answer().contains("30 days"), "{part}");
        acme.check_released();
    }
}

/// Pain 43, where ranking is slow: the record says what was left out.
#[test]
fn a_request_that_does_without_a_part_says_so_in_its_record() {
    let acme = Acme::learned();
    acme.world.provider.always(RERANK, Act::Slow(10_000));
    for number in 0..5 {
        assert_eq!(takes(&acme, number), 5_000);
    }
    let response = acme.ask(&faq());
    let draft = acme.record(&response).draft;
    let reason = draft.ungrounded.unwrap();
    assert!(reason.contains("circuit open"), "{reason}");
    assert_eq!(draft.passed_over[0].model, RERANK);
    assert!(acme.world.cache.answers().is_empty());
}

/// Pain 43, where keys and configurations are.
#[test]
fn a_slow_database_holds_up_nobody_whose_key_is_known() {
    let acme = Acme::new();
    acme.ask(&question("light", "Hello"));
    let slow = Fault::Slow(10_000);
    acme.world.shared.faults.always(Port::Tenants, slow);
    acme.world.shared.executor.pass(60_000);
    let clock = &acme.world.shared.clock;
    for expected in [1_000, 0, 0] {
        let begun = clock.elapsed();
        acme.ask(&question("light", "Hello"));
        assert_eq!(clock.elapsed() - begun, expected);
    }
}
