//! What is down, lost, malformed or half done while the deployment's configuration changes.

use esclusa::governor::command::{Activate, Command, Envelope};
use esclusa::governor::root::GOOD_MS;
use esclusa::upkeep::hourly;

use super::*;

#[test]
fn a_version_that_is_saved_and_not_activated_is_not_in_force() {
    let two = Two::new();
    let acme = &two.acme;
    // The isolate of the administrator dies between the two: the root is not reached.
    for _ in 0..2 {
        acme.world.shared.faults.once(Port::Governor, Fault::Down);
    }
    let save = || request("PUT", "").header("if-match", "\"1\"");
    let failed = acme.world.send(&acme.worker, save().json(&light(QWEN)));
    check_error(&failed, 503, "unavailable");
    two.check(LLAMA_SMALL);
    let shown = get(acme, "");
    assert_eq!(
        (&shown["version"], &shown["in_force"]),
        (&json!(2), &json!(1))
    );
    let late = acme.world.worker(3);
    assert_eq!(told(&two.ask(&late, &acme.key)), (LLAMA_SMALL, None));
    // The same change again mends it.
    let mended = acme
        .world
        .expect(&acme.worker, save().json(&light(QWEN)), 200);
    assert_eq!(mended.told("etag"), "\"2\"");
    two.check(QWEN);
}

#[test]
fn orgs_that_were_not_told_hear_of_it_within_seconds() {
    let two = Two::new();
    let acme = &two.acme;
    let row = json!({ "tiers": { "light": [QWEN] } }).to_string();
    // As if the isolate of the administrator had died after the root's row.
    let stored = esclusa::ports::ConfigRow {
        version: 2,
        document: row,
        ..Default::default()
    };
    let tenants = Rc::clone(&acme.worker.ports.tenants);
    let saved = async move { tenants.save_config(ROOT, &stored).await };
    assert!(acme.world.shared.executor.block_on(saved).unwrap());
    let activate = Command::Activate(Activate {
        version: 2,
        rules: esclusa::governor::rules::Rules::default(),
        left_out: esclusa::governor::defaults::LeftOut::new(),
    });
    let now = acme.world.shared.clock.wall();
    let root = acme.world.governors.of(ROOT);
    let envelope = Envelope::new(activate);
    root.borrow_mut().execute(&envelope, now, None).unwrap();
    acme.world.shared.executor.pass(5_000);
    for key in [&acme.key, &two.bolt] {
        // Their copies are refreshed meanwhile.
        two.ask(&acme.worker, key);
    }
    acme.world.shared.executor.pass(100);
    two.check(QWEN);
}

#[test]
fn an_org_that_cannot_be_told_has_let_go_of_its_copy_when_the_change_answers() {
    let two = Two::new();
    let shared = &two.acme.world.shared;
    // Inspected, activated, told of and asked who knows; then the orgs are not reached.
    for _ in 0..3 {
        shared.faults.once(Port::Governor, Fault::Slow(0));
    }
    for _ in 0..4 {
        shared.faults.once(Port::Governor, Fault::Down);
    }
    let before = shared.clock.wall();
    let saved = put(&two.acme, &light(QWEN));
    let took = saved["effective_at"].as_u64().unwrap() - before;
    assert!(took >= GOOD_MS, "{took}");
    two.check(QWEN);
}

#[test]
fn a_version_that_was_read_once_is_there_without_the_database() {
    let two = Two::new();
    put(&two.acme, &light(QWEN));
    two.acme
        .world
        .shared
        .faults
        .always(Port::Tenants, Fault::Down);
    two.check(QWEN);
}

#[test]
fn without_database_and_copy_the_last_good_version_serves_and_says_so() {
    let two = Two::new();
    let shared = &two.acme.world.shared;
    shared.executor.pass(60_000);
    shared.faults.always(Port::Cache, Fault::Down);
    put(&two.acme, &light(QWEN));
    shared.faults.always(Port::Tenants, Fault::Down);
    for key in [&two.acme.key, &two.bolt] {
        let answer = two.ask(&two.workers[1], key);
        assert_eq!(told(&answer), (LLAMA_SMALL, Some("stale")));
    }
    shared.faults.end();
    shared.executor.pass(60_000);
    two.check(QWEN);
}

#[test]
fn a_document_that_cannot_be_read_keeps_the_last_good_one() {
    let two = Two::new();
    put(&two.acme, &light(QWEN));
    for document in ["{", "[1]"] {
        two.acme.world.database.spoil(ROOT, 2, document);
        two.acme.world.cache.entries.borrow_mut().clear();
        two.acme.world.shared.executor.pass(10_000);
        for worker in [&two.workers[1], &two.acme.world.worker(3)] {
            let answer = two.ask(worker, &two.bolt);
            assert_eq!(told(&answer), (LLAMA_SMALL, Some("stale")), "{document}");
        }
    }
    let log = two.acme.world.shared.log.borrow().join("\n");
    assert!(
        log.contains("configuration 2 of the deployment is not used"),
        "{log}"
    );
    put(&two.acme, &light(GLM));
    two.check(GLM);
}

