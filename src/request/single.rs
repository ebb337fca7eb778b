//! The path of a request that is one call and no conversation: the same life as a chat request's,
//! with one [`Task`] for each endpoint.

mod any_task;
pub mod embeddings;
pub mod images;
pub mod moderations;
mod relay;
pub mod rerank;
pub mod run;
mod search;
mod several;
pub mod speech;
pub mod transcription;

use crate::auth::Scope;
use crate::config::{Model, ModelKind};
use crate::error::Error;
use crate::governor::command::State;
use crate::http::{Body, EmbedPath, Gateway, Incoming, Reply, Work};
use crate::isolate::{Isolate, OrgView};
use crate::money::Nanos;
use crate::ports::Ports;
use crate::protocol::gemini::Framing;
use crate::protocol::{Dialect, Warning};
use crate::providers::{Failure, openai_media};
use crate::request;
use crate::request::admit::{
    attempt_ms, authenticate, check_account, custom_cost, falls_back, qualified,
};
use crate::request::attempts::{Terms, Times, first_success};
use crate::request::body_watch::BodyWatch;
use crate::request::call::Chunks;
use crate::request::copies::Copies;
use crate::request::exchange::Exchange;
use crate::request::headers::{self, Decision};
use crate::request::notes::note_headers;
use crate::request::reserve::{Asking, plan_and_reserve, targets};
use crate::request::retries::Retries;
use crate::request::settle::{refuse, settle, settle_failure};
use crate::request::subjects::{note_body, note_subjects};
use crate::routing::custom_cost::CustomCost;
use crate::routing::health::Awaited;
use crate::routing::plan::Candidate;
use crate::routing::single::{Ask, Plan};
use crate::usage::Usage;

use self::any_task::{AnyTask, Read, Rendering, reading};
use self::relay::relay;

/// A request that one kind of model answers with one call, or with several of the same.
pub trait Task {
    /// What its models do.
    const KIND: ModelKind;
    /// What the work is called where the caller names no operation: one of [`works`](crate::request::works).
    const WORK: &'static str;
    /// The field that holds what may be too long.
    const SUBJECT: &'static str;
    /// Milliseconds of an attempt, unless the caller allows less.
    const MILLISECONDS: u64;

    /// What a model gives.
    type Answer: 'static;

    /// The model as the caller wrote it.
    fn model(&self) -> &str;

    /// What was left out of the request before `model`.
    fn warnings(&self, model: &Model) -> Vec<Warning>;

    /// Why `model` cannot do it, as the caller is told.
    fn unfit(&self, model: &Model) -> Option<Error>;

    /// Whether `model` is asked only after those that suit better.
    fn is_second_choice(&self, _model: &Model) -> bool {
        false
    }

    /// What `model` may use at most.
    fn most(&self, model: &Model) -> Usage;

    /// Asks a candidate's model. Notes in `used` what was used, as soon as it is known, also before a failure.
    fn call(
        &self,
        ports: &Ports,
        candidate: &Candidate,
        milliseconds: u64,
        used: &mut Usage,
    ) -> impl Future<Output = Result<Self::Answer, Failure>>;

    /// The answer as the caller reads it.
    fn render(&self, answer: Self::Answer, told: &Told<'_>) -> Given;
}

/// An answer as the caller reads it.
pub enum Given {
    /// Bytes as they come.
    Relayed {
        /// `content-type`
        content_type: &'static str,
        /// The bytes.
        chunks: Chunks,
    },
    /// All of it.
    Whole(Reply),
}

/// What stands around an answer.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The request's id.
    pub id: &'a str,
    /// Unix seconds.
    pub created: u64,
    /// The model that answered.
    pub model: &'a Model,
    /// Its id, also where the catalogue does not list it.
    pub name: &'a str,
    /// What the whole request used.
    pub usage: &'a Usage,
    /// What the whole request cost.
    pub cost: Nanos,
}

/// A task with what the headers say about it.
struct Asked {
    task: Box<dyn AnyTask>,
    dialect: Dialect,
    model: String,
    operation: Option<String>,
    attempt_ms: Option<u64>,
    retries: Option<Retries>,
    falls_back: bool,
    custom_cost: Option<CustomCost>,
}

/// Answers a request for embeddings of Google's clients.
pub async fn embed_content(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    path: EmbedPath<'_>,
    id: &str,
) -> Reply {
    let visit = Visit {
        dialect: Dialect::Gemini(Framing::default()),
        gateway: path.gateway,
        ports,
        isolate,
        incoming,
        id,
    };
    let (model, batch) = (path.model.to_owned(), path.batch);
    let read: Read<'_> =
        &|incoming| reading(embeddings::read_contents(incoming, model.clone(), batch));
    visit.serve("embed.content", read).await
}

