//! A circuit breaker: whether a part of the world is worth asking now. A pure state machine.
//!
//! Closed, it counts outcomes, and opens after [`MOST_IN_A_ROW`] failures in a row, or where half of
//! the last [`RECENT`] outcomes are failures. Open, it rests for a while, the longer the more often it
//! has opened without a success between. Then one call at a time may probe; the first success closes
//! it, a failure opens it again. It rests at once where a provider says for how long, and where another
//! isolate tells that the part is broken: then a probe is due after a moment.
//!
//! An outcome counts only for the state in which its call began: what was under way when the breaker
//! opened neither closes it nor lengthens its rest.

/// Failures in a row that open it.
pub const MOST_IN_A_ROW: u32 = 5;
/// Outcomes of which half may be failures.
pub const RECENT: u32 = 20;
/// The mask of the newest [`RECENT`] outcomes.
const RECENT_MASK: u32 = (1 << RECENT) - 1;

/// How long it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rests {
    /// Milliseconds after the first opening.
    pub first_ms: u64,
    /// Milliseconds at most; each opening without a success between rests twice as long as the last.
    pub most_ms: u64,
}

/// Why it is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The provider said when to ask again.
    Busy,
    /// It failed too often.
    Failing,
    /// The account's quota is used up.
    Quota,
    /// The provider refuses the account: its key, its plan, its money.
    Refused,
    /// Another isolate says that it fails.
    Told,
}

impl Why {
    /// A few words, for records and errors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "cooling down",
            Self::Failing | Self::Told => "circuit open",
            Self::Quota => "quota used up",
            Self::Refused => "account refused",
        }
    }

    /// Whether it may be asked all the same where nothing else is left: the failure is a guess of ours,
    /// and no word of the provider's.
    #[must_use]
    pub const fn is_guess(self) -> bool {
        matches!(self, Self::Failing | Self::Told)
    }
}

/// Why it is not asked, and how long at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Why.
    pub why: Why,
    /// Milliseconds until it may be asked; 0 where another call is probing.
    pub left_ms: u64,
}

/// The leave to ask once. What came of it is told with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    generation: u64,
    probes: bool,
    /// Which one it is of those that were given, from 1.
    number: u64,
}

impl Turn {
    /// Whether it is the one call that finds out whether all is well again.
    #[must_use]
    pub const fn probes(&self) -> bool {
        self.probes
    }
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It is closed again.
    Closed,
    /// It is not asked for so many milliseconds.
    Opened(u64),
}

/// The breaker of one part of the world.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    rest: Option<Rest>,
    /// Outcomes since it closed, the newest in the lowest bit; 1 is a failure.
    recent: u32,
    /// Failures in a row.
    row: u32,
    /// The number of the turn that began the row.
    row_from: u64,
    /// How often leave was given.
    asked: u64,
    /// Openings without a success between.
    openings: u32,
    /// Counts the changes between open and closed, and probes.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    why: Why,
    since: u64,
    until: u64,
    /// When the probe is given up that is under way.
    probe_until: Option<u64>,
}

impl Rest {
    /// A clock that went back ends it, so that nothing rests for longer than it should.
    const fn left_ms(&self, now: u64) -> u64 {
        if now < self.since {
            0
        } else {
            self.until.saturating_sub(now)
        }
    }

    /// Whether a probe is under way. One that never tells, because its request is gone, is given up.
    fn is_probed(&self, now: u64) -> bool {
        now >= self.since && self.probe_until.is_some_and(|until| now < until)
    }
}

impl Breaker {
    /// Why it is not asked now; `None` where it may be, if only by a probe.
    #[must_use]
    pub fn resting(&self, now: u64) -> Option<Resting> {
        let rest = self.rest.as_ref()?;
        let left_ms = rest.left_ms(now);
        let why = rest.why;
        (left_ms > 0 || rest.is_probed(now)).then_some(Resting { why, left_ms })
    }

    /// Asks for leave to ask. A probe that says nothing for `patience_ms` is given up.
    ///
    /// # Errors
    /// Why not.
    pub fn ask(&mut self, now: u64, patience_ms: u64) -> Result<Turn, Resting> {
        if let Some(resting) = self.resting(now) {
            return Err(resting);
        }
        if let Some(rest) = &mut self.rest {
            // The clock may have gone back.
            rest.since = rest.since.min(now);
            rest.probe_until = Some(now.saturating_add(patience_ms));
            // A probe before this one was given up: whatever it tells now is not heard any more.
            self.generation = self.generation.saturating_add(1);
        }
        let probes = self.rest.is_some();
        Ok(self.turn(probes))
    }

