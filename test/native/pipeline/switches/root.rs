//! Switches of the whole deployment, and a root that cannot be reached.

use super::*;

/// An isolate that sends a request each 50 ms for 18 s: when each was sent, and its status.
fn load(acme: &Acme, worker: &Worker) -> Rc<RefCell<Vec<(u64, u16)>>> {
    let told: Rc<RefCell<Vec<(u64, u16)>>> = Rc::default();
    for index in 0..360 {
        let (shared, worker) = (Rc::clone(&acme.world.shared), worker.clone());
        let request = acme.request(&chat("light", &format!("Question {index}")));
        let (told, group) = (Rc::clone(&told), worker.group);
        let task = async move {
            shared.sleep(index * PACE_MS).await;
            let sent_at = shared.clock.wall();
            let response = worker.open(request).await.finish().await;
            told.borrow_mut().push((sent_at, response.status));
        };
        acme.world.shared.executor.spawn(group, Box::pin(task));
    }
    told
}

#[test]
fn under_load_nothing_is_admitted_once_a_switch_has_answered() {
    for admission in ["strict", "leased"] {
        let acme = Acme::with(&json!({
            "admission": admission, "limits": [], "budgets": [],
            "tiers": { "light": [QWEN, LLAMA_SMALL] }
        }));
        acme.world.shared.latency.set(10);
        let workers: Vec<Worker> = (2..5).map(|group| acme.world.worker(group)).collect();
        let told: Vec<_> = workers.iter().map(|worker| load(&acme, worker)).collect();
        let mut off: Vec<(u64, u64)> = Vec::new();
        for path in [
            of_org("org"),
            of_all("everything"),
            of_org("operation/chat"),
            of_all("provider/workers-ai"),
        ] {
            acme.world.shared.executor.pass(2_000);
            let on = turn_on(&acme, &path);
            let from = on["effective_at"].as_u64().unwrap();
            acme.world.shared.executor.pass(1_000);
            let until = acme.world.shared.clock.wall();
            off.push((from, until));
            turn_off(&acme, &path);
        }
        acme.world.shared.executor.pass(30_000);
        let told: Vec<(u64, u16)> = told.iter().flat_map(|told| told.borrow().clone()).collect();
        let is_off = |at: u64| {
            off.iter()
                .any(|(from, until)| (*from..*until).contains(&at))
        };
        let sent_off: Vec<_> = told.iter().filter(|(at, _)| is_off(*at)).collect();
        assert!(sent_off.len() > 150, "{}", sent_off.len());
        assert!(
            sent_off.iter().all(|(_, status)| *status == 503),
            "{admission}"
        );
        let answered = told.iter().filter(|(_, status)| *status == 200).count();
        assert!(answered > 500, "{answered}");
        let ledger = acme.world.governors.of("acme");
        assert_eq!(ledger.borrow().ledger().leased > 0, admission == "leased");
    }
}

/// Milliseconds until a turn of a switch of the deployment has answered.
fn took(acme: &Acme, path: &str) -> u64 {
    let before = acme.world.shared.clock.wall();
    turn_on(acme, path);
    acme.world.shared.clock.wall() - before
}

#[test]
fn a_governor_that_cannot_be_told_has_let_go_of_its_copy_when_the_turn_answers() {
    let acme = Acme::new();
    acme.ask(&faq());
    // The root tells its edition, turns it, tells it and says who has it; then the org is not reached.
    for _ in 0..4 {
        acme.world
            .shared
            .faults
            .once(Port::Governor, Fault::Slow(0));
    }
    for _ in 0..2 {
        acme.world.shared.faults.once(Port::Governor, Fault::Down);
    }
    let took = took(&acme, &of_all("everything"));
    assert!(
        (GOOD_MS..LONGEST_MS + EFFECTIVE_MS).contains(&took),
        "{took}"
    );
    refused(&acme, &acme.worker, acme.request(&faq()));
}

