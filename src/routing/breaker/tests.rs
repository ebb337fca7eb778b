#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

use proptest::prelude::*;

use super::*;

const RESTS: Rests = Rests {
    first_ms: 5_000,
    most_ms: 60_000,
};
const PATIENCE_MS: u64 = 30_000;

/// A breaker that has just opened at 0.
fn opened() -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..MOST_IN_A_ROW {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        breaker.failed(turn, 0, RESTS, 0);
    }
    assert!(breaker.resting(0).is_some());
    breaker
}

#[test]
fn the_fifth_failure_in_a_row_opens() {
    let mut breaker = Breaker::default();
    for failure in 1..=MOST_IN_A_ROW {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        let turned = breaker.failed(turn, 0, RESTS, 0);
        let expected = (failure == 5).then_some(Turned::Opened(5_000));
        assert_eq!(turned, expected, "{failure}");
    }
    let resting = breaker.ask(1, PATIENCE_MS).unwrap_err();
    assert_eq!((resting.why, resting.left_ms), (Why::Failing, 4_999));
}

#[test]
fn what_was_under_way_before_the_failures_does_not_end_their_row() {
    let mut breaker = Breaker::default();
    let before = breaker.ask(0, PATIENCE_MS).unwrap();
    let fail = |breaker: &mut Breaker| {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        breaker.failed(turn, 0, RESTS, 0)
    };
    assert_eq!(fail(&mut breaker), None);
    breaker.succeeded(before);
    let turned: Vec<_> = (0..4).map(|_| fail(&mut breaker)).collect();
    assert_eq!(turned, [None, None, None, Some(Turned::Opened(5_000))]);
    // One that was asked after the first of them does.
    let mut breaker = Breaker::default();
    fail(&mut breaker);
    let after = breaker.ask(0, PATIENCE_MS).unwrap();
    breaker.succeeded(after);
    assert!((0..4).all(|_| fail(&mut breaker).is_none()));
}

#[test]
fn a_success_ends_a_row_whoever_heeds_no_breaker() {
    let mut breaker = Breaker::default();
    for _ in 0..20 {
        let turn = breaker.force();
        assert_eq!(breaker.failed(turn, 0, RESTS, 0), None);
        for _ in 0..2 {
            let turn = breaker.force();
            breaker.succeeded(turn);
        }
    }
}

#[test]
fn half_of_the_last_twenty_open_too() {
    let mut breaker = Breaker::default();
    let mut asked = 0;
    while breaker.resting(0).is_none() {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        if asked % 2 == 0 {
            breaker.failed(turn, 0, RESTS, 0);
        } else {
            breaker.succeeded(turn);
        }
        asked += 1;
    }
    assert_eq!(asked, 19, "the tenth failure");
}

#[test]
fn a_third_that_fails_is_asked_on() {
    let mut breaker = Breaker::default();
    for asked in 0..300 {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        if asked % 3 == 0 {
            breaker.failed(turn, 0, RESTS, 0);
        } else {
            breaker.succeeded(turn);
        }
    }
}

#[test]
fn one_probe_at_a_time_and_the_first_success_closes() {
    let mut breaker = opened();
    let probe = breaker.ask(5_000, PATIENCE_MS).unwrap();
    assert!(probe.probes());
    let resting = breaker.ask(5_001, PATIENCE_MS).unwrap_err();
    assert_eq!(resting.left_ms, 0, "somebody is probing");
    assert_eq!(breaker.succeeded(probe), Some(Turned::Closed));
    assert!(!breaker.ask(5_002, PATIENCE_MS).unwrap().probes());
}

#[test]
fn it_rests_twice_as_long_after_each_failed_probe_up_to_a_minute() {
    let mut breaker = opened();
    let mut now = 5_000;
    for rest in [10_000, 20_000, 40_000, 60_000, 60_000] {
        let probe = breaker.ask(now, PATIENCE_MS).unwrap();
        let turned = breaker.failed(probe, now, RESTS, 0);
        assert_eq!(turned, Some(Turned::Opened(rest)));
        now += rest;
    }
    let probe = breaker.ask(now, PATIENCE_MS).unwrap();
    breaker.succeeded(probe);
    let again = opened().resting(0).unwrap();
    assert_eq!(again.left_ms, 5_000, "a success makes it short again");
}

