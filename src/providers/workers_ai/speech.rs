//! `@cf/deepgram/aura-1`, `aura-2-en`, `aura-2-es` and `@cf/myshell-ai/melotts`.
//!
//! <https://developers.cloudflare.com/workers-ai/models/aura-1/>
//! <https://developers.cloudflare.com/workers-ai/models/melotts/>

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;

use super::{answer, call};
use crate::ports::ModelCall;
use crate::protocol::audio::speech::{SoundFormat, SpeechRequest};
use crate::protocol::json;
use crate::providers::failure::Failure;

/// Samples a second of `OpenAI`'s `pcm`.
const PCM_RATE: u32 = 24_000;

/// The call that lets a speaker of Deepgram's speak.
#[must_use]
pub fn encode_aura(model: &str, request: &SpeechRequest, speaker: &str) -> ModelCall {
    let (encoding, container) = match request.format {
        SoundFormat::Aac => ("aac", None),
        SoundFormat::Flac => ("flac", None),
        SoundFormat::Mp3 => ("mp3", None),
        SoundFormat::Opus => ("opus", Some("ogg")),
        SoundFormat::Pcm => ("linear16", Some("none")),
        SoundFormat::Wav => ("linear16", Some("wav")),
    };
    let raw = request.format == SoundFormat::Pcm;
    let input = Aura {
        text: &request.input,
        speaker,
        encoding,
        container,
        sample_rate: raw.then_some(PCM_RATE),
    };
    call(model, &input)
}

#[derive(Serialize)]
struct Aura<'a> {
    text: &'a str,
    speaker: &'a str,
    encoding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_rate: Option<u32>,
}

/// The call that lets `MeloTTS` speak a language.
#[must_use]
pub fn encode_melo(model: &str, request: &SpeechRequest, language: &str) -> ModelCall {
    let input = Melo {
        prompt: &request.input,
        lang: language,
    };
    call(model, &input)
}

#[derive(Serialize)]
struct Melo<'a> {
    prompt: &'a str,
    lang: &'a str,
}

/// Reads a sound that comes as JSON: `{"audio": base64}`.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_sound(body: &[u8]) -> Result<Vec<u8>, Failure> {
    let object = answer(body)?;
    let text = object.get("audio").and_then(json::text);
    let bytes = text.and_then(|text| BASE64_STANDARD.decode(text).ok());
    let sound = bytes.filter(|bytes| !bytes.is_empty());
    sound.ok_or_else(|| Failure::malformed("`audio` is not a sound in base64"))
}
