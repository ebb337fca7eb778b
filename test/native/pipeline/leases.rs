//! Orgs whose isolates admit from leases.

use std::cell::RefCell;
use std::rc::Rc;

use esclusa::audit::{Outcome, Record};
use esclusa::money::Nanos;
use serde_json::{Value, json};

use super::support::*;

/// Milliseconds between two requests.
const PACE_MS: u64 = 20;
/// Longer than a lease and all that is told after it.
const QUIET_MS: u64 = 5_000;
/// Longer than any reservation.
const DEADLINE_MS: u64 = 370_000;

fn org(admission: &str) -> Acme {
    with(
        admission,
        &json!([{ "count": "requests", "limit": 100_000, "seconds": 60 }]),
    )
}

fn with(admission: &str, limits: &Value) -> Acme {
    let acme = Acme::with(&json!({
        "admission": admission,
        "limits": limits,
        "budgets": [{ "usd": "1000", "period": "day" }],
    }));
    acme.world.shared.latency.set(10);
    acme
}

/// 50 requests a second for `seconds`, from now on; the replies come in by and by.
fn begin(acme: &Acme, seconds: u64) -> Rc<RefCell<Vec<Response>>> {
    let replies: Rc<RefCell<Vec<Response>>> = Rc::default();
    for index in 0..seconds * 1_000 / PACE_MS {
        let (shared, worker) = (Rc::clone(&acme.world.shared), acme.worker.clone());
        let request = acme.request(&chat("light", &format!("Question {index}")));
        let replies = Rc::clone(&replies);
        let task = async move {
            shared.sleep(index * PACE_MS).await;
            let response = worker.open(request).await.finish().await;
            replies.borrow_mut().push(response);
        };
        acme.world
            .shared
            .executor
            .spawn(acme.worker.group, Box::pin(task));
    }
    replies
}

fn pass(acme: &Acme, milliseconds: u64) {
    acme.world.shared.executor.pass(milliseconds);
}

/// The same to its end; gives the governor's calls for each request.
fn load(acme: &Acme, seconds: u64) -> (Vec<Response>, f64) {
    let calls = &acme.world.governors.calls;
    let before = calls.get();
    let replies = begin(acme, seconds);
    pass(acme, seconds * 1_000 + QUIET_MS);
    let replies = replies.take();
    let number = u32::try_from(replies.len()).unwrap();
    let made = u32::try_from(calls.get() - before).unwrap();
    (replies, f64::from(made) / f64::from(number))
}

fn leased(acme: &Acme) -> u64 {
    acme.world.governors.of("acme").borrow().ledger().leased
}

/// Every reply has one record, which says what it cost, and nothing is held.
fn check_settled(acme: &Acme, replies: &[Response]) {
    for reply in replies {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let record = acme.record(reply);
        assert_eq!(record.draft.outcome, Outcome::Answered);
        assert_eq!(reply.told("x-ai-cost-usd"), record.cost.to_usd());
    }
    check_ledger(acme);
}

fn check_ledger(acme: &Acme) -> Vec<Record> {
    acme.check_released();
    let records = acme.world.records("acme");
    let costs: i128 = records.iter().map(|it| i128::from(it.cost.get())).sum();
    let object = acme.world.governors.of("acme");
    assert_eq!(object.borrow_mut().charged(), costs);
    records
}

fn lost(records: &[Record]) -> Vec<&Record> {
    let is_lost = |record: &&Record| record.draft.outcome == Outcome::LeaseLost;
    records.iter().filter(is_lost).collect()
}

#[test]
fn a_busy_isolate_seldom_calls_its_governor() {
    let requests = json!({ "count": "requests", "limit": 100_000, "seconds": 60 });
    let of_user = json!({ "per": "user", "count": "requests", "limit": 9_000, "seconds": 60 });
    let strict = org("strict");
    let leased = org("leased");
    let with_users = with("leased", &json!([requests, of_user]));
    let mut calls = Vec::new();
    for acme in [&strict, &leased, &with_users] {
        let (replies, each) = load(acme, 10);
        assert_eq!(replies.len(), 500);
        check_settled(acme, &replies);
        calls.push(each);
    }
    println!(
        "governor calls a request at 50 requests/s: strict {}, leased {}, leased with limits per user {}",
        calls[0], calls[1], calls[2]
    );
    assert!(
        calls[0] <= 2.0 && calls[1] <= 0.2 && calls[2] <= 1.2,
        "{calls:?}"
    );
    assert!(self::leased(&leased) > 400);
    assert_eq!(self::leased(&with_users), 0);
}

