//! From lines to the file of weights: learn with everything, keep what says most, learn anew with that,
//! round.

use std::collections::BTreeSet;

use crate::intent::model::MAGIC;

use crate::codebooks::{Book, Rows, codebooks};
use crate::files::VERSION;
use crate::learn::{Linear, learn};
use crate::sample::{Features, Rarities, SPACE, Vector, features};
use crate::set::{self, Feature, Line};

/// Features that are kept. More is better, slowly, and larger.
const KEPT: usize = 110_000;
/// A feature of fewer lines is left out: it says more of the line than of the language.
const LEAST_LINES: u32 = 2;
/// Of so many lines, some are learnt from with other signs too. No multiple of what batches repeat.
const CYCLE: usize = 23;

/// The file of weights, learnt from `lines`.
pub fn train(lines: &[Line], temperature: f32) -> Vec<u8> {
    let digest = set::digest(VERSION, lines);
    let names: Vec<&str> = names(lines);
    let lines = &with_other_signs(lines);
    let label = |line: &Line| names.iter().position(|name| *name == line.operation);
    let labels: Vec<usize> = lines.iter().filter_map(label).collect();
    let texts: Vec<Features> = lines
        .iter()
        .map(|line| features(&line.text, line.signs()))
        .collect();
    let rarities = Rarities::of(&texts);
    let vectors = |used: &[bool]| -> Vec<Vector> {
        let used = |feature: u32| used[feature as usize];
        texts
            .iter()
            .map(|text| rarities.vector(text, used))
            .collect()
    };
    let repeated: Vec<bool> = rarities
        .counts
        .iter()
        .map(|&count| count >= LEAST_LINES)
        .collect();
    let all = vectors(&repeated);
    let first = learn(&all, &labels, names.len());
    let known = best(&first, &all);
    let some = vectors(&known);
    let classes = learn(&some, &labels, names.len());
    let file = Packing {
        digest,
        names: &names,
        temperature,
        known: &known,
        rows: rows(&classes, &known, &some, &values(&texts, &rarities)),
        biases: centred(classes.iter().map(|class| class.bias)),
    };
    file.pack()
}

/// The lines, some of them once more with what their authors did not think of: an application sends its
/// tools with every request, and a picture may come with any question.
fn with_other_signs(lines: &[Line]) -> Vec<Line> {
    let mut all = lines.to_vec();
    for (line, turn) in lines.iter().zip((0..CYCLE).cycle()) {
        let other = match turn {
            0 | 5 if !line.features.is_empty() => Vec::new(),
            1 | 7 => vec![Feature::Tools],
            3 => vec![Feature::Image],
            9 => vec![Feature::Audio],
            11 => vec![Feature::Schema],
            _ => continue,
        };
        all.push(Line {
            features: other,
            ..line.clone()
        });
    }
    all
}

/// The operations of lines, by name.
fn names(lines: &[Line]) -> Vec<&str> {
    let names: BTreeSet<&str> = lines.iter().map(|line| line.operation.as_str()).collect();
    names.into_iter().collect()
}

/// The features that tell classes apart most in the lines.
fn best(classes: &[Linear], vectors: &[Vector]) -> Vec<bool> {
    let squares = squares(vectors);
    let mut ranked: Vec<(f32, usize)> = (0..SPACE)
        .filter(|&feature| squares[feature] > 0.0)
        .map(|feature| {
            let weights = centred(classes.iter().map(|class| class.weights[feature]));
            let spread: f32 = weights.iter().map(|weight| weight * weight).sum();
            (spread * squares[feature], feature)
        })
        .collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut kept = vec![false; SPACE];
    for (_, feature) in ranked.into_iter().take(KEPT) {
        kept[feature] = true;
    }
    kept
}

/// The sum of the squares of what each feature counts.
fn squares(vectors: &[Vector]) -> Vec<f32> {
    let mut squares = vec![0_f32; SPACE];
    for &(feature, value) in vectors.iter().flatten() {
        squares[feature as usize] += value * value;
    }
    squares
}

/// Numbers less their mean: what speaks for every class alike says nothing.
fn centred(numbers: impl ExactSizeIterator<Item = f32>) -> Vec<f32> {
    let count = numbers.len() as f32;
    let numbers: Vec<f32> = numbers.collect();
    let mean = numbers.iter().sum::<f32>() / count;
    numbers.into_iter().map(|number| number - mean).collect()
}

/// What each feature counts where it is the only one of its group.
fn values(texts: &[Features], rarities: &Rarities) -> Vec<f32> {
    let mut values = vec![0_f32; SPACE];
    for &(feature, group) in texts.iter().flatten() {
        values[feature as usize] = rarities.value(feature, group);
    }
    values
}

/// The weights of known features together with what the feature counts. An error in one matters as often as
/// the feature is met.
fn rows(classes: &[Linear], known: &[bool], vectors: &[Vector], values: &[f32]) -> Rows {
    let squares = squares(vectors);
    let mut rows = Rows::new(classes.len());
    for feature in (0..SPACE).filter(|&feature| known[feature]) {
        let value = values[feature];
        let weights = classes.iter().map(|class| class.weights[feature]);
        let row = centred(weights.map(|weight| weight * value));
        rows.push(&row, squares[feature] / value.powi(2));
    }
    rows
}

/// What goes into the file.
struct Packing<'a> {
    digest: [u8; 32],
    names: &'a [&'a str],
    temperature: f32,
    known: &'a [bool],
    rows: Rows,
    biases: Vec<f32>,
}

impl Packing<'_> {
    /// As `esclusa::intent::model` says.
    fn pack(self) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(MAGIC);
        file.extend(self.digest);
        file.push(self.names.len() as u8);
        for name in self.names {
            file.push(name.len() as u8);
            file.extend(name.as_bytes());
        }
        file.extend(self.temperature.to_le_bytes());
        file.extend(self.biases.iter().flat_map(|bias| bias.to_le_bytes()));
        let books = codebooks(self.rows);
        for book in &books {
            file.extend(book.step.to_le_bytes());
            file.extend(book.rows.iter().map(|steps| steps.cast_unsigned()));
        }
        file.extend(self.known.chunks(8).map(|eight| {
            let bits = eight.iter().zip(0..);
            bits.fold(0_u8, |byte, (&known, place)| {
                byte | u8::from(known) << place
            })
        }));
        file.extend(codes(&books));
        file
    }
}

/// For each row in turn, its code in each book.
fn codes(books: &[Book]) -> Vec<u8> {
    let count = books.first().map_or(0, |book| book.codes.len());
    let of_row = |row: usize| books.iter().map(move |book| book.codes[row]);
    (0..count).flat_map(of_row).collect()
}
