//! Configuration that changes while requests come: what is down, lost, malformed or at once with another
//! change never serves an old state for a new one.

use serde_json::{Value, json};

use super::support::*;

fn light(model: &str) -> Value {
    json!({ "tiers": { "light": [model] }, "limits": [], "budgets": [] })
}

fn put(config: &Value) -> Request {
    Request::new("PUT", "/admin/v1/orgs/acme/config")
        .admin()
        .json(config)
}

fn ask(acme: &Acme, worker: &Worker, text: &str) -> Response {
    let asked = acme.request(&question("light", text));
    acme.world.expect(worker, asked, 200)
}

/// The model that answers, and whether by a configuration that is not in force.
fn told(answer: &Response) -> (&str, Option<&str>) {
    (answer.told("cf-aig-model"), answer.header("x-ai-config"))
}

/// An org whose key and first configuration a second isolate remembers.
fn remembered() -> (Acme, Worker) {
    let acme = Acme::with(&light(LLAMA_SMALL));
    let other = acme.world.worker(2);
    assert_eq!(told(&ask(&acme, &other, "Hello")), (LLAMA_SMALL, None));
    (acme, other)
}

#[test]
fn a_version_that_was_read_once_is_there_without_the_database() {
    let (acme, other) = remembered();
    acme.world.configure(&acme.worker, "acme", &light(QWEN));
    assert_eq!(told(&ask(&acme, &acme.worker, "Hello")), (QWEN, None));
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    assert_eq!(told(&ask(&acme, &other, "Hello again")), (QWEN, None));
}

#[test]
fn without_database_and_copy_the_last_good_version_serves_and_says_so() {
    let (acme, other) = remembered();
    acme.world.shared.executor.pass(60_000);
    acme.world.shared.faults.always(Port::Cache, Fault::Down);
    let limited = json!({
        "tiers": { "light": [QWEN] },
        "limits": [{ "count": "requests", "limit": 2, "seconds": 60 }],
    });
    acme.world.configure(&acme.worker, "acme", &limited);
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    let answer = ask(&acme, &other, "Hello again");
    assert_eq!(told(&answer), (LLAMA_SMALL, Some("stale")));
    let draft = acme.record(&answer).draft;
    assert_eq!((draft.versions.config, draft.stale_config), (3, Some(2)));
    let stream = acme.request(&streamed("light", "As a stream"));
    let stream = acme.world.expect(&other, stream, 200);
    assert_eq!(stream.told("x-ai-config"), "stale");
    // Limits, switches and keys are the governor's.
    let third = acme
        .world
        .send(&other, acme.request(&question("light", "Hello")));
    check_error(&third, 429, "rate_limit_exceeded");
    acme.world.shared.faults.end();
    acme.world.shared.executor.pass(60_000);
    assert_eq!(told(&ask(&acme, &other, "Once more")), (QWEN, None));
}

#[test]
fn switches_and_revocations_hold_while_the_configuration_is_stale() {
    let (acme, other) = remembered();
    acme.world.shared.faults.always(Port::Cache, Fault::Down);
    acme.world.configure(&acme.worker, "acme", &light(QWEN));
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    ask(&acme, &other, "Hello again");
    let switch = |method: &str| {
        let path = format!("/admin/v1/orgs/acme/switches/model/{LLAMA_SMALL}");
        let request = Request::new(method, &path).admin().json(&json!({}));
        acme.world.expect(&acme.worker, request, 200)
    };
    switch("PUT");
    let refused = acme
        .world
        .send(&other, acme.request(&question("light", "Hello")));
    check_error(&refused, 503, "kill_switch");
    switch("DELETE");
    ask(&acme, &other, "And again");
}

#[test]
fn an_answer_by_a_stale_configuration_is_not_cached() {
    let (acme, other) = remembered();
    acme.world.shared.faults.always(Port::Cache, Fault::Down);
    let faq = |model: &str| json!({ "tiers": { "light": [model], "medium": [model] }, "limits": [], "budgets": [] });
    acme.world.configure(&acme.worker, "acme", &faq(QWEN));
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    let answer = acme
        .world
        .expect(&other, acme.request(&super::support::faq()), 200);
    assert_eq!(answer.told("x-ai-config"), "stale");
    assert_eq!(answer.told("x-ai-cache-status"), "BYPASS");
}

