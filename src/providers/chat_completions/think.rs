//! Reasoning that a model writes into its text: `<think>…</think>` at the very start, split over
//! chunks anywhere.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";
/// White space before an opening tag, in bytes: a stream of nothing else is not held back for ever.
const MAX_SPACE: usize = 64;

/// A piece of a split text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Of the reasoning.
    Reasoning(String),
    /// Of the answer.
    Text(String),
}

/// Splits a text that comes in chunks. White space around the tags belongs to neither part.
#[derive(Clone, Debug, Default)]
pub(super) struct Splitter {
    state: State,
    /// Text that may turn out to be part of a tag.
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing but white space and perhaps a part of the opening tag.
    #[default]
    Start,
    /// The opening tag, and nothing but white space since.
    Opened,
    /// In the reasoning.
    Thinking,
    /// The closing tag, and nothing but white space since.
    Closed,
    /// In the answer.
    Answering,
}

impl Splitter {
    /// Takes a chunk and gives what is certain with it.
    pub(super) fn push(&mut self, chunk: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = std::mem::take(&mut self.held);
        rest.push_str(chunk);
        while !rest.is_empty() {
            rest = match self.state {
                State::Start => self.start(rest),
                State::Opened => self.skip_space(&rest, State::Thinking),
                State::Thinking => self.think(&rest, &mut pieces),
                State::Closed => self.skip_space(&rest, State::Answering),
                State::Answering => {
                    pieces.push(Piece::Text(rest));
                    break;
                }
            };
        }
        pieces
    }

    /// Gives what was held back when the text ends.
    pub(super) fn finish(&mut self) -> Option<Piece> {
        let held = std::mem::take(&mut self.held);
        match self.state {
            _ if held.is_empty() => None,
            State::Opened | State::Thinking => Some(Piece::Reasoning(held)),
            State::Answering | State::Closed | State::Start => Some(Piece::Text(held)),
        }
    }

    fn start(&mut self, text: String) -> String {
        let trimmed = text.trim_start();
        if text.len().saturating_sub(trimmed.len()) <= MAX_SPACE {
            if let Some(rest) = trimmed.strip_prefix(OPEN) {
                self.state = State::Opened;
                return rest.to_owned();
            }
            if OPEN.starts_with(trimmed) {
                self.held = text;
                return String::new();
            }
        }
        self.state = State::Answering;
        text
    }

    fn skip_space(&mut self, text: &str, next: State) -> String {
        let rest = text.trim_start();
        if !rest.is_empty() {
            self.state = next;
        }
        rest.to_owned()
    }

    fn think(&mut self, text: &str, pieces: &mut Vec<Piece>) -> String {
        let (reasoning, rest) = if let Some((reasoning, rest)) = text.split_once(CLOSE) {
            self.state = State::Closed;
            (reasoning, rest)
        } else {
            let (certain, held) = text.split_at_checked(certain(text)).unwrap_or((text, ""));
            held.clone_into(&mut self.held);
            (certain, "")
        };
        if !reasoning.is_empty() {
            pieces.push(Piece::Reasoning(reasoning.to_owned()));
        }
        rest.to_owned()
    }
}

/// How many bytes of `text` cannot belong to a closing tag that ends in a later chunk.
fn certain(text: &str) -> usize {
    let starts = text
        .char_indices()
        .rev()
        .take(CLOSE.len())
        .map(|(at, _)| at);
    let may_open = |at: &usize| text.get(*at..).is_some_and(|tail| CLOSE.starts_with(tail));
    starts.filter(may_open).last().unwrap_or(text.len())
}

/// Splits a whole text: the reasoning, where there is any, and the answer.
pub(super) fn split(text: &str) -> (Option<String>, String) {
    let mut splitter = Splitter::default();
    let mut pieces = splitter.push(text);
    pieces.extend(splitter.finish());
    let (mut reasoning, mut answer) = (None::<String>, String::new());
    for piece in pieces {
        match piece {
            Piece::Reasoning(text) => reasoning.get_or_insert_default().push_str(&text),
            Piece::Text(text) => answer.push_str(&text),
        }
    }
    (reasoning, answer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reasoning_is_parted_from_the_answer() {
        let cases = [
            ("<think>a b</think>\n\nc", Some("a b"), "c"),
            ("\n<think>\na</think>c", Some("a"), "c"),
            ("<think>\n\n</think>\n\nc", None, "c"),
            ("<think>never closed", Some("never closed"), ""),
            ("c <think>a</think>", None, "c <think>a</think>"),
            ("<thinking>a", None, "<thinking>a"),
            ("<thi", None, "<thi"),
            ("  ", None, "  "),
            ("<think>1 < 2 </thin</think>c", Some("1 < 2 </thin"), "c"),
            ("", None, ""),
        ];
        for (text, reasoning, answer) in cases {
            let expected = (reasoning.map(str::to_owned), answer.to_owned());
            assert_eq!(split(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reasoning_is_not_held_back() {
        let mut splitter = Splitter::default();
        assert_eq!(
            splitter.push("<think>a</"),
            [Piece::Reasoning("a".to_owned())]
        );
        assert_eq!(splitter.push("b"), [Piece::Reasoning("</b".to_owned())]);
    }

    fn join(pieces: &[Piece]) -> (String, String) {
        let mut joined = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Reasoning(text) => joined.0.push_str(text),
                Piece::Text(text) => joined.1.push_str(text),
            }
        }
        joined
    }

    fn text() -> impl Strategy<Value = String> {
        let tokens = [
            "<think>", "</think>", "<", "</", "thi", "nk>", " ", "\n", "é", "text",
        ];
        let token = prop::sample::select(tokens.to_vec());
        prop::collection::vec(token, 0..16).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_parts(text in text()) {
            let mut splitter = Splitter::default();
            let mut pieces: Vec<Piece> = Vec::new();
            for character in text.chars() {
                pieces.extend(splitter.push(&character.to_string()));
            }
            pieces.extend(splitter.finish());
            let (reasoning, answer) = split(&text);
            prop_assert_eq!(join(&pieces), (reasoning.unwrap_or_default(), answer));
        }
    }
}
