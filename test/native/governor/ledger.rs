//! Money: admission against the budget, settlement, expiry, correction.

use esclusa::audit::{Attempt, Draft, Flag, Outcome};
use esclusa::error::Kind;
use esclusa::governor::command::{Command, Envelope, Refusal, Reply, Settle, Versions};
use esclusa::governor::switches::Notice;
use esclusa::money::Nanos;
use esclusa::usage::Usage;

use super::storage::*;

/// Spent and reserved today.
fn money(world: &mut World) -> (i64, i64) {
    let budget = today(&world.state());
    (budget.spent.get(), budget.reserved.get())
}

#[test]
fn exactly_the_budget_is_admitted() {
    let mut world = World::with(None, Some(100));
    let mut admitted = 0;
    for index in 0..500 {
        admitted += u32::from(is_admitted(&world.run(reserve(&format!("r{index}"), 1))));
    }
    assert_eq!(admitted, 100);
    assert_eq!(money(&mut world), (0, 100));
    assert_eq!(refusal(world.run(reserve("more", 1))), spent("day"));
    world.check();
}

#[test]
fn a_settlement_releases_the_bound_and_charges_the_cost() {
    let mut world = World::with(None, Some(100));
    world.run(reserve("a", 60));
    assert_eq!(money(&mut world), (0, 60));
    world.run(settle("a", 10));
    assert_eq!(money(&mut world), (10, 0));
    assert!(is_admitted(&world.run(reserve("b", 90))));
    assert_eq!(today(&world.state()).remaining(), Some(Nanos::ZERO));
    world.check();
}

#[test]
fn a_request_is_charged_once() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 60));
    world.run(settle("a", 10));
    let reply = world.read(settle("a", 10));
    assert!(matches!(reply, Reply::Settled { .. }));
    world.crash();
    world.read(settle("a", 99));
    assert_eq!(money(&mut world), (10, 0));
    assert_eq!(world.records().len(), 1);
}

#[test]
fn a_repeated_reserve_counts_once() {
    let mut world = World::with(Some(10), Some(100));
    let first = world.run(reserve("a", 60));
    assert_eq!(world.read(reserve("a", 60)), first);
    assert_eq!(world.read(reserve("a", 10)), first);
    assert_eq!(world.state().limits[0].used, 1);
}

#[test]
fn a_repeated_reserve_that_may_cost_more_raises_what_is_held() {
    let mut world = World::with(Some(10), Some(100));
    world.run(reserve("a", 60));
    assert!(is_admitted(&world.run(reserve("a", 80))));
    assert_eq!(money(&mut world), (0, 80));
    assert_eq!(refusal(world.read(reserve("a", 101))), spent("day"));
    assert_eq!(money(&mut world), (0, 80));
    world.run(settle("a", 0));
    assert_eq!(money(&mut world), (0, 0));
}

#[test]
fn an_ended_request_is_not_admitted_again() {
    let mut world = World::with(None, None);
    world.run(reserve("settled", 1));
    world.run(settle("settled", 1));
    world.run(reserve("expired", 1));
    world.now += DAY / 2;
    world.tick();
    for request in ["settled", "expired"] {
        assert_eq!(
            refusal(world.read(reserve(request, 1))),
            Refusal::NotReserved
        );
    }
}

#[test]
fn free_requests_pass_an_empty_or_overdrawn_budget() {
    let mut world = World::with(None, Some(0));
    assert!(is_admitted(&world.run(reserve("free", 0))));
    assert_eq!(refusal(world.run(reserve("paid", 1))), spent("day"));
    world.run(settle("free", 7));
    assert!(is_admitted(&world.run(reserve("free again", 0))));
}

