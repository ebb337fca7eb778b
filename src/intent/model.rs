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
//! | 4 each | `f32`: bias of an operation |
//! | 4, then 256 × operations, twice | a codebook: `f32`, what one is worth, and 256 rows of an `i8` for each operation |
//! | 32,768 | a bit for each number of a feature, the low bits of a byte first: whether it has weights |
//! | 2 each | of each that has, by number: the rows of the two codebooks that together are its weights |
//!
//! So a feature costs two bytes whatever the number of operations: residual vector quantization, as in
//! Joulin et al., `FastText.zip` (2016).

use super::features::{self, GROUPS};
use super::hash;
use super::signs::Signs;

/// What the file begins with; its last figure is the version of its form.
pub const MAGIC: [u8; 8] = *b"INTENT 2";
/// Codebooks.
pub const BOOKS: usize = 2;
/// Rows of a codebook.
pub const ROWS: usize = 256;

const WORD_BITS: u32 = u64::BITS;
const WORDS: usize = 1 << (hash::BITS - WORD_BITS.ilog2());

/// Weights that were read.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    digest: [u8; 32],
    names: Vec<&'a str>,
    temperature: f32,
    biases: Vec<f32>,
    books: [Book; BOOKS],
    known: Known,
    /// For each known feature, in the order of their numbers, a row of each codebook.
    codes: &'a [u8],
}

/// Rows of weights, one after the other.
#[derive(Clone, Debug)]
struct Book(Vec<f32>);

/// Which features have weights, and how many do before each 64th.
#[derive(Clone, Debug)]
struct Known {
    bits: Vec<u64>,
    before: Vec<u32>,
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
        let biases = names.iter().map(|_| rest.float());
        let biases = biases.collect::<Option<_>>()?;
        let books = [rest.book(names.len())?, rest.book(names.len())?];
        let known = Known::read(&mut rest)?;
        let codes = rest.take(known.count()?.checked_mul(BOOKS)?)?;
        rest.0.is_empty().then_some(Self {
            digest,
            names,
            temperature,
            biases,
            books,
            known,
            codes,
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
        let mut counts = [0_u16; GROUPS];
        let mut seen = vec![0_u64; WORDS];
        features::each(text, signs, &mut |group, feature| {
            let (word, bit) = place(feature);
            let Some(seen) = seen.get_mut(word).filter(|seen| **seen & bit == 0) else {
                return;
            };
            *seen |= bit;
            let group = group as usize;
            if let Some(count) = counts.get_mut(group) {
                *count = count.saturating_add(1);
            }
            if let Some(sums) = sums.chunks_mut(classes).nth(group) {
                for row in self.rows(feature) {
                    for (sum, weight) in sums.iter_mut().zip(row) {
                        *sum += weight;
                    }
                }
            }
        });
        let mut scores = self.biases.clone();
        for (sums, count) in sums.chunks(classes).zip(counts) {
            let norm = norm(count);
            for (score, sum) in scores.iter_mut().zip(sums) {
                *score += sum / norm;
            }
        }
        scores
    }

    /// The rows whose sum is the weights of a feature; none for one that has no weights.
    fn rows(&self, feature: u32) -> impl Iterator<Item = &[f32]> {
        let index = self.known.index(feature);
        let codes = index.and_then(|index| self.codes.chunks(BOOKS).nth(index));
        let pairs = self.books.iter().zip(codes.unwrap_or_default());
        pairs.map(|(book, &code)| book.row(code, self.names.len()))
    }
}

impl Book {
    fn row(&self, code: u8, classes: usize) -> &[f32] {
        let row = self.0.chunks(classes.max(1)).nth(usize::from(code));
        row.unwrap_or_default()
    }
}

/// What the features of a group are divided by together: as many as it has, it says no more than others.
#[must_use]
pub fn norm(count: u16) -> f32 {
    f32::from(count.max(1)).sqrt()
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

/// Where the bit of a feature is.
const fn place(feature: u32) -> (usize, u64) {
    ((feature / WORD_BITS) as usize, 1 << (feature % WORD_BITS))
}

impl Known {
    fn read(rest: &mut Reader<'_>) -> Option<Self> {
        let bits = (0..WORDS).map(|_| rest.array().map(u64::from_le_bytes));
        let bits: Vec<u64> = bits.collect::<Option<_>>()?;
        let mut all = 0_u32;
        let before = bits.iter().map(|word| {
            let before = all;
            all = all.saturating_add(word.count_ones());
            before
        });
        let before = before.collect();
        Some(Self { bits, before })
    }

    /// How many features have weights.
    fn count(&self) -> Option<usize> {
        let ones = self.bits.iter().map(|word| word.count_ones());
        usize::try_from(ones.sum::<u32>()).ok()
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

    fn book(&mut self, classes: usize) -> Option<Book> {
        let step = self.float()?;
        let steps = self.take(classes.checked_mul(ROWS)?)?;
        let steps = steps.iter().map(|&byte| f32::from(byte.cast_signed()));
        Some(Book(steps.map(|steps| steps * step).collect()))
    }
}
