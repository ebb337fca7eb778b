//! Kill switches of an org and of the deployment.

use esclusa::audit::{Draft, Outcome};
use esclusa::error::Kind;
use esclusa::governor::command::{Command, Extend, Refusal, Reply, Reserve, State, Target, Tokens};
use esclusa::governor::lease::{EFFECTIVE_MS, Slice};
use esclusa::governor::root::{FRESH_MS, Freshness, GOOD_MS, Holders};
use esclusa::governor::rules::{Admission, Rules};
use esclusa::governor::switches::{Edition, Notice, Subject, Switch, Turn};
use esclusa::money::Nanos;

use super::acts::by_hand;
use super::storage::*;

fn subject(name: &str) -> Subject {
    name.parse().unwrap()
}

fn switch() -> Switch {
    Switch {
        by: "admin".to_owned(),
        at: START,
        why: "an incident".to_owned(),
        ..Switch::default()
    }
}

fn turned(name: &str, on: Option<Switch>) -> Command {
    let subject = subject(name);
    let of = None;
    Command::Turn(Turn { subject, on, of })
}

fn on(name: &str) -> Command {
    turned(name, Some(switch()))
}

fn off(name: &str) -> Command {
    turned(name, None)
}

fn edition(number: u64, names: &[&str]) -> Edition {
    let on = names.iter().map(|name| (subject(name), switch()));
    Edition {
        number,
        switches: on.collect(),
        deployment: None,
    }
}

fn killed(name: &str) -> Refusal {
    Refusal::Killed {
        subject: subject(name),
        left_ms: None,
    }
}

fn target(name: &str) -> Target {
    let (provider, model) = name.split_once('/').unwrap();
    Target {
        provider: provider.to_owned(),
        model: model.to_owned(),
    }
}

/// For the operation `faq`, of these candidates.
fn asking(request: &str, candidates: &[&str]) -> Reserve {
    Reserve {
        draft: Draft {
            operation: "faq".to_owned(),
            ..draft(request)
        },
        candidates: candidates.iter().map(|name| target(name)).collect(),
        ..reservation(request)
    }
}

fn asked(world: &mut World, request: &str, candidates: &[&str]) -> Reply {
    world.run(Command::Reserve(asking(request, candidates)))
}

fn chosen(reply: &Reply) -> (usize, bool) {
    match reply {
        Reply::Admitted {
            candidate, guarded, ..
        } => (*candidate, *guarded),
        other => panic!("{other:?}"),
    }
}

