//! Limits and budgets under concurrency.

use serde_json::{Value, json};

use super::support::*;

fn count(responses: &[Response], status: u16) -> usize {
    responses
        .iter()
        .filter(|response| response.status == status)
        .count()
}

/// `number` requests at once over three isolates.
fn burst(acme: &Acme, number: u64, latency: u64) -> Vec<Response> {
    acme.world.shared.latency.set(latency);
    let workers: Vec<Worker> = (1..=3).map(|group| acme.world.worker(group)).collect();
    let requests = (0..number).map(|index| {
        let worker = workers[usize::try_from(index % 3).unwrap()].clone();
        (
            worker,
            acme.request(&question("light", &format!("Question {index}"))),
        )
    });
    let responses = acme.world.send_all(requests.collect());
    acme.world.shared.latency.set(0);
    responses
}

#[test]
fn sixty_at_once_against_twenty() {
    let acme =
        Acme::with(&json!({ "limits": [{ "count": "requests", "limit": 20, "seconds": 60 }] }));
    let responses = burst(&acme, 60, 20);
    assert_eq!((count(&responses, 200), count(&responses, 429)), (20, 40));
    for refused in responses.iter().filter(|response| response.status == 429) {
        check_error(refused, 429, "rate_limit_exceeded");
        let seconds: u64 = refused.told("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        assert_eq!(refused.told("x-ratelimit-limit-requests"), "20");
        assert_eq!(refused.told("x-ratelimit-remaining-requests"), "0");
    }
    let records = acme.world.records("acme");
    assert_eq!(records.len(), 60);
    acme.check_released();
}

#[test]
fn refusals_do_not_prolong_the_wait() {
    let acme =
        Acme::with(&json!({ "limits": [{ "count": "requests", "limit": 2, "seconds": 60 }] }));
    acme.ask(&question("light", "One"));
    acme.ask(&question("light", "Two"));
    for _ in 0..10 {
        check_error(
            &acme.send(&question("light", "Three")),
            429,
            "rate_limit_exceeded",
        );
        acme.world.shared.executor.pass(5_000);
    }
    let refused = acme.send(&question("light", "Three"));
    let seconds: u64 = refused.told("retry-after").parse().unwrap();
    acme.world.shared.executor.pass(seconds * 1_000);
    acme.ask(&question("light", "Three"));
    acme.ask(&question("light", "Four"));
    check_error(
        &acme.send(&question("light", "Five")),
        429,
        "rate_limit_exceeded",
    );
}

#[test]
fn exactly_what_the_budget_carries_is_admitted() {
    // The bound of one such request, from the record of one.
    let probe = Acme::new();
    probe.world.provider.once(QWEN, Act::Slow(1));
    let response = probe.ask(&question("light", "Question 1"));
    let bound = probe.record(&response).bound;
    let budget = bound.saturating_mul(17).to_usd();
    let acme = Acme::with(&json!({ "budgets": [{ "usd": budget, "period": "day" }] }));
    for model in [QWEN, LLAMA_SMALL] {
        acme.world.provider.always(model, Act::Slow(5_000));
    }
    let workers: Vec<Worker> = (1..=3).map(|group| acme.world.worker(group)).collect();
    let requests = (0..50).map(|index| {
        (
            workers[index % 3].clone(),
            acme.request(&question("light", "Question 1")),
        )
    });
    let responses = acme.world.send_all(requests.collect());
    assert_eq!((count(&responses, 200), count(&responses, 402)), (17, 33));
    for refused in responses.iter().filter(|response| response.status == 402) {
        let message = check_error(refused, 402, "budget_exhausted");
        assert!(
            message.contains("max_tokens"),
            "it says what to do: {message}"
        );
        assert_eq!(refused.told("x-ai-budget-remaining-usd"), "0");
    }
    acme.check_released();
}

#[test]
fn the_budget_starts_again_at_midnight() {
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "0.01", "period": "day" }] }));
    let usage = esclusa::usage::Usage {
        input_tokens: 1_000,
        output_tokens: 30_000,
        ..Default::default()
    };
    acme.world.provider.once(QWEN, Act::Use(usage));
    acme.ask(&question("light", "Hello"));
    check_error(
        &acme.send(&question("light", "Hello")),
        402,
        "budget_exhausted",
    );
    acme.world.shared.executor.pass(43_200_000);
    acme.ask(&question("light", "Hello"));
}

