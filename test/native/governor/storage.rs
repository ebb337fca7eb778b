//! A journal in memory that fails when told to, a governor on top of it, and short commands.

use esclusa::audit::{Draft, GENESIS, Record, Sealed, verify};
use esclusa::error::Error;
use std::collections::BTreeSet;
use std::rc::Rc;

use esclusa::governor::command::{
    Activate, BudgetState, Command, Envelope, Extend, Refusal, Reply, Reserve, Settle, State,
    Subjects, Tokens, Versions,
};
use esclusa::governor::defaults::LeftOut;
use esclusa::governor::rules::{
    Budget, Limit, Measure, Pace, Period, Rules, Scope, WhenSpent, Window,
};
use esclusa::governor::{AlwaysUtc, Governor, Journal, Row, Zones};
use esclusa::money::Nanos;

pub(crate) const ORG: &str = "acme";
pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const DAY: u64 = 86_400 * SECOND;
/// Midnight of a day, so that tests say when they cross one.
pub(crate) const START: u64 = 20_000 * DAY;

/// How the next append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The row is not stored.
    Before,
    /// The row is stored, its writer hears of an error.
    After,
}

/// What survives a crash.
#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) snapshot: Option<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) fault: Option<Fault>,
}

impl Journal for Storage {
    fn append(&mut self, row: &Row) -> Result<(), Error> {
        let fault = self.fault.take();
        if fault != Some(Fault::Before) {
            self.rows.push(row.clone());
        }
        fault.map_or(Ok(()), |_| Err(Error::internal("disk")))
    }
}

/// A governor with its storage and a clock.
pub(crate) struct World {
    pub(crate) governor: Governor,
    pub(crate) zones: Rc<dyn Zones>,
    pub(crate) storage: Storage,
    pub(crate) now: u64,
}

impl World {
    /// Nothing is active yet.
    pub(crate) fn empty() -> Self {
        Self {
            governor: Governor::new(ORG, Rc::new(AlwaysUtc)),
            zones: Rc::new(AlwaysUtc),
            storage: Storage::default(),
            now: START,
        }
    }

    /// Version 1 is active with these limits.
    pub(crate) fn with(requests_per_minute: Option<u32>, daily_budget: Option<i64>) -> Self {
        let mut world = Self::empty();
        world.run(activate(1, requests_per_minute, daily_budget));
        world
    }

    /// Version 1 is active with these limits.
    pub(crate) fn limited(limits: Vec<Limit>) -> Self {
        Self::ruled(rules(limits, Vec::new()))
    }

    /// Version 1 is active with these rules.
    pub(crate) fn ruled(rules: Rules) -> Self {
        let mut world = Self::empty();
        world.run(activate_rules(1, rules));
        world
    }

    pub(crate) fn run(&mut self, command: Command) -> Reply {
        self.try_run(command).unwrap()
    }

    pub(crate) fn try_run(&mut self, command: Command) -> Result<Reply, Error> {
        let envelope = Envelope::new(command);
        self.governor
            .execute(&envelope, self.now, &mut self.storage)
    }

    /// Runs a command of which nothing may be written.
    pub(crate) fn read(&mut self, command: Command) -> Reply {
        let rows = self.storage.rows.len();
        let reply = self.run(command);
        assert_eq!(self.storage.rows.len(), rows, "a row was written");
        reply
    }

    pub(crate) fn tick(&mut self) {
        self.governor.tick(self.now, &mut self.storage).unwrap();
    }

    pub(crate) fn state(&mut self) -> State {
        match self.read(Command::Inspect { most: 100 }) {
            Reply::State { state } => state,
            other => panic!("{other:?}"),
        }
    }

    /// Loses the memory and builds it again from what is stored.
    pub(crate) fn crash(&mut self) {
        self.governor = self.restored();
    }

    pub(crate) fn restored(&self) -> Governor {
        let rows = self.storage.rows.iter();
        let entries = rows.map(|row| (row.seq, row.entry.as_str()));
        Governor::restore(
            ORG,
            self.zones.clone(),
            self.storage.snapshot.as_deref(),
            entries,
        )
        .unwrap()
    }

    pub(crate) fn sealed(&self) -> Vec<Sealed> {
        let rows = self.storage.rows.iter();
        rows.filter_map(|row| row.sealed.clone()).collect()
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        let parse = |sealed: &Sealed| serde_json::from_str(&sealed.record).unwrap();
        self.sealed().iter().map(parse).collect()
    }

    pub(crate) fn last_record(&self) -> Record {
        self.records().pop().unwrap()
    }

