//! `@cf/openai/whisper-large-v3-turbo`.
//! <https://developers.cloudflare.com/workers-ai/models/whisper-large-v3-turbo/>

use base64::display::Base64Display;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{WORKERS_AI, answer};
use crate::ports::{BindingCall, ModelCall};
use crate::protocol::audio::transcription::{
    Into, Segment, Transcript, TranscriptionRequest, Word,
};
use crate::protocol::json;
use crate::providers::failure::Failure;

/// Bytes of the input around the sound and the prompt.
const FRAME_BYTES: usize = 256;

/// The longest sound whose told length is believed: a week.
const MOST_SECONDS: f64 = 604_800.0;

/// The call that transcribes a sound.
#[must_use]
pub fn encode_transcription(model: &str, request: &TranscriptionRequest) -> ModelCall {
    let input = Input {
        audio: &request.sound,
        task: match request.into {
            Into::English => "translate",
            Into::Transcript => "transcribe",
        },
        language: request.language.as_deref(),
        initial_prompt: request.prompt.as_deref(),
    };
    // Megabytes: grown by doubling, they would take twice their size.
    let sound = base64::encoded_len(request.sound.len(), true).unwrap_or_default();
    let prompt = request.prompt.as_ref().map_or(0, String::len);
    let size = sound.saturating_add(prompt.saturating_mul(2));
    let mut json = Vec::with_capacity(size.saturating_add(FRAME_BYTES));
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut json, &input);
    ModelCall::Binding(BindingCall {
        model: model.to_owned(),
        input: String::from_utf8(json).unwrap_or_default(),
        options: WORKERS_AI.to_owned(),
    })
}

#[derive(Serialize)]
struct Input<'a> {
    #[serde(serialize_with = "base64")]
    audio: &'a [u8],
    task: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_prompt: Option<&'a str>,
}

fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &BASE64_STANDARD))
}

/// Reads a transcript, also in `OpenAI`'s own form, which has the facts about the sound and the words
/// beside the text.
///
/// # Errors
/// The failure that the body tells of, or [`crate::providers::FailureClass::Malformed`].
pub fn decode_transcription(body: &[u8]) -> Result<Transcript, Failure> {
    let object = answer(body)?;
    let part = |name: &str| object.get(name).map(RawValue::get);
    let text = part("text").and_then(|json| serde_json::from_str::<String>(json).ok());
    let text = text.ok_or_else(|| Failure::malformed("`text` is not a string"))?;
    let info = match part("transcription_info") {
        Some(json) => serde_json::from_str(json),
        None => Ok(Info {
            language: object.get("language").and_then(json::text),
            duration: object.get("duration").and_then(number),
        }),
    };
    let segments = part("segments").map_or(Ok(Vec::new()), serde_json::from_str);
    let words = part("words").map_or(Ok(Vec::new()), serde_json::from_str);
    let (Ok(info), Ok(segments), Ok(words)) = (info, segments, words) else {
        return Err(Failure::malformed("the transcript's times cannot be read"));
    };
    let (segments, words): (Vec<SegmentBody>, Vec<WordBody>) = (segments, words);
    let inner = segments.iter().flat_map(|segment| &segment.words);
    Ok(Transcript {
        text: text.trim().to_owned(),
        language: info.language,
        seconds: info
            .duration
            .filter(|seconds| (0.0..=MOST_SECONDS).contains(seconds)),
        words: inner.chain(&words).map(WordBody::word).collect(),
        segments: segments.into_iter().map(SegmentBody::segment).collect(),
    })
}

/// `OpenAI` has written lengths as text, too.
fn number(raw: &RawValue) -> Option<f64> {
    let text = json::text(raw).unwrap_or_else(|| raw.get().to_owned());
    text.parse().ok()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    language: Option<String>,
    duration: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SegmentBody {
    start: f64,
    end: f64,
    text: String,
    temperature: f64,
    avg_logprob: f64,
    compression_ratio: f64,
    no_speech_prob: f64,
    words: Vec<WordBody>,
}

impl SegmentBody {
    fn segment(self) -> Segment {
        Segment {
            start: self.start,
            end: self.end,
            text: self.text,
            temperature: self.temperature,
            avg_logprob: self.avg_logprob,
            compression_ratio: self.compression_ratio,
            no_speech_prob: self.no_speech_prob,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WordBody {
    word: String,
    start: f64,
    end: f64,
}

impl WordBody {
    fn word(&self) -> Word {
        Word {
            start: self.start,
            end: self.end,
            word: self.word.trim().to_owned(),
        }
    }
}
