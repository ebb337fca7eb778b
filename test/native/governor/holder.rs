//! What an isolate does with leases, whatever comes in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use esclusa::governor::command::{Reserve, Settle, State, Tokens, Versions};
use esclusa::governor::lease::holder::{Holder, Way};
use esclusa::governor::lease::{Flush, Granted, LEASE_MS, Slice};
use esclusa::money::Nanos;
use proptest::prelude::*;

use super::storage::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A request of a key, of this bound, planned for the versions in force or older ones.
    Ask {
        key: u8,
        bound: i64,
        stale: bool,
    },
    /// The oldest request for a lease is answered with so many hundredths of what was wanted.
    Answer(u64),
    /// The newest versions are heard of.
    Change,
    /// The oldest lease that is due by its timer is ended.
    End,
    Pass(i64),
    Settle,
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (0_u8..2, 0_i64..50, 0_u8..20)
            .prop_map(|(key, bound, stale)| Step::Ask { key, bound, stale: stale == 0 }),
        8 => (1_u64..120).prop_map(Step::Answer),
        1 => Just(Step::Change),
        3 => Just(Step::End),
        10 => (0_i64..700).prop_map(Step::Pass),
        1 => (-3_000_i64..8_000).prop_map(Step::Pass),
        10 => Just(Step::Settle),
        4 => Just(Step::Take),
    ]
}

/// A lease as it was granted.
struct Lease {
    from: u64,
    granted: Granted,
    versions: Versions,
    used: Slice,
}

#[derive(Default)]
struct Check {
    holder: Holder,
    now: u64,
    versions: Versions,
    ids: u64,
    /// With the time of asking.
    asked: Vec<(Reserve, u64)>,
    leases: BTreeMap<String, Lease>,
    /// Requests with their time.
    seen: Vec<(u8, u64, i64)>,
    open: Vec<String>,
    told: BTreeSet<String>,
    returned: BTreeMap<String, Slice>,
    parts: BTreeSet<(String, u32)>,
}

impl Check {
    fn run(&mut self, step: &Step) {
        match step {
            Step::Ask { key, bound, stale } => self.ask(*key, *bound, *stale),
            Step::Answer(hundredths) => self.answer(*hundredths),
            Step::Change => {
                self.versions.config += 1;
                self.holder.heard(self.versions);
            }
            Step::End => {
                let due = |lease: &&Lease| lease.from + LEASE_MS <= self.now;
                let first = self.leases.iter().find(|(_, lease)| due(lease));
                if let Some(name) = first.map(|(name, _)| name.clone()) {
                    self.holder.end(&name);
                }
            }
            Step::Pass(milliseconds) => self.now = self.now.saturating_add_signed(*milliseconds),
            Step::Settle => {
                if let Some(request) = self.open.pop() {
                    // Had it asked for a lease without an answer, that call has failed.
                    self.asked
                        .retain(|(asked, _)| asked.draft.request != request);
                    let draft = draft(&request);
                    let (cost, kept, part) = (Nanos::ZERO, false, None);
                    self.holder.settle(Settle {
                        draft,
                        cost,
                        kept,
                        part,
                        ..Settle::default()
                    });
                    self.told.insert(request);
                }
            }
            Step::Take => {
                let flush = self.holder.take_all();
                self.take(flush);
            }
        }
    }

    fn ask(&mut self, key: u8, bound: i64, stale: bool) {
        self.ids += 1;
        let mut reserve = Reserve {
            bound: Nanos::new(bound),
            planned: if stale {
                Versions::default()
            } else {
                self.versions
            },
            ..reservation(&format!("r{}", self.ids))
        };
        reserve.draft.key = format!("key{key}");
        self.open.push(reserve.draft.request.clone());
        let way = self.holder.way(&reserve, self.now);
        self.seen.push((key, self.now, bound));
        match way {
            Way::Ask(None) => {}
            Way::Ask(Some(wish)) => {
                let recent = self.seen.iter().filter(|(of, at, _)| {
                    *of == key && *at <= self.now && at + LEASE_MS > self.now
                });
                let (count, bounds) = recent.fold((0, 0), |(count, bounds), (_, _, bound)| {
                    (count + 1, bounds + bound)
                });
                assert!(
                    wish.requests <= count && wish.bound.get() <= bounds,
                    "{wish:?}"
                );
                assert!(wish.requests >= 5, "not busy");
                self.asked.push((reserve, self.now));
            }
            Way::Lease(part, limits) => {
                let lease = self.leases.get_mut(&part.lease).unwrap();
                assert!((lease.from..lease.from + lease.granted.lasts_ms).contains(&self.now));
                assert_eq!(
                    (lease.versions, lease.versions),
                    (reserve.planned, self.versions)
                );
                assert_eq!(limits.versions, self.versions);
                assert!(!self.returned.contains_key(&part.lease));
                lease.used = lease.used.plus(&part.slice());
                assert!(
                    lease.granted.slice.covers(&lease.used),
                    "more than was granted"
                );
                assert!(part.tokens.input > 0 && part.tokens.output > 0);
                assert_eq!(part.bound, reserve.bound);
                assert!(self.parts.insert((part.lease, part.number)), "told apart");
            }
        }
    }