    /// The next call's leave.
    const fn turn(&mut self, probes: bool) -> Turn {
        self.asked = self.asked.saturating_add(1);
        Turn {
            generation: self.generation,
            probes,
            number: self.asked,
        }
    }

    /// Leave to ask whatever it knows, where nothing else is left. A success closes it, a failure
    /// changes nothing while it is open.
    #[must_use]
    pub const fn force(&mut self) -> Turn {
        self.turn(false)
    }

    /// A call was answered. It ends a row of failures where it was made after the first of them: one that
    /// was under way before says nothing of now.
    pub fn succeeded(&mut self, turn: Turn) -> Option<Turned> {
        if turn.generation != self.generation {
            return None;
        }
        self.recent = (self.recent << 1) & RECENT_MASK;
        if turn.number > self.row_from {
            self.row = 0;
        }
        self.rest?;
        *self = Self {
            generation: self.generation.saturating_add(1),
            asked: self.asked,
            ..Self::default()
        };
        Some(Turned::Closed)
    }

    /// A call failed. `jitter` of 0 to 255 makes the rest up to a quarter shorter, so that isolates do
    /// not probe together.
    pub fn failed(&mut self, turn: Turn, now: u64, rests: Rests, jitter: u8) -> Option<Turned> {
        if turn.generation != self.generation {
            return None;
        }
        if self.rest.is_some() {
            return turn.probes.then(|| self.open(now, rests, jitter));
        }
        self.recent = ((self.recent << 1) | 1) & RECENT_MASK;
        if self.row == 0 {
            self.row_from = turn.number;
        }
        self.row = self.row.saturating_add(1);
        let is_broken =
            self.row >= MOST_IN_A_ROW || self.recent.count_ones().saturating_mul(2) >= RECENT;
        is_broken.then(|| self.open(now, rests, jitter))
    }

    /// A probe has come so far that it is waited for until then.
    pub const fn prolong(&mut self, turn: Turn, until: u64) {
        if turn.probes
            && turn.generation == self.generation
            && let Some(rest) = &mut self.rest
        {
            rest.probe_until = Some(until);
        }
    }

    /// A call neither failed nor succeeded in what the breaker is about, or was given up.
    pub fn left(&mut self, turn: Turn) {
        if turn.probes
            && turn.generation == self.generation
            && let Some(rest) = &mut self.rest
        {
            rest.probe_until = None;
        }
    }

    /// The provider wants not to be asked for so long. Where it says so again to a probe, it rests at least
    /// as long as after any other failure, so that short words repeated are not many probes.
    pub fn cool(
        &mut self,
        turn: Turn,
        now: u64,
        told_ms: u64,
        why: Why,
        rests: Rests,
    ) -> Option<Turned> {
        let heard = turn.generation == self.generation && (self.rest.is_none() || turn.probes);
        heard.then(|| {
            let least = if turn.probes {
                self.usual_rest(rests)
            } else {
                0
            };
            self.openings = self.openings.saturating_add(1);
            self.rest(now, told_ms.max(least), why)
        })
    }

    /// Another isolate says that it is broken: a probe of one's own is due after a moment. What this one
    /// has seen itself stays.
    pub fn told(&mut self, now: u64, milliseconds: u64) {
        if self.rest.is_none() {
            self.rest(now, milliseconds, Why::Told);
        }
    }

    fn open(&mut self, now: u64, rests: Rests, jitter: u8) -> Turned {
        let full = self.usual_rest(rests);
        let less = full.saturating_mul(u64::from(jitter)) / 1_024;
        self.openings = self.openings.saturating_add(1);
        self.rest(now, full.saturating_sub(less), Why::Failing)
    }

    fn usual_rest(&self, rests: Rests) -> u64 {
        let factor = 1_u64.checked_shl(self.openings).unwrap_or(u64::MAX);
        rests.first_ms.saturating_mul(factor).min(rests.most_ms)
    }

    fn rest(&mut self, now: u64, milliseconds: u64, why: Why) -> Turned {
        self.rest = Some(Rest {
            why,
            since: now,
            until: now.saturating_add(milliseconds),
            probe_until: None,
        });
        self.generation = self.generation.saturating_add(1);
        self.recent = 0;
        self.row = 0;
        Turned::Opened(milliseconds)
    }
}

#[cfg(test)]
mod tests;
