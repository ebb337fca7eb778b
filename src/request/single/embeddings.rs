//! `POST /v1/embeddings`.

use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::protocol::embeddings::{self, EmbeddingRequest, Input, shortened};
use crate::providers::Failure;
use crate::providers::workers_ai::{self, Overlong};
use crate::request::admit::json_body;
use crate::request::call;
use crate::request::single::several::several;
use crate::request::single::{Given, Task, Told};
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

impl Task for EmbeddingRequest {
    const KIND: ModelKind = ModelKind::Embedding;
    const WORK: &'static str = "embed";
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
        if matches!(self.input, Input::Tokens(_)) {
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
        model: &Model,
        milliseconds: u64,
        used: &mut Usage,
    ) -> Result<Self::Answer, Failure> {
        let all = self.embed_all(ports, model, used);
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
        let (encoding, model) = (self.encoding, &told.model.id);
        let body = embeddings::render(&vectors, encoding, model, told.usage, told.cost);
        Given::Whole(Reply::bytes(200, "application/json", body))
    }
}

impl EmbeddingRequest {
    /// Embeds in batches.
    async fn embed_all(
        &self,
        ports: &Ports,
        model: &Model,
        used: &mut Usage,
    ) -> Result<Vec<Vec<f32>>, Failure> {
        let Input::Texts(texts) = &self.input else {
            return Err(Failure::malformed("tokens for a model that takes texts"));
        };
        let batch = model
            .embedding
            .as_ref()
            .map_or(USUAL_BATCH, |facts| facts.batch);
        let batch = usize::try_from(batch).unwrap_or(usize::MAX);
        let batches: Vec<&[String]> = texts.chunks(batch).collect();
        let embed = async |texts| embed(ports, model, texts).await;
        Ok(several(&batches, used, embed).await?.concat())
    }
}

async fn embed(
    ports: &Ports,
    model: &Model,
    texts: &[String],
) -> Result<(Vec<Vec<f32>>, Usage), Failure> {
    let borrowed: Vec<&str> = texts.iter().map(String::as_str).collect();
    let asked = workers_ai::encode_embedding(&model.id, &borrowed, Overlong::Refused);
    let body = call::whole(ports, asked).await?;
    let vectors = workers_ai::decode_embedding(&body, texts.len())?;
    // The model reports no usage.
    let usage = Usage {
        input_tokens: estimate_tokens(bytes(texts)),
        estimated: true,
        ..Usage::default()
    };
    Ok((vectors, usage))
}

fn bytes(texts: &[String]) -> u64 {
    total(texts.iter().map(String::len))
}

fn total(sizes: impl Iterator<Item = usize>) -> u64 {
    u64::try_from(sizes.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
}
