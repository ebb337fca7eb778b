//! What of a text and its request tells what it is for: hashed features in groups.

use super::hash;
use super::hash::{number, pair};
use super::signs::Signs;
use super::text::{Token, Tokens};

/// Features that are weighed together. Each group has as much to say whatever the number of its
/// features in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Words, pairs of neighbours, and pairs with one between.
    Words,
    /// Four and five letters of words in a row.
    Letters,
    /// Words at the beginning and at the end.
    Ends,
    /// Lengths, marks, digits.
    Shape,
    /// Words that are quoted or pasted.
    Pasted,
    /// What the request carries besides the text.
    Signs,
}

/// How many groups there are.
pub const GROUPS: usize = 6;

/// Letters of a word in a row, its boundaries included.
const LETTERS: [usize; 2] = [4, 5];
/// Words at either end that are told from others.
const END_WORDS: usize = 5;

/// Kinds of features, so that the same words in another role are another feature.
mod role {
    pub(super) const WORD: u32 = 1;
    pub(super) const NEIGHBOURS: u32 = 2;
    pub(super) const AROUND_ONE: u32 = 3;
    pub(super) const LETTERS: u32 = 4;
    pub(super) const IN_BEGINNING: u32 = 5;
    pub(super) const IN_END: u32 = 6;
    pub(super) const FIRST: u32 = 7;
    pub(super) const LAST: u32 = 8;
    pub(super) const PAIR_IN_BEGINNING: u32 = 9;
    pub(super) const PAIR_IN_END: u32 = 10;
    pub(super) const SHAPE: u32 = 11;
    pub(super) const PASTED: u32 = 12;
    pub(super) const SIGN: u32 = 13;
}

/// Stand for what is before the first token and after the last.
const BEFORE: u32 = 0x5747;
const AFTER: u32 = 0x1234;

/// Gives the features of a text, some of them repeatedly. Takes time linear in a thousand bytes.
pub fn each(text: &str, signs: Signs, give: &mut dyn FnMut(Group, u32)) {
    let tokens = Tokens::read(text);
    words(&tokens, give);
    letters(&tokens, give);
    let own = |token: &&Token| token.is_word() && !token.pasted;
    let own: Vec<u32> = tokens
        .all
        .iter()
        .filter(own)
        .map(|token| token.hash)
        .collect();
    at_ends(&own, give);
    shape(text, &tokens, own.len(), give);
    for (index, sign) in (0..).zip(signs.each()) {
        if sign {
            give(Group::Signs, number(pair(index, role::SIGN)));
        }
    }
}

fn words(tokens: &Tokens, give: &mut dyn FnMut(Group, u32)) {
    let mut before = [BEFORE, BEFORE];
    for token in &tokens.all {
        let [earlier, previous] = before;
        if token.pasted {
            give(Group::Pasted, number(pair(token.hash, role::PASTED)));
        } else {
            let neighbours = pair(previous, token.hash);
            let around_one = pair(earlier, token.hash);
            give(Group::Words, number(pair(token.hash, role::WORD)));
            give(Group::Words, number(pair(neighbours, role::NEIGHBOURS)));
            give(Group::Words, number(pair(around_one, role::AROUND_ONE)));
        }
        before = [previous, token.hash];
    }
    let [_, last] = before;
    give(
        Group::Words,
        number(pair(pair(last, AFTER), role::NEIGHBOURS)),
    );
}

fn letters(tokens: &Tokens, give: &mut dyn FnMut(Group, u32)) {
    let mut word = Vec::new();
    let own = |token: &&Token| token.is_word() && !token.pasted;
    for token in tokens.all.iter().filter(own) {
        word.clear();
        word.push(' ');
        word.extend_from_slice(tokens.letters(token));
        word.push(' ');
        for length in LETTERS {
            for letters in word.windows(length) {
                let hash = hash::letters(letters);
                give(Group::Letters, number(pair(hash, role::LETTERS)));
            }
        }
    }
}

fn at_ends(own: &[u32], give: &mut dyn FnMut(Group, u32)) {
    let beginning = own.get(..END_WORDS).unwrap_or(own);
    let from = own.len().saturating_sub(END_WORDS);
    let end = own.get(from..).unwrap_or(own);
    let mut give = |hash, role| give(Group::Ends, number(pair(hash, role)));
    for (words, one, two) in [
        (beginning, role::IN_BEGINNING, role::PAIR_IN_BEGINNING),
        (end, role::IN_END, role::PAIR_IN_END),
    ] {
        for &word in words {
            give(word, one);
        }
        for (&first, &second) in words.iter().zip(words.iter().skip(1)) {
            give(pair(first, second), two);
        }
    }
    if let (Some(&first), Some(&last)) = (own.first(), own.last()) {
        give(first, role::FIRST);
        give(last, role::LAST);
    }
}

fn shape(text: &str, tokens: &Tokens, own: usize, give: &mut dyn FnMut(Group, u32)) {
    let pasted = tokens.all.iter().filter(|token| token.pasted).count();
    let count = |mark| tokens.count(mark);
    let text = text.trim();
    let facts = [
        size(text.len()),
        size(own),
        size(pasted),
        size(count('\n')),
        count('?').min(3),
        count('"').min(4),
        count(':').min(4),
        digits(tokens),
        kind(text.chars().next()),
        kind(text.chars().next_back()),
    ];
    for (index, fact) in (0..).zip(facts) {
        let fact = u32::try_from(fact).unwrap_or(u32::MAX);
        give(Group::Shape, number(pair(pair(index, fact), role::SHAPE)));
    }
}

/// How large a number is, in powers of two.
fn size(number: usize) -> usize {
    usize::BITS.saturating_sub(number.leading_zeros()) as usize
}

/// Of twenty letters, how many are digits; at most six.
fn digits(tokens: &Tokens) -> usize {
    let digits = tokens.count('0').saturating_mul(20);
    let all = tokens.len().saturating_add(1);
    digits.checked_div(all).unwrap_or(0).min(6)
}

/// Small letters, capitals, digits, and each other character by itself.
fn kind(character: Option<char>) -> usize {
    match character {
        None => 0,
        Some(letter) if letter.is_lowercase() => 1,
        Some(letter) if letter.is_uppercase() => 2,
        Some(digit) if digit.is_numeric() => 3,
        Some(other) => u32::from(other) as usize,
    }
}
