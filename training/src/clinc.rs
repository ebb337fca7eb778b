//! The same features and learner on CLINC150 (Larson et al., An Evaluation Dataset for Intent
//! Classification and Out-of-Scope Prediction, 2019), an outside check: 150 intents, and questions that
//! are none of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::intent::Signs;

use crate::learn::{Linear, learn};
use crate::sample::{Features, Rarities, Vector, features};

/// What the threshold may cost of the accuracy in scope on the validation split.
const COST: f64 = 0.01;

/// What the check must show.
const LEAST_ACCURACY: f64 = 0.915;
const LEAST_RECALL: f64 = 0.5;

type Split = Vec<(String, String)>;

/// A question's best score, and whether its class is right.
type Judged = (f32, bool);

/// Trains, chooses the threshold on the validation split, prints what it does on the test split.
///
/// # Errors
/// Where the file cannot be read, or where the figures are not what they must be.
pub fn check(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let splits: BTreeMap<String, Split> =
        serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let split = |name: &str| {
        splits
            .get(name)
            .ok_or_else(|| format!("there is no {name}"))
    };
    let learner = Learner::of(split("train")?, split("oos_train")?);
    let threshold = threshold(&learner.judge(split("val")?));
    let within = learner.judge(split("test")?);
    let outside = learner.judge(split("oos_test")?);
    let right = |threshold: f32| share(&within, |it| it.1 && it.0 >= threshold);
    let (accuracy, recall) = (right(threshold), share(&outside, |it| it.0 < threshold));
    println!("in scope, nothing refused       {:.4}", right(f32::MIN));
    println!("in scope, refusals are errors   {accuracy:.4}");
    println!("out of scope, recall            {recall:.4}");
    if accuracy < LEAST_ACCURACY || recall < LEAST_RECALL {
        return Err(format!("expected {LEAST_ACCURACY} and {LEAST_RECALL}"));
    }
    Ok(())
}

/// The highest score at which no more right answers are refused than may be.
fn threshold(within: &[Judged]) -> f32 {
    let right = within.iter().filter(|it| it.1);
    let mut scores: Vec<f32> = right.map(|it| it.0).collect();
    scores.sort_by(f32::total_cmp);
    let place = (within.len() as f64 * COST).floor() as usize;
    scores.get(place).copied().unwrap_or(f32::MAX)
}

fn share(judged: &[Judged], of: impl Fn(&Judged) -> bool) -> f64 {
    judged.iter().filter(|it| of(it)).count() as f64 / judged.len() as f64
}

struct Learner {
    names: Vec<String>,
    rarities: Rarities,
    classes: Vec<Linear>,
}

impl Learner {
    /// What is out of scope is one more class, after the others, that is never guessed.
    fn of(within: &Split, outside: &Split) -> Self {
        let mut names: Vec<String> = within.iter().map(|(_, name)| name.clone()).collect();
        names.sort();
        names.dedup();
        let all = || within.iter().chain(outside);
        let texts: Vec<Features> = all().map(|(text, _)| read(text)).collect();
        let rarities = Rarities::of(&texts);
        let vectors: Vec<Vector> = texts
            .iter()
            .map(|text| rarities.vector(text, |_| true))
            .collect();
        let label = |name: &String| names.binary_search(name).unwrap_or(names.len());
        let labels: Vec<usize> = all().map(|(_, name)| label(name)).collect();
        let classes = learn(&vectors, &labels, names.len() + 1);
        Self {
            names,
            rarities,
            classes,
        }
    }

    fn judge(&self, split: &Split) -> Vec<Judged> {
        let judge = |(text, name): &(String, String)| {
            let vector = self.rarities.vector(&read(text), |_| true);
            let scores = self.names.iter().zip(&self.classes);
            let scores = scores.map(|(name, class)| (class.score(&vector), name));
            let best = scores.max_by(|one, other| one.0.total_cmp(&other.0));
            best.map_or((f32::MIN, false), |(score, best)| (score, best == name))
        };
        split.iter().map(judge).collect()
    }
}

fn read(text: &str) -> Features {
    features(text, Signs::default())
}
