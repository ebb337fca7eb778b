//! Changes made by hand: in force with their record, or not at all; and users who are forgotten.

use esclusa::audit::person::digest;
use esclusa::audit::{ADMIN, Change, Draft, Outcome, Person};
use esclusa::governor::command::{
    Administer, Command, Refusal, Reply, Reserve, Settle, Subjects, TopUp,
};
use esclusa::governor::rules::{Budget, Limit, Scope, WhenSpent};
use esclusa::money::Nanos;

use super::storage::*;

const ANN: &str = "ann@example.com";

pub(crate) fn by_hand(request: &str, change: Option<Command>) -> Command {
    let draft = Draft {
        key: ADMIN.to_owned(),
        outcome: Outcome::Changed,
        operation: "thing.change".to_owned(),
        change: Some(Box::new(Change {
            object: "thing/1".to_owned(),
            ..Change::default()
        })),
        ..draft(request)
    };
    let change = change.map(Box::new);
    Command::Administer(Administer { draft, change })
}

pub(crate) fn forget(id: &str, user: &str) -> Command {
    Command::Forget {
        id: id.to_owned(),
        user: user.to_owned(),
    }
}

#[test]
fn a_change_is_in_force_with_its_record_in_one_row() {
    let revoke = || Command::RevokeKey {
        key: "key".to_owned(),
    };
    let expire = || Command::ExpireKey {
        key: "key".to_owned(),
        at: START + 1_000,
    };
    let corpus = || Command::ChangeCorpus { id: "c".to_owned() };
    for change in [
        activate(2, Some(1), None),
        revoke(),
        expire(),
        corpus(),
        forget("a", ANN),
    ] {
        let mut world = World::with(None, None);
        let rows = world.storage.rows.len();
        world.run(by_hand("a", Some(change.clone())));
        assert_eq!(world.storage.rows.len(), rows + 1, "{change:?}");
        let record = world.last_record();
        assert_eq!(record.draft.outcome, Outcome::Changed);
        assert_eq!(record.draft.change.unwrap().object, "thing/1");
        world.read(by_hand("a", Some(change)));
        world.check();
    }
}

#[test]
fn what_is_in_force_already_has_no_second_record() {
    let mut world = World::with(None, None);
    world.run(activate(2, None, None));
    let done = world.read(by_hand("late", Some(activate(2, None, None))));
    assert!(matches!(done, Reply::Done { .. }));
}

#[test]
fn a_change_made_elsewhere_is_recorded_once() {
    let mut world = World::with(None, None);
    world.run(by_hand("a", None));
    world.read(by_hand("a", None));
    world.crash();
    world.read(by_hand("a", None));
    world.run(by_hand("b", None));
    assert_eq!(world.records().len(), 2);
    world.check();
}

#[test]
fn a_change_that_failed_after_its_record_has_a_second_that_says_so() {
    let mut world = World::with(None, None);
    world.run(by_hand("a", None));
    let draft = Draft {
        outcome: Outcome::Failed,
        status: 503,
        ..draft("a")
    };
    let failed = Command::Refuse { draft };
    world.run(failed.clone());
    world.read(failed);
    let record = world.last_record();
    assert_eq!(
        (record.draft.outcome, record.draft.status),
        (Outcome::Failed, 503)
    );
    world.check();
}

#[test]
fn a_payment_by_hand_is_one_record() {
    let payment = || {
        Command::TopUp(TopUp {
            id: "p1".to_owned(),
            amount: Nanos::new(5),
            note: "invoice".to_owned(),
        })
    };
    let mut world = World::with(None, None);
    world.run(by_hand("a", Some(payment())));
    world.read(by_hand("b", Some(payment())));
    let record = world.last_record();
    let draft = record.draft;
    assert_eq!((draft.outcome, record.credit.get()), (Outcome::ToppedUp, 5));
    assert_eq!(
        (draft.key.as_str(), draft.note.as_str(), &*draft.request),
        (ADMIN, "invoice", "a")
    );
    assert_eq!(world.records().len(), 1);
    assert_eq!(world.state().credits.unwrap().balance.get(), 5);
    world.check();
}

#[test]
fn a_revoked_key_changes_nothing() {
    let mut world = World::with(None, None);
    world.run(Command::RevokeKey {
        key: ADMIN.to_owned(),
    });
    for change in [None, Some(Command::ChangeCorpus { id: "c".to_owned() })] {
        let refused = world.try_run(by_hand("a", change)).unwrap();
        assert_eq!(refusal(refused), Refusal::KeyRevoked);
    }
    assert_eq!(world.state().versions.corpus, 0);
    assert_eq!(world.records().len(), 1, "the refusal");
}

