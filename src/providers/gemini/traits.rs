//! What Gemini's models have not in common, told by their names.

/// What is known of a model. Of an unknown one, that it is a recent one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits<'a>(&'a str);

impl<'a> Traits<'a> {
    /// The traits of a model by its name, with or without its provider's.
    pub(super) fn of(model: Option<&'a str>) -> Self {
        let name = model.unwrap_or_default();
        Self(name.rsplit('/').next().unwrap_or(name))
    }

    /// Takes `thinkingLevel`; all others know `thinkingBudget` only, which it takes too.
    /// <https://ai.google.dev/gemini-api/docs/thinking#levels-budgets>
    pub(super) fn thinks_in_levels(self) -> bool {
        self.0.starts_with("gemini-3")
    }

    /// Cannot be told not to think.
    pub(super) fn always_thinks(self) -> bool {
        self.thinks_in_levels() || self.0.starts_with("gemini-2.5-pro")
    }

    /// Knows no level but `low` and `high`.
    pub(super) fn has_two_levels(self) -> bool {
        self.0.starts_with("gemini-3-pro")
    }

    /// Knows the level `minimal`.
    pub(super) fn thinks_minimally(self) -> bool {
        self.thinks_in_levels() && !self.0.contains("-pro")
    }

    /// The largest `thinkingBudget`.
    pub(super) fn most_thought(self) -> u32 {
        if self.0.contains("-pro") {
            32_768
        } else {
            24_576
        }
    }

    /// Refuses calls of functions without the signature it gave with them.
    /// <https://ai.google.dev/gemini-api/docs/thought-signatures>
    pub(super) fn wants_signatures(self) -> bool {
        !self.0.starts_with("gemini-1") && !self.0.starts_with("gemini-2")
    }

    /// Takes pictures inside the results of functions; the others take them beside.
    pub(super) fn takes_pictures_in_results(self) -> bool {
        self.thinks_in_levels()
    }
}
