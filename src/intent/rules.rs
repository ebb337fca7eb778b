//! Rules of intent as data: which phrases speak for which operation, and how strongly.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::fold;

/// `config/intent.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    /// The least weight that tells an operation.
    pub(crate) threshold: u32,
    /// Words that may stand before the first that matters, e.g. `please`.
    pub(crate) courtesies: Vec<String>,
    pub(crate) features: Features,
    /// Operation to its groups of phrases.
    pub(crate) rules: BTreeMap<String, Vec<Group>>,
}

/// What a request shows besides its words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Features {
    /// The operation of a request with tools.
    pub(crate) tools: String,
    /// The operation of a request with pictures.
    pub(crate) image: String,
    /// Weight that a long text adds to operations of which a phrase was found.
    pub(crate) long_text: BTreeMap<String, u32>,
}

/// Phrases of one weight.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) weight: u32,
    pub(crate) phrases: Vec<String>,
}

/// The rules, ready to match.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(crate) threshold: u32,
    pub(crate) courtesies: BTreeSet<String>,
    pub(crate) features: Features,
    /// Phrases by the [`key`] of their first word.
    phrases: BTreeMap<String, Vec<Phrase>>,
}

/// A pattern and what it speaks for.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    /// Tells it from every other phrase.
    pub(crate) id: usize,
    pub(crate) pattern: Pattern,
    pub(crate) operation: String,
    pub(crate) weight: u32,
}

/// Words to find in a row: `^draft a reply` only at the start of the text, `summari*` with any ending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern {
    pub(crate) at_start: bool,
    words: Vec<WordPattern>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct WordPattern {
    text: String,
    any_ending: bool,
}

/// Characters of a word by which phrases are found. A stem must have as many.
const KEY_CHARACTERS: usize = 3;

impl Rules {
    /// Compiles checked rules; phrases that are none match nothing.
    pub(crate) fn compile(file: RuleFile) -> Self {
        let mut phrases: BTreeMap<String, Vec<Phrase>> = BTreeMap::new();
        let mut ids = 0_usize..;
        for (operation, groups) in file.rules {
            for group in groups {
                let patterns = group.phrases.iter().map(|phrase| Pattern::parse(phrase));
                for (pattern, id) in patterns.flatten().zip(ids.by_ref()) {
                    phrases.entry(pattern.key()).or_default().push(Phrase {
                        id,
                        pattern,
                        operation: operation.clone(),
                        weight: group.weight,
                    });
                }
            }
        }
        let courtesies = file.courtesies.iter();
        Self {
            threshold: file.threshold,
            courtesies: courtesies
                .flat_map(|words| fold::words(words, usize::MAX))
                .collect(),
            features: file.features,
            phrases,
        }
    }

    /// The most specific phrases that the text's words begin with: those for the start of a text
    /// before others, then the longest. `at_start` where nothing but courtesies comes before.
    pub(crate) fn most_specific(&self, words: &[String], at_start: bool) -> Vec<&Phrase> {
        let Some(first) = words.first() else {
            return Vec::new();
        };
        let bucket = self.phrases.get(key(first)).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<&Phrase> = Vec::new();
        for phrase in bucket {
            let pattern = &phrase.pattern;
            if (pattern.at_start && !at_start) || !pattern.begins(words) {
                continue;
            }
            let best = found.first().map(|best| best.pattern.rank());
            if best.is_some_and(|best| pattern.rank() > best) {
                found.clear();
            }
            if best.is_none_or(|best| pattern.rank() >= best) {
                found.push(phrase);
            }
        }
        found
    }
}

impl Pattern {
    /// Reads a phrase, or says what is wrong with it.
    pub(crate) fn parse(phrase: &str) -> Result<Self, String> {
        let (at_start, rest) = match phrase.strip_prefix('^') {
            Some(rest) => (true, rest),
            None => (false, phrase),
        };
        let words: Result<Vec<_>, _> = rest.split_whitespace().map(WordPattern::parse).collect();
        let words = words?;
        if words.is_empty() {
            return Err("expected at least one word".to_owned());
        }
        Ok(Self { at_start, words })
    }

    /// How many words it spans.
    pub(crate) const fn len(&self) -> usize {
        self.words.len()
    }

    const fn rank(&self) -> (bool, usize) {
        (self.at_start, self.len())
    }

    fn key(&self) -> String {
        let first = self.words.first().map_or("", |word| word.text.as_str());
        key(first).to_owned()
    }

    fn begins(&self, text: &[String]) -> bool {
        let pairs = self.words.iter().zip(text);
        self.words.len() <= text.len() && pairs.into_iter().all(|(word, text)| word.fits(text))
    }
}

impl WordPattern {
    fn parse(word: &str) -> Result<Self, String> {
        let (stem, any_ending) = match word.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (word, false),
        };
        let folded = fold::words(stem, usize::MAX);
        let [text] = folded.as_slice() else {
            return Err(format!("expected letters and digits instead of \"{word}\""));
        };
        if stem.contains('*') {
            return Err(format!("the star of \"{word}\" must end the word"));
        }
        if any_ending && text.chars().count() < KEY_CHARACTERS {
            return Err(format!(
                "expected {KEY_CHARACTERS} letters before the star of \"{word}\""
            ));
        }
        let text = text.clone();
        Ok(Self { text, any_ending })
    }

    fn fits(&self, word: &str) -> bool {
        if self.any_ending {
            word.starts_with(&self.text)
        } else {
            word == self.text
        }
    }
}

/// The first characters of a word.
fn key(word: &str) -> &str {
    let end = word.char_indices().nth(KEY_CHARACTERS);
    end.and_then(|(end, _)| word.get(..end)).unwrap_or(word)
}
