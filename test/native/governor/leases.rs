//! Leases, one rule at a time.

mod ends;

use esclusa::audit::{CacheStatus, Flag, Outcome};
use esclusa::governor::Governor;
use esclusa::governor::command::{Command, Idempotency, Reply, Reserve, Settle, Tokens, TopUp};
use esclusa::governor::lease::{
    Detach, EFFECTIVE_MS, Flush, Granted, LEASE_MS, Part, Return, Slice,
};
use esclusa::governor::rules::{Admission, Limit, Measure, Pace, Rules, WhenSpent, Window};
use esclusa::money::Nanos;

use super::storage::*;

/// Of one request: a bound of 10, one token in each direction.
fn slice(requests: u64) -> Slice {
    Slice {
        requests,
        bound: Nanos::new(10 * i64::try_from(requests).unwrap()),
        tokens: Tokens {
            input: requests,
            output: requests,
        },
    }
}

fn leased(limits: Vec<Limit>, budget: Option<i64>) -> World {
    let budgets = budget.map(daily).into_iter().collect();
    World::ruled(Rules {
        admission: Admission::Leased,
        ..rules(limits, budgets)
    })
}

fn asking(request: &str, wanted: u64) -> Reserve {
    Reserve {
        bound: Nanos::new(10),
        lease: Some(slice(wanted)),
        ..reservation(request)
    }
}

fn lease_of(reply: Reply) -> Option<Granted> {
    match reply {
        Reply::Admitted { lease, .. } => lease,
        other => panic!("{other:?}"),
    }
}

fn ask(world: &mut World, request: &str, wanted: u64) -> Option<Granted> {
    lease_of(world.run(Command::Reserve(asking(request, wanted))))
}

fn part(lease: &str, number: u32) -> Part {
    Part {
        lease: lease.to_owned(),
        number,
        bound: Nanos::new(10),
        tokens: Tokens {
            input: 1,
            output: 1,
        },
    }
}

fn ended(request: &str, part: Part, cost: i64) -> Settle {
    Settle {
        draft: draft(request),
        cost: Nanos::new(cost),
        part: Some(part),
        ..Settle::default()
    }
}

fn settle_part(world: &mut World, request: &str, part: Part, cost: i64) {
    let reply = world.run(Command::Settle(ended(request, part, cost)));
    assert!(matches!(reply, Reply::Settled { .. }), "{reply:?}");
}

fn give_back(world: &mut World, lease: &str, used: u64) {
    let told = Return {
        lease: lease.to_owned(),
        used: slice(used),
    };
    let flush = Flush {
        settlements: Vec::new(),
        returns: vec![told],
    };
    world.run(Command::Flush(flush));
}

fn used(world: &mut World) -> u64 {
    world.state().limits[0].used
}

fn money(world: &mut World) -> (i64, i64) {
    let today = today(&world.state());
    (today.spent.get(), today.reserved.get())
}

#[test]
fn a_lease_is_a_hundredth_of_what_is_left_at_most() {
    // One request is counted when the lease is: 1,901 are left.
    let mut world = leased(vec![per_minute(1_902)], None);
    assert_eq!(ask(&mut world, "a", 50).unwrap().slice, slice(19));
    assert_eq!(used(&mut world), 20);
    // 1,881 are left.
    assert_eq!(ask(&mut world, "b", 50).unwrap().slice, slice(18));
    // No more than is wanted.
    assert_eq!(ask(&mut world, "c", 3).unwrap().slice, slice(3));
    world.check();
}

#[test]
fn every_limit_and_budget_has_its_say() {
    let pace = Pace {
        seconds: 60,
        window: Window::Sliding,
    };
    let tokens = |limit| Limit {
        measure: Measure::Tokens(pace),
        name: "tokens".to_owned(),
        limit,
        ..per_minute(1)
    };
    let concurrent = |limit| Limit {
        measure: Measure::Concurrent,
        name: "concurrent".to_owned(),
        limit,
        ..per_minute(1)
    };
    // Of tokens two are counted for the request itself, and two for each other.
    let cases = [
        (leased(vec![per_minute(10_000), tokens(1_002)], None), 5),
        (leased(vec![concurrent(701), per_minute(10_000)], None), 7),
        (leased(vec![per_minute(10_000)], Some(9_010)), 9),
        (leased(vec![], None), 20),
    ];
    for (mut world, most) in cases {
        assert_eq!(ask(&mut world, "a", 20).unwrap().slice, slice(most));
        world.check();
    }
}

