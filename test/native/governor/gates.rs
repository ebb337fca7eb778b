//! Gates of routes: limits that only requests which name them count for, and that divert rather than
//! refuse.

use std::collections::BTreeSet;

use esclusa::governor::command::{Closed, Command, Extend, Reply, Reserve, Settle, Tokens};
use esclusa::governor::rules::{
    Admission, Budget, Limit, Measure, Pace, Period, Rules, Scope, WhenSpent, Window,
};
use esclusa::money::Nanos;
use proptest::prelude::*;

use super::storage::*;

const CALLS: &str = "support/calls";
const MONEY: &str = "support/money";
const MONTH: &str = "support/month";

fn scope(gate: &str, per: &str) -> Scope {
    format!("gate:{gate} {per}").parse().unwrap()
}

fn gate(name: &str, measure: fn(Pace) -> Measure, limit: u64, window: Window) -> Limit {
    let pace = Pace {
        seconds: 60,
        window,
    };
    Limit {
        name: name.to_owned(),
        per: scope(name, "user"),
        only: None,
        measure: measure(pace),
        limit,
    }
}

fn monthly(amount: i64) -> Budget {
    Budget {
        name: MONTH.to_owned(),
        per: scope(MONTH, "user"),
        period: Period::Month,
        when_spent: WhenSpent::Allow,
        ..daily(amount)
    }
}

fn calls(limit: u64) -> Limit {
    gate(CALLS, Measure::Requests, limit, Window::Sliding)
}

fn money(limit: u64) -> Limit {
    gate(MONEY, Measure::Cost, limit, Window::Sliding)
}

/// A request of a user that goes through gates and costs so much at most.
fn through(request: &str, user: &str, gates: &[&str], bound: i64) -> Reserve {
    let mut reserve = Reserve {
        bound: Nanos::new(bound),
        ..reservation(request)
    };
    user.clone_into(&mut reserve.subjects.user);
    reserve.subjects.gates = gates.iter().map(|&gate| gate.to_owned()).collect();
    reserve
}

/// The gates that are closed; none where it is admitted.
fn closed(world: &mut World, reserve: Reserve) -> Vec<Closed> {
    let rows = world.storage.rows.len();
    match world.run(Command::Reserve(reserve)) {
        Reply::Admitted { .. } => Vec::new(),
        Reply::Divert { gates } => {
            assert_eq!(world.storage.rows.len(), rows, "a row was written");
            gates
        }
        other => panic!("{other:?}"),
    }
}

fn waits(gate: &str, retry_after_ms: u64) -> Vec<Closed> {
    vec![Closed {
        gate: gate.to_owned(),
        retry_after_ms: Some(retry_after_ms),
    }]
}

fn never(gate: &str) -> Vec<Closed> {
    vec![Closed {
        gate: gate.to_owned(),
        retry_after_ms: None,
    }]
}

fn settled(request: &str, cost: i64, unreached: &[&str]) -> Command {
    Command::Settle(Settle {
        unreached: unreached.iter().map(|&gate| gate.to_owned()).collect(),
        ..settlement(request, cost)
    })
}

#[test]
fn a_closed_gate_diverts_and_counts_nothing() {
    let mut world = World::limited(vec![calls(2)]);
    for request in ["a", "b"] {
        assert_eq!(closed(&mut world, through(request, "u", &[CALLS], 0)), []);
    }
    let third = through("c", "u", &[CALLS], 0);
    assert_eq!(closed(&mut world, third.clone()), waits(CALLS, 60 * SECOND));
    let elsewhere = through("c", "u", &[], 0);
    assert_eq!(closed(&mut world, elsewhere), [], "another way is open");
    let other = through("d", "v", &[CALLS], 0);
    assert_eq!(closed(&mut world, other), [], "others have their own");
    world.now += 60 * SECOND;
    let again = Reserve {
        draft: draft("e"),
        ..third
    };
    assert_eq!(closed(&mut world, again), []);
    assert!(world.records().is_empty(), "nothing was refused");
    world.check();
}

#[test]
fn all_closed_gates_are_told_at_once() {
    let mut world = World::ruled(rules(vec![calls(0), money(5)], vec![monthly(9)]));
    let told = closed(&mut world, through("a", "u", &[CALLS, MONEY, MONTH], 10));
    let names: BTreeSet<&str> = told.iter().map(|closed| closed.gate.as_str()).collect();
    assert_eq!(names, BTreeSet::from([CALLS, MONEY, MONTH]));
}

