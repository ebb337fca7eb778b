//! Sound in and out: `OpenAI`'s transcriptions, translations and speech.
//!
//! <https://platform.openai.com/docs/api-reference/audio>

pub mod duration;
mod language;
pub mod speech;
pub mod subtitles;
pub mod transcription;
