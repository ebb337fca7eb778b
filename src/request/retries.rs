//! How often one model is asked again, and after what pauses: as the caller's headers say
//! (`cf-aig-max-attempts`, `cf-aig-retry-delay`, `cf-aig-backoff`), else as the org does.
//!
//! <https://developers.cloudflare.com/ai-gateway/configuration/request-handling/>

use crate::config::Attempts;
use crate::error::Error;
use crate::http::Incoming;
use crate::request::header::{number, parsed};

/// Attempts at one model that a caller may ask for.
const ATTEMPTS: std::ops::RangeInclusive<u64> = 1..=5;
/// Milliseconds between two attempts that a caller may ask for.
const DELAY_MS: std::ops::RangeInclusive<u64> = 0..=60_000;

/// The attempts at each model. Unless somebody says otherwise there is one: the next model is asked
/// sooner than the same one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// Twice as long each time, and up to half of that less by chance.
    Jittered,
    Linear,
}

impl From<Attempts> for Retries {
    /// What an org says.
    fn from(org: Attempts) -> Self {
        Self {
            more: u32::try_from(org.max_attempts.saturating_sub(1)).unwrap_or_default(),
            delay_ms: org.retry_delay_ms,
            backoff: Backoff::Jittered,
        }
    }
}

impl Retries {
    /// Each model is asked once.
    pub const NONE: Self = Self {
        more: 0,
        delay_ms: 0,
        backoff: Backoff::Constant,
    };

    /// The same pauses, so many times.
    #[must_use]
    pub const fn times(self, more: u32) -> Self {
        Self { more, ..self }
    }

    /// What the headers of a request say; `None` where they leave it to the org.
    ///
    /// # Errors
    /// `InvalidRequest`, with the header's name.
    pub fn of(incoming: &dyn Incoming) -> Result<Option<Self>, Error> {
        let attempts = number(incoming, "cf-aig-max-attempts", ATTEMPTS)?;
        let delay_ms = number(incoming, "cf-aig-retry-delay", DELAY_MS)?;
        let expected = || "`constant`, `linear` or `exponential`".to_owned();
        let backoff = parsed(incoming, "cf-aig-backoff", Backoff::parse, expected)?;
        Ok(attempts.map(|attempts| Self {
            more: u32::try_from(attempts.saturating_sub(1)).unwrap_or_default(),
            delay_ms: delay_ms.unwrap_or_default(),
            backoff: backoff.unwrap_or_default(),
        }))
    }

    /// Milliseconds until a model is asked again of which so many attempts (at least one) have failed;
    /// `None` where it is not. `chance` is anything from 0 to 255.
    #[must_use]
    pub fn pause(self, failed: u32, chance: u8) -> Option<u64> {
        if failed > self.more {
            return None;
        }
        let doubled = 2_u64.saturating_pow(failed.saturating_sub(1));
        let factor = match self.backoff {
            Backoff::Constant => 1,
            Backoff::Exponential | Backoff::Jittered => doubled,
            Backoff::Linear => u64::from(failed),
        };
        let pause = self.delay_ms.saturating_mul(factor);
        let less = match self.backoff {
            Backoff::Jittered => pause.saturating_mul(u64::from(chance)) / 512,
            Backoff::Constant | Backoff::Exponential | Backoff::Linear => 0,
        };
        Some(pause.saturating_sub(less))
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

    fn pauses(backoff: Backoff, chance: u8) -> Vec<Option<u64>> {
        let retries = Retries {
            more: 3,
            delay_ms: 100,
            backoff,
        };
        (1..=4)
            .map(|failed| retries.pause(failed, chance))
            .collect()
    }

    #[test]
    fn pauses_grow_as_asked() {
        let constant = [Some(100), Some(100), Some(100), None];
        assert_eq!(pauses(Backoff::Constant, 200), constant);
        let linear = [Some(100), Some(200), Some(300), None];
        assert_eq!(pauses(Backoff::Linear, 200), linear);
        let exponential = [Some(100), Some(200), Some(400), None];
        assert_eq!(pauses(Backoff::Exponential, 200), exponential);
    }

    #[test]
    fn pauses_of_an_org_are_spread_over_their_upper_half() {
        let longest = [Some(100), Some(200), Some(400), None];
        assert_eq!(pauses(Backoff::Jittered, 0), longest);
        let shortest = [Some(51), Some(101), Some(201), None];
        assert_eq!(pauses(Backoff::Jittered, 255), shortest);
    }

    #[test]
    fn nobody_is_asked_again_unasked() {
        assert_eq!(Retries::from(Attempts::default()).pause(1, 0), None);
    }
}