#[test]
fn requests_that_do_not_name_a_gate_do_not_count_there() {
    let mut world = World::limited(vec![calls(1), money(10)]);
    for request in ["a", "b", "c"] {
        assert_eq!(closed(&mut world, through(request, "u", &[], 100)), []);
    }
    assert_eq!(closed(&mut world, through("d", "u", &[CALLS], 100)), []);
    assert_eq!(closed(&mut world, through("e", "u", &[MONEY], 10)), []);
}

#[test]
fn money_holds_its_bound_and_keeps_what_it_cost() {
    let mut world = World::limited(vec![money(100)]);
    assert_eq!(closed(&mut world, through("a", "u", &[MONEY], 80)), []);
    let b = through("b", "u", &[MONEY], 30);
    assert_eq!(closed(&mut world, b.clone()), waits(MONEY, 60 * SECOND));
    world.run(settled("a", 10, &[]));
    assert_eq!(closed(&mut world, b), []);
    world.run(settled("b", 30, &[]));
    assert_eq!(
        closed(&mut world, through("c", "u", &[MONEY], 61)),
        waits(MONEY, 60 * SECOND)
    );
    assert_eq!(closed(&mut world, through("d", "u", &[MONEY], 60)), []);
    assert_eq!(
        closed(&mut world, through("e", "u", &[MONEY], 101)),
        never(MONEY),
        "more than it ever admits"
    );
    world.check();
}

#[test]
fn money_of_a_month_is_the_ledgers() {
    let mut world = World::ruled(rules(Vec::new(), vec![monthly(100)]));
    assert_eq!(closed(&mut world, through("a", "u", &[MONTH], 100)), []);
    world.run(settled("a", 70, &[]));
    let told = closed(&mut world, through("b", "u", &[MONTH], 31));
    let wait = told[0].retry_after_ms.unwrap();
    assert!(
        wait > 0 && wait.is_multiple_of(DAY),
        "to the next month: {wait}"
    );
    world.now += wait;
    assert_eq!(closed(&mut world, through("b", "u", &[MONTH], 100)), []);
    world.check();
}

#[test]
fn an_attempt_more_is_held_too_and_never_refused_by_a_gate() {
    let mut world = World::ruled(rules(vec![money(100)], vec![monthly(100)]));
    assert_eq!(
        closed(&mut world, through("a", "u", &[MONEY, MONTH], 60)),
        []
    );
    let more = Extend {
        request: "a".to_owned(),
        step: 1,
        by: Nanos::new(30),
        ..Extend::default()
    };
    assert!(is_admitted(&world.run(Command::Extend(more.clone()))));
    let told = closed(&mut world, through("b", "u", &[MONEY, MONTH], 11));
    assert_eq!(told.len(), 2);
    let beyond = Extend { step: 2, ..more };
    assert!(is_admitted(&world.run(Command::Extend(beyond))));
    world.run(settled("a", 89, &[]));
    assert_eq!(
        closed(&mut world, through("b", "u", &[MONEY, MONTH], 11)),
        []
    );
    world.check();
}

#[test]
fn gates_that_were_not_reached_count_nothing() {
    let mut world = World::ruled(rules(vec![calls(1), money(100)], vec![monthly(100)]));
    let all = [CALLS, MONEY, MONTH];
    assert_eq!(closed(&mut world, through("a", "u", &all, 100)), []);
    assert_eq!(closed(&mut world, through("b", "u", &all, 100)).len(), 3);
    world.run(settled("a", 50, &all));
    assert_eq!(closed(&mut world, through("b", "u", &all, 100)), []);
    world.run(settled("b", 50, &[MONEY, MONTH]));
    let told = closed(&mut world, through("c", "u", &all, 100));
    assert_eq!(told, waits(CALLS, 60 * SECOND));
    world.check();
}

#[test]
fn an_expired_request_counts_wherever_it_went() {
    let mut world = World::ruled(rules(vec![calls(1)], vec![monthly(100)]));
    assert_eq!(
        closed(&mut world, through("a", "u", &[CALLS, MONTH], 60)),
        []
    );
    world.now += 5 * MINUTE;
    world.tick();
    let told = closed(&mut world, through("b", "u", &[CALLS, MONTH], 41));
    assert_eq!(told[0].gate, MONTH, "charged at its bound");
    world.check();
}

