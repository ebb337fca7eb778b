//! Faults of the platform around the governor, each with what comes of it. The table of all is in
//! docs/FAULTS.md.

use std::rc::Rc;

use esclusa::audit::Outcome;
use esclusa::error::Error;
use esclusa::governor::command::{Command, Reply};
use esclusa::money::Nanos;
use esclusa::ports::{ChainEnd, Governors, Pending};
use esclusa::upkeep::hourly;
use serde_json::json;

use super::support::*;

const HOUR_MS: u64 = 3_600_000;

fn ask(acme: &Acme, index: u64) -> Response {
    acme.ask(&question("light", &format!("Question {index}")))
}

/// Every record once and in order, and together what was charged.
fn check_records(acme: &Acme, count: usize) {
    let records = acme.world.records("acme");
    assert_eq!(records.len(), count);
    let sum: i64 = records.iter().map(|it| it.cost.get()).sum();
    assert_eq!(acme.spent(), Nanos::new(sum).to_usd());
    let get = Request::new("GET", "/admin/v1/audit/verify?org=acme").admin();
    let report = acme.world.expect(&acme.worker, get, 200).json();
    assert_eq!(report["verified"], true, "{report}");
    acme.check_released();
}

#[test]
fn an_hour_without_the_database_loses_no_record_and_no_money() {
    let acme = Acme::with(&json!({ "limits": [] }));
    ask(&acme, 0);
    acme.world.records("acme");
    let ports = [Port::Audit, Port::Documents, Port::Tenants];
    for port in ports {
        acme.world.shared.faults.always(port, Fault::Down);
    }
    for minute in 1..=60 {
        ask(&acme, minute);
        if minute % 20 == 0 {
            acme.world.governors.evict_all();
        }
        acme.world.shared.executor.pass(60_000);
    }
    assert_eq!(acme.world.stored_records("acme").len(), 1);
    acme.world.shared.faults.end();
    acme.world.shared.executor.pass(120_000);
    assert_eq!(acme.world.stored_records("acme").len(), 61, "by the alarm");
    check_records(&acme, 61);
}

#[test]
fn an_alarm_that_fails_seven_times_goes_off_again() {
    for fault in [Fault::Down, Fault::BeforeAppend, Fault::AfterAppend] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, Act::Hang);
        let (worker, request) = (acme.worker.clone(), acme.request(&question(QWEN, "Wait")));
        let executor = &acme.world.shared.executor;
        let task = async move { drop(worker.open(request).await) };
        let task = executor.spawn(1, Box::pin(task));
        executor.pass(1_000);
        // Nobody is left to settle it: the alarm has to.
        assert!(executor.cancel(task));
        for _ in 0..7 {
            acme.world.shared.faults.once(Port::Alarm, fault);
        }
        executor.pass(HOUR_MS);
        let records = acme.world.stored_records("acme");
        assert_eq!(records.len(), 1, "{fault:?}");
        assert_eq!(records[0].draft.outcome, Outcome::Expired, "{fault:?}");
        assert_eq!(records[0].cost, records[0].bound);
        check_records(&acme, 1);
    }
}

#[test]
fn while_the_bucket_refuses_records_stay_and_can_be_asked_for() {
    let acme = Acme::new();
    let mut secrets = acme.world.secrets.0.borrow_mut();
    secrets.insert("ESCLUSA_AUDIT_SECRET".to_owned(), "secret".to_owned());
    drop(secrets);
    ask(&acme, 1);
    acme.world.records("acme");
    let hour = || {
        acme.world.shared.clock.jump(3_600_000);
        let ports = acme.worker.ports.clone();
        let done = async move { hourly(&ports).await };
        acme.world.shared.executor.block_on(done);
    };
    acme.world.shared.faults.always(Port::Files, Fault::Down);
    acme.world.shared.clock.jump(31 * 86_400_000);
    hour();
    let log = acme.world.shared.log.borrow().join("\n");
    assert!(log.contains("upkeep of acme: no checkpoint"), "{log}");
    assert!(log.contains("upkeep of acme: not archived"), "{log}");
    let get = || Request::new("GET", "/admin/v1/audit?org=acme").admin();
    let page = acme.world.expect(&acme.worker, get(), 200).json();
    assert_eq!(page["data"].as_array().unwrap().len(), 4);
    acme.ask(&question("light", "Hello"));
    acme.world.shared.faults.end();
    hour();
    assert_eq!(acme.world.records("acme").len(), 1, "the new one");
    check_verified(&acme);
}

