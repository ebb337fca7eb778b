//! How good guesses are.

use std::collections::BTreeMap;

use crate::set::Line;

/// Parts of the scale of confidence, for the calibration error.
const BINS: usize = 15;

/// What was guessed of lines.
#[derive(Default)]
pub struct Figures {
    lines: usize,
    operations: usize,
    tiers: usize,
    /// Lines and right ones.
    languages: BTreeMap<String, (usize, usize)>,
    /// Lines by what they are for and what they were taken for.
    confusion: BTreeMap<(String, String), usize>,
    /// Lines, right ones, sum of the confidences.
    bins: [(usize, usize, f64); BINS],
}

impl Figures {
    /// Notes what a line was taken for.
    pub fn note(&mut self, line: &Line, operation: &str, tier: &str, confidence: f32) {
        let right = line.operation == operation;
        self.lines += 1;
        self.operations += usize::from(right);
        self.tiers += usize::from(line.tier == tier);
        let language = self.languages.entry(line.lang.clone()).or_default();
        language.0 += 1;
        language.1 += usize::from(right);
        let pair = (line.operation.clone(), operation.to_owned());
        *self.confusion.entry(pair).or_default() += 1;
        let bin = (confidence * BINS as f32) as usize;
        let bin = &mut self.bins[bin.min(BINS - 1)];
        bin.0 += 1;
        bin.1 += usize::from(right);
        bin.2 += f64::from(confidence);
    }

    /// The share of lines whose operation is right.
    #[must_use]
    pub fn operation(&self) -> f64 {
        share(self.operations, self.lines)
    }

    /// The share of lines whose tier is right.
    #[must_use]
    pub fn tier(&self) -> f64 {
        share(self.tiers, self.lines)
    }

    /// The mean over operations of the harmonic mean of precision and recall.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        let names = self.names();
        let sum: f64 = names.iter().map(|name| self.f1(name)).sum();
        sum / names.len() as f64
    }

    /// By how much confidence misses accuracy, over parts of the scale, weighted by their lines.
    #[must_use]
    pub fn calibration_error(&self) -> f64 {
        let misses = self.bins.iter();
        let misses = misses.map(|&(_, right, confidence)| (confidence - right as f64).abs());
        misses.sum::<f64>() / self.lines as f64
    }

    /// By language, the share of lines whose operation is right.
    pub fn languages(&self) -> impl Iterator<Item = (&str, f64)> {
        let languages = self.languages.iter();
        languages.map(|(name, &(lines, right))| (name.as_str(), share(right, lines)))
    }

    /// All of it.
    pub fn print(&self) {
        println!("lines              {:>8}", self.lines);
        println!("operation          {:>8.4}", self.operation());
        println!("tier               {:>8.4}", self.tier());
        println!("macro-F1           {:>8.4}", self.macro_f1());
        println!("calibration error  {:>8.4}", self.calibration_error());
        for (language, right) in self.languages() {
            println!("operation, {language}      {right:>8.4}");
        }
        self.print_confusion();
    }

    fn print_confusion(&self) {
        let names = self.names();
        println!("\nrows: what it is for; columns: what it was taken for, in the same order");
        for name in &names {
            let counts = names.iter().map(|other| self.count(name, other));
            let counts: Vec<String> = counts.map(|count| format!("{count:>4}")).collect();
            println!("{name:<18}{}  F1 {:.3}", counts.concat(), self.f1(name));
        }
    }

    fn names(&self) -> Vec<String> {
        let pairs = self.confusion.keys();
        let mut names: Vec<String> = pairs
            .flat_map(|(one, other)| [one, other])
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn count(&self, operation: &str, taken_for: &str) -> usize {
        let pair = (operation.to_owned(), taken_for.to_owned());
        self.confusion.get(&pair).copied().unwrap_or(0)
    }

    fn f1(&self, name: &str) -> f64 {
        let sum = |of: &dyn Fn(&(String, String)) -> bool| -> usize {
            let counts = self.confusion.iter().filter(|(pair, _)| of(pair));
            counts.map(|(_, count)| count).sum()
        };
        let of_name = sum(&|pair| pair.0 == name);
        let taken = sum(&|pair| pair.1 == name);
        share(2 * self.count(name, name), of_name + taken)
    }
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}