/// As a release that knows more has stored it, which was rolled back.
const OF_LATER: &str = r#"{ "color": "red" }"#;

#[test]
fn a_document_that_cannot_be_read_raises_an_alert_of_the_deployment() {
    let two = Two::new();
    let alerts = |query: &str| {
        let list = Request::new("GET", &format!("/admin/v1/alerts{query}")).admin();
        let list = two.acme.world.expect(&two.acme.worker, list, 200).json();
        check_described("/admin/v1/alerts", &list);
        list["data"].as_array().unwrap().clone()
    };
    assert_eq!(alerts(""), Vec::<Value>::new());
    put(&two.acme, &light(QWEN));
    two.acme.world.database.spoil(ROOT, 2, OF_LATER);
    two.acme.world.cache.entries.borrow_mut().clear();
    two.ask(&two.workers[1], &two.bolt);
    two.acme.world.shared.executor.pass(1_000);
    let told = alerts("");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["unreadable_config"], 2);
    let after = format!("?after={}", told[0]["id"]);
    assert_eq!(alerts(&after), Vec::<Value>::new());
}

#[test]
fn while_a_document_cannot_be_read_changes_of_orgs_say_so() {
    let two = Two::new();
    let acme = &two.acme;
    put(acme, &light(QWEN));
    acme.world.database.spoil(ROOT, 2, OF_LATER);
    acme.world.cache.entries.borrow_mut().clear();
    let of_org = |method: &str, path: &str, body: &Value| {
        let path = format!("/admin/v1/orgs{path}");
        Request::new(method, &path).admin().json(body)
    };
    let models = Request::new("GET", "/admin/v1/models").admin();
    for request in [
        of_org("PUT", "/acme/config", &light(GLM)),
        of_org("PATCH", "/acme/config", &light(GLM)),
        of_org("POST", "/acme/config/validate", &light(GLM)),
        of_org("POST", "/acme/config/rollback", &json!({ "to": 1 })),
        of_org("POST", "", &json!({ "id": "cold" })),
        models,
    ] {
        let refused = acme.world.send(&acme.worker, request);
        let message = check_error(&refused, 409, "conflict");
        let reason =
            "onfiguration 2 of the deployment cannot be read: change it at /admin/v1/config";
        assert!(message.contains(reason), "{message}");
    }
    // Whoever asks a model is served on.
    let answer = two.ask(&two.workers[1], &two.bolt);
    assert_eq!(told(&answer), (LLAMA_SMALL, Some("stale")));
    put(acme, &light(GLM));
    let made = of_org("POST", "", &json!({ "id": "cold" }));
    acme.world.expect(&acme.worker, made, 200);
    two.check(GLM);
}

#[test]
fn a_rollback_without_the_database_does_not_blame_the_version() {
    let acme = Acme::new();
    acme.world.configure(&acme.worker, "acme", &light(QWEN));
    let tenants = &acme.world.shared.faults;
    // Who asks, the newest and the earlier version are read; then the deployment's is not.
    for _ in 0..3 {
        tenants.once(Port::Tenants, Fault::Slow(0));
    }
    tenants.once(Port::Tenants, Fault::Down);
    let back = Request::new("POST", "/admin/v1/orgs/acme/config/rollback").admin();
    let back = acme
        .world
        .send(&acme.worker, back.json(&json!({ "to": 1 })));
    check_error(&back, 503, "unavailable");
}

#[test]
fn while_a_document_cannot_be_read_the_one_before_says_how_long_transcripts_are_kept() {
    let two = Two::new();
    let acme = &two.acme;
    let keeping = |days: u32| json!({ "transcripts": { "store": "full", "days": days } });
    put(acme, &keeping(30));
    // The isolate hears of the change with the first.
    acme.ask(&question("light", "Hello"));
    acme.ask(&question("light", "Keep this"));
    let kept = || {
        let files = acme.world.files.files.borrow();
        files
            .keys()
            .filter(|name| name.starts_with("transcripts/"))
            .count()
    };
    assert_eq!(kept(), 1);
    put(acme, &keeping(40));
    acme.world.database.spoil(ROOT, 3, OF_LATER);
    let upkeep = || {
        let ports = acme.worker.ports.clone();
        let done = async move { hourly(&ports).await };
        acme.world.shared.executor.block_on(done);
    };
    acme.world.shared.clock.jump(20 * 86_400_000);
    upkeep();
    assert_eq!(kept(), 1);
    acme.world.shared.clock.jump(12 * 86_400_000);
    upkeep();
    assert_eq!(kept(), 0);
}
