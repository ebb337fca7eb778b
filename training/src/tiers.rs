//! The tier of each operation, as labelled lines have it.

use std::collections::BTreeMap;

use crate::set::Line;

/// Tiers by the names of operations.
pub struct Tiers(BTreeMap<String, String>);

impl Tiers {
    /// The tiers that lines name.
    pub fn of_lines<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Self {
        let pairs = lines.into_iter();
        Self(
            pairs
                .map(|line| (line.operation.clone(), line.tier.clone()))
                .collect(),
        )
    }

    /// The tier of an operation.
    ///
    /// # Errors
    /// Where no line was of it.
    pub fn of(&self, operation: &str) -> Result<&str, String> {
        let tier = self.0.get(operation).map(String::as_str);
        tier.ok_or_else(|| format!("the tier of {operation} is not known"))
    }
}
