//! What passed lately: counters whose content fades with time. Amounts are requests or tokens, times
//! are Unix milliseconds.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::rules::{Pace, Window};
use super::wide;

/// Buckets that a sliding window is counted in. A bucket counts whole until the newest of it is as old
/// as the window is long, so that no stretch of that length ever holds more than the limit, and nobody
/// waits longer than that.
const BUCKETS: u64 = 60;

/// A counter of what passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Flow {
    /// Amounts by bucket, oldest first, at most 61 of them and those in which leases end: when the
    /// newest of it came, and how much.
    Sliding(VecDeque<(u64, u64)>),
    /// The number of the window and the amount in it.
    Fixed(u64, u64),
    /// What is under way.
    Open(u64),
    /// What has not drained yet, times the window in milliseconds, at an instant.
    TokenBucket(#[serde(with = "wide")] u128, u64),
}

/// Milliseconds after which it is worth asking again where nobody knows when something ends.
const ASK_AGAIN_MS: u64 = 1_000;

/// How a flow is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauge {
    /// Milliseconds.
    length: u64,
    /// None for what is under way at once.
    window: Option<Window>,
    /// What fits at once; of a token bucket also what drains in a window's length.
    limit: u64,
}

impl Gauge {
    pub(super) fn new(pace: Option<Pace>, limit: u64) -> Self {
        let seconds = pace.map_or(0, |pace| u64::from(pace.seconds));
        Self {
            length: seconds.saturating_mul(1_000).max(1),
            window: pace.map(|pace| pace.window),
            limit,
        }
    }

    /// The length of the window in milliseconds.
    pub(super) const fn length(self) -> u64 {
        self.length
    }

    const fn bucket(self, at: u64) -> u64 {
        quotient(at, self.bucket_length())
    }

    /// The number of the fixed window around `at`.
    const fn number(self, at: u64) -> u64 {
        quotient(at, self.length)
    }

    const fn bucket_length(self) -> u64 {
        self.length.div_ceil(BUCKETS)
    }

    /// When what came at `newest` lies in the window no more.
    const fn leaves(self, newest: u64) -> u64 {
        newest.saturating_add(self.length)
    }

    /// When the fixed window of this number ends.
    const fn ends(self, window: u64) -> u64 {
        window.saturating_add(1).saturating_mul(self.length)
    }

    /// When the fixed window around `at` ends.
    pub(super) const fn ends_after(self, at: u64) -> u64 {
        self.ends(self.number(at))
    }

    fn scaled(self, amount: u64) -> u128 {
        u128::from(amount).saturating_mul(u128::from(self.length))
    }

    /// Milliseconds in which a scaled amount drains.
    fn drains_in(self, scaled: u128) -> u64 {
        let each = u128::from(self.limit.max(1));
        u64::try_from(scaled.div_ceil(each)).unwrap_or(u64::MAX)
    }
}

/// No length is 0.
const fn quotient(at: u64, length: u64) -> u64 {
    match at.checked_div(length) {
        Some(number) => number,
        None => 0,
    }
}

impl Flow {
    /// Nothing has passed.
    pub(super) const fn new(gauge: Gauge) -> Self {
        match gauge.window {
            None => Self::Open(0),
            Some(Window::Sliding) => Self::Sliding(VecDeque::new()),
            Some(Window::Fixed) => Self::Fixed(0, 0),
            Some(Window::TokenBucket) => Self::TokenBucket(0, 0),
        }
    }

    /// What counts at `at`.
    pub(super) fn used(&self, gauge: Gauge, at: u64) -> u64 {
        match self {
            Self::Sliding(buckets) => {
                live(buckets, gauge, at).fold(0, |sum: u64, (_, amount)| sum.saturating_add(amount))
            }
            Self::Fixed(window, amount) if gauge.ends(*window) > at => *amount,
            Self::Fixed(..) => 0,
            Self::Open(count) => *count,
            Self::TokenBucket(..) => {
                let left = self.undrained(gauge, at);
                let length = u128::from(gauge.length);
                u64::try_from(left.div_ceil(length)).unwrap_or(u64::MAX)
            }
        }
    }

    /// Milliseconds until `amount` more fits, which is at most the limit; `None` where it fits now.
    pub(super) fn wait(&self, gauge: Gauge, amount: u64, at: u64) -> Option<u64> {
        let room = gauge.limit.saturating_sub(amount);
        match self {
            Self::Sliding(buckets) => {
                let mut used = self.used(gauge, at);
                if used <= room {
                    return None;
                }
                for (newest, count) in live(buckets, gauge, at) {
                    used = used.saturating_sub(count);
                    if used <= room {
                        return Some(gauge.leaves(newest).saturating_sub(at));
                    }
                }
                Some(gauge.length)
            }
            Self::Fixed(window, _) => {
                let full = self.used(gauge, at) > room;
                full.then(|| gauge.ends(*window).saturating_sub(at))
            }
            Self::Open(count) => (*count > room).then_some(ASK_AGAIN_MS),
            Self::TokenBucket(..) => {
                let over = self.undrained(gauge, at).saturating_sub(gauge.scaled(room));
                (over > 0).then(|| gauge.drains_in(over))
            }
        }
    }

