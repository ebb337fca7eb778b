//! What a text is for: rules on its words, as data in `config/intent.json`.

pub mod fold;
pub mod rules;

use std::collections::{BTreeMap, BTreeSet};

use self::rules::Rules;
use crate::config::catalog::Catalogue;
use crate::protocol::Needs;

/// Characters of a text that are read.
const READ_CHARACTERS: usize = 2_000;
/// How sure a request's parts (tools, pictures) make.
const CONFIDENCE_OF_PARTS: u8 = 90;
/// How sure the absence of any sign makes.
const CONFIDENCE_OF_DEFAULT: u8 = 50;
/// Added to the weights against an operation, so that a single weak sign stays weak.
const DOUBT: u32 = 2;

/// An operation and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The operation's name; always one of the catalogue's that answers with text.
    pub operation: String,
    /// 0 to 100 percent.
    pub confidence: u8,
}

/// Guesses what the last turn of a user is for. Takes time linear in the first 2,000 characters.
#[must_use]
pub fn classify(text: &str, needs: Needs, catalogue: &Catalogue) -> Guess {
    let rules = &catalogue.intent;
    if needs.vision {
        return guess(&rules.features.image, CONFIDENCE_OF_PARTS);
    }
    if needs.tools {
        return guess(&rules.features.tools, CONFIDENCE_OF_PARTS);
    }
    let mut scores = score(&fold::words(text, READ_CHARACTERS), rules);
    if text.chars().nth(READ_CHARACTERS).is_some() {
        for (operation, extra) in &rules.features.long_text {
            if let Some(score) = scores.get_mut(operation.as_str()) {
                *score = score.saturating_add(*extra);
            }
        }
    }
    decide(&scores, rules.threshold)
        .unwrap_or_else(|| guess(&catalogue.default_operation, CONFIDENCE_OF_DEFAULT))
}

fn guess(operation: &str, confidence: u8) -> Guess {
    Guess {
        operation: operation.to_owned(),
        confidence,
    }
}

/// The weights of the phrases found, by operation. A phrase hides the less specific ones that
/// begin with it, and counts once.
fn score<'a>(words: &[String], rules: &'a Rules) -> BTreeMap<&'a str, u32> {
    let mut scores = BTreeMap::new();
    let mut counted: BTreeSet<usize> = BTreeSet::new();
    let (mut rest, mut at_start) = (words, true);
    while let Some((first, tail)) = rest.split_first() {
        let found = rules.most_specific(rest, at_start);
        let length = found.first().map_or(1, |phrase| phrase.pattern.len());
        at_start = at_start && found.is_empty() && rules.courtesies.contains(first);
        for phrase in found {
            if counted.insert(phrase.id) {
                let score: &mut u32 = scores.entry(phrase.operation.as_str()).or_default();
                *score = score.saturating_add(phrase.weight);
            }
        }
        rest = rest.get(length..).unwrap_or(tail);
    }
    scores
}

/// The operation with the greatest weight, if that is enough; the first by name among equals.
fn decide(scores: &BTreeMap<&str, u32>, threshold: u32) -> Option<Guess> {
    let (&operation, &best) = scores
        .iter()
        .rev()
        .max_by_key(|&(_, &score)| score)
        .filter(|&(_, &score)| score >= threshold)?;
    let others = scores.iter().filter(|&(&name, _)| name != operation);
    let second = others.map(|(_, &score)| score).max().unwrap_or(0);
    let all = best.saturating_add(second).saturating_add(DOUBT);
    let percent = u64::from(best)
        .saturating_mul(100)
        .checked_div(u64::from(all));
    let confidence = u8::try_from(percent.unwrap_or(0)).unwrap_or(100);
    Some(guess(operation, confidence))
}

#[cfg(test)]
mod tests;
