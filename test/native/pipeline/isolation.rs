//! Orgs apart from each other, and keys that are good no more.

use serde_json::json;

use super::support::*;

#[test]
fn a_revoked_key_is_refused_where_it_was_cached() {
    let acme = Acme::new();
    let minted = acme.world.mint(&acme.worker, "acme");
    let (key, id) = (
        minted["key"].as_str().unwrap(),
        minted["id"].as_str().unwrap(),
    );
    let workers: Vec<Worker> = (2..=3).map(|group| acme.world.worker(group)).collect();
    for worker in &workers {
        acme.world.expect(worker, Request::chat(key, &faq()), 200);
    }
    let path = format!("/admin/v1/orgs/acme/keys/{id}");
    acme.world
        .expect(&acme.worker, Request::new("DELETE", &path).admin(), 204);
    for worker in workers.iter().chain([&acme.worker]) {
        let refused = acme.world.send(worker, Request::chat(key, &faq()));
        check_error(&refused, 401, "invalid_api_key");
    }
    acme.world.expect(&workers[0], acme.request(&faq()), 200);
}

#[test]
fn a_revoked_key_neither_reads_nor_removes_documents() {
    let acme = Acme::learned();
    let minted = acme.world.mint(&acme.worker, "acme");
    let (key, id) = (
        minted["key"].as_str().unwrap(),
        minted["id"].as_str().unwrap(),
    );
    let other = acme.world.worker(2);
    let list = Request::new("GET", "/v1/knowledge/documents").key(key);
    acme.world.expect(&other, list.clone(), 200);
    let path = format!("/admin/v1/orgs/acme/keys/{id}");
    acme.world
        .expect(&acme.worker, Request::new("DELETE", &path).admin(), 204);
    let remove = Request::new("DELETE", "/v1/knowledge/documents/returns").key(key);
    let document = json!({ "id": "a", "title": "A", "text": "text" });
    let add = Request::new("POST", "/v1/knowledge/documents")
        .key(key)
        .json(&document);
    for request in [list, remove, add] {
        check_error(&acme.world.send(&other, request), 401, "invalid_api_key");
    }
}

#[test]
fn no_org_reads_anothers_documents() {
    let acme = Acme::learned();
    let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
    acme.world.learn(
        &acme.worker,
        &bolt,
        "returns",
        "Bolt takes any battery back within 99 days.",
    );
    let of_acme = acme.ask(&faq());
    let of_bolt = acme
        .world
        .expect(&acme.worker, Request::chat(&bolt, &faq()), 200);
    assert!(of_acme.answer().contains("30 days") && !of_acme.text().contains("99 days"));
    assert!(of_bolt.answer().contains("99 days") && !of_bolt.text().contains("30 days"));
    let list = Request::new("GET", "/v1/knowledge/documents").key(&bolt);
    let list = acme.world.expect(&acme.worker, list, 200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    // The same id, another org's document: only the caller's own goes.
    let remove = Request::new("DELETE", "/v1/knowledge/documents/returns").key(&bolt);
    acme.world.expect(&acme.worker, remove, 204);
    let request = acme.request(&faq()).header("cf-aig-skip-cache", "true");
    assert!(
        acme.world
            .expect(&acme.worker, request, 200)
            .answer()
            .contains("30 days")
    );
}

#[test]
fn a_vector_of_another_org_finds_no_row() {
    let acme = Acme::learned();
    acme.world.org(&acme.worker, "bolt", &json!({}));
    // The passages that the index gives belong to acme; the rows are asked for as bolt's.
    let ids = {
        let documents = acme.world.database.clone();
        let rows = acme.world.shared.executor.block_on(async move {
            use esclusa::ports::Documents;
            let ids: Vec<String> = documents.passage_ids("acme");
            let of_bolt = documents.passages("bolt", &ids).await.unwrap();
            (ids, of_bolt)
        });
        assert_eq!(rows.1, []);
        rows.0
    };
    assert_eq!(ids.len(), 1);
}

#[test]
fn records_and_limits_are_each_orgs_own() {
    let acme = Acme::new();
    let bolt = acme.world.org(
        &acme.worker,
        "bolt",
        &json!({ "limits": [{ "count": "requests", "limit": 1, "seconds": 60 }] }),
    );
    acme.world
        .expect(&acme.worker, Request::chat(&bolt, &faq()), 200);
    let refused = acme.world.send(&acme.worker, Request::chat(&bolt, &faq()));
    check_error(&refused, 429, "rate_limit_exceeded");
    acme.ask(&faq());
    assert_eq!(acme.world.records("acme").len(), 1);
    assert_eq!(acme.world.records("bolt").len(), 2);
    assert_eq!(acme.limits()["limits"][0]["used"], 1);
}

#[test]
fn nothing_secret_is_logged_or_recorded() {
    let acme = Acme::learned();
    for (port, fault) in [(Port::Vectors, Fault::Down), (Port::Cache, Fault::Down)] {
        acme.world.shared.faults.once(port, fault);
    }
    acme.ask(&question(
        "operation/faq",
        "My secret marker is zanzibar, how many days?",
    ));
    for model in [QWEN, LLAMA_SMALL] {
        acme.world
            .provider
            .once(model, Act::Status(500, "zanzibar"));
    }
    acme.send(&question("light", "zanzibar"));
    let log = acme.world.shared.log.borrow().join("\n");
    let records = serde_json::to_string(&acme.world.records("acme")).unwrap();
    let secret = acme.key.split('_').nth(3).unwrap();
    assert!(!records.contains("zanzibar") && !records.contains(secret));
    assert!(!log.contains(secret));
    assert!(!log.contains("secret marker"));
}