#[test]
fn a_negative_bound_is_refused_and_moves_nothing() {
    let mut world = World::with(None, Some(100));
    for bound in [-1, i64::MIN] {
        let reply = world.run(reserve(&format!("r{bound}"), bound));
        assert_eq!(refusal(reply), no_budget());
    }
    world.run(reserve("a", 50));
    assert_eq!(refusal(world.read(extend("a", 1, -10))), no_budget());
    assert_eq!(money(&mut world), (0, 50));
}

#[test]
fn a_lowered_limit_leaves_nothing_but_no_debt() {
    let mut world = World::with(None, Some(100));
    world.run(reserve("a", 80));
    world.run(settle("a", 80));
    world.run(activate(2, None, Some(10)));
    let budget = today(&world.state());
    assert_eq!(budget.spent, Nanos::new(80));
    assert_eq!(budget.remaining(), Some(Nanos::ZERO));
}

#[test]
fn amounts_beyond_what_javascript_counts_do_not_wrap() {
    let twenty_million = 20_000_000 * 1_000_000_000;
    let mut world = World::with(None, Some(twenty_million));
    assert!(is_admitted(&world.run(reserve("a", twenty_million))));
    assert_eq!(refusal(world.run(reserve("b", 1))), spent("day"));
    world.run(settle("a", twenty_million - 1));
    assert!(is_admitted(&world.run(reserve("c", 1))));
    world.check();
}

#[test]
fn absurd_amounts_do_not_wrap() {
    let mut world = World::with(None, Some(i64::MAX));
    assert!(is_admitted(&world.run(reserve("a", i64::MAX))));
    assert_eq!(refusal(world.run(reserve("b", i64::MAX))), spent("day"));
    world.run(activate(2, None, None));
    assert_eq!(refusal(world.run(extend("a", 1, 1))), no_budget());
    world.run(settle("a", i64::MAX));
    world.run(settle("b", i64::MAX));
    assert_eq!(world.governor.charged(), 2 * i128::from(i64::MAX));
    assert_eq!(money(&mut world), (i64::MAX, 0));
    world.check();
}

#[test]
fn an_extension_counts_once_a_step_and_only_what_the_budget_carries() {
    let mut world = World::with(None, Some(100));
    world.run(reserve("a", 40));
    assert!(is_admitted(&world.run(extend("a", 1, 30))));
    assert!(is_admitted(&world.read(extend("a", 1, 30))));
    assert_eq!(money(&mut world), (0, 70));
    assert_eq!(refusal(world.read(extend("a", 2, 31))), spent("day"));
    assert!(is_admitted(&world.run(extend("a", 2, 30))));
    world.crash();
    world.read(extend("a", 2, 30));
    world.run(settle("a", 100));
    assert_eq!(money(&mut world), (100, 0));
    assert_eq!(world.last_record().bound, Nanos::new(100));
    assert_eq!(world.last_record().flags, []);
    for request in ["a", "unknown"] {
        assert_eq!(
            refusal(world.read(extend(request, 3, 1))),
            Refusal::NotReserved
        );
    }
}

#[test]
fn a_reservation_expires_at_its_deadline_and_is_charged_at_its_bound() {
    let mut world = World::with(None, Some(100));
    world.run(reserve("a", 60));
    let due = world.governor.next_due().unwrap();
    assert_eq!(due, START + 5 * MINUTE);
    world.now = due - 1;
    world.tick();
    assert_eq!(money(&mut world), (0, 60));
    world.now = due;
    world.tick();
    assert_eq!(money(&mut world), (60, 0));
    let record = world.last_record();
    assert_eq!(
        (record.draft.outcome, record.cost, record.bound),
        (Outcome::Expired, Nanos::new(60), Nanos::new(60))
    );
    assert_eq!(record.flags, [Flag::Bounded]);
    assert_eq!(
        (world.governor.next_due(), world.state().open_reservations),
        (None, 0)
    );
    world.check();
}

fn renew(request: &str, deadline_ms: u64) -> Command {
    Command::Renew {
        request: request.to_owned(),
        deadline_ms,
    }
}

