//! Many rows of numbers as sums of few: each codebook has the rows that are nearest to what the one before
//! left over (residual vector quantization; Lloyd's algorithm, each row weighed).

use std::thread;

use crate::intent::model::{BOOKS, ROWS};
use crate::learn::Random;

const ROUNDS: usize = 12;
const THREADS: usize = 2;
/// The most steps of a number.
const MOST_STEPS: f32 = 127.0;

/// Rows of so many numbers each, one after the other, and how much an error in each matters.
pub struct Rows {
    width: usize,
    numbers: Vec<f32>,
    matters: Vec<f32>,
}

/// A codebook, and which of its rows stands for each row that was given.
pub struct Book {
    /// What one is worth.
    pub step: f32,
    /// One after the other.
    pub rows: Vec<i8>,
    /// For each row that was given, in its order.
    pub codes: Vec<u8>,
}

impl Rows {
    /// None yet, of `width` numbers each.
    pub const fn new(width: usize) -> Self {
        Self {
            width,
            numbers: Vec::new(),
            matters: Vec::new(),
        }
    }

    /// One more.
    pub fn push(&mut self, row: &[f32], matters: f32) {
        self.numbers.extend(row);
        self.matters.push(matters);
    }

    fn get(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.width..(row + 1) * self.width]
    }
}

/// Codebooks whose rows together come near `rows`.
pub fn codebooks(mut rows: Rows) -> Vec<Book> {
    let mut books = Vec::new();
    for seed in 0..BOOKS {
        let book = codebook(&rows, seed as u64);
        for (row, &code) in rows.numbers.chunks_mut(rows.width).zip(&book.codes) {
            let from = usize::from(code) * row.len();
            for (number, &steps) in row.iter_mut().zip(&book.rows[from..]) {
                *number -= f32::from(steps) * book.step;
            }
        }
        books.push(book);
    }
    books
}

fn codebook(rows: &Rows, seed: u64) -> Book {
    let mut centres = chosen(rows, seed);
    for _ in 0..ROUNDS {
        centres = means(rows, &nearest(rows, &centres), centres);
    }
    let codes = nearest(rows, &centres);
    let most = centres
        .iter()
        .fold(f32::MIN_POSITIVE, |most, it| it.abs().max(most));
    let step = most / MOST_STEPS;
    let steps = centres.iter().map(|number| (number / step).round() as i8);
    Book {
        step,
        rows: steps.collect(),
        codes,
    }
}

/// Rows to begin with, those that matter more likely than others, and one of zeros.
fn chosen(rows: &Rows, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let all: f64 = rows.matters.iter().map(|&it| f64::from(it)).sum();
    let mut centres = vec![0.0; rows.width];
    let mut places: Vec<f64> = (1..ROWS)
        .map(|_| random.next() as f64 / u64::MAX as f64 * all)
        .collect();
    places.sort_by(f64::total_cmp);
    let mut places = places.into_iter().peekable();
    let mut sum = 0.0;
    for (row, &matters) in rows.matters.iter().enumerate() {
        sum += f64::from(matters);
        while places.next_if(|&place| place <= sum).is_some() {
            centres.extend(rows.get(row));
        }
    }
    centres.resize(ROWS * rows.width, 0.0);
    centres
}

/// For each row the nearest centre.
fn nearest(rows: &Rows, centres: &[f32]) -> Vec<u8> {
    let halves: Vec<f32> = centres
        .chunks(rows.width)
        .map(|centre| dot(centre, centre) / 2.0)
        .collect();
    let mut codes = vec![0; rows.matters.len()];
    let share = codes.len().div_ceil(THREADS).max(1);
    let parts = codes.chunks_mut(share);
    thread::scope(|scope| {
        for (part, numbers) in parts.zip(rows.numbers.chunks(share * rows.width)) {
            let halves = &halves;
            scope.spawn(move || {
                for (code, row) in part.iter_mut().zip(numbers.chunks(rows.width)) {
                    let centres = centres.chunks(rows.width).zip(halves);
                    let far = centres.map(|(centre, half)| half - dot(centre, row));
                    let nearest = (0..=u8::MAX)
                        .zip(far)
                        .min_by(|one, other| one.1.total_cmp(&other.1));
                    *code = nearest.map_or(0, |it| it.0);
                }
            });
        }
    });
    codes
}

/// The mean of the rows of each centre; a centre that has none stays.
fn means(rows: &Rows, codes: &[u8], mut centres: Vec<f32>) -> Vec<f32> {
    let mut sums = vec![0_f64; centres.len()];
    let mut weights = vec![0_f64; ROWS];
    for (row, (&code, &matters)) in codes.iter().zip(&rows.matters).enumerate() {
        let code = usize::from(code);
        weights[code] += f64::from(matters);
        for (sum, &number) in sums[code * rows.width..].iter_mut().zip(rows.get(row)) {
            *sum += f64::from(number * matters);
        }
    }
    for (place, (centre, sum)) in centres.iter_mut().zip(sums).enumerate() {
        let weight = weights[place / rows.width];
        if weight > 0.0 {
            *centre = (sum / weight) as f32;
        }
    }
    centres
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}
