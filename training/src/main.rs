//! Trains and judges what tells an operation from a text:
//!
//! ```text
//! train                   learns from training/intent/ and writes config/intent.bin
//! eval [FILE.jsonl]       how good the weights are on labelled lines; the held-out batches without a file
//! clinc FILE.json         the same learner on CLINC150
//! prepare FILE.jsonl …    makes batches of raw lines: adds tiers, leaves out near-duplicates
//! ```

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and weights are small"
)]

mod clinc;
mod codebooks;
mod cross;
mod duplicates;
mod evaluate;
mod figures;
mod files;
/// The very code that reads texts in the Worker.
#[path = "../../src/intent"]
mod intent {
    pub mod features;
    mod fold;
    pub mod hash;
    pub mod model;
    pub mod signs;
    mod text;

    pub use self::signs::Signs;
}
mod learn;
mod prepare;
mod sample;
mod set;
mod tiers;
mod weights;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((command, [])) if command == "train" => train(),
        Some((command, [])) if command == "eval" => {
            files::held_out().and_then(|files| evaluate::evaluate(&files))
        }
        Some((command, [file])) if command == "eval" => evaluate::evaluate(&[PathBuf::from(file)]),
        Some((command, [file])) if command == "clinc" => clinc::check(&PathBuf::from(file)),
        Some((command, files)) if command == "prepare" => prepare::prepare(files),
        _ => Err("train | eval [FILE.jsonl] | clinc FILE.json | prepare FILE.jsonl …".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn train() -> Result<(), String> {
    let batches = files::batches()?;
    let batches: Result<Vec<_>, _> = batches.iter().map(|file| set::read(file)).collect();
    let batches = batches?;
    let temperature = cross::validate(&batches)?;
    let file = weights::train(&batches.concat(), temperature);
    let place = files::weights();
    fs::write(&place, &file).map_err(|error| format!("{}: {error}", place.display()))?;
    println!("\n{} bytes of weights", file.len());
    Ok(())
}
