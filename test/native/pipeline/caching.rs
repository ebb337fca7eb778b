//! Cached answers: when they come, and to whom they never come (pains 36 to 40).

use esclusa::audit::{CacheStatus, Outcome};
use serde_json::json;

use super::support::*;

fn status(response: &Response) -> &str {
    response.told("x-ai-cache-status")
}

#[test]
fn the_second_time_comes_from_the_cache_for_nothing() {
    let acme = Acme::learned();
    let first = acme.ask(&faq());
    let spent = acme.spent();
    let calls = acme.world.provider.calls.borrow().len();
    let second = acme.ask(&faq());
    assert_eq!((status(&first), status(&second)), ("MISS", "HIT"));
    assert_eq!(second.answer(), first.answer());
    assert_eq!(second.json()["sources"], first.json()["sources"]);
    assert_eq!(second.told("x-ai-cost-usd"), "0");
    assert_eq!(second.told("cf-aig-model"), first.told("cf-aig-model"));
    assert_eq!(second.header("cf-aig-step"), None);
    assert_eq!(acme.spent(), spent);
    assert_eq!(acme.world.provider.calls.borrow().len(), calls);
    let record = acme.record(&second);
    assert_eq!(
        (record.draft.outcome, record.draft.cache),
        (Outcome::Cached, CacheStatus::Hit)
    );
    assert_eq!((record.cost.get(), record.draft.sources), (0, 1));
    acme.check_released();
}

#[test]
fn of_a_hundred_the_same_all_but_the_first_hit() {
    let acme = Acme::new();
    let hits = (0..100)
        .filter(|_| status(&acme.ask(&faq())) == "HIT")
        .count();
    assert_eq!(hits, 99);
    let distinct = |index: i32| question("operation/faq", &format!("{QUESTION} {index}"));
    let hits = (0..100)
        .filter(|index| status(&acme.ask(&distinct(*index))) == "HIT")
        .count();
    assert_eq!(hits, 0);
}

#[test]
fn stored_streamed_or_whole_it_is_read_either_way() {
    for stored_streamed in [false, true] {
        let acme = Acme::learned();
        let whole = faq();
        let stream = streamed("operation/faq", QUESTION);
        let first = acme.ask(if stored_streamed { &stream } else { &whole });
        let (as_whole, as_stream) = (acme.ask(&whole), acme.ask(&stream));
        for hit in [&as_whole, &as_stream] {
            assert_eq!(status(hit), "HIT");
            assert_eq!(hit.answer(), first.answer());
            assert_eq!(hit.told("x-ai-cost-usd"), "0");
        }
        let usage = &as_whole.json()["usage"];
        let events = as_stream.events();
        assert_eq!(events.last().unwrap(), "[DONE]");
        let last: serde_json::Value = serde_json::from_str(&events[events.len() - 2]).unwrap();
        assert_eq!(&last["usage"], usage, "the same usage either way");
        assert_eq!(
            as_stream
                .text()
                .matches("\"finish_reason\":\"stop\"")
                .count(),
            1
        );
    }
}

#[test]
fn no_answer_crosses_orgs() {
    let acme = Acme::learned();
    let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
    // The same versions, so that only the org tells the two apart.
    acme.world.learn(
        &acme.worker,
        &bolt,
        "returns",
        "Bolt takes any battery back within 99 days.",
    );
    acme.ask(&faq());
    let response = acme
        .world
        .expect(&acme.worker, Request::chat(&bolt, &faq()), 200);
    assert_eq!(status(&response), "MISS");
    let answer = response.answer();
    assert!(
        answer.contains("99 days") && !answer.contains("30 days"),
        "{answer}"
    );
}

#[test]
fn no_answer_outlives_its_configuration() {
    let acme = Acme::learned();
    acme.ask(&faq());
    acme.world.configure(
        &acme.worker,
        "acme",
        &json!({ "tiers": { "light": [LLAMA_SMALL] } }),
    );
    let response = acme.ask(&faq());
    assert_eq!(status(&response), "MISS");
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
}

#[test]
fn no_answer_outlives_its_documents() {
    let acme = Acme::learned();
    assert!(acme.ask(&faq()).answer().contains("30 days"));
    let newer = "You can return any battery within 45 days.";
    acme.world.learn(&acme.worker, &acme.key, "returns", newer);
    let response = acme.ask(&faq());
    assert_eq!(status(&response), "MISS");
    assert!(response.answer().contains("45 days"));
    assert!(!response.answer().contains("30 days"));
    let remove = Request::new("DELETE", "/v1/knowledge/documents/returns").key(&acme.key);
    acme.world.expect(&acme.worker, remove, 204);
    let response = acme.ask(&faq());
    assert_eq!(status(&response), "MISS");
    assert!(!response.answer().contains("45 days"));
}

