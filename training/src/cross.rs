//! Each batch judged by weights that were learnt from the others: what to expect of an author who was
//! never read, and how sure scores are.

use crate::intent::model::{Model, likelihoods};

use crate::evaluate::best;
use crate::figures::Figures;
use crate::set::Line;
use crate::tiers::Tiers;
use crate::weights::train;

/// What a score is multiplied by, in tenths: what is tried.
const TEMPERATURES: std::ops::RangeInclusive<u16> = 10..=200;

/// The scores of a line.
struct Scored<'a> {
    line: &'a Line,
    names: Vec<String>,
    scores: Vec<f32>,
}

/// Prints how good the learner is; gives the temperature that makes scores likelihoods.
///
/// # Errors
/// Where the learner wrote what cannot be read.
pub fn validate(batches: &[Vec<Line>]) -> Result<f32, String> {
    let tiers = Tiers::of_lines(batches.iter().flatten());
    let mut all = Vec::new();
    for (index, batch) in batches.iter().enumerate() {
        let others = batches
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index);
        let others: Vec<Line> = others.flat_map(|(_, batch)| batch.clone()).collect();
        let file = train(&others, 1.0);
        let model = Model::read(&file).ok_or("the weights cannot be read")?;
        let scored: Vec<Scored<'_>> = batch.iter().map(|line| score(&model, line)).collect();
        let figures = figures(&scored, &tiers, 1.0)?;
        println!(
            "batch {} by the others: operation {:.4}, tier {:.4}",
            index + 1,
            figures.operation(),
            figures.tier()
        );
        all.extend(scored);
    }
    let temperature = temperature(&all);
    println!("\ntemperature        {temperature:>8.1}");
    figures(&all, &tiers, temperature)?.print();
    Ok(temperature)
}

fn score<'a>(model: &Model<'_>, line: &'a Line) -> Scored<'a> {
    Scored {
        line,
        names: model.names().iter().map(ToString::to_string).collect(),
        scores: model.scores(&line.text, line.signs()),
    }
}

fn figures(scored: &[Scored<'_>], tiers: &Tiers, temperature: f32) -> Result<Figures, String> {
    let mut figures = Figures::default();
    for scored in scored {
        let judged = likelihoods(&scored.scores, temperature);
        let names: Vec<&str> = scored.names.iter().map(String::as_str).collect();
        let (operation, confidence) = best(&names, &judged).ok_or("no operations")?;
        figures.note(scored.line, operation, tiers.of(operation)?, confidence);
    }
    Ok(figures)
}

/// The one under which the labels are likeliest.
fn temperature(scored: &[Scored<'_>]) -> f32 {
    let unlikely = |temperature: f32| -> f64 {
        let of = |scored: &Scored<'_>| {
            let judged = likelihoods(&scored.scores, temperature);
            let names = scored.names.iter().zip(judged);
            let right = names.filter(|(name, _)| **name == scored.line.operation);
            let likelihood: f32 = right.map(|(_, likelihood)| likelihood).sum();
            -f64::from(likelihood.max(f32::MIN_POSITIVE)).ln()
        };
        scored.iter().map(of).sum()
    };
    let tried = TEMPERATURES.map(|tenths| f32::from(tenths) / 10.0);
    let tried = tried.map(|temperature| (unlikely(temperature), temperature));
    let least = tried.min_by(|one, other| one.0.total_cmp(&other.0));
    least.map_or(1.0, |(_, temperature)| temperature)
}
