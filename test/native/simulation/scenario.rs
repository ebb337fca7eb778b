//! One run: set up, load with disturbances, quiet, checks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::{Value, json};

use super::admins;
use super::checks;
use super::clients::{self, Seen};
use super::world::random::Random;
use super::world::{Worker, World};

pub(crate) const ORGS: [&str; 3] = ["alfa", "bravo", "carla"];
const REQUESTS: u64 = 1_000;
const ISOLATES: usize = 3;
/// The most milliseconds between two requests, and where isolates are to be busy.
const PAUSE_MS: u64 = 160;
const BUSY_PAUSE_MS: u64 = 24;
/// Longer than any deadline and any repeated drain after the last jump of the clock.
const QUIET_MS: u64 = 3 * 3_600_000;

/// An org as its clients and administrators know it.
pub(crate) struct Org {
    pub(crate) name: &'static str,
    /// Stands in every document and in most prompts of this org, and of no other.
    pub(crate) marker: String,
    /// Key text and id; revoked ones stay.
    pub(crate) keys: RefCell<Vec<(String, String)>>,
    /// Versions of the document that were promised, with the corpus from which on they hold.
    pub(crate) promised: RefCell<Vec<(u64, u64)>>,
    /// What administrators were told, and when by true time.
    pub(crate) told: RefCell<Vec<(u64, Told)>>,
    pub(crate) changing: Cell<bool>,
    pub(crate) next_version: Cell<u64>,
}

/// What an administrator was told.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// This configuration is in force.
    Config(u64),
    /// These changes of documents are.
    Corpus(u64),
    /// This key is refused.
    Revoked(String),
}

/// Everything of a run.
pub(crate) struct Scenario {
    pub(crate) world: World,
    pub(crate) orgs: Vec<Rc<Org>>,
    pub(crate) workers: RefCell<Vec<Worker>>,
    pub(crate) random: Random,
    pub(crate) seen: RefCell<Vec<Seen>>,
    pub(crate) dropped: Cell<u64>,
    /// Whether isolates admit from leases, and are busy enough for that.
    pub(crate) is_leased: bool,
    next_group: Cell<u64>,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) digest: u64,
    pub(crate) statuses: std::collections::BTreeMap<u16, u64>,
    pub(crate) endings: std::collections::BTreeMap<String, u64>,
    pub(crate) hits: u64,
    pub(crate) dropped: u64,
    /// Requests that were admitted from leases.
    pub(crate) leased: u64,
    /// Requests that were answered 502, and those of them that nobody settled.
    pub(crate) failures: (u64, u64),
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (ending, count) in &other.endings {
            *self.endings.entry(ending.clone()).or_default() += count;
        }
        self.hits += other.hits;
        self.leased += other.leased;
        self.dropped += other.dropped;
        self.failures.0 += other.failures.0;
        self.failures.1 += other.failures.1;
    }

    /// The run is worth something only if everything of interest came about.
    pub(crate) fn check_coverage(&self) {
        for status in [200, 401, 402, 404, 429, 502, 503] {
            assert!(
                self.statuses.contains_key(&status),
                "nobody was answered {status}"
            );
        }
        for ending in [
            "Answered",
            "Cached",
            "ClientGone",
            "Expired",
            "Failed",
            "Late",
            "LeaseLost",
            "Truncated",
        ] {
            assert!(
                self.endings.contains_key(ending),
                "no request ended as {ending}"
            );
        }
        assert!(self.hits > 0 && self.dropped > 0 && self.leased > 0);
        let (failures, unsettled) = self.failures;
        assert!(
            unsettled * 10 < failures,
            "only a governor that is out of reach may leave a failure to expire: {:?}",
            self.failures
        );
    }
}

pub(crate) fn run(seed: u64) -> Outcome {
    let scenario = Rc::new(Scenario::begin(seed));
    scenario.disturb();
    let load = Rc::clone(&scenario);
    scenario
        .world
        .shared
        .executor
        .block_on(async move { load.load().await });
    scenario.calm();
    checks::all(&scenario)
}

