//! Which way a request would go through a route of an org, and why. Nothing is asked of a model, and
//! nothing is counted.

mod shown;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use self::shown::{Explained, Told};
use super::Asked;
use super::page::parameters;
use crate::audit::{Draft, Scalar};
use crate::error::{Error, Kind};
use crate::governor::command::{Closed, Command, Reply as Verdict, Reserve, State, Subjects};
use crate::http::{Place, Reply};
use crate::isolate::OrgView;
use crate::money::Nanos;
use crate::protocol::json::Json;
use crate::protocol::{ChatRequest, openai_chat};
use crate::request::admit::{VARIABLES, variables};
use crate::request::route::{Known, Rates, Surroundings, budget_left, local};
use crate::routing::Plan;
use crate::routing::graph::walk::{Chance, Circumstances, Market, walk};
use crate::routing::graph::{Facts, Route, Way, of_percent};
use crate::routing::plan::Wishes;
use crate::routing::wanted::ROUTE_PREFIX;

/// How often the way is walked anew around closed gates: more gates than an org may have.
const MOST_WALKS: usize = 64;

/// A request as it is told. What is left out is not there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    /// The body of a chat completion. `model` and `messages` may be left out.
    #[serde(default)]
    request: BTreeMap<String, Json>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    metadata: BTreeMap<String, Scalar>,
    #[serde(default)]
    user: String,
    /// The id of an API key.
    #[serde(default)]
    key: String,
    #[serde(default)]
    country: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    colo: String,
    /// Unix milliseconds; now where it is left out.
    time: Option<u64>,
    /// Per cent, 0 to less than 100: what every draw comes to. By chance where it is left out.
    random: Option<Box<RawValue>>,
}

/// Says which way a request would go. The org stands in the path, or in `?org=…`.
pub(super) async fn explain(asked: Asked<'_>) -> Result<Reply, Error> {
    let org = org(asked).await?;
    let asking: Asking = asked.read().await?;
    let view = asked.isolate.current(asked.ports, &org).await?;
    let Some(route) = view.config.routes().get(asked.name) else {
        let message = "The org has no route of this name.";
        return Err(Error::new(Kind::NotFound, message));
    };
    let request = request(asking.request.clone(), route)?;
    let surroundings = surroundings(asked, &org, &asking, route).await?;
    let chance = chance(asking.random.as_deref(), surroundings.seed)?;
    let header = |name: &str| surroundings.headers.get(name);
    let values = header(VARIABLES).map(String::as_str);
    let wishes = Wishes {
        operation: header("x-ai-operation").cloned(),
        variables: variables(&request, values).map_err(|error| within(error, "headers"))?,
        ..Wishes::default()
    };
    let at = asking.time.unwrap_or_else(|| asked.ports.clock.now());
    let user = named_user(&asking, &surroundings, &request);
    let known = Known {
        surroundings: &surroundings,
        request: &request,
        wishes: &wishes,
        metadata: &asking.metadata,
        user: &user,
        key: &asking.key,
    };
    let body = serde_json::to_string(&asking.request)
        .map_err(|error| Error::internal(error.to_string()))?;
    let facts = known.facts(&body, local(asked.ports, &view, at), &view)?;
    let considered = Considering {
        asked,
        org: &org,
        view: &view,
        route,
        request: &request,
        wishes: &wishes,
        facts: &facts,
        chance,
        reserve: reserve(&known),
    };
    let explained = considered.explain().await?;
    Ok(Reply::json(200, &explained))
}

async fn org(asked: Asked<'_>) -> Result<String, Error> {
    if !asked.org.is_empty() {
        return Ok(asked.org.to_owned());
    }
    let [org] = parameters(asked.incoming.query(), ["org"])?;
    let only = || asked.actor.only().map(ToOwned::to_owned);
    let missing = || Error::invalid("org", "Name the org of the route: `?org=…`.");
    let org = org.or_else(only).ok_or_else(missing)?;
    asked.known(&org).await?;
    Ok(org)
}

