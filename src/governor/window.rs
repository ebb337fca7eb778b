//! A sliding window of requests: at most 60 buckets, each of the admissions of a second. A bucket
//! counts whole until its newest admission is 60 seconds old, so that no 60 seconds ever hold more
//! than the limit, and nobody waits longer than 60.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::command::WindowState;

const WINDOW_MS: u64 = 60_000;
/// The longest that anybody waits.
const WINDOW_SECONDS: u64 = 60;

/// The admissions of each second, oldest first: when the newest of them was (Unix milliseconds), and
/// how many there were.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Window(VecDeque<(u64, u64)>);

impl Window {
    /// Counts one admission.
    pub(super) fn add(&mut self, at: u64) {
        while self
            .0
            .front()
            .is_some_and(|&(newest, _)| leaves(newest) <= at)
        {
            self.0.pop_front();
        }
        match self.0.back_mut() {
            Some((newest, count)) if *newest / 1_000 == at / 1_000 => {
                *newest = at;
                *count = count.saturating_add(1);
            }
            _ => self.0.push_back((at, 1)),
        }
    }

    /// Seconds until one more fits, at most 60; `None` where it fits now.
    pub(super) fn wait(&self, limit: u64, at: u64) -> Option<u64> {
        let mut used = self.used(at);
        if used < limit {
            return None;
        }
        for (newest, count) in self.live(at) {
            used = used.saturating_sub(count);
            if used < limit {
                return Some(seconds_until_gone(newest, at));
            }
        }
        Some(WINDOW_SECONDS)
    }

    /// The window as it stands.
    pub(super) fn state(&self, limit: u64, at: u64) -> WindowState {
        let used = self.used(at);
        let last = self.live(at).last();
        WindowState {
            limit,
            used,
            reset: last.map_or(0, |(newest, _)| seconds_until_gone(newest, at)),
        }
    }

    fn used(&self, at: u64) -> u64 {
        self.live(at)
            .fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    fn live(&self, at: u64) -> impl Iterator<Item = (u64, u64)> {
        self.0
            .iter()
            .copied()
            .skip_while(move |&(newest, _)| leaves(newest) <= at)
    }
}

/// When an admission lies in the window no more.
const fn leaves(admitted: u64) -> u64 {
    admitted.saturating_add(WINDOW_MS)
}

const fn seconds_until_gone(newest: u64, at: u64) -> u64 {
    leaves(newest).saturating_sub(at).div_ceil(1_000)
}
