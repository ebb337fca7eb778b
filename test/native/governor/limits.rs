//! Limits beyond requests of the whole org: whom they count apart, what they count, how windows move.

mod corners;

use std::collections::BTreeMap;

use esclusa::audit::{Attempt, Draft};
use esclusa::governor::command::{
    Command, Extend, LimitState, Refusal, Reply, Reserve, Settle, Target, Tokens,
};
use esclusa::governor::rules::{Limit, Measure, Pace, Scope, Window};
use esclusa::money::Nanos;
use esclusa::usage::Usage;
use proptest::prelude::*;

use super::storage::*;

fn limit(per: &str, measure: Measure, limit: u64) -> Limit {
    let per: Scope = per.parse().unwrap();
    Limit {
        name: format!("{}-per-{per}", measure.as_str()),
        per,
        only: None,
        measure,
        limit,
    }
}

fn sliding(seconds: u32) -> Pace {
    let window = Window::Sliding;
    Pace { seconds, window }
}

fn requests(per: &str, most: u64) -> Limit {
    limit(per, Measure::Requests(sliding(60)), most)
}

/// Whether the request is admitted, else the name of the limit and milliseconds to wait.
fn ask(world: &mut World, reserve: Reserve) -> Result<usize, (String, u64)> {
    match world.run(Command::Reserve(reserve)) {
        Reply::Admitted { candidate, .. } => Ok(candidate),
        Reply::Refused {
            reason:
                Refusal::RateLimited {
                    limit,
                    retry_after_ms,
                },
            ..
        } => Err((limit, retry_after_ms)),
        other => panic!("{other:?}"),
    }
}

fn passes(world: &mut World, reserve: Reserve) -> bool {
    ask(world, reserve).is_ok()
}

#[test]
fn every_scope_counts_its_subjects_apart() {
    type Set = fn(&mut Reserve, &str);
    let scopes: [(&str, Set); 7] = [
        ("key", |it, value| it.draft.key = value.to_owned()),
        ("user", |it, value| it.subjects.user = value.to_owned()),
        ("address", |it, value| {
            it.subjects.address = value.to_owned();
        }),
        ("operation", |it, value| {
            it.draft.operation = value.to_owned();
        }),
        ("tier", |it, value| it.draft.tier = value.to_owned()),
        ("header:x-team", |it, value| {
            it.subjects.headers = BTreeMap::from([("x-team".to_owned(), value.to_owned())]);
        }),
        ("metadata:team", |it, value| {
            it.subjects.metadata = BTreeMap::from([("team".to_owned(), value.to_owned())]);
        }),
    ];
    for (per, set) in scopes {
        let mut world = World::limited(vec![requests(per, 2)]);
        let mut admitted = BTreeMap::new();
        for index in 0..9 {
            let subject = ["a", "b", ""][index % 3];
            let mut reserve = reservation(&format!("r{index}"));
            set(&mut reserve, subject);
            let count = admitted.entry(subject).or_insert(0);
            *count += u32::from(passes(&mut world, reserve));
        }
        assert!(
            admitted.values().all(|count| *count == 2),
            "{per}: {admitted:?}"
        );
        world.check();
    }
}

#[test]
fn a_request_that_names_nobody_is_limited_too() {
    let mut world = World::limited(vec![requests("user", 1)]);
    assert!(passes(&mut world, reservation("a")));
    let (name, _) = ask(&mut world, reservation("b")).unwrap_err();
    assert_eq!(name, "requests-per-user");
}

#[test]
fn a_rule_for_one_subject_takes_the_place_of_the_general_one() {
    let general = requests("key", 1);
    let own = Limit {
        name: "batch".to_owned(),
        only: Some("batch".to_owned()),
        limit: 3,
        ..general.clone()
    };
    let mut world = World::limited(vec![general, own]);
    let of_key = |key: &str, index: u32| {
        let mut reserve = reservation(&format!("{key}{index}"));
        key.clone_into(&mut reserve.draft.key);
        reserve
    };
    let mut count = |key: &str| {
        (0..5)
            .filter(|index| passes(&mut world, of_key(key, *index)))
            .count()
    };
    assert_eq!((count("other"), count("batch")), (1, 3));
}

