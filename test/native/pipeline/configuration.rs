//! An org's configuration: versions, what differs between them, changes of a part, the way back, and
//! what happens when saving one stops halfway or two administrators change it at once.

mod warnings;

use std::ops::Range;

use serde_json::{Value, json};

use super::support::*;

fn request(method: &str, path: &str) -> Request {
    Request::new(method, &format!("/admin/v1/orgs/acme/config{path}")).admin()
}

fn expect(acme: &Acme, request: Request, status: u16) -> Response {
    acme.world.expect(&acme.worker, request, status)
}

fn get(acme: &Acme, path: &str) -> Value {
    expect(acme, request("GET", path), 200).json()
}

fn limited(limit: u64) -> Value {
    json!({ "limits": [{ "count": "requests", "limit": limit, "seconds": 60 }] })
}

fn put(acme: &Acme, config: &Value) -> Value {
    expect(acme, request("PUT", "").json(config), 200).json()
}

fn versions(acme: &Acme) -> Vec<u64> {
    let list = get(acme, "/versions");
    let rows = list["data"].as_array().unwrap().iter();
    rows.map(|row| row["version"].as_u64().unwrap()).collect()
}

#[test]
fn every_change_is_a_version_with_author_time_and_note() {
    let acme = Acme::new();
    let config = limited(7);
    let save = request("PUT", "?note=Fewer%20of%20them").json(&config);
    let saved = expect(&acme, save, 200);
    assert_eq!(saved.told("etag"), "\"3\"");
    let row = get(&acme, "/versions/3");
    for shown in [saved.json(), row, get(&acme, "")] {
        assert_eq!(
            (&shown["version"], &shown["in_force"]),
            (&json!(3), &json!(3))
        );
        assert_eq!(shown["author"], "admin");
        assert_eq!(shown["note"], "Fewer of them");
        assert_eq!(shown["created_at"], acme.world.shared.clock.wall());
        assert_eq!(shown["config"], config);
    }
    let first = get(&acme, "/versions/1");
    assert_eq!(
        (&first["config"], &first["in_force"]),
        (&json!({}), &json!(3))
    );
    assert_eq!(versions(&acme), [3, 2, 1]);
}

#[test]
fn versions_are_paged() {
    let acme = Acme::new();
    for limit in 1..=5 {
        put(&acme, &limited(limit));
    }
    let page = get(&acme, "/versions?limit=3");
    let numbers = |page: &Value| -> Vec<u64> {
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| row["version"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&page), [7, 6, 5]);
    let next = get(
        &acme,
        &format!("/versions?limit=3&after={}", page["next"].as_str().unwrap()),
    );
    assert_eq!(numbers(&next), [4, 3, 2]);
    let last = get(
        &acme,
        &format!("/versions?limit=3&after={}", next["next"].as_str().unwrap()),
    );
    assert_eq!((numbers(&last), &last["next"]), (vec![1], &Value::Null));
    for bad in ["?limit=0", "?limit=501", "?after=x", "?color=red"] {
        let refused = acme
            .world
            .send(&acme.worker, request("GET", &format!("/versions{bad}")));
        check_error(&refused, 400, "invalid_request");
    }
}

#[test]
fn what_differs_between_versions_is_told_by_path() {
    let acme = Acme::new();
    put(&acme, &limited(5));
    put(
        &acme,
        &json!({ "limits": limited(6)["limits"], "time_zone": "UTC" }),
    );
    let changes = json!([
        { "path": "limits[0].limit", "before": 5, "after": 6 },
        { "path": "time_zone", "after": "UTC" },
    ]);
    let expected = json!({ "from": 3, "to": 4, "changes": changes });
    assert_eq!(get(&acme, "/versions/3/diff?to=4"), expected);
    assert_eq!(get(&acme, "/versions/3/diff"), expected, "to the newest");
    let back = get(&acme, "/versions/4/diff?to=3");
    assert_eq!(
        back["changes"][0],
        json!({ "path": "limits[0].limit", "before": 6, "after": 5 })
    );
    for missing in ["/versions/9", "/versions/3/diff?to=9", "/versions/0"] {
        let refused = acme.world.send(&acme.worker, request("GET", missing));
        check_error(&refused, 404, "not_found");
    }
    let refused = acme
        .world
        .send(&acme.worker, request("GET", "/versions/first"));
    check_error(&refused, 400, "invalid_request");
}