    fn answer(&mut self, hundredths: u64) {
        if self.asked.is_empty() {
            return;
        }
        let (reserve, at) = self.asked.remove(0);
        let wish = Slice {
            requests: 1 + hundredths / 10,
            bound: Nanos::new(i64::try_from(hundredths).unwrap() * 10),
            tokens: Tokens {
                input: 1 + hundredths / 10,
                output: 1 + hundredths / 10,
            },
        };
        let granted = Granted {
            slice: wish,
            lasts_ms: if hundredths.is_multiple_of(7) {
                500
            } else {
                LEASE_MS
            },
        };
        let state = State {
            versions: self.versions,
            ..State::default()
        };
        let came = (!hundredths.is_multiple_of(5)).then_some((granted, &state));
        self.holder.heard(state.versions);
        self.holder.answered(&reserve, at, came);
        if came.is_some() {
            let lease = Lease {
                from: at,
                granted,
                versions: self.versions,
                used: Slice::default(),
            };
            self.leases.insert(reserve.draft.request, lease);
        }
    }

    fn take(&mut self, flush: Flush) {
        for settle in flush.settlements {
            assert!(
                self.told.remove(&settle.draft.request),
                "nobody told, or twice"
            );
        }
        for told in flush.returns {
            let before = self.returned.insert(told.lease.clone(), told.used);
            assert_eq!(before, None, "told twice");
            let lease = self.leases.get(&told.lease);
            let used = lease.map_or(Slice::default(), |lease| lease.used);
            assert_eq!(told.used, used);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_admitted_beyond_a_lease_and_all_of_it_is_told(
        steps in prop::collection::vec(step(), 1..300)
    ) {
        let mut check = Check { now: START, ..Check::default() };
        for step in &steps {
            check.run(step);
        }
        // Whoever comes much later finds what nobody has ended.
        check.now += DAY;
        check.ask(0, 1, false);
        let flush = check.holder.take_all();
        check.take(flush);
        prop_assert!(check.told.is_empty());
        prop_assert!(check.leases.keys().all(|name| check.returned.contains_key(name)));
    }
}

#[test]
fn whoever_waits_for_a_round_tells_once() {
    let mut holder = Holder::default();
    let settle = |request: &str| Settle {
        draft: draft(request),
        cost: Nanos::ZERO,
        ..Settle::default()
    };
    let (first, second) = (holder.settle(settle("a")), holder.settle(settle("b")));
    let flush = holder.take(first).unwrap();
    assert_eq!(flush.settlements.len(), 2);
    assert_eq!(holder.take(second), None);
    let third = holder.settle(settle("c"));
    assert_eq!(
        holder.take(second),
        None,
        "the third waits for its own round"
    );
    assert_eq!(holder.take(third).unwrap().settlements.len(), 1);
}

#[test]
fn what_goes_through_a_gate_is_not_admitted_from_a_lease() {
    let mut holder = Holder::default();
    let granted = Granted {
        slice: Slice {
            requests: 90,
            bound: Nanos::new(90_000),
            tokens: Tokens {
                input: 90_000,
                output: 90_000,
            },
        },
        lasts_ms: LEASE_MS,
    };
    let asks = |way: Way| matches!(way, Way::Ask(_));
    let busy = (0..9).map(|turn| reservation(&format!("busy {turn}")));
    for reserve in busy {
        let wished = matches!(holder.way(&reserve, START), Way::Ask(Some(_)));
        if wished {
            let state = State {
                versions: reserve.planned,
                ..State::default()
            };
            holder.heard(state.versions);
            holder.answered(&reserve, START, Some((granted, &state)));
        }
    }
    assert!(!asks(holder.way(&reservation("plain"), START)));
    let mut gated = reservation("gated");
    gated.subjects.gates.insert("route gate".to_owned());
    assert!(asks(holder.way(&gated, START)));
}
