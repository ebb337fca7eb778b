//! `POST /v1/moderations`.

use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::protocol::moderations::{self, Item, ModerationRequest, Part, Verdict};
use crate::providers::openai_media::{self, speaks_openai};
use crate::providers::{Failure, Work, workers_ai};
use crate::request::admit::json_body;
use crate::request::call;
use crate::request::single::several::several;
use crate::request::single::{Given, Task, Told};
use crate::request::works;
use crate::routing::plan::Candidate;
use crate::usage::Usage;

/// Tokens of the policy that the model puts around each text.
const TOKENS_AROUND: u64 = 1_500;

/// Reads a request.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn read(incoming: &dyn Incoming) -> Result<ModerationRequest, Error> {
    moderations::parse(&json_body(incoming).await?)
}

impl Task for ModerationRequest {
    const KIND: ModelKind = ModelKind::Guard;
    const WORK: &'static str = works::MODERATE;
    const SUBJECT: &'static str = "input";
    const MILLISECONDS: u64 = 60_000;

    type Answer = Vec<Verdict>;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, _: &Model) -> Vec<Warning> {
        self.warnings.clone()
    }

    fn unfit(&self, model: &Model) -> Option<Error> {
        let Item::Parts(parts) = self.input.first()? else {
            return None;
        };
        if speaks_openai(model) {
            return None;
        }
        let image = parts
            .iter()
            .position(|part| matches!(part, Part::Image(_)))?;
        let message = format!("{} judges texts only, no pictures.", model.id);
        Some(Error::invalid(format!("input[{image}]"), message))
    }

    fn most(&self, model: &Model) -> Usage {
        let texts = self.texts();
        let bytes = texts.iter().map(String::len).fold(0, usize::saturating_add);
        let calls = u64::try_from(texts.len()).unwrap_or(u64::MAX);
        Usage {
            input_tokens: u64::try_from(bytes)
                .unwrap_or(u64::MAX)
                .saturating_add(calls.saturating_mul(TOKENS_AROUND)),
            output_tokens: calls.saturating_mul(u64::from(model.max_output)),
            ..Usage::default()
        }
    }

    async fn call(
        &self,
        ports: &Ports,
        candidate: &Candidate,
        milliseconds: u64,
        used: &mut Usage,
    ) -> Result<Self::Answer, Failure> {
        let model = &candidate.model;
        if speaks_openai(model) {
            let encode = |name: &str| openai_media::encode_moderation(name, &self.input);
            let (id, secrets) = (&candidate.id, ports.secrets.as_ref());
            let asked = openai_media::call(model, id, secrets, Work::Moderate, encode)?;
            let body = call::whole(ports, asked);
            let body = call::within(ports.clock.as_ref(), milliseconds, body).await?;
            return openai_media::decode_moderation(&body, self.input.len());
        }
        let texts = self.texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let judge = async |text: &str| {
            let asked = workers_ai::encode_guard(&model.id, text);
            let body = call::whole(ports, asked).await?;
            let (verdict, usage) = workers_ai::decode_guard(&body)?;
            let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
            // A verdict is a line of a few letters.
            let usage = usage.unwrap_or_else(|| Usage::estimate(bytes, 16));
            Ok((verdict, usage))
        };
        let verdicts = several(&texts, used, judge);
        call::within(ports.clock.as_ref(), milliseconds, verdicts).await
    }

    fn render(&self, verdicts: Self::Answer, told: &Told<'_>) -> Given {
        let body = moderations::render(self, &verdicts, told.id, told.name);
        Given::Whole(Reply::bytes(200, "application/json", body))
    }
}

impl ModerationRequest {
    /// What is judged as one, as one text each.
    fn texts(&self) -> Vec<String> {
        let text = |item: &Item| match item {
            Item::Text(text) => text.clone(),
            Item::Parts(parts) => {
                let texts = parts.iter().filter_map(|part| match part {
                    Part::Image(_) => None,
                    Part::Text(text) => Some(text.as_str()),
                });
                texts.collect::<Vec<_>>().join("\n")
            }
        };
        self.input.iter().map(text).collect()
    }
}
