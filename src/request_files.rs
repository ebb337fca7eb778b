//! Files that belong to requests, in folders by org and day, so that those whose time is over are
//! found without a look at the others.

use chrono::DateTime;

use crate::error::Error;
use crate::ports::Files;

/// Listings that one run goes through for an org: at most 1,000 files each.
const RUN_LISTINGS: usize = 20;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder(&'static str);

/// Answers kept for their `Idempotency-Key`.
pub const ANSWERS: Folder = Folder("idempotency");
/// What was asked and answered.
pub const TRANSCRIPTS: Folder = Folder("transcripts");

impl Folder {
    /// The name of a request's file; none where `request` is no id of ours.
    #[must_use]
    pub fn name(self, org: &str, request: &str) -> Option<String> {
        let day = day(arrived(request)?)?;
        Some(format!("{}{day}/{request}", self.prefix(org)))
    }

    /// Removes the org's files of requests that arrived on days before the one that `before` (Unix
    /// milliseconds, UTC) lies in.
    ///
    /// # Errors
    /// `Unavailable`; what was removed until then stays so.
    pub async fn purge(self, files: &dyn Files, org: &str, before: u64) -> Result<(), Error> {
        let prefix = self.prefix(org);
        let Some(end) = day(before).map(|day| format!("{prefix}{day}/")) else {
            return Ok(());
        };
        for _ in 0..RUN_LISTINGS {
            let mut names = files.list(&prefix, "").await?;
            let listed = names.len();
            names.retain(|name| *name < end);
            if names.is_empty() {
                return Ok(());
            }
            files.delete(&names).await?;
            if names.len() < listed {
                return Ok(());
            }
        }
        Ok(())
    }

    fn prefix(self, org: &str) -> String {
        format!("{}/{org}/", self.0)
    }
}

/// When a request arrived, Unix milliseconds: its id, a UUID of version 7, says so.
#[must_use]
pub(crate) fn arrived(request: &str) -> Option<u64> {
    let id = uuid::Uuid::try_parse(request).ok()?;
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    let milliseconds = u64::from(nanoseconds.checked_div(1_000_000)?);
    seconds.checked_mul(1_000)?.checked_add(milliseconds)
}

/// The day in UTC, e.g. `2026-11-21`.
pub(crate) fn day(at: u64) -> Option<String> {
    let time = DateTime::from_timestamp_millis(i64::try_from(at).ok()?)?;
    Some(time.date_naive().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_under_the_day_on_which_its_request_arrived() {
        let name = |id| ANSWERS.name("acme", id);
        let id = "019aa6e1-7c00-7000-8000-000000000000";
        assert_eq!(arrived(id), Some(1_763_736_386_560));
        let expected = format!("idempotency/acme/2025-11-21/{id}");
        assert_eq!(name(id), Some(expected));
        assert_eq!(name("../other"), None);
        assert_eq!(
            name("5c8f1a4e-0000-4000-8000-000000000000"),
            None,
            "version 4"
        );
    }
}
