//! How long each attempt may take.

use crate::routing::health::{Awaited, By, Limit};
use crate::routing::plan::Candidate;

/// The time of attempts, by who is asked and who says so.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// What is waited for.
    pub awaited: Awaited,
    /// Milliseconds unless anybody says otherwise.
    pub usual_ms: u64,
    /// The same of a model that thinks first.
    pub thinking_ms: u64,
    /// What the org says in their place.
    pub org_ms: Option<u64>,
    /// What the caller says. Of a whole answer also more than the org does.
    pub caller_ms: Option<u64>,
}

impl Times {
    /// The limit of an attempt at a candidate.
    pub(super) fn of(&self, candidate: &Candidate) -> Limit {
        let usual_ms = if candidate.thinks() {
            self.thinking_ms
        } else {
            self.usual_ms
        };
        let limit = |milliseconds: u64, by: By| Limit {
            awaited: self.awaited,
            milliseconds,
            by: if milliseconds < usual_ms {
                by
            } else {
                By::Usual
            },
        };
        let of_org = limit(self.org_ms.unwrap_or(usual_ms), By::Org);
        let of_request = match (self.caller_ms, self.awaited) {
            (None, _) => of_org,
            (Some(caller), Awaited::FirstEvent) => of_org.at_most(caller, By::Request),
            (Some(caller), Awaited::Whole) => limit(caller, By::Request),
        };
        match candidate.timeout_ms() {
            Some(of_route) => of_request.at_most(of_route, By::Org),
            None => of_request,
        }
    }
}
