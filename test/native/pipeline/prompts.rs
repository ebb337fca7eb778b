//! Prompts of operations: their versions, their variables, and who gets which.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::support::*;

fn shop(prompt: &Value) -> Acme {
    let quote =
        json!({ "tier": "light", "models": [LLAMA_SMALL], "cache_seconds": 600, "prompt": prompt });
    Acme::with(&json!({ "operations": { "quote": quote } }))
}

fn polite() -> Acme {
    shop(&json!({
        "versions": { "3": "You sell for {{ org }} to {{ audience }} on {{ today }}.{% if tone %} Be {{ tone }}.{% endif %}" },
        "variables": {
            "audience": { "required": true, "max_length": 30 },
            "tone": {},
        },
    }))
}

fn run(input: &str, variables: &Value) -> Value {
    json!({ "operation": "quote", "input": input, "variables": variables })
}

fn system_of_last(acme: &Acme) -> String {
    let calls = acme.world.provider.calls.borrow();
    let messages = &calls.last().unwrap().input["messages"];
    assert_eq!(messages[0]["role"], "system");
    messages[0]["content"].as_str().unwrap().to_owned()
}

#[test]
fn values_go_into_the_prompt_and_the_record_names_its_version() {
    let acme = polite();
    let body = run(
        "How much?",
        &json!({ "audience": "nurses", "tone": "brief" }),
    );
    let response = acme.posted("/v1/run", &body);
    let system = system_of_last(&acme);
    let (begin, end) = ("You sell for acme to nurses on 20", ". Be brief.");
    assert!(
        system.starts_with(begin) && system.ends_with(end),
        "{system}"
    );
    assert_eq!(response.told("x-ai-prompt"), "quote@3");
    assert_eq!(response.json()["operation"], "quote");
    let record = acme.record(&response);
    assert_eq!(record.draft.prompt, "quote@3");
    assert!(record.cost <= record.bound);
    acme.check_released();
}

#[test]
fn any_wire_sets_variables_by_a_header() {
    let acme = polite();
    let chat = |header: &str| {
        let request = acme.request(&question("operation/quote", "How much?"));
        acme.world
            .send(&acme.worker, request.header("x-ai-variables", header))
    };
    assert_eq!(chat(r#"{"audience":"pilots"}"#).status, 200);
    assert!(system_of_last(&acme).contains("to pilots on"));
    for malformed in ["nurses", "[]", r#"{"audience":[]}"#] {
        let response = chat(malformed);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], "x-ai-variables");
    }
}

#[test]
fn a_value_is_data_whatever_it_says() {
    let acme = polite();
    let hostile = "{{ today }}{% if x %}";
    acme.posted("/v1/run", &run("a", &json!({ "audience": hostile })));
    assert!(system_of_last(&acme).contains(&format!("to {hostile} on")));
}

#[test]
fn variables_that_do_not_fit_are_refused_by_name() {
    let acme = polite();
    let cases = [
        (
            json!({}),
            "variables.audience",
            "needs `variables.audience`",
        ),
        (
            json!({ "audience": "a", "color": "red" }),
            "variables.color",
            "There are: audience, tone",
        ),
        (
            json!({ "audience": "x".repeat(31) }),
            "variables.audience",
            "at most 30 characters",
        ),
        (
            json!({ "audience": ["a"] }),
            "variables.audience",
            "must be a text",
        ),
        (json!("audience"), "variables", "object"),
    ];
    for (variables, param, says) in cases {
        let response = acme.post("/v1/run", &run("a", &variables));
        let message = check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], param, "{message}");
        assert!(message.contains(says), "{message}");
    }
    let chat = json!({ "operation": "chat", "input": "a", "variables": { "x": "y" } });
    let message = check_error(&acme.post("/v1/run", &chat), 400, "invalid_request");
    assert!(message.contains("It has none"), "{message}");
    let request = acme
        .request(&question(LLAMA, "a"))
        .header("x-ai-variables", r#"{"x":"y"}"#);
    let named = acme.world.send(&acme.worker, request);
    let message = check_error(&named, 400, "invalid_request");
    assert!(message.contains("name an operation"), "{message}");
    assert!(acme.world.provider.calls.borrow().is_empty());
}

#[test]
fn a_prompt_that_its_values_make_too_long_is_refused() {
    let acme = shop(&json!({
        "versions": { "1": "{{ a }}".repeat(50) },
        "variables": { "a": {} },
    }));
    let body = run("a", &json!({ "a": "x".repeat(4_000) }));
    let response = acme.post("/v1/run", &body);
    let message = check_error(&response, 400, "invalid_request");
    assert!(message.contains("longer than 131072 bytes"), "{message}");
}

#[test]
fn answers_are_cached_by_what_the_prompt_says() {
    let acme = polite();
    let ask = |audience: &str| {
        let body = run("How much?", &json!({ "audience": audience }));
        acme.posted("/v1/run", &body)
            .told("x-ai-cache-status")
            .to_owned()
    };
    assert_eq!(ask("nurses"), "MISS");
    assert_eq!(ask("nurses"), "HIT");
    assert_eq!(ask("pilots"), "MISS");
    let by_header = |audience: &str| {
        let header = json!({ "audience": audience }).to_string();
        let request = acme.request(&question("operation/quote", "How much?"));
        let request = request.header("x-ai-variables", &header);
        let response = acme.world.expect(&acme.worker, request, 200);
        response.told("x-ai-cache-status").to_owned()
    };
    assert_eq!(by_header("nurses"), "MISS");
    assert_eq!(by_header("nurses"), "HIT");
    assert_eq!(
        by_header("pilots"),
        "MISS",
        "the body is the same, the prompt is not"
    );
}

