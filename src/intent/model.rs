//! The weights of `config/intent.bin`, and what they make of a text.
//!
//! The file, numbers in little-endian order:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | 32 | digest of what it was trained on |
//! | 1, then names | how many operations; each name after its length in one byte |
//! | 4 | `f32`: what scores are multiplied by to be log odds |
//! | 1 | rarity of a feature without weights |
//! | 8 each | `f32`, `f32`: bias of an operation, and what a weight of one is worth |
//! | 4 | `u32`: how many features have weights |
//! | 1 to 3 each | how far the feature's number is from the one before, seven bits a byte, the low ones first |
//! | 1 each | the feature's rarity |
//! | ½ × operations each, rounded up | for each operation the signed root of its weight, plus eight; the high half of a byte first |

use super::features::{self, GROUPS};
use super::hash;
use super::signs::Signs;

/// What the file begins with; its last figure is the version of its form.
pub const MAGIC: [u8; 8] = *b"INTENT 1";

/// The least weighty feature stands for one; each step of rarity is worth so much more.
const RARITY_STEP: f32 = 0.6;
/// What is added to the root of a weight, so that it is no negative number.
const ZERO: f32 = 8.0;

const WORD_BITS: u32 = u64::BITS;
const WORDS: usize = 1 << (hash::BITS - WORD_BITS.ilog2());

/// Weights that were read.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    digest: [u8; 32],
    names: Vec<&'a str>,
    temperature: f32,
    unknown: f32,
    classes: Vec<Class>,
    known: Known,
    /// How rare each known feature is, in the order of their numbers.
    rarities: &'a [u8],
    /// Their weights.
    rows: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
struct Class {
    bias: f32,
    step: f32,
}

/// Which features have weights, and how many do before each 64th.
#[derive(Clone, Debug)]
struct Known {
    bits: Vec<u64>,
    before: Vec<u32>,
}

/// How much a rarity, 0 to 15, makes a feature count.
#[must_use]
pub fn importance(rarity: u8) -> f32 {
    1.0 + RARITY_STEP * f32::from(rarity)
}

impl<'a> Model<'a> {
    /// Reads a file; `None` where it is none.
    #[must_use]
    pub fn read(file: &'a [u8]) -> Option<Self> {
        let mut rest = Reader(file);
        if rest.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let digest = rest.array()?;
        let names = (0..rest.byte()?).map(|_| rest.name());
        let names: Vec<&str> = names.collect::<Option<_>>()?;
        let temperature = rest.float()?;
        let unknown = importance(rest.byte()?);
        let classes = names.iter().map(|_| rest.class());
        let classes = classes.collect::<Option<_>>()?;
        let count = usize::try_from(u32::from_le_bytes(rest.array()?)).ok()?;
        let known = Known::read(&mut rest, count)?;
        let rarities = rest.take(count)?;
        let rows = rest.take(count.checked_mul(row_bytes(names.len()))?)?;
        rest.0.is_empty().then_some(Self {
            digest,
            names,
            temperature,
            unknown,
            classes,
            known,
            rarities,
            rows,
        })
    }

