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
