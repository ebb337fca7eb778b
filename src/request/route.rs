//! A request that asks for a route of its org: what the route may know of it, the way it takes, and how
//! much of that it comes to.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::audit;
use crate::config::{ModelKind, Named};
use crate::error::{Error, Kind};
use crate::governor::command::{Closed, Command, Reply};
use crate::http::{Incoming, Place};
use crate::isolate::OrgView;
use crate::money::Nanos;
use crate::ports::Ports;
use crate::protocol::ChatRequest;
use crate::protocol::json::Object;
use crate::request::admit::Admitted;
use crate::request::exchange::Exchange;
use crate::routing::bound;
use crate::routing::graph::walk::{Chance, Circumstances, Market, Step, walk};
use crate::routing::graph::{Facts, Route, Way};
use crate::routing::health::Awaited;
use crate::routing::plan::{Candidate, Wishes, operation_on_route};
use crate::routing::wanted::route_name;
use crate::usage::Usage;

/// Nodes of a way that are recorded.
const MOST_NODES: usize = 32;

/// What is known of a request for a route beside its body.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Where it comes from.
    pub place: Place,
    /// What its draws depend on.
    pub seed: u64,
    /// What is left of the org's budgets, once that was asked for.
    pub budget_left: Option<Nanos>,
    /// The gates that the governor has told to be closed.
    pub closed: Vec<Closed>,
}

impl Surroundings {
    /// Those of a request that asks for a route; `None` of any other.
    ///
    /// # Errors
    /// Where the platform has no random number to give.
    pub fn of(
        ports: &Ports,
        incoming: &dyn Incoming,
        model: &str,
    ) -> Result<Option<Box<Self>>, Error> {
        if route_name(model).is_none() {
            return Ok(None);
        }
        let random = ports.entropy.bytes()?;
        let seed = random.first_chunk().copied().unwrap_or_default();
        Ok(Some(Box::new(Self {
            headers: incoming.headers().into_iter().collect(),
            place: incoming.place(),
            seed: u64::from_be_bytes(seed),
            ..Self::default()
        })))
    }

    /// Forgets what the governor told: it was true of the org as it was then.
    pub fn forget(&mut self) {
        (self.budget_left, self.closed) = (None, Vec::new());
    }
}

/// The way of a request, and how much of it the request has come to.
#[derive(Debug)]
pub struct Taken {
    name: String,
    /// The operation that its conditions saw.
    operation: String,
    /// The ids of its nodes.
    nodes: Vec<String>,
    /// The names of its gates.
    gates: Vec<String>,
    /// So many nodes and gates.
    reached: Cell<(usize, usize)>,
}

impl Taken {
    fn new(route: &Route, way: &Way, facts: &Facts<'_>) -> Self {
        let ids = way.nodes.iter().filter_map(|(node, _)| route.node(*node));
        Self {
            name: route.name.clone(),
            operation: facts.operation.clone(),
            nodes: ids.map(|node| node.id.clone()).collect(),
            gates: way.gates.clone(),
            reached: Cell::default(),
        }
    }

    /// The request comes to a model.
    pub fn reach(&self, step: &Step) {
        let (nodes, gates) = self.reached.get();
        self.reached
            .set((nodes.max(step.nodes), gates.max(step.gates)));
    }

    /// The request came to no model that can serve it.
    fn reach_end(&self) {
        self.reached.set((self.nodes.len(), self.gates.len()));
    }

    /// The gates that it was admitted through and has not come to.
    #[must_use]
    pub fn unreached(&self) -> BTreeSet<String> {
        let (_, gates) = self.reached.get();
        self.gates.iter().skip(gates).cloned().collect()
    }

    /// The gates that it asks to go through.
    #[must_use]
    pub fn gates(&self) -> BTreeSet<String> {
        self.gates.iter().cloned().collect()
    }

