//! How long a model takes, as far as its answers tell.

/// The newest answer's share of the moving average is one of this many.
const PARTS: u32 = 8;
/// Milliseconds after which an average is of the past.
const FRESH_MS: u64 = 60_000;

/// A moving average over answers of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Average {
    milliseconds: Option<u32>,
    /// When it was measured last, Unix milliseconds.
    at: u64,
    /// Until when somebody is finding it out.
    looked_until: u64,
}

impl Average {
    pub(super) const fn milliseconds(&self) -> Option<u32> {
        self.milliseconds
    }

    /// Takes an answer in. One after a long time begins anew.
    pub(super) fn take(&mut self, milliseconds: u64, now: u64) {
        let newest = u32::try_from(milliseconds).unwrap_or(u32::MAX);
        let known = self.milliseconds.filter(|_| self.is_fresh(now));
        let moved = known.map_or(newest, |average| {
            let rest = average.saturating_sub(average / PARTS);
            rest.saturating_add(newest / PARTS)
        });
        (self.milliseconds, self.at, self.looked_until) = (Some(moved), now, 0);
    }

    /// Somebody asks, and waits at most until then.
    pub(super) const fn look(&mut self, now: u64, until: u64) {
        if self.milliseconds.is_none() || !self.is_fresh(now) {
            self.looked_until = until;
        }
    }

    /// Nobody has found it out.
    pub(super) const fn give_up(&mut self) {
        self.looked_until = 0;
    }

    /// What a choice takes it for, where `None` is to be found out. It halves with each minute without
    /// an answer, so that what was slow once is looked at again, by one request at a time: while that is under
    /// way, it is what it was, and the most there is where nothing is known.
    pub(super) fn expected(&self, now: u64) -> Option<u32> {
        let is_looked = now < self.looked_until;
        let minutes = now.saturating_sub(self.at) / FRESH_MS;
        let halved = |average: u32| {
            let minutes = u32::try_from(minutes).ok();
            minutes.and_then(|minutes| average.checked_shr(minutes))
        };
        match self.milliseconds {
            None => is_looked.then_some(u32::MAX),
            Some(average) if is_looked => Some(average),
            Some(average) => Some(halved(average).unwrap_or_default()),
        }
    }

    const fn is_fresh(&self, now: u64) -> bool {
        now.saturating_sub(self.at) < FRESH_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_219_200_000;

    #[test]
    fn one_at_a_time_finds_out_what_is_not_known() {
        let mut average = Average::default();
        assert_eq!(average.expected(NOW), None);
        average.look(NOW, NOW + 30_000);
        assert_eq!(average.expected(NOW + 1), Some(u32::MAX), "somebody does");
        assert_eq!(average.expected(NOW + 30_000), None, "and has not");
        average.look(NOW, NOW + 30_000);
        average.give_up();
        assert_eq!(average.expected(NOW + 1), None, "or has given up");
        average.take(800, NOW + 2);
        assert_eq!(average.expected(NOW + 2), Some(800));
    }

    #[test]
    fn what_was_slow_is_looked_at_again() {
        let mut average = Average::default();
        average.take(8_000, NOW);
        average.look(NOW + 1, NOW + 30_000);
        let after = |average: &Average, minutes: u64| average.expected(NOW + minutes * 60_000);
        let expected: Vec<_> = (0..4).map(|minutes| after(&average, minutes)).collect();
        assert_eq!(
            expected,
            [Some(8_000), Some(4_000), Some(2_000), Some(1_000)]
        );
        assert_eq!(after(&average, 40), Some(0));
        let later = NOW + 240_000;
        average.look(later, later + 30_000);
        assert_eq!(average.expected(later), Some(8_000), "by one at a time");
        average.take(100, later + 100);
        assert_eq!(average.expected(later + 100), Some(100), "anew");
    }
}