#[test]
fn a_part_of_it_is_changed_by_a_merge_patch() {
    let acme = Acme::new();
    put(
        &acme,
        &json!({ "limits": limited(5)["limits"], "time_zone": "UTC", "credits": "off" }),
    );
    // What compresses an answer on its way makes its `ETag` a weak one.
    let patch = request("PATCH", "").header("if-match", "W/\"3\"");
    let part = json!({ "time_zone": null, "transcripts": { "store": "redacted" } });
    let changed = expect(&acme, patch.json(&part), 200).json();
    let expected = json!({
        "limits": limited(5)["limits"],
        "credits": "off",
        "transcripts": { "store": "redacted" },
    });
    assert_eq!(
        (&changed["config"], &changed["version"]),
        (&expected, &json!(4))
    );
    let stale = request("PATCH", "").header("if-match", "\"3\"");
    let late = acme.world.send(&acme.worker, stale.json(&limited(9)));
    check_error(&late, 412, "precondition_failed");
    let wrong = request("PATCH", "").json(&json!({ "limits": 5 }));
    let message = check_error(
        &acme.world.send(&acme.worker, wrong),
        400,
        "invalid_request",
    );
    assert!(message.contains("limits"), "{message}");
    assert_eq!(versions(&acme), [4, 3, 2, 1]);
}

/// Many names of a model.
fn aliases(numbers: Range<usize>) -> Value {
    let names = numbers.map(|it| (format!("alias-{it}"), json!(LLAMA)));
    json!({ "aliases": Value::Object(names.collect()) })
}

#[test]
fn a_section_of_any_length_is_changed_by_a_merge_patch() {
    let acme = Acme::new();
    put(&acme, &aliases(0..1_500));
    let patch = |part: &Value| {
        let request = request("PATCH", "").json(part);
        expect(&acme, request, 200).json()["config"].clone()
    };
    assert!(patch(&aliases(1_500..1_501)) == aliases(0..1_501));
    assert!(patch(&aliases(1_501..3_001)) == aliases(0..3_001));
}

#[test]
fn a_merge_makes_nothing_that_is_too_large_to_be_sent() {
    let acme = Acme::new();
    put(&acme, &aliases(0..5_000));
    let too_much = aliases(5_000..13_000);
    for (method, path) in [("PATCH", ""), ("POST", "/validate?merge=true")] {
        let refused = acme
            .world
            .send(&acme.worker, request(method, path).json(&too_much));
        let message = check_error(&refused, 413, "payload_too_large");
        assert!(message.contains("512 KiB"), "{message}");
    }
    assert!(get(&acme, "")["config"] == aliases(0..5_000));
    let of_all = |method: &str, part: &Value| {
        let request = Request::new(method, "/admin/v1/config").admin();
        acme.world.send(&acme.worker, request.json(part))
    };
    assert_eq!(of_all("PUT", &aliases(0..5_000)).status, 200);
    check_error(&of_all("PATCH", &too_much), 413, "payload_too_large");
}

#[test]
fn a_merge_that_loses_something_is_refused() {
    let acme = Acme::new();
    let unreadable = |method: &str, path: &str| {
        let text = r#"{"operations":{"x":{"\ud800":1}}}"#.as_bytes();
        let json = request(method, path).header("content-type", "application/json");
        acme.world.send(&acme.worker, json.bytes(text.to_vec()))
    };
    let message = check_error(&unreadable("PATCH", ""), 400, "invalid_request");
    assert!(message.contains("operations.x"), "{message}");
    let checked = unreadable("POST", "/validate?merge=true");
    assert_eq!(checked.json()["problems"][0]["path"], "operations.x");
}

