//! The audit trail: verified, witnessed, archived, exported.

use esclusa::audit::{GENESIS, Person, Sealed, chain_hash};
use esclusa::upkeep::hourly as keep;
use serde_json::Value;

use super::support::*;

const DAY_MS: i64 = 86_400_000;

/// A trail of some records, all of them in the database.
fn recorded(count: usize) -> Acme {
    let acme = Acme::new();
    record(&acme, count);
    acme
}

fn record(acme: &Acme, count: usize) {
    for _ in 0..count {
        acme.ask(&question("light", "Hello"));
    }
    acme.world.records("acme");
}

fn signed(acme: &Acme) {
    let mut secrets = acme.world.secrets.0.borrow_mut();
    secrets.insert("ESCLUSA_AUDIT_SECRET".to_owned(), "secret".to_owned());
}

/// What the clock starts every hour.
fn hour(acme: &Acme) {
    acme.world.shared.clock.jump(3_600_000);
    let ports = acme.worker.ports.clone();
    let kept = async move { keep(&ports).await };
    acme.world.shared.executor.block_on(kept);
}

fn get(acme: &Acme, path: &str) -> Response {
    let get = Request::new("GET", &format!("/admin/v1/audit/{path}")).admin();
    acme.world.send(&acme.worker, get)
}

fn verify(acme: &Acme) -> Value {
    let response = get(acme, "verify?org=acme");
    assert_eq!(response.status, 200, "{}", response.text());
    response.json()
}

/// The fault, the first record and the last one that `verify` names.
fn found(acme: &Acme) -> (String, u64, u64) {
    let report = verify(acme);
    assert_eq!(report["verified"], false, "{report}");
    let finding = &report["finding"];
    let number = |name: &str| finding[name].as_u64().unwrap();
    let fault = finding["fault"].as_str().unwrap().to_owned();
    (fault, number("seq"), number("through"))
}

fn ann() -> Person {
    Person {
        user: "ann".to_owned(),
        ..Person::default()
    }
}

/// Changes a record in the database.
fn alter(acme: &Acme, seq: u64, change: impl FnOnce(&mut Sealed)) {
    let mut tables = acme.world.database.tables.borrow_mut();
    change(tables.audit.get_mut(&("acme".to_owned(), seq)).unwrap());
}

fn forge(sealed: &mut Sealed) {
    sealed.record = sealed.record.replace("\"cost\":\"", "\"cost\":\"9");
}

/// Alters a record and computes the hashes from there on anew.
fn rechain(acme: &Acme, seq: u64) {
    alter(acme, seq, forge);
    let mut tables = acme.world.database.tables.borrow_mut();
    let mut previous = GENESIS.to_owned();
    for ((_, at), sealed) in &mut tables.audit {
        if *at >= seq {
            sealed.hash = chain_hash(&previous, &sealed.record);
        }
        previous.clone_from(&sealed.hash);
    }
}

/// The governor's object keeps nothing but its snapshot, as it does in time.
fn without_journal(acme: &Acme) {
    let object = acme.world.governors.of("acme");
    while !object.borrow_mut().chain(0).unwrap().records.is_empty() {
        record(acme, 1);
    }
}

