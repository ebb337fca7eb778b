//! Half an hour without one provider, in virtual time: the whole pipeline over several isolates, whose
//! requests go on at one, ten and a hundred in a second while every call of that provider fails, is
//! refused for the rate, or hangs.
//!
//! `cargo test` replays what is quick; with `OUTAGES=all` it replays every provider at every rate, see
//! `npm run outages`.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

#[expect(
    dead_code,
    reason = "several test targets share it, and each uses a part"
)]
#[path = "../world/lib.rs"]
mod world;

mod figures;
mod replay;
mod watched;

use std::env;

use self::figures::Figures;
use self::replay::{ISOLATES, Outage, PROVIDERS, Trouble, replay};

/// Failures after which an isolate leaves a model alone.
const MOST_FAILURES: u32 = 5;

#[test]
fn a_provider_that_answers_500_takes_nobody_with_it() {
    replay_all(Trouble::Errors);
}

#[test]
fn a_provider_that_answers_429_takes_nobody_with_it() {
    replay_all(Trouble::RateLimits);
}

#[test]
fn a_provider_that_hangs_takes_nobody_with_it() {
    replay_all(Trouble::Hangs);
}

/// It gives a call up sooner than any other org.
#[test]
fn a_provider_that_hangs_takes_nobody_with_it_who_waits_less() {
    let outage = Outage {
        provider: &PROVIDERS[0],
        trouble: Trouble::Hangs,
        rate: 10,
        minutes: 2,
        first_event_ms: Some(5_000),
    };
    let figures = replay(&outage);
    println!("{}\n{}", figures::HEAD, figures.row(&outage));
    check(&outage, &figures);
}

fn replay_all(trouble: Trouble) {
    let is_whole = env::var("OUTAGES").is_ok_and(|wish| wish == "all");
    // Requests in a second, and minutes.
    let (providers, loads): (_, &[(u64, u64)]) = match trouble {
        _ if is_whole => (&PROVIDERS[..], &[(1, 30), (10, 30), (100, 30)]),
        // Whoever asked before the first call was given up has asked in vain: many of a short outage.
        Trouble::Hangs => (&PROVIDERS[..1], &[(1, 30), (10, 12)]),
        Trouble::Errors | Trouble::RateLimits => (&PROVIDERS[..1], &[(1, 30), (10, 3)]),
    };
    println!("{}", figures::HEAD);
    for provider in providers {
        for (rate, minutes) in loads {
            let outage = Outage {
                provider,
                trouble,
                rate: *rate,
                minutes: *minutes,
                first_event_ms: None,
            };
            let figures = replay(&outage);
            println!("{}", figures.row(&outage));
            check(&outage, &figures);
        }
    }
}

fn check(outage: &Outage, figures: &Figures) {
    assert!(
        figures.per_mille_answered() >= 999,
        "{outage:?} {figures:?}"
    );
    assert!(figures.calls_per_cent() <= 120, "{outage:?} {figures:?}");
    assert_eq!(figures.opened.len(), ISOLATES, "{outage:?} {figures:?}");
    let late = figures.opened.iter().find(|it| **it > MOST_FAILURES);
    assert_eq!(late, None, "{outage:?} {figures:?}");
    assert_eq!(figures.healed.len(), ISOLATES, "{outage:?} {figures:?}");
    let slow = figures.healed.iter().find(|it| it.calls != 1);
    assert!(slow.is_none(), "one probe: {outage:?} {figures:?}");
}
