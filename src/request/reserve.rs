//! Admission by the org's governor: limits, and budget for the worst that the plan may cost.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::error::{Error, Kind, Source};
use crate::governor::command::{
    Closed, Command, Refusal, Reply as Verdict, Reserve, State, Subjects, Target, Tokens, Versions,
};
use crate::governor::lease::Part;
use crate::governor::switches::{MOST_SWITCHES, Subject};
use crate::http::Reply;
use crate::isolate::{Isolate, OrgView};
use crate::money::Nanos;
use crate::protocol::Dialect;
use crate::request::exchange::{DEADLINE_MS, Exchange, hear};
use crate::request::idempotency::{self, Earlier, Replay, replay, still_running};
use crate::request::leasing;
use crate::request::settle::{abandon, refuse};
use crate::request::{MOST_PLANS, failed, headers};
use crate::routing::plan::Candidate;

/// Milliseconds a reservation outlives the request's deadline.
pub const GRACE_MS: u64 = 60_000;

/// What is asked of the governor.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// The worst it may cost.
    pub bound: Nanos,
    /// The tokens it is likely to use.
    pub tokens: Tokens,
    /// The models that may answer, in order.
    pub candidates: Vec<Target>,
    /// The cheaper route that it was planned for.
    pub route: Option<String>,
    /// The gates that it goes through.
    pub gates: BTreeSet<String>,
}

impl Asking {
    /// Work of a bound that no model's limit speaks of.
    #[must_use]
    pub fn of(bound: Nanos) -> Self {
        Self {
            bound,
            ..Self::default()
        }
    }
}

/// The models that may answer, as the governor knows them.
#[must_use]
pub fn targets(candidates: &[Candidate]) -> Vec<Target> {
    candidates.iter().map(target).collect()
}

/// A model that may answer, as the governor knows it.
#[must_use]
pub fn target(candidate: &Candidate) -> Target {
    Target {
        provider: candidate.model.provider.as_str().to_owned(),
        model: candidate.id.clone(),
    }
}

/// What the governor says to a plan.
pub enum Admission {
    /// A budget lets pass only what the cache answers. Nothing is recorded yet.
    CacheOnly(Error, State),
    /// These gates of the plan's route are closed: plan again.
    Divert(Vec<Closed>),
    /// A budget wants the request planned for this cheaper route.
    Downgrade(String),
    /// The request may go on.
    Granted(Grant),
    /// The request may not go on; the refusal is recorded already.
    Refused(Error, State),
    /// This request was answered before.
    Repeated(Earlier),
    /// The plan was made with versions no longer in force: plan again.
    Stale(Versions),
}

/// An admission.
pub struct Grant {
    candidate: usize,
    guarded: bool,
    part: Option<Part>,
    state: State,
}

impl Grant {
    /// Notes what it says about the attempts; gives the limits.
    pub fn take(self, exchange: &mut Exchange) -> State {
        exchange.admitted_for = self.candidate;
        exchange.guarded = self.guarded;
        exchange.part = self.part;
        self.state
    }
}

/// A request that was not admitted.
pub enum Rejected {
    /// By its governor, which has recorded it.
    Recorded(Error, State),
    /// It is answered as `original` was.
    Repeated {
        /// The request that was answered.
        original: String,
        /// Its answer.
        reply: Reply,
    },
    /// Perhaps not: its governor did not answer.
    Unknown(Error),
    /// Before any governor knew of it.
    Unrecorded(Error),
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Self::Unrecorded(error)
    }
}

impl Rejected {
    /// The reply to it. Sees to its record.
    #[must_use]
    pub fn reply(self, exchange: Exchange, dialect: Dialect) -> Reply {
        if let Self::Repeated { original, reply } = self {
            idempotency::record(exchange, &original, reply.status);
            return reply;
        }
        let (ports, id) = (exchange.ports.clone(), exchange.draft.request.clone());
        let (error, state) = self.record(exchange);
        let mut reply = failed(&ports, dialect, &error, &id);
        if let Some(state) = state {
            headers::limits(&mut reply, &state);
        }
        reply
    }

    /// Sees to its record; gives why, with the limits where they are known.
    #[must_use]
    pub fn record(self, exchange: Exchange) -> (Error, Option<State>) {
        match self {
            Self::Recorded(error, state) => (error, Some(state)),
            Self::Repeated { .. } => (still_running(), None),
            Self::Unknown(error) => {
                abandon(exchange, &error);
                (error, None)
            }
            Self::Unrecorded(error) => {
                refuse(exchange, &error);
                (error, None)
            }
        }
    }
}

/// What becomes of a request that was answered before: it ends with the kept answer, or goes on where
/// that is lost.
///
/// # Errors
/// How it ends.
pub async fn repeat(exchange: &mut Exchange, earlier: Earlier) -> Result<(), Rejected> {
    let kept = replay(exchange, &earlier).await?;
    let original = earlier.request;
    match kept {
        Replay::Given(reply) => Err(Rejected::Repeated { original, reply }),
        Replay::Lost => {
            if let Some(idempotency) = &mut exchange.idempotency {
                idempotency.lost = Some(original);
            }
            Ok(())
        }
    }
}

