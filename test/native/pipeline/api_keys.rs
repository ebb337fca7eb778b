//! Keys and orgs as they are administered: lists by pages and filters, changes, and keys that are
//! replaced.

use serde_json::{Value, json};

use super::support::*;

fn admin(method: &str, path: &str) -> Request {
    Request::new(method, &format!("/admin/v1/orgs{path}")).admin()
}

fn get(acme: &Acme, path: &str) -> Value {
    acme.world
        .expect(&acme.worker, admin("GET", path), 200)
        .json()
}

fn ids(list: &Value) -> Vec<String> {
    let data = list["data"].as_array().unwrap().iter();
    data.map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

fn id(key: &str) -> &str {
    key.split('_').nth(2).unwrap()
}

fn rotate(acme: &Acme, grace: u64) -> Value {
    let path = format!("/acme/keys/{}/rotate", id(&acme.key));
    let body = json!({ "grace_seconds": grace });
    acme.world
        .expect(&acme.worker, admin("POST", &path).json(&body), 201)
        .json()
}

#[test]
fn keys_are_listed_by_pages_and_filters() {
    let acme = Acme::new();
    let mut made = vec![id(&acme.key).to_owned()];
    for scope in ["inference", "inference", "byok"] {
        acme.world.shared.executor.pass(10);
        let new = json!({ "name": scope, "scopes": [scope] });
        let new = acme
            .world
            .expect(&acme.worker, admin("POST", "/acme/keys").json(&new), 201);
        made.push(new.json()["id"].as_str().unwrap().to_owned());
    }
    let page = get(&acme, "/acme/keys?limit=3");
    assert_eq!(ids(&page), made[..3]);
    let next = get(
        &acme,
        &format!(
            "/acme/keys?limit=3&after={}",
            page["next"].as_str().unwrap()
        ),
    );
    assert_eq!(
        (ids(&next), &next["next"]),
        (made[3..].to_vec(), &Value::Null)
    );
    assert_eq!(ids(&get(&acme, "/acme/keys?scope=byok")), made[3..]);
    let revoke = admin("DELETE", &format!("/acme/keys/{}", made[1]));
    acme.world.expect(&acme.worker, revoke, 204);
    assert_eq!(ids(&get(&acme, "/acme/keys?state=ended")), made[1..2]);
    assert_eq!(ids(&get(&acme, "/acme/keys?state=good")).len(), 3);
    let one = get(&acme, &format!("/acme/keys/{}", made[3]));
    assert_eq!(
        (&one["name"], &one["digest"]),
        (&json!("byok"), &Value::Null)
    );
    for bad in ["state=dead", "limit=x", "colour=red"] {
        let refused = acme
            .world
            .send(&acme.worker, admin("GET", &format!("/acme/keys?{bad}")));
        check_error(&refused, 400, "invalid_request");
    }
}

#[test]
fn a_key_gets_another_name_and_other_scopes() {
    let acme = Acme::new();
    let path = format!("/acme/keys/{}", id(&acme.key));
    let change = json!({ "name": "Till", "scopes": ["knowledge"] });
    let changed = acme
        .world
        .expect(&acme.worker, admin("PATCH", &path).json(&change), 200)
        .json();
    assert_eq!(
        (&changed["name"], &changed["scopes"]),
        (&json!("Till"), &json!(["knowledge"]))
    );
    acme.world.shared.executor.pass(61_000);
    check_error(&acme.send(&faq()), 403, "forbidden");
    for bad in [
        json!({ "scopes": [] }),
        json!({ "scopes": ["all"] }),
        json!({ "id": "x" }),
    ] {
        let refused = acme
            .world
            .send(&acme.worker, admin("PATCH", &path).json(&bad));
        check_error(&refused, 400, "invalid_request");
    }
    acme.world.expect(&acme.worker, admin("DELETE", &path), 204);
    let refused = acme
        .world
        .send(&acme.worker, admin("PATCH", &path).json(&change));
    check_error(&refused, 409, "conflict");
    let acts = acme.world.acts("acme");
    let operations: Vec<_> = acts.iter().map(|it| it.draft.operation.as_str()).collect();
    assert!(operations.contains(&"key.change"), "{operations:?}");
}

#[test]
fn a_key_that_is_replaced_is_good_until_its_grace_ends_and_not_a_moment_longer() {
    let acme = Acme::new();
    acme.ask(&faq());
    let other = acme.world.worker(7);
    let began = acme.world.shared.clock.wall();
    let minted = rotate(&acme, 100);
    let until = minted["replaced_until"].as_u64().unwrap();
    assert_eq!(until, began + 100_000);
    let new = minted["key"].as_str().unwrap();
    acme.world
        .expect(&acme.worker, Request::chat(new, &faq()), 200);
    let left = until - acme.world.shared.clock.wall();
    acme.world.shared.executor.pass(left - 1);
    acme.ask(&faq());
    acme.world.shared.executor.pass(1);
    let models = Request::new("GET", "/v1/models").key(&acme.key);
    for refused in [
        acme.send(&faq()),
        acme.world.send(&other, acme.request(&faq())),
        acme.world.send(&acme.worker, models),
    ] {
        check_error(&refused, 401, "invalid_api_key");
    }
    acme.world
        .expect(&acme.worker, Request::chat(new, &faq()), 200);
}

#[test]
fn whoever_replaces_a_key_is_told_what_speaks_of_the_old_one_only() {
    let acme = Acme::new();
    let old = id(&acme.key).to_owned();
    let config = json!({
        "limits": [
            { "count": "requests", "limit": 60, "seconds": 60 },
            { "per": "key", "only": old, "count": "requests", "limit": 5, "seconds": 60 },
        ],
        "budgets": [{ "per": "key", "only": old, "usd": "1", "period": "day" }],
    });
    acme.world.configure(&acme.worker, "acme", &config);
    let minted = rotate(&acme, 100);
    let paths: Vec<&Value> = minted["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["path"])
        .collect();
    assert_eq!(paths, ["budgets[0].only", "limits[1].only"]);
    let reason = minted["warnings"][0]["reason"].as_str().unwrap();
    assert!(reason.contains(minted["id"].as_str().unwrap()), "{reason}");
    let path = format!("/acme/keys/{}/rotate", minted["id"].as_str().unwrap());
    let again = admin("POST", &path).json(&json!({}));
    let again = acme.world.expect(&acme.worker, again, 201).json();
    assert_eq!(again["warnings"], Value::Null);
}

#[test]
fn the_governor_ends_a_key_that_an_isolate_remembers_as_good() {
    let acme = Acme::new();
    acme.ask(&faq());
    rotate(&acme, 10);
    // The isolate goes on with the row it remembers: the database is out of reach.
    acme.world.shared.faults.always(Port::Tenants, Fault::Down);
    acme.world.shared.executor.pass(9_999);
    acme.ask(&faq());
    acme.world.shared.executor.pass(1);
    check_error(&acme.send(&faq()), 401, "invalid_api_key");
}

#[test]
fn no_lease_outlives_the_grace_of_its_key() {
    let acme = Acme::with(&json!({ "admission": "leased" }));
    let minted = rotate(&acme, 10);
    let until = minted["replaced_until"].as_u64().unwrap();
    let busy = question("light", "Hello");
    while acme.world.shared.clock.wall() + 200 < until {
        acme.ask(&busy);
        acme.world.shared.executor.pass(100);
    }
    acme.world
        .shared
        .executor
        .pass(until - acme.world.shared.clock.wall());
    check_error(&acme.send(&busy), 401, "invalid_api_key");
}

#[test]
fn a_replacement_has_two_records_and_may_be_at_once() {
    let acme = Acme::new();
    let minted = rotate(&acme, 0);
    assert_eq!(minted["replaces"], id(&acme.key));
    check_error(&acme.send(&faq()), 401, "invalid_api_key");
    let acts = acme.world.acts("acme");
    let last: Vec<_> = acts[acts.len() - 2..]
        .iter()
        .map(|it| it.draft.change.as_ref().unwrap().object.clone())
        .collect();
    assert_eq!(
        last,
        [
            format!("key/{}", minted["id"].as_str().unwrap()),
            format!("key/{}", id(&acme.key))
        ]
    );
    let path = format!("/acme/keys/{}/rotate", id(&acme.key));
    let again = acme
        .world
        .send(&acme.worker, admin("POST", &path).json(&json!({})));
    check_error(&again, 409, "conflict");
    let new = minted["id"].as_str().unwrap();
    for bad in [1, 9, 7_776_001] {
        let path = format!("/acme/keys/{new}/rotate");
        let bad = admin("POST", &path).json(&json!({ "grace_seconds": bad }));
        check_error(&acme.world.send(&acme.worker, bad), 400, "invalid_request");
    }
}

#[test]
fn orgs_are_listed_searched_and_renamed() {
    let acme = Acme::new();
    for (org, name) in [("bolt", "Bolt & Sons"), ("cog", "Cogs")] {
        acme.world.shared.executor.pass(10);
        let new = json!({ "id": org, "name": name });
        acme.world
            .expect(&acme.worker, admin("POST", "").json(&new), 201);
    }
    let page = get(&acme, "?limit=2");
    assert_eq!(
        (ids(&page), &page["next"]),
        (vec!["acme".to_owned(), "bolt".to_owned()], &json!("bolt"))
    );
    assert_eq!(ids(&get(&acme, "?limit=2&after=bolt")), ["cog"]);
    assert_eq!(ids(&get(&acme, "?search=sons")), ["bolt"]);
    assert_eq!(ids(&get(&acme, "?search=nobody")), [""; 0]);
    let rename = admin("PATCH", "/bolt").json(&json!({ "name": "Bolt" }));
    let renamed = acme.world.expect(&acme.worker, rename, 200).json();
    assert_eq!(
        (&renamed["id"], &renamed["name"]),
        (&json!("bolt"), &json!("Bolt"))
    );
    assert_eq!(get(&acme, "/bolt"), renamed);
    let bad = admin("PATCH", "/bolt").json(&json!({ "name": "" }));
    check_error(&acme.world.send(&acme.worker, bad), 400, "invalid_request");
    check_error(
        &acme.world.send(&acme.worker, admin("GET", "/nobody")),
        404,
        "not_found",
    );
}

#[test]
fn end_users_are_listed_with_what_they_spent() {
    let acme = Acme::new();
    let ask = |user: &str| {
        let request = acme
            .request(&question("light", "Hello"))
            .header("x-ai-user", user);
        acme.world.expect(&acme.worker, request, 200)
    };
    for user in ["ann", "bob", "ann", "Ünal"] {
        ask(user);
    }
    acme.ask(&question("light", "Hello"));
    let list = get(&acme, "/acme/users");
    let data = list["data"].as_array().unwrap();
    let told: Vec<_> = data
        .iter()
        .map(|it| {
            (
                it["user"].as_str().unwrap(),
                it["requests"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("ann", 2), ("bob", 1), ("Ünal", 1)]);
    let spent = acme.world.records("acme");
    let of_ann: i64 = spent
        .iter()
        .filter(|it| it.draft.user == spent[0].draft.user)
        .map(|it| it.cost.get())
        .sum();
    assert_eq!(
        data[0]["spent_usd"],
        esclusa::money::Nanos::new(of_ann).to_usd()
    );
    let page = get(&acme, "/acme/users?limit=1");
    assert_eq!(page["next"], "ann");
    assert_eq!(
        get(&acme, "/acme/users?limit=1&after=ann")["data"][0]["user"],
        "bob"
    );
    assert_eq!(get(&acme, "/acme/users/%C3%9Cnal")["requests"], 1);
    check_error(
        &acme
            .world
            .send(&acme.worker, admin("GET", "/acme/users/eve")),
        404,
        "not_found",
    );
    acme.world.expect(
        &acme.worker,
        admin("DELETE", "/acme/users/ann/records"),
        200,
    );
    check_error(
        &acme
            .world
            .send(&acme.worker, admin("GET", "/acme/users/ann")),
        404,
        "not_found",
    );
}
