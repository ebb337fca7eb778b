//! Limits and budgets of users, keys, addresses, headers, metadata, models; and what a spent budget
//! does, as callers see it.

use serde_json::{Value, json};

use super::support::*;

fn requests(per: &str, limit: u64) -> Value {
    json!({ "limits": [{ "per": per, "count": "requests", "limit": limit, "seconds": 60 }] })
}

/// The statuses of requests that each have a header.
fn statuses(acme: &Acme, name: &str, values: &[&str]) -> Vec<u16> {
    let send = |(index, value): (usize, &&str)| {
        let body = question("light", &format!("Question {index}"));
        let request = acme.request(&body).header(name, value);
        acme.world.send(&acme.worker, request).status
    };
    values.iter().enumerate().map(send).collect()
}

#[test]
fn users_addresses_headers_and_metadata_are_limited_apart() {
    for (per, name, values) in [
        ("user", "x-ai-user", ["ann", "bob", "ann"]),
        ("header:x-team", "x-team", ["ann", "bob", "ann"]),
        (
            "metadata:team",
            "cf-aig-metadata",
            [r#"{"team":1}"#, r#"{"team":2}"#, r#"{"team":1}"#],
        ),
        (
            "address",
            "cf-connecting-ip",
            ["192.0.2.1", "192.0.2.2", "192.0.2.1"],
        ),
        (
            "address",
            "cf-connecting-ip",
            ["2001:db8::1", "2001:db8:0:1::1", "2001:db8::2"],
        ),
    ] {
        let acme = Acme::with(&requests(per, 1));
        assert_eq!(statuses(&acme, name, &values), [200, 200, 429], "{per}");
    }
}

#[test]
fn the_user_in_the_body_is_the_user() {
    let acme = Acme::with(&requests("user", 1));
    let ask = |user: &str| {
        let mut body = question("light", "Hello");
        body["user"] = json!(user);
        acme.send(&body).status
    };
    assert_eq!([ask("ann"), ask("bob"), ask("ann")], [200, 200, 429]);
}

#[test]
fn whoever_leaves_out_the_user_shares_the_limit_of_nobody() {
    let acme = Acme::with(&requests("user", 1));
    acme.ask(&question("light", "Hello"));
    let refused = acme.send(&question("light", "Again"));
    let message = check_error(&refused, 429, "rate_limit_exceeded");
    assert!(message.contains("requests-per-user"), "{message}");
}

#[test]
fn tokens_are_limited_and_told() {
    let config = json!({ "limits": [{ "count": "tokens", "limit": 5_000, "seconds": 60 }] });
    let acme = Acme::with(&config);
    let mut body = question("light", "Hello");
    body["max_tokens"] = json!(3_000);
    let answer = acme.ask(&body);
    assert_eq!(answer.told("x-ratelimit-limit-tokens"), "5000");
    let used = acme.limits()["limits"][0]["used"].as_u64().unwrap();
    let usage = acme.record(&answer).draft.usage;
    assert_eq!(used, usage.total_tokens(), "settled at what was used");
    body["max_tokens"] = json!(6_000);
    let refused = acme.send(&body);
    let message = check_error(&refused, 400, "invalid_request");
    assert!(message.contains("never admits more than 5000"), "{message}");
}

#[test]
fn a_model_at_its_limit_is_passed_over() {
    let mut config = requests("model", 1);
    config["limits"][0]["only"] = json!(QWEN);
    let acme = Acme::with(&config);
    let models = [1, 2].map(|index| {
        let answer = acme.ask(&question("light", &format!("Question {index}")));
        answer.told("cf-aig-model").to_owned()
    });
    assert_eq!(models, [QWEN, LLAMA_SMALL]);
    let named = acme.send(&question(QWEN, "Hello"));
    check_error(&named, 429, "rate_limit_exceeded");
}

#[test]
fn a_fallback_is_asked_for_where_models_are_limited() {
    let mut config = requests("model", 1);
    config["limits"][0]["only"] = json!(LLAMA_SMALL);
    let acme = Acme::with(&config);
    acme.world.provider.always(QWEN, Act::Status(500, "broken"));
    let first = acme.ask(&question("light", "One"));
    assert_eq!(first.told("cf-aig-model"), LLAMA_SMALL);
    let second = acme.send(&question("light", "Two"));
    assert_ne!(second.header("cf-aig-model"), Some(LLAMA_SMALL));
    acme.check_released();
}

#[test]
fn a_spent_budget_downgrades() {
    let soft = json!({ "usd": "0", "period": "day", "when_spent": { "downgrade": LLAMA_SMALL } });
    let acme = Acme::with(&json!({ "budgets": [soft] }));
    let answer = acme.ask(&question("heavy", "Hello"));
    assert_eq!(answer.told("cf-aig-model"), LLAMA_SMALL);
    assert_ne!(acme.spent(), "0");
    let policy = acme.record(&answer).draft.policy;
    assert_eq!(policy, [format!("downgraded to {LLAMA_SMALL}")]);
    acme.check_released();
}

#[test]
fn a_spent_budget_serves_what_is_cached() {
    let acme = Acme::learned();
    acme.ask(&faq());
    let spent = json!({ "usd": "0", "period": "day", "when_spent": "cache_only" });
    let budgets = json!({ "budgets": [spent], "limits": [] });
    acme.world.configure(&acme.worker, "acme", &budgets);
    let mut uncached = acme.send(&faq());
    // The answer of another configuration is not this one's.
    let message = check_error(&uncached, 402, "budget_exhausted");
    assert!(message.contains("cached"), "{message}");
    let generous = json!({ "usd": "0.01", "period": "day", "when_spent": "cache_only" });
    let budgets = json!({ "budgets": [generous], "limits": [] });
    acme.world.configure(&acme.worker, "acme", &budgets);
    acme.ask(&faq());
    let usage = esclusa::usage::Usage {
        input_tokens: 1_000,
        output_tokens: 30_000,
        ..Default::default()
    };
    acme.world.provider.once(QWEN, Act::Use(usage));
    acme.ask(&question("light", "Spend it all"));
    assert_eq!(acme.limits()["budgets"][4]["remaining_usd"], "0");
    let cached = acme.ask(&faq());
    assert_eq!(cached.told("x-ai-cache-status"), "HIT");
    assert_eq!(acme.record(&cached).draft.policy, ["cached only"]);
    uncached = acme.send(&question("light", "Something new"));
    check_error(&uncached, 402, "budget_exhausted");
    let record = acme.record(&uncached);
    assert_eq!(record.draft.status, 402);
    acme.check_released();
}

#[test]
fn a_budget_of_each_user_says_whose_it_is() {
    let each = json!({ "per": "user", "usd": "0", "period": "month" });
    let acme = Acme::with(&json!({ "budgets": [each] }));
    let request = acme
        .request(&question("light", "Hello"))
        .header("x-ai-user", "ann");
    let refused = acme.world.send(&acme.worker, request);
    let message = check_error(&refused, 402, "budget_exhausted");
    assert!(message.contains("month-per-user"), "{message}");
    assert_eq!(refused.told("x-ai-budget-remaining-usd"), "0");
}

#[test]
fn reached_thresholds_are_listed() {
    let day = json!({ "usd": "0.01", "period": "day", "thresholds": [50, 100] });
    let acme = Acme::with(&json!({ "budgets": [day] }));
    let usage = esclusa::usage::Usage {
        input_tokens: 1_000,
        output_tokens: 20_000,
        ..Default::default()
    };
    acme.world.provider.once(QWEN, Act::Use(usage));
    acme.ask(&question("light", "Hello"));
    let list = Request::new("GET", "/admin/v1/orgs/acme/alerts").admin();
    let alerts = acme.world.expect(&acme.worker, list, 200).json();
    check_described("/admin/v1/orgs/{org}/alerts", &alerts);
    assert_eq!(alerts["data"].as_array().unwrap().len(), 1, "{alerts}");
    let alert = &alerts["data"][0];
    assert_eq!(alert["threshold_percent"], 50);
    assert_eq!(
        (&alert["budget"], &alert["limit_usd"]),
        (&json!("day"), &json!("0.01"))
    );
    assert_eq!(alert["delivered"], false);
}

#[test]
fn a_prepaid_org_is_served_once_it_has_paid() {
    let acme = Acme::with(&json!({ "budgets": [], "credits": "prepaid" }));
    let refused = acme.send(&question("light", "Hello"));
    let message = check_error(&refused, 402, "budget_exhausted");
    assert!(message.contains("prepaid"), "{message}");
    let pay = |id: &str, usd: &str| {
        let payment = json!({ "id": id, "usd": usd, "note": "first" });
        Request::new("POST", "/admin/v1/orgs/acme/credits")
            .admin()
            .json(&payment)
    };
    for _ in 0..2 {
        let state = acme
            .world
            .expect(&acme.worker, pay("invoice-1", "1"), 200)
            .json();
        assert_eq!(state["credits"]["balance_usd"], "1", "once for its id");
    }
    let answer = acme.ask(&question("light", "Hello"));
    let spent = acme.spent();
    let balance = acme.limits()["credits"]["balance_usd"].clone();
    let left = 1.0 - spent.parse::<f64>().unwrap();
    assert!((balance.as_str().unwrap().parse::<f64>().unwrap() - left).abs() < 1e-9);
    assert_eq!(
        answer.told("x-ai-budget-remaining-usd").get(..4),
        Some("0.99")
    );
    for (bad, param) in [(pay("", "1"), "id"), (pay("b", "much"), "usd")] {
        let response = acme.world.send(&acme.worker, bad);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param);
    }
}
