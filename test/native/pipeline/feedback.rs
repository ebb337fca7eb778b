//! `POST /v1/feedback`, and what administration makes of it.

use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/feedback";

fn answered(acme: &Acme, user: &str) -> String {
    let request = acme.request(&question("light", "Hello"));
    let request = request.header("x-ai-user", user);
    let response = acme.world.expect(&acme.worker, request, 200);
    response.told("x-request-id").to_owned()
}

fn say(acme: &Acme, user: &str, body: &Value) -> Response {
    let request = Request::new("POST", PATH).key(&acme.key).json(body);
    let request = request.header("x-ai-user", user);
    acme.world.send(&acme.worker, request)
}

fn read(acme: &Acme, query: &str) -> Value {
    let path = format!("/admin/v1/orgs/acme/feedback{query}");
    let request = Request::new("GET", &path).admin();
    acme.world.expect(&acme.worker, request, 200).json()
}

#[test]
fn a_users_last_word_on_an_answer_is_kept_and_read_by_administration() {
    let acme = Acme::new();
    let (first, second) = (answered(&acme, "ana"), answered(&acme, "ana"));
    let said = say(
        &acme,
        "ana",
        &json!({ "request": first, "thumbs": "down", "comment": "Too long" }),
    );
    assert_eq!(said.status, 200, "{}", said.text());
    say(
        &acme,
        "ana",
        &json!({ "request": first, "thumbs": "up", "score": 80 }),
    );
    say(&acme, "ben", &json!({ "request": first, "score": 0 }));
    say(
        &acme,
        "",
        &json!({ "request": second, "thumbs": "down", "user": "eva", "comment": "Wrong" }),
    );
    let all = read(&acme, "");
    let rows: Vec<Value> = all["data"].as_array().unwrap().clone();
    let mut shown: Vec<(&str, &Value, &Value, &str)> = rows
        .iter()
        .map(|row| {
            (
                row["user"].as_str().unwrap(),
                &row["thumbs"],
                &row["score"],
                row["comment"].as_str().unwrap(),
            )
        })
        .collect();
    shown.sort_by_key(|row| row.0);
    assert_eq!(
        shown,
        [
            ("ana", &json!("up"), &json!(80), ""),
            ("ben", &Value::Null, &json!(0), ""),
            ("eva", &json!("down"), &Value::Null, "Wrong"),
        ]
    );
    assert!(
        rows.iter()
            .all(|row| row["key"].as_str().is_some_and(|key| !key.is_empty()))
    );
    let down = read(&acme, "?thumbs=down");
    assert_eq!(down["data"][0]["request"], second);
    let of_first = read(&acme, &format!("?request={first}&limit=1"));
    assert_eq!(of_first["data"][0]["user"], "ana");
    let next = of_first["next"].as_str().unwrap().replace('/', "%2F");
    let rest = read(&acme, &format!("?request={first}&limit=1&after={next}"));
    assert_eq!(
        (&rest["data"][0]["user"], &rest["next"]),
        (&json!("ben"), &Value::Null)
    );
}

#[test]
fn only_the_requests_of_the_org_are_judged() {
    let acme = Acme::new();
    let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
    let id = answered(&acme, "ana");
    let theirs = Request::new("POST", PATH)
        .key(&bolt)
        .json(&json!({ "request": id, "thumbs": "up" }));
    check_error(&acme.world.send(&acme.worker, theirs), 404, "not_found");
    let unknown = json!({ "request": "019aa6e1-7c00-7000-8000-000000000000", "thumbs": "up" });
    let response = say(&acme, "ana", &unknown);
    check_error(&response, 404, "not_found");
    assert_eq!(response.json()["error"]["param"], "request");
    let bare = Request::new("POST", PATH).json(&json!({ "request": id, "thumbs": "up" }));
    check_error(&acme.world.send(&acme.worker, bare), 401, "invalid_api_key");
    assert_eq!(read(&acme, "")["data"], json!([]));
}

