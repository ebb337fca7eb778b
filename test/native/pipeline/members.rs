//! Members: who may do what, in which org, and that nobody locks himself out.

use esclusa::admin::{Reach, Role, TABLE};
use esclusa::governor::root::ROOT;
use esclusa::http::Method;
use serde_json::{Value, json};

use super::support::*;

fn admin(method: &str, path: &str) -> Request {
    Request::new(method, &format!("/admin/v1/{path}")).admin()
}

/// Makes a member; gives the key.
fn member(acme: &Acme, id: &str, role: &str, org: Option<&str>) -> String {
    let new = json!({ "id": id, "name": "A person", "role": role, "org": org });
    let made = admin("POST", "members").json(&new);
    let made = acme.world.expect(&acme.worker, made, 201).json();
    made["key"].as_str().unwrap().to_owned()
}

fn send(acme: &Acme, key: &str, method: &str, path: &str) -> Response {
    let request = Request::new(method, &format!("/admin/v1/{path}"));
    acme.world
        .send(&acme.worker, request.key(key).json(&json!({})))
}

/// A path of a row, with things that may not be there.
fn filled(path: &str, org: &str) -> String {
    let path = path.replace("{org}", org);
    let segments = path.split('/');
    let segments = segments.map(|part| if part.starts_with('{') { "7" } else { part });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn each_role_may_what_the_table_says_and_nothing_else() {
    let acme = Acme::new();
    for role in Role::ALL {
        for org in [None, Some("acme")] {
            if (role, org) == (Role::Owner, Some("acme")) {
                continue;
            }
            for row in TABLE {
                let id = format!("m{}", acme.world.database.members());
                let key = member(&acme, &id, role.as_str(), org);
                let path = filled(row.path, "acme");
                let answer = send(&acme, &key, row.method.as_str(), &path);
                let in_reach = org.is_none() || row.reach != Reach::Deployment;
                let allowed = role.may(row.needs) && in_reach;
                let told = format!(
                    "{role:?} {org:?} {:?} {path}: {}",
                    row.method, answer.status
                );
                assert_eq!(answer.status == 403, !allowed, "{told} {}", answer.text());
                assert_ne!(answer.status, 401, "{told}");
            }
        }
    }
}

#[test]
fn a_member_of_one_org_sees_no_other() {
    let acme = Acme::new();
    acme.world.org(&acme.worker, "bolt", &json!({}));
    let key = member(&acme, "ana", "admin", Some("acme"));
    let orgs = send(&acme, &key, "GET", "orgs").json();
    assert_eq!(orgs["data"].as_array().unwrap().len(), 1);
    assert_eq!(orgs["data"][0]["id"], "acme");
    for row in TABLE.iter().filter(|row| row.reach.is_org()) {
        let path = filled(row.path, "bolt");
        let hidden = send(&acme, &key, row.method.as_str(), &path);
        check_error(&hidden, 404, "not_found");
    }
    for path in ["audit", "audit/verify", "audit/export"] {
        let own = send(&acme, &key, "GET", &format!("{path}?org=acme"));
        assert_eq!(own.status, 200, "{}", own.text());
        let other = send(&acme, &key, "GET", &format!("{path}?org=bolt"));
        check_error(&other, 404, "not_found");
        let root = send(&acme, &key, "GET", &format!("{path}?org={ROOT}"));
        check_error(&root, 403, "forbidden");
    }
    for path in ["models?org=bolt", "operations?org=bolt"] {
        check_error(&send(&acme, &key, "GET", path), 404, "not_found");
    }
}

#[test]
fn records_name_the_member_and_refused_attempts_too() {
    let acme = Acme::new();
    let editor = member(&acme, "eva", "editor", Some("acme"));
    let viewer = member(&acme, "vic", "viewer", None);
    let config = "orgs/acme/config";
    let saved = send(&acme, &editor, "PUT", config);
    assert_eq!(saved.status, 200, "{}", saved.text());
    assert_eq!(saved.json()["author"], "member/eva");
    check_error(&send(&acme, &viewer, "PUT", config), 403, "forbidden");
    let trail = |query: &str| {
        let get = admin("GET", &format!("audit?org=acme{query}"));
        acme.world.expect(&acme.worker, get, 200).json()["data"].clone()
    };
    let changed = &trail("&key=member/eva")[0]["record"];
    assert_eq!(
        (&changed["operation"], &changed["outcome"]),
        (&json!("config.save"), &json!("changed"))
    );
    let refused = &trail("&key=member/vic")[0]["record"];
    assert_eq!(
        (&refused["outcome"], &refused["status"]),
        (&json!("refused"), &json!(403))
    );
}

#[test]
fn changes_of_members_are_in_the_trail_of_the_deployment() {
    let acme = Acme::new();
    let key = member(&acme, "ana", "viewer", None);
    let change = admin("PATCH", "members/ana").json(&json!({ "role": "auditor" }));
    let changed = acme.world.expect(&acme.worker, change, 200).json();
    assert_eq!(changed["role"], "auditor");
    let rotated = acme
        .world
        .expect(&acme.worker, admin("POST", "members/ana/rotate"), 201)
        .json();
    check_error(&send(&acme, &key, "GET", "me"), 401, "invalid_api_key");
    let key = rotated["key"].as_str().unwrap().to_owned();
    let me = send(&acme, &key, "GET", "me").json();
    let expected = json!({ "name": "member/ana", "role": "auditor", "org": null, "permissions": ["audit", "see"] });
    assert_eq!(me, expected);
    acme.world
        .expect(&acme.worker, admin("DELETE", "members/ana"), 204);
    check_error(&send(&acme, &key, "GET", "me"), 401, "invalid_api_key");
    let get = admin("GET", &format!("audit?org={ROOT}"));
    let trail = acme.world.expect(&acme.worker, get, 200).json();
    let rows = trail["data"].as_array().unwrap().iter();
    let told: Vec<_> = rows
        .map(|row| {
            (
                row["record"]["operation"].as_str().unwrap(),
                row["record"]["change"]["object"].as_str().unwrap(),
            )
        })
        .collect();
    let of = |operation| (operation, "member/ana");
    assert_eq!(
        told,
        [
            of("member.remove"),
            of("member.rotate"),
            of("member.change"),
            of("member.create")
        ]
    );
    assert!(!trail.to_string().contains(&key));
    let verify = admin("GET", &format!("audit/verify?org={ROOT}"));
    let verified = acme.world.expect(&acme.worker, verify, 200);
    assert!(verified.text().contains("true"), "{}", verified.text());
}

#[test]
fn nobody_locks_himself_out() {
    let acme = Acme::new();
    let key = member(&acme, "own", "owner", None);
    check_error(&send(&acme, &key, "DELETE", "members/own"), 409, "conflict");
    let demote = Request::new("PATCH", "/admin/v1/members/own").key(&key);
    let demote = demote.json(&json!({ "role": "viewer" }));
    check_error(&acme.world.send(&acme.worker, demote), 409, "conflict");
    acme.world
        .expect(&acme.worker, admin("DELETE", "members/own"), 204);
    acme.world.expect(&acme.worker, admin("GET", "orgs"), 200);
}

#[test]
fn an_id_is_one_persons_for_ever() {
    let acme = Acme::new();
    member(&acme, "ana", "viewer", None);
    acme.world
        .expect(&acme.worker, admin("DELETE", "members/ana"), 204);
    let again = json!({ "id": "ana", "name": "Another", "role": "owner" });
    let again = acme
        .world
        .send(&acme.worker, admin("POST", "members").json(&again));
    check_error(&again, 409, "conflict");
    let listed = acme
        .world
        .expect(&acme.worker, admin("GET", "members"), 200);
    assert_eq!(listed.json()["data"][0]["role"], "viewer");
    assert!(listed.json()["data"][0]["removed_at"].is_u64());
    assert!(!listed.text().contains("digest"));
    for bad in [
        json!({ "id": "admin", "name": "x", "role": "viewer" }),
        json!({ "id": "Ana", "name": "x", "role": "viewer" }),
        json!({ "id": "b", "name": "", "role": "viewer" }),
        json!({ "id": "b", "name": "x", "role": "king" }),
        json!({ "id": "b", "name": "x", "role": "viewer", "org": "nobody" }),
        json!({ "id": "b", "name": "x", "role": "owner", "org": "acme" }),
        json!({ "id": "b", "name": "x", "role": "viewer", "power": 1 }),
    ] {
        let refused = acme
            .world
            .send(&acme.worker, admin("POST", "members").json(&bad));
        check_error(&refused, 400, "invalid_request");
    }
}

#[test]
fn the_table_names_each_path_once() {
    let mut seen: Vec<(Method, &str)> = Vec::new();
    for row in TABLE {
        let place = (row.method, row.path);
        assert!(!seen.contains(&place), "{place:?}");
        seen.push(place);
    }
}

#[test]
fn wrong_methods_are_told_the_right_ones() {
    let acme = Acme::new();
    let refused = acme
        .world
        .send(&acme.worker, admin("DELETE", "orgs/acme/config"));
    check_error(&refused, 405, "method_not_allowed");
    assert_eq!(refused.told("allow"), "GET, PATCH, PUT");
    let refused: Value = acme.world.send(&acme.worker, admin("PUT", "orgs")).json();
    assert_eq!(refused["error"]["message"], "This path takes GET, POST.");
}