#[test]
fn where_a_hundredth_is_less_than_a_request_there_is_none() {
    for mut world in [
        leased(vec![per_minute(100)], None),
        leased(vec![], Some(1_009)),
    ] {
        assert_eq!(ask(&mut world, "a", 20), None);
        assert_eq!(world.state().open_reservations, 1);
    }
    let mut world = leased(vec![], Some(1_010));
    assert_eq!(ask(&mut world, "a", 20).unwrap().slice, slice(1));
}

#[test]
fn a_balance_is_lent_like_a_budget_and_a_negative_one_is_not() {
    let prepaid = Rules {
        admission: Admission::Leased,
        prepaid: true,
        ..Rules::default()
    };
    let mut world = World::ruled(prepaid);
    let pay = |id: &str, amount| {
        Command::TopUp(TopUp {
            id: id.to_owned(),
            amount: Nanos::new(amount),
            note: String::new(),
        })
    };
    world.run(pay("one", 4_010));
    assert_eq!(ask(&mut world, "a", 20).unwrap().slice, slice(4));
    world.run(settle("a", 5_000));
    let free = Reserve {
        bound: Nanos::ZERO,
        ..asking("free", 20)
    };
    assert_eq!(lease_of(world.run(Command::Reserve(free))), None);
    world.check();
}

#[test]
fn what_may_be_spent_beyond_a_budget_is_lent_too() {
    let mut soft = daily(5);
    soft.when_spent = WhenSpent::Allow;
    let mut world = World::ruled(Rules {
        admission: Admission::Leased,
        ..rules(Vec::new(), vec![soft])
    });
    assert_eq!(ask(&mut world, "a", 20).unwrap().slice, slice(20));
}

#[test]
fn what_only_the_governor_can_tell_is_not_lent() {
    let scoped = |per: &str| Limit {
        per: per.parse().unwrap(),
        ..per_minute(100_000)
    };
    for per in [
        "user",
        "address",
        "header:x-team",
        "metadata:team",
        "model",
        "provider",
    ] {
        assert_eq!(
            ask(&mut leased(vec![scoped(per)], None), "a", 5),
            None,
            "{per}"
        );
        let mut budget = daily(1_000_000);
        budget.per = per.parse().unwrap();
        let rules = Rules {
            admission: Admission::Leased,
            ..rules(Vec::new(), vec![budget])
        };
        assert_eq!(ask(&mut World::ruled(rules), "a", 5), None, "{per}");
    }
    for per in ["org", "key", "operation", "tier"] {
        assert!(
            ask(&mut leased(vec![scoped(per)], None), "a", 5).is_some(),
            "{per}"
        );
    }
    let bucket = Limit {
        measure: Measure::Requests(Pace {
            seconds: 60,
            window: Window::TokenBucket,
        }),
        ..per_minute(100_000)
    };
    assert_eq!(ask(&mut leased(vec![bucket], None), "a", 5), None);
    assert_eq!(
        ask(&mut World::ruled(Rules::default()), "a", 5),
        None,
        "strict"
    );
    let idempotency = Some(Idempotency {
        name: "n".to_owned(),
        body: "b".to_owned(),
        ..Idempotency::default()
    });
    let mut cached = asking("cached", 5);
    cached.draft.cache = CacheStatus::Hit;
    let mut changing = asking("changing", 5);
    changing.draft.change = Some(Box::default());
    let others = [
        Reserve {
            idempotency,
            ..asking("named", 5)
        },
        Reserve {
            route: Some("light".to_owned()),
            ..asking("route", 5)
        },
        Reserve {
            unpriced: true,
            ..asking("unpriced", 5)
        },
        cached,
        changing,
        Reserve {
            lease: None,
            ..asking("none", 5)
        },
        asking("nothing", 0),
        Reserve {
            lease: Some(Slice {
                bound: Nanos::new(-1),
                ..slice(5)
            }),
            ..asking("negative", 5)
        },
    ];
    for reserve in others {
        let mut world = leased(vec![], None);
        assert_eq!(
            lease_of(world.run(Command::Reserve(reserve.clone()))),
            None,
            "{reserve:?}"
        );
    }
}

