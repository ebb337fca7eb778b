//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::{Form, Incoming, Reply};
use crate::ports::{ModelCall, Ports};
use crate::protocol::Warning;
use crate::protocol::audio::duration;
use crate::protocol::audio::transcription::{self, Into, Transcript, TranscriptionRequest};
use crate::providers::openai_media::{self, speaks_openai};
use crate::providers::{Failure, FailureClass, Work, workers_ai};
use crate::request::call;
use crate::request::single::{Given, Task, Told};
use crate::request::works;
use crate::routing::plan::Candidate;
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
    const WORK: &'static str = works::TRANSCRIBE;
    const SUBJECT: &'static str = "file";
    const MILLISECONDS: u64 = 200_000;

    type Answer = Transcript;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, model: &Model) -> Vec<Warning> {
        let left_out = self.temperature.filter(|_| !speaks_openai(model));
        let random = left_out.map(|_| {
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
        candidate: &Candidate,
        milliseconds: u64,
        used: &mut Usage,
    ) -> Result<Self::Answer, Failure> {
        let asked = self.encode(ports, candidate)?;
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

impl TranscriptionRequest {
    fn encode(&self, ports: &Ports, candidate: &Candidate) -> Result<ModelCall, Failure> {
        let model = &candidate.model;
        if !speaks_openai(model) {
            return Ok(workers_ai::encode_transcription(&model.id, self));
        }
        let random = ports.entropy.bytes();
        let random =
            random.map_err(|error| Failure::new(FailureClass::ServerError, &error.to_string()))?;
        let boundary = format!("esclusa-{}", hex::encode(random));
        let encode = |name: &str| openai_media::encode_transcription(name, self, &boundary);
        let work = match self.into {
            Into::English => Work::Translate,
            Into::Transcript => Work::Transcribe,
        };
        let secrets = ports.secrets.as_ref();
        openai_media::call(model, &candidate.id, secrets, work, encode)
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
