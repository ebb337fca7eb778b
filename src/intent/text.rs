//! The part of a text that is read, as tokens: words and marks, each said to be the user's own or
//! pasted.

use std::ops::Range;

use super::fold;
use super::hash;

/// Bytes read from the beginning of a text and to its end: what is asked stands at either, what is
/// pasted in between.
const HEAD_BYTES: usize = 600;
const TAIL_BYTES: usize = 400;
/// Tokens after a quotation mark that none closes, from which on they are a quotation.
const OPEN_QUOTATION: usize = 6;
/// Tokens of a last line and of a first one, from which on they are no request.
const LONG_LAST_LINE: usize = 30;
const LONG_FIRST_LINE: usize = 60;
/// A line so many times as long as the other of two is what that speaks of.
const LONGER: usize = 3;
/// The least tokens that a short line counts for in that.
const SHORT_LINE: usize = 4;

/// A word or a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Of its letters.
    pub(super) hash: u32,
    /// Where its letters stand.
    letters: Range<usize>,
    /// `None` for a word.
    mark: Option<char>,
    /// Whether it is quoted or pasted.
    pub(super) pasted: bool,
}

impl Token {
    /// Whether it is a word.
    pub(super) const fn is_word(&self) -> bool {
        self.mark.is_none()
    }
}

/// What is read of a text.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Folded letters and marks, without the space between them.
    letters: Vec<char>,
    /// In their order.
    pub(super) all: Vec<Token>,
}

impl Tokens {
    /// Reads a text: all of it, or where it is long, its two ends.
    pub(super) fn read(text: &str) -> Self {
        let mut tokens = Self::default();
        let (head, tail) = ends(text);
        tokens.append(head);
        if let Some(tail) = tail {
            tokens.push_mark('\n');
            tokens.append(tail);
        }
        tokens.find_quotations();
        tokens.find_pasted_lines();
        let is_own = |token: &Token| token.is_word() && !token.pasted;
        if !tokens.all.iter().any(is_own) {
            for token in &mut tokens.all {
                token.pasted = false;
            }
        }
        tokens
    }

    /// The folded letters of a token.
    pub(super) fn letters(&self, token: &Token) -> &[char] {
        self.letters.get(token.letters.clone()).unwrap_or_default()
    }

    /// How often a letter, digit (as `0`) or mark stands there.
    pub(super) fn count(&self, letter: char) -> usize {
        self.letters.iter().filter(|&&it| it == letter).count()
    }

    /// How many letters, digits and marks there are.
    pub(super) const fn len(&self) -> usize {
        self.letters.len()
    }

    fn append(&mut self, text: &str) {
        let mut begin = self.letters.len();
        let mut last = ' ';
        for character in text.chars().filter(|&it| !fold::vanishes(it)) {
            if character.is_alphanumeric() {
                self.letters.extend(fold::letters(character));
                last = ' ';
                continue;
            }
            self.push_word(begin);
            let mark = mark(character);
            if mark != ' ' && mark != last {
                self.push_mark(mark);
            }
            last = mark;
            begin = self.letters.len();
        }
        self.push_word(begin);
    }

    fn push_word(&mut self, begin: usize) {
        if begin < self.letters.len() {
            self.push(begin, None);
        }
    }

    fn push_mark(&mut self, mark: char) {
        let begin = self.letters.len();
        self.letters.push(mark);
        self.push(begin, Some(mark));
    }

    fn push(&mut self, begin: usize, mark: Option<char>) {
        let letters = begin..self.letters.len();
        let hash = hash::letters(self.letters.get(letters.clone()).unwrap_or_default());
        self.all.push(Token {
            hash,
            letters,
            mark,
            pasted: false,
        });
    }

    /// What stands between quotation marks, or after one that none closes.
    fn find_quotations(&mut self) {
        let marks = self.places('"');
        for pair in marks.chunks(2) {
            let (begin, end) = match *pair {
                [open, close] => (open, close),
                [open] if self.all.len().saturating_sub(open) > OPEN_QUOTATION => {
                    (open, self.all.len())
                }
                _ => continue,
            };
            self.paste(begin.saturating_add(1)..end);
        }
    }