    /// What its record says.
    #[must_use]
    pub fn told(&self) -> Box<audit::Taken> {
        let (nodes, _) = self.reached.get();
        let nodes = self.nodes.iter().take(nodes.min(MOST_NODES));
        Box::new(audit::Taken {
            name: self.name.clone(),
            operation: self.operation.clone(),
            nodes: nodes.cloned().collect(),
        })
    }
}

/// The route that a request asks for, where the org has it and nothing cheaper is to be planned.
fn asked<'a>(admitted: &Admitted, view: &'a OrgView) -> Option<&'a Route> {
    if admitted.wishes.route.is_some() {
        return None;
    }
    let name = route_name(&admitted.request.model)?;
    view.config.routes().get(name).map(AsRef::as_ref)
}

/// Asks the governor for what the route's conditions want to know of the org's money.
///
/// # Errors
/// `Unavailable`.
pub async fn look_up(
    exchange: &Exchange,
    admitted: &mut Admitted,
    view: &OrgView,
) -> Result<(), Error> {
    let asks = asked(admitted, view).is_some_and(Route::asks_budget);
    let Some(surroundings) = admitted.surroundings.as_mut().filter(|_| asks) else {
        return Ok(());
    };
    if surroundings.budget_left.is_none() {
        surroundings.budget_left = Some(budget_left(&exchange.ports, &exchange.org).await?);
    }
    Ok(())
}

/// What is left of the budgets that refuse requests of the whole org; the most there is where none
/// does.
///
/// # Errors
/// `Unavailable`.
pub async fn budget_left(ports: &Ports, org: &str) -> Result<Nanos, Error> {
    // The org is the only subject of its budgets.
    let inspect = Command::Inspect { most: 1 };
    match ports.governors.execute(org, inspect).await? {
        Reply::State { state } => Ok(state.remaining().unwrap_or(Nanos::MAX)),
        reply => Err(Error::internal(format!("inspect was answered {reply:?}"))),
    }
}

/// Finds the way of a request through the route that it asks for, and notes it for its plan. Does
/// nothing for a request that asks for none, or for one that is unknown.
///
/// # Errors
/// `InvalidRequest` for an operation that does not exist.
pub fn take(exchange: &mut Exchange, admitted: &mut Admitted, view: &OrgView) -> Result<(), Error> {
    (exchange.taken, admitted.wishes.way) = (None, None);
    let surroundings = admitted.surroundings.as_deref();
    let (Some(route), Some(surroundings)) = (asked(admitted, view), surroundings) else {
        return Ok(());
    };
    let known = Known {
        surroundings,
        request: &admitted.request,
        wishes: &admitted.wishes,
        metadata: &exchange.draft.metadata,
        user: &exchange.subjects.user,
        key: &exchange.draft.key,
    };
    let text = std::str::from_utf8(&admitted.body).unwrap_or_default();
    let at = exchange.ports.clock.now();
    let facts = known.facts(text, local(&exchange.ports, view, at), view)?;
    let rates = Rates::new(&admitted.request, view, at);
    let is_closed = |gate: &str| surroundings.closed.iter().any(|closed| closed.gate == gate);
    let circumstances = Circumstances {
        closed: &is_closed,
        chance: Chance::Seed(surroundings.seed),
        market: &rates,
    };
    let way = walk(route, &facts, &circumstances);
    exchange.taken = Some(Box::new(Taken::new(route, &way, &facts)));
    admitted.wishes.way = Some(Box::new(way));
    Ok(())
}

/// Unix milliseconds, ahead by the offset of the org's time zone.
#[must_use]
pub fn local(ports: &Ports, view: &OrgView, at: u64) -> u64 {
    let zone = &view.config.rules().time_zone;
    let offset = ports.zones.offset(zone, at).unwrap_or_default();
    at.saturating_add_signed(offset)
}

