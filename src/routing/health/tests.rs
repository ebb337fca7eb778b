use super::*;

const MODEL: &str = "@cf/openai/gpt-oss-120b";
/// 23:59:50 of a day.
const NOW: u64 = DAY_MS * 20_000 - 10_000;

/// So many milliseconds to a first event.
fn first_event(milliseconds: u64, by: By) -> Limit {
    let awaited = Awaited::FirstEvent;
    Limit {
        awaited,
        milliseconds,
        by,
    }
}

/// The same to the end of a whole answer.
fn whole(milliseconds: u64, by: By) -> Limit {
    let awaited = Awaited::Whole;
    Limit {
        awaited,
        milliseconds,
        by,
    }
}

const fn usual() -> Limit {
    Limit {
        awaited: Awaited::FirstEvent,
        milliseconds: 30_000,
        by: By::Usual,
    }
}

/// A call that fails within a limit.
fn fail(health: &mut Health, failure: &Failure, limit: Limit, now: u64) -> Option<Turned> {
    let (turn, limit) = health.ask(MODEL, now, limit, true).unwrap();
    health.note(MODEL, turn, Outcome::Failed(failure, limit), now, 0)
}

fn answer(health: &mut Health, awaited: Awaited, milliseconds: u64) {
    let (turn, _) = health.ask(MODEL, NOW, usual(), true).unwrap();
    health.measure(MODEL, awaited, milliseconds, NOW);
    health.note(MODEL, turn, Outcome::Answered, NOW, 0);
}

/// Whether five calls that come to nothing within a limit leave the model alone.
fn opens(health: &mut Health, limit: Limit) -> bool {
    let silent = Failure::timeout(limit.milliseconds);
    let turned = (0..5).filter_map(|_| fail(health, &silent, limit, NOW));
    turned.count() == 1
}

fn failure(class: FailureClass) -> Failure {
    Failure {
        status: Some(500),
        ..Failure::new(class, "failed")
    }
}

#[test]
fn what_is_the_requests_fault_never_opens() {
    let mut health = Health::default();
    let classes = [
        FailureClass::BadRequest,
        FailureClass::ContentPolicy,
        FailureClass::ContextLength,
    ];
    for class in classes.repeat(10) {
        assert_eq!(fail(&mut health, &failure(class), usual(), NOW), None);
    }
    assert!(!health.is_open(MODEL, NOW));
}

/// Milliseconds that a model took on average; a limit, whose it is, of how many milliseconds it counts, and
/// of how many it does not.
type Case = (Option<(Awaited, u64)>, fn(u64, By) -> Limit, By, u64, u64);

#[test]
fn silence_counts_where_it_is_long_for_the_model() {
    use Awaited::{FirstEvent, Whole};
    use By::{Org, Request, Usual};
    let cases: [Case; 9] = [
        (None, first_event, Usual, 1, 0),
        (None, first_event, Org, 5_000, 4_999),
        (None, first_event, Request, 10_000, 9_999),
        (Some((FirstEvent, 400)), first_event, Org, 1_600, 1_599),
        (Some((FirstEvent, 50)), first_event, Org, 1_000, 999),
        (Some((FirstEvent, 400)), first_event, Request, 10_000, 9_999),
        (
            Some((FirstEvent, 4_000)),
            first_event,
            Request,
            16_000,
            15_999,
        ),
        (Some((Whole, 4_000)), whole, Org, 16_000, 15_999),
        (Some((Whole, 400)), first_event, Org, 5_000, 4_999),
    ];
    for (known, limit, by, counts, too_short) in cases {
        for (milliseconds, expected) in [(counts, true), (too_short, false)] {
            if by == Usual && !expected {
                continue;
            }
            let mut health = Health::default();
            if let Some((awaited, took)) = known {
                answer(&mut health, awaited, took);
            }
            let limit = limit(milliseconds, by);
            assert_eq!(opens(&mut health, limit), expected, "{known:?} {limit:?}");
        }
    }
    let mut health = Health::default();
    answer(&mut health, Whole, 100);
    assert!(
        !opens(&mut health, whole(119_000, Request)),
        "of whole answers a caller tells nothing"
    );
}

#[test]
fn what_is_the_providers_fault_opens_at_the_fifth() {
    let told = [
        failure(FailureClass::Capacity),
        failure(FailureClass::Malformed),
        failure(FailureClass::ServerError),
        failure(FailureClass::Timeout),
        failure(FailureClass::Truncated),
        failure(FailureClass::Unreachable),
        Failure::timeout(30_000),
    ];
    for failure in told {
        let mut health = Health::default();
        for _ in 0..4 {
            assert_eq!(fail(&mut health, &failure, usual(), NOW), None);
        }
        let turned = fail(&mut health, &failure, usual(), NOW);
        assert_eq!(turned, Some(Turned::Opened(5_000)), "{failure}");
        assert!(health.is_open(MODEL, NOW + 4_999) && !health.is_open(MODEL, NOW + 5_000));
        assert!(!health.is_open("@cf/zai-org/glm-4.7-flash", NOW));
    }
}

