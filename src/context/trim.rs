//! What is left out of a prompt that has too many tokens: the oldest turns, then the worst passages, in
//! the order that the operation says.
//!
//! A turn is what a person says and all that follows, up to what the person says next, so that a call of
//! a tool and its result stay together. What the application says is never left out, nor the last turn.

use std::ops::Range;

use super::prompt;
use super::rank::Ranked;
use crate::config::Trim;
use crate::protocol::{Message, Role};
use crate::routing::bound;
use crate::usage::estimate_tokens;

/// The tokens that a prompt may have.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// Of the whole prompt.
    pub tokens: u64,
    /// Of what is neither a message nor of the passages: instructions, tools, a schema.
    pub fixed: u64,
    /// What may be left out, in this order.
    pub order: &'a [Trim],
}

/// A prompt that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Trimmed {
    /// The messages that are left.
    pub messages: Vec<Message>,
    /// The passages that are left.
    pub passages: Vec<Ranked>,
    /// Turns left out.
    pub turns: usize,
    /// Passages left out.
    pub worst: usize,
}

/// A prompt that does not fit, whatever may be left out of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The tokens that it has at least.
    pub tokens: u64,
}

/// Leaves out as little as it takes.
///
/// # Errors
/// Where nothing more may be left out.
pub fn trim(
    messages: &[Message],
    mut passages: Vec<Ranked>,
    room: Room<'_>,
) -> Result<Trimmed, TooLong> {
    let sizes: Vec<u64> = messages.iter().map(bound::likely_tokens_of).collect();
    let turns = turns(messages);
    let most = turns.len().saturating_sub(1);
    let of_turn = |turn: &Range<usize>| {
        let within = sizes.get(turn.clone()).unwrap_or_default();
        let spoken = within
            .iter()
            .zip(messages.get(turn.clone()).unwrap_or_default());
        let dropped = spoken.filter(|(_, message)| !stays(message));
        dropped.map(|(size, _)| *size).fold(0, u64::saturating_add)
    };
    let all = sizes.iter().copied().fold(room.fixed, u64::saturating_add);
    let of_passages = passages.iter().map(tokens_of_passage);
    let mut tokens = of_passages.fold(all, u64::saturating_add);
    if !passages.is_empty() {
        tokens = tokens.saturating_add(tokens_of_rules());
    }
    let (mut dropped, mut worst) = (0, 0_usize);
    for kind in room.order {
        match kind {
            Trim::Turns => {
                for turn in turns.iter().take(most) {
                    if tokens <= room.tokens {
                        break;
                    }
                    tokens = tokens.saturating_sub(of_turn(turn));
                    dropped = dropped.max(turn.end);
                }
            }
            Trim::Passages => {
                while tokens > room.tokens
                    && let Some(passage) = passages.pop()
                {
                    tokens = tokens.saturating_sub(tokens_of_passage(&passage));
                    worst = worst.saturating_add(1);
                    if passages.is_empty() {
                        tokens = tokens.saturating_sub(tokens_of_rules());
                    }
                }
            }
        }
    }
    if tokens > room.tokens {
        return Err(TooLong { tokens });
    }
    let left = |(at, message): &(usize, &Message)| *at >= dropped || stays(message);
    let kept = messages.iter().enumerate().filter(left);
    Ok(Trimmed {
        messages: kept.map(|(_, message)| message.clone()).collect(),
        passages,
        turns: turns.iter().filter(|turn| turn.end <= dropped).count(),
        worst,
    })
}

/// Tokens of the messages that are never left out.
#[must_use]
pub fn least_tokens(messages: &[Message]) -> u64 {
    let last = turns(messages).pop().unwrap_or_default();
    let kept = messages.iter().enumerate();
    let kept = kept.filter(|(at, message)| last.contains(at) || stays(message));
    let sizes = kept.map(|(_, message)| bound::likely_tokens_of(message));
    sizes.fold(0, u64::saturating_add)
}

fn tokens_of_passage(ranked: &Ranked) -> u64 {
    let bytes = prompt::size(&ranked.passage);
    estimate_tokens(u64::try_from(bytes).unwrap_or(u64::MAX))
}

/// What a model is told of passages, wherever there are any.
fn tokens_of_rules() -> u64 {
    estimate_tokens(u64::try_from(prompt::RULES.len()).unwrap_or(u64::MAX))
}

fn stays(message: &Message) -> bool {
    matches!(message.role, Role::System | Role::Developer)
}

