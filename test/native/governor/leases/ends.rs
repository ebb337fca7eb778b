//! What becomes of a lease and of the requests that were admitted from it.

use super::*;

#[test]
fn what_was_not_used_is_given_back() {
    let mut world = leased(vec![per_minute(10_000)], Some(100_000));
    assert_eq!(ask(&mut world, "a", 20).unwrap().slice, slice(20));
    assert_eq!(money(&mut world), (0, 210));
    settle_part(&mut world, "a0", part("a", 0), 4);
    assert_eq!(money(&mut world), (4, 200));
    // Three were admitted, of which two are under way.
    give_back(&mut world, "a", 3);
    assert_eq!((money(&mut world), used(&mut world)), ((4, 30), 4));
    settle_part(&mut world, "a2", part("a", 2), 10);
    settle_part(&mut world, "a1", part("a", 1), 0);
    world.run(settle("a", 1));
    assert_eq!((money(&mut world), used(&mut world)), ((15, 0), 4));
    assert_eq!(world.state().open_reservations, 0);
    let costs: Vec<i64> = world
        .records()
        .iter()
        .map(|record| record.cost.get())
        .collect();
    assert_eq!(costs, [4, 10, 0, 1]);
    assert!(
        world
            .records()
            .iter()
            .all(|record| record.bound == Nanos::new(10))
    );
    world.check();
}

#[test]
fn what_is_told_twice_counts_once() {
    let mut world = leased(vec![per_minute(10_000)], Some(100_000));
    ask(&mut world, "a", 20);
    let flush = Flush {
        settlements: vec![
            ended("a0", part("a", 0), 4),
            ended("a0", part("a", 0), 4),
            ended("a1", part("a", 1), 5),
        ],
        returns: vec![
            Return {
                lease: "a".to_owned(),
                used: slice(2),
            },
            Return {
                lease: "a".to_owned(),
                used: slice(2),
            },
            Return {
                lease: "nobody's".to_owned(),
                used: slice(2),
            },
        ],
    };
    let rows = world.storage.rows.len();
    // The third row is stored, but its writer does not know.
    world.run(Command::Settle(flush.settlements[0].clone()));
    world.storage.fault = Some(Fault::After);
    assert!(world.try_run(Command::Flush(flush.clone())).is_err());
    world.crash();
    world.run(Command::Flush(flush.clone()));
    world.run(Command::Flush(flush));
    assert_eq!(world.storage.rows.len(), rows + 3);
    world.run(settle("a", 0));
    assert_eq!(money(&mut world), (9, 0));
    world.check();
}

#[test]
fn a_lease_that_nobody_gives_back_is_charged_whole() {
    let mut world = leased(vec![per_minute(10_000)], Some(100_000));
    ask(&mut world, "a", 20);
    world.run(settle("a", 1));
    settle_part(&mut world, "a0", part("a", 0), 4);
    world.now += 5 * MINUTE + LEASE_MS - 1;
    world.tick();
    assert_eq!(money(&mut world), (5, 190));
    world.now += 1;
    world.tick();
    world.tick();
    assert_eq!(money(&mut world), (195, 0));
    let record = world.last_record();
    assert_eq!(record.draft.outcome, Outcome::LeaseLost);
    assert_eq!(
        (record.cost, record.bound, record.count),
        (Nanos::new(190), Nanos::new(190), 19)
    );
    assert_eq!(
        (record.draft.request.as_str(), record.draft.key.as_str()),
        ("lease-a", "key")
    );
    assert_eq!(record.flags, [Flag::Bounded]);
    let records = world.records().len();
    // One that is told of later is paid from that, once; the holder's return comes too late.
    settle_part(&mut world, "a1", part("a", 1), 4);
    settle_part(&mut world, "a1", part("a", 1), 4);
    settle_part(&mut world, "a0", part("a", 0), 4);
    give_back(&mut world, "a", 2);
    assert_eq!(money(&mut world), (189, 0));
    let record = world.last_record();
    assert_eq!(
        (record.draft.outcome, record.cost.get()),
        (Outcome::Late, -6)
    );
    assert_eq!(world.records().len(), records + 1);
    world.check();
}