#[test]
fn users_keep_their_version_and_the_shares_hold() {
    let share = |first: u8| {
        let acme = shop(&json!({
            "versions": { "1": "One.", "2": "Two." },
            "rollout": { "1": first, "2": 100 - first },
        }));
        let version = |user: &str, text: &str| {
            let request = acme
                .request(&question("operation/quote", text))
                .header("x-ai-user", user);
            let response = acme.world.expect(&acme.worker, request, 200);
            response.told("x-ai-prompt").to_owned()
        };
        let users = (0..200).map(|user| {
            let user = format!("user-{user}");
            let version = version(&user, "Hello");
            (user, version)
        });
        let versions: BTreeMap<String, String> = users.collect();
        for (user, first) in versions.iter().take(10) {
            assert_eq!(&version(user, "And again"), first);
        }
        versions
    };
    let (few, half) = (share(90), share(50));
    let count = |versions: &BTreeMap<String, String>| {
        versions
            .values()
            .filter(|version| *version == "quote@2")
            .count()
    };
    assert!((8..=35).contains(&count(&few)), "{}", count(&few));
    assert!((75..=125).contains(&count(&half)), "{}", count(&half));
    // Who had the new version when it was for few has it when it is for more.
    let had = few.iter().filter(|(_, version)| *version == "quote@2");
    assert!(had.into_iter().all(|(user, _)| half[user] == "quote@2"));
}

#[test]
fn a_session_keeps_its_version_where_there_is_no_user() {
    let acme = shop(&json!({
        "versions": { "1": "One.", "2": "Two." },
        "rollout": { "1": 50, "2": 50 },
    }));
    let version = |session: Option<&str>, text: String| {
        let request = acme.request(&question("operation/quote", &text));
        let request = match session {
            Some(session) => request.header("cf-aig-session-id", session),
            None => request,
        };
        let response = acme.world.expect(&acme.worker, request, 200);
        response.told("x-ai-prompt").to_owned()
    };
    let kept: Vec<String> = (0..12)
        .map(|n| version(Some("s-1"), format!("Question {n}")))
        .collect();
    assert!(kept.iter().all(|version| *version == kept[0]), "{kept:?}");
    let alone: Vec<String> = (0..40)
        .map(|n| version(None, format!("Other {n}")))
        .collect();
    assert!(alone.contains(&"quote@1".to_owned()) && alone.contains(&"quote@2".to_owned()));
}

#[test]
fn a_cheaper_route_keeps_the_operation_and_its_prompt() {
    let quote = json!({
        "tier": "medium",
        "prompt": { "versions": { "1": "You sell to {{ audience }}." }, "variables": { "audience": {} } },
    });
    let acme = Acme::with(&json!({
        "operations": { "quote": quote },
        "budgets": [{ "usd": "0", "period": "day", "when_spent": { "downgrade": "light" } }],
    }));
    let response = acme.posted(
        "/v1/run",
        &run("How much?", &json!({ "audience": "nurses" })),
    );
    assert_eq!(response.told("x-ai-operation"), "quote");
    assert_eq!(response.told("cf-aig-model"), QWEN);
    assert!(system_of_last(&acme).contains("nurses"));
}

#[test]
fn a_cheaper_route_gives_no_prompt_to_who_named_a_model() {
    let prompt = json!({ "versions": { "1": "You answer briefly." } });
    let acme = Acme::with(&json!({
        "operations": {
            "chat": { "tier": "medium", "prompt": prompt },
            "faq": { "tier": "light", "prompt": prompt, "cache_seconds": 600 },
        },
        "budgets": [{ "usd": "0", "period": "day", "when_spent": { "downgrade": "light" } }],
        "routes": { "mine": { "elements": [
            { "id": "s", "type": "start", "outputs": { "next": { "elementId": "m" } } },
            { "id": "m", "type": "model", "properties": { "provider": "openai", "model": "gpt-4o" } },
        ] } },
    }));
    for model in ["openai/gpt-4o", "dynamic/mine"] {
        let response = acme.ask(&question(model, "What is your return policy?"));
        assert_eq!(response.told("cf-aig-model"), QWEN, "{model}");
        assert_eq!(response.told("x-ai-operation"), "chat", "{model}");
        assert_eq!(response.header("x-ai-prompt"), None, "{model}");
        let calls = acme.world.provider.calls.borrow();
        let sent = &calls.last().unwrap().input["messages"];
        assert_eq!(sent.as_array().unwrap().len(), 1, "{model}: {sent}");
    }
    acme.check_released();
}

#[test]
fn a_cheaper_model_takes_the_variables_of_what_is_guessed() {
    let prompt = json!({
        "versions": { "1": "You sell to {{ audience }}." }, "variables": { "audience": {} },
    });
    let acme = Acme::with(&json!({
        "operations": { "faq": { "tier": "medium", "prompt": prompt } },
        "budgets": [{ "usd": "0", "period": "day", "when_spent": { "downgrade": LLAMA_SMALL } }],
    }));
    let body =
        json!({ "input": "What is your return policy?", "variables": { "audience": "nurses" } });
    let response = acme.posted("/v1/run", &body);
    assert_eq!(response.told("x-ai-prompt"), "faq@1");
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    assert!(system_of_last(&acme).contains("nurses"));
}
