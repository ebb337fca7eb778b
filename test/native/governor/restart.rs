//! Storage: failures of the journal, snapshots, formats; and that memory is bounded.

use esclusa::error::Kind;
use std::rc::Rc;

use esclusa::governor::command::{Command, Refusal};
use esclusa::governor::{AlwaysUtc, Governor};

use super::storage::*;

#[test]
fn a_failed_append_changes_nothing_and_stops_the_governor() {
    for (fault, open) in [(Fault::Before, 0), (Fault::After, 1)] {
        let mut world = World::with(None, None);
        let before = world.governor.snapshot().unwrap();
        world.storage.fault = Some(fault);
        assert!(world.try_run(reserve("a", 1)).is_err());
        assert_eq!(world.governor.snapshot().unwrap(), before);
        let error = world.try_run(Command::Inspect { most: 100 }).unwrap_err();
        assert_eq!(error.kind, Kind::Internal);
        assert!(world.governor.tick(world.now, &mut world.storage).is_err());
        world.crash();
        assert_eq!(world.state().open_reservations, open);
        assert!(is_admitted(&world.run(reserve("a", 1))));
        assert_eq!(world.state().open_reservations, 1);
        world.check();
    }
}

#[test]
fn a_snapshot_stands_for_the_rows_it_covers() {
    let mut world = World::with(Some(10), Some(100));
    world.run(reserve("a", 10));
    world.run(reserve("b", 101));
    world.storage.snapshot = Some(world.governor.snapshot().unwrap());
    let covered = world.governor.seq();
    world.run(settle("a", 5));
    world.check();
    let later = world.storage.rows.iter().filter(|row| row.seq > covered);
    let entries = later.map(|row| (row.seq, row.entry.as_str()));
    let snapshot = world.storage.snapshot.as_deref();
    let restored = Governor::restore(ORG, Rc::new(AlwaysUtc), snapshot, entries).unwrap();
    assert_eq!(restored.seq(), world.governor.seq());
    assert_eq!(
        restored.snapshot().unwrap(),
        world.governor.snapshot().unwrap()
    );
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 1));
    let snapshot = world.governor.snapshot().unwrap();
    let entry = world.storage.rows[0].entry.clone();
    let none: [(u64, &str); 0] = [];
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), Some(&snapshot), none).is_ok());
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), None, [(1, &entry)]).is_ok());

    assert!(Governor::restore("other", Rc::new(AlwaysUtc), Some(&snapshot), none).is_err());
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), Some("{}"), none).is_err());
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), None, [(1, "{}")]).is_err());
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), None, [(2, &entry)]).is_err());
    let newer = |text: &str| text.replacen("\"version\":4", "\"version\":5", 1);
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), Some(&newer(&snapshot)), none).is_err());
    assert!(Governor::restore(ORG, Rc::new(AlwaysUtc), None, [(1, newer(&entry))]).is_err());
}

#[test]
fn an_extreme_clock_does_no_harm() {
    let mut world = World::with(Some(5), Some(5));
    world.run(reserve("a", 1));
    world.now = u64::MAX;
    world.tick();
    world.run(reserve("b", 1));
    world.run(settle("b", 1));
    world.now = 0;
    world.run(reserve("c", 1));
    assert_eq!(world.state().open_reservations, 1);
    world.check();
}

#[test]
fn open_reservations_are_bounded() {
    let mut world = World::with(None, None);
    for index in 0..20_000 {
        assert!(is_admitted(&world.run(reserve(&format!("r{index}"), 1))));
    }
    assert!(matches!(
        refusal(world.run(reserve("more", 1))),
        Refusal::RateLimited {
            retry_after_ms: 1_000,
            ..
        }
    ));
    world.run(settle("r0", 1));
    assert!(is_admitted(&world.run(reserve("one more", 1))));
}

#[test]
fn extensions_of_a_request_are_bounded() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 1));
    for step in 0..256 {
        assert!(is_admitted(&world.run(extend("a", step, 1))));
    }
    assert_eq!(refusal(world.read(extend("a", 256, 1))), no_budget());
}

#[test]
fn no_reservation_outlives_a_day() {
    let mut world = World::with(None, None);
    let mut command = reserve("a", 1);
    if let Command::Reserve(reserve) = &mut command {
        reserve.deadline_ms = u64::MAX;
    }
    world.run(command);
    assert_eq!(world.governor.next_due(), Some(START + DAY));
}

#[test]
fn ids_of_corpus_changes_and_refusals_are_bounded() {
    let mut world = World::with(None, Some(0));
    let change = |index: u32| Command::ChangeCorpus {
        id: format!("c{index}"),
    };
    for index in 0..1_001 {
        world.run(change(index));
    }
    world.read(change(1));
    world.run(change(0));
    assert_eq!(world.state().versions.corpus, 1_002);

    let refuse = |index: u32| Command::Refuse {
        draft: draft(&format!("r{index}")),
    };
    for index in 0..5_001 {
        world.run(refuse(index));
    }
    world.read(refuse(1));
    world.run(refuse(0));
    world.check();
}
