//! The weights of intent: made of the lines in `training/intent/`, and as good as is said of them on the
//! batches that nothing was learnt from.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts are small"
)]

use esclusa::intent;

#[path = "../../training/src/duplicates.rs"]
pub mod duplicates;
#[path = "../../training/src/evaluate.rs"]
pub mod evaluate;
#[path = "../../training/src/figures.rs"]
pub mod figures;
#[path = "../../training/src/files.rs"]
pub mod files;
#[path = "../../training/src/set.rs"]
pub mod set;
#[path = "../../training/src/tiers.rs"]
pub mod tiers;

use esclusa::intent::EMBEDDED;
use esclusa::intent::model::Model;

/// What the classifier shows on lines that it was not made of.
const LEAST_OPERATION: f64 = 0.90;
const LEAST_TIER: f64 = 0.95;
const MOST_CALIBRATION_ERROR: f64 = 0.05;
const MOST_BYTES: usize = 300 * 1_024;

#[test]
fn the_weights_are_made_of_these_lines_by_this_reader() {
    let model = Model::read(EMBEDDED).unwrap();
    let digest = set::digest(
        files::VERSION,
        &set::read_all(&files::batches().unwrap()).unwrap(),
    );
    assert_eq!(model.digest(), digest, "run `npm run train:intent`");
}

#[test]
fn the_held_out_batches_are_understood() {
    let model = Model::read(EMBEDDED).unwrap();
    let held_out = set::read_all(&files::held_out().unwrap()).unwrap();
    let figures = evaluate::figures(&model, &held_out).unwrap();
    figures.print();
    assert!(figures.operation() >= LEAST_OPERATION);
    assert!(figures.tier() >= LEAST_TIER);
    assert!(figures.calibration_error() <= MOST_CALIBRATION_ERROR);
    assert!(EMBEDDED.len() <= MOST_BYTES);
}

#[test]
fn every_line_has_the_tier_of_its_operation_and_is_no_other_line_again() {
    let catalogue = esclusa::config::catalogue().unwrap();
    let mut seen = duplicates::Seen::default();
    let files = [files::held_out().unwrap(), files::batches().unwrap()].concat();
    for line in set::read_all(&files).unwrap() {
        let operation = catalogue.operation(&line.operation).unwrap();
        assert_eq!(operation.tier.as_str(), line.tier);
        assert!(["en", "es", "pt"].contains(&line.lang.as_str()), "{line:?}");
        assert!(seen.is_new(&line.text), "{line:?}");
    }
}
