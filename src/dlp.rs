//! Masks what looks personal or secret in a text: e-mail and network addresses, long numbers
//! (telephones, cards, accounts, papers, dates), and long words of letters and digits (keys, tokens,
//! accounts). It rather masks too much than too little. Names of people and places stay: nothing in
//! their form tells them.

use std::net::IpAddr;

/// Digits from which on a number is long.
const LONG_NUMBER: usize = 6;
/// Bytes and digits from which on a word is a key or an account.
const LONG_WORD: (usize, usize) = (16, 3);

/// The text with its findings replaced by `[EMAIL]`, `[ADDRESS]`, `[TOKEN]`, `[NUMBER]`.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for piece in text.split_inclusive(ends_word) {
        let (word, end) = match piece.chars().next_back().filter(|last| ends_word(*last)) {
            Some(last) => piece.split_at(piece.len().saturating_sub(last.len_utf8())),
            None => (piece, ""),
        };
        masked.push_str(finding(word).unwrap_or(word));
        masked.push_str(end);
    }
    without_numbers(&masked)
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || ",;<>()[]{}\"'`|".contains(character)
}

fn finding(word: &str) -> Option<&'static str> {
    let inner = word.trim_matches(|character: char| ".:!?*_".contains(character));
    let mail = |(name, host): (&str, &str)| !name.is_empty() && host.contains('.');
    if inner.rsplit_once('@').is_some_and(mail) {
        return Some("[EMAIL]");
    }
    let host = inner.rsplit_once(':').map_or(inner, |(host, _)| host);
    if inner.parse::<IpAddr>().is_ok() || host.parse::<IpAddr>().is_ok() {
        return Some("[ADDRESS]");
    }
    let (bytes, digits) = LONG_WORD;
    let has_letter = inner.chars().any(char::is_alphabetic);
    let many = inner.chars().filter(char::is_ascii_digit).count() >= digits;
    (inner.len() >= bytes && has_letter && many).then_some("[TOKEN]")
}

/// Replaces long numbers, however their digits are grouped.
fn without_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(char::is_numeric) {
        let (before, from) = rest.split_at(start);
        let length = from.find(|it| !continues_number(it)).unwrap_or(from.len());
        let (run, after) = from.split_at(length);
        let number = run.trim_end_matches(|it: char| !it.is_numeric());
        let is_long = number.chars().filter(|it| it.is_numeric()).count() >= LONG_NUMBER;
        masked.push_str(before);
        masked.push_str(if is_long { "[NUMBER]" } else { number });
        masked.push_str(run.get(number.len()..).unwrap_or_default());
        rest = after;
    }
    masked.push_str(rest);
    masked
}

fn continues_number(character: char) -> bool {
    character.is_numeric() || " -./()\u{a0}\u{202f}".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_personal_or_secret_is_masked() {
        let cases = [
            ("Write to ann.smith+x@example.co.uk.", "Write to [EMAIL]"),
            ("<ann@example.com>", "<[EMAIL]>"),
            ("Call +39 06 1234 5678 now", "Call +[NUMBER] now"),
            ("Call (020) 7946-0958.", "Call ([NUMBER]."),
            ("4111 1111 1111 1111", "[NUMBER]"),
            ("DE89 3704 0044 0532 0130 00", "DE[NUMBER]"),
            ("DE89370400440532013000", "[TOKEN]"),
            ("born 1980-05-17", "born [NUMBER]"),
            (
                "from 192.0.2.7:8080 or 2001:db8::1",
                "from [ADDRESS] or [ADDRESS]",
            ),
            ("key sk-proj-4f9A8b7C6d5E", "key [TOKEN]"),
            (
                "{\"id\":\"5c8f1a4e-0000-4000-8000-000000000000\"}",
                "{\"id\":\"[TOKEN]\"}",
            ),
            ("١٢٣٤٥٦٧", "[NUMBER]"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn what_says_nothing_of_anybody_stays() {
        let texts = [
            "",
            "Returns within 30 days cost 4.99 euros.",
            "1, 2, 3 or 4?",
            "a @ b",
            "internationalisation",
            "  \u{1f600} ok\n",
        ];
        for text in texts {
            assert_eq!(mask(text), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_long_number_is_left(text in ".{0,80}") {
            let masked = mask(&text);
            let runs = masked.split(|it| !continues_number(it));
            for run in runs {
                let digits = run.chars().filter(|it| it.is_numeric()).count();
                proptest::prop_assert!(digits < LONG_NUMBER, "{masked}");
            }
        }
    }
}