#[test]
fn headers_tell_the_state_of_the_lease() {
    let acme = org("leased");
    let (replies, _) = load(&acme, 2);
    let left = |reply: &Response| -> u64 {
        reply
            .told("x-ratelimit-remaining-requests")
            .parse()
            .unwrap()
    };
    for reply in &replies {
        assert_eq!(reply.told("x-ratelimit-limit-requests"), "100000");
        assert!((99_700..100_000).contains(&left(reply)), "{}", left(reply));
        assert!(reply.header("x-ai-budget-remaining-usd").is_some());
    }
}

#[test]
fn a_quiet_isolate_asks_for_each_request() {
    let acme = org("leased");
    for index in 0..6 {
        let reply = acme.ask(&chat("light", &format!("Question {index}")));
        pass(&acme, 1_000);
        assert_eq!(acme.record(&reply).draft.outcome, Outcome::Answered);
    }
    assert_eq!(leased(&acme), 0);
    check_ledger(&acme);
}

#[test]
fn a_limit_too_small_for_leases_is_as_exact_as_ever() {
    let limits = json!([{ "count": "requests", "limit": 20, "seconds": 60 }]);
    let acme = with("leased", &limits);
    let workers: Vec<Worker> = (1..=3).map(|group| acme.world.worker(group)).collect();
    let requests = (0..60).map(|index| {
        let body = chat("light", &format!("Question {index}"));
        (workers[index % 3].clone(), acme.request(&body))
    });
    let replies = acme.world.send_all(requests.collect());
    let admitted = replies.iter().filter(|reply| reply.status == 200);
    assert_eq!(admitted.count(), 20);
    pass(&acme, QUIET_MS);
    assert_eq!(leased(&acme), 0);
    check_ledger(&acme);
}

#[test]
fn no_lease_is_used_after_a_change_was_answered() {
    let acme = org("leased");
    let replies = begin(&acme, 6);
    pass(&acme, 2_500);
    assert!(leased(&acme) > 0);
    let before = acme.world.shared.clock.elapsed();
    let admin = acme.world.worker(9);
    let config = json!({ "admission": "leased", "tiers": { "light": [GLM] }, "limits": [] });
    let answered = acme.world.configure(&admin, "acme", &config).json();
    let waited = acme.world.shared.clock.elapsed() - before;
    assert!((2_000..3_000).contains(&waited), "{waited}");
    let now = acme.world.shared.clock.wall();
    assert!(answered["effective_at"].as_u64().unwrap().abs_diff(now) < 100);
    let early = replies.borrow().len();
    pass(&acme, 10_000);
    let replies = replies.take();
    let version = answered["version"].as_u64().unwrap();
    // Some of them were under way when it was answered.
    for reply in &replies[early + 5..] {
        assert_eq!(acme.record(reply).draft.versions.config, version);
        assert_eq!(reply.told("cf-aig-model"), GLM);
    }
    check_settled(&acme, &replies);
    let again = acme.world.shared.clock.elapsed();
    acme.world.configure(&admin, "acme", &config);
    assert!(
        acme.world.shared.clock.elapsed() - again < 500,
        "no lease, no wait"
    );
}

#[test]
fn a_revoked_key_is_refused_once_that_was_answered() {
    let acme = org("leased");
    let replies = begin(&acme, 6);
    pass(&acme, 2_500);
    let id = acme.key.split('_').nth(2).unwrap();
    let path = format!("/admin/v1/orgs/acme/keys/{id}");
    let delete = Request::new("DELETE", &path).admin();
    let answered = acme.world.expect(&acme.world.worker(9), delete, 204);
    assert!(!answered.told("x-ai-effective-at").is_empty());
    let early = replies.borrow().len();
    pass(&acme, 10_000);
    let replies = replies.take();
    assert_eq!(replies.len(), 300);
    assert!(replies[early + 5..].iter().all(|reply| reply.status == 401));
    check_ledger(&acme);
}

#[test]
fn a_new_document_ends_leases_too() {
    let acme = org("leased");
    let replies = begin(&acme, 6);
    pass(&acme, 2_500);
    acme.world
        .learn(&acme.world.worker(9), &acme.key, "returns", RETURNS);
    let early = replies.borrow().len();
    pass(&acme, 10_000);
    let replies = replies.take();
    for reply in &replies[early + 5..] {
        assert_eq!(acme.record(reply).draft.versions.corpus, 2);
    }
}