#[test]
fn what_is_under_way_when_a_lease_is_given_back_is_charged_at_its_deadline() {
    let mut world = leased(vec![], Some(100_000));
    ask(&mut world, "a", 20);
    world.run(settle("a", 0));
    give_back(&mut world, "a", 2);
    settle_part(&mut world, "a0", part("a", 0), 1);
    world.now += 10 * MINUTE;
    world.tick();
    assert_eq!(money(&mut world), (11, 0));
    assert_eq!(
        (world.last_record().cost.get(), world.last_record().count),
        (10, 1)
    );
    assert_eq!(world.governor.next_due(), None);
    world.check();
}

#[test]
fn a_repetition_gets_the_same_lease() {
    let mut world = leased(vec![per_minute(10_000)], None);
    let first = ask(&mut world, "a", 10);
    world.now += 300;
    let again = asking("a", 10);
    assert_eq!(lease_of(world.read(Command::Reserve(again))), first);
    assert_eq!(used(&mut world), 11);
}

#[test]
fn a_request_of_a_lease_can_have_a_reservation_of_its_own() {
    let mut world = leased(vec![], Some(100_000));
    ask(&mut world, "a", 20);
    world.run(settle("a", 0));
    assert!(
        !is_admitted(&world.run(extend("a0", 1, 5))),
        "not known by itself"
    );
    let detach = Command::Detach(Detach {
        draft: draft("a0"),
        part: part("a", 0),
        deadline_ms: MINUTE,
    });
    assert!(is_admitted(&world.run(detach.clone())));
    assert!(is_admitted(&world.read(detach)));
    assert!(is_admitted(&world.run(extend("a0", 1, 5))));
    assert_eq!(money(&mut world), (0, 205));
    give_back(&mut world, "a", 1);
    assert_eq!(money(&mut world), (0, 15));
    settle_part(&mut world, "a0", part("a", 0), 12);
    settle_part(&mut world, "a0", part("a", 0), 12);
    assert_eq!(money(&mut world), (12, 0));
    assert_eq!(world.last_record().bound, Nanos::new(15));
    let gone = Detach {
        draft: draft("a1"),
        part: part("a", 1),
        deadline_ms: MINUTE,
    };
    assert!(!is_admitted(&world.read(Command::Detach(gone))));
    world.check();
}

#[test]
fn whoever_changes_something_hears_how_long_leases_may_be_in_use() {
    let waits = |reply: Reply| match reply {
        Reply::Done { effective_ms, .. } => effective_ms,
        other => panic!("{other:?}"),
    };
    let mut world = leased(vec![], None);
    let revoke = |key: &str| Command::RevokeKey {
        key: key.to_owned(),
    };
    assert_eq!(waits(world.run(revoke("k1"))), 0);
    ask(&mut world, "a", 20);
    // However long ago that is by this clock, which may have been set.
    for later in [0, 1_999, DAY] {
        world.now += later;
        assert_eq!(waits(world.run(revoke("k2"))), EFFECTIVE_MS);
    }
    give_back(&mut world, "a", 20);
    assert_eq!(waits(world.run(revoke("k3"))), 0);
}

#[test]
fn a_part_that_is_more_than_its_lease_takes_no_more_than_that() {
    let mut world = leased(vec![per_minute(10_000)], Some(100_000));
    ask(&mut world, "a", 2);
    world.run(settle("a", 0));
    let greedy = Part {
        bound: Nanos::MAX,
        tokens: Tokens {
            input: u64::MAX,
            output: u64::MAX,
        },
        ..part("a", 7)
    };
    settle_part(&mut world, "x", greedy.clone(), 30);
    let record = world.last_record();
    assert_eq!(
        (record.bound.get(), record.flags),
        (20, vec![Flag::Overrun])
    );
    let negative = Part {
        bound: Nanos::new(-5),
        ..part("a", 8)
    };
    settle_part(&mut world, "y", negative, 0);
    settle_part(&mut world, "z", part("nobody's", 0), 50);
    assert_eq!(money(&mut world), (30, 0));
    give_back(&mut world, "a", u64::MAX / 1_000_000_000_000);
    assert_eq!(
        (money(&mut world), world.state().open_reservations),
        ((30, 0), 0)
    );
    world.check();
}
