//! Sound in and out: `OpenAI`'s transcriptions, translations and speech.
//!
//! <https://platform.openai.com/docs/api-reference/audio>

pub mod duration;
pub mod subtitles;
pub mod transcription;
