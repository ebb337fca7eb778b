//! How much of a limit is used, counted one by one.

use esclusa::governor::command::Reserve;
use esclusa::governor::lease::Slice;
use esclusa::governor::rules::{Limit, Measure, Pace, Window};

use crate::storage::SECOND;

/// How much of a measure a part of a lease is.
pub(super) fn slice_amount(slice: &Slice, measure: Measure) -> u64 {
    match measure {
        Measure::Concurrent | Measure::Requests(_) => slice.requests,
        _ => amount(measure, slice.tokens.input, slice.tokens.output),
    }
}

/// What a request asks of a measure.
pub(super) fn needed(asked: &Reserve, measure: Measure) -> u64 {
    amount(measure, asked.tokens.input, asked.tokens.output).max(1)
}

/// How much of a measure tokens are.
pub(super) fn amount(measure: Measure, input: u64, output: u64) -> u64 {
    match measure {
        Measure::Concurrent | Measure::Requests(_) => 1,
        Measure::Cost(_) => panic!("no gates among the rules"),
        Measure::InputTokens(_) => input,
        Measure::OutputTokens(_) => output,
        Measure::Tokens(_) => input.saturating_add(output),
    }
}

/// The most that any window which ends at `now` may not exceed, is exceeded: says by which amount.
pub(super) fn excess(passed: &[(u64, u64)], limit: &Limit, now: u64) -> Option<u128> {
    let sum = |since: u64| -> u128 {
        let recent = passed.iter().rev().take_while(|(at, _)| *at >= since);
        recent.map(|(_, amount)| u128::from(*amount)).sum()
    };
    let most = u128::from(limit.limit);
    let over = match limit.measure.pace() {
        None => sum(0).saturating_sub(most),
        Some(Pace { seconds, window }) => {
            let length = u64::from(seconds) * SECOND;
            match window {
                Window::Sliding => sum((now + 1).saturating_sub(length)).saturating_sub(most),
                Window::Fixed => sum(now - now % length).saturating_sub(most),
                Window::TokenBucket => {
                    let mut starts = passed.iter().map(|(at, _)| *at).collect::<Vec<_>>();
                    starts.dedup();
                    let over = |at: u64| {
                        let length = u128::from(length);
                        let filled = (u128::from(now - at) * most).div_ceil(length);
                        sum(at).saturating_sub(most + filled)
                    };
                    starts.into_iter().map(over).max().unwrap_or(0)
                }
            }
        }
    };
    (over > 0).then_some(over)
}

/// Whether a refusal can be explained: with `needed` more, the window and a sixtieth of it would hold
/// too much. A token bucket is judged only from above, since what drains is not given back.
pub(super) fn is_full(passed: &[(u64, u64)], limit: &Limit, needed: u64, now: u64) -> bool {
    let Some(Pace { seconds, window }) = limit.measure.pace() else {
        return excess(&with(passed, needed, now), limit, now).is_some();
    };
    let length = u64::from(seconds) * SECOND;
    match window {
        Window::Sliding => {
            let begin = now.saturating_sub(length + 2 * length.div_ceil(60));
            let recent = passed.iter().filter(|(at, _)| *at >= begin);
            let sum: u128 = recent.map(|(_, amount)| u128::from(*amount)).sum();
            sum + u128::from(needed) > u128::from(limit.limit)
        }
        Window::Fixed => excess(&with(passed, needed, now), limit, now).is_some(),
        Window::TokenBucket => true,
    }
}

fn with(passed: &[(u64, u64)], needed: u64, now: u64) -> Vec<(u64, u64)> {
    passed.iter().copied().chain([(now, needed)]).collect()
}