#[test]
fn every_limit_must_have_room_and_the_longest_wait_is_told() {
    let hour = limit("org", Measure::Requests(sliding(3_600)), 2);
    let hour = Limit {
        name: "hour".to_owned(),
        ..hour
    };
    let mut world = World::limited(vec![requests("org", 1), hour]);
    assert!(passes(&mut world, reservation("a")));
    assert_eq!(
        ask(&mut world, reservation("b")).unwrap_err().0,
        "requests-per-org"
    );
    world.now += 2 * MINUTE;
    assert!(passes(&mut world, reservation("c")));
    let (name, wait) = ask(&mut world, reservation("d")).unwrap_err();
    assert_eq!((name.as_str(), wait), ("hour", 58 * MINUTE));
    let used: Vec<u64> = world.state().limits.iter().map(|it| it.used).collect();
    assert_eq!(used, [1, 2], "a refused request consumes nothing");
}

fn with_tokens(request: &str, input: u64, output: u64) -> Reserve {
    Reserve {
        tokens: Tokens { input, output },
        ..reservation(request)
    }
}

fn used_tokens(world: &mut World, request: &str, input: u64, output: u64) {
    let usage = Usage {
        input_tokens: input,
        output_tokens: output,
        ..Usage::default()
    };
    let draft = Draft {
        usage,
        ..draft(request)
    };
    world.run(Command::Settle(Settle {
        draft,
        cost: Nanos::ZERO,
        ..Settle::default()
    }));
}

#[test]
fn tokens_are_held_as_estimated_and_counted_as_used() {
    let measures = [Measure::InputTokens, Measure::OutputTokens, Measure::Tokens];
    for (measure, held, used) in [(0, 40, 10), (1, 60, 25), (2, 100, 35)]
        .map(|(index, held, used): (usize, u64, u64)| (measures[index](sliding(60)), held, used))
    {
        let mut world = World::limited(vec![limit("org", measure, 120)]);
        assert!(passes(&mut world, with_tokens("a", 40, 60)));
        assert_eq!(world.state().limits[0].used, held, "{measure:?}");
        used_tokens(&mut world, "a", 10, 25);
        assert_eq!(world.state().limits[0].used, used, "{measure:?}");
        world.now += 61 * SECOND;
        assert_eq!(world.state().limits[0].used, 0, "{measure:?}");
        world.check();
    }
}

#[test]
fn tokens_count_in_the_minute_they_were_asked_for() {
    let tokens = limit("org", Measure::Tokens(sliding(60)), 100);
    let mut world = World::limited(vec![tokens]);
    assert!(passes(&mut world, with_tokens("a", 10, 50)));
    world.now += 30 * SECOND;
    used_tokens(&mut world, "a", 10, 90);
    assert_eq!(world.state().limits[0].used, 100);
    let (_, wait) = ask(&mut world, with_tokens("b", 1, 0)).unwrap_err();
    assert_eq!(wait, 30 * SECOND);
    world.now += wait;
    assert!(passes(&mut world, with_tokens("c", 100, 0)));
}

#[test]
fn a_request_that_can_never_fit_is_told_so() {
    let tokens = limit("org", Measure::Tokens(sliding(60)), 100);
    let mut world = World::limited(vec![tokens]);
    let reply = world.run(Command::Reserve(with_tokens("a", 50, 51)));
    assert_eq!(
        refusal(reply),
        Refusal::TooLarge {
            limit: "tokens-per-org".to_owned(),
            most: 100,
            needed: 101
        }
    );
    assert_eq!(world.last_record().draft.status, 400);
}

#[test]
fn what_is_under_way_is_counted_until_it_ends() {
    let mut world = World::limited(vec![limit("key", Measure::Concurrent, 2)]);
    assert!(passes(&mut world, reservation("a")));
    assert!(passes(&mut world, reservation("b")));
    assert_eq!(
        ask(&mut world, reservation("c")),
        Err(("concurrent-per-key".to_owned(), 1_000))
    );
    world.run(settle("a", 0));
    assert!(passes(&mut world, reservation("d")));
    assert!(!passes(&mut world, reservation("e")));
    world.now += 6 * MINUTE;
    world.tick();
    assert_eq!(world.state().limits.len(), 0, "everything has expired");
    assert!(passes(&mut world, reservation("f")));
    world.check();
}

