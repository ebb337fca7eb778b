//! Idempotency keys: one answer for one name.

use esclusa::audit::Outcome;
use esclusa::governor::command::{Command, Idempotency, Refusal, Reply, Reserve, Settle};
use esclusa::money::Nanos;

use super::storage::*;

fn named(request: &str, name: &str, body: &str) -> Command {
    Command::Reserve(Reserve {
        bound: Nanos::new(5),
        idempotency: Some(Idempotency {
            name: name.to_owned(),
            body: body.to_owned(),
            lost: None,
        }),
        ..reservation(request)
    })
}

fn answered(request: &str, kept: bool) -> Command {
    Command::Settle(Settle {
        draft: draft(request),
        cost: Nanos::new(3),
        kept,
        ..Settle::default()
    })
}

fn replayed(reply: Reply) -> String {
    match reply {
        Reply::Replay { request, .. } => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repetition_gets_the_kept_answer_and_costs_nothing() {
    let mut world = World::with(Some(1), Some(5));
    assert!(is_admitted(&world.run(named("a", "n", "body"))));
    world.run(answered("a", true));
    assert_eq!(replayed(world.read(named("b", "n", "body"))), "a");
    world.crash();
    assert_eq!(replayed(world.read(named("c", "n", "body"))), "a");
    assert_eq!(world.governor.charged(), 3);
    world.check();
}

#[test]
fn another_body_is_refused() {
    let mut world = World::with(None, None);
    world.run(named("a", "n", "body"));
    for step in ["running", "ended"] {
        let reply = world.run(named(step, "n", "other body"));
        assert_eq!(refusal(reply), Refusal::IdempotencyKeyReused);
        assert_eq!(world.last_record().draft.status, 422);
        world.run(answered("a", true));
    }
    world.check();
}

#[test]
fn a_repetition_while_it_runs_is_told_to_wait() {
    let mut world = World::with(None, None);
    world.run(named("a", "n", "body"));
    assert_eq!(
        refusal(world.run(named("b", "n", "body"))),
        Refusal::StillRunning
    );
    let record = world.last_record();
    assert_eq!(
        (record.draft.status, record.draft.outcome),
        (409, Outcome::Refused)
    );
    assert!(
        is_admitted(&world.read(named("a", "n", "body"))),
        "its own repetition"
    );
    world.check();
}

#[test]
fn a_failure_frees_the_name() {
    let mut world = World::with(None, None);
    world.run(named("a", "n", "body"));
    world.run(answered("a", false));
    assert!(is_admitted(&world.run(named("b", "n", "other body"))));
    world.now += 6 * MINUTE;
    world.tick();
    assert!(
        is_admitted(&world.run(named("c", "n", "third body"))),
        "an expiry frees it too"
    );
    world.run(answered("b", true));
    assert_eq!(
        refusal(world.run(named("d", "n", "third body"))),
        Refusal::StillRunning
    );
    world.check();
}

#[test]
fn a_refused_request_takes_no_name() {
    let mut world = World::with(None, Some(4));
    assert_eq!(refusal(world.run(named("a", "n", "body"))), spent("day"));
    world.run(activate(2, None, None));
    let Command::Reserve(mut again) = named("b", "n", "other body") else {
        panic!("not a reservation")
    };
    again.planned.config = 2;
    assert!(is_admitted(&world.run(Command::Reserve(again))));
}

#[test]
fn a_name_lasts_a_day() {
    let mut world = World::with(None, None);
    world.run(named("a", "n", "body"));
    world.run(answered("a", true));
    world.now += DAY - 1;
    world.run(settle("other", 0));
    assert_eq!(replayed(world.read(named("b", "n", "body"))), "a");
    world.now += 1;
    world.run(settle("another", 0));
    assert!(is_admitted(&world.run(named("c", "n", "body"))));
    world.check();
}

#[test]
fn a_repetition_is_told_how_long_ago_it_was_answered_and_may_find_that_lost() {
    let mut world = World::with(None, None);
    world.run(named("a", "n", "body"));
    world.now += 10 * 60_000;
    world.run(answered("a", true));
    world.now += 7;
    let Reply::Replay { age_ms, .. } = world.read(named("b", "n", "body")) else {
        panic!("not replayed");
    };
    assert_eq!(age_ms, 7, "not since it began");
    let lost = |request: &str, lost: &str| match named(request, "n", "body") {
        Command::Reserve(mut reserve) => {
            reserve.idempotency.as_mut().unwrap().lost = Some(lost.to_owned());
            Command::Reserve(reserve)
        }
        other => other,
    };
    assert_eq!(replayed(world.read(lost("b", "another"))), "a");
    assert!(is_admitted(&world.run(lost("b", "a"))));
    let again = refusal(world.run(lost("c", "a")));
    assert_eq!(again, Refusal::StillRunning, "the second finds the first");
    world.check();
}
