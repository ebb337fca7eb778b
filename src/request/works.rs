//! What work is called, in records and by kill switches, that names no operation of a catalogue.

/// Vectors of texts.
pub const EMBED: &str = "embed";
/// Pictures.
pub const GENERATE_IMAGE: &str = "generate_image";
/// Documents that are stored.
pub const INGEST: &str = "ingest";
/// Judgements of texts.
pub const MODERATE: &str = "moderate";
/// Texts in the order in which they fit a query.
pub const RERANK: &str = "rerank";
/// Speech of texts.
pub const SPEAK: &str = "speak";
/// Texts of speech.
pub const TRANSCRIBE: &str = "transcribe";

/// All of them.
pub const ALL: [&str; 7] = [
    EMBED,
    GENERATE_IMAGE,
    INGEST,
    MODERATE,
    RERANK,
    SPEAK,
    TRANSCRIBE,
];
