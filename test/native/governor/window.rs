//! Requests per minute.

use esclusa::governor::command::{Command, Refusal};
use proptest::prelude::*;

use super::storage::*;

/// Seconds to wait, where the window is full.
fn wait(world: &mut World, request: &str) -> Option<u64> {
    let reply = world.run(reserve(request, 0));
    if is_admitted(&reply) {
        return None;
    }
    match refusal(reply) {
        Refusal::RateLimited { retry_after_ms, .. } => Some(retry_after_ms.div_ceil(SECOND)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sixty_at_once_against_twenty() {
    let mut world = World::with(Some(20), None);
    let admitted = (0..60)
        .filter(|index| wait(&mut world, &format!("r{index}")).is_none())
        .count();
    assert_eq!(admitted, 20);
    let limit = world.state().limits.remove(0);
    assert_eq!((limit.limit, limit.used, limit.reset), (20, 20, 60));
    world.check();
}

#[test]
fn refusals_consume_nothing() {
    let mut world = World::with(Some(2), None);
    for index in 0..50 {
        wait(&mut world, &format!("r{index}"));
    }
    world.now += 60 * SECOND;
    assert_eq!(world.state().limits[0].used, 0);
    assert_eq!(wait(&mut world, "later"), None);
}

#[test]
fn a_second_counts_whole_until_its_newest_admission_has_left() {
    let mut world = World::with(Some(2), None);
    assert_eq!(wait(&mut world, "a"), None);
    world.now = START + 900;
    assert_eq!(wait(&mut world, "b"), None);
    assert_eq!(wait(&mut world, "c"), Some(60));
    world.now = START + 60_899;
    assert_eq!(wait(&mut world, "d"), Some(1));
    world.now = START + 60_900;
    assert_eq!(wait(&mut world, "e"), None);
}

#[test]
fn nothing_fits_into_a_limit_of_zero() {
    let mut world = World::with(Some(0), None);
    assert_eq!(wait(&mut world, "a"), Some(60));
}

#[test]
fn a_limit_counts_from_when_it_is_in_force() {
    let mut world = World::with(None, None);
    wait(&mut world, "before");
    world.run(activate(2, Some(2), None));
    assert_eq!(world.state().limits[0].used, 0);
    let mut after = reservation("after");
    after.planned.config = 2;
    world.run(Command::Reserve(after));
    world.run(settle("before", 0));
    assert_eq!(world.state().limits[0].used, 1);
    world.run(activate(3, Some(1), None));
    assert_eq!(world.state().limits[0].remaining(), 0);
    world.check();
}

#[test]
fn a_clock_that_goes_back_frees_nothing() {
    let mut world = World::with(Some(1), None);
    world.now += 10 * MINUTE;
    assert_eq!(wait(&mut world, "a"), None);
    world.now -= 10 * MINUTE;
    assert_eq!(wait(&mut world, "b"), Some(60));
    assert_eq!(world.last_record().recorded_at, START + 10 * MINUTE);
}

proptest! {
    /// Never more than the limit in any 60 s, and `retry_after` is exact and no more than that.
    #[test]
    fn no_sixty_seconds_hold_more(
        limit in 1_u32..6,
        pauses in prop::collection::vec(
            prop_oneof![Just(0_u64), 0_u64..3_000, 18_000_u64..22_000, 58_000_u64..63_000],
            1..80,
        ),
    ) {
        let mut world = World::with(Some(limit), None);
        let mut admitted: Vec<u64> = Vec::new();
        for (index, pause) in pauses.into_iter().enumerate() {
            world.now += pause;
            let Some(seconds) = wait(&mut world, &format!("r{index}")) else {
                admitted.push(world.now);
                let since = world.now.saturating_sub(MINUTE);
                let in_window = admitted.iter().filter(|at| **at > since).count();
                prop_assert!(in_window <= limit as usize);
                continue;
            };
            let mut free_at = |seconds: u64| {
                let now = world.now;
                world.now += seconds * SECOND;
                let remaining = world.state().limits[0].remaining();
                world.now = now;
                remaining > 0
            };
            prop_assert!(seconds <= 60);
            prop_assert!(free_at(seconds));
            prop_assert!(!free_at(seconds - 1));
        }
    }
}