#[test]
fn validating_tells_everything_and_stores_nothing() {
    let acme = Acme::new();
    put(&acme, &limited(5));
    let validate = |query: &str, config: &Value| {
        expect(
            &acme,
            request("POST", &format!("/validate{query}")).json(config),
            200,
        )
        .json()
    };
    let good = validate("", &limited(6));
    assert_eq!(
        (&good["valid"], &good["problems"]),
        (&json!(true), &json!([]))
    );
    let change = json!({ "path": "limits[0].limit", "before": 5, "after": 6 });
    assert_eq!(
        (&good["version"], &good["changes"]),
        (&json!(3), &json!([change]))
    );
    let part = validate("?merge=true", &json!({ "time_zone": "UTC" }));
    let added = json!({ "path": "time_zone", "after": "UTC" });
    assert_eq!(part["changes"], json!([added]));
    let bad = validate(
        "",
        &json!({ "limits": [{}], "tiers": { "light": ["nobody/knows"] } }),
    );
    assert_eq!(bad["valid"], false);
    let problems = bad["problems"].as_array().unwrap();
    let paths: Vec<&str> = problems
        .iter()
        .map(|it| it["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"tiers.light[0]"), "{paths:?}");
    assert!(
        paths.iter().any(|path| path.starts_with("limits[0]")),
        "{paths:?}"
    );
    assert_eq!(versions(&acme), [3, 2, 1]);
}

#[test]
fn what_would_lock_everybody_out_is_refused_with_the_reason() {
    let acme = Acme::new();
    for config in [
        limited(0),
        json!({ "limits": [{ "count": "concurrent", "limit": 0 }] }),
        json!({ "limits": [{ "per": "user", "count": "tokens", "limit": 0, "seconds": 60 }] }),
    ] {
        let refused = acme
            .world
            .send(&acme.worker, request("PUT", "").json(&config));
        let message = check_error(&refused, 400, "invalid_request");
        assert!(message.contains("lock everybody out"), "{message}");
        assert_eq!(refused.json()["error"]["param"], "limits[0].limit");
    }
    let one = json!({ "limits": [{ "per": "user", "only": "bob", "count": "requests", "limit": 0, "seconds": 60 }] });
    put(&acme, &one);
    let nothing = put(
        &acme,
        &json!({ "budgets": [{ "usd": "0", "period": "day" }] }),
    );
    let warning =
        json!({ "path": "budgets[0].usd", "reason": "a budget of 0 admits only what is free" });
    assert_eq!(nothing["warnings"], json!([warning]));
}

#[test]
fn a_rollback_is_a_new_version_of_the_old_document() {
    let acme = Acme::new();
    put(&acme, &limited(5));
    put(&acme, &limited(6));
    let back = request("POST", "/rollback").json(&json!({ "to": 3 }));
    let shown = expect(&acme, back, 200).json();
    assert_eq!(shown["version"], 5);
    assert_eq!(shown["in_force"], 5);
    assert_eq!(shown["config"], limited(5));
    assert_eq!(shown["note"], "Back to version 3.");
    assert_eq!(acme.limits()["limits"][0]["limit"], 5);
    let stale = request("POST", "/rollback").header("if-match", "\"4\"");
    let stale = acme
        .world
        .send(&acme.worker, stale.json(&json!({ "to": 3 })));
    check_error(&stale, 412, "precondition_failed");
    let missing = request("POST", "/rollback").json(&json!({ "to": 99 }));
    check_error(&acme.world.send(&acme.worker, missing), 404, "not_found");
    let acts = acme.world.acts("acme");
    let operations: Vec<_> = acts.iter().map(|it| it.draft.operation.as_str()).collect();
    assert_eq!(
        operations
            .iter()
            .filter(|it| **it == "config.rollback")
            .count(),
        3
    );
}

#[test]
fn a_version_that_cannot_be_read_is_not_gone_back_to() {
    let acme = Acme::new();
    put(&acme, &limited(5));
    put(&acme, &limited(6));
    acme.world.database.spoil("acme", 3, r#"{"gone": 1}"#);
    let back = request("POST", "/rollback").json(&json!({ "to": 3 }));
    let refused = acme.world.send(&acme.worker, back);
    let message = check_error(&refused, 409, "conflict");
    assert!(message.contains("Version 3"), "{message}");
    assert_eq!(versions(&acme), [4, 3, 2, 1]);
    assert_eq!(acme.limits()["config_version"], 4);
}

#[test]
fn a_version_that_was_stored_and_not_put_in_force_is_mended_by_the_same_again() {
    let acme = Acme::new();
    put(&acme, &limited(5));
    let change = || {
        request("PUT", "")
            .header("if-match", "\"3\"")
            .json(&limited(6))
    };
    acme.world.shared.faults.always(Port::Governor, Fault::Down);
    check_error(&acme.world.send(&acme.worker, change()), 503, "unavailable");
    let unsure = get(&acme, "");
    assert_eq!(
        (&unsure["version"], &unsure["in_force"]),
        (&json!(4), &Value::Null)
    );
    acme.world.shared.faults.end();
    let halfway = get(&acme, "");
    assert_eq!(
        (&halfway["version"], &halfway["in_force"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(acme.limits()["limits"][0]["limit"], 5, "the old one serves");
    let mended = expect(&acme, change(), 200).json();
    assert_eq!(
        (&mended["version"], &mended["in_force"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(acme.limits()["limits"][0]["limit"], 6);
    check_error(
        &acme.world.send(&acme.worker, change()),
        412,
        "precondition_failed",
    );
    let other = request("PUT", "")
        .header("if-match", "\"3\"")
        .json(&limited(7));
    check_error(
        &acme.world.send(&acme.worker, other),
        412,
        "precondition_failed",
    );
}

#[test]
fn another_change_mends_it_too() {
    let acme = Acme::new();
    acme.world.shared.faults.always(Port::Governor, Fault::Down);
    let stored = acme
        .world
        .send(&acme.worker, request("PUT", "").json(&limited(6)));
    check_error(&stored, 503, "unavailable");
    acme.world.shared.faults.end();
    let next = put(&acme, &limited(7));
    assert_eq!(
        (&next["version"], &next["in_force"]),
        (&json!(4), &json!(4))
    );
    assert_eq!(acme.limits()["limits"][0]["limit"], 7);
}

#[test]
fn with_the_database_down_nothing_is_changed() {
    let acme = Acme::new();
    put(&acme, &limited(5));
    let faults = &acme.world.shared.faults;
    // The org and the newest version are read, the new one is not stored.
    for fault in [Fault::Slow(0), Fault::Slow(0), Fault::Down] {
        faults.once(Port::Tenants, fault);
    }
    let failed = acme
        .world
        .send(&acme.worker, request("PUT", "").json(&limited(6)));
    check_error(&failed, 503, "unavailable");
    let shown = get(&acme, "");
    assert_eq!(
        (&shown["version"], &shown["in_force"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(acme.limits()["limits"][0]["limit"], 5);
}

#[test]
fn of_two_administrators_at_once_one_is_told_so() {
    for conditional in [true, false] {
        let acme = Acme::new();
        acme.world.shared.latency.set(1);
        let change = |limit| {
            let request = request("PUT", "").json(&limited(limit));
            if conditional {
                request.header("if-match", "\"2\"")
            } else {
                request
            }
        };
        let workers = [acme.world.worker(2), acme.world.worker(3)];
        let [first, second] = workers;
        let answers = acme
            .world
            .send_all(vec![(first, change(5)), (second, change(6))]);
        acme.world.shared.latency.set(0);
        let mut statuses: Vec<u16> = answers.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses[0], 200);
        assert!([409, 412].contains(&statuses[1]), "{statuses:?}");
        let winner = answers.iter().find(|it| it.status == 200).unwrap().json();
        assert_eq!(winner["version"], 3);
        assert_eq!(get(&acme, "")["config"], winner["config"]);
        assert_eq!(acme.limits()["config_version"], 3);
    }
}

fn yaml(method: &str, path: &str, text: &str) -> Request {
    let request = request(method, path).header("content-type", "application/yaml");
    request.bytes(text.as_bytes().to_vec())
}

#[test]
fn a_document_may_be_yaml_and_problems_say_the_line() {
    let acme = Acme::new();
    let text = "# House rules\nlimits:\n  - count: requests\n    limit: 7\n    seconds: 60\n";
    let saved = expect(&acme, yaml("PUT", "", text), 200).json();
    assert_eq!(saved["config"], limited(7));
    let part = "tiers:\n  light:\n    - nobody/knows\n";
    let checked = expect(&acme, yaml("POST", "/validate?merge=true", part), 200).json();
    let problem = &checked["problems"][0];
    assert_eq!(
        (&problem["path"], &problem["line"]),
        (&json!("tiers.light[0]"), &json!(3))
    );
    let refused = acme.world.send(&acme.worker, yaml("PATCH", "", part));
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains("tiers.light[0] (line 3)"), "{message}");
    let lines = b"{\n \"limits\": [],\n \"tiers\": 5\n}".to_vec();
    let json = request("POST", "/validate").header("content-type", "application/json");
    let checked = expect(&acme, json.bytes(lines), 200).json();
    assert_eq!(checked["problems"][0]["line"], 3);
    for (bad, status) in [
        ("a: &x [1]\nb: *x\n", 400),
        ("a: [\n", 400),
        ("- 1\n", 400),
        ("", 400),
    ] {
        let refused = acme.world.send(&acme.worker, yaml("PUT", "", bad));
        assert_eq!(refused.status, status, "{bad} {}", refused.text());
    }
    let plain = request("PUT", "")
        .header("content-type", "text/plain")
        .bytes(b"{}".to_vec());
    let refused = acme.world.send(&acme.worker, plain);
    check_error(&refused, 415, "unsupported_media_type");
    let large = request("PUT", "").header("content-type", "application/yaml");
    let refused = acme
        .world
        .send(&acme.worker, large.bytes(vec![b' '; 600_000]));
    check_error(&refused, 413, "payload_too_large");
    assert_eq!(versions(&acme), [3, 2, 1]);
}
