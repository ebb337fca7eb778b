//! How long a call may take, who says so, and whether its silence says anything of the model.

/// Milliseconds without a first event that say something of any model, whoever did not wait longer.
pub(super) const FAIR_MS: u64 = 10_000;
/// The same where an org or its route waits no longer, and nothing is known of the model.
const UNKNOWN_MS: u64 = 5_000;
/// Milliseconds that no model needs to be quicker than.
const QUICK_MS: u64 = 1_000;
/// What takes this many times the usual milliseconds is not only slow.
const FACTOR: u64 = 4;

/// What a call is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The first event of a stream.
    FirstEvent,
    /// The end of a whole answer, which takes the longer the longer the answer is.
    Whole,
}

/// Who bounds a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The org, or its route.
    Org,
    /// The request: its caller, or what is left of its time.
    Request,
    /// Nobody for less than every call has, or a probe several times the usual.
    Usual,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is waited for.
    pub awaited: Awaited,
    /// For so long.
    pub milliseconds: u64,
    /// Who says so.
    pub by: By,
}

impl Limit {
    /// The limit, or a shorter one.
    #[must_use]
    pub const fn at_most(self, milliseconds: u64, by: By) -> Self {
        if milliseconds < self.milliseconds {
            Self {
                milliseconds,
                by,
                ..self
            }
        } else {
            self
        }
    }

    /// The milliseconds of a probe of a model of this average, for which somebody waits.
    pub(super) fn of_probe(average: u32) -> u64 {
        times(average).max(FAIR_MS)
    }

    /// Whether a model of this average that was silent for so long has failed. The isolate's other orgs
    /// are told by this one's time-outs: what one of them finds long must be long for the model. A caller's
    /// own time says little, and nothing of whole answers.
    pub(super) fn is_fair(self, average: Option<u32>) -> bool {
        let usual = average.map(times);
        let least = match (self.by, self.awaited) {
            (By::Usual, _) => return true,
            (By::Request, Awaited::Whole) => return false,
            (By::Request, Awaited::FirstEvent) => usual.unwrap_or_default().max(FAIR_MS),
            (By::Org, Awaited::FirstEvent) => usual.map_or(UNKNOWN_MS, |usual| usual.max(QUICK_MS)),
            (By::Org, Awaited::Whole) => usual.map_or(u64::MAX, |usual| usual.max(FAIR_MS)),
        };
        self.milliseconds >= least
    }
}

fn times(average: u32) -> u64 {
    u64::from(average).saturating_mul(FACTOR)
}
