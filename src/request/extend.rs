//! More than the governor holds for an admitted request: for one more attempt, or since it turned out to
//! be for something else.

use crate::error::Error;
use crate::governor::command::{Command, Extend, Purpose, Refusal, Reply as Verdict, Target};
use crate::money::Nanos;
use crate::request::exchange::Exchange;
use crate::request::leasing;
use crate::request::reserve::{refusal, targets};
use crate::routing::Plan;

/// The step of a change of purpose; those of attempts count from 0.
const PURPOSE_STEP: u32 = u32::MAX;

/// What attempts asked the governor for, in whatever round of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raised {
    /// By how much what it holds was raised.
    pub by: Nanos,
    /// How often it was asked.
    steps: u32,
}

/// Asks for more of the budget, or for another candidate, before one more attempt.
///
/// # Errors
/// `BudgetExhausted` where there is none, `RateLimited` where the candidate is at a limit, `KillSwitch`,
/// `Unavailable`.
pub async fn extend(
    exchange: &mut Exchange,
    by: Nanos,
    target: Option<Target>,
) -> Result<(), Error> {
    let extend = Extend {
        step: exchange.raised.steps,
        by,
        target,
        ..Extend::default()
    };
    exchange.raised.steps = exchange.raised.steps.saturating_add(1);
    ask(exchange, extend).await?;
    exchange.raised.by = exchange.raised.by.saturating_add(by);
    Ok(())
}

/// Asks for admission of an admitted request as what it turned out to be for, with so much more of the
/// budget. From then on it is held, and charged, as that.
///
/// # Errors
/// As [`extend`], of the operation, of its tier, and of all its candidates.
pub async fn change_purpose(exchange: &mut Exchange, plan: &Plan, by: Nanos) -> Result<(), Error> {
    let purpose = Purpose {
        operation: plan.operation.name.clone(),
        tier: plan.tier.as_str().to_owned(),
        tokens: plan.tokens,
    };
    let extend = Extend {
        step: PURPOSE_STEP,
        by,
        purpose: Some(purpose),
        candidates: targets(&plan.candidates),
        ..Extend::default()
    };
    if let Verdict::Admitted {
        candidate, guarded, ..
    } = ask(exchange, extend).await?
    {
        exchange.admitted_for = candidate;
        exchange.guarded = guarded;
    }
    Ok(())
}

async fn ask(exchange: &Exchange, extend: Extend) -> Result<Verdict, Error> {
    leasing::detach(exchange).await?;
    let by = extend.by;
    let extend = Extend {
        request: exchange.draft.request.clone(),
        ..extend
    };
    match exchange.govern(Command::Extend(extend)).await? {
        reply @ (Verdict::Admitted { .. } | Verdict::Done { .. }) => Ok(reply),
        Verdict::Downgrade { .. } => Err(refusal(&spent(), by)),
        Verdict::Refused { reason, .. } => Err(refusal(&reason, by)),
        reply => Err(Error::internal(format!("extend was answered {reply:?}"))),
    }
}

/// A request that is under way is not planned for a cheaper route.
const fn spent() -> Refusal {
    Refusal::BudgetExhausted {
        budget: String::new(),
        cache_only: false,
    }
}
