//! Whatever is asked of a governor, in whatever order, with whatever faults, from a seed.
//!
//! A seed is ten orgs' lives of a thousand steps: random rules that come, go and change; commands,
//! their repetitions and nonsense; a journal that fails before or after a row; lost memory; clocks
//! that go back. All of it is counted again in a [book](book).
//!
//! `GOVERNOR_SEEDS=1000` runs more seeds, `GOVERNOR_SEED=17` runs one again.

mod book;
mod life;
mod loans;
mod script;
mod spans;
mod subjects;
mod windows;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use self::life::{Life, Tally};
use crate::random::Random;

/// Seeds of an ordinary run.
const SEEDS: u64 = 4;
const LIVES: u64 = 10;
const STEPS: u64 = 1_000;

#[test]
fn nothing_is_admitted_beyond_a_rule_nor_lost_nor_charged_twice() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("GOVERNOR_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("GOVERNOR_SEEDS").unwrap_or(SEEDS),
    };
    let began = Instant::now();
    let mut total = Tally::new();
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let run = AssertUnwindSafe(|| run(seed));
        let tally = catch_unwind(run).unwrap_or_else(|panic| {
            println!("seed {seed} failed. Replay it with: GOVERNOR_SEED={seed} cargo test --test governor simulation");
            resume_unwind(panic);
        });
        for (what, number) in tally {
            *total.entry(what).or_default() += number;
        }
    }
    let (steps, seconds) = (count * LIVES * STEPS, began.elapsed().as_secs());
    println!("{steps} steps, {count} seeds, {seconds} s\n{total:?}");
    let seen = |what: &&str| total.get(*what).is_some_and(|times| *times > 0);
    assert!(count < SEEDS || EVERYTHING.iter().all(seen), "{total:?}");
}

/// What a run must have seen.
const EVERYTHING: [&str; 18] = [
    "activations",
    "admitted",
    "admitted from leases",
    "alerts",
    "detached",
    "downgrades",
    "expired",
    "extended",
    "faults",
    "late",
    "leases",
    "lives beyond $20 M",
    "lost leases",
    "refused",
    "repetitions",
    "replays",
    "returns",
    "settled",
];

fn run(seed: u64) -> Tally {
    let random = Random::new(seed);
    let mut total = Tally::new();
    for _ in 0..LIVES {
        let mut life = Life::new(&random);
        life.run(STEPS);
        for (what, number) in life.tally {
            *total.entry(what).or_default() += number;
        }
    }
    total
}
