//! A sliding window of requests: 60 buckets of a second. The oldest, of which only a part still
//! lies in the window, counts whole, so that no 60 seconds ever hold more than the limit.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::command::WindowState;

const WINDOW_SECONDS: u64 = 60;

/// Admissions by second, oldest first, at most 61 buckets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Window(VecDeque<(u64, u64)>);

impl Window {
    /// Counts one admission.
    pub(super) fn add(&mut self, at: u64) {
        let second = at / 1_000;
        while self
            .0
            .front()
            .is_some_and(|&(oldest, _)| leaves(oldest) <= second)
        {
            self.0.pop_front();
        }
        match self.0.back_mut() {
            Some((newest, count)) if *newest == second => *count = count.saturating_add(1),
            _ => self.0.push_back((second, 1)),
        }
    }

    /// Seconds until one more fits; `None` where it fits now.
    pub(super) fn wait(&self, limit: u64, at: u64) -> Option<u64> {
        let mut used = self.used(at);
        if used < limit {
            return None;
        }
        for (second, count) in self.live(at) {
            used = used.saturating_sub(count);
            if used < limit {
                return Some(leaves(second).saturating_sub(at / 1_000));
            }
        }
        Some(WINDOW_SECONDS)
    }

    /// The window as it stands.
    pub(super) fn state(&self, limit: u64, at: u64) -> WindowState {
        let used = self.used(at);
        let newest = self.live(at).last();
        WindowState {
            limit,
            used,
            reset: newest.map_or(0, |(second, _)| leaves(second).saturating_sub(at / 1_000)),
        }
    }

    fn used(&self, at: u64) -> u64 {
        self.live(at)
            .fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    fn live(&self, at: u64) -> impl Iterator<Item = (u64, u64)> {
        let now = at / 1_000;
        self.0
            .iter()
            .copied()
            .skip_while(move |&(second, _)| leaves(second) <= now)
    }
}

/// The second in which nothing of `second` lies in the window any more.
const fn leaves(second: u64) -> u64 {
    second.saturating_add(WINDOW_SECONDS).saturating_add(1)
}