fn salted(world: World) -> World {
    let governor = world.governor.salted("salt".to_owned());
    World { governor, ..world }
}

fn of_ann(request: &str) -> Reserve {
    Reserve {
        draft: named(request),
        subjects: Subjects {
            user: ANN.to_owned(),
            address: "192.0.2.7".to_owned(),
            ..Subjects::default()
        },
        bound: Nanos::new(10),
        ..reservation(request)
    }
}

fn named(request: &str) -> Draft {
    Draft {
        person: Person {
            user: ANN.to_owned(),
            address: "192.0.2.7".to_owned(),
        },
        ..draft(request)
    }
}

fn settled(request: &str) -> Command {
    Command::Settle(Settle {
        draft: named(request),
        cost: Nanos::new(10),
        ..Settle::default()
    })
}

fn per(scope: &str) -> Scope {
    scope.parse().unwrap()
}

#[test]
fn counters_and_alerts_name_nobody() {
    let limits = ["user", "address"].map(|scope| Limit {
        per: per(scope),
        ..per_minute(2)
    });
    let budget = Budget {
        per: per("user"),
        thresholds: vec![50],
        when_spent: WhenSpent::Allow,
        ..daily(20)
    };
    let mut world = salted(World::ruled(rules(limits.into(), vec![budget])));
    for request in ["a", "b"] {
        assert!(is_admitted(&world.run(Command::Reserve(of_ann(request)))));
        world.run(settled(request));
    }
    assert!(!is_admitted(&world.run(Command::Reserve(of_ann("c")))));
    let snapshot = world.governor.snapshot().unwrap();
    for name in [ANN, "192.0.2.7"] {
        assert!(!snapshot.contains(name), "{name} in {snapshot}");
        assert!(snapshot.contains(&digest(name, "salt")), "{snapshot}");
    }
    let alerts = world.read(Command::Alerts { after: 0 });
    let Reply::Alerts { alerts, .. } = alerts else {
        panic!("{alerts:?}");
    };
    assert_eq!(alerts[0].subject, digest(ANN, "salt"));
}

#[test]
fn a_rule_for_one_user_or_address_speaks_of_that_one() {
    for (scope, only) in [("user", ANN), ("address", "192.0.2.7")] {
        let limit = |only: Option<&str>, limit| Limit {
            per: per(scope),
            only: only.map(str::to_owned),
            ..per_minute(limit)
        };
        let limits = vec![limit(None, 0), limit(Some(only), 1)];
        let mut world = salted(World::empty());
        world.run(activate_rules(1, rules(limits, Vec::new())));
        assert!(is_admitted(&world.run(Command::Reserve(of_ann("a")))));
        assert!(!is_admitted(&world.run(Command::Reserve(of_ann("b")))));
        assert!(!is_admitted(&world.run(reserve("nobody", 0))));
    }
}

#[test]
fn a_late_settlement_does_not_name_who_was_forgotten_meanwhile() {
    let mut world = salted(World::with(None, None));
    world.run(Command::Reserve(of_ann("late")));
    for act in ["first", "second"] {
        world.run(by_hand(act, Some(forget(act, ANN))));
        world.now += DAY / 2;
        world.tick();
    }
    world.run(settled("late"));
    let record = world.last_record();
    assert_eq!(record.draft.outcome, Outcome::Late);
    assert_eq!(record.draft.user, digest(ANN, "salt"));
    let last = world.storage.rows.last().unwrap();
    assert!(!last.entry.contains(ANN), "{}", last.entry);
    world.check();
}

#[test]
fn a_user_who_is_forgotten_is_not_named_by_what_is_under_way() {
    for expires in [false, true] {
        let mut world = salted(World::with(None, None));
        world.run(Command::Reserve(of_ann("open")));
        world.run(by_hand("a", Some(forget("a", ANN))));
        assert_eq!(world.last_record().draft.user, digest(ANN, "salt"));
        world.storage.snapshot = Some(world.governor.snapshot().unwrap());
        world.governor = world.restored().salted("salt".to_owned());
        if expires {
            world.now += DAY;
            world.tick();
        } else {
            world.run(settled("open"));
        }
        let snapshot = world.storage.snapshot.clone().unwrap();
        let last = world.storage.rows.last().unwrap();
        for text in [snapshot, last.entry.clone()] {
            assert!(!text.contains(ANN), "{text}");
        }
        let record = world.last_record();
        assert_eq!(record.draft.request, "open");
        assert_eq!(record.draft.user, digest(ANN, "salt"), "the chain has it");
        world.check();
    }
}
