//! `POST /v1/embeddings`.

use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::protocol::embeddings::{self, EmbeddingRequest, Form, Input, shortened};
use crate::protocol::gemini;
use crate::providers::openai_media::{self, Batch, speaks_gemini, speaks_openai};
use crate::providers::workers_ai::{self, Overlong};
use crate::providers::{self, Failure, FailureClass, Work};
use crate::request::admit::json_body;
use crate::request::call;
use crate::request::single::several::several;
use crate::request::single::{Given, Task, Told};
use crate::request::works;
use crate::routing::plan::Candidate;
use crate::usage::{Usage, estimate_tokens};

/// Texts of one call of a model that is not in the catalogue.
const USUAL_BATCH: u32 = 32;
/// Tokens that a model adds to each text.
const TOKENS_PER_TEXT: u64 = 8;

/// Reads a request.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn read(incoming: &dyn Incoming) -> Result<EmbeddingRequest, Error> {
    embeddings::parse(&json_body(incoming).await?)
}

/// Reads a request of Google's form.
///
/// # Errors
/// As [`read`].
pub async fn read_contents(
    incoming: &dyn Incoming,
    model: String,
    batch: bool,
) -> Result<EmbeddingRequest, Error> {
    gemini::parse_embedding(&json_body(incoming).await?, &model, batch)
}

impl Task for EmbeddingRequest {
    const KIND: ModelKind = ModelKind::Embedding;
    const WORK: &'static str = works::EMBED;
    const SUBJECT: &'static str = "input";
    const MILLISECONDS: u64 = 60_000;

    /// The vectors, in the order of the inputs.
    type Answer = Vec<Vec<f32>>;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, _: &Model) -> Vec<Warning> {
        self.warnings.clone()
    }

    fn unfit(&self, model: &Model) -> Option<Error> {
        let (id, facts) = (&model.id, model.embedding.as_ref()?);
        if matches!(self.input, Input::Tokens(_)) && !speaks_openai(model) {
            let message = format!("{id} takes texts, not tokens. Send strings.");
            return Some(Error::invalid("input", message));
        }
        let wanted = self.dimensions?;
        let possible = wanted == facts.dimensions || (facts.shortens && wanted < facts.dimensions);
        let message = format!(
            "{id} gives vectors of {} dimensions{}. Ask for those, or leave `dimensions` out.",
            facts.dimensions,
            if facts.shortens { " at most" } else { "" }
        );
        (!possible).then(|| Error::invalid("dimensions", message))
    }

    fn most(&self, _: &Model) -> Usage {
        let inputs = u64::try_from(self.input.len()).unwrap_or(u64::MAX);
        let tokens = match &self.input {
            Input::Texts(texts) => bytes(texts),
            Input::Tokens(lists) => total(lists.iter().map(Vec::len)),
        };
        Usage {
            input_tokens: tokens.saturating_add(inputs.saturating_mul(TOKENS_PER_TEXT)),
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
        let all = self.embed_all(ports, candidate, used);
        let vectors = call::within(ports.clock.as_ref(), milliseconds, all).await?;
        match self.dimensions.map(usize::try_from) {
            Some(Ok(dimensions)) => Ok(vectors
                .into_iter()
                .map(|vector| shortened(vector, dimensions))
                .collect()),
            _ => Ok(vectors),
        }
    }

    fn render(&self, vectors: Self::Answer, told: &Told<'_>) -> Given {
        let (encoding, model) = (self.encoding, told.name);
        let body = match self.form {
            Form::Gemini => gemini::render_embedding(&vectors, false),
            Form::GeminiBatch => gemini::render_embedding(&vectors, true),
            Form::OpenAi => embeddings::render(&vectors, encoding, model, told.usage, told.cost),
        };
        Given::Whole(Reply::bytes(200, "application/json", body))
    }
}

impl EmbeddingRequest {
    /// Embeds in batches.
    async fn embed_all(
        &self,
        ports: &Ports,
        candidate: &Candidate,
        used: &mut Usage,
    ) -> Result<Vec<Vec<f32>>, Failure> {
        let batch = candidate
            .model
            .embedding
            .as_ref()
            .map_or(USUAL_BATCH, |facts| facts.batch);
        let batch = usize::try_from(batch).unwrap_or(usize::MAX);
        let batches: Vec<Batch<'_>> = match &self.input {
            Input::Texts(texts) => texts.chunks(batch).map(Batch::Texts).collect(),
            Input::Tokens(lists) => lists.chunks(batch).map(Batch::Tokens).collect(),
        };
        let dimensions = self.dimensions;
        let embed = async |batch| embed(ports, candidate, batch, dimensions).await;
        Ok(several(&batches, used, embed).await?.concat())
    }
}

async fn embed(
    ports: &Ports,
    candidate: &Candidate,
    batch: Batch<'_>,
    dimensions: Option<u32>,
) -> Result<(Vec<Vec<f32>>, Usage), Failure> {
    let model = &candidate.model;
    if speaks_openai(model) {
        let encode = |name: &str| openai_media::encode_embedding(name, batch, dimensions);
        let secrets = ports.secrets.as_ref();
        let asked = openai_media::call(model, &candidate.id, secrets, Work::Embed, encode)?;
        let body = call::whole(ports, asked).await?;
        let (vectors, usage) = openai_media::decode_embedding(&body, batch)?;
        return Ok((vectors, usage.unwrap_or_else(|| estimate(batch))));
    }
    let Batch::Texts(texts) = batch else {
        let message = "tokens for a model that takes texts";
        return Err(Failure::new(FailureClass::BadRequest, message));
    };
    if speaks_gemini(model) {
        let encode = |name: &str| providers::gemini::encode_embedding(name, texts, dimensions);
        let secrets = ports.secrets.as_ref();
        let asked = openai_media::call(model, &candidate.id, secrets, Work::Embed, encode)?;
        let body = call::whole(ports, asked).await?;
        let vectors = providers::gemini::decode_embedding(&body, texts.len())?;
        return Ok((vectors, estimate(batch)));
    }
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let asked = workers_ai::encode_embedding(&model.id, &borrowed, Overlong::Refused);
    let body = call::whole(ports, asked).await?;
    let vectors = workers_ai::decode_embedding(&body, texts.len())?;
    // The model reports no usage.
    Ok((vectors, estimate(batch)))
}

fn estimate(batch: Batch<'_>) -> Usage {
    let input_tokens = match batch {
        Batch::Texts(texts) => estimate_tokens(bytes(texts)),
        Batch::Tokens(lists) => total(lists.iter().map(Vec::len)),
    };
    Usage {
        input_tokens,
        estimated: true,
        ..Usage::default()
    }
}

fn bytes(texts: &[String]) -> u64 {
    total(texts.iter().map(String::len))
}

fn total(sizes: impl Iterator<Item = usize>) -> u64 {
    u64::try_from(sizes.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
}