fn request(mut body: BTreeMap<String, Json>, route: &Route) -> Result<ChatRequest, Error> {
    let model = format!("{ROUTE_PREFIX}{}", route.name);
    body.entry("model".to_owned())
        .or_insert_with(|| Json::of(&model));
    let silence = || Json::parse(r#"[{"role":"user","content":""}]"#);
    if !body.contains_key("messages")
        && let Some(messages) = silence()
    {
        body.insert("messages".to_owned(), messages);
    }
    let text = serde_json::to_vec(&body).map_err(|error| Error::internal(error.to_string()))?;
    let mut request = openai_chat::parse(&text).map_err(|error| within(error, "request"))?;
    request.model = model;
    Ok(request)
}

/// The request that is told stands in fields of the body that was sent.
fn within(error: Error, field: &str) -> Error {
    Error {
        param: error.param.map(|param| format!("{field}.{param}")),
        ..error
    }
}

async fn surroundings(
    asked: Asked<'_>,
    org: &str,
    asking: &Asking,
    route: &Route,
) -> Result<Surroundings, Error> {
    let random = asked.ports.entropy.bytes()?;
    let seed = random.first_chunk().copied().unwrap_or_default();
    let headers = asking.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    Ok(Surroundings {
        headers: headers.collect(),
        place: Place {
            country: asking.country.clone(),
            region: asking.region.clone(),
            colo: asking.colo.clone(),
        },
        seed: u64::from_be_bytes(seed),
        budget_left: if route.asks_budget() {
            Some(budget_left(asked.ports, org).await?)
        } else {
            None
        },
        closed: Vec::new(),
    })
}

fn chance(random: Option<&RawValue>, seed: u64) -> Result<Chance, Error> {
    let Some(random) = random else {
        return Ok(Chance::Seed(seed));
    };
    let part = of_percent(random.get()).filter(|part| *part < crate::routing::graph::WHOLE);
    part.map(Chance::Fixed).ok_or_else(|| {
        let message = "`random` is a number of per cent from 0 to less than 100, with at most three decimals.";
        Error::invalid("random", message)
    })
}

/// As requests name their end users: by a header, else in the body.
fn named_user(asking: &Asking, surroundings: &Surroundings, request: &ChatRequest) -> String {
    let by_header = surroundings.headers.get("x-ai-user").cloned();
    let told = Some(asking.user.clone()).filter(|user| !user.is_empty());
    told.or(by_header)
        .or_else(|| request.user.clone())
        .unwrap_or_default()
}

/// What the governor would be asked, but for the gates.
fn reserve(known: &Known<'_>) -> Reserve {
    let text = |value: &Scalar| match value {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Text(value) => value.clone(),
    };
    let metadata = known.metadata.iter();
    let metadata = metadata.map(|(name, value)| (name.clone(), text(value)));
    let draft = Draft {
        key: known.key.to_owned(),
        ..Draft::default()
    };
    let subjects = Subjects {
        user: known.user.to_owned(),
        headers: known.surroundings.headers.clone(),
        metadata: metadata.collect(),
        ..Subjects::default()
    };
    Reserve::of(draft, subjects)
}

/// A request whose way is looked for.
struct Considering<'a> {
    asked: Asked<'a>,
    org: &'a str,
    view: &'a OrgView,
    route: &'a Route,
    request: &'a ChatRequest,
    wishes: &'a Wishes,
    facts: &'a Facts<'a>,
    chance: Chance,
    reserve: Reserve,
}

impl Considering<'_> {
    /// Walks around closed gates until those of the way are open, as a request would.
    async fn explain(mut self) -> Result<Explained, Error> {
        let rates = Rates::new(self.request, self.view, self.asked.ports.clock.now());
        let mut closed: Vec<Closed> = Vec::new();
        let mut named = BTreeSet::new();
        for _ in 0..MOST_WALKS {
            let way = self.walk(&closed, &rates);
            named.extend(way.gates.iter().cloned());
            self.ask_for(&way);
            let (now_closed, _) = self.consider(way.gates.iter().cloned().collect()).await?;
            if now_closed.is_empty() {
                let (_, state) = self.consider(named).await?;
                return Ok(self.told(&way, &rates, &closed, state));
            }
            closed.extend(now_closed);
        }
        Err(crate::request::reserve::still_stale())
    }

    fn walk(&self, closed: &[Closed], rates: &Rates<'_>) -> Way {
        let is_closed = |gate: &str| closed.iter().any(|closed| closed.gate == gate);
        let circumstances = Circumstances {
            closed: &is_closed,
            chance: self.chance,
            market: rates,
        };
        walk(self.route, self.facts, &circumstances)
    }

    /// The plan of a request that takes a way.
    fn plan(&self, way: Way) -> Result<Plan, Error> {
        let wishes = Wishes {
            way: Some(Box::new(way)),
            ..self.wishes.clone()
        };
        Plan::make(self.request, &wishes, self.view)
    }

    /// Asks for what the plan of a way would: gates count by its operation and tier, which are not guessed
    /// as those are that conditions see.
    fn ask_for(&mut self, way: &Way) {
        let Ok(plan) = self.plan(way.clone()) else {
            self.reserve.bound = Nanos::ZERO;
            return;
        };
        self.reserve.bound = plan.bound;
        let draft = &mut self.reserve.draft;
        draft.operation.clone_from(&plan.operation.name);
        plan.tier.as_str().clone_into(&mut draft.tier);
    }

    /// Asks the governor what gates say; it counts nothing.
    async fn consider(&self, gates: BTreeSet<String>) -> Result<(Vec<Closed>, State), Error> {
        let mut reserve = self.reserve.clone();
        reserve.subjects.gates = gates;
        let consider = Command::Consider(Box::new(reserve));
        match self
            .asked
            .ports
            .governors
            .execute(self.org, consider)
            .await?
        {
            Verdict::Considered { closed, state } => Ok((closed, state)),
            reply => Err(Error::internal(format!("consider was answered {reply:?}"))),
        }
    }

    fn told(&self, way: &Way, rates: &Rates<'_>, closed: &[Closed], state: State) -> Explained {
        let candidates = way.steps.iter().map(|step| {
            let alone = Way {
                steps: vec![step.clone()],
                ..way.clone()
            };
            let plan = self.plan(alone);
            let bound = plan.as_ref().ok().map(|plan| plan.bound);
            let dropped = plan.err().map(|error| error.message);
            (step, bound, dropped, rates.is_down(&step.model))
        });
        let failure = self.plan(way.clone()).err();
        Explained::new(&Told {
            org: self.org,
            version: self.view.versions.config,
            route: self.route,
            way,
            facts: self.facts,
            candidates: candidates.collect(),
            closed,
            state,
            failure,
        })
    }
}
