//! What isolates tell of models that fail, for other isolates of the org. It rides on settlements and on
//! replies, lives in memory beside the governor, and is lost with it: no row, no call, no decision
//! depends on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Models that are remembered at most.
const MOST_MODELS: usize = 50;

/// What an isolate has seen of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The model's id.
    pub model: String,
    /// Milliseconds for which the isolate leaves it alone; 0 where it answers again.
    pub rests_ms: u64,
}

/// What another isolate has seen: the model fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// The model's id.
    pub model: String,
    /// When the governor heard of it, Unix milliseconds: a hint of another moment is another hint.
    pub at: u64,
}

/// The hints of a governor.
#[derive(Debug, Default)]
pub(super) struct Hints(BTreeMap<String, Heard>);

#[derive(Debug)]
struct Heard {
    at: u64,
    until: u64,
}

impl Hints {
    /// Takes what was seen.
    pub(super) fn hear(&mut self, sightings: &[Sighting], now: u64) {
        self.0.retain(|_, heard| heard.until > now);
        for sighting in sightings {
            if sighting.rests_ms == 0 {
                self.0.remove(&sighting.model);
            } else if self.0.len() < MOST_MODELS || self.0.contains_key(&sighting.model) {
                let until = now.saturating_add(sighting.rests_ms);
                let heard = Heard { at: now, until };
                self.0.insert(sighting.model.clone(), heard);
            }
        }
    }

    /// What isolates should know.
    pub(super) fn at(&self, now: u64) -> Vec<Hint> {
        let current = self.0.iter().filter(|(_, heard)| heard.until > now);
        let hint = |(model, heard): (&String, &Heard)| Hint {
            model: model.clone(),
            at: heard.at,
        };
        current.map(hint).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(model: &str, rests_ms: u64) -> Sighting {
        let model = model.to_owned();
        Sighting { model, rests_ms }
    }

    fn models(hints: &Hints, now: u64) -> Vec<(String, u64)> {
        let hints = hints.at(now).into_iter();
        hints.map(|hint| (hint.model, hint.at)).collect()
    }

    #[test]
    fn a_model_is_told_of_while_it_is_left_alone() {
        let mut hints = Hints::default();
        hints.hear(&[sighting("a", 5_000), sighting("b", 60_000)], 100);
        let both = [("a".to_owned(), 100), ("b".to_owned(), 100)];
        assert_eq!(models(&hints, 5_099), both);
        assert_eq!(models(&hints, 5_100), both[1..]);
        hints.hear(&[sighting("b", 0)], 6_000);
        assert_eq!(models(&hints, 6_000), []);
    }

    #[test]
    fn another_sighting_is_another_hint() {
        let mut hints = Hints::default();
        hints.hear(&[sighting("a", 5_000)], 100);
        hints.hear(&[sighting("a", 10_000)], 200);
        assert_eq!(models(&hints, 300), [("a".to_owned(), 200)]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut hints = Hints::default();
        for number in 0..200 {
            hints.hear(&[sighting(&number.to_string(), 1_000)], 0);
        }
        assert_eq!(hints.at(0).len(), MOST_MODELS);
        hints.hear(&[sighting("later", 1_000)], 1_000);
        assert_eq!(models(&hints, 1_000), [("later".to_owned(), 1_000)]);
    }
}
