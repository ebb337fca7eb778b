//! How often one model is asked again, and after what pauses, as the caller's headers say
//! (`cf-aig-max-attempts`, `cf-aig-retry-delay`, `cf-aig-backoff`).
//!
//! <https://developers.cloudflare.com/ai-gateway/configuration/request-handling/>

use crate::error::Error;
use crate::http::Incoming;
use crate::request::header::{number, parsed};

/// Attempts at one model that a caller may ask for.
const ATTEMPTS: std::ops::RangeInclusive<u64> = 1..=5;
/// Milliseconds between two attempts that a caller may ask for.
const DELAY_MS: std::ops::RangeInclusive<u64> = 0..=60_000;

/// The attempts at each model. Unless the caller says otherwise there is one: the next model is
/// asked sooner than the same one again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first.
    more: u32,
    /// Milliseconds before the second.
    delay_ms: u64,
    backoff: Backoff,
}

/// How pauses grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Backoff {
    #[default]
    Constant,
    Exponential,
    Linear,
}

impl Retries {
    /// What the headers of a request say.
    ///
    /// # Errors
    /// `InvalidRequest`, with the header's name.
    pub fn of(incoming: &dyn Incoming) -> Result<Self, Error> {
        let attempts = number(incoming, "cf-aig-max-attempts", ATTEMPTS)?.unwrap_or(1);
        let delay_ms = number(incoming, "cf-aig-retry-delay", DELAY_MS)?;
        let expected = || "`constant`, `linear` or `exponential`".to_owned();
        let backoff = parsed(incoming, "cf-aig-backoff", Backoff::parse, expected)?;
        Ok(Self {
            more: u32::try_from(attempts.saturating_sub(1)).unwrap_or_default(),
            delay_ms: delay_ms.unwrap_or_default(),
            backoff: backoff.unwrap_or_default(),
        })
    }

    /// Milliseconds until a model is asked again of which so many attempts (at least one) have failed;
    /// `None` where it is not.
    #[must_use]
    pub fn pause(self, failed: u32) -> Option<u64> {
        if failed > self.more {
            return None;
        }
        let factor = match self.backoff {
            Backoff::Constant => 1,
            Backoff::Exponential => 2_u64.saturating_pow(failed.saturating_sub(1)),
            Backoff::Linear => u64::from(failed),
        };
        Some(self.delay_ms.saturating_mul(factor))
    }
}

impl Backoff {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "constant" => Self::Constant,
            "exponential" => Self::Exponential,
            "linear" => Self::Linear,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(backoff: Backoff) -> Vec<Option<u64>> {
        let retries = Retries {
            more: 3,
            delay_ms: 100,
            backoff,
        };
        (1..=4).map(|failed| retries.pause(failed)).collect()
    }

    #[test]
    fn pauses_grow_as_asked() {
        let constant = [Some(100), Some(100), Some(100), None];
        assert_eq!(pauses(Backoff::Constant), constant);
        let linear = [Some(100), Some(200), Some(300), None];
        assert_eq!(pauses(Backoff::Linear), linear);
        let exponential = [Some(100), Some(200), Some(400), None];
        assert_eq!(pauses(Backoff::Exponential), exponential);
    }

    #[test]
    fn nobody_is_asked_again_unasked() {
        assert_eq!(Retries::default().pause(1), None);
    }
}