/// The error of a request whose every plan was made with versions no longer in force.
#[must_use]
pub fn still_stale() -> Error {
    let message = "The org's configuration is changing right now. Retry shortly.";
    Error::unavailable(message, "every plan was stale")
}

/// Plans with what this isolate knows of the org, and again with what the governor knows where that
/// is newer, until the plan is admitted; gives it with the limits.
///
/// # Errors
/// Why the request was not admitted, recorded or not.
pub async fn plan_and_reserve<P>(
    exchange: &mut Exchange,
    isolate: &Isolate,
    plan: impl Fn(&mut Exchange, &OrgView, Option<&str>) -> Result<P, Error>,
    ask: impl Fn(&P) -> Asking,
) -> Result<(P, State), Rejected> {
    let ports = exchange.ports.clone();
    let mut view = isolate.org(&ports, &exchange.org).await?;
    let mut route = None;
    for _ in 0..MOST_PLANS {
        exchange.plan_for(&view);
        let planned = match plan(exchange, &view, route.as_deref()) {
            Ok(planned) => planned,
            Err(error) => {
                view = newer(exchange, isolate, &view, error).await?;
                continue;
            }
        };
        let asking = Asking {
            route: route.clone(),
            ..ask(&planned)
        };
        let admission = reserve(exchange, asking).await;
        match admission.map_err(Rejected::Unknown)? {
            Admission::CacheOnly(error, _) => return Err(Rejected::Unrecorded(error)),
            // Only conversations take routes.
            Admission::Divert(_) => return Err(still_stale().into()),
            Admission::Downgrade(cheaper) => {
                exchange.note_downgrade(&cheaper);
                route = Some(cheaper);
            }
            Admission::Granted(grant) => return Ok((planned, grant.take(exchange))),
            Admission::Refused(error, state) => return Err(Rejected::Recorded(error, state)),
            Admission::Repeated(earlier) => repeat(exchange, earlier).await?,
            Admission::Stale(versions) => {
                view = isolate.refresh(&ports, &exchange.org, versions).await?;
            }
        }
    }
    Err(still_stale().into())
}

/// The org as it is in force by now, where a plan failed with what this isolate remembered of it: what
/// was not to be found may be new.
///
/// # Errors
/// Why the plan failed, where nothing is newer.
pub async fn newer(
    exchange: &Exchange,
    isolate: &Isolate,
    view: &OrgView,
    error: Error,
) -> Result<Rc<OrgView>, Error> {
    if error.kind.row().source != Source::Client {
        return Err(error);
    }
    let current = isolate.current(&exchange.ports, &exchange.org).await;
    let current = current.ok();
    let newer = current.filter(|current| {
        let (now, then) = (current.versions, view.versions);
        now.config > then.config || now.deployment > then.deployment
    });
    newer.ok_or(error)
}

/// Asks for admission, which a lease of this isolate may give.
///
/// # Errors
/// `Unavailable` where the governor is out of reach: nothing is admitted then.
pub async fn reserve(exchange: &Exchange, asking: Asking) -> Result<Admission, Error> {
    let bound = asking.bound;
    let mut reserve = Reserve {
        draft: exchange.draft.clone(),
        subjects: Subjects {
            gates: asking.gates,
            ..exchange.subjects.clone()
        },
        candidates: asking.candidates,
        bound,
        unpriced: false,
        tokens: asking.tokens,
        route: asking.route,
        planned: exchange.draft.versions,
        idempotency: exchange.idempotency.clone(),
        lease: None,
        deadline_ms: DEADLINE_MS.saturating_add(GRACE_MS),
    };
    if let Some((part, state)) = leasing::admit(exchange, &mut reserve) {
        return Ok(Admission::Granted(Grant {
            candidate: 0,
            guarded: false,
            part: Some(part),
            state,
        }));
    }
    match leasing::ask(exchange, reserve).await? {
        Verdict::Admitted {
            candidate,
            guarded,
            state,
            ..
        } => Ok(Admission::Granted(Grant {
            candidate,
            guarded,
            part: None,
            state,
        })),
        Verdict::Divert { gates } => Ok(Admission::Divert(gates)),
        Verdict::Downgrade { route } => Ok(Admission::Downgrade(route)),
        Verdict::Refused { reason, state } => {
            let error = refusal(&reason, bound);
            let cache_only = matches!(
                reason,
                Refusal::BudgetExhausted {
                    cache_only: true,
                    ..
                }
            );
            Ok(if cache_only {
                Admission::CacheOnly(error, state)
            } else {
                Admission::Refused(error, state)
            })
        }
        Verdict::Replay { request, age_ms } => Ok(Admission::Repeated(Earlier { request, age_ms })),
        Verdict::Stale { versions } => Ok(Admission::Stale(versions)),
        reply => Err(Error::internal(format!("reserve was answered {reply:?}"))),
    }
}