/// Limits and budgets; where isolates admit from leases, so wide that a hundredth is something.
pub(crate) fn rules(random: &Random, is_leased: bool) -> Value {
    let (requests, money) = if is_leased {
        ([500, 3_000, 20_000], ["2", "20", "200"])
    } else {
        ([60, 200, 500], ["0.1", "1", "10"])
    };
    let leased = is_leased && random.chance(850);
    json!({
        "admission": if leased { "leased" } else { "strict" },
        "limits": [{ "count": "requests", "limit": random.pick(&requests), "seconds": 60 }],
        "budgets": [{ "usd": random.pick(&money), "period": "day" }],
    })
}

impl Scenario {
    fn begin(seed: u64) -> Self {
        let world = World::new(seed);
        let random = Random::new(seed ^ 0x10ad);
        // Half of the runs cross midnight.
        world
            .shared
            .clock
            .jump(43_200_000 - i64::try_from(random.below(150_000)).unwrap());
        let worker = world.worker(1);
        let is_leased = seed % 2 == 1;
        let org = |name: &'static str| {
            let config = rules(&random, is_leased);
            let first = world.org(&worker, name, &config);
            let id = first.split('_').nth(2).unwrap().to_owned();
            let org = Org {
                name,
                marker: format!("MARKER{}", name.to_uppercase()),
                keys: RefCell::new(vec![(first.clone(), id)]),
                promised: RefCell::default(),
                told: RefCell::default(),
                changing: Cell::new(false),
                next_version: Cell::new(1),
            };
            world.learn(&worker, &first, "returns", &org.document(0));
            Rc::new(org)
        };
        let orgs = ORGS.map(org).into();
        Self {
            orgs,
            workers: RefCell::new(vec![worker]),
            random,
            seen: RefCell::default(),
            dropped: Cell::new(0),
            is_leased,
            next_group: Cell::new(2),
            world,
        }
    }

    /// From now on anything fails.
    fn disturb(&self) {
        while self.workers.borrow().len() < ISOLATES {
            let worker = self.new_worker();
            self.workers.borrow_mut().push(worker);
        }
        self.world.shared.latency.set(40);
        self.world.shared.faults.by_chance(15);
        self.world.provider.by_chance(150);
    }

    fn new_worker(&self) -> Worker {
        let group = self.next_group.replace(self.next_group.get() + 1);
        self.world.worker(group)
    }

    pub(crate) fn any_worker(&self) -> Worker {
        self.random.pick(&self.workers.borrow()).clone()
    }

    async fn load(self: Rc<Self>) {
        for _ in 0..REQUESTS {
            let pause = if self.is_leased {
                BUSY_PAUSE_MS
            } else {
                PAUSE_MS
            };
            self.world.shared.sleep(self.random.below(pause)).await;
            clients::begin(&self);
            match self.random.below(1_000) {
                0..5 => self.lose_isolate(),
                5..15 => self.world.governors.evict_all(),
                15..25 => self.jump(),
                25..35 => admins::configure(&self),
                35..45 => admins::learn(&self),
                45..49 => admins::replace_key(&self),
                49..54 => admins::switch_off(&self),
                _ => {}
            }
        }
    }

    /// An isolate is gone with its memory and everything it had under way.
    fn lose_isolate(&self) {
        let index = self.random.index(ISOLATES);
        let lost = self.workers.borrow()[index].group;
        self.world.shared.lost.borrow_mut().insert(lost);
        self.world.shared.executor.cancel_group(lost);
        let worker = self.new_worker();
        self.workers.borrow_mut()[index] = worker;
    }

    fn jump(&self) {
        let range = *self.random.pick(&[2_000, 70_000, 500_000]);
        let by = i64::try_from(self.random.below(range)).unwrap();
        let by = if self.random.chance(500) { by } else { -by };
        self.world.shared.clock.jump(by);
    }

    /// Nothing fails any more, and time passes until nothing is left to do.
    fn calm(&self) {
        self.world.shared.faults.end();
        self.world.provider.by_chance(0);
        self.world.shared.executor.pass(QUIET_MS);
    }
}

impl Org {
    /// The text of the document's version.
    pub(crate) fn document(&self, version: u64) -> String {
        format!(
            "VERSION{version}. {} takes back any battery: you have 30 days to return it.",
            self.marker
        )
    }
}
