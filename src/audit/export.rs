//! The audit trail as a stream of NDJSON, oldest first.

use futures::stream::{self, LocalBoxStream, StreamExt};

use super::archive::recorded_at;
use super::trail::{Step, Trail};
use super::{Sealed, line};
use crate::error::Error;
use crate::ports::Ports;

/// Which records: those made at `from` or later, before `to`. Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first instant.
    pub from: u64,
    /// The first instant after it.
    pub to: u64,
}

/// The lines of an org's records, a page at a time. An error in the middle ends the stream with it.
///
/// # Errors
/// `Unavailable` where nothing can be read.
pub async fn export(
    ports: &Ports,
    org: &str,
    interval: Interval,
) -> Result<LocalBoxStream<'static, Result<Vec<u8>, Error>>, Error> {
    let mut trail = Trail::new(ports, org, 0);
    trail.skip_until(interval.from).await?;
    let pages = stream::unfold(Some(trail), move |trail| async move {
        let mut trail = trail?;
        match page(&mut trail, interval).await {
            Ok(Some((lines, is_last))) => Some((Ok(lines), (!is_last).then_some(trail))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(pages.boxed_local())
}

/// The next lines, and whether they are the last; nothing at the end.
async fn page(trail: &mut Trail, interval: Interval) -> Result<Option<(Vec<u8>, bool)>, Error> {
    let records = match trail.next().await? {
        Step::Records(records) if records.is_empty() => return Ok(None),
        Step::Records(records) => records,
        Step::Damaged(span) => {
            let (first, last) = (span.first, span.last);
            return Err(Error::internal(format!(
                "the archive of records {first} to {last} cannot be read"
            )));
        }
    };
    // What is no record any more belongs to every time: nothing is hidden by altering it.
    let time = |sealed: &Sealed| recorded_at(sealed).ok();
    let is_last = records
        .last()
        .and_then(time)
        .is_some_and(|it| it >= interval.to);
    let within = |at: u64| (interval.from..interval.to).contains(&at);
    let wanted = records
        .iter()
        .filter(|sealed| time(sealed).is_none_or(within));
    let mut lines = Vec::new();
    for sealed in wanted {
        lines.extend_from_slice(line::write(sealed)?.as_bytes());
    }
    Ok(Some((lines, is_last)))
}
