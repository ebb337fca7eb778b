//! Lines that say the same as an earlier one.

use std::collections::{BTreeMap, BTreeSet};

/// Letters of a text in a row.
const SHINGLE: usize = 4;
/// Of the shingles of two texts, the share that both have, from which on one repeats the other.
const ALIKE: f64 = 0.6;

/// The shingles of the texts that were kept.
#[derive(Default)]
pub struct Seen {
    shingles: Vec<BTreeSet<String>>,
    places: BTreeMap<String, Vec<usize>>,
}

impl Seen {
    /// Whether a text is new; it is remembered then.
    pub fn is_new(&mut self, text: &str) -> bool {
        let shingles = shingles(text);
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for place in shingles
            .iter()
            .filter_map(|it| self.places.get(it))
            .flatten()
        {
            *shared.entry(*place).or_default() += 1;
        }
        let repeats = |(place, shared): (&usize, &usize)| {
            let both = self.shingles[*place].len() + shingles.len() - shared;
            *shared as f64 >= ALIKE * both as f64
        };
        if shared.iter().any(repeats) {
            return false;
        }
        let place = self.shingles.len();
        for shingle in &shingles {
            self.places.entry(shingle.clone()).or_default().push(place);
        }
        self.shingles.push(shingles);
        true
    }
}

/// The shingles of a text, without what does not change its sense: case and marks.
fn shingles(text: &str) -> BTreeSet<String> {
    let plain = text.to_lowercase();
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let letters: Vec<char> = words.join(" ").chars().collect();
    let windows = letters.windows(SHINGLE.min(letters.len()).max(1));
    windows.map(|letters| letters.iter().collect()).collect()
}
