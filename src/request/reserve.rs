//! Admission by the org's governor: limits, and budget for the worst that the plan may cost.

use crate::error::{Error, Kind};
use crate::governor::command::{Command, Refusal, Reply, Reserve, State, Versions};
use crate::isolate::{Isolate, OrgView};
use crate::money::Nanos;
use crate::request::MOST_PLANS;
use crate::request::exchange::{DEADLINE_MS, Exchange};
use crate::request::settle::{abandon, refuse};
use crate::routing::Plan;

/// Milliseconds a reservation outlives the request's deadline.
const GRACE_MS: u64 = 60_000;

/// What the governor says to a plan.
pub enum Admission {
    /// The request may go on.
    Granted(State),
    /// The request may not go on; the refusal is recorded already.
    Refused(Error, State),
    /// The plan was made with versions no longer in force: plan again.
    Stale(Versions),
}

/// A request that was not admitted.
pub enum Rejected {
    /// By its governor, which has recorded it.
    Recorded(Error, State),
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
    /// Sees to its record; gives what the caller is told, with the limits where they are known.
    #[must_use]
    pub fn record(self, exchange: Exchange) -> (Error, Option<State>) {
        match self {
            Self::Recorded(error, state) => (error, Some(state)),
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
    plan: impl Fn(&mut Exchange, &OrgView) -> Result<P, Error>,
    bound: impl Fn(&P) -> Nanos,
) -> Result<(P, State), Rejected> {
    let ports = exchange.ports.clone();
    let mut view = isolate.org(&ports, &exchange.org).await?;
    for _ in 0..MOST_PLANS {
        exchange.draft.versions = view.versions;
        let planned = plan(exchange, &view)?;
        let admission = reserve_bound(exchange, bound(&planned)).await;
        match admission.map_err(Rejected::Unknown)? {
            Admission::Granted(state) => return Ok((planned, state)),
            Admission::Refused(error, state) => return Err(Rejected::Recorded(error, state)),
            Admission::Stale(versions) => {
                view = isolate.refresh(&ports, &exchange.org, versions).await?;
            }
        }
    }
    Err(still_stale().into())
}

/// Asks for admission of a plan.
///
/// # Errors
/// `Unavailable` where the governor is out of reach: nothing is admitted then.
pub async fn reserve(exchange: &Exchange, plan: &Plan) -> Result<Admission, Error> {
    reserve_bound(exchange, plan.bound).await
}

/// Asks for admission of work that may cost up to `bound`.
///
/// # Errors
/// As [`reserve`].
pub async fn reserve_bound(exchange: &Exchange, bound: Nanos) -> Result<Admission, Error> {
    let reserve = Reserve {
        draft: exchange.draft.clone(),
        bound,
        planned: exchange.draft.versions,
        deadline_ms: DEADLINE_MS.saturating_add(GRACE_MS),
    };
    match exchange.govern(Command::Reserve(reserve)).await? {
        Reply::Admitted { state } => Ok(Admission::Granted(state)),
        Reply::Refused { reason, state } => Ok(Admission::Refused(refusal(&reason, bound), state)),
        Reply::Stale { versions } => Ok(Admission::Stale(versions)),
        reply => Err(Error::internal(format!("reserve was answered {reply:?}"))),
    }
}

/// Asks for more of the budget, before one more paid attempt.
///
/// # Errors
/// `BudgetExhausted` where there is none, `Unavailable`.
pub async fn extend(exchange: &Exchange, step: u32, by: Nanos) -> Result<(), Error> {
    let request = exchange.draft.request.clone();
    match exchange
        .govern(Command::Extend { request, step, by })
        .await?
    {
        Reply::Admitted { .. } | Reply::Done { .. } => Ok(()),
        Reply::Refused { reason, .. } => Err(refusal(&reason, by)),
        reply => Err(Error::internal(format!("extend was answered {reply:?}"))),
    }
}

fn refusal(reason: &Refusal, bound: Nanos) -> Error {
    match reason {
        Refusal::BudgetExhausted => {
            let message = format!(
                "The org's daily budget cannot carry this request, which may cost up to ${}. Lower `max_tokens`, ask for a lighter tier, or ask the administrator for more budget.",
                bound.to_usd()
            );
            Error::new(Kind::BudgetExhausted, message)
        }
        Refusal::KeyRevoked => crate::auth::unknown_key(),
        Refusal::NotActive => Error::unavailable(
            "This org is not active yet. The administrator creates it with POST /admin/v1/orgs.",
            "the governor has no configuration",
        ),
        Refusal::NotReserved => Error::new(
            Kind::DeadlineExceeded,
            "The request took longer than its reservation lasts.",
        ),
        Refusal::RateLimited { retry_after } => {
            let message = format!(
                "The org's limit of requests per minute is used up. Retry in {retry_after} s."
            );
            Error::new(Kind::RateLimited, message).retry_after(*retry_after)
        }
    }
}
