//! `POST /v1/images/generations`.

use crate::config::{ImageFacts, Model, ModelKind};
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::protocol::images::{self, ImageRequest};
use crate::providers::{Failure, workers_ai};
use crate::request::admit::json_body;
use crate::request::call;
use crate::request::single::several::several;
use crate::request::single::{Given, Task, Told};
use crate::request::works;
use crate::routing::plan::Candidate;
use crate::usage::{Units, Usage};

/// Reads a request.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn read(incoming: &dyn Incoming) -> Result<ImageRequest, Error> {
    images::parse(&json_body(incoming).await?)
}

impl Task for ImageRequest {
    const KIND: ModelKind = ModelKind::Image;
    const WORK: &'static str = works::GENERATE_IMAGE;
    const SUBJECT: &'static str = "prompt";
    const MILLISECONDS: u64 = 120_000;

    /// Pictures in base64.
    type Answer = Vec<String>;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, model: &Model) -> Vec<Warning> {
        let styled = model.image.as_ref().is_some_and(|facts| facts.styles);
        let left_out = self.styles.iter().filter(|_| !styled);
        let left_out = left_out.map(|(name, _)| Warning::new(*name, "the model has one"));
        self.warnings.iter().cloned().chain(left_out).collect()
    }

    fn unfit(&self, model: &Model) -> Option<Error> {
        let (id, facts) = (&model.id, model.image.as_ref()?);
        let has = |known: &[String], wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| known.contains(wanted))
        };
        if !has(&facts.sizes, &self.size) {
            let message = format!("{id} draws {}.", facts.sizes.join(", "));
            return Some(Error::invalid("size", message));
        }
        if !has(&facts.formats, &self.format) {
            let message = format!("{id} gives {}.", facts.formats.join(", "));
            return Some(Error::invalid("output_format", message));
        }
        let most = usize::try_from(facts.prompt_characters).unwrap_or(usize::MAX);
        (self.prompt.chars().count() > most).then(|| {
            let message = format!("{id} takes prompts of at most {most} characters.");
            Error::invalid("prompt", message)
        })
    }

    fn most(&self, model: &Model) -> Usage {
        let tokens = model.image.as_ref().map_or(0, |facts| facts.tokens);
        Usage {
            input_tokens: u64::try_from(self.prompt.len()).unwrap_or(u64::MAX),
            output_tokens: u64::from(self.count).saturating_mul(u64::from(tokens)),
            ..drawn(self.count)
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
        let seeds: Vec<u32> = (1..=self.count).collect();
        let draw = async |seed| {
            let asked = workers_ai::encode_image(&model.id, &self.prompt, seed);
            let body = call::whole(ports, asked).await?;
            Ok((workers_ai::decode_image(&body)?, drawn(1)))
        };
        let pictures = several(&seeds, used, draw);
        call::within(ports.clock.as_ref(), milliseconds, pictures).await
    }

    fn render(&self, pictures: Self::Answer, told: &Told<'_>) -> Given {
        let usual = |facts: &ImageFacts| facts.sizes.first().cloned();
        let size = self.size.clone();
        let size = size.or_else(|| told.model.image.as_ref().and_then(usual));
        let body = images::render(&pictures, size.as_deref(), told.created);
        Given::Whole(Reply::bytes(200, "application/json", body))
    }
}

fn drawn(images: u32) -> Usage {
    Usage {
        units: Units {
            images: u64::from(images),
            ..Units::NONE
        },
        ..Usage::default()
    }
}