#[test]
fn isolates_do_not_probe_together() {
    let mut breaker = Breaker::default();
    for _ in 0..MOST_IN_A_ROW {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        breaker.failed(turn, 0, RESTS, 255);
    }
    assert_eq!(breaker.resting(0).unwrap().left_ms, 3_755);
}

#[test]
fn a_probe_that_never_tells_is_given_up() {
    let mut breaker = opened();
    breaker.ask(5_000, PATIENCE_MS).unwrap();
    assert!(breaker.ask(34_999, PATIENCE_MS).is_err());
    assert!(breaker.ask(35_000, PATIENCE_MS).unwrap().probes());
}

#[test]
fn a_probe_that_was_left_makes_way_for_the_next() {
    let mut breaker = opened();
    let probe = breaker.ask(5_000, PATIENCE_MS).unwrap();
    breaker.left(probe);
    assert!(breaker.ask(5_000, PATIENCE_MS).unwrap().probes());
}

#[test]
fn what_began_before_it_opened_says_nothing_any_more() {
    let mut breaker = Breaker::default();
    let early = breaker.ask(0, PATIENCE_MS).unwrap();
    for _ in 0..MOST_IN_A_ROW {
        let turn = breaker.ask(0, PATIENCE_MS).unwrap();
        breaker.failed(turn, 0, RESTS, 0);
    }
    assert_eq!(breaker.succeeded(early), None);
    assert_eq!(breaker.failed(early, 4_000, RESTS, 0), None);
    assert_eq!(breaker.cool(early, 4_000, 90_000, Why::Busy, RESTS), None);
    assert_eq!(breaker.resting(4_000).unwrap().left_ms, 1_000);
}

#[test]
fn the_last_resort_closes_it_and_never_lengthens_its_rest() {
    let mut breaker = opened();
    let forced = breaker.force();
    assert_eq!(breaker.failed(forced, 1_000, RESTS, 0), None);
    assert_eq!(breaker.resting(1_000).unwrap().left_ms, 4_000);
    let forced = breaker.force();
    assert_eq!(breaker.succeeded(forced), Some(Turned::Closed));
}

#[test]
fn it_rests_as_long_as_the_provider_says() {
    let mut breaker = Breaker::default();
    let turn = breaker.ask(0, PATIENCE_MS).unwrap();
    let turned = breaker.cool(turn, 0, 30_000, Why::Busy, RESTS);
    assert_eq!(turned, Some(Turned::Opened(30_000)));
    let resting = breaker.ask(29_999, PATIENCE_MS).unwrap_err();
    assert_eq!((resting.why, resting.left_ms), (Why::Busy, 1));
    assert!(breaker.ask(30_000, PATIENCE_MS).unwrap().probes());
}

#[test]
fn a_provider_that_says_a_second_each_time_is_left_alone_for_longer_and_longer() {
    let mut breaker = Breaker::default();
    let mut now = 0;
    for rest in [1_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
        let turn = breaker.ask(now, PATIENCE_MS).unwrap();
        let turned = breaker.cool(turn, now, 1_000, Why::Busy, RESTS);
        assert_eq!(turned, Some(Turned::Opened(rest)));
        now += rest;
    }
}

#[test]
fn what_others_tell_has_it_probed_and_never_undoes_what_it_saw() {
    let mut breaker = Breaker::default();
    breaker.told(0, 500);
    assert_eq!(breaker.resting(0).unwrap().why, Why::Told);
    let probe = breaker.ask(500, PATIENCE_MS).unwrap();
    assert!(probe.probes());
    let turned = breaker.failed(probe, 500, RESTS, 0);
    assert_eq!(turned, Some(Turned::Opened(5_000)), "one failure is enough");
    breaker.told(600, 1);
    assert_eq!(breaker.resting(600).unwrap().left_ms, 4_900);
}

