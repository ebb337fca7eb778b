//! `POST /audio/speech`.

use serde::Serialize;

use crate::ports::Body;
use crate::protocol::audio::speech::SpeechRequest;

/// The body that asks for a sound.
#[must_use]
pub fn encode_speech(model: &str, request: &SpeechRequest, voice: &str) -> Body {
    let request = Request {
        model,
        input: &request.input,
        voice,
        response_format: request.format.as_str(),
        speed: request.speed,
        instructions: request.instructions.as_deref(),
    };
    Body::json(serde_json::to_string(&request).unwrap_or_default())
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
}
