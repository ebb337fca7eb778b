//! Administration in the audit trail: who changed what, also in vain, and never a change without its
//! record.

use esclusa::audit::{Change, Outcome, Record};
use futures::future::{Either, select};
use serde_json::{Value, json};

use super::support::*;

fn admin(method: &str, path: &str) -> Request {
    let path = format!("/admin/v1/orgs/acme{path}");
    Request::new(method, &path)
        .admin()
        .header("cf-connecting-ip", "192.0.2.9")
}

fn audit(acme: &Acme, query: &str) -> Value {
    let get = Request::new("GET", &format!("/admin/v1/audit?org=acme{query}")).admin();
    acme.world.expect(&acme.worker, get, 200).json()
}

/// The id of the newest key.
fn newest_key(acme: &Acme) -> String {
    let minted = acme.world.mint(&acme.worker, "acme");
    minted["id"].as_str().unwrap().to_owned()
}

fn payment(id: &str) -> Value {
    json!({ "id": id, "usd": "1" })
}

fn object(record: &Record) -> &str {
    record
        .draft
        .change
        .as_ref()
        .map_or("", |change| &change.object)
}

/// What an act was: operation, object, outcome, status.
fn told(record: &Record) -> (String, String, Outcome, u16) {
    let draft = &record.draft;
    let object = object(record).to_owned();
    (draft.operation.clone(), object, draft.outcome, draft.status)
}

#[test]
fn every_change_of_an_org_has_its_record() {
    let acme = Acme::new();
    let key = newest_key(&acme);
    let expect = |request: Request, status| acme.world.expect(&acme.worker, request, status);
    expect(admin("PUT", "/config").json(&json!({})), 200);
    expect(admin("DELETE", &format!("/keys/{key}")), 204);
    expect(admin("POST", "/credits").json(&payment("p1")), 200);
    expect(admin("POST", "/credits").json(&payment("p1")), 200);
    expect(admin("DELETE", "/users/ann/records"), 200);
    let acts: Vec<_> = acme.world.acts("acme").iter().map(told).collect();
    let first = acme.key.split('_').nth(2).unwrap();
    let of = |operation: &str, object: &str, outcome, status| {
        (operation.to_owned(), object.to_owned(), outcome, status)
    };
    let changed = |operation, object: &str, status| of(operation, object, Outcome::Changed, status);
    let expected = [
        changed("org.create", "org/acme", 201),
        changed("config.save", "config", 200),
        changed("key.create", &format!("key/{first}"), 201),
        changed("key.create", &format!("key/{key}"), 201),
        changed("config.save", "config", 200),
        changed("key.revoke", &format!("key/{key}"), 204),
        of("credits.pay", "payment/p1", Outcome::ToppedUp, 200),
        changed("user.erase", "user", 200),
    ];
    assert_eq!(acts, expected);
}

#[test]
fn a_record_says_who_what_when_and_from_where() {
    let acme = Acme::new();
    let request = admin("PUT", "/config").json(&json!({}));
    let response = acme.world.expect(&acme.worker, request, 200);
    let id = response.told("x-request-id");
    let found = audit(&acme, &format!("&request={id}"));
    let entry = &found["data"][0];
    let record = &entry["record"];
    assert_eq!(
        (&record["key"], &record["endpoint"]),
        (&json!("admin"), &json!("admin"))
    );
    let change = json!({ "object": "config", "before": 2, "after": 3 });
    assert_eq!(record["change"], change);
    assert_eq!(record["at"], acme.world.shared.clock.wall());
    assert_eq!(entry["person"], json!({ "address": "192.0.2.9" }));
    assert!(!record.to_string().contains("192.0.2.9"));
}

#[test]
fn the_trail_is_filtered_for_changes() {
    let acme = Acme::learned();
    acme.ask(&faq());
    let count = |query: &str| audit(&acme, query)["data"].as_array().unwrap().len();
    assert_eq!(count("&key=admin"), 3);
    assert_eq!(count("&changes=true"), 4, "with the document");
    assert_eq!(count("&changes=false"), 1);
    assert_eq!(count("&object=document/returns"), 1);
    assert_eq!(count("&operation=key.create"), 1);
    let scopes =
        audit(&acme, "&operation=key.create")["data"][0]["record"]["change"]["scopes"].clone();
    assert_eq!(scopes, json!(["inference", "knowledge"]));
    let bad = Request::new("GET", "/admin/v1/audit?org=acme&changes=perhaps").admin();
    check_error(&acme.world.send(&acme.worker, bad), 400, "invalid_request");
}

