//! The record of refusals.

use std::collections::BTreeSet;

use esclusa::audit::{Draft, Outcome};
use esclusa::error::Kind;
use esclusa::governor::command::{Command, Refusal, Reply};
use esclusa::money::Nanos;
use proptest::prelude::*;

use super::storage::*;

fn refuse(request: &str, key: &str) -> Command {
    let draft = Draft {
        status: 403,
        error: Some(Kind::Forbidden),
        key: key.to_owned(),
        ..draft(request)
    };
    Command::Refuse { draft }
}

/// Requests that the records stand for, by outcome.
fn counts(world: &World) -> (u64, u64) {
    let sum = |outcome| {
        let records = world.records();
        let matching = records
            .iter()
            .filter(|record| record.draft.outcome == outcome);
        matching.map(|record| record.count).sum()
    };
    (sum(Outcome::Refused), sum(Outcome::RefusedMany))
}

#[test]
fn a_refused_reserve_says_why() {
    let mut world = World::with(Some(1), Some(10));
    world.run(reserve("too dear", 11));
    world.run(reserve("fits", 1));
    world.run(reserve("too many", 1));
    let told: Vec<_> = world
        .records()
        .iter()
        .map(|record| {
            assert_eq!(record.draft.outcome, Outcome::Refused);
            assert_eq!((record.cost, record.bound), (Nanos::ZERO, Nanos::ZERO));
            (record.draft.status, record.draft.error)
        })
        .collect();
    assert_eq!(
        told,
        [
            (402, Some(Kind::BudgetExhausted)),
            (429, Some(Kind::RateLimited))
        ]
    );
}

#[test]
fn a_refusal_is_recorded_once_and_told_again() {
    let mut world = World::with(None, Some(10));
    let first = world.run(reserve("a", 11));
    assert_eq!(world.read(reserve("a", 11)), first);
    assert_eq!(world.read(reserve("a", 1)), first, "even if it fits now");
    let done = world.run(refuse("b", "key"));
    assert!(matches!(done, Reply::Done { .. }));
    assert_eq!(world.read(refuse("b", "key")), done);
    assert_eq!(refusal(world.read(reserve("b", 1))), Refusal::NotReserved);
    assert_eq!(world.last_record().draft.status, 403);
}

#[test]
fn a_request_with_a_record_gets_no_second_one() {
    let mut world = World::with(None, None);
    world.run(reserve("open", 1));
    world.run(reserve("ended", 1));
    world.run(settle("ended", 1));
    world.run(Command::RevokeKey {
        key: "key".to_owned(),
    });
    for request in ["open", "ended"] {
        assert_eq!(
            refusal(world.read(reserve(request, 1))),
            Refusal::KeyRevoked
        );
        world.read(refuse(request, "key"));
    }
}

#[test]
fn the_first_hundred_of_a_minute_are_recorded_and_the_others_counted() {
    let mut world = World::with(None, None);
    for index in 0..250 {
        world.run(refuse(&format!("r{index}"), "noisy"));
    }
    world.run(refuse("quiet one", "quiet"));
    assert_eq!(counts(&world), (101, 0));
    assert_eq!(world.governor.next_due(), Some(START + MINUTE));
    world.now = START + MINUTE - 1;
    world.tick();
    assert_eq!(counts(&world), (101, 0));
    world.now += 1;
    world.crash();
    world.tick();
    assert_eq!(counts(&world), (101, 150));
    let record = world.last_record();
    assert_eq!(
        (
            record.draft.key.as_str(),
            record.draft.status,
            record.draft.at
        ),
        ("noisy", 403, START)
    );
    assert_eq!(world.governor.next_due(), None);
    world.check();
}

#[test]
fn the_next_refusal_closes_the_minute_where_no_tick_did() {
    let mut world = World::with(None, None);
    for index in 0..103 {
        world.run(refuse(&format!("r{index}"), "noisy"));
    }
    world.now += MINUTE;
    let rows = world.storage.rows.len();
    world.run(refuse("next", "noisy"));
    assert_eq!(world.storage.rows.len(), rows + 2);
    assert_eq!(counts(&world), (101, 3));
    world.check();
}

#[test]
fn keys_beyond_a_thousand_share_a_tally() {
    let mut world = World::with(None, None);
    for index in 0..1_200 {
        world.run(refuse(&format!("r{index}"), &format!("key{index}")));
    }
    assert_eq!(counts(&world), (1_100, 0));
    world.now += MINUTE;
    world.tick();
    assert_eq!(counts(&world), (1_100, 100));
    assert_eq!(world.last_record().draft.key, "");
    world.run(refuse("next", "key0"));
    let snapshot = world.governor.snapshot().unwrap();
    assert!(!snapshot.contains("\"key1\""), "idle tallies are purged");
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever fails meanwhile, records stand for exactly the requests that were refused.
    #[test]
    fn refusals_are_counted_exactly(
        steps in prop::collection::vec(
            (
                0_u32..4,
                prop_oneof![8 => Just(1_usize), 2 => Just(120_usize)],
                prop_oneof![6 => 0_u64..500, 2 => 20_000_u64..70_000],
                prop_oneof![6 => Just(None), 1 => Just(Some(Fault::Before)), 1 => Just(Some(Fault::After))],
                any::<bool>(),
            ),
            1..30,
        ),
    ) {
        let mut world = World::with(Some(0), None);
        let mut refused = BTreeSet::new();
        for (step, (key, many, pause, fault, ticks)) in steps.into_iter().enumerate() {
            world.now += pause;
            for index in 0..many {
                let request = format!("r{step}-{index}");
                let mut command = reserve(&request, 0);
                if let Command::Reserve(reserve) = &mut command {
                    reserve.draft.key = format!("key{key}");
                }
                world.storage.fault = fault;
                if world.try_run(command.clone()).is_err() {
                    world.crash();
                    world.run(command);
                }
                refused.insert(request);
            }
            if ticks {
                world.tick();
            }
        }
        world.now += MINUTE;
        world.tick();
        let (recorded, counted) = counts(&world);
        prop_assert_eq!(recorded + counted, refused.len() as u64);
        world.check();
    }
}