#[test]
fn a_malformed_configuration_keeps_the_last_good_one_and_raises_an_alert() {
    let (acme, other) = remembered();
    acme.world.configure(&acme.worker, "acme", &light(QWEN));
    for document in ["{", "[1]", "\"text\""] {
        acme.world.database.spoil("acme", 3, document);
        acme.world.cache.entries.borrow_mut().clear();
        acme.world.shared.executor.pass(10_000);
        for worker in [&other, &acme.world.worker(3)] {
            let answer = ask(&acme, worker, &format!("Hello {document}"));
            assert_eq!(told(&answer), (LLAMA_SMALL, Some("stale")), "{document}");
        }
    }
    let log = acme.world.shared.log.borrow().join("\n");
    assert!(
        log.contains("configuration 3 of org acme is not used"),
        "{log}"
    );
    let alerts = Request::new("GET", "/admin/v1/orgs/acme/alerts").admin();
    let alerts = acme.world.expect(&acme.worker, alerts, 200).json();
    check_described("/admin/v1/orgs/{org}/alerts", &alerts);
    let told: Vec<_> = alerts["data"].as_array().unwrap().clone();
    assert_eq!(told.len(), 1, "once for a version: {alerts}");
    assert_eq!(told[0]["unreadable_config"], 3);
    // The next change mends it.
    acme.world.configure(&acme.worker, "acme", &light(QWEN));
    let answer = ask(&acme, &other, "Mended");
    assert_eq!(self::told(&answer), (QWEN, None));
}

#[test]
fn a_configuration_that_is_saved_and_not_activated_is_not_in_force() {
    let (acme, other) = remembered();
    // The isolate of the administrator dies between the two: its governor is not reached.
    for _ in 0..2 {
        acme.world.shared.faults.once(Port::Governor, Fault::Down);
    }
    let failed = acme.world.send(&acme.worker, put(&light(QWEN)));
    check_error(&failed, 503, "unavailable");
    for worker in [&acme.worker, &other, &acme.world.worker(3)] {
        let answer = ask(&acme, worker, "Hello again");
        assert_eq!(told(&answer), (LLAMA_SMALL, None));
    }
    // The next change takes its place.
    acme.world.configure(&acme.worker, "acme", &light(GLM));
    for worker in [&acme.worker, &other] {
        assert_eq!(told(&ask(&acme, worker, "Once more")), (GLM, None));
    }
}

#[test]
fn a_configuration_that_cannot_be_saved_changes_nothing() {
    let (acme, other) = remembered();
    for fault in [Fault::Down, Fault::Lost] {
        // The org, its newest version and the deployment's are read, then saving fails.
        for _ in 0..3 {
            acme.world.shared.faults.once(Port::Tenants, Fault::Slow(0));
        }
        acme.world.shared.faults.once(Port::Tenants, fault);
        let failed = acme.world.send(&acme.worker, put(&light(QWEN)));
        check_error(&failed, 503, "unavailable");
        let answer = ask(&acme, &other, "Hello again");
        assert_eq!(told(&answer), (LLAMA_SMALL, None), "{fault:?}");
    }
}

#[test]
fn of_two_administrators_at_once_one_is_refused_and_one_in_force() {
    let acme = Acme::with(&light(LLAMA_SMALL));
    acme.world.shared.latency.set(10);
    let workers: Vec<Worker> = (2..4).map(|group| acme.world.worker(group)).collect();
    let mut conflicts = 0;
    for _ in 0..10 {
        let requests = [put(&light(QWEN)), put(&light(GLM))];
        let requests = workers.iter().cloned().zip(requests).collect();
        let replies = acme.world.send_all(requests);
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert!(statuses.contains(&200), "{statuses:?}");
        conflicts += statuses.iter().filter(|status| **status == 409).count();
        // Whichever was last: its version is in force everywhere.
        let newest = replies.iter().filter(|reply| reply.status == 200);
        let newest = newest.max_by_key(|reply| reply.json()["version"].as_u64());
        let document = newest.unwrap().json()["config"].clone();
        for worker in &workers {
            let model = ask(&acme, worker, "Hello").told("cf-aig-model").to_owned();
            assert_eq!(json!([model]), document["tiers"]["light"]);
        }
    }
    assert!(conflicts > 0);
}
