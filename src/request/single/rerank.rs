//! `POST /v1/rerank`.

use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::http::{Incoming, Reply};
use crate::ports::Ports;
use crate::protocol::Warning;
use crate::protocol::rerank::{self, RerankRequest};
use crate::providers::{Failure, workers_ai};
use crate::request::admit::json_body;
use crate::request::call;
use crate::request::single::{Given, Task, Told};
use crate::request::works;
use crate::routing::plan::Candidate;
use crate::usage::{Usage, estimate_tokens};

/// Tokens around each pair of query and document.
const TOKENS_PER_PAIR: u64 = 8;

/// Reads a request.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn read(incoming: &dyn Incoming) -> Result<RerankRequest, Error> {
    rerank::parse(&json_body(incoming).await?)
}

impl RerankRequest {
    /// Bytes that the model reads: the query anew with each document.
    fn bytes(&self) -> u64 {
        let query = self.query.len();
        let pairs = self
            .documents
            .iter()
            .map(|text| text.len().saturating_add(query));
        u64::try_from(pairs.fold(0, usize::saturating_add)).unwrap_or(u64::MAX)
    }
}

impl Task for RerankRequest {
    const KIND: ModelKind = ModelKind::Rerank;
    const WORK: &'static str = works::RERANK;
    const SUBJECT: &'static str = "documents";
    const MILLISECONDS: u64 = 30_000;

    /// (index, score), best first.
    type Answer = Vec<(usize, f64)>;

    fn model(&self) -> &str {
        &self.model
    }

    fn warnings(&self, _: &Model) -> Vec<Warning> {
        self.warnings.clone()
    }

    fn unfit(&self, _: &Model) -> Option<Error> {
        None
    }

    fn most(&self, _: &Model) -> Usage {
        let pairs = u64::try_from(self.documents.len()).unwrap_or(u64::MAX);
        Usage {
            input_tokens: self
                .bytes()
                .saturating_add(pairs.saturating_mul(TOKENS_PER_PAIR)),
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
        let texts: Vec<&str> = self.documents.iter().map(String::as_str).collect();
        let asked = workers_ai::encode_rerank(&model.id, &self.query, &texts, texts.len());
        let body = call::whole(ports, asked);
        let body = call::within(ports.clock.as_ref(), milliseconds, body).await?;
        // The model reports no usage.
        *used = Usage {
            input_tokens: estimate_tokens(self.bytes()),
            estimated: true,
            ..Usage::default()
        };
        let mut ranks = workers_ai::decode_rerank(&body, texts.len())?;
        ranks.truncate(self.top_n);
        Ok(ranks)
    }

    fn render(&self, ranks: Self::Answer, told: &Told<'_>) -> Given {
        let body = rerank::render(self, &ranks, told.id, told.name, told.usage, told.cost);
        Given::Whole(Reply::bytes(200, "application/json", body))
    }
}
