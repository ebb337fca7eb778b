//! What a caller says that the answer costs, in place of the catalogue's price: `cf-aig-custom-cost`.
//!
//! <https://developers.cloudflare.com/ai-gateway/configuration/custom-costs/>

use serde_json::value::RawValue;

use super::bound::dearest;
use crate::money::{Nanos, Rate};
use crate::protocol::json::{Object, Shape, shape};
use crate::usage::{Price, Usage};

/// What an answer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomCost {
    /// By its tokens.
    Tokens(Price),
    /// So much, whatever it uses.
    Total(Nanos),
}

impl CustomCost {
    /// Reads `{"total_cost": USD}`, or USD per token as `per_token_in`, `per_token_out`,
    /// `per_cache_read_token`, `per_cache_write_token`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let object = Object::parse(text)?;
        let mut total = None;
        let mut price = None;
        for (name, raw) in object.entries() {
            if name == "total_cost" {
                total = Some(Nanos::from_decimal_usd(number(raw)?).ok()?);
                continue;
            }
            let rate = Rate::from_usd_per_unit(number(raw)?).ok()?;
            let price = price.get_or_insert_with(Price::default);
            match name {
                "per_token_in" => price.input = rate,
                "per_token_out" => price.output = rate,
                "per_cache_read_token" => price.cached_input = Some(rate),
                "per_cache_write_token" => price.cache_write = Some(rate),
                _ => return None,
            }
        }
        match (total, price) {
            (Some(total), None) => Some(Self::Total(total)),
            (None, Some(price)) => Some(Self::Tokens(price)),
            _ => None,
        }
    }

    /// What an answer that used this costs.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Nanos {
        match self {
            Self::Tokens(price) => price.cost(usage),
            Self::Total(total) => *total,
        }
    }

    /// The worst that an answer may cost which uses this at most.
    #[must_use]
    pub fn bound(&self, usage: &Usage) -> Nanos {
        match self {
            Self::Tokens(price) => dearest(price).cost(usage),
            Self::Total(total) => *total,
        }
    }
}

fn number(raw: &RawValue) -> Option<&str> {
    (shape(raw) == Shape::Number).then(|| raw.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_read_exactly() {
        let usage = Usage {
            input_tokens: 1_000,
            cached_input_tokens: 400,
            output_tokens: 10,
            ..Usage::default()
        };
        let cases = [
            (r#"{"total_cost":0.01}"#, 10_000_000),
            (r#"{"total_cost":0}"#, 0),
            (r#"{"total_cost":1e-9}"#, 1),
            (r#"{"total_cost":1.5E-10}"#, 1),
            (
                r#"{"per_token_in":0.000001,"per_token_out":0.000002}"#,
                1_020_000,
            ),
            (
                r#"{"per_token_in":1e-6,"per_cache_read_token":1e-7}"#,
                640_000,
            ),
            (r#"{"per_token_out":2.5e-7}"#, 2_500),
        ];
        for (text, nanos) in cases {
            let custom = CustomCost::parse(text).unwrap();
            assert_eq!(custom.cost(&usage), Nanos::new(nanos), "{text}");
            assert!(custom.bound(&usage) >= custom.cost(&usage), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            "",
            "0.01",
            "{}",
            r#"{"total_cost":"0.01"}"#,
            r#"{"total_cost":-1}"#,
            r#"{"total_cost":1e30}"#,
            r#"{"total_cost":null}"#,
            r#"{"total_cost":1,"per_token_in":1}"#,
            r#"{"per_token":1}"#,
            r#"{"per_token_in":-1e-6}"#,
        ];
        for text in cases {
            assert_eq!(CustomCost::parse(text), None, "{text}");
        }
    }
}
