//! Texts as sparse vectors.

use std::collections::BTreeMap;

use crate::intent::features::{self, GROUPS, Group};
use crate::intent::model::importance;
use crate::intent::{Signs, hash};

/// How many numbers features may have.
pub const SPACE: usize = 1 << hash::BITS;

/// How much each group has to say: words, letters, ends, shape, what is pasted, signs.
const WEIGHTS: [f32; GROUPS] = [1.5, 1.0, 0.8, 0.6, 0.6, 0.15];

/// The most that rarity can be.
const MOST_RARITY: f32 = 15.0;

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

/// How rare each feature is among texts, and which are known.
pub struct Rarities {
    rarities: Vec<u8>,
    /// Of a feature that is not known.
    pub unknown: u8,
    known: Vec<bool>,
}

impl Rarities {
    /// Of the features of texts; all of them are known.
    pub fn of(texts: &[Features]) -> Self {
        let mut counts = vec![0_u32; SPACE];
        for &(feature, _) in texts.iter().flatten() {
            counts[feature as usize] += 1;
        }
        let all = texts.len() as f32;
        // The usual inverse document frequency, ln((n + 1) / (count + 1)) + 1, in steps.
        let step = importance(1) - importance(0);
        let rarity = |count: u32| {
            let rarity = ((all + 1.0) / (count as f32 + 1.0)).ln() / step;
            rarity.round().clamp(0.0, MOST_RARITY) as u8
        };
        Self {
            rarities: counts.iter().map(|&count| rarity(count)).collect(),
            unknown: rarity(0),
            known: vec![true; SPACE],
        }
    }

    /// Keeps only some.
    pub fn keep(&mut self, known: Vec<bool>) {
        self.known = known;
    }

    /// Whether a feature is known.
    pub fn knows(&self, feature: u32) -> bool {
        self.known[feature as usize]
    }

    /// How rare a feature is.
    pub fn get(&self, feature: u32) -> u8 {
        if self.knows(feature) {
            self.rarities[feature as usize]
        } else {
            self.unknown
        }
    }

    /// The known features of a text, such that each group is as long as it has to say.
    pub fn vector(&self, text: &Features) -> Vector {
        let mut squares = [0_f32; GROUPS];
        for &(feature, group) in text {
            squares[group as usize] += importance(self.get(feature)).powi(2);
        }
        let known = text.iter().filter(|(feature, _)| self.knows(*feature));
        known
            .map(|&(feature, group)| {
                let norm = squares[group as usize].max(1.0).sqrt();
                (feature, importance(self.get(feature)) * say(group) / norm)
            })
            .collect()
    }
}

/// How much a group has to say.
pub fn say(group: Group) -> f32 {
    WEIGHTS[group as usize]
}
