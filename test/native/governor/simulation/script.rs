//! Random rules and commands.

use std::collections::BTreeMap;

use esclusa::audit::{Attempt, CacheStatus, Draft};
use esclusa::governor::command::{
    Idempotency, Reserve, Settle, Subjects, Target, Tokens, Versions,
};
use esclusa::governor::rules::{
    Admission, Budget, Limit, Measure, Pace, Period, Rules, Scope, WhenSpent, Window,
};
use esclusa::money::Nanos;
use esclusa::usage::Usage;

use super::book::Request;
use super::spans::ZONES;
use crate::random::Random;
use crate::storage::{DAY, MINUTE, SECOND};

/// The price of about everything: nano-dollars, or dollars where a life is rich.
#[derive(Clone, Copy)]
pub(super) struct Scale(pub(super) u64);

const CHEAPER: &str = "light";

/// A hundredth of a limit or a budget is something only where that is wide.
fn wide(random: &Random, is_leased: bool) -> u64 {
    if is_leased {
        *random.pick(&[1, 10, 50])
    } else {
        1
    }
}

fn scope(random: &Random, is_leased: bool) -> Scope {
    if is_leased && random.chance(900) {
        return random
            .pick(&["org", "key", "tier", "operation"])
            .parse()
            .unwrap();
    }
    let scopes = [
        "org",
        "key",
        "user",
        "model",
        "provider",
        "tier",
        "operation",
        "address",
        "header:x-team",
        "metadata:team",
    ];
    random.pick(&scopes).parse().unwrap()
}

/// The only subject of a few rules.
fn only(random: &Random, per: &Scope) -> Option<String> {
    let name = match per {
        Scope::Org => return None,
        Scope::Model => "m0",
        Scope::Provider => "p0",
        _ => "s0",
    };
    random.chance(300).then(|| name.to_owned())
}

pub(super) fn rules(random: &Random, scale: Scale, is_leased: bool) -> Rules {
    Rules {
        limits: (0..random.below(4))
            .map(|index| limit(random, index, is_leased))
            .collect(),
        budgets: (0..random.below(4))
            .map(|index| budget(random, index, scale, is_leased))
            .collect(),
        time_zone: (*random.pick(&ZONES)).to_owned(),
        prepaid: random.chance(200),
        admission: if is_leased {
            Admission::Leased
        } else {
            Admission::Strict
        },
        ..Rules::default()
    }
}

fn limit(random: &Random, index: u64, is_leased: bool) -> Limit {
    let windows = [
        Window::Sliding,
        Window::Sliding,
        Window::Fixed,
        if is_leased && random.chance(900) {
            Window::Fixed
        } else {
            Window::TokenBucket
        },
    ];
    let pace = Pace {
        seconds: *random.pick(&[1, 7, 60, 3_600]),
        window: *random.pick(&windows),
    };
    let (measure, most) = match random.below(6) {
        0 => (Measure::Concurrent, 8),
        1 => (Measure::InputTokens(pace), 600),
        2 => (Measure::OutputTokens(pace), 600),
        3 => (Measure::Tokens(pace), 900),
        _ => (Measure::Requests(pace), 20),
    };
    let per = scope(random, is_leased);
    Limit {
        name: format!("l{index}"),
        only: only(random, &per),
        per,
        measure,
        limit: random.below(most) * wide(random, is_leased),
    }
}

fn budget(random: &Random, index: u64, scale: Scale, is_leased: bool) -> Budget {
    let per = scope(random, is_leased);
    let when_spent = match random.below(6) {
        0 => WhenSpent::Allow,
        1 => WhenSpent::CacheOnly,
        2 => WhenSpent::Downgrade(CHEAPER.to_owned()),
        _ => WhenSpent::Refuse,
    };
    Budget {
        name: format!("b{index}"),
        only: only(random, &per),
        per,
        period: *random.pick(&Period::ALL),
        amount: money(random, scale, 400 * wide(random, is_leased)),
        thresholds: vec![50, 100],
        when_spent,
    }
}

pub(super) fn money(random: &Random, scale: Scale, most: u64) -> Nanos {
    let amount = random.below(most * scale.0);
    Nanos::new(i64::try_from(amount).unwrap())
}

