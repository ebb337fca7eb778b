//! The governor against its [`Model`], under commands, repetitions, failures of the journal, lost
//! memory, snapshots and clocks in any order.

use std::collections::BTreeMap;

use esclusa::audit::{Draft, Outcome};
use esclusa::governor::command::{Activate, Command, Reply, Reserve, Settle, Versions};
use esclusa::governor::defaults::Part;
use esclusa::governor::switches::{Edition, Switch, Turn};
use esclusa::money::Nanos;
use proptest::prelude::*;

use super::model::{Expected, Model};
use super::storage::*;

/// Stands for the versions in force when the command is run.
const CURRENT: Versions = Versions {
    config: 0,
    corpus: 0,
    deployment: 0,
};
const STALE: Versions = Versions {
    config: 99,
    corpus: 0,
    deployment: 0,
};

/// One thing that happens.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "most steps are commands")]
enum Step {
    Crash,
    Run(Command, Option<Fault>),
    Sleep(i64),
    /// Keeps a snapshot and drops the entries that it covers, as compaction does.
    Snapshot,
    Tick(Option<Fault>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (command(), fault()).prop_map(|(command, fault)| Step::Run(command, fault)),
        3 => Just(Step::Crash),
        12 => pause().prop_map(Step::Sleep),
        3 => Just(Step::Snapshot),
        8 => fault().prop_map(Step::Tick),
    ];
    // Fewer than the 100 refusals of a key that are recorded in full: `refusals` tests the others.
    prop::collection::vec(step, 1..95)
}

fn command() -> impl Strategy<Value = Command> {
    let id = || 0_u64..24;
    prop_oneof![
        3 => (0_u64..8, prop::option::of(0_u32..8), prop::option::of(-1_i64..60), 0_u8..4)
            .prop_map(|(version, requests, budget, left_out)| {
                leaving(left_out, activate(version, requests, budget))
            }),
        1 => (0_u8..3).prop_map(|id| Command::ChangeCorpus { id: format!("c{id}") }),
        6 => (id(), 0_u32..3, -2_i64..20)
            .prop_map(|(id, step, by)| extend(&format!("r{id}"), step, by)),
        2 => Just(Command::Inspect { most: 100 }),
        2 => id().prop_map(|id| Command::Refuse { draft: numbered(id, 0) }),
        20 => (id(), 0_u8..3, -1_i64..30, 0_u8..10, 0_u64..200_000).prop_map(
            |(id, key, bound, stale, deadline_ms)| {
                let planned = if stale == 0 { STALE } else { CURRENT };
                let draft = numbered(id, key);
                Command::Reserve(Reserve { draft, bound: Nanos::new(bound), planned, deadline_ms, ..reservation("") })
            }
        ),
        1 => (0_u64..200_000).prop_map(|later| Command::ExpireKey {
            key: "key1".to_owned(),
            at: START + later,
        }),
        1 => Just(Command::RevokeKey { key: "key2".to_owned() }),
        3 => turn().prop_map(Command::Turn),
        3 => (1_u64..9, turn()).prop_map(|(number, turn)| Command::Adopt(edition(number, turn))),
        2 => (0_u8..3).prop_map(|key| Command::Check { key: format!("key{key}") }),
        12 => (id(), -1_i64..40).prop_map(|(id, cost)| {
            let cost = Nanos::new(cost);
            Command::Settle(Settle { draft: numbered(id, 0), cost, ..Settle::default() })
        }),
    ]
}

/// Mostly off, so that something is admitted.
fn turn() -> impl Strategy<Value = Turn> {
    let subject = prop::sample::select(vec!["org", "key/key1", "model/a", "provider/b"]);
    let until = prop_oneof![Just(None), (0_u64..100_000).prop_map(|ms| Some(START + ms))];
    let switch = (until, any::<bool>()).prop_map(|(until, abort)| Switch {
        until,
        abort,
        ..Switch::default()
    });
    let on = prop::option::weighted(0.3, switch);
    let of = prop::option::weighted(0.3, 0_u64..4);
    (subject, on, of).prop_map(|(subject, on, of)| Turn {
        subject: subject.parse().unwrap(),
        on,
        of,
    })
}

fn edition(number: u64, Turn { subject, on, .. }: Turn) -> Edition {
    let switches = on.map(|switch| (subject, switch)).into_iter().collect();
    Edition {
        number: number - number / 3,
        switches,
        deployment: deployment(number / 3),
    }
}

/// Each version as the root has it.
fn deployment(version: u64) -> Option<Box<Activate>> {
    let (requests, budget) = match version {
        0 => return None,
        1 => (Some(2), None),
        _ => (None, Some(30)),
    };
    let Command::Activate(activate) = activate(version, requests, budget) else {
        return None;
    };
    Some(Box::new(activate))
}

/// The same configuration, as one that leaves out its limits (1), its budgets (2) or both.
fn leaving(left_out: u8, command: Command) -> Command {
    let Command::Activate(mut activate) = command else {
        return command;
    };
    let parts = [(1, Part::Limits), (2, Part::Budgets)];
    let parts = parts.into_iter().filter(|(bit, _)| left_out & bit > 0);
    activate.left_out = parts.map(|(_, part)| part).collect();
    Command::Activate(activate)
}

