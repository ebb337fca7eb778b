//! The `usage` of answers that are no text.

use serde::Serialize;

use crate::money::Nanos;
use crate::usage::Usage;

/// Tokens that went in. `cost_usd`, decimal text, is Esclusa's own.
#[derive(Debug, Serialize)]
pub struct InputUsage {
    prompt_tokens: u64,
    total_tokens: u64,
    cost_usd: String,
}

impl InputUsage {
    /// The usage and the cost of a whole request.
    #[must_use]
    pub fn new(usage: &Usage, cost: Nanos) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            total_tokens: usage.total_tokens(),
            cost_usd: cost.to_usd(),
        }
    }
}
