//! How many second attempts a deployment is asked for, so that those who retry do not make an outage
//! worse: a tenth of its requests, and now and then one where there are few.

/// Thousandths of an attempt that each request pays for.
const EARNED: u64 = 100;
/// What an attempt costs.
const ATTEMPT: u64 = 1_000;
/// What is saved up at most.
const MOST: u64 = 10 * ATTEMPT;
/// Milliseconds that pay for one thousandth of an attempt: 30 s for a whole one.
const MS_PER_PART: u64 = 30;

/// A bucket of attempts.
#[derive(Clone, Debug)]
pub(super) struct RetryBudget {
    saved: u64,
    at: u64,
}

impl Default for RetryBudget {
    /// Full.
    fn default() -> Self {
        Self { saved: MOST, at: 0 }
    }
}

impl RetryBudget {
    /// A request was made.
    pub(super) fn earn(&mut self, now: u64) {
        self.pass(now);
        self.saved = self.saved.saturating_add(EARNED).min(MOST);
    }

    /// Takes a second attempt; `false` where none is left.
    pub(super) fn take(&mut self, now: u64) -> bool {
        self.pass(now);
        match self.saved.checked_sub(ATTEMPT) {
            Some(left) => {
                self.saved = left;
                true
            }
            None => false,
        }
    }

    /// Time pays too. A clock that went back pays nothing.
    fn pass(&mut self, now: u64) {
        let parts = now
            .saturating_sub(self.at)
            .checked_div(MS_PER_PART)
            .unwrap_or_default();
        if parts > 0 || now < self.at {
            self.at = now;
        }
        self.saved = self.saved.saturating_add(parts).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(budget: &mut RetryBudget, now: u64) -> u32 {
        let takes = std::iter::repeat_with(|| budget.take(now));
        u32::try_from(takes.take_while(|taken| *taken).count()).unwrap()
    }

    #[test]
    fn a_tenth_of_the_requests_may_be_tried_again() {
        let mut budget = RetryBudget::default();
        assert_eq!(taken(&mut budget, 1_000), 10, "what is saved up at first");
        for _ in 0..95 {
            budget.earn(1_000);
        }
        assert_eq!(taken(&mut budget, 1_000), 9);
    }

    #[test]
    fn now_and_then_one_is_tried_again_where_there_are_few() {
        let mut budget = RetryBudget::default();
        taken(&mut budget, 1_000);
        assert!(!budget.take(30_000));
        assert!(budget.take(31_030) && !budget.take(31_030));
        assert_eq!(taken(&mut budget, 3_631_000), 10, "never more than that");
    }

    #[test]
    fn a_clock_that_goes_back_pays_nothing() {
        let mut budget = RetryBudget::default();
        taken(&mut budget, 90_000);
        for now in [30_000, 20_000, 10_000, 30_000] {
            assert!(!budget.take(now), "{now}");
        }
        assert!(budget.take(40_030));
    }
}
