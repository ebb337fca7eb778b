//! What a request carries besides its text.

/// What a request carries besides its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is there or not, whatever the others are"
)]
pub struct Signs {
    /// Tools.
    pub tools: bool,
    /// Pictures.
    pub image: bool,
    /// Sound.
    pub audio: bool,
    /// A schema for the answer.
    pub schema: bool,
}

impl Signs {
    pub(super) const fn each(self) -> [bool; 4] {
        [self.tools, self.image, self.audio, self.schema]
    }
}
