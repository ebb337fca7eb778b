//! What models use that is not counted in tokens.

use serde::{Deserialize, Serialize};

/// Sound, characters and pictures of one or several model calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// Milliseconds of sound, heard or spoken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_milliseconds: u64,
    /// Characters (Unicode scalar values) of text that was spoken.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub characters: u64,
    /// Pictures.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub images: u64,
}

/// Generic, since the linter would have a small number by value where serde gives a reference.
pub(crate) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

impl Units {
    /// Nothing of any.
    pub const NONE: Self = Self {
        audio_milliseconds: 0,
        characters: 0,
        images: 0,
    };

    /// Whether there is nothing of any.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            audio_milliseconds: self
                .audio_milliseconds
                .saturating_add(other.audio_milliseconds),
            characters: self.characters.saturating_add(other.characters),
            images: self.images.saturating_add(other.images),
        }
    }
}
