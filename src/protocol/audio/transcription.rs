//! Speech to text: the form of `POST /v1/audio/transcriptions` and `/v1/audio/translations` in, the
//! transcript in the form that is wanted out.

mod render;

use multer::bytes::Bytes;

pub use self::render::{Rendered, render};
use crate::error::Error;
use crate::http::Form;
use crate::protocol::Warning;
use crate::protocol::json::Path;
use crate::protocol::model_name;

const MOST_PROMPT_BYTES: usize = 16 * 1024;
const KNOWN: [&str; 9] = [
    "model",
    "language",
    "prompt",
    "response_format",
    "temperature",
    "timestamp_granularities",
    "stream",
    "include",
    "file",
];

/// What becomes of the speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// Text in the language that is spoken.
    Transcript,
    /// Text in English.
    English,
}

/// A request for a transcript, parsed and valid.
#[derive(Clone, Debug)]
pub struct TranscriptionRequest {
    /// What becomes of the speech.
    pub into: Into,
    /// The model as the caller wrote it.
    pub model: String,
    /// The sound file.
    pub sound: Bytes,
    /// The language that is spoken, ISO 639-1.
    pub language: Option<String>,
    /// Text that the sound continues, or words to expect.
    pub prompt: Option<String>,
    /// The form of the answer.
    pub format: Format,
    /// Randomness, 0 to 1.
    pub temperature: Option<f64>,
    /// Whether the times of words are wanted.
    pub words: bool,
    /// Whether the times of segments are wanted.
    pub segments: bool,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// The form of a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `{"text"}`
    #[default]
    Json,
    /// Subtitles.
    Srt,
    /// Plain text.
    Text,
    /// Text with times, language and length.
    VerboseJson,
    /// Web subtitles.
    Vtt,
}

impl Format {
    const fn parse(name: &str) -> Option<Self> {
        Some(match name.as_bytes() {
            b"json" => Self::Json,
            b"srt" => Self::Srt,
            b"text" => Self::Text,
            b"verbose_json" => Self::VerboseJson,
            b"vtt" => Self::Vtt,
            _ => return None,
        })
    }
}

/// What was said, with times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The whole text.
    pub text: String,
    /// The language, where the model tells it.
    pub language: Option<String>,
    /// How long the sound is, where the model tells it.
    pub seconds: Option<f64>,
    /// Its parts, in order of time.
    pub segments: Vec<Segment>,
    /// Its words, where the model times them.
    pub words: Vec<Word>,
}

/// A part of what was said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// The text.
    pub text: String,
    /// The randomness it was decoded with.
    pub temperature: f64,
    /// The mean of the tokens' log probabilities.
    pub avg_logprob: f64,
    /// How well the text can be compressed: repetitions give it away.
    pub compression_ratio: f64,
    /// How likely it is that nobody spoke.
    pub no_speech_prob: f64,
}

/// A word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
    /// The word.
    pub word: String,
}

/// Reads a form.
///
/// # Errors
/// `InvalidRequest` that names the field.
pub fn parse(form: &Form, into: Into) -> Result<TranscriptionRequest, Error> {
    refuse_unsupported(form)?;
    let format = form
        .text("response_format")
        .map_or(Ok(Format::default()), format)?;
    let (words, segments) = granularities(form, format)?;
    Ok(TranscriptionRequest {
        into,
        model: model(form)?,
        sound: sound(form)?,
        language: form.text("language").map(language).transpose()?,
        prompt: form.text("prompt").map(prompt).transpose()?,
        format,
        temperature: form.text("temperature").map(temperature).transpose()?,
        words,
        segments,
        warnings: warnings(form),
    })
}

fn refuse_unsupported(form: &Form) -> Result<(), Error> {
    if form.text("stream").is_some_and(|value| value != "false") {
        let advice = "is not supported: the transcript comes whole. Leave it out.";
        return Err(field("stream").error(advice));
    }
    if form.list("include").any(|value| !value.is_empty()) {
        let advice = "is not supported: no model here tells log probabilities. Leave it out.";
        return Err(field("include").error(advice));
    }
    Ok(())
}

const fn field(name: &str) -> Path<'_> {
    Path::Field(&Path::Root, name)
}

fn model(form: &Form) -> Result<String, Error> {
    let path = field("model");
    let name = form.text("model");
    let name = name.ok_or_else(|| path.missing("Name a model or \"speech\"."))?;
    model_name::checked(name.to_owned(), &path)
}

fn sound(form: &Form) -> Result<Bytes, Error> {
    let path = field("file");
    let file = form.file().filter(|file| file.field == "file");
    let file = file.ok_or_else(|| path.missing("Send the sound as a file."))?;
    if file.bytes.is_empty() {
        return Err(path.error("is empty. Send a sound."));
    }
    Ok(file.bytes.clone())
}

/// Reads the name of a form.
///
/// # Errors
/// `InvalidRequest`.
pub fn format(name: &str) -> Result<Format, Error> {
    let advice = "must be \"json\", \"text\", \"srt\", \"verbose_json\" or \"vtt\".";
    Format::parse(name).ok_or_else(|| field("response_format").error(advice))
}

/// Reads a language: its code, of which a region is left out (`en-GB` is `en`).
///
/// # Errors
/// `InvalidRequest`.
pub fn language(code: &str) -> Result<String, Error> {
    let base = code.split(['-', '_']).next().unwrap_or_default();
    let known = matches!(base.len(), 2 | 3) && base.bytes().all(|byte| byte.is_ascii_alphabetic());
    if known {
        return Ok(base.to_ascii_lowercase());
    }
    Err(field("language").error("must be an ISO 639-1 code such as \"es\"."))
}

/// Reads a prompt.
///
/// # Errors
/// `InvalidRequest`.
pub fn prompt(text: &str) -> Result<String, Error> {
    if text.len() > MOST_PROMPT_BYTES || text.contains('\0') {
        let message = format!("must have at most {MOST_PROMPT_BYTES} bytes and no NUL.");
        return Err(field("prompt").error(&message));
    }
    Ok(text.to_owned())
}

fn temperature(text: &str) -> Result<f64, Error> {
    let value = text.trim().parse().ok();
    let value = value.filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| field("temperature").error("must be a number from 0 to 1."))
}

/// Segments are what `verbose_json` has where nothing is said.
fn granularities(form: &Form, format: Format) -> Result<(bool, bool), Error> {
    let path = field("timestamp_granularities");
    let wanted: Vec<&str> = form.list("timestamp_granularities").collect();
    if wanted.is_empty() {
        return Ok((false, true));
    }
    if format != Format::VerboseJson {
        return Err(path.error("needs `response_format` to be \"verbose_json\"."));
    }
    if wanted
        .iter()
        .any(|name| !matches!(*name, "word" | "segment"))
    {
        return Err(path.error("takes \"word\" and \"segment\"."));
    }
    Ok((wanted.contains(&"word"), wanted.contains(&"segment")))
}

fn warnings(form: &Form) -> Vec<Warning> {
    let base = |name: &str| name.strip_suffix("[]").unwrap_or(name).to_owned();
    let others = form
        .names()
        .filter(|name| !KNOWN.contains(&base(name).as_str()));
    others
        .map(|name| Warning::new(name, "not known here"))
        .collect()
}

/// Whole milliseconds of a time in seconds; 0 where it is negative.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast holds what does not fit at its ends, which is what is wanted"
)]
pub fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64
}

#[cfg(test)]
mod tests;