#[test]
fn documents_are_added_and_removed_by_name() {
    let acme = Acme::learned();
    let remove = || Request::new("DELETE", "/v1/knowledge/documents/returns").key(&acme.key);
    acme.world.expect(&acme.worker, remove(), 204);
    check_error(&acme.world.send(&acme.worker, remove()), 404, "not_found");
    let acts: Vec<_> = acme.world.records("acme").iter().map(told).collect();
    let object = || "document/returns".to_owned();
    let removal = |outcome, status| ("document.remove".to_owned(), object(), outcome, status);
    let expected = [
        ("ingest".to_owned(), object(), Outcome::Answered, 201),
        removal(Outcome::Changed, 204),
        removal(Outcome::Refused, 404),
    ];
    assert_eq!(acts, expected);
    let records = acme.world.records("acme");
    assert!(records.iter().all(|it| acme.key.contains(&it.draft.key)));
}

#[test]
fn refused_attempts_are_recorded() {
    let acme = Acme::new();
    let stale = admin("PUT", "/config").header("if-match", "\"1\"");
    let attempts = [
        (
            admin("PUT", "/config").json(&json!({ "x": 1 })),
            400,
            "config",
        ),
        (stale.json(&json!({})), 412, "config"),
        (
            admin("POST", "/keys").json(&json!({ "scopes": [] })),
            400,
            "",
        ),
        (admin("DELETE", "/keys/none"), 404, "key/none"),
        (admin("POST", "/credits").json(&payment("")), 400, ""),
        (admin("DELETE", "/users/%ff/records"), 400, ""),
    ];
    for (request, status, name) in attempts {
        let response = acme.world.send(&acme.worker, request);
        assert_eq!(response.status, status, "{}", response.text());
        let acts = acme.world.acts("acme");
        let record = acts.last().unwrap();
        assert_eq!(record.draft.request, response.told("x-request-id"));
        assert_eq!(
            (record.draft.outcome, record.draft.status, object(record)),
            (Outcome::Refused, status, name)
        );
    }
    let wrong = Request::new("PUT", "/admin/v1/orgs/acme/config").key("wrong");
    check_error(
        &acme.world.send(&acme.worker, wrong),
        401,
        "invalid_api_key",
    );
    assert_eq!(acme.world.acts("acme").len(), 3 + 6, "strangers have none");
}

#[test]
fn no_record_of_a_change_holds_a_secret_or_a_text() {
    let acme = Acme::learned();
    let minted = acme.world.mint(&acme.worker, "acme");
    let secret = minted["key"].as_str().unwrap().split('_').nth(3).unwrap();
    let erase = admin("DELETE", "/users/ann@example.com/records");
    acme.world.expect(&acme.worker, erase, 200);
    acme.world.records("acme");
    let sealed = acme.world.database.sealed("acme");
    let all: String = sealed.into_iter().map(|sealed| sealed.record).collect();
    for hidden in [secret, "admin-secret", RETURNS, "ann@example.com"] {
        assert!(!all.contains(hidden), "{hidden}");
    }
}

#[test]
fn without_its_governor_nothing_is_changed() {
    let acme = Acme::learned();
    let key = newest_key(&acme);
    let changes = [
        admin("PUT", "/config").json(&json!({})),
        admin("POST", "/keys").json(&json!({})),
        admin("DELETE", &format!("/keys/{key}")),
        admin("POST", "/credits").json(&payment("p1")),
        admin("DELETE", "/users/ann/records"),
        Request::new("DELETE", "/v1/knowledge/documents/returns").key(&acme.key),
    ];
    let before = state(&acme);
    acme.world.shared.faults.always(Port::Governor, Fault::Down);
    for change in changes {
        let refused = acme.world.send(&acme.worker, change);
        check_error(&refused, 503, "unavailable");
    }
    acme.world.shared.faults.end();
    assert_eq!(state(&acme), before);
}