#[test]
fn a_removal_that_failed_halfway_is_completed_by_its_repetition() {
    let acme = Acme::learned();
    acme.ask(&faq());
    // The rows go, the governor is out of reach, also at the second try.
    acme.world.shared.faults.once(Port::Governor, Fault::Down);
    acme.world.shared.faults.once(Port::Governor, Fault::Down);
    let remove = Request::new("DELETE", "/v1/knowledge/documents/returns").key(&acme.key);
    let failed = acme.world.send(&acme.worker, remove.clone());
    check_error(&failed, 503, "unavailable");
    acme.world.send(&acme.worker, remove);
    let response = acme.ask(&faq());
    assert_eq!(
        status(&response),
        "MISS",
        "what is removed is not served any more"
    );
    assert!(!response.answer().contains("30 days"));
}

#[test]
fn an_answer_from_the_middle_of_a_change_is_not_served_after_it() {
    let acme = Acme::learned();
    acme.world
        .shared
        .faults
        .once(Port::Documents, Fault::Slow(1_000));
    let document =
        json!({ "id": "returns", "title": "returns", "text": "Return it within 45 days." });
    let upload = Request::new("POST", "/v1/knowledge/documents")
        .key(&acme.key)
        .json(&document);
    let (worker, executor) = (acme.worker.clone(), &acme.world.shared.executor);
    let upload = async move {
        let opened = worker.open(upload).await;
        assert_eq!(opened.response.status, 201);
    };
    executor.spawn(1, Box::pin(upload));
    executor.run_ready();
    let before = acme.ask(&faq());
    assert!(
        before.answer().contains("30 days"),
        "the change is not made yet"
    );
    executor.pass(2_000);
    let after = acme.ask(&faq());
    assert_eq!(status(&after), "MISS");
    assert!(after.answer().contains("45 days"));
}

#[test]
fn what_is_not_whole_is_not_kept() {
    for act in [Act::Length, Act::Say(" ".to_owned()), Act::ErrorObject] {
        let acme = Acme::of_one_provider();
        acme.world.provider.always(QWEN, act.clone());
        acme.world.provider.always(LLAMA_SMALL, act.clone());
        for body in [faq(), streamed("operation/faq", QUESTION)] {
            acme.send(&body);
            assert!(acme.world.cache.answers().is_empty(), "{act:?}");
        }
    }
}

#[test]
fn refusals_and_failures_are_not_kept() {
    let acme = Acme::of_one_provider();
    for model in [QWEN, LLAMA_SMALL] {
        acme.world.provider.once(model, Act::Status(500, "broken"));
    }
    check_error(&acme.send(&faq()), 502, "upstream_failed");
    assert_eq!(status(&acme.ask(&faq())), "MISS");
}

#[test]
fn requests_with_tools_or_many_choices_are_not_cached() {
    let acme = Acme::new();
    let mut several = faq();
    several["n"] = json!(2);
    let mut tools = faq();
    tools["tools"] = json!([{ "type": "function", "function": { "name": "f" } }]);
    for body in [several, tools] {
        for _ in 0..2 {
            assert_eq!(status(&acme.ask(&body)), "BYPASS");
        }
    }
}

#[test]
fn the_caller_has_a_say() {
    let acme = Acme::new();
    let send = |body: &serde_json::Value, headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(acme.request(body), |request, (name, value)| {
                request.header(name, value)
            });
        acme.world.expect(&acme.worker, request, 200)
    };
    acme.ask(&faq());
    assert_eq!(
        status(&send(&faq(), &[("cf-aig-skip-cache", "true")])),
        "BYPASS"
    );
    let plain = question("gpt-4o-mini", "Hello");
    assert_eq!(status(&send(&plain, &[("cf-aig-cache-ttl", "60")])), "MISS");
    assert_eq!(status(&send(&plain, &[("cf-aig-cache-ttl", "60")])), "HIT");
    acme.world.shared.executor.pass(61_000);
    assert_eq!(status(&send(&plain, &[("cf-aig-cache-ttl", "60")])), "MISS");
    let other = question("operation/faq", "Something else entirely");
    assert_eq!(
        status(&send(&faq(), &[("cf-aig-cache-key", "mine")])),
        "MISS"
    );
    assert_eq!(
        status(&send(&other, &[("cf-aig-cache-key", "mine")])),
        "HIT"
    );
    assert_eq!(
        status(&send(&other, &[("cf-aig-cache-key", "yours")])),
        "MISS"
    );
}

#[test]
fn a_cache_that_fails_or_is_slow_is_a_miss() {
    for fault in [Fault::Down, Fault::Slow(10_000)] {
        let acme = Acme::new();
        acme.ask(&faq());
        acme.world.shared.faults.once(Port::Cache, fault);
        let begun = acme.world.shared.clock.elapsed();
        let response = acme.ask(&faq());
        assert_eq!(status(&response), "MISS", "{fault:?}");
        assert!(
            acme.world.shared.clock.elapsed() - begun <= 1_000,
            "{fault:?}"
        );
        assert!(
            !acme.world.shared.log.borrow().is_empty(),
            "the operator hears of it"
        );
        assert_eq!(status(&acme.ask(&faq())), "HIT");
    }
}
