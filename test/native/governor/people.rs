//! Who asked: beside the record, never in it.

use esclusa::audit::person::digest;
use esclusa::audit::{Draft, Person};
use esclusa::governor::command::{Command, Reserve, Settle};
use esclusa::money::Nanos;
use serde_json::Value;

use super::storage::*;

fn named(request: &str) -> Draft {
    Draft {
        person: Person {
            user: "ann@example.com".to_owned(),
            address: "192.0.2.7".to_owned(),
        },
        ..draft(request)
    }
}

/// What goes along with the last row, but is no part of its record.
fn person_beside(world: &World) -> Value {
    let row = world.storage.rows.last().unwrap();
    let record = &row.sealed.as_ref().unwrap().record;
    for personal in ["ann@example.com", "192.0.2.7", "person"] {
        assert!(!record.contains(personal), "{record}");
    }
    let entry: Value = serde_json::from_str(&row.entry).unwrap();
    entry["person"].clone()
}

fn ann() -> Value {
    serde_json::json!({ "user": "ann@example.com", "address": "192.0.2.7" })
}

#[test]
fn every_record_has_its_person_beside_it() {
    let mut world = World::with(None, Some(10));
    let draft = named("refused early");
    world.run(Command::Refuse { draft });
    assert_eq!(person_beside(&world), ann());

    let asked = |request: &str, bound| match reserve(request, bound) {
        Command::Reserve(reserve) => Command::Reserve(Reserve {
            draft: named(request),
            ..reserve
        }),
        other => other,
    };
    world.run(asked("too dear", 11));
    assert_eq!(person_beside(&world), ann());
    world.run(asked("settled", 1));
    world.run(Command::Settle(Settle {
        draft: named("settled"),
        cost: Nanos::new(1),
        ..Settle::default()
    }));
    assert_eq!(person_beside(&world), ann());
    world.run(asked("expires", 1));
    world.now += 3_600_000;
    world.tick();
    assert_eq!(person_beside(&world), ann());
    world.check();
}

#[test]
fn a_salt_lets_records_of_one_user_belong_together() {
    let mut world = World::with(None, None);
    let draft = || named("unsalted");
    world.run(Command::Refuse { draft: draft() });
    assert_eq!(world.last_record().draft.user, "");
    world.governor = world.restored().salted("salt".to_owned());
    let draft = named("salted");
    let digest = digest("ann@example.com", "salt");
    world.run(Command::Refuse { draft });
    assert_eq!(world.last_record().draft.user, digest);
    world.check();
}