#[test]
fn a_budget_of_nothing_admits_nothing() {
    let acme = Acme::with(&json!({ "budgets": [{ "usd": "0", "period": "day" }] }));
    check_error(
        &acme.send(&question("light", "Hello")),
        402,
        "budget_exhausted",
    );
    let new = Request::new("POST", "/v1/knowledge/documents").key(&acme.key);
    let document = json!({ "id": "a", "title": "A", "text": "text" });
    let refused = acme.world.send(&acme.worker, new.json(&document));
    check_error(&refused, 402, "budget_exhausted");
    assert!(acme.world.provider.calls.borrow().is_empty());
}

#[test]
fn no_limit_is_no_limit() {
    let config = json!({ "limits": [], "budgets": [] });
    let acme = Acme::with(&config);
    let responses = burst(&acme, 100, 5);
    assert_eq!(count(&responses, 200), 100);
    assert_eq!(responses[0].header("x-ratelimit-limit-requests"), None);
    assert_eq!(responses[0].header("x-ai-budget-remaining-usd"), None);
}

#[test]
fn a_lowered_limit_holds_for_isolates_that_do_not_know_it() {
    let acme = Acme::new();
    let other = acme.world.worker(2);
    acme.world
        .expect(&other, acme.request(&question("light", "One")), 200);
    acme.world.configure(
        &acme.worker,
        "acme",
        &json!({ "limits": [{ "count": "requests", "limit": 2, "seconds": 60 }] }),
    );
    acme.world
        .expect(&other, acme.request(&question("light", "Two")), 200);
    let refused = acme
        .world
        .send(&other, acme.request(&question("light", "Three")));
    check_error(&refused, 429, "rate_limit_exceeded");
}

#[test]
fn a_stale_plan_is_made_again() {
    let acme = Acme::new();
    let other = acme.world.worker(2);
    acme.world
        .expect(&other, acme.request(&question("light", "One")), 200);
    acme.world.configure(
        &acme.worker,
        "acme",
        &json!({ "tiers": { "light": [GLM] } }),
    );
    let response = acme
        .world
        .expect(&other, acme.request(&question("light", "Two")), 200);
    assert_eq!(response.told("cf-aig-model"), GLM);
    let record = acme.record(&response);
    assert_eq!(record.draft.versions.config, 3);
}

#[test]
fn nothing_is_counted_by_a_secret() {
    let acme = Acme::new();
    let names = [
        "Authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cf-aig-authorization",
        "proxy-authorization",
    ];
    for name in names {
        let per = format!("header:{name}");
        let limit = json!({ "per": per, "count": "requests", "limit": 1, "seconds": 60 });
        let budget = json!({ "per": per, "usd": "1", "period": "day" });
        for (section, rule) in [("limits", limit), ("budgets", budget)] {
            let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
            let put = put.json(&json!({ section: [rule] }));
            let refused = acme.world.expect(&acme.worker, put, 400);
            assert_eq!(
                refused.json()["error"]["param"],
                format!("{section}[0].per")
            );
            assert!(refused.text().contains("holds a secret"), "{name}");
        }
    }
}

#[test]
fn a_rule_of_more_subjects_than_are_shown_says_so() {
    let acme = Acme::with(&json!({
        "limits": [
            { "count": "requests", "limit": 1000, "seconds": 60 },
            { "per": "user", "count": "requests", "limit": 5, "seconds": 60 },
        ],
    }));
    let count = |name: &str| {
        let live = acme.limits();
        let rows = live["limits"].as_array().unwrap().iter();
        let shown = rows.filter(|row| row["name"] == name).count();
        (shown, live["cut"].clone())
    };
    let ask = |user: String| {
        let request = acme.request(&question("light", "Hello"));
        let request = request.header("x-ai-user", &user);
        acme.world.expect(&acme.worker, request, 200);
    };
    (0..200).for_each(|user| ask(format!("user-{user}")));
    assert_eq!(count("requests-per-user"), (200, Value::Null));
    ask("another".to_owned());
    assert_eq!(
        count("requests-per-user"),
        (200, json!(["requests-per-user"]))
    );
    assert_eq!(count("requests").0, 1);
}
