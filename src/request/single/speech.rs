//! `POST /v1/audio/speech`.

use futures::stream::{self, StreamExt};

use crate::config::{Model, ModelKind, SpeechFacts, SpeechWire, UnitPrice};
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::{ModelCall, Ports};
use crate::protocol::Warning;
use crate::protocol::audio::duration;
use crate::protocol::audio::speech::{self, SoundFormat, SpeechRequest};
use crate::providers::{Failure, FailureClass, Work, openai_media, workers_ai};
use crate::request::admit::json_body;
use crate::request::call::{self, Chunks};
use crate::request::single::{Given, Task, Told};
use crate::request::works;
use crate::routing::plan::Candidate;
use crate::usage::{Units, Usage};

/// Milliseconds that a character may take to be spoken: signs such as % are whole words.
const MOST_MS_PER_CHARACTER: u64 = 2_000;
/// Milliseconds that a character takes on average, where the sound cannot be measured.
const USUAL_MS_PER_CHARACTER: u64 = 80;

/// Reads a request.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn read(incoming: &dyn Incoming) -> Result<SpeechRequest, Error> {
    speech::parse(&json_body(incoming).await?)
}

/// A sound, whole or on its way.
pub enum Sound {
    /// As it comes.
    Stream(Chunks),
    /// All of it.
    Whole(Vec<u8>),
}

impl Task for SpeechRequest {
    const KIND: ModelKind = ModelKind::Speech;
    const WORK: &'static str = works::SPEAK;
    const SUBJECT: &'static str = "input";
    const MILLISECONDS: u64 = 60_000;

    type Answer = Sound;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, model: &Model) -> Vec<Warning> {
        let Some(facts) = &model.speech else {
            return self.warnings.clone();
        };
        let left_out = [
            (
                "speed",
                self.speed.is_some() && !facts.speed,
                "the model has one speed",
            ),
            (
                "instructions",
                self.instructions.is_some() && !facts.instructions,
                "the model takes none",
            ),
            (
                "voice",
                facts.speakers.is_empty(),
                "the model has one voice",
            ),
        ];
        let left_out = left_out.into_iter().filter(|(_, is_so, _)| *is_so);
        let left_out = left_out.map(|(field, _, reason)| Warning::new(field, reason));
        self.warnings.iter().cloned().chain(left_out).collect()
    }

    fn unfit(&self, model: &Model) -> Option<Error> {
        let (id, facts) = (&model.id, model.speech.as_ref()?);
        if !facts
            .formats
            .iter()
            .any(|format| format == self.format.as_str())
        {
            let message = format!("{id} gives {}.", facts.formats.join(", "));
            return Some(Error::invalid("response_format", message));
        }
        if !facts.speakers.is_empty() && speaker(facts, &self.voice).is_none() {
            let names: Vec<&str> = facts
                .voices
                .keys()
                .chain(&facts.speakers)
                .map(String::as_str)
                .collect();
            let message = format!("{id} has no such voice. It has {}.", names.join(", "));
            return Some(Error::invalid("voice", message));
        }
        if let Some(most) = facts
            .characters
            .filter(|most| self.characters() > u64::from(*most))
        {
            let message = format!("{id} speaks at most {most} characters at once. Split the text.");
            return Some(Error::invalid("input", message));
        }
        let said = self.language.as_deref();
        (!said.is_none_or(|language| speaks(facts, language))).then(|| {
            let message = format!("{id} speaks {}.", facts.languages.join(", "));
            Error::invalid("language", message)
        })
    }

    /// Models that speak the language of the text go first, also where it is a guess.
    fn is_second_choice(&self, model: &Model) -> bool {
        let facts = model.speech.as_ref();
        let strange = |language| facts.is_some_and(|facts| !speaks(facts, language));
        self.spoken().is_some_and(strange)
    }

    fn most(&self, _: &Model) -> Usage {
        let characters = self.characters();
        used(Units {
            characters,
            audio_milliseconds: characters.saturating_mul(MOST_MS_PER_CHARACTER),
            ..Units::NONE
        })
    }

    async fn call(
        &self,
        ports: &Ports,
        candidate: &Candidate,
        milliseconds: u64,
        usage: &mut Usage,
    ) -> Result<Self::Answer, Failure> {
        let model = &candidate.model;
        let sound = self.ask(ports, candidate);
        let sound = call::within(ports.clock.as_ref(), milliseconds, sound).await?;
        *usage = self.usage(model, &sound);
        Ok(sound)
    }

    fn render(&self, sound: Self::Answer, _: &Told<'_>) -> Given {
        match sound {
            Sound::Stream(chunks) => Given::Relayed {
                content_type: self.format.content_type(),
                chunks,
            },
            Sound::Whole(bytes) => {
                let format = if bytes.starts_with(b"RIFF") {
                    SoundFormat::Wav
                } else {
                    self.format
                };
                Given::Whole(Reply::bytes(200, format.content_type(), bytes))
            }
        }
    }
}

