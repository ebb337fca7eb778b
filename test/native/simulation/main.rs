//! Whole deployments under load and faults, from a seed.
//!
//! About a thousand requests of several orgs run at once over several isolates, while every port
//! fails by chance, requests and streams are dropped at any await, isolates are lost with their
//! memory, governors start anew, clocks jump, and administrators change configurations, documents
//! and keys. What must never happen is checked while it runs and when all is quiet again.
//!
//! `SIMULATION_SEEDS=200` runs more seeds, `SIMULATION_SEED=17` runs one again.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

#[expect(dead_code, reason = "two test targets share it, and each uses a part")]
#[path = "../world/lib.rs"]
mod world;

mod admins;
mod checks;
mod clients;
mod scenario;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use self::scenario::{Outcome, run};

/// Seeds of an ordinary run.
const SEEDS: u64 = 50;

#[test]
fn whatever_happens_nothing_is_lost_leaked_or_charged_twice() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..=seed,
        None => 0..=number("SIMULATION_SEEDS").unwrap_or(SEEDS) - 1,
    };
    let mut total = Outcome::default();
    for seed in seeds {
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(outcome) => total.add(&outcome),
            Err(panic) => {
                println!(
                    "seed {seed} failed. Replay it with: SIMULATION_SEED={seed} cargo test --test simulation"
                );
                resume_unwind(panic);
            }
        }
    }
    println!("{total:?}");
    total.check_coverage();
}

#[test]
fn the_same_seed_is_the_same_run() {
    let (first, second, other) = (run(7), run(7), run(8));
    assert_eq!(first.digest, second.digest);
    assert_ne!(first.digest, other.digest);
}
