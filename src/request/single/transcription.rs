//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::{Form, Incoming, Reply};
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::protocol::audio::duration;
use crate::protocol::audio::transcription::{self, Into, Transcript, TranscriptionRequest};
use crate::providers::{Failure, workers_ai};
use crate::request::call;
use crate::request::single::{Given, Task, Told};
use crate::usage::{Units, Usage};

/// Milliseconds that decoders add to what a file tells.
const SLACK_MS: u64 = 1_000;

/// Reads a request for a transcript.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn transcript(incoming: &dyn Incoming) -> Result<TranscriptionRequest, Error> {
    transcription::parse(&Form::read(incoming).await?, Into::Transcript)
}

/// Reads a request for a translation into English.
///
/// # Errors
/// As [`transcript`].
pub async fn translation(incoming: &dyn Incoming) -> Result<TranscriptionRequest, Error> {
    transcription::parse(&Form::read(incoming).await?, Into::English)
}

impl Task for TranscriptionRequest {
    const KIND: ModelKind = ModelKind::Transcription;
    const WORK: &'static str = "transcribe";
    const SUBJECT: &'static str = "file";
    const MILLISECONDS: u64 = 200_000;

    type Answer = Transcript;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, _: &Model) -> Vec<Warning> {
        let random = self.temperature.map(|_| {
            let reason = "the model chooses it by itself";
            Warning::new("temperature", reason)
        });
        self.warnings.iter().cloned().chain(random).collect()
    }

    fn unfit(&self, _: &Model) -> Option<Error> {
        None
    }

    fn most(&self, _: &Model) -> Usage {
        heard(
            duration::most_ms(&self.sound).saturating_add(SLACK_MS),
            false,
        )
    }

    async fn call(
        &self,
        ports: &Ports,
        model: &Model,
        milliseconds: u64,
        used: &mut Usage,
    ) -> Result<Self::Answer, Failure> {
        let asked = workers_ai::encode_transcription(&model.id, self);
        let body = call::whole(ports, asked);
        let body = call::within(ports.clock.as_ref(), milliseconds, body).await?;
        let transcript = workers_ai::decode_transcription(&body)?;
        *used = match transcript.seconds {
            Some(seconds) => heard(transcription::milliseconds(seconds), false),
            None => heard(duration::most_ms(&self.sound), true),
        };
        Ok(transcript)
    }

    fn render(&self, transcript: Self::Answer, told: &Told<'_>) -> Given {
        let heard = told.usage.units.audio_milliseconds;
        let rendered = transcription::render(self, &transcript, heard, told.cost);
        Given::Whole(Reply::bytes(200, rendered.content_type, rendered.body))
    }
}

fn heard(audio_milliseconds: u64, estimated: bool) -> Usage {
    Usage {
        units: Units {
            audio_milliseconds,
            ..Units::NONE
        },
        estimated,
        ..Usage::default()
    }
}
