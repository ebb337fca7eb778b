//! Several calls for one request: a few at once, their answers in order.

use futures::future::join_all;

use crate::providers::Failure;
use crate::usage::Usage;

/// Calls of one request that run at once: few enough to leave the platform connections for others.
const PARALLEL: usize = 4;

/// Makes a call for each item. What the calls before a failure used is noted too.
///
/// # Errors
/// The first failure; no call begins after it.
pub(super) async fn several<I: Copy, T>(
    items: &[I],
    used: &mut Usage,
    call: impl AsyncFn(I) -> Result<(T, Usage), Failure>,
) -> Result<Vec<T>, Failure> {
    let mut answers = Vec::with_capacity(items.len());
    for some in items.chunks(PARALLEL) {
        let mut failed = None;
        for outcome in join_all(some.iter().map(|item| call(*item))).await {
            match outcome {
                Ok((answer, usage)) => {
                    *used = used.plus(usage);
                    answers.push(answer);
                }
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        if let Some(failure) = failed {
            return Err(failure);
        }
    }
    Ok(answers)
}
