//! Several calls for one request: a few at once, their answers in order.

use futures::future::join_all;

use crate::providers::{Failure, FailureClass};
use crate::usage::Usage;

/// Calls of one request that run at once: few enough to leave the platform connections for others.
const PARALLEL: usize = 4;

/// Makes a call for each item. What the calls beside one that failed used is noted too, but not beside
/// one whose answer cannot be read: what all of them used is not known then.
///
/// # Errors
/// The first failure of unknown cost, else the first; no call begins after it.
pub(super) async fn several<I: Copy, T>(
    items: &[I],
    used: &mut Usage,
    call: impl AsyncFn(I) -> Result<(T, Usage), Failure>,
) -> Result<Vec<T>, Failure> {
    let mut answers = Vec::with_capacity(items.len());
    for some in items.chunks(PARALLEL) {
        let mut failures = Vec::new();
        for outcome in join_all(some.iter().map(|item| call(*item))).await {
            match outcome {
                Ok((answer, usage)) => {
                    *used = used.plus(usage);
                    answers.push(answer);
                }
                Err(failure) => failures.push(failure),
            }
        }
        failures.sort_by_key(|failure: &Failure| !failure.class.cost_unknown());
        if let Some(failure) = failures.into_iter().next() {
            if failure.class == FailureClass::Malformed {
                *used = Usage::default();
            }
            return Err(failure);
        }
    }
    Ok(answers)
}