/// Notes the first model of a plan, or that there is none.
pub fn note_first(exchange: &mut Exchange, first: Option<&Candidate>) {
    match (first, &exchange.taken) {
        (Some(candidate), _) => exchange.come_to(candidate),
        (None, Some(taken)) => taken.reach_end(),
        (None, None) => {}
    }
    exchange.note_way();
}

/// When a closed gate lets the next request through, for the error of one that it stopped.
#[must_use]
pub fn with_wait(error: Error, surroundings: Option<&Surroundings>) -> Error {
    let closed = surroundings.map_or(&[][..], |surroundings| &surroundings.closed);
    let waits = closed.iter().filter_map(|closed| closed.retry_after_ms);
    match waits.max() {
        Some(wait) if error.kind == Kind::RateLimited => error.retry_after(wait.div_ceil(1_000)),
        _ => error,
    }
}

/// A request as far as it is known.
pub struct Known<'a> {
    /// What is known beside its body.
    pub surroundings: &'a Surroundings,
    /// The request.
    pub request: &'a ChatRequest,
    /// What its headers say about the plan.
    pub wishes: &'a Wishes,
    /// The caller's own values about it.
    pub metadata: &'a BTreeMap<String, audit::Scalar>,
    /// The end user.
    pub user: &'a str,
    /// The id of the API key.
    pub key: &'a str,
}

impl Known<'_> {
    /// What a route may know of it.
    ///
    /// # Errors
    /// `InvalidRequest` for an operation that does not exist.
    pub fn facts<'b>(
        &self,
        body: &'b str,
        local_time: u64,
        view: &OrgView,
    ) -> Result<Facts<'b>, Error> {
        let operation = operation_on_route(self.request, self.wishes, &view.config)?;
        Ok(Facts {
            body: Object::parse(body).unwrap_or_default(),
            headers: self.surroundings.headers.clone(),
            metadata: self.metadata.clone(),
            operation: operation.name.clone(),
            tier: operation.tier.as_str().to_owned(),
            user: self.user.to_owned(),
            key: self.key.to_owned(),
            place: self.surroundings.place.clone(),
            budget_left: self.surroundings.budget_left,
            local_time,
            context_tokens: bound::likely_tokens(self.request),
            needs: self.request.needs(),
            stream: self.request.stream,
        })
    }
}

/// What models cost a request, and what this isolate knows of them.
pub struct Rates<'a> {
    usage: Usage,
    awaited: Awaited,
    view: &'a OrgView,
    at: u64,
}

impl<'a> Rates<'a> {
    /// For a request of a usual answer: as long as its prompt, where it says nothing of that.
    #[must_use]
    pub fn new(request: &ChatRequest, view: &'a OrgView, at: u64) -> Self {
        let input_tokens = bound::likely_tokens(request);
        let output = request.max_output_tokens.map_or(input_tokens, u64::from);
        let usage = Usage {
            input_tokens,
            output_tokens: output,
            ..Usage::default()
        };
        let awaited = if request.stream {
            Awaited::FirstEvent
        } else {
            Awaited::Whole
        };
        Self {
            usage,
            awaited,
            view,
            at,
        }
    }

    /// The id of the model that a route names.
    fn named(&self, model: &str) -> Option<Named<'_>> {
        let catalogue = self.view.config.catalogue();
        catalogue.named(model, ModelKind::Chat).ok()
    }
}

impl Market for Rates<'_> {
    fn cost(&self, model: &str) -> Option<Nanos> {
        let named = self.named(model)?;
        Some(named.model.token_price()?.cost(&self.usage))
    }

    fn latency_ms(&self, model: &str) -> Option<u32> {
        let id = self.named(model)?.id;
        let health = self.view.health.borrow();
        health.expected_ms(&id, self.awaited, self.at)
    }

    fn is_down(&self, model: &str) -> bool {
        let health = self.view.health.borrow();
        let is_open = |named: Named<'_>| health.is_open(&named.id, self.at);
        self.named(model).is_none_or(is_open)
    }
}
