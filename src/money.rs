//! Money in nano-dollars: exact integers, checked arithmetic, decimal text at every border.
//!
//! One US dollar is 1,000,000,000 nanos, so `i64` carries ± $9.2 billion. JavaScript and `SQLite`'s
//! JavaScript interface pass integers through `f64`, which is wrong above 2^53 nanos ($9.007 M):
//! across JSON and SQL an amount is therefore a decimal string.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANOS_PER_DOLLAR: i128 = 1_000_000_000;
const FRACTION_DIGITS: usize = 9;

/// An amount of money in nano-dollars (10⁻⁹ USD). Serialised as decimal text of the integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(i64);

impl Nanos {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The largest amount; the saturation point of every sum.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount of `nanos` nano-dollars.
    #[must_use]
    pub const fn new(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, or `None` where it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, held at the largest or smallest amount. For bounds and displays, never for ledgers.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, held at the largest or smallest amount.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount `times` over, held at the largest or smallest amount.
    #[must_use]
    pub const fn saturating_mul(self, times: i64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// This amount, or nothing where it is negative.
    #[must_use]
    pub fn at_least_zero(self) -> Self {
        self.max(Self::ZERO)
    }

    /// Decimal dollars without trailing zeros, e.g. `0.000012` or `-3.5`.
    #[must_use]
    pub fn to_usd(self) -> String {
        let magnitude = self.0.unsigned_abs();
        let (whole, fraction) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
        let sign = if self.0 < 0 { "-" } else { "" };
        let text = format!("{sign}{whole}.{fraction:09}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// Dollars as JSON writes numbers, e.g. `1.5e-3`, rounded up to a whole nano-dollar.
    ///
    /// # Errors
    /// [`ParseMoneyError`] for what is negative, no number, or too large.
    pub fn from_decimal_usd(text: &str) -> Result<Self, ParseMoneyError> {
        scaled_up(text, 9).map(Self)
    }

    /// Parses decimal dollars, e.g. `12.5`.
    ///
    /// # Errors
    /// [`ParseMoneyError`] for anything but digits with at most one point and at most nine decimals.
    pub fn from_usd(text: &str) -> Result<Self, ParseMoneyError> {
        parse_decimal(text).map(Self)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl FromStr for Nanos {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ParseMoneyError)
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The price of a million units (tokens, characters, minutes), in nano-dollars.
///
/// Written in configuration as decimal US dollars in a string (`"0.051"`), because a JSON number
/// would pass through binary floating point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(i64);

impl Rate {
    /// A rate from decimal US dollars per million units.
    ///
    /// # Errors
    /// [`ParseMoneyError`] for anything but a non-negative decimal with at most nine decimals.
    pub fn from_usd_per_million(text: &str) -> Result<Self, ParseMoneyError> {
        parse_decimal(text).and_then(|nanos| {
            if nanos < 0 {
                Err(ParseMoneyError)
            } else {
                Ok(Self(nanos))
            }
        })
    }

    /// A rate from decimal US dollars for each unit, as JSON writes numbers; rounded up where it is finer
    /// than a nano-dollar for a million.
    ///
    /// # Errors
    /// [`ParseMoneyError`] for what is negative, no number, or too large.
    pub fn from_usd_per_unit(text: &str) -> Result<Self, ParseMoneyError> {
        scaled_up(text, 15).map(Self)
    }

    /// Millionths of a nano-dollar that `units` cost: exact, for summing before the one rounding.
    #[must_use]
    pub fn times(self, units: u64) -> i128 {
        i128::from(self.0).saturating_mul(i128::from(units))
    }

    /// Decimal dollars per million units.
    #[must_use]
    pub fn to_usd_per_million(self) -> String {
        Nanos(self.0).to_usd()
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::from_usd_per_million(&text).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_usd_per_million())
    }
}

/// Turns a sum of [`Rate::times`] products into money, rounded up once.
#[must_use]
pub fn round_up(millionths: i128) -> Nanos {
    let nanos = millionths.saturating_add(999_999).div_euclid(1_000_000);
    Nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The text is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected decimal US dollars in a string, e.g. \"0.051\", with at most nine decimals")]
pub struct ParseMoneyError;

fn parse_decimal(text: &str) -> Result<i64, ParseMoneyError> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1_i128, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let well_formed = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !well_formed(whole) || !well_formed(fraction) || fraction.len() > FRACTION_DIGITS {
        return Err(ParseMoneyError);
    }
    let whole: i128 = whole.parse().map_err(|_| ParseMoneyError)?;
    let fraction: i128 = format!("{fraction:0<FRACTION_DIGITS$}")
        .parse()
        .map_err(|_| ParseMoneyError)?;
    whole
        .checked_mul(NANOS_PER_DOLLAR)
        .and_then(|nanos| nanos.checked_add(fraction))
        .and_then(|nanos| nanos.checked_mul(sign))
        .and_then(|nanos| i64::try_from(nanos).ok())
        .ok_or(ParseMoneyError)
}

/// A number that is not negative, with an exponent or without, times 10 to the power of `places`,
/// rounded up.
fn scaled_up(text: &str, places: i32) -> Result<i64, ParseMoneyError> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| ParseMoneyError)?),
        None => (text, 0_i32),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ParseMoneyError);
    }
    let coefficient: i128 = digits.parse().map_err(|_| ParseMoneyError)?;
    let decimals = i32::try_from(fraction.len()).map_err(|_| ParseMoneyError)?;
    let power = places
        .checked_add(exponent)
        .and_then(|it| it.checked_sub(decimals));
    let power = power.ok_or(ParseMoneyError)?;
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    let scaled = match (factor, power >= 0) {
        _ if coefficient == 0 => Some(0),
        (Some(factor), true) => coefficient.checked_mul(factor),
        (Some(factor), false) => coefficient
            .checked_add(factor.saturating_sub(1))
            .and_then(|sum| sum.checked_div(factor)),
        (None, true) => None,
        (None, false) => Some(1),
    };
    scaled
        .and_then(|scaled| i64::try_from(scaled).ok())
        .ok_or(ParseMoneyError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parses_and_prints_dollars() {
        for (text, nanos) in [
            ("0", 0),
            ("0.051", 51_000_000),
            ("12.5", 12_500_000_000),
            ("-1", -1_000_000_000),
        ] {
            let amount = Nanos::from_usd(text).unwrap();
            assert_eq!(amount.get(), nanos);
            assert_eq!(amount.to_usd(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_decimal() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1e3",
            "1,5",
            " 1",
            "0.0000000001",
            "99999999999999999999",
            "--1",
            "NaN",
        ] {
            assert_eq!(Nanos::from_usd(text), Err(ParseMoneyError), "{text}");
        }
        assert!(Rate::from_usd_per_million("-0.1").is_err());
    }

    #[test]
    fn sums_are_rounded_up_once() {
        let rate = Rate::from_usd_per_million("0.051").unwrap();
        assert_eq!(round_up(rate.times(1)), Nanos::new(51));
        let third = Rate::from_usd_per_million("0.000000001").unwrap();
        assert_eq!(round_up(third.times(1) + third.times(1)), Nanos::new(1));
        assert_eq!(round_up(i128::MAX), Nanos::MAX);
    }

    #[test]
    fn json_is_decimal_text_beyond_two_to_the_53() {
        let amount = Nanos::new(9_007_199_254_740_993);
        assert_eq!(
            serde_json::to_string(&amount).unwrap(),
            "\"9007199254740993\""
        );
        assert_eq!(
            serde_json::from_str::<Nanos>("\"9007199254740993\"").unwrap(),
            amount
        );
        assert!(serde_json::from_str::<Nanos>("12").is_err());
    }

    proptest! {
        #[test]
        fn dollars_round_trip(nanos in any::<i64>()) {
            prop_assume!(nanos != i64::MIN);
            prop_assert_eq!(Nanos::from_usd(&Nanos::new(nanos).to_usd()), Ok(Nanos::new(nanos)));
        }
    }
}