/// Answers a request that is one call and no conversation.
pub async fn work_on(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    (work, gateway): (Work, Gateway<'_>),
    id: &str,
) -> Reply {
    let visit = Visit {
        dialect: Dialect::OpenAiChat,
        gateway,
        ports,
        isolate,
        incoming,
        id,
    };
    let (endpoint, read): (_, Read<'_>) = match work {
        Work::Embeddings => ("embeddings", &|it| reading(embeddings::read(it))),
        Work::Images => ("images.generations", &|it| reading(images::read(it))),
        Work::Moderations => ("moderations", &|it| reading(moderations::read(it))),
        Work::Speech => ("audio.speech", &|it| reading(speech::read(it))),
        Work::Transcription => {
            let read: Read<'_> = &|it| reading(transcription::transcript(it));
            ("audio.transcriptions", read)
        }
        Work::Translation => {
            let read: Read<'_> = &|it| reading(transcription::translation(it));
            ("audio.translations", read)
        }
        Work::Rerank => ("rerank", &|it| reading(rerank::read(it))),
    };
    visit.serve(endpoint, read).await
}

/// A request that has arrived.
#[derive(Clone, Copy)]
struct Visit<'a> {
    /// The wire of errors.
    dialect: Dialect,
    gateway: Gateway<'a>,
    ports: &'a Ports,
    isolate: &'a Isolate,
    incoming: &'a dyn Incoming,
    id: &'a str,
}

impl Visit<'_> {
    /// Answers a request of `endpoint`, of which `read` makes a task; not before it is known who asks.
    async fn serve(self, endpoint: &str, read: Read<'_>) -> Reply {
        let mut exchange = match self.begin(endpoint).await {
            Ok(exchange) => exchange,
            Err(error) => return self.failed(&error),
        };
        match admit(&mut exchange, self, read).await {
            Ok(asked) => {
                let copies = Copies::of(&exchange);
                let reply = carry_out(exchange, self.isolate, asked).await;
                copies.make(reply).await
            }
            Err(error) => {
                refuse(exchange, &error);
                self.failed(&error)
            }
        }
    }

    /// The reply to a request that failed.
    fn failed(self, error: &Error) -> Reply {
        request::failed(self.ports, self.dialect, error, self.id)
    }

    /// Finds out who asks.
    async fn begin(self, endpoint: &str) -> Result<Exchange, Error> {
        let Self {
            dialect: _,
            gateway,
            ports,
            isolate,
            incoming,
            id,
        } = self;
        let arrived = ports.clock.now();
        let principal = authenticate(ports, isolate, incoming, Scope::Inference).await?;
        check_account(gateway, &principal)?;
        let mut exchange = Exchange::begin(ports, id, arrived, &principal);
        endpoint.clone_into(&mut exchange.draft.endpoint);
        Ok(exchange)
    }
}

async fn admit(exchange: &mut Exchange, visit: Visit<'_>, read: Read<'_>) -> Result<Asked, Error> {
    let incoming = visit.incoming;
    note_subjects(exchange, visit.isolate, incoming).await?;
    note_headers(exchange, incoming)?;
    note_body(exchange, None);
    let watch = BodyWatch::new(exchange, incoming)?;
    let task = read(&watch).await?;
    watch.note(exchange);
    let model = qualified(visit.gateway, task.model())?;
    exchange.draft.requested_model = model.chars().take(200).collect();
    Ok(Asked {
        task,
        dialect: visit.dialect,
        model,
        operation: incoming.header("x-ai-operation"),
        attempt_ms: attempt_ms(incoming)?,
        retries: Retries::of(incoming)?,
        falls_back: falls_back(incoming)?,
        custom_cost: custom_cost(exchange, incoming)?,
    })
}

async fn carry_out(mut exchange: Exchange, isolate: &Isolate, asked: Asked) -> Reply {
    exchange.end_phase("admit");
    let (ports, id) = (exchange.ports.clone(), exchange.draft.request.clone());
    let planned = |exchange: &mut Exchange, view: &OrgView, route: Option<&str>| {
        plan(exchange, view, &asked, route)
    };
    let ask = |plan: &Plan| Asking {
        bound: plan.bound,
        candidates: targets(&plan.candidates),
        ..Asking::default()
    };
    let reserved = plan_and_reserve(&mut exchange, isolate, planned, ask).await;
    let (plan, state) = match reserved {
        Ok(reserved) => reserved,
        Err(rejected) => return rejected.reply(exchange, asked.dialect),
    };
    exchange.end_phase("reserve");
    let answered = dispatch(&mut exchange, &asked, &plan).await;
    exchange.end_phase("dispatch");
    match answered {
        Ok(answered) => release(exchange, asked.task.as_ref(), state, answered).await,
        Err(error) => {
            let error = settle_failure(exchange, error).await;
            request::failed(&ports, asked.dialect, &error, &id)
        }
    }
}