    /// What stands between the first line and the last, and of these the one that is much too long
    /// for a request.
    fn find_pasted_lines(&mut self) {
        let breaks = self.places('\n');
        let (Some(&first), Some(&last)) = (breaks.first(), breaks.last()) else {
            return;
        };
        let all = self.all.len();
        let after = all.saturating_sub(last).saturating_sub(1);
        let (first_is_long, last_is_long) = if first == last {
            let outweighs =
                |one: usize, other: usize| one > other.max(SHORT_LINE).saturating_mul(LONGER);
            (outweighs(first, after), outweighs(after, first))
        } else {
            (first > LONG_FIRST_LINE, after > LONG_LAST_LINE)
        };
        self.paste(first.saturating_add(1)..last);
        if first_is_long {
            self.paste(0..first);
        }
        if last_is_long {
            self.paste(last.saturating_add(1)..all);
        }
    }

    fn places(&self, mark: char) -> Vec<usize> {
        let all = self.all.iter().enumerate();
        let found = all.filter(|(_, token)| token.mark == Some(mark));
        found.map(|(place, _)| place).collect()
    }

    fn paste(&mut self, tokens: Range<usize>) {
        let pasted = self.all.get_mut(tokens).unwrap_or_default();
        for token in pasted {
            token.pasted = true;
        }
    }
}

/// The beginning of a text, and its end where it has more than both.
fn ends(text: &str) -> (&str, Option<&str>) {
    if text.len() <= HEAD_BYTES.saturating_add(TAIL_BYTES) {
        return (text, None);
    }
    let head = text.floor_char_boundary(HEAD_BYTES);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(TAIL_BYTES));
    (
        text.get(..head).unwrap_or_default(),
        Some(text.get(tail..).unwrap_or_default()),
    )
}

/// What a character that is neither letter nor digit is read as; a space says nothing.
fn mark(character: char) -> char {
    match character {
        '\n' => '\n',
        '“' | '”' | '«' | '»' => '"',
        '–' | '—' => '-',
        other if other.is_whitespace() => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words that are the user's own, and those that are pasted.
    fn split(text: &str) -> (String, String) {
        let tokens = Tokens::read(text);
        let side = |pasted| {
            let words = tokens.all.iter();
            let words = words.filter(|token| token.is_word() && token.pasted == pasted);
            let words: Vec<String> = words
                .map(|token| tokens.letters(token).iter().collect())
                .collect();
            words.join(" ")
        };
        (side(false), side(true))
    }

    #[test]
    fn case_accents_digits_and_apostrophes_do_not_count() {
        let (own, _) =
            split("¿Cuánto TARDA el envío? It doesn’t… São-Paulo 24/7 devolucio\u{0301}n İ");
        assert_eq!(
            own,
            "cuanto tarda el envio it doesnt sao paulo 00 0 devolucion i"
        );
    }

    #[test]
    fn what_is_quoted_is_pasted() {
        assert_eq!(
            split("Translate «buenos días» into French"),
            ("translate into french".into(), "buenos dias".into())
        );
        let open = "who takes this? \"my order has never come and nobody answers";
        assert_eq!(split(open).0, "who takes this");
        assert_eq!(split("a 24\" screen").1, "");
    }

    #[test]
    fn what_stands_between_the_lines_of_a_request_is_pasted() {
        let text = "Hi,\nthe meeting was long\nand nobody spoke\nthe gist please";
        assert_eq!(
            split(text),
            (
                "hi the gist please".into(),
                "the meeting was long and nobody spoke".into()
            )
        );
        let long = "word ".repeat(40);
        assert_eq!(split(&format!("{long}\nthe gist?")).0, "the gist");
        assert_eq!(split(&format!("the gist?\n{long}")).0, "the gist");
    }

    #[test]
    fn a_text_that_is_all_quotation_is_a_request() {
        assert_eq!(split("\"read this aloud\"").0, "read this aloud");
    }

    #[test]
    fn a_long_text_is_read_at_its_ends() {
        let text = format!("first {} last", "é".repeat(500_000));
        let tokens = Tokens::read(&text);
        assert!(tokens.letters.len() < 1_000);
        let (head, tail) = ("e".repeat(297), "e".repeat(197));
        assert_eq!(split(&text).0, format!("first {head} {tail} last"));
        assert!(
            split(&format!("a {} last", "b ".repeat(9_000)))
                .0
                .contains("last")
        );
    }
}
