//! How good the weights are on labelled lines, and how fast.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::intent::Signs;
use crate::intent::model::Model;

use crate::figures::Figures;
use crate::set::Line;
use crate::tiers::Tiers;
use crate::{files, set};

/// Characters of the texts that are timed, and in how many rounds.
const TIMED_CHARACTERS: usize = 200;
const ROUNDS: u32 = 20;

/// Prints the figures of files of lines.
///
/// # Errors
/// One line for who asked.
pub fn evaluate(of: &[PathBuf]) -> Result<(), String> {
    let bytes = read(&files::weights())?;
    let model = Model::read(&bytes).ok_or("config/intent.bin cannot be read")?;
    for file in of.iter().filter(|_| of.len() > 1) {
        let figures = figures(&model, &set::read(file)?)?;
        let name = file.file_name().unwrap_or_default().display().to_string();
        let (operation, tier) = (figures.operation(), figures.tier());
        println!("{name:<18} operation {operation:.4}, tier {tier:.4}");
    }
    let lines = set::read_all(of)?;
    figures(&model, &lines)?.print();
    let learnt = set::read_all(&files::batches()?)?;
    let is_current = model.digest() == set::digest(files::VERSION, &learnt);
    println!("\nweights of the lines as they are  {is_current}");
    let texts: Vec<String> = lines.iter().map(|line| lengthened(&line.text)).collect();
    let rounds = (0..ROUNDS).map(|_| timed(&model, &texts));
    let each = rounds.min().unwrap_or_default() / texts.len().max(1) as u32;
    let microseconds = each.as_secs_f64() * 1e6;
    println!("\nµs a text of {TIMED_CHARACTERS} characters  {microseconds:.1}");
    println!("bytes of weights  {}", bytes.len());
    Ok(())
}

/// What a model makes of lines.
///
/// # Errors
/// Where it tells no operations.
pub fn figures(model: &Model<'_>, lines: &[Line]) -> Result<Figures, String> {
    let tiers = Tiers::of_lines(lines);
    let mut figures = Figures::default();
    for line in lines {
        let judged = model.judge(&line.text, line.signs());
        let (operation, confidence) = best(model.names(), &judged).ok_or("no operations")?;
        figures.note(
            line,
            operation,
            tiers.of(operation).unwrap_or_default(),
            confidence,
        );
    }
    Ok(figures)
}

/// How long it takes to judge texts. The fastest of some rounds tells: the others shared the machine.
fn timed(model: &Model<'_>, texts: &[String]) -> Duration {
    let began = Instant::now();
    for text in texts {
        black_box(model.judge(text, Signs::default()));
    }
    began.elapsed()
}

/// The likeliest operation, and how likely it is.
#[must_use]
pub fn best<'a>(names: &[&'a str], judged: &[f32]) -> Option<(&'a str, f32)> {
    let pairs = names.iter().copied().zip(judged.iter().copied());
    pairs.max_by(|one, other| one.1.total_cmp(&other.1))
}

/// A text of so many characters.
fn lengthened(text: &str) -> String {
    let again = text.chars().chain([' ']).cycle();
    again.take(TIMED_CHARACTERS).collect()
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}
