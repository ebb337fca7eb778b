//! End users who are forgotten: nothing names them any more, the chain stays, and so do their limits.

use serde_json::json;

use super::support::*;

const ANN: &str = "ann@example.com";

fn asked_by(acme: &Acme, user: &str) -> Request {
    acme.request(&question("light", "Hello"))
        .header("x-ai-user", user)
        .header("cf-connecting-ip", "192.0.2.7")
}

fn erase(acme: &Acme, path: &str) -> Response {
    let path = format!("/admin/v1/orgs/{path}/records");
    let request = Request::new("DELETE", &path).admin();
    acme.world.send(&acme.worker, request)
}

/// Everything that is stored about people of the org.
fn stored(acme: &Acme) -> String {
    let tables = acme.world.database.tables.borrow();
    let people = format!("{:?}", tables.people);
    let records: String = tables.audit.values().map(|it| it.record.as_str()).collect();
    people + &records + &acme.world.governors.of("acme").borrow().stored()
}

fn verified(acme: &Acme) -> bool {
    let get = Request::new("GET", "/admin/v1/audit/verify?org=acme").admin();
    acme.world.expect(&acme.worker, get, 200).json()["verified"] == true
}

fn found(acme: &Acme, user: &str) -> usize {
    let path = format!("/admin/v1/audit?org=acme&user={user}");
    let get = Request::new("GET", &path).admin();
    let found = acme.world.expect(&acme.worker, get, 200).json();
    found["data"].as_array().unwrap().len()
}

fn per_user() -> serde_json::Value {
    json!({
        "limits": [{ "per": "user", "count": "requests", "limit": 3, "seconds": 3_600 }],
        "budgets": [{ "per": "user", "usd": "0.000001", "period": "day", "when_spent": "allow" }],
    })
}

#[test]
fn a_user_is_forgotten_wherever_the_name_was() {
    let acme = Acme::with(&per_user());
    for user in [ANN, "bob", ANN] {
        acme.world.expect(&acme.worker, asked_by(&acme, user), 200);
    }
    assert_eq!((found(&acme, ANN), found(&acme, "bob")), (2, 1));
    assert!(stored(&acme).contains(ANN));
    let erased = erase(&acme, &format!("acme/users/{ANN}"));
    assert_eq!(erased.json()["erased_requests"], 2, "{}", erased.text());
    assert!(!stored(&acme).contains(ANN), "{}", stored(&acme));
    assert!(stored(&acme).contains("bob"));
    assert_eq!((found(&acme, ANN), found(&acme, "bob")), (0, 1));
    let records = acme.world.records("acme");
    assert_eq!(records[0].draft.user, records[2].draft.user);
    assert_eq!(records[0].draft.user.len(), 64);
    let act = acme.world.acts("acme").pop().unwrap();
    assert_eq!(act.draft.user, records[0].draft.user, "whom it was about");
    assert!(verified(&acme));
}

#[test]
fn the_name_in_the_path_is_decoded_and_checked() {
    let acme = Acme::new();
    acme.world.expect(&acme.worker, asked_by(&acme, "bob"), 200);
    assert_eq!(
        erase(&acme, "acme/users/%62ob").json()["erased_requests"],
        1
    );
    assert_eq!(erase(&acme, "acme/users/bob").json()["erased_requests"], 0);
    check_error(&erase(&acme, "acme/users/%ff"), 400, "invalid_request");
    check_error(&erase(&acme, "nobody/users/ann"), 404, "not_found");
}

#[test]
fn a_request_under_way_brings_no_name_back() {
    let acme = Acme::with(&per_user());
    let request = acme
        .request(&streamed("light", "Hello"))
        .header("x-ai-user", ANN);
    let worker = acme.worker.clone();
    let executor = &acme.world.shared.executor;
    let mut opened = executor.block_on(async move {
        let mut opened = worker.open(request).await;
        opened.read().await;
        opened
    });
    erase(&acme, &format!("acme/users/{ANN}"));
    executor.block_on(async move { while opened.read().await {} });
    acme.world.records("acme");
    acme.world.shared.executor.pass(60_000);
    erase(&acme, "acme/users/nobody");
    assert!(!stored(&acme).contains(ANN), "{}", stored(&acme));
}

#[test]
fn nobody_gets_a_new_allowance_by_being_forgotten() {
    let acme = Acme::with(&per_user());
    let ask = || acme.world.send(&acme.worker, asked_by(&acme, ANN)).status;
    assert_eq!([ask(), ask()], [200, 200]);
    erase(&acme, &format!("acme/users/{ANN}"));
    assert_eq!([ask(), ask()], [200, 429]);
}

#[test]
fn an_erasure_that_failed_halfway_is_completed_by_its_repetition() {
    for port in [Port::Audit, Port::Governor] {
        let acme = Acme::new();
        acme.world.expect(&acme.worker, asked_by(&acme, ANN), 200);
        acme.world.records("acme");
        acme.world.shared.faults.always(port, Fault::Down);
        check_error(
            &erase(&acme, &format!("acme/users/{ANN}")),
            503,
            "unavailable",
        );
        acme.world.shared.faults.end();
        erase(&acme, &format!("acme/users/{ANN}"));
        assert!(!stored(&acme).contains(ANN), "{port:?}");
    }
}