    /// What must hold at any time.
    pub(crate) fn check(&self) {
        let records = self.records();
        let costs: i128 = records
            .iter()
            .map(|record| i128::from(record.cost.get()))
            .sum();
        assert_eq!(costs, self.governor.charged(), "records and ledger differ");
        let head = verify((0, GENESIS.to_owned()), &self.sealed()).unwrap();
        assert_eq!((head.0, head.1.as_str()), self.governor.head());
        let positions = self.storage.rows.iter().map(|row| row.seq);
        assert!(
            positions.eq(1..=self.storage.rows.len() as u64),
            "rows have gaps"
        );
        self.check_same(&self.restored(), "storage");
        let snapshot = self.governor.snapshot().unwrap();
        let nothing: [(u64, &str); 0] = [];
        let copy = Governor::restore(ORG, self.zones.clone(), Some(&snapshot), nothing).unwrap();
        self.check_same(&copy, "its snapshot");
    }

    fn check_same(&self, other: &Governor, what: &str) {
        let known = |governor: &Governor| {
            let snapshot = governor.snapshot().unwrap();
            (governor.seq(), governor.next_due(), snapshot)
        };
        assert_eq!(
            known(other),
            known(&self.governor),
            "memory and {what} differ"
        );
    }
}

pub(crate) fn draft(request: &str) -> Draft {
    Draft {
        request: request.to_owned(),
        at: START,
        key: "key".to_owned(),
        ..Draft::default()
    }
}

pub(crate) fn activate(
    version: u64,
    requests_per_minute: Option<u32>,
    daily_budget: Option<i64>,
) -> Command {
    let limits = requests_per_minute.map(per_minute);
    let budgets = daily_budget.map(daily);
    let rules = rules(limits.into_iter().collect(), budgets.into_iter().collect());
    activate_rules(version, rules)
}

pub(crate) fn activate_rules(version: u64, rules: Rules) -> Command {
    Command::Activate(Activate {
        version,
        rules,
        left_out: LeftOut::new(),
    })
}

pub(crate) fn rules(limits: Vec<Limit>, budgets: Vec<Budget>) -> Rules {
    Rules {
        limits,
        budgets,
        ..Rules::default()
    }
}

/// So many requests in any minute for the whole org.
pub(crate) fn per_minute(limit: u32) -> Limit {
    Limit {
        name: "requests".to_owned(),
        per: Scope::Org,
        only: None,
        measure: Measure::Requests(Pace {
            seconds: 60,
            window: Window::Sliding,
        }),
        limit: u64::from(limit),
    }
}

/// So many nano-dollars a day for the whole org.
pub(crate) fn daily(amount: i64) -> Budget {
    Budget {
        name: "day".to_owned(),
        per: Scope::Org,
        only: None,
        period: Period::Day,
        amount: Nanos::new(amount),
        thresholds: Vec::new(),
        when_spent: WhenSpent::Refuse,
    }
}

/// What the whole org spent today, with the budget of the day where there is one.
pub(crate) fn today(state: &State) -> BudgetState {
    let of_day = |name: &str| {
        let budgets = &mut state.budgets.iter();
        budgets
            .find(|it| it.per == Scope::Org && it.period == "day" && it.name == name)
            .cloned()
    };
    of_day("day").or_else(|| of_day("")).unwrap()
}

/// Planned with configuration 1, five minutes of time, free.
pub(crate) fn reservation(request: &str) -> Reserve {
    let planned = Versions {
        config: 1,
        corpus: 0,
        deployment: 0,
    };
    Reserve {
        draft: draft(request),
        subjects: Subjects::default(),
        candidates: Vec::new(),
        bound: Nanos::ZERO,
        unpriced: false,
        tokens: Tokens::default(),
        route: None,
        planned,
        idempotency: None,
        lease: None,
        deadline_ms: 5 * MINUTE,
    }
}

pub(crate) fn reserve(request: &str, bound: i64) -> Command {
    Command::Reserve(Reserve {
        bound: Nanos::new(bound),
        ..reservation(request)
    })
}

pub(crate) fn extend(request: &str, step: u32, by: i64) -> Command {
    let by = Nanos::new(by);
    let request = request.to_owned();
    Command::Extend(Extend {
        request,
        step,
        by,
        ..Extend::default()
    })
}

pub(crate) fn settle(request: &str, cost: i64) -> Command {
    Command::Settle(settlement(request, cost))
}

pub(crate) fn settlement(request: &str, cost: i64) -> Settle {
    Settle {
        draft: draft(request),
        cost: Nanos::new(cost),
        kept: false,
        unreached: BTreeSet::new(),
        part: None,
        sightings: Vec::new(),
    }
}

pub(crate) fn is_admitted(reply: &Reply) -> bool {
    matches!(reply, Reply::Admitted { .. })
}

/// Why a request was refused.
pub(crate) fn refusal(reply: Reply) -> Refusal {
    match reply {
        Reply::Refused { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// Refused by a budget of this name.
pub(crate) fn spent(budget: &str) -> Refusal {
    Refusal::BudgetExhausted {
        budget: budget.to_owned(),
        cache_only: false,
    }
}

/// Refused because no budget can carry it.
pub(crate) fn no_budget() -> Refusal {
    spent("")
}
