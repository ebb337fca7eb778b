//! Lines that say the same as an earlier one.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

/// Letters of a text in a row.
const SHINGLE: usize = 4;
/// Of the shingles of two texts, the share that both have, from which on one repeats the other.
const ALIKE: f64 = 0.6;
/// Shingles of more texts than that lead to none of them.
const COMMON: usize = 200;
/// Of a text's shingles, one in so many leads to another where that is worth comparing.
const LEADS: usize = 5;

/// The shingles of the texts that were kept.
#[derive(Default)]
pub struct Seen {
    texts: Vec<BTreeSet<u64>>,
    places: HashMap<u64, Vec<usize>>,
}

impl Seen {
    /// Whether a text is new; it is remembered then.
    pub fn is_new(&mut self, text: &str) -> bool {
        let shingles = shingles(text);
        let mut leads: BTreeMap<usize, usize> = BTreeMap::new();
        let places = shingles.iter().filter_map(|it| self.places.get(it));
        for place in places.filter(|places| places.len() <= COMMON).flatten() {
            *leads.entry(*place).or_default() += 1;
        }
        let worth = leads
            .iter()
            .filter(|(_, leads)| *leads * LEADS >= shingles.len());
        let repeats = |(place, _): (&usize, &usize)| alike(&self.texts[*place], &shingles);
        if worth.into_iter().any(repeats) {
            return false;
        }
        let place = self.texts.len();
        for shingle in &shingles {
            self.places.entry(*shingle).or_default().push(place);
        }
        self.texts.push(shingles);
        true
    }
}

fn alike(one: &BTreeSet<u64>, other: &BTreeSet<u64>) -> bool {
    let shared = one.intersection(other).count();
    shared as f64 >= ALIKE * (one.len() + other.len() - shared) as f64
}

/// The shingles of a text, without what does not change its sense: case and marks.
fn shingles(text: &str) -> BTreeSet<u64> {
    let plain = text.to_lowercase();
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let letters: Vec<char> = words.join(" ").chars().collect();
    let windows = letters.windows(SHINGLE.min(letters.len()).max(1));
    windows
        .map(|letters| {
            let mut hasher = DefaultHasher::new();
            letters.hash(&mut hasher);
            hasher.finish()
        })
        .collect()
}