#[test]
fn a_renewed_reservation_lasts_longer_and_never_shorter() {
    let mut world = World::with(None, Some(100));
    world.run(reserve("a", 60));
    world.now = START + 4 * MINUTE;
    world.run(renew("a", 5 * MINUTE));
    assert_eq!(world.governor.next_due(), Some(START + 9 * MINUTE));
    assert!(matches!(world.read(renew("a", 1)), Reply::Done { .. }));
    assert_eq!(world.governor.next_due(), Some(START + 9 * MINUTE));
    world.crash();
    world.now = START + 6 * MINUTE;
    world.tick();
    assert_eq!(money(&mut world), (0, 60), "past the first deadline");
    world.now = START + 9 * MINUTE;
    world.tick();
    assert_eq!(money(&mut world), (60, 0));
    assert_eq!(
        refusal(world.read(renew("a", 5 * MINUTE))),
        Refusal::NotReserved
    );
    world.check();
}

#[test]
fn a_late_settlement_corrects_once() {
    for (actual, correction) in [(10, -50), (60, 0), (75, 15)] {
        let mut world = World::with(None, None);
        world.run(reserve("a", 60));
        world.now += 5 * MINUTE;
        world.tick();
        world.run(settle("a", actual));
        world.read(settle("a", actual));
        let record = world.last_record();
        assert_eq!(
            (record.draft.outcome, record.cost.get(), record.bound.get()),
            (Outcome::Late, correction, 60)
        );
        assert_eq!(money(&mut world), (actual, 0));
        world.check();
    }
}

#[test]
fn a_reservation_belongs_to_the_day_it_was_made_in() {
    let mut world = World::with(None, Some(100));
    world.now = START + DAY - 1;
    world.run(reserve("a", 100));
    world.run(reserve("b", 0));
    world.now += 1;
    assert_eq!(money(&mut world), (0, 0));
    assert!(is_admitted(&world.run(reserve("c", 100))));
    assert_eq!(refusal(world.read(extend("b", 1, 1))), spent("day"));
    world.run(settle("a", 80));
    assert_eq!(money(&mut world), (0, 100));
    assert!(is_admitted(&world.run(extend("b", 1, 20))));
    assert_eq!(money(&mut world), (0, 100));
    world.check();
}

#[test]
fn the_budget_says_when_it_starts_again() {
    let mut world = World::with(None, Some(100));
    assert_eq!(today(&world.state()).reset, Some(86_400));
    world.now += DAY - 1;
    assert_eq!(today(&world.state()).reset, Some(1));
}

#[test]
fn a_settlement_without_reservation_is_charged_once_and_flagged() {
    let mut world = World::with(None, None);
    world.run(settle("never reserved", 5));
    let record = world.last_record();
    assert_eq!((record.cost, record.bound), (Nanos::new(5), Nanos::new(0)));
    assert_eq!(record.flags, [Flag::Overrun]);
    world.read(settle("never reserved", 5));
    assert_eq!(
        refusal(world.read(reserve("never reserved", 5))),
        Refusal::NotReserved
    );
    world.check();
}

#[test]
fn what_is_forgotten_is_not_charged_again() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 5));
    world.run(settle("a", 5));
    world.now += DAY - 1;
    world.run(activate(2, None, None));
    world.read(settle("a", 5));
    world.now += 1;
    world.run(activate(3, None, None));
    world.read(settle("a", 5));
    world.crash();
    world.read(settle("a", 5));
    let mut newer = draft("newer");
    newer.at = START + 1;
    let cost = Nanos::new(1);
    world.run(Command::Settle(Settle {
        draft: newer,
        cost,
        ..Settle::default()
    }));
    assert_eq!(world.governor.charged(), 6);
}