/// Milliseconds to the next step.
pub(super) fn pause(random: &Random) -> i64 {
    let up_to = |most: u64| i64::try_from(random.below(most)).unwrap();
    match random.below(100) {
        0..=14 => 0,
        15..=84 => up_to(3 * SECOND),
        85..=91 => up_to(2 * MINUTE),
        92..=94 => up_to(2 * 60 * MINUTE),
        95 => up_to(DAY),
        _ => -up_to(2 * MINUTE),
    }
}

pub(super) fn target(random: &Random) -> Target {
    Target {
        provider: format!("p{}", random.below(2)),
        model: format!("m{}", random.below(3)),
    }
}

pub(super) fn draft(random: &Random, id: u64, now: u64) -> Draft {
    let some = || format!("s{}", random.below(3));
    Draft {
        request: format!("r{id}"),
        at: now,
        key: some(),
        tier: some(),
        operation: some(),
        ..Draft::default()
    }
}

pub(super) fn reserve(random: &Random, draft: Draft, scale: Scale, planned: Versions) -> Reserve {
    let some = || format!("s{}", random.below(3));
    let maybe = |per_mille: u64| random.chance(per_mille).then(some);
    let map = |name: &str| maybe(700).map(|value| (name.to_owned(), value));
    let headers: BTreeMap<_, _> = map("x-team").into_iter().collect();
    let bound = match random.below(40) {
        0 => Nanos::new(-1),
        1..=4 => Nanos::ZERO,
        _ => money(random, scale, 30),
    };
    let name = || Idempotency {
        name: format!("n{}", random.below(9)),
        body: format!("body{}", random.below(2)),
        lost: None,
    };
    Reserve {
        draft: Draft {
            cache: if random.chance(80) {
                CacheStatus::Hit
            } else {
                CacheStatus::Bypass
            },
            ..draft
        },
        subjects: Subjects {
            user: maybe(700).unwrap_or_default(),
            address: some(),
            headers,
            metadata: map("team").into_iter().collect(),
            ..Subjects::default()
        },
        candidates: (0..random.below(4)).map(|_| target(random)).collect(),
        bound,
        unpriced: random.chance(20),
        tokens: Tokens {
            input: random.below(80),
            output: random.below(80),
        },
        route: random.chance(200).then(|| CHEAPER.to_owned()),
        planned,
        idempotency: random.chance(150).then(name),
        lease: None,
        deadline_ms: if random.chance(100) {
            random.below(2 * DAY)
        } else {
            random.below(200 * SECOND)
        },
    }
}

/// The end of a request that was sent to `targets`, or of one that nobody reserved.
pub(super) fn settle(random: &Random, draft: Draft, bound: i64, known: Option<&Request>) -> Settle {
    let below = |most: i64| i64::try_from(random.below(most.max(0).unsigned_abs() + 1)).unwrap();
    let cost = match random.below(40) {
        0 => -below(1_000),
        1 => i64::MAX,
        2 => i64::MIN,
        3 => bound.saturating_mul(1_001),
        4..=7 => below(bound.saturating_mul(2)),
        _ => below(bound),
    };
    let mut left = cost;
    let mut attempts = Vec::new();
    for target in known.into_iter().flat_map(Request::targets) {
        let cost = if left > 0 { below(left) } else { left };
        left = left.saturating_sub(cost);
        attempts.push(Attempt {
            provider: target.provider.clone(),
            model: target.model.clone(),
            usage: usage(random),
            cost: Nanos::new(cost),
            ..Attempt::default()
        });
    }
    let draft = Draft {
        attempts,
        usage: usage(random),
        ..draft
    };
    Settle {
        draft,
        cost: Nanos::new(cost),
        kept: random.chance(500),
        part: known.and_then(|request| request.part.clone()),
        ..Settle::default()
    }
}

fn usage(random: &Random) -> Usage {
    let tokens = || {
        if random.chance(5) {
            u64::MAX
        } else {
            random.below(120)
        }
    };
    Usage {
        input_tokens: tokens(),
        output_tokens: tokens(),
        ..Usage::default()
    }
}