fn plan(
    exchange: &mut Exchange,
    view: &OrgView,
    asked: &Asked,
    route: Option<&str>,
) -> Result<Plan, Error> {
    let work = asked.task.work();
    let ask = Ask {
        kind: work.kind,
        model: route.unwrap_or(&asked.model),
        operation: asked.operation.as_deref(),
        work: work.name,
        custom_cost: asked.custom_cost,
    };
    let secrets = exchange.ports.secrets.clone();
    let unfit = |model: &Model| {
        let unavailable = openai_media::unavailable(model, secrets.as_ref());
        unavailable.or_else(|| asked.task.unfit(model))
    };
    let most = |model: &Model| asked.task.most(model);
    let mut plan = Plan::make(ask, view, unfit, most)?;
    let second = |candidate: &Candidate| asked.task.is_second_choice(&candidate.model);
    plan.candidates.sort_by_key(second);
    exchange.draft.operation.clone_from(&plan.operation);
    plan.tier.clone_into(&mut exchange.draft.tier);
    exchange.draft.confidence = 100;
    Ok(plan)
}

/// An answer, and who gave it.
struct Answered<'a> {
    step: usize,
    candidate: Candidate,
    render: Rendering<'a>,
}

async fn dispatch<'a>(
    exchange: &mut Exchange,
    asked: &'a Asked,
    plan: &Plan,
) -> Result<Answered<'a>, Error> {
    let work = asked.task.work();
    let terms = Terms {
        held: plan.bound,
        times: Times {
            awaited: Awaited::Whole,
            usual_ms: work.milliseconds,
            thinking_ms: work.milliseconds,
            org_ms: exchange.attempts.answer_ms,
            caller_ms: asked.attempt_ms,
        },
        retries: asked.retries,
        subject: work.subject.into(),
        falls_back: asked.falls_back,
        goes_on: work.kind == ModelKind::Speech,
        own_account: None,
    };
    let attempt = async |exchange: &Exchange, candidate: &Candidate, (), ms, used: &mut Usage| {
        let render = asked
            .task
            .call(&exchange.ports, candidate, ms, used)
            .await?;
        Ok((candidate.clone(), render))
    };
    let answered = first_success(
        exchange,
        &plan.candidates,
        terms,
        async |_, _| Ok(()),
        attempt,
    );
    let (step, (candidate, render)) = answered.await?;
    Ok(Answered {
        step,
        candidate,
        render,
    })
}

async fn release(
    mut exchange: Exchange,
    task: &dyn AnyTask,
    state: State,
    answered: Answered<'_>,
) -> Reply {
    exchange.draft.status = 200;
    let Answered {
        step,
        candidate,
        render,
    } = answered;
    let model = &candidate.model;
    let cost = exchange.cost();
    let told = Told {
        id: &exchange.draft.request,
        created: exchange.draft.at.checked_div(1_000).unwrap_or_default(),
        model,
        name: &candidate.id,
        usage: &exchange.draft.usage,
        cost,
    };
    let given = render(&told);
    let decision = Decision {
        step: Some(step),
        provider: model.provider.as_str().to_owned(),
        model: candidate.id.clone(),
        cost: Some(cost),
    };
    let (mut reply, draft, state) = match given {
        Given::Relayed {
            content_type,
            chunks,
        } => {
            let draft = exchange.draft.clone();
            let reply = Reply::relayed(content_type, relay(exchange, chunks));
            (reply, draft, state)
        }
        Given::Whole(reply) => {
            exchange.end_phase("release");
            note_answer(&mut exchange, task, &reply);
            let (draft, settled) = settle(exchange).await;
            (reply, draft, settled.unwrap_or(state))
        }
    };
    headers::set(&mut reply, &draft, &decision, &state);
    headers::warnings(&mut reply, &task.warnings(model));
    reply
}

/// Notes an answer that is a text. Vectors tell nobody anything.
fn note_answer(exchange: &mut Exchange, task: &dyn AnyTask, reply: &Reply) {
    if let (Some(transcript), Body::Bytes(bytes)) = (&mut exchange.transcript, &reply.body)
        && task.work().kind != ModelKind::Embedding
    {
        transcript.give(bytes);
    }
}