    /// Milliseconds until nothing counts any more, if nothing more passes.
    pub(super) fn reset(&self, gauge: Gauge, at: u64) -> u64 {
        match self {
            Self::Sliding(buckets) => live(buckets, gauge, at)
                .last()
                .map_or(0, |(newest, _)| gauge.leaves(newest).saturating_sub(at)),
            Self::Fixed(window, _) => gauge.ends(*window).saturating_sub(at),
            Self::Open(_) => 0,
            Self::TokenBucket(..) => gauge.drains_in(self.undrained(gauge, at)),
        }
    }

    /// Counts what passes at `then`, which is now (`at`, which never goes back) or a little later.
    pub(super) fn add(&mut self, gauge: Gauge, amount: u64, then: u64, at: u64) {
        let undrained = self.undrained(gauge, at);
        match self {
            Self::Sliding(buckets) => {
                while buckets
                    .front()
                    .is_some_and(|&(newest, _)| gauge.leaves(newest) <= at)
                {
                    buckets.pop_front();
                }
                // What a lease holds stands ahead of the others.
                let later = |(newest, _): &&(u64, u64)| gauge.bucket(*newest) > gauge.bucket(then);
                let ahead = buckets.iter().rev().take_while(later).count();
                let index = buckets.len().saturating_sub(ahead);
                match buckets.get_mut(index.wrapping_sub(1)) {
                    Some((newest, count)) if gauge.bucket(*newest) == gauge.bucket(then) => {
                        *newest = then.max(*newest);
                        *count = count.saturating_add(amount);
                    }
                    _ => buckets.insert(index, (then, amount)),
                }
            }
            Self::Fixed(window, count) => {
                if gauge.ends(*window) <= at {
                    (*window, *count) = (gauge.number(at), 0);
                }
                *count = count.saturating_add(amount);
            }
            Self::Open(count) => *count = count.saturating_add(amount),
            Self::TokenBucket(level, since) => {
                *level = undrained.saturating_add(gauge.scaled(amount));
                *since = at;
            }
        }
    }

    /// Whether nothing counts any more.
    pub(super) fn is_idle(&self, gauge: Gauge, at: u64) -> bool {
        self.used(gauge, at) == 0
    }

    /// Replaces the amount `held` that was counted at `then` by the `actual` one.
    pub(super) fn correct(&mut self, gauge: Gauge, (held, actual): (u64, u64), then: u64, at: u64) {
        let undrained = self.undrained(gauge, at);
        let corrected = |count: u64| count.saturating_sub(held).saturating_add(actual);
        match self {
            Self::Sliding(buckets) => {
                let bucket = gauge.bucket(then);
                let of_bucket = |(newest, _): &&mut (u64, u64)| gauge.bucket(*newest) == bucket;
                if let Some((_, count)) = buckets.iter_mut().find(of_bucket) {
                    *count = corrected(*count);
                }
            }
            Self::Fixed(window, count) => {
                if *window == gauge.number(then) {
                    *count = corrected(*count);
                }
            }
            Self::Open(count) => *count = corrected(*count),
            Self::TokenBucket(level, since) => {
                let elapsed = u128::from(at.saturating_sub(then));
                let drained = elapsed.saturating_mul(u128::from(gauge.limit));
                let unused = gauge.scaled(held.saturating_sub(actual));
                // What has drained since may have been this: it is not given back once more.
                let without = undrained.saturating_sub(unused.saturating_sub(drained));
                *level = without.saturating_add(gauge.scaled(actual.saturating_sub(held)));
                *since = at;
            }
        }
    }

    /// What a token bucket has not drained at `at`; 0 for the others.
    fn undrained(&self, gauge: Gauge, at: u64) -> u128 {
        let Self::TokenBucket(level, since) = self else {
            return 0;
        };
        let elapsed = u128::from(at.saturating_sub(*since));
        level.saturating_sub(elapsed.saturating_mul(u128::from(gauge.limit)))
    }
}

fn live(buckets: &VecDeque<(u64, u64)>, gauge: Gauge, at: u64) -> impl Iterator<Item = (u64, u64)> {
    buckets
        .iter()
        .copied()
        .skip_while(move |&(newest, _)| gauge.leaves(newest) <= at)
}
