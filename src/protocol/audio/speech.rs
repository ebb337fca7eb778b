//! Text to speech: the body of `POST /v1/audio/speech`.

use super::language;
use super::transcription;
use crate::error::Error;
use crate::protocol::Warning;
use crate::protocol::json::{self, Object, Path, Value};
use crate::protocol::model_name::model_name;

/// Characters of a text: `OpenAI`'s limit.
pub const MAX_CHARACTERS: usize = 4_096;
const MAX_INSTRUCTIONS: usize = 4_096;
const MAX_VOICE_BYTES: usize = 64;
const SPEEDS: std::ops::RangeInclusive<f64> = 0.25..=4.0;
const KNOWN: [&str; 8] = [
    "model",
    "input",
    "voice",
    "response_format",
    "speed",
    "instructions",
    "language",
    "stream_format",
];

/// A request for speech, parsed and valid.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechRequest {
    /// The model as the caller wrote it.
    pub model: String,
    /// The text, not blank.
    pub input: String,
    /// `OpenAI`'s name of a voice, or a speaker of the model.
    pub voice: String,
    /// The form of the sound.
    pub format: SoundFormat,
    /// How fast, where that is not 1.
    pub speed: Option<f64>,
    /// How to speak.
    pub instructions: Option<String>,
    /// The language of the text, ISO 639-1: Esclusa's own field.
    pub language: Option<String>,
    /// What was left out.
    pub warnings: Vec<Warning>,
}

/// A form of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoundFormat {
    /// AAC.
    Aac,
    /// FLAC.
    Flac,
    /// MP3.
    #[default]
    Mp3,
    /// Opus in OGG.
    Opus,
    /// 16 bit little-endian numbers at 24 kHz, without a header.
    Pcm,
    /// WAV.
    Wav,
}

impl SoundFormat {
    const ALL: [Self; 6] = [
        Self::Aac,
        Self::Flac,
        Self::Mp3,
        Self::Opus,
        Self::Pcm,
        Self::Wav,
    ];

    /// `OpenAI`'s name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aac => "aac",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
            Self::Pcm => "pcm",
            Self::Wav => "wav",
        }
    }

    /// `content-type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Aac => "audio/aac",
            Self::Flac => "audio/flac",
            Self::Mp3 => "audio/mpeg",
            Self::Opus => "audio/opus",
            Self::Pcm => "audio/pcm",
            Self::Wav => "audio/wav",
        }
    }
}

impl SpeechRequest {
    /// Characters that are spoken: what many models charge by.
    #[must_use]
    pub fn characters(&self) -> u64 {
        u64::try_from(self.input.chars().count()).unwrap_or(u64::MAX)
    }

    /// The language that is spoken, said or guessed.
    #[must_use]
    pub fn spoken(&self) -> Option<&str> {
        let said = self.language.as_deref();
        said.or_else(|| language::guess(&self.input))
    }
}

/// Parses the body of `POST /v1/audio/speech`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param`.
pub fn parse(body: &[u8]) -> Result<SpeechRequest, Error> {
    let object = json::document(body)?;
    let root = &Path::Root;
    let mut warnings = Vec::new();
    object.warn_of_others(root, &KNOWN, &mut warnings);
    object.optional(root, "stream_format", stream_format)?;
    let speed = object.optional(root, "speed", |value| value.number(&SPEEDS))?;
    Ok(SpeechRequest {
        model: object.required(root, "model", "Name a model or \"tts\".", model_name)?,
        input: object.required(root, "input", "Send the text to speak.", input)?,
        voice: object.required(root, "voice", "Name a voice such as \"alloy\".", voice)?,
        format: format(&object)?,
        speed: speed.filter(|speed| (speed - 1.0).abs() > f64::EPSILON),
        instructions: object.optional(root, "instructions", instructions)?,
        language: object.optional(root, "language", |value| {
            transcription::language(&value.string()?)
        })?,
        warnings,
    })
}

fn stream_format(value: Value<'_, '_>) -> Result<(), Error> {
    match value.string()?.as_str() {
        "audio" => Ok(()),
        _ => Err(value
            .path
            .error("must be \"audio\": the sound is streamed as bytes.")),
    }
}

fn input(value: Value<'_, '_>) -> Result<String, Error> {
    let text = value.filled_string("the text to speak")?;
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        let message =
            format!("must have at most {MAX_CHARACTERS} characters, not {characters}. Split it.");
        return Err(value.path.error(&message));
    }
    if text.trim().is_empty() {
        return Err(value
            .path
            .error("must not be blank. Send the text to speak."));
    }
    Ok(text)
}

fn voice(value: Value<'_, '_>) -> Result<String, Error> {
    let name = value.filled_string("the name of a voice")?;
    if name.len() > MAX_VOICE_BYTES {
        let message = format!("must be at most {MAX_VOICE_BYTES} bytes long.");
        return Err(value.path.error(&message));
    }
    Ok(name)
}

fn format(object: &Object<'_>) -> Result<SoundFormat, Error> {
    let read = |value: Value<'_, '_>| {
        let name = value.string()?;
        let known = SoundFormat::ALL
            .into_iter()
            .find(|format| format.as_str() == name);
        known.ok_or_else(|| {
            let names = SoundFormat::ALL.map(SoundFormat::as_str).join(", ");
            value.path.error(&format!("must be one of {names}."))
        })
    };
    let format = object.optional(&Path::Root, "response_format", read)?;
    Ok(format.unwrap_or_default())
}

fn instructions(value: Value<'_, '_>) -> Result<String, Error> {
    let text = value.string()?;
    if text.chars().count() > MAX_INSTRUCTIONS {
        let message = format!("must have at most {MAX_INSTRUCTIONS} characters.");
        return Err(value.path.error(&message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