#[test]
fn counters_go_with_the_configuration() {
    let mut world = World::limited(vec![calls(1)]);
    assert_eq!(closed(&mut world, through("a", "u", &[CALLS], 0)), []);
    world.run(activate_rules(2, Rules::default()));
    world.run(activate_rules(3, rules(vec![calls(1)], Vec::new())));
    let mut b = through("b", "u", &[CALLS], 0);
    b.planned.config = 3;
    assert_eq!(closed(&mut world, b.clone()), []);
    world.run(settled("a", 0, &[]));
    b.draft = draft("c");
    assert_eq!(closed(&mut world, b), waits(CALLS, 60 * SECOND));
    world.check();
}

#[test]
fn callers_are_not_told_of_gates_and_administrators_are() {
    let mut world = World::ruled(rules(vec![calls(5)], vec![monthly(50)]));
    let reply = world.run(Command::Reserve(through("a", "u", &[CALLS, MONTH], 9)));
    let Reply::Admitted { state, .. } = reply else {
        panic!("{reply:?}");
    };
    assert!(state.limits.is_empty() && state.budgets.is_empty());
    assert_eq!(state.remaining(), None);
    let state = world.state();
    assert_eq!((state.limits[0].used, state.limits[0].limit), (1, 5));
    let month = state.budgets.iter().find(|it| it.name == MONTH).unwrap();
    assert_eq!(month.reserved, Nanos::new(9));
    assert!(!month.refuses);
}

#[test]
fn gates_can_be_asked_without_being_counted() {
    let mut world = World::ruled(rules(vec![calls(1)], vec![monthly(50)]));
    assert_eq!(closed(&mut world, through("a", "u", &[CALLS], 9)), []);
    for _ in 0..3 {
        let asked = through("b", "u", &[CALLS, MONTH], 60);
        let Reply::Considered { closed, state } = world.read(Command::Consider(Box::new(asked)))
        else {
            panic!("not considered");
        };
        let names: Vec<&str> = closed.iter().map(|closed| closed.gate.as_str()).collect();
        assert_eq!(names, [CALLS, MONTH]);
        assert_eq!((state.limits[0].used, state.limits[0].limit), (1, 1));
        assert_eq!(state.budgets[0].remaining(), Some(Nanos::new(50)));
    }
    let other = through("b", "v", &[CALLS, MONTH], 50);
    let reply = world.read(Command::Consider(Box::new(other)));
    assert!(matches!(reply, Reply::Considered { closed, .. } if closed.is_empty()));
}

#[test]
fn what_goes_through_a_gate_gets_no_lease_and_nothing_else_suffers() {
    let leased = Rules {
        admission: Admission::Leased,
        ..rules(vec![calls(100)], Vec::new())
    };
    assert!(leased.lends());
    let mut world = World::ruled(leased);
    let wanted = esclusa::governor::lease::Slice {
        requests: 5,
        tokens: Tokens {
            input: 9,
            output: 9,
        },
        bound: Nanos::ZERO,
    };
    for (request, gates, lends) in [("a", &[CALLS][..], false), ("b", &[], true)] {
        let reserve = Reserve {
            lease: Some(wanted),
            ..through(request, "u", gates, 0)
        };
        match world.run(Command::Reserve(reserve)) {
            Reply::Admitted { lease, .. } => assert_eq!(lease.is_some(), lends, "{request}"),
            other => panic!("{other:?}"),
        }
    }
    world.check();
}

/// What may happen to one of a few requests.
#[derive(Clone, Debug)]
enum Step {
    Crash,
    Extend(usize, i64),
    Reserve(usize, usize, u8, i64),
    Settle(usize, i64, u8),
    Sleep(u64),
}

const GATES: [&str; 3] = [CALLS, MONEY, MONTH];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => Just(Step::Crash),
        3 => (0_usize..40, 0_i64..30).prop_map(|(id, by)| Step::Extend(id, by)),
        12 => (0_usize..40, 0_usize..2, 0_u8..8, 0_i64..60)
            .prop_map(|(id, user, gates, bound)| Step::Reserve(id, user, gates, bound)),
        8 => (0_usize..40, 0_i64..80, 0_u8..8)
            .prop_map(|(id, cost, unreached)| Step::Settle(id, cost, unreached)),
        6 => prop_oneof![0_u64..3_000, 20_000_u64..70_000, Just(6 * MINUTE)].prop_map(Step::Sleep),
    ];
    prop::collection::vec(step, 1..80)
}

fn chosen(bits: u8) -> Vec<&'static str> {
    let set = |(index, gate): (usize, &&'static str)| (bits >> index & 1 == 1).then_some(*gate);
    GATES.iter().enumerate().filter_map(set).collect()
}