#[test]
fn no_window_forgets_a_lease_before_it_is_over() {
    let short = Limit {
        measure: Measure::Requests(Pace {
            seconds: 1,
            window: Window::Sliding,
        }),
        name: "second".to_owned(),
        ..per_minute(1_001)
    };
    let mut world = leased(vec![short], None);
    let granted = ask(&mut world, "a", 10).unwrap();
    assert_eq!((granted.slice.requests, granted.lasts_ms), (10, LEASE_MS));
    // Others come meanwhile, and are counted beside it.
    world.now += 700;
    world.run(reserve("b", 0));
    assert_eq!(used(&mut world), 12);
    world.now += LEASE_MS - 701;
    assert_eq!(used(&mut world), 10, "the last request may be admitted now");
    world.run(reserve("c", 0));
    world.now += SECOND - 1;
    assert_eq!(used(&mut world), 11);
    world.now += 1;
    assert_eq!(used(&mut world), 0);
    world.check();
}

#[test]
fn a_lease_ends_with_the_fixed_window_and_the_day_it_is_counted_in() {
    let fixed = Limit {
        measure: Measure::Requests(Pace {
            seconds: 60,
            window: Window::Fixed,
        }),
        ..per_minute(10_000)
    };
    let mut world = leased(vec![fixed], None);
    world.now += MINUTE - 900;
    assert_eq!(ask(&mut world, "a", 10).unwrap().lasts_ms, 900);
    world.now += 850;
    assert_eq!(ask(&mut world, "b", 10), None, "too short to be worth it");
    world.now += 50;
    assert_eq!(used(&mut world), 0);
    assert_eq!(ask(&mut world, "c", 10).unwrap().lasts_ms, LEASE_MS);
    let mut world = leased(vec![], Some(100_000));
    world.now += DAY - 1_200;
    assert_eq!(ask(&mut world, "a", 10).unwrap().lasts_ms, 1_200);
}

#[test]
fn rules_may_change_while_a_lease_is_out() {
    let mut world = leased(vec![per_minute(10_000)], Some(100_000));
    ask(&mut world, "a", 20);
    world.run(activate(2, None, Some(50)));
    settle_part(&mut world, "a0", part("a", 0), 4);
    world.run(activate(3, Some(10), Some(50)));
    settle_part(&mut world, "a1", part("a", 1), 4);
    give_back(&mut world, "a", 2);
    world.run(settle("a", 1));
    assert_eq!((money(&mut world), used(&mut world)), ((9, 0), 0));
    world.check();
}

#[test]
fn a_snapshot_of_before_leases_is_read() {
    let mut world = World::with(Some(5), Some(100));
    world.run(reserve("a", 60));
    let without = world.governor.snapshot().unwrap();
    let without = without.replacen("\"version\":3", "\"version\":2", 1);
    let without = without
        .replace("\"leases\":{},\"lost\":[],\"forgotten_people\":[],", "")
        .replace(",\"admission\":\"strict\"", "");
    assert!(
        !without.contains("lease") && !without.contains("admission"),
        "{without}"
    );
    let none: [(u64, &str); 0] = [];
    let old = Governor::restore(ORG, world.zones.clone(), Some(&without), none).unwrap();
    assert_eq!(old.snapshot().unwrap(), world.governor.snapshot().unwrap());
    let entries = world.storage.rows.iter().map(|row| {
        (
            row.seq,
            row.entry
                .replacen("\"version\":3", "\"version\":2", 1)
                .replace(",\"admission\":\"strict\"", ""),
        )
    });
    let old = Governor::restore(ORG, world.zones.clone(), None, entries).unwrap();
    assert_eq!(old.snapshot().unwrap(), world.governor.snapshot().unwrap());
}