#[test]
fn malformed_feedback_is_refused_by_name() {
    let acme = Acme::new();
    let id = answered(&acme, "ana");
    let cases = [
        (json!({ "thumbs": "up" }), "request"),
        (json!({ "request": 7, "thumbs": "up" }), "request"),
        (json!({ "request": id }), "thumbs"),
        (json!({ "request": id, "thumbs": "sideways" }), "thumbs"),
        (json!({ "request": id, "score": 101 }), "score"),
        (json!({ "request": id, "score": -1 }), "score"),
        (json!({ "request": id, "score": 0.5 }), "score"),
        (
            json!({ "request": id, "comment": "x".repeat(2_001) }),
            "comment",
        ),
        (
            json!({ "request": id, "thumbs": "up", "stars": 5 }),
            "stars",
        ),
    ];
    for (body, param) in cases {
        let response = say(&acme, "ana", &body);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{body}");
    }
    let query = Request::new("GET", "/admin/v1/orgs/acme/feedback?thumbs=left").admin();
    check_error(
        &acme.world.send(&acme.worker, query),
        400,
        "invalid_request",
    );
}

#[test]
fn a_request_hears_a_hundred_users_at_most() {
    let acme = Acme::new();
    let id = answered(&acme, "ana");
    let up = json!({ "request": id, "thumbs": "up" });
    for user in 0..100 {
        assert_eq!(say(&acme, &format!("user-{user}"), &up).status, 200);
    }
    check_error(&say(&acme, "one-more", &up), 409, "conflict");
    assert_eq!(
        say(&acme, "user-7", &up).status,
        200,
        "who was heard may say it again"
    );
}

#[test]
fn what_a_user_said_goes_with_the_user() {
    let acme = Acme::new();
    let (anas, bens) = (answered(&acme, "ana"), answered(&acme, "ben"));
    say(
        &acme,
        "ana",
        &json!({ "request": bens, "comment": "Ana on Ben's" }),
    );
    say(
        &acme,
        "ben",
        &json!({ "request": anas, "comment": "Ben on Ana's" }),
    );
    say(
        &acme,
        "ben",
        &json!({ "request": bens, "comment": "Ben on Ben's" }),
    );
    let erase = Request::new("DELETE", "/admin/v1/orgs/acme/users/ana/records").admin();
    acme.world.expect(&acme.worker, erase, 200);
    let left = read(&acme, "");
    let comments: Vec<&Value> = left["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["comment"])
        .collect();
    assert_eq!(comments, ["Ben on Ben's"]);
}

#[test]
fn feedback_while_the_database_is_down_is_an_error() {
    let acme = Acme::new();
    let id = answered(&acme, "ana");
    acme.world.shared.faults.once(Port::Audit, Fault::Down);
    let response = say(&acme, "ana", &json!({ "request": id, "thumbs": "up" }));
    check_error(&response, 503, "unavailable");
    assert_eq!(
        say(&acme, "ana", &json!({ "request": id, "thumbs": "up" })).status,
        200
    );
}

#[test]
fn only_for_a_recent_request_is_the_governor_asked() {
    let acme = Acme::new();
    let recent = answered(&acme, "ana");
    // The key is checked, then the governor is gone.
    let said = |request: &str| {
        let faults = &acme.world.shared.faults;
        faults.once(Port::Governor, Fault::Slow(0));
        faults.once(Port::Governor, Fault::Down);
        let said = say(&acme, "ana", &json!({ "request": request, "score": 1 }));
        faults.end();
        said.status
    };
    let time: Vec<&str> = recent.split('-').take(2).collect();
    let other = format!("{}-7000-8000-000000000000", time.join("-"));
    assert_eq!(said(&other), 503);
    for old in ["nothing", "01800000-0000-7000-8000-000000000000"] {
        assert_eq!(said(old), 404);
    }
    acme.world.shared.executor.pass(7 * 60 * 60 * 1_000);
    assert_eq!(said(&other), 404);
    let late = say(&acme, "ana", &json!({ "request": recent, "score": 1 }));
    assert_eq!(late.status, 200, "{}", late.text());
}
