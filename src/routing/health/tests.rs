use super::*;

const MODEL: &str = "@cf/openai/gpt-oss-120b";
/// 23:59:50 of a day.
const NOW: u64 = DAY_MS * 20_000 - 10_000;

/// A call that fails after so many milliseconds.
fn fail(health: &mut Health, failure: &Failure, milliseconds: u64, now: u64) -> Option<Turned> {
    let (turn, _) = health.ask(MODEL, now, 30_000).unwrap();
    let outcome = Outcome::Failed(failure, milliseconds);
    health.note(MODEL, turn, outcome, now, 0)
}

fn answer(health: &mut Health, milliseconds: u64) {
    let (turn, _) = health.ask(MODEL, NOW, 30_000).unwrap();
    health.note(MODEL, turn, Outcome::Answered(milliseconds), NOW, 0);
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
        FailureClass::NotFound,
    ];
    for class in classes.repeat(10) {
        assert_eq!(fail(&mut health, &failure(class), 50, NOW), None);
    }
    let impatient = Failure::timeout(9_999);
    for _ in 0..20 {
        assert_eq!(fail(&mut health, &impatient, 9_999, NOW), None);
    }
    assert!(!health.is_open(MODEL, NOW));
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
            assert_eq!(fail(&mut health, &failure, 30_000, NOW), None);
        }
        let turned = fail(&mut health, &failure, 30_000, NOW);
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
        let turned = fail(&mut health, &busy, 50, NOW);
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
    fail(&mut health, &used_up, 50, NOW);
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
        let turned = fail(&mut health, &failure(class), 50, NOW);
        assert_eq!(turned, Some(Turned::Opened(300_000)));
        assert_eq!(health.resting(MODEL, NOW).unwrap().why, why);
    }
}

#[test]
fn the_average_follows_the_answers() {
    let mut health = Health::default();
    assert_eq!(health.latency_ms(MODEL), None);
    answer(&mut health, 800);
    assert_eq!(health.latency_ms(MODEL), Some(800));
    for _ in 0..60 {
        answer(&mut health, 80);
    }
    let settled = health.latency_ms(MODEL).unwrap();
    assert!((80..=90).contains(&settled), "{settled}");
    let failed = failure(FailureClass::ServerError);
    fail(&mut health, &failed, 30_000, NOW);
    assert_eq!(health.latency_ms(MODEL), Some(settled), "answers only");
}

#[test]
fn a_probe_waits_four_times_as_long_as_usual() {
    for (usual, patience) in [(500, 10_000), (4_000, 16_000), (20_000, 30_000)] {
        let mut health = Health::default();
        answer(&mut health, usual);
        assert_eq!(health.ask(MODEL, NOW, 30_000).unwrap().1, 30_000);
        health.told(&hint(1), NOW + 1_000, 0);
        let (turn, waits) = health.ask(MODEL, NOW + 1_000, 30_000).unwrap();
        assert!(turn.probes());
        assert_eq!(waits, patience, "{usual}");
    }
}

fn hint(at: u64) -> Hint {
    let model = MODEL.to_owned();
    Hint { model, at }
}

#[test]
fn a_hint_is_heard_once_and_later_than_an_answer() {
    let mut health = Health::default();
    answer(&mut health, 50);
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
}

#[test]
fn memory_is_bounded() {
    let mut health = Health::default();
    for number in 0..MOST_ENTRIES * 3 {
        health.earn_retry(&format!("openai/{number}"), NOW);
    }
    assert!(health.deployments.len() <= MOST_ENTRIES);
}
