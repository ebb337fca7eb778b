//! Nonsense from callers and faults of the platform, each with what comes of it.

use esclusa::audit::Draft;
use esclusa::governor::Governor;
use esclusa::governor::command::{
    Command, Envelope, Refusal, Reply, Reserve, Settle, Tokens, TopUp,
};
use esclusa::governor::rules::{Budget, Limit, Measure, Pace, WhenSpent, Window};
use esclusa::money::Nanos;
use esclusa::usage::Usage;

use super::acts::{by_hand, forget};
use super::storage::*;

#[test]
fn a_command_of_old_code_is_unsupported_and_changes_nothing() {
    let mut world = World::with(None, None);
    let rows = world.storage.rows.len();
    let old = Envelope {
        protocol: 1,
        command: reserve("a", 1),
    };
    let reply = world
        .governor
        .execute(&old, world.now, &mut world.storage)
        .unwrap();
    assert_eq!(reply, Reply::Unsupported { protocol: 3 });
    assert_eq!(world.storage.rows.len(), rows);
}

#[test]
fn an_old_snapshot_or_row_stops_the_governor() {
    let world = World::with(None, None);
    let old = |text: &str| text.replacen("\"version\":4", "\"version\":1", 1);
    let none: [(u64, &str); 0] = [];
    let snapshot = old(&world.governor.snapshot().unwrap());
    assert!(Governor::restore(ORG, world.zones.clone(), Some(&snapshot), none).is_err());
    let row = old(&world.storage.rows[0].entry);
    assert!(Governor::restore(ORG, world.zones.clone(), None, [(1, row)]).is_err());
}

#[test]
fn an_eviction_between_reservation_and_settlement_loses_nothing() {
    let mut world = World::with(Some(1), Some(100));
    world.run(reserve("a", 60));
    world.crash();
    assert_eq!(refusal(world.run(reserve("b", 0))), full());
    world.run(settle("a", 50));
    world.crash();
    let budget = today(&world.state());
    assert_eq!((budget.spent.get(), budget.reserved.get()), (50, 0));
    world.check();
}

fn full() -> Refusal {
    Refusal::RateLimited {
        limit: "requests".to_owned(),
        retry_after_ms: 60 * SECOND,
    }
}

#[test]
fn a_settlement_that_overtakes_its_reservation_is_charged_and_the_reservation_refused() {
    let mut world = World::with(None, Some(100));
    world.run(settle("a", 7));
    assert_eq!(refusal(world.read(reserve("a", 10))), Refusal::NotReserved);
    assert_eq!(
        refusal(world.read(extend("a", 1, 10))),
        Refusal::NotReserved
    );
    world.read(settle("a", 7));
    assert_eq!(world.governor.charged(), 7);
    world.check();
}

#[test]
fn of_budgets_in_conflict_the_strictest_holds() {
    let named = |name: &str, amount, when_spent| Budget {
        name: name.to_owned(),
        when_spent,
        ..daily(amount)
    };
    let budgets = vec![
        named("wide", 100, WhenSpent::Refuse),
        named("soft", 1, WhenSpent::Allow),
        named("cheaper", 5, WhenSpent::Downgrade("light".to_owned())),
        named("narrow", 10, WhenSpent::Refuse),
    ];
    let mut world = World::ruled(rules(Vec::new(), budgets));
    assert!(is_admitted(&world.run(reserve("a", 5))));
    let cheaper = Reply::Downgrade {
        route: "light".to_owned(),
    };
    assert_eq!(world.read(reserve("b", 5)), cheaper);
    assert_eq!(refusal(world.run(reserve("c", 6))), spent("narrow"));
}

#[test]
fn usage_beyond_any_number_fills_a_limit_and_wraps_nothing() {
    for window in [Window::Sliding, Window::Fixed, Window::TokenBucket] {
        let pace = Pace {
            seconds: 60,
            window,
        };
        let tokens = Limit {
            measure: Measure::Tokens(pace),
            limit: 1_000,
            ..per_minute(1)
        };
        let mut world = World::limited(vec![tokens]);
        let asking = |request: &str| {
            let tokens = Tokens {
                input: 1,
                output: 0,
            };
            Command::Reserve(Reserve {
                tokens,
                ..reservation(request)
            })
        };
        world.run(asking("a"));
        let usage = Usage {
            input_tokens: u64::MAX,
            output_tokens: u64::MAX,
            ..Usage::default()
        };
        let draft = Draft {
            usage,
            ..draft("a")
        };
        let cost = Nanos::ZERO;
        world.run(Command::Settle(Settle {
            draft,
            cost,
            ..Settle::default()
        }));
        assert!(!is_admitted(&world.run(asking("b"))), "{window:?}");
        world.check();
    }
}

#[test]
fn an_exception_at_any_statement_leaves_all_of_a_command_or_nothing() {
    let payment = TopUp {
        id: "payment".to_owned(),
        amount: Nanos::new(5),
        note: String::new(),
    };
    let commands = [
        activate(2, Some(9), Some(90)),
        Command::ChangeCorpus { id: "c".to_owned() },
        reserve("new", 1),
        extend("open", 1, 2),
        settle("open", 3),
        settle("expired", 3),
        settle("unknown", 3),
        Command::Refuse {
            draft: draft("refused"),
        },
        Command::RevokeKey {
            key: "key".to_owned(),
        },
        Command::TopUp(payment.clone()),
        by_hand("elsewhere", None),
        by_hand("forgets", Some(forget("forgets", "ann"))),
        by_hand("pays", Some(Command::TopUp(payment))),
    ];
    let prepared = || {
        let mut world = World::with(Some(10), Some(100));
        world.run(Command::Reserve(Reserve {
            deadline_ms: 1,
            ..reservation("expired")
        }));
        world.now += 1;
        world.tick();
        world.run(reserve("open", 5));
        world
    };
    for command in commands {
        let mut expected = prepared();
        expected.run(command.clone());
        for fault in [Fault::Before, Fault::After] {
            let mut world = prepared();
            world.storage.fault = Some(fault);
            assert!(world.try_run(command.clone()).is_err());
            assert!(world.try_run(command.clone()).is_err(), "it stops");
            world.crash();
            world.run(command.clone());
            assert_eq!(
                world.governor.snapshot().unwrap(),
                expected.governor.snapshot().unwrap(),
                "{fault:?} {command:?}"
            );
            world.check();
        }
    }
}