fn exported(acme: &Acme, query: &str) -> Vec<Value> {
    let response = get(acme, &format!("export?org=acme{query}"));
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.told("content-type"), "application/x-ndjson");
    let text = response.text();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn seqs(lines: &[Value]) -> Vec<u64> {
    lines
        .iter()
        .map(|line| line["seq"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_trail_that_nobody_touched_verifies() {
    let acme = recorded(3);
    let report = verify(&acme);
    assert_eq!(report["verified"], true, "{report}");
    assert_eq!(
        (&report["records"], &report["head"]["seq"]),
        (&6.into(), &6.into())
    );
    assert_eq!(report["checkpoints"], Value::Null);
    assert!(
        report["notes"][0]
            .as_str()
            .unwrap()
            .contains("ESCLUSA_AUDIT_SECRET")
    );
}

#[test]
fn records_that_are_still_in_the_outbox_are_verified_and_exported() {
    let acme = recorded(2);
    acme.world.shared.faults.always(Port::Audit, Fault::Down);
    acme.ask(&question("light", "Hello"));
    acme.world.shared.faults.end();
    assert_eq!(acme.world.stored_records("acme").len(), 2);
    assert_eq!(verify(&acme)["records"], 6);
    assert_eq!(seqs(&exported(&acme, "")), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn an_altered_record_an_altered_hash_and_a_gap_are_named() {
    let acme = recorded(4);
    alter(&acme, 2, forge);
    assert_eq!(found(&acme), ("altered_record".to_owned(), 2, 2));
    let acme = recorded(4);
    alter(&acme, 2, |sealed| sealed.hash = "0".repeat(64));
    assert_eq!(found(&acme), ("altered_hash".to_owned(), 2, 2));
    let acme = recorded(4);
    let place = ("acme".to_owned(), 2);
    acme.world.database.tables.borrow_mut().audit.remove(&place);
    assert_eq!(found(&acme), ("gap".to_owned(), 2, 2));
}

#[test]
fn a_rechained_suffix_contradicts_what_the_object_has() {
    let acme = recorded(4);
    rechain(&acme, 3);
    assert_eq!(
        found(&acme),
        ("rechained".to_owned(), 3, 3),
        "its journal has every hash"
    );
    let acme = recorded(4);
    without_journal(&acme);
    let end = verify(&acme)["head"]["seq"].as_u64().unwrap();
    rechain(&acme, 3);
    assert_eq!(
        found(&acme),
        ("rechained".to_owned(), 1, end),
        "only its head"
    );
}

#[test]
fn checkpoints_say_where_a_suffix_was_rechained() {
    let acme = Acme::new();
    signed(&acme);
    for _ in 0..5 {
        record(&acme, 2);
        hour(&acme);
    }
    without_journal(&acme);
    assert_eq!(verify(&acme)["checkpoints"], 5);
    assert_eq!(verify(&acme)["verified"], true);
    rechain(&acme, 9);
    assert_eq!(found(&acme), ("rechained".to_owned(), 8, 9));
}

#[test]
fn a_cut_tail_is_named_also_where_the_object_was_set_back() {
    let acme = recorded(4);
    let cut = |(_, seq): &(String, u64), _: &mut Sealed| *seq <= 2;
    acme.world.database.tables.borrow_mut().audit.retain(cut);
    assert_eq!(
        found(&acme),
        ("cut_tail".to_owned(), 3, 7),
        "its journal has them"
    );

    let acme = recorded(4);
    without_journal(&acme);
    let end = verify(&acme)["head"]["seq"].as_u64().unwrap();
    acme.world
        .database
        .tables
        .borrow_mut()
        .audit
        .retain(|(_, seq), _| *seq <= 2);
    assert_eq!(found(&acme), ("cut_tail".to_owned(), 3, end));

    let acme = recorded(4);
    signed(&acme);
    hour(&acme);
    let names: Vec<String> = acme.world.files.files.borrow().keys().cloned().collect();
    let bolt = recorded(2);
    signed(&bolt);
    for name in names {
        bolt.world.files.files.borrow_mut().insert(name, Vec::new());
    }
    assert_eq!(found(&bolt), ("cut_tail".to_owned(), 6, 7));
}

#[test]
fn a_record_that_the_governor_never_made_is_named() {
    let acme = recorded(2);
    let last = acme.world.database.sealed("acme").pop().unwrap();
    let forged = Sealed {
        seq: 6,
        hash: chain_hash(&last.hash, &last.record),
        ..last
    };
    let place = ("acme".to_owned(), 6);
    acme.world
        .database
        .tables
        .borrow_mut()
        .audit
        .insert(place, forged);
    assert_eq!(found(&acme), ("surplus".to_owned(), 6, 6));
}

#[test]
fn a_checkpoint_that_was_not_signed_here_is_named() {
    let acme = recorded(2);
    signed(&acme);
    hour(&acme);
    let name = acme
        .world
        .files
        .files
        .borrow()
        .keys()
        .next()
        .cloned()
        .unwrap();
    let mut files = acme.world.files.files.borrow_mut();
    files.insert(
        name.replace("-0000000000000005-", "-0000000000000006-"),
        Vec::new(),
    );
    drop(files);
    assert_eq!(found(&acme).0, "forged_checkpoint");
}

#[test]
fn without_the_secret_there_are_no_checkpoints() {
    let acme = recorded(2);
    hour(&acme);
    assert!(acme.world.files.files.borrow().is_empty());
}

#[test]
fn old_records_move_to_files_and_stay_verified_and_exported() {
    let acme = recorded(3);
    acme.world.shared.clock.jump(29 * DAY_MS);
    record(&acme, 2);
    hour(&acme);
    assert_eq!(acme.world.stored_records("acme").len(), 5, "not yet");
    acme.world.shared.clock.jump(2 * DAY_MS);
    hour(&acme);
    let stored = acme.world.stored_records("acme");
    assert_eq!(
        stored.iter().map(|record| record.seq).collect::<Vec<_>>(),
        [7, 8]
    );
    assert_eq!(verify(&acme)["records"], 8);
    let lines = exported(&acme, "");
    assert_eq!(seqs(&lines), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(lines[0]["record"]["org"], "acme");
    hour(&acme);
    assert_eq!(acme.world.files.files.borrow().len(), 1, "written once");
}

#[test]
fn what_the_object_sends_again_does_not_come_back_from_the_archive() {
    let acme = recorded(3);
    acme.world.shared.clock.jump(31 * DAY_MS);
    hour(&acme);
    let object = acme.world.governors.of("acme");
    let sealed = object.borrow_mut().chain(0).unwrap().records;
    let sent: Vec<(Sealed, Person)> = sealed.into_iter().map(|it| (it, ann())).collect();
    assert_eq!(sent.len(), 6);
    let again = acme.world.database.clone();
    acme.world
        .shared
        .executor
        .block_on(async move { again.store_records("acme", &sent).await })
        .unwrap();
    assert!(acme.world.stored_records("acme").is_empty());
}

#[test]
fn while_files_are_refused_the_database_stays_as_it_is() {
    let acme = recorded(3);
    acme.world.shared.clock.jump(31 * DAY_MS);
    for fault in [Fault::Down, Fault::Lost] {
        acme.world.shared.faults.always(Port::Files, fault);
        hour(&acme);
        acme.world.shared.faults.end();
        assert_eq!(acme.world.stored_records("acme").len(), 3, "{fault:?}");
        assert!(
            acme.world
                .shared
                .log
                .borrow()
                .iter()
                .any(|line| line.contains("not archived"))
        );
    }
}

#[test]
fn a_run_that_stopped_before_it_removed_the_rows_is_completed() {
    let acme = recorded(3);
    acme.world.shared.clock.jump(31 * DAY_MS);
    let rows = acme.world.database.tables.borrow().audit.clone();
    hour(&acme);
    acme.world.database.tables.borrow_mut().audit = rows.clone();
    hour(&acme);
    assert!(acme.world.stored_records("acme").is_empty());
    assert_eq!(acme.world.files.files.borrow().len(), 1);

    acme.world.database.tables.borrow_mut().audit = rows;
    alter(&acme, 2, forge);
    hour(&acme);
    assert_eq!(
        acme.world.stored_records("acme").len(),
        3,
        "what differs stays"
    );
}

#[test]
fn a_damaged_archive_is_named() {
    let acme = recorded(3);
    acme.world.shared.clock.jump(31 * DAY_MS);
    hour(&acme);
    acme.world
        .files
        .files
        .borrow_mut()
        .values_mut()
        .for_each(|bytes| bytes.truncate(20));
    assert_eq!(found(&acme), ("damaged_archive".to_owned(), 1, 6));
}

#[test]
fn an_export_keeps_to_its_time() {
    let acme = recorded(2);
    acme.world.shared.clock.jump(31 * DAY_MS);
    hour(&acme);
    record(&acme, 2);
    let now = acme.world.shared.clock.wall();
    let minute_ago = now - 60_000;
    assert_eq!(
        seqs(&exported(&acme, &format!("&from={minute_ago}"))),
        [6, 7]
    );
    let before = exported(&acme, &format!("&to={minute_ago}"));
    assert_eq!(seqs(&before), [1, 2, 3, 4, 5]);
    assert_eq!(exported(&acme, "&from=2100-01-01").len(), 0);
}

#[test]
fn bad_parameters_are_refused() {
    let acme = Acme::new();
    for path in [
        "verify",
        "verify?org=acme&color=red",
        "verify?org=acme&after=x",
        "verify?org=acme&after=3-abc",
        "export",
        "export?org=acme&from=yesterday",
        "export?org=acme&from=2&to=1",
        "export?org=acme&limit=1",
    ] {
        check_error(&get(&acme, path), 400, "invalid_request");
    }
    check_error(&get(&acme, "verify?org=nobody"), 404, "not_found");
    check_error(&get(&acme, "export?org=nobody"), 404, "not_found");
}