/// What is in force.
fn state(acme: &Acme) -> Value {
    let get = |request: Request| acme.world.expect(&acme.worker, request, 200).json();
    let documents = Request::new("GET", "/v1/knowledge/documents").key(&acme.key);
    let limits = acme.limits();
    json!({
        "version": limits["config_version"],
        "credits": limits["credits"],
        "keys": get(admin("GET", "/keys")),
        "documents": get(documents),
    })
}

#[test]
fn a_key_that_could_not_be_stored_has_a_record_that_says_so() {
    let acme = Acme::new();
    let faults = &acme.world.shared.faults;
    // The org is found, its record is made, the row is not stored.
    faults.once(Port::Tenants, Fault::Slow(0));
    faults.once(Port::Tenants, Fault::Down);
    let failed = acme
        .world
        .send(&acme.worker, admin("POST", "/keys").json(&json!({})));
    check_error(&failed, 503, "unavailable");
    let acts = acme.world.acts("acme");
    let outcomes = |record: &Record| (record.draft.outcome, record.draft.status);
    let last: Vec<_> = acts.iter().skip(3).map(outcomes).collect();
    assert_eq!(last, [(Outcome::Changed, 201), (Outcome::Failed, 503)]);
    assert!(
        acts[3..]
            .iter()
            .all(|it| it.draft.request == acts[3].draft.request)
    );
}

/// Records of changes.
fn changes(acme: &Acme) -> usize {
    let records = [acme.world.acts("acme"), acme.world.records("acme")].concat();
    let is_change = |record: &&Record| record.draft.outcome == Outcome::Changed;
    records.iter().filter(is_change).count()
}

/// Runs a request in an isolate that dies after so many milliseconds; each call takes two of them.
/// Whether it was answered before.
fn cut(acme: &Acme, request: Request, milliseconds: u64) -> bool {
    acme.world.shared.latency.set(1);
    let (shared, worker) = (acme.world.shared.clone(), acme.world.worker(9));
    let dies = acme.world.shared.clone();
    let ended = shared.executor.block_on(async move {
        let answer = Box::pin(async move { worker.open(request).await.finish().await });
        let ended = select(answer, dies.sleep(milliseconds)).await;
        matches!(ended, Either::Left(_))
    });
    acme.world.shared.latency.set(0);
    ended
}

#[test]
fn an_isolate_that_dies_in_a_change_leaves_none_without_its_record() {
    let make: [fn(&Acme) -> Request; 4] = [
        |_| admin("PUT", "/config").json(&json!({ "limits": [] })),
        |_| admin("POST", "/keys").json(&json!({})),
        |acme| admin("DELETE", &format!("/keys/{}", newest_key(acme))),
        |acme| Request::new("DELETE", "/v1/knowledge/documents/returns").key(&acme.key),
    ];
    for make in make {
        let mut cuts = 0;
        for milliseconds in 0.. {
            let acme = Acme::learned();
            let request = make(&acme);
            let (before, recorded) = (state(&acme), changes(&acme));
            if cut(&acme, request, milliseconds) {
                break;
            }
            cuts += 1;
            let is_recorded = changes(&acme) > recorded;
            let after = state(&acme);
            assert!(is_recorded || after == before, "{before} {after}");
        }
        assert!(cuts > 5, "{cuts} places to die in");
    }
}

#[test]
fn an_upload_that_is_never_settled_names_its_document() {
    let acme = Acme::new();
    let document = json!({ "id": "returns", "title": "Returns", "text": RETURNS });
    let upload = Request::new("POST", "/v1/knowledge/documents")
        .key(&acme.key)
        .json(&document);
    let mut milliseconds = 0;
    while acme.world.database.passage_ids("acme").is_empty() {
        cut(&acme, upload.clone(), milliseconds);
        milliseconds += 1;
    }
    acme.world.shared.executor.pass(400_000);
    let records = acme.world.records("acme");
    let last = records.last().unwrap();
    assert_eq!(last.draft.outcome, Outcome::Expired);
    let change = Change {
        object: "document/returns".to_owned(),
        ..Change::default()
    };
    assert_eq!(last.draft.change.as_deref(), Some(&change));
}