/// One admitted request, as a naive book has it.
#[derive(Clone, Debug)]
struct Line {
    id: usize,
    user: usize,
    gates: Vec<&'static str>,
    at: u64,
    deadline: u64,
    bound: i64,
    cost: Option<i64>,
    unreached: Vec<&'static str>,
    steps: u32,
}

impl Line {
    /// What counts of it at a gate.
    fn amount(&self, gate: &str) -> i64 {
        if !self.gates.contains(&gate) || self.unreached.contains(&gate) {
            return 0;
        }
        match gate {
            CALLS => 1,
            // Nothing is free before it has ended, so that it has a place to be corrected in.
            MONEY => self.cost.unwrap_or_else(|| self.bound.max(1)),
            _ => self.cost.unwrap_or(self.bound),
        }
    }
}

/// Every sum counted anew.
struct Book {
    window: Window,
    lines: Vec<Line>,
}

impl Book {
    fn used(&self, gate: &str, user: usize, at: u64) -> i64 {
        let counts = |line: &&Line| line.user == user && line.gates.contains(&gate);
        let lines = || self.lines.iter().filter(counts);
        let is_live = |line: &&Line| match (gate, self.window) {
            (MONTH, _) => true,
            (_, Window::Fixed) => line.at / MINUTE == at / MINUTE,
            _ => {
                let together = lines().filter(|other| other.at / SECOND == line.at / SECOND);
                together.map(|other| other.at).max().unwrap() + MINUTE > at
            }
        };
        lines().filter(is_live).map(|line| line.amount(gate)).sum()
    }

    /// The gates that would not let it through.
    fn closed(&self, gates: &[&'static str], user: usize, bound: i64, at: u64) -> BTreeSet<String> {
        let is_closed = |gate: &&&str| match **gate {
            CALLS => self.used(CALLS, user, at) + 1 > 3,
            MONEY => self.used(MONEY, user, at) + bound.max(1) > 100,
            _ => bound > 0 && self.used(MONTH, user, at) + bound > 150,
        };
        let closed = gates.iter().filter(is_closed);
        closed.map(|gate| (*gate).to_owned()).collect()
    }

    fn expire(&mut self, at: u64) {
        for line in &mut self.lines {
            if line.cost.is_none() && line.deadline <= at {
                line.cost = Some(line.bound);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The governor admits what a book admits that counts everything anew; what it tells to wait for
    /// is enough; and memory, journal and snapshot agree.
    #[test]
    fn gates_count_what_a_naive_book_counts(
        window in prop_oneof![Just(Window::Sliding), Just(Window::Fixed)],
        steps in steps(),
    ) {
        let limits = vec![
            gate(CALLS, Measure::Requests, 3, window),
            gate(MONEY, Measure::Cost, 100, window),
        ];
        let mut world = World::ruled(rules(limits, vec![monthly(150)]));
        let mut book = Book { window, lines: Vec::new() };
        for step in steps {
            match step {
                Step::Crash => world.crash(),
                Step::Sleep(pause) => {
                    world.now += pause;
                    world.tick();
                    book.expire(world.now);
                }
                Step::Reserve(id, user, bits, bound) => {
                    if book.lines.iter().any(|line| line.id == id) {
                        continue;
                    }
                    let gates = chosen(bits);
                    let expected = book.closed(&gates, user, bound, world.now);
                    let reserve = through(&format!("r{id}"), &format!("u{user}"), &gates, bound);
                    let told: BTreeSet<String> =
                        closed(&mut world, reserve).into_iter().map(|it| it.gate).collect();
                    prop_assert_eq!(&told, &expected);
                    if expected.is_empty() {
                        book.lines.push(Line {
                            id, user, gates, bound,
                            at: world.now,
                            deadline: world.now + 5 * MINUTE,
                            cost: None,
                            unreached: Vec::new(),
                            steps: 0,
                        });
                    }
                }
                Step::Extend(id, by) => {
                    let open = |line: &&mut Line| line.id == id && line.cost.is_none();
                    if let Some(line) = book.lines.iter_mut().find(open) {
                        line.steps += 1;
                        line.bound += by;
                        let reply = world.run(extend(&format!("r{id}"), line.steps, by));
                        prop_assert!(is_admitted(&reply));
                    }
                }
                Step::Settle(id, cost, bits) => {
                    let open = |line: &&mut Line| line.id == id && line.cost.is_none();
                    if let Some(line) = book.lines.iter_mut().find(open) {
                        line.unreached = chosen(bits);
                        line.cost = Some(cost);
                        world.run(settled(&format!("r{id}"), cost, &line.unreached));
                    }
                }
            }
        }
        world.check();
    }
}
