//! A transcript in the form that is wanted.

use serde::Serialize;

use super::{Format, Into, Transcript, TranscriptionRequest, milliseconds as of_seconds};
use crate::money::Nanos;
use crate::protocol::audio::subtitles::{self, Cue};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// A body with its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Writes a transcript of a sound of so many milliseconds, which cost so much.
#[must_use]
pub fn render(
    request: &TranscriptionRequest,
    transcript: &Transcript,
    milliseconds: u64,
    cost: Nanos,
) -> Rendered {
    let text = transcript.text.as_str();
    let usage = Usage {
        kind: "duration",
        seconds: seconds(milliseconds),
        cost_usd: cost.to_usd(),
    };
    let (content_type, body) = match request.format {
        Format::Json => (JSON, json(&Brief { text, usage })),
        Format::Srt => (
            TEXT,
            subtitles::srt(&cues(transcript, milliseconds)).into_bytes(),
        ),
        Format::Text => (TEXT, format!("{text}\n").into_bytes()),
        Format::VerboseJson => (JSON, json(&verbose(request, transcript, usage))),
        Format::Vtt => (
            TEXT,
            subtitles::vtt(&cues(transcript, milliseconds)).into_bytes(),
        ),
    };
    Rendered { content_type, body }
}

fn json<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "sounds last less than 2^53 ms")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1_000.0
}

/// The segments, or the whole as one where the model times none.
fn cues(transcript: &Transcript, milliseconds: u64) -> Vec<Cue> {
    let timed = transcript.segments.iter().map(|segment| Cue {
        start: of_seconds(segment.start),
        end: of_seconds(segment.end),
        text: segment.text.clone(),
    });
    let timed: Vec<Cue> = timed.filter(|cue| !cue.text.trim().is_empty()).collect();
    if !timed.is_empty() || transcript.text.is_empty() {
        return timed;
    }
    vec![Cue {
        start: 0,
        end: milliseconds,
        text: transcript.text.clone(),
    }]
}

#[derive(Serialize)]
struct Brief<'a> {
    text: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Usage {
    #[serde(rename = "type")]
    kind: &'static str,
    seconds: f64,
    cost_usd: String,
}

fn verbose<'a>(
    request: &'a TranscriptionRequest,
    transcript: &'a Transcript,
    usage: Usage,
) -> Verbose<'a> {
    let (task, language) = match request.into {
        Into::English => ("translate", Some("english")),
        Into::Transcript => {
            let told = transcript.language.as_deref();
            ("transcribe", told.or(request.language.as_deref()))
        }
    };
    let segments = transcript.segments.iter().enumerate();
    let segments = segments.map(|(id, segment)| SegmentBody {
        id,
        seek: 0,
        start: segment.start,
        end: segment.end,
        text: &segment.text,
        tokens: [],
        temperature: segment.temperature,
        avg_logprob: segment.avg_logprob,
        compression_ratio: segment.compression_ratio,
        no_speech_prob: segment.no_speech_prob,
    });
    let words = transcript.words.iter().map(|word| WordBody {
        word: &word.word,
        start: word.start,
        end: word.end,
    });
    Verbose {
        task,
        language: language.unwrap_or_default(),
        duration: usage.seconds,
        text: &transcript.text,
        segments: request.segments.then(|| segments.collect()),
        words: request.words.then(|| words.collect()),
        usage,
    }
}

#[derive(Serialize)]
struct Verbose<'a> {
    task: &'static str,
    language: &'a str,
    duration: f64,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<Vec<SegmentBody<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Vec<WordBody<'a>>>,
    usage: Usage,
}

/// `seek` and `tokens` are of the model's own making and not told by all.
#[derive(Serialize)]
struct SegmentBody<'a> {
    id: usize,
    seek: u32,
    start: f64,
    end: f64,
    text: &'a str,
    tokens: [u32; 0],
    temperature: f64,
    avg_logprob: f64,
    compression_ratio: f64,
    no_speech_prob: f64,
}

#[derive(Serialize)]
struct WordBody<'a> {
    word: &'a str,
    start: f64,
    end: f64,
}