impl SpeechRequest {
    /// Asks for the sound, until its first bytes are there, so that a failure before them can still
    /// be answered by another model. What is charged by its length is read whole.
    async fn ask(&self, ports: &Ports, candidate: &Candidate) -> Result<Sound, Failure> {
        let model = &candidate.model;
        let mut upstream = call::open(ports, self.encode(ports, candidate)?).await?;
        let content_type = upstream.content_type.as_str();
        if content_type.starts_with("application/json") {
            let body = call::collect(&mut upstream.body).await?;
            return workers_ai::decode_sound(&body).map(Sound::Whole);
        }
        if !content_type.starts_with("audio/") && content_type != "application/octet-stream" {
            return Err(Failure::malformed("the answer is no sound"));
        }
        if matches!(model.price, UnitPrice::Minutes(_)) {
            let bytes = call::collect(&mut upstream.body).await?;
            let sound = Some(bytes).filter(|bytes| !bytes.is_empty());
            return sound.map(Sound::Whole).ok_or_else(nothing);
        }
        loop {
            let chunk = upstream.body.next().await.ok_or_else(nothing)??;
            if !chunk.is_empty() {
                let first = stream::iter([Ok(chunk)]);
                return Ok(Sound::Stream(first.chain(upstream.body).boxed_local()));
            }
        }
    }

    fn encode(&self, ports: &Ports, candidate: &Candidate) -> Result<ModelCall, Failure> {
        let model = &candidate.model;
        let facts = model.speech.as_ref();
        let mute = || Failure::new(FailureClass::BadRequest, "the model does not speak");
        let facts = facts.ok_or_else(mute)?;
        let speaker = speaker(facts, &self.voice).unwrap_or_default();
        Ok(match facts.wire {
            SpeechWire::Aura => workers_ai::encode_aura(&model.id, self, speaker),
            SpeechWire::Melo => {
                let spoken = self.spoken().filter(|language| speaks(facts, language));
                workers_ai::encode_melo(&model.id, self, spoken.unwrap_or("en"))
            }
            SpeechWire::OpenAi => {
                let encode = |name: &str| openai_media::encode_speech(name, self, speaker);
                let (id, secrets) = (&candidate.id, ports.secrets.as_ref());
                return openai_media::call(model, id, secrets, Work::Speak, encode);
            }
        })
    }

    fn usage(&self, model: &Model, sound: &Sound) -> Usage {
        let characters = self.characters();
        let measured = |bytes: &[u8]| {
            let told = duration::measured_ms(bytes);
            let usual = || characters.saturating_mul(USUAL_MS_PER_CHARACTER);
            Usage {
                estimated: told.is_none(),
                ..used(Units {
                    audio_milliseconds: told.unwrap_or_else(usual),
                    ..Units::NONE
                })
            }
        };
        match (&model.price, sound) {
            (UnitPrice::Minutes(_), Sound::Whole(bytes)) => measured(bytes),
            _ => used(Units {
                characters,
                ..Units::NONE
            }),
        }
    }
}

fn nothing() -> Failure {
    Failure::malformed("the sound is empty")
}

/// The model's own speaker of a voice.
fn speaker<'a>(facts: &'a SpeechFacts, voice: &str) -> Option<&'a str> {
    let named = facts.voices.get(voice);
    let own = || facts.speakers.iter().find(|speaker| *speaker == voice);
    named.or_else(own).map(String::as_str)
}

fn speaks(facts: &SpeechFacts, language: &str) -> bool {
    facts.languages.is_empty() || facts.languages.iter().any(|known| known == language)
}

fn used(units: Units) -> Usage {
    Usage {
        units,
        ..Usage::default()
    }
}