fn state_of(reply: Reply) -> State {
    match reply {
        Reply::Admitted { state, .. } | Reply::Refused { state, .. } => state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_off_is_refused_until_it_is_on_again() {
    for name in ["org", "operation/faq", "key/key"] {
        let mut world = World::with(None, None);
        world.run(on(name));
        assert_eq!(refusal(asked(&mut world, "a", &["p/m"])), killed(name));
        world.crash();
        assert_eq!(refusal(asked(&mut world, "b", &["p/m"])), killed(name));
        let record = world.last_record();
        let draft = &record.draft;
        assert_eq!(
            (draft.outcome, draft.error, draft.status),
            (Outcome::Refused, Some(Kind::KillSwitch), 503)
        );
        world.run(off(name));
        assert!(is_admitted(&asked(&mut world, "c", &["p/m"])));
        world.check();
    }
}

#[test]
fn others_go_on() {
    let mut world = World::with(None, None);
    for name in ["operation/chat", "key/other", "model/x", "provider/q"] {
        world.run(on(name));
    }
    assert_eq!(chosen(&asked(&mut world, "a", &["p/m"])).0, 0);
}

#[test]
fn candidates_that_are_off_are_passed_over() {
    let mut world = World::with(None, None);
    let candidates = ["p/a", "q/b", "q/c"];
    assert_eq!(chosen(&asked(&mut world, "1", &candidates)), (0, false));
    world.run(on("provider/p"));
    assert_eq!(chosen(&asked(&mut world, "2", &candidates)), (1, true));
    world.run(on("model/b"));
    assert_eq!(chosen(&asked(&mut world, "3", &candidates)), (2, true));
    world.run(on("model/c"));
    let reply = asked(&mut world, "4", &candidates);
    assert_eq!(refusal(reply), killed("provider/p"), "the first reason");
    world.run(off("provider/p"));
    assert_eq!(chosen(&asked(&mut world, "5", &candidates)), (0, true));
    world.check();
}

#[test]
fn a_fallback_that_is_off_is_refused_and_the_next_is_not() {
    let mut world = World::with(None, None);
    asked(&mut world, "a", &["p/a", "p/b", "p/c"]);
    world.run(on("model/b"));
    let extend = |step, name: &str| {
        Command::Extend(Extend {
            request: "a".to_owned(),
            step,
            by: Nanos::ZERO,
            target: Some(target(name)),
            ..Extend::default()
        })
    };
    assert_eq!(refusal(world.read(extend(1, "p/b"))), killed("model/b"));
    assert!(is_admitted(&world.run(extend(2, "p/c"))));
}

#[test]
fn what_was_admitted_before_stays_so() {
    let mut world = World::with(None, None);
    asked(&mut world, "a", &["p/m"]);
    world.run(on("org"));
    let again = Command::Reserve(asking("a", &["p/m"]));
    assert!(is_admitted(&world.read(again)), "its first reply was lost");
    world.run(settle("a", 0));
    assert_eq!(world.last_record().draft.outcome, Outcome::Answered);
}

#[test]
fn a_switch_goes_off_by_itself() {
    let mut world = World::with(None, None);
    let until = Some(START + 5_000);
    world.run(turned("org", Some(Switch { until, ..switch() })));
    world.now += 1_000;
    let left = Refusal::Killed {
        subject: Subject::Org,
        left_ms: Some(4_000),
    };
    assert_eq!(refusal(asked(&mut world, "a", &["p/m"])), left);
    world.now += 4_000;
    assert!(is_admitted(&asked(&mut world, "b", &["p/m"])));
    world.check();
}

#[test]
fn a_turn_is_one_row_with_its_record_and_counts_once() {
    let mut world = World::with(None, None);
    let rows = world.storage.rows.len();
    world.run(by_hand("act", Some(on("org"))));
    assert_eq!(world.storage.rows.len(), rows + 1);
    assert_eq!(world.last_record().draft.outcome, Outcome::Changed);
    world.read(by_hand("act", Some(on("org"))));
    world.read(off("key/none"));
    let Reply::Switches(edition) = world.read(Command::Switches) else {
        panic!("no switches");
    };
    assert_eq!(edition.number, 1);
    assert_eq!(edition.switches[&Subject::Org], switch());
    world.check();
}

#[test]
fn a_turn_that_arrives_late_undoes_nothing() {
    let mut world = World::with(None, None);
    let turn = |on, of| {
        let subject = Subject::Org;
        let of = Some(of);
        Command::Turn(Turn { subject, on, of })
    };
    world.run(turn(Some(switch()), 0));
    world.read(turn(Some(switch()), 0));
    world.run(turn(None, 1));
    assert_eq!(
        refusal(world.read(turn(Some(switch()), 0))),
        Refusal::SwitchesTurned
    );
    assert!(is_admitted(&asked(&mut world, "a", &["p/m"])));
    world.run(turn(Some(switch()), 2));
    assert_eq!(refusal(world.read(turn(None, 1))), Refusal::SwitchesTurned);
    assert_eq!(refusal(asked(&mut world, "b", &["p/m"])), killed("org"));
}

#[test]
fn there_are_a_thousand_at_most() {
    let mut world = World::with(None, None);
    for index in 0..1_000 {
        world.run(on(&format!("model/{index}")));
    }
    let one_more = world.read(on("model/more"));
    assert_eq!(refusal(one_more), Refusal::TooManySwitches);
    world.run(off("model/7"));
    world.run(on("model/more"));
}

#[test]
fn isolates_hear_which_models_are_off_and_what_is_broken_off() {
    let mut world = World::with(None, None);
    assert!(
        state_of(asked(&mut world, "a", &["p/m"]))
            .switches
            .is_none()
    );
    world.run(on("model/x"));
    let abort = true;
    world.run(turned("key/other", Some(Switch { abort, ..switch() })));
    world.run(Command::Adopt(edition(7, &["provider/q"])));
    let notice = Notice {
        number: 9,
        off: vec![subject("provider/q"), subject("model/x")],
        abort: vec![subject("key/other")],
    };
    assert_eq!(state_of(asked(&mut world, "b", &["p/m"])).switches, notice);
}

#[test]
fn reading_is_checked_too() {
    let check = || Command::Check {
        key: "key".to_owned(),
    };
    let mut world = World::with(None, None);
    assert!(matches!(world.read(check()), Reply::Done { .. }));
    for name in ["operation/faq", "model/m"] {
        world.run(on(name));
    }
    assert!(matches!(world.read(check()), Reply::Done { .. }));
    world.run(on("key/key"));
    assert_eq!(refusal(world.read(check())), killed("key/key"));
    world.run(Command::RevokeKey {
        key: "key".to_owned(),
    });
    assert_eq!(refusal(world.read(check())), Refusal::KeyRevoked);
}

#[test]
fn no_lease_is_granted_while_a_model_is_off() {
    let rules = Rules {
        admission: Admission::Leased,
        ..Rules::default()
    };
    let mut world = World::ruled(rules);
    let slice = Slice {
        requests: 10,
        bound: Nanos::ZERO,
        tokens: Tokens {
            input: 10,
            output: 10,
        },
    };
    let leased = |world: &mut World, request: &str| {
        let reserve = Reserve {
            lease: Some(slice),
            ..asking(request, &["p/m"])
        };
        match world.run(Command::Reserve(reserve)) {
            Reply::Admitted { lease, .. } => lease.is_some(),
            other => panic!("{other:?}"),
        }
    };
    assert!(leased(&mut world, "a"));
    let Reply::Done { effective_ms, .. } = world.run(on("model/x")) else {
        panic!("not done");
    };
    assert_eq!(effective_ms, EFFECTIVE_MS, "a lease is out");
    assert!(!leased(&mut world, "b"));
    world.run(off("model/x"));
    assert!(leased(&mut world, "c"));
    world.run(Command::Adopt(edition(1, &["provider/q"])));
    assert!(!leased(&mut world, "d"));
}

#[test]
fn the_newest_edition_of_the_deployment_counts() {
    let mut world = World::with(None, None);
    world.run(Command::Adopt(edition(2, &["everything"])));
    world.read(Command::Adopt(edition(1, &[])));
    world.read(Command::Adopt(edition(2, &[])));
    world.crash();
    assert_eq!(
        refusal(asked(&mut world, "a", &["p/m"])),
        killed("everything")
    );
    world.run(Command::Adopt(edition(3, &[])));
    assert!(is_admitted(&asked(&mut world, "b", &["p/m"])));
    world.check();
}

/// A governor that admits nothing without the root's switches.
fn watching() -> World {
    let mut world = World::with(None, None);
    world.governor = world.restored().watching();
    world
}

#[test]
fn nothing_is_admitted_without_a_good_copy() {
    let mut world = watching();
    assert_eq!(world.governor.freshness(world.now), Freshness::Gone);
    assert_eq!(
        refusal(asked(&mut world, "a", &["p/m"])),
        Refusal::RootSilent
    );
    let draft = world.last_record().draft;
    assert_eq!((draft.outcome, draft.status), (Outcome::Refused, 503));
    world.governor.note_copy(world.now);
    assert!(is_admitted(&asked(&mut world, "b", &["p/m"])));
    world.now += FRESH_MS;
    assert_eq!(world.governor.freshness(world.now), Freshness::Due);
    assert!(is_admitted(&asked(&mut world, "c", &["p/m"])));
    world.now += GOOD_MS - FRESH_MS;
    assert_eq!(
        refusal(asked(&mut world, "d", &["p/m"])),
        Refusal::RootSilent
    );
    let again = Command::Reserve(asking("c", &["p/m"]));
    assert!(is_admitted(&world.read(again)), "it was admitted before");
    assert!(matches!(world.run(settle("c", 1)), Reply::Settled { .. }));
}

#[test]
fn a_governor_that_lost_its_memory_asks_again() {
    let mut world = watching();
    world.governor.note_copy(world.now);
    world.governor = world.restored().watching();
    assert_eq!(world.governor.freshness(world.now), Freshness::Gone);
}

fn copy(org: &str) -> Command {
    Command::Copy {
        org: org.to_owned(),
    }
}

fn holders(world: &mut World) -> Holders {
    match world.read(Command::Holders) {
        Reply::Holders(holders) => holders,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_root_knows_who_has_a_copy_and_writes_few_rows() {
    let mut root = World::empty();
    root.run(on("everything"));
    let Reply::Switches(given) = root.run(copy("acme")) else {
        panic!("no copy");
    };
    assert!(given.switches.contains_key(&Subject::Everything));
    root.now += 5_000;
    root.read(copy("acme"));
    root.read(copy("globex"));
    let known = holders(&mut root);
    assert!(known.left_ms["acme"] >= GOOD_MS);
    assert_eq!((known.left_ms.len(), known.others_ms), (2, 0));
    root.now += 20_000;
    let rows = root.storage.rows.len();
    root.run(copy("acme"));
    assert_eq!(root.storage.rows.len(), rows + 1, "once in a while");
    root.now += 25_000;
    assert_eq!(holders(&mut root).left_ms.len(), 1, "globex is gone");
    root.check();
}

#[test]
fn a_root_that_lost_its_memory_knows_how_long_to_wait() {
    let mut root = World::empty();
    root.run(copy("acme"));
    let until = root.now + holders(&mut root).left_ms["acme"];
    root.now += 1_000;
    root.crash();
    let unknown = holders(&mut root);
    assert!(unknown.left_ms.is_empty());
    assert!(root.now + unknown.others_ms >= until);
    root.now += unknown.others_ms;
    assert_eq!(holders(&mut root), Holders::default());
}