fn numbered(id: u64, key: u8) -> Draft {
    Draft {
        at: START + id,
        key: format!("key{key}"),
        ..draft(&format!("r{id}"))
    }
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        8 => Just(None),
        1 => Just(Some(Fault::Before)),
        1 => Just(Some(Fault::After)),
    ]
}

fn pause() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0_i64..4_000,
        3 => 50_000_i64..70_000,
        2 => -90_000_i64..0,
        1 => Just(11 * 60_000_i64),
        1 => Just(86_400_000_i64),
    ]
}

/// The command as a caller sends it that knows the versions in force.
fn planned(world: &mut World, mut command: Command) -> Command {
    if let Command::Reserve(reserve) = &mut command
        && reserve.planned == CURRENT
    {
        reserve.planned = world.state().versions;
    }
    command
}

/// The governor and its model side by side.
struct Pair {
    world: World,
    model: Model,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            world: World::empty(),
            model: Model::default(),
        };
        pair.run(&activate(1, Some(6), Some(100)), None);
        pair
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Crash => self.world.crash(),
            Step::Run(command, fault) => {
                let command = planned(&mut self.world, command);
                self.run(&command, fault);
            }
            Step::Sleep(pause) => self.world.now = self.world.now.saturating_add_signed(pause),
            Step::Snapshot => {
                self.world.storage.snapshot = Some(self.world.governor.snapshot().unwrap());
                let rows = self.world.storage.rows.iter_mut();
                rows.for_each(|row| row.entry.clear());
            }
            Step::Tick(fault) => self.tick(fault),
        }
    }

    /// A caller that hears of an error asks again, whatever became of the first time.
    fn run(&mut self, command: &Command, fault: Option<Fault>) {
        let rows = self.world.storage.rows.len();
        self.world.storage.fault = fault;
        let reply = self.world.try_run(command.clone()).unwrap_or_else(|_| {
            if self.world.storage.rows.len() > rows {
                self.model.execute(command, self.world.now);
            }
            self.world.crash();
            self.world.run(command.clone())
        });
        self.world.storage.fault = None;
        let expected = self.model.execute(command, self.world.now);
        assert_eq!(reply, expected, "{command:?}");
    }

    fn tick(&mut self, fault: Option<Fault>) {
        let now = self.world.now;
        let rows = self.world.storage.rows.len();
        self.world.storage.fault = fault;
        if self
            .world
            .governor
            .tick(now, &mut self.world.storage)
            .is_err()
        {
            let stored = self.world.storage.rows.len() - rows;
            self.model.tick(now, stored);
            self.world.crash();
            self.world.tick();
        }
        self.world.storage.fault = None;
        self.model.tick(now, usize::MAX);
    }

    fn check(&self) {
        self.world.check();
        let records: Vec<Expected> = self
            .world
            .records()
            .into_iter()
            .map(|record| {
                let draft = record.draft;
                (
                    draft.request,
                    draft.outcome,
                    record.cost.get(),
                    record.bound.get(),
                )
            })
            .collect();
        assert_eq!(records, self.model.records);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_governor_does_what_its_model_does(steps in steps()) {
        let mut pair = Pair::new();
        for step in steps {
            pair.step(step);
        }
        pair.check();
    }

    /// Without a model: whatever happens, what is admitted ends once and fits.
    #[test]
    fn every_admitted_request_ends_exactly_once(steps in steps()) {
        let mut world = World::with(None, Some(100));
        let mut admitted: BTreeMap<String, u64> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Run(Command::Activate(_), _) => {}
                Step::Run(command, fault) => {
                    let command = planned(&mut world, command);
                    world.storage.fault = fault;
                    if world.try_run(command.clone()).is_err() {
                        world.crash();
                    }
                    world.storage.fault = None;
                    let reply = world.run(command.clone());
                    if let (Command::Reserve(reserve), Reply::Admitted { .. }) = (&command, reply) {
                        let budget = today(&world.state());
                        let held = budget.spent.get() + budget.reserved.get();
                        prop_assert!(held <= 100 || reserve.bound == Nanos::ZERO || spent_more(&world));
                        admitted.insert(reserve.draft.request.clone(), 0);
                    }
                }
                Step::Crash | Step::Snapshot => world.crash(),
                // Ids are remembered for a day.
                Step::Sleep(pause) => {
                    world.now = world.now.saturating_add_signed(pause.min(60_000));
                }
                Step::Tick(_) => world.tick(),
            }
        }
        world.now += DAY / 2;
        world.tick();
        prop_assert_eq!(world.state().open_reservations, 0);
        prop_assert_eq!(world.governor.next_due(), None);
        for record in world.records() {
            let ends = !matches!(record.draft.outcome, Outcome::Late | Outcome::Refused);
            if let Some(ended) = admitted.get_mut(&record.draft.request) {
                *ended += u64::from(ends);
            }
        }
        prop_assert!(admitted.values().all(|ended| *ended == 1), "{:?}", admitted);
        world.check();
    }
}

/// Whether some settlement cost more than was reserved for it: only that may exceed the budget.
fn spent_more(world: &World) -> bool {
    let records = world.records();
    records.iter().any(|record| record.cost > record.bound)
}
