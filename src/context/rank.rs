//! The passages that are worth a place in the prompt, best first.

use std::collections::{BTreeMap, BTreeSet};

use crate::ports::{Passage, VectorMatch};
use crate::protocol::Source;

/// A passage and how well it fits, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The passage.
    pub passage: Passage,
    /// How well it fits.
    pub score: f64,
}

impl From<&Ranked> for Source {
    fn from(ranked: &Ranked) -> Self {
        let passage = &ranked.passage;
        Self {
            document: passage.document.clone(),
            title: passage.title.clone(),
            uri: passage.uri.clone(),
            passage: passage.text.clone(),
            score: ranked.score,
        }
    }
}

/// A reranker's score of one of the texts it was given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Which text, from 0.
    pub index: usize,
    /// How well it fits, 0 to 1.
    pub score: f64,
}

/// Which passages stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// At most so many.
    pub passages: usize,
    /// At most so many of one document.
    pub per_document: Option<usize>,
    /// None that scores less.
    pub floor: f64,
}

/// Puts the rows found to the vectors they belong to, nearest first. Vectors without a row (deleted
/// since, or another org's) and passages that say the same as a nearer one are left out.
#[must_use]
pub fn join(matches: &[VectorMatch], rows: Vec<Passage>) -> Vec<Ranked> {
    let rows = rows.into_iter().map(|row| (row.id.clone(), row));
    let mut rows: BTreeMap<String, Passage> = rows.collect();
    let mut nearest: Vec<&VectorMatch> = matches.iter().collect();
    nearest.sort_by(|left, right| right.score.total_cmp(&left.score));
    let mut said = BTreeSet::new();
    let found = nearest.into_iter().filter_map(|near| {
        let passage = rows.remove(&near.id)?;
        let score = unit(near.score);
        Some(Ranked { passage, score })
    });
    found
        .filter(|ranked| said.insert(normalised(&ranked.passage.text)))
        .collect()
}

/// Keeps the best by the reranker's scores; candidates that it did not score are left out. Equal
/// scores keep the order they came in. Without scores the candidates' own count.
#[must_use]
pub fn keep(candidates: Vec<Ranked>, scores: Option<&[Scored]>, rule: &Keep) -> Vec<Ranked> {
    let mut ranked = match scores {
        Some(scores) => rescored(candidates, scores),
        None => candidates,
    };
    ranked.sort_by(|left, right| right.score.total_cmp(&left.score));
    let mut of_document: BTreeMap<String, usize> = BTreeMap::new();
    let most = rule.per_document.unwrap_or(usize::MAX);
    let good = ranked.into_iter().filter(|ranked| {
        if ranked.score < rule.floor {
            return false;
        }
        let document = ranked.passage.document.clone();
        let count = of_document.entry(document).or_default();
        *count = count.saturating_add(1);
        *count <= most
    });
    good.take(rule.passages).collect()
}

fn rescored(candidates: Vec<Ranked>, scores: &[Scored]) -> Vec<Ranked> {
    let scores: BTreeMap<usize, f64> = scores
        .iter()
        .map(|scored| (scored.index, unit(scored.score)))
        .collect();
    let numbered = candidates.into_iter().enumerate();
    numbered
        .filter_map(|(index, ranked)| {
            let score = *scores.get(&index)?;
            Some(Ranked { score, ..ranked })
        })
        .collect()
}

/// A score as promised; what is no number fits not at all.
fn unit(score: f64) -> f64 {
    if score.is_nan() {
        0.0
    } else {
        score.clamp(0.0, 1.0)
    }
}

fn normalised(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(id: &str, document: &str, text: &str) -> Passage {
        Passage {
            id: id.to_owned(),
            document: document.to_owned(),
            title: format!("Title of {document}"),
            uri: String::new(),
            ordinal: 0,
            text: text.to_owned(),
        }
    }

    fn near(id: &str, score: f64) -> VectorMatch {
        let id = id.to_owned();
        VectorMatch { id, score }
    }

    fn ids(ranked: &[Ranked]) -> Vec<&str> {
        let ids = ranked.iter().map(|ranked| ranked.passage.id.as_str());
        ids.collect()
    }

    fn candidates() -> Vec<Ranked> {
        let names = ["a", "b", "c", "d"];
        let rows = names.map(|id| passage(id, if id == "d" { "two" } else { "one" }, id));
        join(&names.map(|id| near(id, 0.5)), rows.to_vec())
    }

    const ALL: Keep = Keep {
        passages: 10,
        per_document: None,
        floor: 0.0,
    };

    #[test]
    fn rows_take_the_order_of_their_vectors() {
        let matches = [
            near("b", 0.2),
            near("gone", 0.9),
            near("a", 0.7),
            near("a", 0.1),
        ];
        let rows = vec![
            passage("a", "one", "first"),
            passage("b", "one", "second"),
            passage("stray", "one", "third"),
        ];
        let joined = join(&matches, rows);
        assert_eq!(ids(&joined), ["a", "b"]);
        assert!((joined[0].score - 0.7).abs() < 1e-9);
    }

    #[test]
    fn the_same_text_is_taken_once_from_where_it_is_nearest() {
        let matches = [near("far", 0.3), near("near", 0.6)];
        let rows = vec![
            passage("far", "one", "The  same\ntext"),
            passage("near", "two", "the same text"),
        ];
        assert_eq!(ids(&join(&matches, rows)), ["near"]);
    }

    #[test]
    fn the_reranker_decides_and_ties_keep_their_order() {
        let scores = [(3, 0.4), (1, 0.9), (0, 0.4), (99, 1.0)];
        let scores = scores.map(|(index, score)| Scored { index, score });
        assert_eq!(
            ids(&keep(candidates(), Some(&scores), &ALL)),
            ["b", "a", "d"]
        );
        assert!(keep(candidates(), Some(&[]), &ALL).is_empty());
        assert_eq!(ids(&keep(candidates(), None, &ALL)), ["a", "b", "c", "d"]);
    }

    #[test]
    fn the_floor_and_the_caps_hold() {
        let scores = [(0, 0.9), (1, 0.8), (2, 0.7), (3, 0.05)];
        let scores = scores.map(|(index, score)| Scored { index, score });
        let floor = Keep { floor: 0.1, ..ALL };
        assert_eq!(
            ids(&keep(candidates(), Some(&scores), &floor)),
            ["a", "b", "c"]
        );
        let two = Keep { passages: 2, ..ALL };
        assert_eq!(ids(&keep(candidates(), Some(&scores), &two)), ["a", "b"]);
        let one_each = Keep {
            per_document: Some(1),
            ..ALL
        };
        assert_eq!(
            ids(&keep(candidates(), Some(&scores), &one_each)),
            ["a", "d"]
        );
    }

    #[test]
    fn scores_that_are_no_numbers_do_not_win() {
        let scores = [(0, f64::NAN), (1, 0.5), (2, f64::INFINITY)];
        let scores = scores.map(|(index, score)| Scored { index, score });
        let kept = keep(candidates(), Some(&scores), &ALL);
        assert_eq!(ids(&kept), ["c", "b", "a"]);
        assert!(
            kept.iter()
                .all(|ranked| (0.0..=1.0).contains(&ranked.score))
        );
    }
}
