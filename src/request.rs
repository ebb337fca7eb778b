//! The path of a request: the phases top to bottom over [`crate::ports`], nothing else.

pub mod act;
pub mod admit;
pub mod attempts;
pub mod body_watch;
pub mod call;
pub mod classify;
pub mod conversation;
pub mod copies;
pub mod dispatch;
pub mod doubt;
pub mod exchange;
pub mod extend;
pub mod ground;
pub mod guard;
pub mod header;
pub mod headers;
pub mod helper;
pub mod idempotency;
pub mod leasing;
pub mod notes;
pub mod patience;
pub mod pulse;
pub mod recall;
pub mod refine;
pub mod release;
pub mod reserve;
pub mod retries;
pub mod route;
pub mod settle;
pub mod single;
pub mod stall;
pub mod stream;
pub mod subjects;
pub mod universal;
pub mod works;

use std::collections::BTreeSet;

use futures::FutureExt;

use crate::auth::Scope;
use crate::cache::Entry;
use crate::error::Error;
use crate::governor::command::State;
use crate::http::{Incoming, Reply};
use crate::isolate::Isolate;
use crate::money::Nanos;
use crate::ports::Ports;
use crate::protocol::{ChatPath, Dialect};
use crate::routing::Plan;

use self::admit::{Admitted, admit, authenticate, check_account};
use self::body_watch::BodyWatch;
use self::classify::classify;
use self::copies::Copies;
use self::dispatch::{Dispatched, dispatch};
use self::exchange::Exchange;
use self::ground::{Grounded, ground};
use self::guard::judge_request;
use self::patience::Patience;
use self::recall::{Place, maker, place, recall, unless_off};
use self::refine::refine;
use self::release::{release, release_cached};
use self::reserve::{Admission, Asking, Rejected, check_on, newer, reserve, targets};
use self::route::Taken;
use self::settle::{refuse, settle_failure};
use self::subjects::{note_body, note_subjects};

/// How often a plan may turn out to be stale before the request gives up: each time somebody has
/// changed the org between two calls.
pub(crate) const MOST_PLANS: usize = 4;
/// How often the gates on a request's way may turn out to be closed before it gives up. Each time all
/// that are closed are told, so that most routes need one.
const MOST_DIVERTS: usize = 12;

/// The reply to a request that failed. What is not the client's fault goes to the operator's log.
#[must_use]
pub fn failed(ports: &Ports, dialect: Dialect, error: &Error, id: &str) -> Reply {
    error.log_fault(ports.log.as_ref(), id);
    dialect.error(error, id)
}

/// Answers a chat request.
pub async fn chat(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    path: &ChatPath<'_>,
    id: &str,
) -> Reply {
    let failed = |error: &Error| failed(ports, path.dialect, error, id);
    let arrived = ports.clock.now();
    let principal = match authenticate(ports, isolate, incoming, Scope::Inference).await {
        Ok(principal) => principal,
        Err(error) => return failed(&error),
    };
    if let Err(error) = check_account(path.gateway, &principal) {
        return failed(&error);
    }
    let mut exchange = Exchange::begin(ports, id, arrived, &principal);
    path.dialect
        .endpoint()
        .clone_into(&mut exchange.draft.endpoint);
    let admitted = match begin(&mut exchange, isolate, incoming, path).await {
        Ok(admitted) => admitted,
        Err(error) => {
            refuse(exchange, &error);
            return failed(&error);
        }
    };
    exchange.end_phase("admit");
    let copies = Copies::of(&exchange);
    // On the heap, so that what calls this does not grow with it.
    let reply = answer(exchange, isolate, admitted).boxed_local().await;
    copies.make(reply).await
}

async fn begin(
    exchange: &mut Exchange,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    path: &ChatPath<'_>,
) -> Result<Admitted, Error> {
    note_subjects(exchange, isolate, incoming).await?;
    let watch = BodyWatch::new(exchange, incoming)?;
    let mut admitted = admit(exchange, &watch, path).await?;
    watch.note(exchange);
    note_body(exchange, admitted.request.user.as_deref());
    admitted.wishes.occasion = exchange.occasion(incoming);
    Ok(admitted)
}

async fn answer(mut exchange: Exchange, isolate: &Isolate, mut admitted: Admitted) -> Reply {
    let dialect = admitted.dialect;
    let Reserved {
        plan,
        place,
        state,
        hit,
    } = match plan_and_reserve(&mut exchange, isolate, &mut admitted).await {
        Ok(reserved) => reserved,
        Err(rejected) => return rejected.reply(exchange, dialect),
    };
    exchange.end_phase("reserve");
    if let Some(entry) = hit {
        if let Err(error) = check_on(&exchange, &maker(&entry)) {
            let (ports, id) = (exchange.ports.clone(), exchange.draft.request.clone());
            let error = settle_failure(exchange, error).await;
            return failed(&ports, dialect, &error, &id);
        }
        return release_cached(exchange, &admitted, state, entry).await;
    }
    let (ports, id) = (exchange.ports.clone(), exchange.draft.request.clone());
    let patience = Patience::of(&exchange, &admitted, &state);
    let work = async move {
        let (grounded, dispatched) = match ask(&mut exchange, &admitted, &plan).await {
            Ok(asked) => asked,
            Err(error) => return Err(settle_failure(exchange, error).await),
        };
        exchange.end_phase("dispatch");
        let reply = release(exchange, &admitted, place, state, grounded, dispatched);
        Ok(reply.await)
    };
    let done = patience.wait(work.boxed_local()).await;
    done.unwrap_or_else(|error| failed(&ports, dialect, &error, &id))
}