#[test]
fn ended_ids_are_bounded_by_number_and_still_not_charged_again() {
    let mut world = World::with(None, None);
    let ended = |index: u64| {
        let draft = Draft {
            request: format!("r{index}"),
            at: START + index,
            ..Draft::default()
        };
        let cost = Nanos::new(1);
        Command::Settle(Settle {
            draft,
            cost,
            ..Settle::default()
        })
    };
    for index in 0..20_001 {
        world.run(ended(index));
    }
    assert!(!world.governor.snapshot().unwrap().contains("\"r0\""));
    assert!(world.governor.snapshot().unwrap().contains("\"r1\""));
    for index in [0, 1, 20_000] {
        world.read(ended(index));
    }
    assert_eq!(world.governor.charged(), 20_001);
}

#[test]
fn flags_say_what_is_odd_about_a_charge() {
    let bounded = Attempt {
        bounded: true,
        ..Attempt::default()
    };
    let estimated = Usage::estimate(10, 10);
    let estimated_call = Attempt {
        usage: estimated,
        ..Attempt::default()
    };
    let cases = [
        (10, Usage::default(), vec![], (10, vec![])),
        (11, Usage::default(), vec![], (11, vec![Flag::Overrun])),
        (-1, Usage::default(), vec![], (10, vec![Flag::Bounded])),
        (5, estimated, vec![], (5, vec![Flag::Estimated])),
        (
            5,
            Usage::default(),
            vec![estimated_call],
            (5, vec![Flag::Estimated]),
        ),
        (5, Usage::default(), vec![bounded], (5, vec![Flag::Bounded])),
        (
            10_000,
            Usage::default(),
            vec![],
            (10_000, vec![Flag::Overrun]),
        ),
        (
            10_001,
            Usage::default(),
            vec![],
            (10, vec![Flag::Bounded, Flag::Absurd]),
        ),
    ];
    for (index, (cost, usage, attempts, expected)) in cases.into_iter().enumerate() {
        let mut world = World::with(None, None);
        let request = format!("r{index}");
        world.run(reserve(&request, 10));
        let draft = Draft {
            usage,
            attempts,
            ..draft(&request)
        };
        let cost = Nanos::new(cost);
        world.run(Command::Settle(Settle {
            draft,
            cost,
            ..Settle::default()
        }));
        let record = world.last_record();
        assert_eq!((record.cost.get(), record.flags), expected, "case {index}");
    }
}

#[test]
fn a_request_needs_an_active_configuration_a_live_key_and_current_versions() {
    let mut world = World::empty();
    assert_eq!(refusal(world.run(reserve("a", 1))), Refusal::NotActive);
    world.run(activate(1, None, None));
    let change = |id: &str| Command::ChangeCorpus { id: id.to_owned() };
    world.run(change("c1"));
    world.read(change("c1"));
    let versions = Versions {
        config: 1,
        corpus: 1,
        deployment: 0,
    };
    assert_eq!(
        world.read(reserve("b", 1)),
        Reply::Stale { versions },
        "planned with corpus 0"
    );
    world.read(activate(1, Some(0), Some(0)));
    world.read(activate(0, Some(0), Some(0)));
    let revoke = || Command::RevokeKey {
        key: "key".to_owned(),
    };
    assert_eq!(
        world.run(revoke()),
        Reply::Done {
            versions,
            effective_ms: 0,
            switches: Notice::default()
        }
    );
    world.read(revoke());
    world.crash();
    assert_eq!(refusal(world.run(reserve("c", 1))), Refusal::KeyRevoked);
    assert_eq!(world.last_record().draft.error, Some(Kind::Unauthenticated));
    assert_eq!(world.state().open_reservations, 0);
}

#[test]
fn another_protocol_is_not_guessed_at() {
    let mut world = World::with(None, None);
    let envelope = Envelope {
        protocol: 4,
        command: reserve("a", 1),
    };
    let reply = world
        .governor
        .execute(&envelope, world.now, &mut world.storage)
        .unwrap();
    assert_eq!(reply, Reply::Unsupported { protocol: 3 });
    assert_eq!(world.state().open_reservations, 0);
}
