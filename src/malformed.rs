//! Why a text of several lines cannot be read.

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}
