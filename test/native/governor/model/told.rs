//! What the naive governor tells: its state in replies.

use super::*;

impl Model {
    /// Of which rules an open request is told.
    pub(super) fn shown_to(&self, id: &str) -> Shown {
        if self.requests[id].counted {
            Shown::All
        } else {
            Shown::Budget
        }
    }

    pub(super) fn state(&self, at: u64, shown: Shown) -> State {
        let limit = self
            .limit
            .filter(|_| shown == Shown::All)
            .map(|limit| LimitState {
                name: "requests".to_owned(),
                per: Scope::Org,
                subject: String::new(),
                count: "requests".to_owned(),
                seconds: Some(60),
                limit: u64::from(limit),
                used: self.used(at),
                reset: (0..=60)
                    .find(|seconds| self.used(at + seconds * SECOND) == 0)
                    .unwrap(),
            });
        let budget = self
            .budget
            .filter(|_| shown != Shown::None)
            .map(|limit| BudgetState {
                name: "day".to_owned(),
                limit: Some(Nanos::new(limit)),
                refuses: true,
                ..self.org("day", at)
            });
        let open = self.requests.values();
        State {
            versions: self.versions,
            limits: limit.into_iter().collect(),
            budgets: budget.into_iter().collect(),
            credits: None,
            open_reservations: open.filter(|request| request.end.is_none()).count() as u64,
            switches: self.notice(at),
        }
    }

    /// What the org spent in the period around `at`.
    pub(super) fn org(&self, period: &str, at: u64) -> BudgetState {
        let number = |day: u64| match period {
            "day" => day,
            // 1970-01-01 was a Thursday.
            "week" => (day + 3) / 7,
            "month" => month(day),
            _ => 0,
        };
        let today = at / DAY;
        let same = |day: u64| number(day) == number(today);
        let next = (today..today + 32).find(|day| !same(*day));
        BudgetState {
            name: String::new(),
            per: Scope::Org,
            subject: String::new(),
            period: period.to_owned(),
            limit: None,
            spent: Nanos::new(self.spent(same)),
            reserved: Nanos::new(self.reserved(same)),
            reset: next.map(|day| (day * DAY - at).div_ceil(SECOND)),
            refuses: false,
        }
    }

    pub(super) fn done(&self, at: u64) -> Reply {
        let versions = self.versions;
        Reply::Done {
            versions,
            effective_ms: 0,
            switches: self.notice(at),
        }
    }

    pub(super) fn admitted(&self, id: &str, at: u64) -> Reply {
        Reply::Admitted {
            candidate: 0,
            guarded: self.on(at).any(|(it, _)| it.is_of_target()),
            lease: None,
            state: self.state(at, self.shown_to(id)),
            hints: Vec::new(),
        }
    }

    pub(super) fn refused(&self, reason: Refusal, at: u64, shown: Shown) -> Reply {
        let state = self.state(at, shown);
        Reply::Refused { reason, state }
    }
}

fn month(day: u64) -> u64 {
    let date = NaiveDate::from_epoch_days(i32::try_from(day).unwrap()).unwrap();
    u64::try_from(date.year()).unwrap() * 12 + u64::from(date.month0())
}
