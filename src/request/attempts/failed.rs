//! The error of a request that no model answered.

use crate::error::{Error, Kind};
use crate::providers::{Failure, FailureClass};
use crate::routing::breaker::{Resting, Why};

/// Seconds after which a rate limit may be over where no provider says when.
const USUAL_RETRY_SECONDS: u64 = 5;

/// The error of a request of which every attempt failed; `passed` were left alone besides.
pub(super) fn exhausted(
    failures: &[(&str, Failure)],
    passed: &[(usize, Resting)],
    subject: &str,
) -> Error {
    let Some((_, last)) = failures.last() else {
        let message = "The request's time was over before any model could be asked.";
        return Error::new(Kind::DeadlineExceeded, message);
    };
    let named: Vec<String> = failures
        .iter()
        .map(|(model, failure)| format!("{model} ({})", failure.class.as_str()))
        .collect();
    let details: Vec<String> = failures
        .iter()
        .map(|(_, failure)| failure.to_string())
        .collect();
    let every = |class| failures.iter().all(|(_, failure)| failure.class == class);
    let error = if last.class == FailureClass::ContentPolicy {
        let message = format!(
            "The provider's content policy forbids this request: {}.",
            named.join(", ")
        );
        Error::new(Kind::Forbidden, message)
    } else if every(FailureClass::ContextLength) {
        let message = format!(
            "`{subject}` is too long for every model tried: {}. Shorten it.",
            named.join(", ")
        );
        Error::invalid(subject, message)
    } else if every(FailureClass::BadRequest) {
        let message = format!(
            "Every model tried refuses a parameter of this request: {}. Leave out what they do not take.",
            named.join(", ")
        );
        Error::new(Kind::InvalidRequest, message)
    } else {
        let message = format!(
            "No model could answer, after {} attempts: {}. Retry later.",
            failures.len(),
            named.join(", ")
        );
        unanswered(failures, passed, message)
    };
    error.with_detail(details.join("; "))
}

/// The error where a retry may help: a limit of requests where nothing else stood in the way.
fn unanswered(failures: &[(&str, Failure)], passed: &[(usize, Resting)], message: String) -> Error {
    let told = failures
        .iter()
        .filter_map(|(_, failure)| failure.retry_after);
    let left = passed.iter().map(|(_, resting)| seconds(*resting));
    let after = told.chain(left).min();
    let busy = |(_, resting): &(usize, Resting)| resting.why == Why::Busy;
    let all_busy = failures.iter().all(|(_, failure)| failure.is_rate_limit());
    if all_busy && passed.iter().all(busy) {
        let after = after.unwrap_or(USUAL_RETRY_SECONDS);
        return Error::new(Kind::UpstreamBusy, message).retry_after(after);
    }
    Error {
        retry_after: after,
        ..Error::new(Kind::UpstreamFailed, message)
    }
}

/// The error of a request for which no model may be asked now.
pub(super) fn left_alone(passed: &[(&str, Resting)]) -> Error {
    let named: Vec<String> = passed
        .iter()
        .map(|(model, resting)| format!("{model} ({})", resting.why.as_str()))
        .collect();
    let after = passed.iter().map(|(_, resting)| seconds(*resting)).min();
    let after = after.unwrap_or(USUAL_RETRY_SECONDS);
    let kind = if passed.iter().all(|(_, resting)| resting.why == Why::Busy) {
        Kind::UpstreamBusy
    } else {
        Kind::CircuitOpen
    };
    let message = format!(
        "No model may be asked now: {}. Retry in {after} s.",
        named.join(", ")
    );
    Error::new(kind, message).retry_after(after)
}

/// Whole seconds until a model may be asked, at least one.
const fn seconds(resting: Resting) -> u64 {
    let seconds = resting.left_ms.div_ceil(1_000);
    if seconds == 0 { 1 } else { seconds }
}
