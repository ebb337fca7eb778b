//! `POST /audio/transcriptions` and `/audio/translations`: always asked for in its longest form, of
//! which every other is made.

use crate::ports::Body;
use crate::protocol::audio::transcription::{Into, TranscriptionRequest};

/// The form that asks for a transcript. `boundary` is random, so that no sound holds it.
#[must_use]
pub fn encode_transcription(model: &str, request: &TranscriptionRequest, boundary: &str) -> Body {
    let temperature = request.temperature.map(|value| value.to_string());
    let language = request.language.as_deref();
    let fields = [
        ("model", Some(model)),
        ("response_format", Some("verbose_json")),
        (
            "language",
            language.filter(|_| request.into == Into::Transcript),
        ),
        ("prompt", request.prompt.as_deref()),
        ("temperature", temperature.as_deref()),
        ("timestamp_granularities[]", Some("segment")),
        (
            "timestamp_granularities[]",
            Some("word").filter(|_| request.words),
        ),
    ];
    let mut bytes = Vec::with_capacity(request.sound.len().saturating_add(4_096));
    for (name, text) in fields {
        let timed = name.starts_with("timestamp") && request.into == Into::English;
        if let Some(text) = text.filter(|_| !timed) {
            let head =
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
    }
    let name = file_name(&request.sound);
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(&request.sound);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Body {
        content_type: format!("multipart/form-data; boundary={boundary}"),
        bytes,
    }
}

/// A name whose ending tells the form of the sound: the provider goes by it.
fn file_name(sound: &[u8]) -> &'static str {
    let beginnings: [(&[u8], &str); 5] = [
        (b"RIFF", "sound.wav"),
        (b"OggS", "sound.ogg"),
        (b"fLaC", "sound.flac"),
        (b"\x1A\x45\xDF\xA3", "sound.webm"),
        (b"ID3", "sound.mp3"),
    ];
    let known = beginnings
        .into_iter()
        .find(|(beginning, _)| sound.starts_with(beginning));
    match known {
        Some((_, name)) => name,
        None if sound.get(4..8) == Some(b"ftyp") => "sound.m4a",
        None => "sound.mp3",
    }
}