#[test]
fn a_deployment_at_rest_is_switched_off_at_once() {
    let acme = Acme::new();
    acme.ask(&faq());
    assert_eq!(took(&acme, &of_all("everything")), 0);
    acme.world.shared.executor.pass(120_000);
    acme.world.governors.evict_all();
    turn_off(&acme, &of_all("everything"));
    assert_eq!(took(&acme, &of_all("everything")), 0);
}

#[test]
fn a_root_that_forgot_who_has_copies_waits_for_all() {
    let acme = Acme::new();
    acme.ask(&faq());
    acme.world.governors.of(ROOT).borrow_mut().evict();
    let took = took(&acme, &of_all("everything"));
    assert!(
        (GOOD_MS..=LONGEST_MS + EFFECTIVE_MS).contains(&took),
        "{took}"
    );
    refused(&acme, &acme.worker, acme.request(&faq()));
}

#[test]
fn an_org_goes_on_for_half_a_minute_without_the_root_and_then_refuses() {
    let acme = Acme::new();
    acme.ask(&faq());
    acme.world.shared.faults.always(Port::Root, Fault::Down);
    let ask = |text: &str| acme.send(&question("light", text));
    for second in 0..29 {
        assert_eq!(ask(&format!("Question {second}")).status, 200);
        acme.world.shared.executor.pass(1_000);
    }
    acme.world.shared.executor.pass(1_000);
    let message = check_error(&ask("too late"), 503, "unavailable");
    assert!(message.contains("kill switches"), "{message}");
    acme.world.shared.faults.end();
    assert_eq!(ask("again").status, 200);
    acme.check_released();
}

#[test]
fn an_org_that_was_not_told_hears_of_it_within_seconds() {
    let acme = Acme::new();
    acme.ask(&faq());
    let root = acme.world.governors.of(ROOT);
    // As if the isolate of the administrator had died after the root's row.
    let on = esclusa::governor::switches::Turn {
        subject: "everything".parse().unwrap(),
        on: Some(esclusa::governor::switches::Switch::default()),
        of: None,
    };
    let on = esclusa::governor::command::Command::Turn(on);
    let envelope = esclusa::governor::command::Envelope::new(on);
    let now = acme.world.shared.clock.wall();
    root.borrow_mut().execute(&envelope, now, None).unwrap();
    acme.world.shared.executor.pass(5_000);
    acme.ask(&question("light", "the copy is refreshed meanwhile"));
    refused(&acme, &acme.worker, acme.request(&faq()));
}

#[test]
fn a_stream_is_broken_off_where_that_is_wanted_and_else_goes_on() {
    for abort in [true, false] {
        let acme = Acme::new();
        acme.world.provider.always(OSS, Act::Drip(10_000));
        let (worker, request) = (acme.worker.clone(), acme.request(&streamed(OSS, "Hello")));
        let read: Rc<RefCell<Option<Response>>> = Rc::default();
        let done = Rc::clone(&read);
        let task = async move {
            let response = worker.open(request).await.finish().await;
            done.replace(Some(response));
        };
        acme.world.shared.executor.spawn(1, Box::pin(task));
        acme.world.shared.executor.pass(12_000);
        let other = acme.world.worker(2);
        let on = put(&of_all(&format!("model/{OSS}")), &json!({ "abort": abort }));
        acme.world.expect(&other, on, 200);
        acme.world.shared.executor.pass(30_000);
        assert_eq!(read.borrow().is_some(), abort);
        acme.world.shared.executor.pass(600_000);
        let response = read.take().unwrap();
        let events = response.events();
        let outcome = acme.record(&response).draft.outcome;
        if abort {
            let last = events.last().unwrap();
            assert!(last.contains("kill_switch") && last.contains(OSS), "{last}");
            assert_eq!(outcome, Outcome::Truncated);
        } else {
            assert_eq!(events.last().unwrap(), "[DONE]");
            assert_eq!(outcome, Outcome::Answered);
        }
        acme.check_released();
    }
}