#[test]
fn a_provider_says_when_to_ask_again_and_is_believed_for_ten_minutes() {
    for (seconds, rest) in [(30, 30_000), (14_400, 600_000)] {
        let mut health = Health::default();
        let busy = Failure {
            retry_after: Some(seconds),
            ..failure(FailureClass::Capacity)
        };
        let turned = fail(&mut health, &busy, usual(), NOW);
        assert_eq!(turned, Some(Turned::Opened(rest)));
        assert_eq!(health.resting(MODEL, NOW).unwrap().why, Why::Busy);
    }
}

#[test]
fn a_daily_allocation_lasts_until_midnight() {
    let mut health = Health::default();
    let used_up = Failure {
        code: Some(3036),
        ..failure(FailureClass::DailyLimit)
    };
    fail(&mut health, &used_up, usual(), NOW);
    assert_eq!(health.resting(MODEL, NOW).unwrap().why, Why::Quota);
    assert!(health.is_open(MODEL, NOW + 9_999) && !health.is_open(MODEL, NOW + 10_000));
}

#[test]
fn an_account_that_is_refused_is_left_alone_for_minutes() {
    for (class, why) in [
        (FailureClass::Unauthorized, Why::Refused),
        (FailureClass::DailyLimit, Why::Quota),
    ] {
        let mut health = Health::default();
        let turned = fail(&mut health, &failure(class), usual(), NOW);
        assert_eq!(turned, Some(Turned::Opened(300_000)));
        assert_eq!(health.resting(MODEL, NOW).unwrap().why, why);
    }
}

#[test]
fn the_average_follows_the_answers() {
    let mut health = Health::default();
    let known = |health: &Health| health.latency_ms(MODEL, Awaited::FirstEvent);
    assert_eq!(known(&health), None);
    answer(&mut health, Awaited::FirstEvent, 800);
    assert_eq!(known(&health), Some(800));
    for _ in 0..60 {
        answer(&mut health, Awaited::FirstEvent, 80);
        answer(&mut health, Awaited::Whole, 8_000);
    }
    let settled = known(&health).unwrap();
    let whole = health.latency_ms(MODEL, Awaited::Whole);
    assert_eq!(whole, Some(8_000), "each kind for itself");
    assert!((80..=90).contains(&settled), "{settled}");
    let failed = failure(FailureClass::ServerError);
    fail(&mut health, &failed, usual(), NOW);
    assert_eq!(known(&health), Some(settled), "answers only");
}

#[test]
fn a_probe_waits_four_times_as_long_as_usual() {
    for (took, patience) in [(500, 10_000), (4_000, 16_000), (20_000, 30_000)] {
        let mut health = Health::default();
        answer(&mut health, Awaited::FirstEvent, took);
        assert_eq!(health.ask(MODEL, NOW, usual(), true).unwrap().1, usual());
        health.told(&hint(1), NOW + 1_000, 0);
        let (turn, limit) = health.ask(MODEL, NOW + 1_000, usual(), true).unwrap();
        assert!(turn.probes());
        assert_eq!(limit, first_event(patience, By::Usual), "{took}");
    }
}

#[test]
fn a_probe_that_nobody_can_stand_in_for_has_all_its_time() {
    let mut health = Health::default();
    answer(&mut health, Awaited::FirstEvent, 500);
    health.told(&hint(1), NOW + 1_000, 0);
    let asked = health.ask(MODEL, NOW + 1_000, usual(), false).unwrap();
    assert!(asked.0.probes());
    assert_eq!(asked.1, usual());
}

#[test]
fn a_model_that_its_provider_does_not_know_any_more_opens() {
    let mut health = Health::default();
    let missing = failure(FailureClass::NotFound);
    for _ in 0..4 {
        assert_eq!(fail(&mut health, &missing, usual(), NOW), None);
    }
    assert!(fail(&mut health, &missing, usual(), NOW).is_some());
}

fn hint(at: u64) -> Hint {
    let model = MODEL.to_owned();
    Hint { model, at }
}

#[test]
fn a_hint_is_heard_once_and_later_than_an_answer() {
    let mut health = Health::default();
    answer(&mut health, Awaited::FirstEvent, 50);
    health.told(&hint(1), NOW + 999, 100);
    assert!(
        !health.is_open(MODEL, NOW + 999),
        "it has just answered here"
    );
    health.told(&hint(1), NOW + 5_000, 100);
    assert!(!health.is_open(MODEL, NOW + 5_000), "the same hint");
    health.told(&hint(2), NOW + 5_000, 100);
    assert!(health.is_open(MODEL, NOW + 5_399) && !health.is_open(MODEL, NOW + 5_400));
    health.told(&hint(2), NOW + 5_400, 100);
    assert!(!health.is_open(MODEL, NOW + 5_400), "heard already");
    health.told(&hint(1), NOW + 5_400, 100);
    assert!(!health.is_open(MODEL, NOW + 5_400), "older news");
}

#[test]
fn memory_is_bounded() {
    let mut health = Health::default();
    for number in 0..MOST_ENTRIES * 3 {
        health.earn_retry(&format!("openai/{number}"), NOW);
    }
    assert!(health.deployments.len() <= MOST_ENTRIES);
}
