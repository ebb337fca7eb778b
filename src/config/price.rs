//! What a model charges, by whichever unit it charges.

use serde::{Deserialize, Serialize};

use crate::money::{Nanos, Rate, round_up};
use crate::usage::{Price, Usage};

const MINUTE_MS: i128 = 60_000;

/// What a model charges. Every rate is in US dollars per million units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnitPrice {
    /// Per character of the text that is spoken.
    Characters(Rate),
    /// Per picture of the default size.
    Images(Rate),
    /// Per minute of sound.
    Minutes(Rate),
    /// Per token.
    Tokens(Price),
}

impl UnitPrice {
    /// What `usage` costs, rounded up once to a whole nano-dollar.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Nanos {
        match self {
            Self::Characters(rate) => round_up(rate.times(usage.units.characters)),
            Self::Images(rate) => round_up(rate.times(usage.units.images)),
            Self::Minutes(rate) => {
                let product = rate.times(usage.units.audio_milliseconds);
                round_up(
                    product
                        .saturating_add(MINUTE_MS)
                        .saturating_sub(1)
                        .div_euclid(MINUTE_MS),
                )
            }
            Self::Tokens(price) => price.cost(usage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Units;

    #[test]
    fn each_unit_is_charged_exactly() {
        let rate = |text: &str| Rate::from_usd_per_million(text).unwrap();
        let used = |units| Usage {
            units,
            ..Usage::default()
        };
        let spoken = used(Units {
            characters: 1_234,
            ..Units::NONE
        });
        assert_eq!(
            UnitPrice::Characters(rate("15")).cost(&spoken),
            Nanos::from_usd("0.01851").unwrap()
        );
        // $0.00051 a minute: 90 s are $0.000765, and a millisecond costs the nano-dollar begun.
        let heard = |audio_milliseconds| {
            used(Units {
                audio_milliseconds,
                ..Units::NONE
            })
        };
        let minutes = UnitPrice::Minutes(rate("510"));
        assert_eq!(minutes.cost(&heard(90_000)), Nanos::new(765_000));
        assert_eq!(minutes.cost(&heard(1)), Nanos::new(9));
        assert_eq!(minutes.cost(&heard(0)), Nanos::ZERO);
        assert_eq!(minutes.cost(&heard(u64::MAX)), Nanos::MAX);
        let drawn = used(Units {
            images: 3,
            ..Units::NONE
        });
        let images = UnitPrice::Images(rate("634"));
        assert_eq!(images.cost(&drawn), Nanos::new(1_902_000));
    }
}