#[test]
fn what_a_lost_isolate_held_is_charged_once() {
    let acme = org("leased");
    let replies = begin(&acme, 6);
    pass(&acme, 2_500);
    acme.world
        .shared
        .lost
        .borrow_mut()
        .insert(acme.worker.group);
    acme.world.shared.executor.cancel_group(acme.worker.group);
    pass(&acme, QUIET_MS);
    assert_ne!(acme.limits()["open_reservations"], 0);
    pass(&acme, DEADLINE_MS);
    let records = check_ledger(&acme);
    // Of a lease whose every request was told, nothing is left to charge.
    let lost = lost(&records).into_iter().filter(|it| it.count > 0);
    let lost: Vec<_> = lost.collect();
    assert!((1..=2).contains(&lost.len()), "{lost:?}");
    for record in lost {
        assert!(record.cost > Nanos::ZERO && record.cost == record.bound);
        assert!((1..=100).contains(&record.count), "{record:?}");
        assert!(record.draft.request.starts_with("lease-"));
    }
    assert!(replies.borrow().len() > 100);
}

#[test]
fn what_cannot_be_told_is_told_again() {
    let acme = org("leased");
    let replies = begin(&acme, 3);
    pass(&acme, 2_900);
    acme.world.shared.faults.always(Port::Governor, Fault::Down);
    pass(&acme, 3_000);
    acme.world.shared.faults.end();
    pass(&acme, 30_000);
    let replies = replies.take();
    let answered: Vec<Response> = replies
        .into_iter()
        .filter(|reply| reply.status == 200)
        .collect();
    assert!(answered.len() > 140, "{}", answered.len());
    check_settled(&acme, &answered);
    assert_eq!(lost(&acme.world.records("acme")).len(), 0);
}

#[test]
fn what_is_never_told_expires() {
    let acme = org("leased");
    let replies = begin(&acme, 3);
    pass(&acme, 2_900);
    acme.world.shared.faults.always(Port::Governor, Fault::Down);
    pass(&acme, 60_000);
    acme.world.shared.faults.end();
    let log = acme.world.shared.log.borrow().join("\n");
    assert!(
        log.contains("could not be settled and will expire"),
        "{log}"
    );
    pass(&acme, DEADLINE_MS);
    let records = check_ledger(&acme);
    assert!(!lost(&records).is_empty());
    let answered = replies
        .borrow()
        .iter()
        .filter(|reply| reply.status == 200)
        .count();
    let settled = records
        .iter()
        .filter(|it| it.draft.outcome == Outcome::Answered);
    let settled = settled.count();
    assert!(settled < answered, "{settled} of {answered}");
    let lost: u64 = lost(&records).iter().map(|record| record.count).sum();
    let expired = records
        .iter()
        .filter(|it| it.draft.outcome == Outcome::Expired);
    let told = settled + expired.count() + usize::try_from(lost).unwrap();
    assert!(told >= answered, "{told} of {answered}");
}

#[test]
fn an_answer_that_is_lost_loses_no_lease() {
    let acme = org("leased");
    let replies = begin(&acme, 4);
    for _ in 0..20 {
        pass(&acme, 100);
        for _ in 0..2 {
            acme.world.shared.faults.once(Port::Governor, Fault::Lost);
        }
    }
    pass(&acme, 30_000);
    acme.world.shared.faults.end();
    pass(&acme, DEADLINE_MS);
    assert!(replies.borrow().iter().any(|reply| reply.status == 503));
    let records = check_ledger(&acme);
    assert_eq!(lost(&records).len(), 0);
    assert!(leased(&acme) > 0);
}

#[test]
fn an_attempt_of_unknown_cost_is_raised_under_a_lease_too() {
    let acme = org("leased");
    let replies = begin(&acme, 4);
    pass(&acme, 2_000);
    for _ in 0..5 {
        acme.world.provider.once(QWEN, Act::ResetAfter);
    }
    pass(&acme, 10_000);
    let replies = replies.take();
    let repeated: Vec<&Response> = replies
        .iter()
        .filter(|reply| reply.told("x-ai-attempts") == "2")
        .collect();
    assert!(!repeated.is_empty());
    for reply in repeated {
        let record = acme.record(reply);
        assert_eq!(reply.status, 200);
        let attempts = &record.draft.attempts;
        assert!(
            attempts[0].bounded && record.cost > attempts[0].cost && record.cost <= record.bound
        );
    }
    check_ledger(&acme);
}

#[test]
fn a_day_ends_for_leases() {
    let acme = org("leased");
    // Two seconds before midnight.
    acme.world.shared.clock.jump(43_200_000 - 2_000);
    let (replies, _) = load(&acme, 4);
    check_settled(&acme, &replies);
    assert!(leased(&acme) > 0);
}
