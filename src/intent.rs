//! What a text is for: a linear model over its words and letters, with the weights of
//! `config/intent.bin`. `training/` makes them and says how good they are.

pub mod features;
mod fold;
pub mod hash;
pub mod model;
pub mod signs;
mod text;

use std::borrow::Cow;
use std::sync::LazyLock;

use self::model::Model;
pub use self::signs::Signs;
use crate::config::{Catalogue, ModelKind};
use crate::protocol::Needs;

/// The weights as they were when this code was built.
pub const EMBEDDED: &[u8] = include_bytes!("../config/intent.bin");

/// Nothing that is guessed is as sure as what is said.
const MOST_CONFIDENCE: f32 = 99.0;
/// Per cent from which on a guess about a turn needs none of the turn before, unless it is in doubt all the same.
const SURE: u8 = 60;
/// Characters from which on a turn says by itself what it is for.
const SHORT: usize = 80;

impl From<Needs> for Signs {
    fn from(needs: Needs) -> Self {
        Self {
            tools: needs.tools,
            image: needs.vision,
            audio: needs.audio,
            schema: needs.json,
        }
    }
}

/// An operation and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The operation's name; always one of the catalogue's that answers with text.
    pub operation: String,
    /// 0 to 99 percent.
    pub confidence: u8,
}

/// Guesses what the last of a user's `turns` is for, which come newest first. A short one about which the guess
/// is not sure, or `in_doubt`, may go on with the one before ("And for Portugal?"): what that is for counts where
/// it is surer.
#[must_use]
pub fn classify_turns<'a>(
    mut turns: impl Iterator<Item = Cow<'a, str>>,
    signs: Signs,
    catalogue: &Catalogue,
    in_doubt: impl Fn(u8) -> bool,
) -> Guess {
    let last = turns.next().unwrap_or_default();
    let guess = classify(&last, signs, catalogue);
    let is_sure = guess.confidence >= SURE && !in_doubt(guess.confidence);
    let is_short = last.chars().take(SHORT).count() < SHORT;
    if is_sure || !is_short {
        return guess;
    }
    let before = turns.next();
    let before = before.map(|before| classify(&before, signs, catalogue));
    let surer = before.filter(|before| before.confidence > guess.confidence);
    surer.unwrap_or(guess)
}

/// Guesses what one turn of a user is for. Takes time linear in a thousand bytes of it. What is
/// likely to be for work that no chat model does counts for the default operation, which also is that of a
/// request that says nothing.
#[must_use]
pub fn classify(text: &str, signs: Signs, catalogue: &Catalogue) -> Guess {
    let default = catalogue.default_operation.as_str();
    if text.trim().is_empty() && signs == Signs::default() {
        return Guess {
            operation: default.to_owned(),
            confidence: 0,
        };
    }
    let mut of_default = 0.0;
    let mut best = (default, 0.0);
    if let Some(model) = model() {
        for (&name, likelihood) in model.names().iter().zip(model.judge(text, signs)) {
            let known = catalogue.operation(name);
            let served = known.filter(|operation| operation.tier.kind() == ModelKind::Chat);
            if name == default || served.is_none() {
                of_default += likelihood;
            } else if likelihood > best.1 {
                best = (name, likelihood);
            }
        }
    }
    let (operation, likelihood) = if of_default >= best.1 {
        (default, of_default)
    } else {
        best
    };
    Guess {
        operation: operation.to_owned(),
        confidence: percent(likelihood),
    }
}

/// The weights of this build. `None` where they cannot be read, which a test refuses.
fn model() -> Option<&'static Model<'static>> {
    static MODEL: LazyLock<Option<Model<'static>>> = LazyLock::new(|| Model::read(EMBEDDED));
    MODEL.as_ref()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 99"
)]
const fn percent(likelihood: f32) -> u8 {
    (likelihood * 100.0).clamp(0.0, MOST_CONFIDENCE) as u8
}

#[cfg(test)]
mod tests;