/// Puts off the end of what is held for a request that is still under way, without anybody waiting for
/// it. Where that fails, what is held expires, charged at its bound, until it is settled after all.
pub fn renew(exchange: &Exchange) {
    let renew = Command::Renew {
        request: exchange.draft.request.clone(),
        deadline_ms: DEADLINE_MS.saturating_add(GRACE_MS),
    };
    let commands = leasing::detachment(exchange).into_iter().chain([renew]);
    let commands: Vec<Command> = commands.map(|command| exchange.named(command)).collect();
    let (ports, org) = (exchange.ports.clone(), exchange.org.clone());
    let switches = Rc::clone(&exchange.switches);
    exchange.ports.background.spawn(Box::pin(async move {
        for command in commands {
            match ports.governors.execute(&org, command).await {
                Ok(reply) => hear(&switches, &reply),
                Err(error) => {
                    let line = format!("a reservation could not be renewed: {error}");
                    return ports.log.error(&line);
                }
            }
        }
    }));
}

/// Hears what was switched off meanwhile, without anybody waiting for it. Where that fails, it is heard
/// the next time.
pub fn look(exchange: &Exchange) {
    let key = exchange.draft.key.clone();
    let (ports, org) = (exchange.ports.clone(), exchange.org.clone());
    let switches = Rc::clone(&exchange.switches);
    exchange.ports.background.spawn(Box::pin(async move {
        if let Ok(reply) = ports.governors.execute(&org, Command::Check { key }).await {
            hear(&switches, &reply);
        }
    }));
}

/// What a caller is told of a refusal.
#[must_use]
pub fn refusal(reason: &Refusal, bound: Nanos) -> Error {
    match reason {
        Refusal::BudgetExhausted { budget, cache_only } => {
            let advice = if *cache_only {
                "Until it begins anew only cached answers are served."
            } else {
                "Lower `max_tokens`, ask for a lighter tier, or ask the administrator for more budget."
            };
            let budget = if budget.is_empty() {
                "of the org"
            } else {
                budget
            };
            let message = format!(
                "The budget `{budget}` cannot carry this request, which may cost up to ${}. {advice}",
                bound.to_usd()
            );
            Error::new(Kind::BudgetExhausted, message)
        }
        Refusal::CreditsExhausted => {
            let message = format!(
                "The org's prepaid balance cannot carry this request, which may cost up to ${}. Ask the administrator to top it up.",
                bound.to_usd()
            );
            Error::new(Kind::BudgetExhausted, message)
        }
        Refusal::IdempotencyKeyReused => Error::new(
            Kind::IdempotencyKeyReused,
            "This `Idempotency-Key` was used for another request in the last 24 hours. Use a new one.",
        ),
        Refusal::KeyRevoked => crate::auth::unknown_key(),
        Refusal::Killed { subject, left_ms } => killed(subject, *left_ms),
        Refusal::NotActive => Error::unavailable(
            "This org is not active yet. The administrator creates it with POST /admin/v1/orgs.",
            "the governor has no configuration",
        ),
        Refusal::NotReserved => Error::new(
            Kind::DeadlineExceeded,
            "The request took longer than its reservation lasts.",
        ),
        Refusal::RateLimited {
            limit,
            retry_after_ms,
        } => {
            let seconds = retry_after_ms.div_ceil(1_000);
            let message = format!("The limit `{limit}` is used up. Retry in {seconds} s.");
            Error::new(Kind::RateLimited, message).retry_after(seconds)
        }
        Refusal::RootSilent => Error::unavailable(
            "The kill switches of this deployment are out of reach. Retry shortly.",
            "the root object does not answer",
        ),
        Refusal::StillRunning => still_running(),
        Refusal::TooLarge {
            limit,
            most,
            needed,
        } => {
            let message = format!(
                "The request may need {needed} tokens, and the limit `{limit}` never admits more than {most}. Shorten the prompt or lower `max_tokens`."
            );
            Error::invalid("max_tokens", message)
        }
        Refusal::SwitchesTurned => {
            let message = "Somebody else turns kill switches at the same time. Try again.";
            Error::new(Kind::Conflict, message)
        }
        Refusal::TooManySwitches => {
            let message = format!("{MOST_SWITCHES} kill switches are on. Turn some of them off.");
            Error::new(Kind::InvalidRequest, message)
        }
        Refusal::Unpriced => Error::new(
            Kind::BudgetExhausted,
            "What this model costs is not known, so that no budget can carry it. Ask the administrator to add its price.",
        ),
    }
}

/// The error of what was switched off, for so many milliseconds more where that is known.
#[must_use]
pub fn killed(subject: &Subject, left_ms: Option<u64>) -> Error {
    let message = format!("`{subject}` is switched off by an administrator.");
    let error = Error::new(Kind::KillSwitch, message);
    match left_ms {
        Some(left_ms) => error.retry_after(left_ms.div_ceil(1_000)),
        None => error,
    }
}

/// Checks that this isolate knows nothing that has switched a model off since the request was admitted.
///
/// # Errors
/// `KillSwitch`.
pub fn check_on(exchange: &Exchange, target: &Target) -> Result<(), Error> {
    let switches = exchange.switches.borrow();
    let off = switches.off(target);
    off.map_or(Ok(()), |subject| Err(killed(subject, None)))
}