#[test]
fn a_fixed_window_begins_at_its_multiples() {
    let window = Window::Fixed;
    let hour = Pace {
        seconds: 3_600,
        window,
    };
    let mut world = World::limited(vec![limit("org", Measure::Requests(hour), 1)]);
    world.now = START + 59 * MINUTE;
    assert!(passes(&mut world, reservation("a")));
    assert_eq!(ask(&mut world, reservation("b")).unwrap_err().1, MINUTE);
    world.now += MINUTE;
    assert!(passes(&mut world, reservation("c")));
    assert_eq!(world.state().limits[0].reset, 3_600);
    world.check();
}

#[test]
fn a_token_bucket_gives_a_burst_and_then_an_even_flow() {
    let window = Window::TokenBucket;
    let minute = Pace {
        seconds: 60,
        window,
    };
    let mut world = World::limited(vec![limit("org", Measure::Requests(minute), 7)]);
    let burst = (0..20)
        .filter(|it| passes(&mut world, reservation(&format!("a{it}"))))
        .count();
    assert_eq!(burst, 7);
    let (_, wait) = ask(&mut world, reservation("more")).unwrap_err();
    assert_eq!(wait, MINUTE.div_ceil(7));
    let mut later = 0;
    for step in 0..600 {
        world.now += SECOND;
        later += u32::from(passes(&mut world, reservation(&format!("b{step}"))));
    }
    assert_eq!(later, 70, "seven a minute for ten minutes");
    world.check();
}

fn candidates(request: &str) -> Reserve {
    let target = |provider: &str, model: &str| Target {
        provider: provider.to_owned(),
        model: model.to_owned(),
    };
    Reserve {
        candidates: vec![target("p", "cheap"), target("q", "dear")],
        ..reservation(request)
    }
}

#[test]
fn a_model_at_its_limit_is_passed_over() {
    let cheap = Limit {
        only: Some("cheap".to_owned()),
        ..requests("model", 1)
    };
    let mut world = World::limited(vec![cheap, requests("provider", 2)]);
    let asked = ["a", "b", "c", "d"].map(|it| ask(&mut world, candidates(it)).ok());
    assert_eq!(asked, [Some(0), Some(1), Some(1), None]);
    let of_q = |state: &LimitState| state.subject == "q";
    assert_eq!(
        world
            .state()
            .limits
            .iter()
            .find(|it| of_q(it))
            .unwrap()
            .used,
        2
    );
    world.check();
}

#[test]
fn another_candidate_is_asked_for_and_counted_where_it_is_sent() {
    let mut world = World::limited(vec![
        requests("provider", 1),
        limit("model", Measure::Concurrent, 1),
    ]);
    assert_eq!(ask(&mut world, candidates("a")), Ok(0));
    let to = |request: &str, index: usize, step: u32| {
        let target = candidates(request).candidates.remove(index);
        Command::Extend(Extend {
            request: request.to_owned(),
            step,
            by: Nanos::ZERO,
            target: Some(target),
            ..Extend::default()
        })
    };
    assert!(is_admitted(&world.run(to("a", 1, 1))));
    assert!(
        is_admitted(&world.read(to("a", 1, 1))),
        "a repetition counts once"
    );
    assert!(!passes(&mut world, candidates("b")));
    let again = refusal(world.read(to("a", 0, 2)));
    assert!(
        matches!(again, Refusal::RateLimited { .. }),
        "p is used up: {again:?}"
    );
    world.run(settle("a", 0));
    world.now += 61 * SECOND;
    world.run(reserve("sweep", 0));
    assert!(passes(&mut world, candidates("c")));
    world.check();
}

