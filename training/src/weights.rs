//! From lines to the file of weights: learn with everything, keep what says most, learn anew with that,
//! round.

use std::collections::BTreeSet;

use crate::intent::features::Group;
use crate::intent::model::MAGIC;

use crate::files::VERSION;
use crate::learn::{Linear, learn};
use crate::sample::{Features, Rarities, SPACE, Vector, features, say};
use crate::set::{self, Feature, Line};

/// Features that a class keeps. More is better, slowly, and larger.
const KEPT: usize = 5600;
/// A feature of fewer lines is left out: it says more of the line than of the language.
const LEAST_LINES: u32 = 2;
/// Roots of weights are whole numbers between -7 and 7: most weights are small, and small ones need the
/// finer steps.
const MOST_ROOT: f32 = 7.0;
const ZERO: i32 = 8;
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
    let mut rarities = Rarities::of(&texts);
    let vectors = |rarities: &Rarities| -> Vec<Vector> {
        texts.iter().map(|text| rarities.vector(text)).collect()
    };
    let first = learn(&vectors(&rarities), &labels, names.len(), |_, _| true);
    let counts = Counts::of(&texts);
    let kept: Vec<Vec<bool>> = first.iter().map(|class| counts.best(class)).collect();
    let known = |feature: usize| kept.iter().any(|kept| kept[feature]);
    rarities.keep((0..SPACE).map(known).collect());
    let allowed = |class: usize, feature: u32| kept[class][feature as usize];
    let classes = learn(&vectors(&rarities), &labels, names.len(), allowed);
    let file = Packing {
        digest,
        names: &names,
        temperature,
        rarities: &rarities,
        groups: &counts.groups,
        classes: &classes,
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

/// In how many texts each feature is, and its group.
struct Counts {
    counts: Vec<u32>,
    groups: Vec<Option<Group>>,
}

impl Counts {
    fn of(texts: &[Features]) -> Self {
        let mut counts = vec![0; SPACE];
        let mut groups = vec![None; SPACE];
        for &(feature, group) in texts.iter().flatten() {
            counts[feature as usize] += 1;
            groups[feature as usize] = Some(group);
        }
        Self { counts, groups }
    }

    /// The features that say most for or against a class.
    fn best(&self, class: &Linear) -> Vec<bool> {
        let mut ranked: Vec<(f32, usize)> = (0..SPACE)
            .filter(|&feature| self.counts[feature] >= LEAST_LINES)
            .map(|feature| {
                let says = class.weights[feature].abs() * (self.counts[feature] as f32).sqrt();
                (says, feature)
            })
            .filter(|(says, _)| *says > 0.0)
            .collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut kept = vec![false; SPACE];
        for (_, feature) in ranked.into_iter().take(KEPT) {
            kept[feature] = true;
        }
        kept
    }
}

/// What goes into the file.
struct Packing<'a> {
    digest: [u8; 32],
    names: &'a [&'a str],
    temperature: f32,
    rarities: &'a Rarities,
    groups: &'a [Option<Group>],
    classes: &'a [Linear],
}

impl Packing<'_> {
    /// As `esclusa::intent::model` says.
    fn pack(&self) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(MAGIC);
        file.extend(self.digest);
        file.push(self.names.len() as u8);
        for name in self.names {
            file.push(name.len() as u8);
            file.extend(name.as_bytes());
        }
        file.extend(self.temperature.to_le_bytes());
        file.push(self.rarities.unknown);
        let steps: Vec<f32> = self.classes.iter().map(|class| self.step(class)).collect();
        for (class, step) in self.classes.iter().zip(&steps) {
            file.extend(class.bias.to_le_bytes());
            file.extend(step.to_le_bytes());
        }
        let rows = self.rows(&steps);
        file.extend((rows.len() as u32).to_le_bytes());
        let mut last = 0;
        for (feature, _) in &rows {
            push_distance(&mut file, feature - last);
            last = *feature;
        }
        file.extend(rows.iter().map(|(feature, _)| self.rarities.get(*feature)));
        file.extend(rows.into_iter().flat_map(|(_, row)| row));
        file
    }

    /// What a weight of one is worth to a class.
    fn step(&self, class: &Linear) -> f32 {
        let weights = (0..SPACE as u32).map(|feature| self.weight(class, feature).abs());
        weights.fold(0.0, f32::max) / MOST_ROOT.powi(2)
    }

    /// A weight, together with how much its group has to say.
    fn weight(&self, class: &Linear, feature: u32) -> f32 {
        let group = self.groups[feature as usize];
        class.weights[feature as usize] * group.map_or(0.0, say)
    }

    /// Features with their weights.
    fn rows(&self, steps: &[f32]) -> Vec<(u32, Vec<u8>)> {
        let known = (0..SPACE as u32).filter(|&feature| self.rarities.knows(feature));
        known
            .map(|feature| {
                let weights = self.classes.iter().zip(steps).map(|(class, step)| {
                    let weight = self.weight(class, feature) / step;
                    let root = weight.signum() * weight.abs().sqrt().round();
                    (root as i32 + ZERO) as u8
                });
                let halves: Vec<u8> = weights.collect();
                let both = |pair: &[u8]| pair[0] << 4 | pair.get(1).copied().unwrap_or(0);
                (feature, halves.chunks(2).map(both).collect())
            })
            .collect()
    }
}

/// Seven bits a byte, the low ones first.
fn push_distance(file: &mut Vec<u8>, mut distance: u32) {
    while distance > 127 {
        file.push((distance & 127) as u8 | 128);
        distance >>= 7;
    }
    file.push(distance as u8);
}
