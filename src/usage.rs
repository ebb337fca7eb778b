//! What a model call used, and what that costs.

mod units;

use serde::{Deserialize, Serialize};

pub use self::units::Units;
pub(crate) use self::units::is_zero;

use crate::money::{Nanos, Rate, round_up};

/// Tokens of one or several model calls, and what else they used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens, those read from the provider's prompt cache included.
    pub input_tokens: u64,
    /// The part of `input_tokens` that the provider read from its prompt cache.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// The part of `input_tokens` that the provider wrote to its prompt cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    /// The part of `cache_write_tokens` that the provider keeps for an hour, which costs more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_1h_tokens: u64,
    /// The part of `input_tokens` that was sound.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_input_tokens: u64,
    /// Completion tokens, reasoning included.
    pub output_tokens: u64,
    /// The part of `output_tokens` that was reasoning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// What is not counted in tokens.
    #[serde(default, skip_serializing_if = "Units::is_none")]
    pub units: Units,
    /// The provider reported nothing, so these figures are Esclusa's estimate.
    #[serde(default)]
    pub estimated: bool,
}

/// UTF-8 bytes per token where usage must be estimated rather than bounded.
const BYTES_PER_TOKEN: u64 = 4;

impl Usage {
    /// An estimate from the bytes that went in and came out.
    #[must_use]
    pub fn estimate(input_bytes: u64, output_bytes: u64) -> Self {
        Self {
            input_tokens: estimate_tokens(input_bytes),
            output_tokens: estimate_tokens(output_bytes),
            estimated: true,
            ..Self::default()
        }
    }

    /// Input and output together.
    #[must_use]
    pub const fn total_tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Both usages together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        const fn sum(left: u64, right: u64) -> u64 {
            left.saturating_add(right)
        }
        Self {
            input_tokens: sum(self.input_tokens, other.input_tokens),
            cached_input_tokens: sum(self.cached_input_tokens, other.cached_input_tokens),
            cache_write_tokens: sum(self.cache_write_tokens, other.cache_write_tokens),
            cache_write_1h_tokens: sum(self.cache_write_1h_tokens, other.cache_write_1h_tokens),
            audio_input_tokens: sum(self.audio_input_tokens, other.audio_input_tokens),
            output_tokens: sum(self.output_tokens, other.output_tokens),
            reasoning_tokens: sum(self.reasoning_tokens, other.reasoning_tokens),
            units: self.units.plus(other.units),
            estimated: self.estimated || other.estimated,
        }
    }
}

/// Tokens that a text of `bytes` UTF-8 bytes is likely to have: an estimate, not a bound.
#[must_use]
pub const fn estimate_tokens(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// What a model charges, per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens.
    pub input: Rate,
    /// Prompt tokens read from the provider's cache; the input price where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Rate>,
    /// Prompt tokens written to the provider's cache; the input price where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Rate>,
    /// Those that are kept there for an hour; the price of other writes where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Rate>,
    /// Prompt tokens of sound; the input price where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_input: Option<Rate>,
    /// Completion tokens.
    #[serde(default)]
    pub output: Rate,
}

impl Price {
    /// What `usage` costs, rounded up once to a whole nano-dollar.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Nanos {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let uncached = usage.input_tokens.saturating_sub(cached);
        let written = usage.cache_write_tokens.min(uncached);
        let hour = usage.cache_write_1h_tokens.min(written);
        let fresh = uncached.saturating_sub(written);
        let sound = usage.audio_input_tokens.min(fresh);
        let write = self.cache_write.unwrap_or(self.input);
        let parts = [
            self.input.times(fresh.saturating_sub(sound)),
            self.audio_input.unwrap_or(self.input).times(sound),
            self.cached_input.unwrap_or(self.input).times(cached),
            write.times(written.saturating_sub(hour)),
            self.cache_write_1h.unwrap_or(write).times(hour),
            self.output.times(usage.output_tokens),
        ];
        round_up(parts.into_iter().fold(0, i128::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(input: &str, cached: Option<&str>, output: &str) -> Price {
        let rate = |text: &str| Rate::from_usd_per_million(text).unwrap();
        Price {
            input: rate(input),
            cached_input: cached.map(rate),
            output: rate(output),
            ..Price::default()
        }
    }

    #[test]
    fn costs_are_exact() {
        let usage = Usage {
            input_tokens: 1_000,
            output_tokens: 200,
            ..Usage::default()
        };
        assert_eq!(
            price("0.051", None, "0.335").cost(&usage),
            Nanos::new(118_000)
        );
    }

    #[test]
    fn cached_input_is_not_charged_twice() {
        let usage = Usage {
            input_tokens: 1_000_000,
            cached_input_tokens: 900_000,
            ..Usage::default()
        };
        assert_eq!(
            price("2.5", Some("1.25"), "10").cost(&usage),
            Nanos::from_usd("1.375").unwrap()
        );
        let absurd = Usage {
            input_tokens: 10,
            cached_input_tokens: 99,
            ..Usage::default()
        };
        assert_eq!(price("1", Some("0"), "0").cost(&absurd), Nanos::ZERO);
    }

    /// <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#pricing>
    #[test]
    fn what_is_kept_for_an_hour_is_charged_apart() {
        let rate = |text: &str| Rate::from_usd_per_million(text).unwrap();
        let sonnet = Price {
            cache_write: Some(rate("3.75")),
            cache_write_1h: Some(rate("6")),
            ..price("3", Some("0.30"), "15")
        };
        let usage = Usage {
            input_tokens: 10_000,
            cached_input_tokens: 4_000,
            cache_write_tokens: 5_000,
            cache_write_1h_tokens: 2_000,
            output_tokens: 100,
            ..Usage::default()
        };
        // 1,000 × 3,000 + 4,000 × 300 + 3,000 × 3,750 + 2,000 × 6,000 + 100 × 15,000
        assert_eq!(sonnet.cost(&usage), Nanos::new(28_950_000));
        let unpriced = Price {
            cache_write_1h: None,
            ..sonnet
        };
        assert_eq!(unpriced.cost(&usage), Nanos::new(24_450_000));
        let absurd = Usage {
            cache_write_1h_tokens: 99_999,
            ..usage
        };
        assert_eq!(sonnet.cost(&absurd), Nanos::new(35_700_000));
    }

    /// <https://ai.google.dev/gemini-api/docs/pricing#gemini-2.5-flash>
    #[test]
    fn sound_is_charged_apart() {
        let flash = Price {
            audio_input: Some(Rate::from_usd_per_million("1").unwrap()),
            ..price("0.30", Some("0.03"), "2.50")
        };
        let usage = Usage {
            input_tokens: 1_000,
            audio_input_tokens: 600,
            ..Usage::default()
        };
        // 400 × 300 + 600 × 1,000
        assert_eq!(flash.cost(&usage), Nanos::new(720_000));
        let same = price("0.30", None, "2.50");
        assert_eq!(same.cost(&usage), Nanos::new(300_000));
    }

    #[test]
    fn absurd_usage_saturates() {
        let usage = Usage {
            input_tokens: u64::MAX,
            output_tokens: u64::MAX,
            ..Usage::default()
        };
        assert_eq!(price("1", None, "1").cost(&usage), Nanos::MAX);
    }
}
