//! Texts as sparse vectors.

use std::collections::BTreeMap;

use crate::intent::features::{self, GROUPS, Group};
use crate::intent::model::norm;
use crate::intent::{Signs, hash};

/// How many numbers features may have.
pub const SPACE: usize = 1 << hash::BITS;

/// How much each group has to say: words, letters, ends, shape, what is pasted, signs.
const WEIGHTS: [f32; GROUPS] = [1.5, 1.0, 0.8, 0.6, 0.6, 0.15];

/// What a rarity is divided by, so that values are about one.
const MEAN_RARITY: f32 = 5.0;

/// The most that rarity can be: a feature of one line says little of the language.
const MOST_RARITY: f32 = 8.0;

/// The features of a text, each once, in the order of their numbers.
pub type Features = Vec<(u32, Group)>;

/// Features with what each counts.
pub type Vector = Vec<(u32, f32)>;

/// The features of a text.
pub fn features(text: &str, signs: Signs) -> Features {
    let mut found = BTreeMap::new();
    features::each(text, signs, &mut |group, feature| {
        found.entry(feature).or_insert(group);
    });
    found.into_iter().collect()
}

/// How rare each feature is among texts.
pub struct Rarities {
    rarities: Vec<f32>,
    /// In how many texts each feature is.
    pub counts: Vec<u32>,
}

impl Rarities {
    /// Of the features of texts: inverse document frequency, ln((n + 1) / (count + 1)) + 1.
    pub fn of(texts: &[Features]) -> Self {
        let mut counts = vec![0_u32; SPACE];
        for &(feature, _) in texts.iter().flatten() {
            counts[feature as usize] += 1;
        }
        let all = texts.len() as f32 + 1.0;
        let rarity = |&count: &u32| (all / (count as f32 + 1.0)).ln() + 1.0;
        Self {
            rarities: counts
                .iter()
                .map(|count| rarity(count).min(MOST_RARITY))
                .collect(),
            counts,
        }
    }

    /// What a feature counts in a text where it is the only one of its group.
    pub fn value(&self, feature: u32, group: Group) -> f32 {
        self.rarities[feature as usize] / MEAN_RARITY * WEIGHTS[group as usize]
    }

    /// The features of a text that are in use, such that each group has as much to say whatever the number
    /// of its features.
    pub fn vector(&self, text: &Features, used: impl Fn(u32) -> bool) -> Vector {
        let mut counts = [0_u16; GROUPS];
        for &(_, group) in text {
            counts[group as usize] += 1;
        }
        let used = text.iter().filter(|it| used(it.0));
        used.map(|&(feature, group)| {
            let value = self.value(feature, group) / norm(counts[group as usize]);
            (feature, value)
        })
        .collect()
    }
}