    /// The digest of what it was trained on.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The names of the operations that it tells apart.
    #[must_use]
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }

    /// How likely each operation is, in the order of their names; together they make one.
    #[must_use]
    pub fn judge(&self, text: &str, signs: Signs) -> Vec<f32> {
        let scores = self.scores(text, signs);
        likelihoods(&scores, self.temperature)
    }

    /// What speaks for each operation, in the order of their names.
    #[must_use]
    pub fn scores(&self, text: &str, signs: Signs) -> Vec<f32> {
        let classes = self.names.len().max(1);
        let mut sums = vec![0_f32; classes.saturating_mul(GROUPS)];
        let mut squares = [0_f32; GROUPS];
        let mut seen = vec![0_u64; WORDS];
        features::each(text, signs, &mut |group, feature| {
            let (word, bit) = place(feature);
            let Some(seen) = seen.get_mut(word).filter(|seen| **seen & bit == 0) else {
                return;
            };
            *seen |= bit;
            let group = group as usize;
            let row = self.row(feature);
            let importance = row.map_or(self.unknown, |(rarity, _)| importance(rarity));
            if let Some(square) = squares.get_mut(group) {
                *square += importance * importance;
            }
            let (Some((_, row)), Some(sums)) = (row, sums.chunks_mut(classes).nth(group)) else {
                return;
            };
            for (pair, &byte) in sums.chunks_mut(2).zip(row) {
                for (sum, half) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                    *sum += importance * weight(half);
                }
            }
        });
        let mut scores: Vec<f32> = self.classes.iter().map(|class| class.bias).collect();
        for (sums, square) in sums.chunks(classes).zip(squares) {
            let norm = square.max(1.0).sqrt();
            for ((score, &sum), class) in scores.iter_mut().zip(sums).zip(&self.classes) {
                *score += sum * class.step / norm;
            }
        }
        scores
    }

    /// The rarity and weights of a feature.
    fn row(&self, feature: u32) -> Option<(u8, &[u8])> {
        let index = self.known.index(feature)?;
        let bytes = row_bytes(self.names.len());
        let begin = index.checked_mul(bytes)?;
        let row = self.rows.get(begin..begin.checked_add(bytes)?)?;
        Some((*self.rarities.get(index)?, row))
    }
}

/// Scores as probabilities.
#[must_use]
pub fn likelihoods(scores: &[f32], temperature: f32) -> Vec<f32> {
    let best = scores.iter().copied().fold(f32::MIN, f32::max);
    let odds = scores
        .iter()
        .map(|score| ((score - best) * temperature).exp());
    let odds: Vec<f32> = odds.collect();
    let all: f32 = odds.iter().sum();
    odds.into_iter().map(|odds| odds / all).collect()
}

/// A weight, of which the file has the signed root.
fn weight(half: u8) -> f32 {
    let root = f32::from(half) - ZERO;
    root * root.abs()
}

const fn row_bytes(classes: usize) -> usize {
    classes.div_ceil(2)
}

/// Where the bit of a feature is.
const fn place(feature: u32) -> (usize, u64) {
    ((feature / WORD_BITS) as usize, 1 << (feature % WORD_BITS))
}

impl Known {
    fn read(rest: &mut Reader<'_>, count: usize) -> Option<Self> {
        let mut bits = vec![0_u64; WORDS];
        let mut feature = 0_u32;
        for _ in 0..count {
            feature = feature.checked_add(rest.distance()?)?;
            let (word, bit) = place(feature);
            *bits.get_mut(word)? |= bit;
        }
        let mut all = 0_u32;
        let before = bits.iter().map(|word| {
            let before = all;
            all = all.saturating_add(word.count_ones());
            before
        });
        let before = before.collect();
        (usize::try_from(all) == Ok(count)).then_some(Self { bits, before })
    }

    /// The position of a feature among those that have weights.
    fn index(&self, feature: u32) -> Option<usize> {
        let (word, bit) = place(feature);
        let bits = self.bits.get(word).filter(|bits| **bits & bit != 0)?;
        let before = self.before.get(word)?;
        let lower = bits & bit.wrapping_sub(1);
        usize::try_from(before.saturating_add(lower.count_ones())).ok()
    }
}

/// What is left of a file.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const BYTES: usize>(&mut self) -> Option<[u8; BYTES]> {
        self.take(BYTES)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        let [byte] = self.array()?;
        Some(byte)
    }

    fn float(&mut self) -> Option<f32> {
        let float = f32::from_le_bytes(self.array()?);
        float.is_finite().then_some(float)
    }

    fn name(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    fn class(&mut self) -> Option<Class> {
        Some(Class {
            bias: self.float()?,
            step: self.float()?,
        })
    }

    fn distance(&mut self) -> Option<u32> {
        let mut distance = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            distance |= u32::from(byte & 127) << shift;
            if byte < 128 {
                return Some(distance);
            }
        }
        None
    }
}