/// Judges, grounds, asks, and makes of the answer what the operation says.
async fn ask(
    exchange: &mut Exchange,
    admitted: &Admitted,
    plan: &Plan,
) -> Result<(Grounded, Dispatched), Error> {
    judge_request(exchange, plan, admitted).await?;
    let grounded = ground(exchange, admitted, plan).await?;
    exchange.end_phase("ground");
    let dispatched = dispatch(exchange, admitted, plan, &grounded.messages).await?;
    let refined = refine(exchange, admitted, plan, &grounded.messages, dispatched).await?;
    Ok((grounded, refined))
}

/// Asks for admission of an answer from the cache, which costs nothing.
async fn reserve_cached(
    exchange: &mut Exchange,
    (plan, place, entry): (Plan, Option<Place>, Entry),
) -> Result<Reserved, Rejected> {
    let asking = Asking {
        gates: gates(exchange),
        ..Asking::of(Nanos::ZERO)
    };
    let admission = reserve(exchange, asking).await;
    match admission.map_err(Rejected::Unknown)? {
        Admission::Granted(grant) => Ok(Reserved {
            plan,
            place,
            state: grant.take(exchange),
            hit: Some(entry),
        }),
        Admission::Refused(error, state) | Admission::CacheOnly(error, state) => {
            Err(Rejected::Recorded(error, state))
        }
        Admission::Divert(_)
        | Admission::Downgrade(_)
        | Admission::Repeated(_)
        | Admission::Stale(_) => Err(reserve::still_stale().into()),
    }
}

/// An admitted request: from here on every path settles it.
struct Reserved {
    plan: Plan,
    place: Option<Place>,
    state: State,
    hit: Option<Entry>,
}

/// How often a request is planned: each time that gates of its route are closed, once more.
fn most_plans(admitted: &Admitted) -> usize {
    let diverts = if admitted.surroundings.is_some() {
        MOST_DIVERTS
    } else {
        0
    };
    MOST_PLANS.saturating_add(diverts)
}

/// The gates that a request asks to go through.
fn gates(exchange: &Exchange) -> BTreeSet<String> {
    let taken = exchange.taken.as_deref();
    taken.map(Taken::gates).unwrap_or_default()
}

/// Plans with what this isolate knows of the org, and again with what the governor knows where that
/// is newer. The cache is asked meanwhile.
async fn plan_and_reserve(
    exchange: &mut Exchange,
    isolate: &Isolate,
    admitted: &mut Admitted,
) -> Result<Reserved, Rejected> {
    let mut view = isolate.org(&exchange.ports, &exchange.org).await?;
    for _ in 0..most_plans(admitted) {
        route::look_up(exchange, admitted, &view).await?;
        let plan = match classify(exchange, admitted, &view) {
            Ok(plan) => plan,
            Err(error) => {
                view = newer(exchange, isolate, &view, error).await?;
                continue;
            }
        };
        let place = place(exchange, admitted, &plan);
        let asking = Asking {
            bound: plan.bound,
            tokens: plan.tokens,
            candidates: targets(&plan.candidates),
            route: admitted.wishes.route.clone(),
            gates: gates(exchange),
        };
        let asked =
            futures::future::join(reserve(exchange, asking), recall(exchange, place.as_ref()));
        let (admission, found) = asked.await;
        let (cache, hit) = unless_off(exchange, found);
        match admission.map_err(Rejected::Unknown)? {
            Admission::Granted(grant) => {
                let state = grant.take(exchange);
                exchange.draft.cache = cache;
                let reserved = Reserved {
                    plan,
                    place,
                    state,
                    hit,
                };
                // On the heap: few requests leave doubts.
                let resolved = doubt::resolve(exchange, admitted, &view, reserved);
                return Ok(resolved.boxed_local().await);
            }
            Admission::CacheOnly(error, _) => {
                let Some(entry) = hit else {
                    return Err(Rejected::Unrecorded(error));
                };
                exchange.draft.cache = cache;
                exchange.draft.policy.push("cached only".to_owned());
                return reserve_cached(exchange, (plan, place, entry)).await;
            }
            Admission::Divert(closed) => {
                if let Some(surroundings) = &mut admitted.surroundings {
                    surroundings.closed.extend(closed);
                }
            }
            Admission::Downgrade(route) => {
                exchange.note_downgrade(&route);
                admitted.wishes.route = Some(route);
            }
            Admission::Refused(error, state) => return Err(Rejected::Recorded(error, state)),
            Admission::Repeated(earlier) => reserve::repeat(exchange, earlier).await?,
            Admission::Stale(versions) => {
                if let Some(surroundings) = &mut admitted.surroundings {
                    surroundings.forget();
                }
                view = isolate
                    .refresh(&exchange.ports, &exchange.org, versions)
                    .await?;
            }
        }
    }
    Err(reserve::still_stale().into())
}