/// Where each turn stands. What is said before the first word of a person is one, too.
fn turns(messages: &[Message]) -> Vec<Range<usize>> {
    let begins = messages
        .iter()
        .enumerate()
        .filter(|(_, message)| message.role == Role::User)
        .map(|(at, _)| at);
    // What a person says in several messages at once is one turn.
    let follows = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| messages.get(before));
        before.is_some_and(|message| message.role == Role::User)
    };
    let mut begins: Vec<usize> = begins.filter(|at| !follows(*at)).collect();
    let first = messages.iter().position(|message| !stays(message));
    if let Some(first) = first.filter(|first| begins.first() != Some(first)) {
        begins.insert(0, first);
    }
    let ends = begins.iter().skip(1).copied();
    let ends = ends.chain([messages.len()]);
    begins
        .iter()
        .copied()
        .zip(ends)
        .map(|(from, to)| from..to)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Passage;
    use crate::protocol::{Content, Part, ToolCall, ToolResult};

    const BOTH: &[Trim] = &[Trim::Turns, Trim::Passages];

    fn said(role: Role, text: &str) -> Message {
        Message::text(role, text.repeat(40))
    }

    /// A rule, a turn with a tool, a plain turn, the last turn: 10 tokens for each letter.
    fn talk() -> Vec<Message> {
        let call = ToolCall {
            id: "1".into(),
            name: "look".into(),
            arguments: "{}".into(),
            ..ToolCall::default()
        };
        let result = ToolResult {
            call_id: "1".into(),
            parts: vec![Part::text("d".repeat(40))],
            is_error: false,
        };
        vec![
            said(Role::System, "s"),
            said(Role::User, "a"),
            Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]),
            Message::new(Role::Tool, vec![Part::new(Content::ToolResult(result))]),
            said(Role::Assistant, "b"),
            said(Role::User, "c"),
            said(Role::Developer, "t"),
            said(Role::Assistant, "e"),
            said(Role::User, "f"),
        ]
    }

    fn passage(text: &str) -> Ranked {
        let passage = Passage {
            id: text.to_owned(),
            document: "d".to_owned(),
            title: String::new(),
            uri: String::new(),
            ordinal: 0,
            text: text.repeat(40),
        };
        Ranked {
            passage,
            score: 0.5,
        }
    }

    fn letters(trimmed: &Trimmed) -> String {
        let first = |text: &str| text.chars().next().unwrap_or('-');
        let messages = trimmed.messages.iter();
        let messages = messages.map(|message| match message.role {
            Role::Tool => 'd',
            _ => first(&message.plain_text()),
        });
        let passages = trimmed.passages.iter();
        let passages = passages.map(|ranked| first(&ranked.passage.text));
        messages.chain(passages).collect()
    }

    fn trimmed(tokens: u64, order: &[Trim]) -> Result<(String, usize, usize), TooLong> {
        let room = Room {
            tokens,
            fixed: 5,
            order,
        };
        let passages = vec![passage("1"), passage("2")];
        let trimmed = trim(&talk(), passages, room)?;
        Ok((letters(&trimmed), trimmed.turns, trimmed.worst))
    }

    #[test]
    fn the_oldest_turns_go_first_then_the_worst_passages() {
        let whole = trimmed(1_000, BOTH).unwrap();
        assert_eq!(whole, ("sa-dbctef12".to_owned(), 0, 0));
        let each = tokens_of_passage(&passage("1"));
        let rest = 5 + tokens_of_rules() + 2 * each;
        let cases = [
            (rest + 50, "sctef12", 1, 0),
            (rest + 49, "stf12", 2, 0),
            (rest + 29, "stf1", 2, 1),
            (5 + 30, "stf", 2, 2),
        ];
        for (tokens, left, turns, worst) in cases {
            let (found, found_turns, found_worst) = trimmed(tokens, BOTH).unwrap();
            assert_eq!(found, left, "{tokens}");
            assert_eq!((found_turns, found_worst), (turns, worst), "{tokens}");
        }
        assert_eq!(trimmed(34, BOTH), Err(TooLong { tokens: 35 }));
    }

    #[test]
    fn only_what_may_go_goes() {
        let (left, turns, worst) = trimmed(95, &[Trim::Passages]).unwrap();
        assert_eq!((left.as_str(), turns, worst), ("sa-dbctef", 0, 2));
        assert!(trimmed(50, &[Trim::Passages]).is_err());
        assert!(trimmed(50, &[]).is_err());
        assert_eq!(least_tokens(&talk()), 30);
    }

    #[test]
    fn a_call_and_its_result_are_never_parted() {
        for tokens in 30..200 {
            let Ok((left, ..)) = trimmed(tokens, BOTH) else {
                continue;
            };
            assert_eq!(left.contains('-'), left.contains('d'), "{tokens}: {left}");
            assert!(left.contains('s') && left.contains('f'), "{tokens}: {left}");
        }
    }
}
