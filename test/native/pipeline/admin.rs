//! Administration: orgs, keys, configuration, limits, the audit trail.

use std::collections::BTreeSet;

use esclusa::audit::{Outcome, Record};
use serde_json::{Value, json};

use super::support::*;

fn config(version: &str) -> Request {
    let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
    put.header("if-match", version)
}

/// The parameters that a path says it takes when it is sent another.
fn taken(acme: &Acme, method: &str, path: &str) -> BTreeSet<String> {
    let path = format!("{path}?nobody_knows=this");
    let request = Request::new(method, &path).admin().json(&json!({}));
    let answer = acme.world.send(&acme.worker, request);
    let answer = answer.text();
    let list = answer.split("This path takes the parameters ").nth(1);
    let list = list.and_then(|rest| rest.split('.').next());
    let names = list.into_iter().flat_map(|list| list.split(", "));
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn every_path_takes_the_parameters_that_are_described_and_no_other() {
    let acme = Acme::new();
    let key = acme.key.split('_').nth(2).unwrap();
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/admin/v1/") {
            continue;
        }
        let example = path
            .replace("{org}", "acme")
            .replace("{key}", key)
            .replace("{version}", "1")
            .replace("{switch}", "operation/faq")
            .replace(['{', '}'], "");
        for (method, described) in methods.as_object().unwrap() {
            let parameters = described["parameters"].as_array().unwrap().iter();
            let of_query = parameters.filter(|it| it["in"] == "query");
            let names = of_query.map(|it| it["name"].as_str().unwrap().to_owned());
            assert_eq!(
                taken(&acme, &method.to_uppercase(), &example),
                names.collect(),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn only_the_admin_key_opens_it() {
    let acme = Acme::new();
    for request in [
        Request::new("GET", "/admin/v1/orgs"),
        Request::new("GET", "/admin/v1/orgs").key("wrong"),
        Request::new("GET", "/admin/v1/orgs").key(&acme.key),
        Request::new("GET", "/admin/v1/audit?org=acme").key(&acme.key),
        Request::new("POST", "/admin/v1/orgs").json(&json!({ "id": "x" })),
    ] {
        check_error(
            &acme.world.send(&acme.worker, request),
            401,
            "invalid_api_key",
        );
    }
}

#[test]
fn orgs_are_created_once_and_listed() {
    let acme = Acme::new();
    let create = |id: &str| {
        Request::new("POST", "/admin/v1/orgs")
            .admin()
            .json(&json!({ "id": id, "name": "Bolt" }))
    };
    let body = acme.world.expect(&acme.worker, create("bolt"), 201).json();
    assert_eq!(
        (&body["id"], &body["name"]),
        (&json!("bolt"), &json!("Bolt"))
    );
    assert_eq!(
        acme.world.expect(&acme.worker, create("bolt"), 200).json(),
        body
    );
    let list = Request::new("GET", "/admin/v1/orgs").admin();
    let list = acme.world.expect(&acme.worker, list, 200).json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    for bad in ["", "Bolt", "b/lt", &"b".repeat(41)] {
        check_error(
            &acme.world.send(&acme.worker, create(bad)),
            400,
            "invalid_request",
        );
    }
    let long = json!({ "id": "comet", "name": "C".repeat(201) });
    let long = Request::new("POST", "/admin/v1/orgs").admin().json(&long);
    check_error(&acme.world.send(&acme.worker, long), 400, "invalid_request");
    // Whoever tried in vain is in the deployment's own trail; what was made is in the org's.
    let refused = acme.world.acts("_root");
    let told: Vec<_> = refused
        .iter()
        .map(|it| (it.draft.operation.as_str(), it.draft.outcome))
        .collect();
    assert_eq!(told, [("org.create", Outcome::Refused); 5]);
    let object = |record: &Record| {
        let change = record.draft.change.as_ref();
        change.map(|change| change.object.clone())
    };
    assert_eq!(object(&refused[4]), Some("org/comet".to_owned()));
    assert_eq!(acme.world.acts("bolt").len(), 1);
}

#[test]
fn a_creation_that_failed_halfway_is_completed_by_its_repetition() {
    let world = World::new(1);
    let worker = world.worker(1);
    let create = || {
        Request::new("POST", "/admin/v1/orgs")
            .admin()
            .json(&json!({ "id": "acme" }))
    };
    world.shared.faults.once(Port::Governor, Fault::Down);
    world.shared.faults.once(Port::Governor, Fault::Down);
    check_error(&world.send(&worker, create()), 503, "unavailable");
    world.expect(&worker, create(), 200);
    let key = world.mint(&worker, "acme")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    world.expect(&worker, Request::chat(&key, &faq()), 200);
}

#[test]
fn a_key_is_shown_once_and_its_digest_never() {
    let acme = Acme::new();
    let minted = acme.world.mint(&acme.worker, "acme");
    assert!(minted["key"].as_str().unwrap().starts_with("esk_acme_"));
    assert_eq!(minted["digest"], Value::Null);
    let list = Request::new("GET", "/admin/v1/orgs/acme/keys").admin();
    let response = acme.world.expect(&acme.worker, list, 200);
    assert_eq!(response.json()["data"].as_array().unwrap().len(), 2);
    assert!(!response.text().contains(minted["key"].as_str().unwrap()));
    assert!(!response.text().contains("digest"));
}

#[test]
fn a_key_may_do_what_its_scopes_say() {
    let acme = Acme::new();
    let new = Request::new("POST", "/admin/v1/orgs/acme/keys").admin();
    let minted = acme
        .world
        .expect(&acme.worker, new.json(&json!({})), 201)
        .json();
    let key = minted["key"].as_str().unwrap();
    acme.world
        .expect(&acme.worker, Request::chat(key, &faq()), 200);
    let list = Request::new("GET", "/v1/knowledge/documents").key(key);
    check_error(&acme.world.send(&acme.worker, list), 403, "forbidden");
    let new = Request::new("POST", "/admin/v1/orgs/acme/keys").admin();
    let bad = new.json(&json!({ "scopes": [] }));
    check_error(&acme.world.send(&acme.worker, bad), 400, "invalid_request");
}

#[test]
fn a_configuration_is_changed_by_who_has_read_it() {
    let acme = Acme::new();
    let get = Request::new("GET", "/admin/v1/orgs/acme/config").admin();
    let read = acme.world.expect(&acme.worker, get, 200);
    let version = read.told("etag").to_owned();
    let first = config(&version)
        .json(&json!({ "limits": [{ "count": "requests", "limit": 5, "seconds": 60 }] }));
    let changed = acme.world.expect(&acme.worker, first.clone(), 200);
    assert_ne!(changed.told("etag"), version);
    assert_eq!(acme.limits()["limits"][0]["limit"], 5);
    let late = acme.world.send(&acme.worker, first);
    check_error(&late, 412, "precondition_failed");
    assert_eq!(acme.limits()["limits"][0]["limit"], 5);
}

#[test]
fn a_wrong_configuration_names_every_problem_and_changes_nothing() {
    let acme = Acme::new();
    let before = acme.limits();
    let wrong = json!({
        "limits": [{ "count": "requests", "limit": -1, "seconds": 60 }],
        "tiers": { "light": ["nobody/knows"] },
    });
    let response = acme.world.send(&acme.worker, config("*").json(&wrong));
    let message = check_error(&response, 400, "invalid_request");
    assert!(message.contains("limits[0].limit"), "{message}");
    assert!(message.contains("tiers.light"), "{message}");
    assert_eq!(acme.limits()["config_version"], before["config_version"]);
}

#[test]
fn what_does_not_exist_is_not_found() {
    let acme = Acme::new();
    for (method, path) in [
        ("GET", "/admin/v1/orgs/nobody/config"),
        ("GET", "/admin/v1/orgs/nobody/limits"),
        ("GET", "/admin/v1/orgs/NOBODY/keys"),
        ("GET", "/admin/v1/audit?org=nobody"),
        ("DELETE", "/admin/v1/orgs/acme/keys/none"),
        ("GET", "/admin/v1/nothing"),
    ] {
        let response = acme
            .world
            .send(&acme.worker, Request::new(method, path).admin());
        check_error(&response, 404, "not_found");
    }
}

#[test]
fn limits_show_what_is_used_held_and_left() {
    let config = json!({ "limits": [{ "count": "requests", "limit": 7, "seconds": 60 }], "budgets": [{ "usd": "2", "period": "day" }] });
    let acme = Acme::with(&config);
    acme.ask(&question("light", "Hello"));
    let limits = acme.limits();
    assert_eq!(limits["limits"][0]["used"], 1);
    assert_eq!(limits["limits"][0]["remaining"], 6);
    assert_eq!(limits["limits"][0]["window_seconds"], 60);
    assert_eq!(limits["budgets"][4]["limit_usd"], "2");
    assert_eq!(
        limits["budgets"][4]["reset_seconds"], 43_200,
        "noon to midnight"
    );
    acme.world.provider.once(QWEN, Act::Slow(10_000));
    let (worker, request) = (
        acme.worker.clone(),
        acme.request(&question("light", "Wait")),
    );
    let task = async move { drop(worker.open(request).await) };
    acme.world.shared.executor.spawn(1, Box::pin(task));
    acme.world.shared.executor.run_ready();
    let limits = acme.limits();
    assert_eq!(limits["open_reservations"], 1);
    assert_ne!(limits["budgets"][0]["reserved_usd"], "0");
}

#[test]
fn the_audit_trail_is_filtered_and_paged() {
    let acme = Acme::learned();
    let first = acme.ask(&faq());
    acme.ask(&faq());
    acme.ask(&question("gpt-4o-mini", "Hello"));
    acme.send(&question("nobody/knows", "Hello"));
    let query = |query: &str| {
        let get = Request::new("GET", &format!("/admin/v1/audit?org=acme{query}")).admin();
        acme.world.expect(&acme.worker, get, 200).json()
    };
    let count = |text: &str| query(text)["data"].as_array().unwrap().len();
    assert_eq!(
        count(""),
        8,
        "with the document and what the administrator did"
    );
    assert_eq!(count("&operation=faq"), 2);
    assert_eq!(count("&outcome=cached"), 1);
    assert_eq!(count("&outcome=refused"), 1);
    assert_eq!(count("&key=nobody"), 0);
    let id = first.told("x-request-id");
    let found = query(&format!("&request={id}"));
    assert_eq!(found["data"][0]["record"]["request"], id);
    let page = query("&limit=2");
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    assert_eq!(page["data"][0]["seq"], 8);
    let next = query(&format!("&limit=2&before={}", page["next_before"]));
    assert_eq!(next["data"][0]["seq"], 6);
    for bad in ["&limit=0", "&limit=501", "&limit=x", "&color=red"] {
        let get = Request::new("GET", &format!("/admin/v1/audit?org=acme{bad}")).admin();
        check_error(&acme.world.send(&acme.worker, get), 400, "invalid_request");
    }
}

#[test]
fn health_says_what_is_up() {
    let acme = Acme::new();
    let get = || Request::new("GET", "/health");
    assert_eq!(
        acme.world.expect(&acme.worker, get(), 200).json()["status"],
        "ok"
    );
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    let sick = acme.world.expect(&acme.worker, get(), 503).json();
    assert_eq!(sick["checks"]["database"], "failing");
}