fn check_verified(acme: &Acme) {
    let get = Request::new("GET", "/admin/v1/audit/verify?org=acme").admin();
    let report = acme.world.expect(&acme.worker, get, 200).json();
    assert_eq!(
        (&report["verified"], &report["checkpoints"]),
        (&json!(true), &json!(1)),
        "{report}"
    );
}

#[test]
fn a_clock_that_goes_back_opens_no_budget_and_no_limit() {
    let config = json!({
        "limits": [{ "count": "requests", "limit": 2, "seconds": 60 }],
        "budgets": [{ "usd": "5", "period": "day" }],
    });
    let acme = Acme::with(&config);
    ask(&acme, 1);
    ask(&acme, 2);
    let spent = acme.spent();
    acme.world.shared.clock.jump(-86_400_000);
    assert_eq!(acme.spent(), spent, "the day is not the one before");
    let refused = acme.send(&question("light", "Question 3"));
    check_error(&refused, 429, "rate_limit_exceeded");
    acme.world.shared.clock.jump(86_400_000);
    acme.world.shared.executor.pass(60_000);
    ask(&acme, 4);
    check_records(&acme, 4);
}

#[test]
fn a_limit_lowered_below_what_is_used_refuses_until_that_has_passed() {
    let config =
        |limit: u64| json!({ "limits": [{ "count": "requests", "limit": limit, "seconds": 60 }] });
    let acme = Acme::with(&config(10));
    for index in 0..8 {
        ask(&acme, index);
    }
    acme.world.configure(&acme.worker, "acme", &config(3));
    let limit = &acme.limits()["limits"][0];
    assert_eq!(
        (&limit["used"], &limit["remaining"]),
        (&json!(8), &json!(0))
    );
    check_error(&acme.send(&faq()), 429, "rate_limit_exceeded");
    acme.world.shared.executor.pass(60_000);
    let statuses: Vec<u16> = (0..4).map(|_| acme.send(&faq()).status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
}

/// A governor of another version.
struct OtherVersion;

impl Governors for OtherVersion {
    fn execute<'a>(&'a self, _: &'a str, _: Command) -> Pending<'a, Reply> {
        Box::pin(async { Ok(Reply::Unsupported { protocol: 1 }) })
    }

    fn flush<'a>(&'a self, _: &'a str) -> Pending<'a, ()> {
        Box::pin(async { Err(Error::internal("not asked")) })
    }

    fn purge<'a>(&'a self, _: &'a str) -> Pending<'a, ()> {
        Box::pin(async { Err(Error::internal("not asked")) })
    }

    fn chain<'a>(&'a self, _: &'a str, _: u64) -> Pending<'a, ChainEnd> {
        Box::pin(async { Err(Error::internal("not asked")) })
    }
}

#[test]
fn while_versions_are_mixed_requests_and_changes_are_refused_and_cost_nothing() {
    let acme = Acme::new();
    let mut mixed = acme.world.worker(2);
    mixed.ports.governors = Rc::new(OtherVersion);
    let refused = acme
        .world
        .send(&mixed, acme.request(&question("light", "Hello")));
    let message = check_error(&refused, 503, "unavailable");
    assert!(message.contains("new version"), "{message}");
    assert!(refused.header("retry-after").is_some());
    assert!(acme.world.provider.calls.borrow().is_empty());
    let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
    let before = acme.limits()["config_version"].clone();
    check_error(
        &acme.world.send(&mixed, put.json(&json!({}))),
        503,
        "unavailable",
    );
    assert_eq!(acme.limits()["config_version"], before);
    ask(&acme, 1);
    check_records(&acme, 1);
}