#[test]
fn a_clock_that_goes_back_holds_nobody_up() {
    let mut breaker = opened();
    let probe = breaker.ask(9_000, PATIENCE_MS).unwrap();
    breaker.failed(probe, 9_000, RESTS, 0);
    assert!(breaker.ask(8_000, PATIENCE_MS).unwrap().probes());
    assert!(breaker.ask(8_001, PATIENCE_MS).is_err(), "one at a time");
}

/// What may happen to a breaker.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask,
    Fail,
    Succeed,
    Leave,
    Force,
    Cool(u64),
    Told,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Ask),
        4 => Just(Step::Fail),
        2 => Just(Step::Succeed),
        1 => Just(Step::Leave),
        1 => Just(Step::Force),
        1 => (1..600_000_u64).prop_map(Step::Cool),
        1 => Just(Step::Told),
        3 => (0..90_000_u64).prop_map(Step::Pass),
    ]
}

/// A breaker under the calls of many.
#[derive(Default)]
struct Run {
    breaker: Breaker,
    now: u64,
    /// Calls under way, with when they began.
    turns: Vec<(Turn, u64)>,
    in_a_row: u32,
}

impl Run {
    fn take(&mut self) -> Option<Turn> {
        (!self.turns.is_empty()).then(|| self.turns.remove(0).0)
    }

    fn is_current(&self, turn: Turn) -> bool {
        turn.generation == self.breaker.generation
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Ask => {
                let before = self.breaker.resting(self.now);
                let asked = self.breaker.ask(self.now, PATIENCE_MS);
                assert_eq!(asked.err(), before, "what is told is what happens");
                self.turns.extend(asked.ok().map(|turn| (turn, self.now)));
            }
            Step::Fail => self.fail(),
            Step::Succeed => {
                if let Some(turn) = self.take() {
                    let heard = self.is_current(turn);
                    let turned = self.breaker.succeeded(turn);
                    if heard {
                        self.in_a_row = 0;
                        assert_eq!(self.breaker.resting(self.now), None);
                        assert!(self.breaker.rest.is_none(), "closed: {turned:?}");
                    }
                }
            }
            Step::Leave => {
                if let Some(turn) = self.take() {
                    self.breaker.left(turn);
                }
            }
            Step::Force => self.turns.push((self.breaker.force(), self.now)),
            Step::Cool(milliseconds) => {
                if let Some(turn) = self.take() {
                    self.breaker
                        .cool(turn, self.now, milliseconds, Why::Busy, RESTS);
                }
            }
            Step::Told => self.breaker.told(self.now, 500),
            Step::Pass(milliseconds) => self.now += milliseconds,
        }
        if self.breaker.rest.is_some() {
            self.in_a_row = 0;
        }
    }

    fn fail(&mut self) {
        let Some(turn) = self.take() else { return };
        let counts = self.is_current(turn) && self.breaker.rest.is_none();
        self.breaker.failed(turn, self.now, RESTS, 0);
        if counts && self.breaker.rest.is_none() {
            self.in_a_row += 1;
            assert!(self.in_a_row < MOST_IN_A_ROW, "five in a row open it");
        }
    }

    /// Probes that nobody has given up yet.
    fn probes(&self) -> usize {
        let probes = |(turn, at): &&(Turn, u64)| {
            turn.probes && self.is_current(*turn) && self.now < at + PATIENCE_MS
        };
        self.turns.iter().filter(probes).count()
    }
}

proptest! {
    #[test]
    fn under_any_calls_it_keeps_its_word(steps in proptest::collection::vec(step(), 0..200)) {
        let mut run = Run::default();
        for step in steps {
            run.step(step);
            prop_assert!(run.probes() <= 1, "one probe at a time");
        }
        let asked = run.breaker.ask(run.now + 600_000 + PATIENCE_MS, PATIENCE_MS);
        prop_assert!(asked.is_ok(), "nothing rests for ever");
    }
}
