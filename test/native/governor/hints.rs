//! What isolates tell one another through the governor: nothing that it would remember or decide by.

use esclusa::governor::command::{Command, Reply};
use esclusa::governor::hints::{Hint, Sighting};
use esclusa::governor::lease::Flush;

use super::storage::*;

fn seen(request: &str, model: &str, rests_ms: u64) -> Command {
    let Command::Settle(mut settle) = settle(request, 0) else {
        panic!("a settlement");
    };
    let model = model.to_owned();
    settle.sightings.push(Sighting { model, rests_ms });
    Command::Settle(settle)
}

fn hints(reply: Reply) -> Vec<Hint> {
    match reply {
        Reply::Admitted { hints, .. } | Reply::Settled { hints, .. } => hints,
        other => panic!("{other:?}"),
    }
}

fn models(reply: Reply) -> Vec<String> {
    hints(reply).into_iter().map(|hint| hint.model).collect()
}

#[test]
fn what_one_settlement_tells_the_next_replies_hand_on_until_it_is_over() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 1));
    assert_eq!(models(world.run(seen("a", "m", 5_000))), ["m"]);
    assert_eq!(models(world.run(reserve("b", 1))), ["m"]);
    world.now += 5_000;
    assert_eq!(models(world.run(reserve("c", 1))), [""; 0]);
    world.run(seen("b", "m", 5_000));
    assert_eq!(models(world.run(reserve("d", 1))), ["m"]);
    assert_eq!(models(world.run(seen("c", "m", 0))), [""; 0], "it answers");
    world.check();
}

#[test]
fn a_flush_tells_too() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 1));
    let Command::Settle(settlement) = seen("a", "m", 5_000) else {
        panic!("a settlement");
    };
    world.run(Command::Flush(Flush {
        settlements: vec![settlement],
        returns: Vec::new(),
    }));
    assert_eq!(models(world.run(reserve("b", 1))), ["m"]);
}

#[test]
fn hints_are_in_no_row_and_lost_with_the_memory() {
    let mut world = World::with(None, None);
    world.run(reserve("a", 1));
    let before = world.storage.rows.len();
    world.run(seen("a", "a-model-that-fails", 5_000));
    assert_eq!(world.storage.rows.len(), before + 1, "the settlement's own");
    let row = &world.storage.rows.last().unwrap().entry;
    assert!(!row.contains("a-model-that-fails"), "{row}");
    world.governor = world.restored();
    assert_eq!(models(world.run(reserve("b", 1))), [""; 0]);
}