#[test]
fn what_a_model_used_counts_for_that_model() {
    let tokens = |per: &str| limit(per, Measure::Tokens(sliding(60)), 1_000);
    let mut world = World::limited(vec![tokens("model"), tokens("org")]);
    let mut reserve = candidates("a");
    reserve.tokens.input = 500;
    assert_eq!(ask(&mut world, reserve), Ok(0));
    let call = |model: &str, input_tokens: u64| Attempt {
        model: model.to_owned(),
        usage: Usage {
            input_tokens,
            ..Usage::default()
        },
        ..Attempt::default()
    };
    let draft = Draft {
        attempts: vec![call("cheap", 7), call("dear", 70)],
        usage: Usage {
            input_tokens: 77,
            ..Usage::default()
        },
        ..draft("a")
    };
    world.run(Command::Settle(Settle {
        draft,
        cost: Nanos::ZERO,
        ..Settle::default()
    }));
    let used: BTreeMap<(String, String), u64> = world
        .state()
        .limits
        .into_iter()
        .map(|it| ((it.per.to_string(), it.subject), it.used))
        .collect();
    assert_eq!(used[&("org".into(), String::new())], 77);
    assert_eq!(used[&("model".into(), "cheap".into())], 7);
}

#[test]
fn a_limit_that_goes_and_comes_back_starts_anew() {
    let rules = |limits: Vec<Limit>| rules(limits, Vec::new());
    let concurrent = limit("org", Measure::Concurrent, 1);
    let mut world = World::limited(vec![concurrent.clone()]);
    assert!(passes(&mut world, reservation("a")));
    world.run(activate_rules(2, rules(Vec::new())));
    world.run(activate_rules(3, rules(vec![concurrent])));
    let mut reserve = reservation("b");
    reserve.planned.config = 3;
    assert!(passes(&mut world, reserve));
    world.run(settle("a", 0));
    assert_eq!(
        world.state().limits[0].used,
        1,
        "the end of `a` frees nothing of `b`"
    );
    world.check();
}

#[test]
fn idle_subjects_are_forgotten() {
    let mut world = World::limited(vec![requests("user", 5)]);
    for index in 0..500 {
        let mut reserve = reservation(&format!("r{index}"));
        reserve.subjects.user = format!("user{index}");
        assert!(passes(&mut world, reserve));
        world.run(settle(&format!("r{index}"), 0));
    }
    let full = world.governor.snapshot().unwrap().len();
    world.now += 2 * DAY;
    for index in 0..300 {
        world.run(reserve(&format!("later{index}"), 0));
    }
    assert!(!world.governor.snapshot().unwrap().contains("user499"));
    assert!(world.governor.snapshot().unwrap().len() < full);
    world.check();
}

proptest! {
    /// Whatever the window: no stretch of its length holds more than the limit (twice where it is
    /// fixed, and a burst more where it is a bucket), and the wait that is told is enough.
    #[test]
    fn no_window_holds_more_than_its_limit(
        most in 1_u64..6,
        seconds in 1_u32..200,
        window in prop_oneof![Just(Window::Sliding), Just(Window::Fixed), Just(Window::TokenBucket)],
        pauses in prop::collection::vec(
            prop_oneof![Just(0_u64), 0_u64..3_000, 10_000_u64..90_000],
            1..60,
        ),
    ) {
        let pace = Pace { seconds, window };
        let mut world = World::limited(vec![limit("org", Measure::Requests(pace), most)]);
        let length = u64::from(seconds) * SECOND;
        let mut admitted: Vec<u64> = Vec::new();
        for (index, pause) in pauses.into_iter().enumerate() {
            world.now += pause;
            match ask(&mut world, reservation(&format!("r{index}"))) {
                Ok(_) => {
                    admitted.push(world.now);
                    let since = (world.now + 1).saturating_sub(length);
                    let held = admitted.iter().filter(|at| **at >= since).count() as u64;
                    let allowed = if window == Window::Sliding { most } else { 2 * most };
                    prop_assert!(held <= allowed, "{held} in {seconds} s");
                }
                Err((_, wait)) => {
                    world.now += wait;
                    let passes = passes(&mut world, reservation(&format!("w{index}")));
                    prop_assert!(passes, "not after {wait} ms");
                    admitted.push(world.now);
                }
            }
        }
        world.check();
    }
}
