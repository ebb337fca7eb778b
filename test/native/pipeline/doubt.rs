//! Where nobody says what a request is for, and the classifier is in doubt.

use serde_json::{Value, json};

use super::support::*;

const CLEF: &str = "@cf/cloudflare/clef-flash";
/// Says nothing of what it is for, so that the classifier takes it for small talk.
const TEXT: &str = "Hello there";

/// An org whose classifier is always in doubt.
fn in_doubt(below: &str) -> Acme {
    Acme::with(&json!({ "intent": { "threshold": 1, "below": below } }))
}

/// What the model that is asked answers.
fn named(operation: &str) -> Act {
    let response = json!({ "response": { "operation": operation } });
    Act::Reply(200, None, response.to_string())
}

fn purposes(acme: &Acme, response: &Response) -> Vec<String> {
    let attempts = acme.record(response).draft.attempts;
    attempts
        .into_iter()
        .map(|attempt| attempt.purpose)
        .collect()
}

fn calls(acme: &Acme, model: &str) -> usize {
    let calls = acme.world.provider.calls.borrow();
    calls.iter().filter(|call| call.model == model).count()
}

#[test]
fn a_small_model_says_what_a_request_is_for_and_is_paid() {
    let acme = in_doubt("ask");
    acme.world.provider.once(LLAMA_SMALL, named("translate"));
    let response = acme.ask(&question("auto", TEXT));
    assert_eq!(response.told("x-ai-operation"), "translate");
    assert_eq!(purposes(&acme, &response), ["intent", "answer"]);
    let record = acme.record(&response);
    assert_eq!(record.draft.operation, "translate");
    assert!(
        record
            .draft
            .policy
            .contains(&"asked for translate".to_owned())
    );
    assert!(record.draft.attempts[0].cost > esclusa::money::Nanos::ZERO);
    let asked: Value = {
        let calls = acme.world.provider.calls.borrow();
        calls[0].input.clone()
    };
    let names = &asked["response_format"]["json_schema"]["properties"]["operation"]["enum"];
    let names: Vec<&str> = names
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"faq") && !names.contains(&"transcribe"),
        "{names:?}"
    );
    acme.check_released();
}

#[test]
fn what_was_answered_once_is_not_asked_again() {
    let acme = in_doubt("ask");
    acme.world.provider.once(LLAMA_SMALL, named("translate"));
    acme.ask(&question("auto", TEXT));
    let again = acme.ask(&question("auto", TEXT));
    assert_eq!(again.told("x-ai-operation"), "translate");
    let asked = purposes(&acme, &again);
    assert!(asked.is_empty(), "its answer is cached too: {asked:?}");
    let policy = acme.record(&again).draft.policy;
    assert!(
        policy.contains(&"remembered for translate".to_owned()),
        "{policy:?}"
    );
}

#[test]
fn what_the_cache_answers_costs_what_was_asked_before() {
    let acme = in_doubt("ask");
    let names = |text: &str| {
        acme.world.provider.once(LLAMA_SMALL, named("translate"));
        let request = acme.request(&question("auto", text));
        let request = request.header("cf-aig-cache-key", "greeting");
        acme.world.expect(&acme.worker, request, 200)
    };
    names(TEXT);
    let response = names("Hello everybody");
    assert_eq!(response.told("x-ai-cache-status"), "HIT");
    assert_eq!(purposes(&acme, &response), ["intent"]);
    let record = acme.record(&response);
    assert!(record.cost.get() > 0);
    assert_eq!(response.told("x-ai-cost-usd"), record.cost.to_usd());
    assert_eq!(
        response.json()["usage"]["cost_usd"],
        json!(record.cost.to_usd())
    );
    acme.check_released();
}

#[test]
fn a_long_text_is_read_at_both_ends_and_remembered_as_a_whole() {
    let acme = in_doubt("ask");
    let contract = "The parties agree as follows. ".repeat(200);
    let asking = |end: &str| question("auto", &format!("{contract}{end}"));
    acme.world.provider.once(LLAMA_SMALL, named("translate"));
    let first = acme.ask(&asking("Please put this into French."));
    assert_eq!(first.told("x-ai-operation"), "translate");
    let asked = acme.world.provider.calls.borrow()[0].input.to_string();
    assert!(
        asked.contains("The parties") && asked.contains("put this into French"),
        "{asked}"
    );
    acme.world.provider.once(LLAMA_SMALL, named("summarize"));
    let second = acme.ask(&asking("Please give me the gist."));
    assert_eq!(second.told("x-ai-operation"), "summarize");
    let mut with_tool = asking("Please give me the gist.");
    with_tool["tools"] = json!([{ "type": "function", "function": { "name": "look" } }]);
    acme.world.provider.once(LLAMA_SMALL, named("translate"));
    let third = acme.ask(&with_tool);
    assert!(
        purposes(&acme, &third).contains(&"intent".to_owned()),
        "asked anew"
    );
    acme.check_released();
}

#[test]
fn nobody_is_asked_about_a_request_without_a_text() {
    let acme = in_doubt("ask");
    let mut body = question("auto", "");
    body["messages"][0]["content"] = json!([{ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } }]);
    let response = acme.ask(&body);
    assert_eq!(response.told("x-ai-operation"), "chat");
    assert_eq!(purposes(&acme, &response), ["answer"]);
}

#[test]
fn the_deciding_model_chooses_among_the_orgs_operations_too() {
    let own = json!({
        "intent": { "threshold": 1, "below": "decide" },
        "operations": { "quote_price": { "tier": "light" } },
    });
    let acme = Acme::with(&own);
    let response = acme.ask(&question("auto", "this is a quote_price, I think"));
    assert_eq!(response.told("x-ai-operation"), "quote_price");
    assert_eq!(purposes(&acme, &response), ["intent", "answer"]);
    assert_eq!(calls(&acme, CLEF), 1);
    acme.check_released();
}

#[test]
fn the_default_operation_serves_where_nobody_is_asked_or_nobody_answers() {
    let broken = Act::Status(500, "broken");
    let vague = Act::Reply(200, None, json!({ "response": "no idea" }).to_string());
    for (act, is_paid) in [
        (broken, false),
        (Act::Hang, true),
        (Act::ResetAfter, true),
        (vague, true),
        (named("dance"), true),
    ] {
        let acme = in_doubt("ask");
        acme.world.provider.once(LLAMA_SMALL, act.clone());
        let response = acme.ask(&question("auto", "Translate this into French: good day"));
        assert_eq!(response.told("x-ai-operation"), "chat");
        assert_eq!(purposes(&acme, &response), ["intent", "answer"]);
        let asked = acme.record(&response).draft.attempts.swap_remove(0);
        assert_eq!(asked.cost.get() > 0, is_paid, "{act:?}: {asked:?}");
        acme.check_released();
    }
    let acme = in_doubt("default");
    let response = acme.ask(&question("auto", "Translate this into French: good day"));
    assert_eq!(response.told("x-ai-operation"), "chat");
    assert_eq!(purposes(&acme, &response), ["answer"]);
}

#[test]
fn who_says_what_a_request_is_for_is_never_in_doubt() {
    let acme = in_doubt("ask");
    let response = acme.ask(&question("operation/translate", TEXT));
    assert_eq!(response.told("x-ai-operation"), "translate");
    assert_eq!(purposes(&acme, &response), ["answer"]);
    let named = acme.ask(&question("gpt-4o-mini", TEXT));
    assert_eq!(purposes(&acme, &named), ["answer"]);
}

#[test]
fn what_cannot_be_paid_for_is_served_by_the_default_operation() {
    let acme = Acme::with(&json!({
        "intent": { "threshold": 1, "below": "ask" },
        "budgets": [{ "usd": "0.02", "period": "day" }],
    }));
    acme.world
        .provider
        .once(LLAMA_SMALL, named("generate_report"));
    let response = acme.ask(&question("auto", TEXT));
    assert_eq!(response.told("x-ai-operation"), "chat");
    let record = acme.record(&response);
    assert_eq!(record.draft.operation, "chat");
    assert!(
        record
            .draft
            .policy
            .contains(&"asked for generate_report".to_owned())
    );
    acme.check_released();
}

/// The same with rules.
fn ruled(rules: &Value) -> Acme {
    let mut config = json!({ "intent": { "threshold": 1, "below": "ask" } });
    for (name, value) in rules.as_object().unwrap() {
        config[name] = value.clone();
    }
    let acme = Acme::with(&config);
    acme.world.provider.always(LLAMA_SMALL, named("translate"));
    acme
}

/// Asks for what is served as small talk, for a reason that the record tells.
fn served_as_chat(acme: &Acme, text: &str, reason: &str) {
    check_served_as_chat(acme, &acme.ask(&question("auto", text)), reason);
}

fn check_served_as_chat(acme: &Acme, response: &Response, reason: &str) {
    assert_eq!(response.told("x-ai-operation"), "chat");
    assert_ne!(response.told("x-ai-cache-status"), "HIT");
    let draft = acme.record(response).draft;
    assert_eq!(
        (draft.operation.as_str(), draft.tier.as_str()),
        ("chat", "medium")
    );
    let told = format!("served as chat: {reason}");
    assert!(draft.policy.contains(&told), "{:?}", draft.policy);
}

/// What the budgets of operations have spent, by operation.
fn spent_by_operation(acme: &Acme) -> Vec<(String, String)> {
    let limits = acme.limits();
    let budgets = limits["budgets"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    budgets
        .filter(|it| it["per"] == "operation" && it["spent_usd"] != "0")
        .map(|it| (text(&it["subject"]), text(&it["spent_usd"])))
        .collect()
}

#[test]
fn an_operation_that_is_off_serves_nothing_that_turns_out_to_be_for_it() {
    let acme = ruled(&json!({}));
    let cached = acme.ask(&question("auto", TEXT));
    assert_eq!(cached.told("x-ai-operation"), "translate");
    assert_eq!(
        acme.ask(&question("auto", TEXT)).told("x-ai-cache-status"),
        "HIT"
    );
    let path = "/admin/v1/orgs/acme/switches/operation/translate";
    let off = Request::new("PUT", path)
        .admin()
        .json(&json!({ "why": "an incident" }));
    acme.world.expect(&acme.worker, off, 200);
    served_as_chat(&acme, TEXT, "kill_switch");
    served_as_chat(&acme, "Hello everybody", "kill_switch");
    acme.check_released();
}

#[test]
fn a_model_that_is_off_does_not_change_what_a_request_is_for() {
    let acme = ruled(&json!({ "tiers": { "light": [QWEN, LLAMA_SMALL] } }));
    let path = format!("/admin/v1/orgs/acme/switches/model/{QWEN}");
    let off = Request::new("PUT", &path)
        .admin()
        .json(&json!({ "why": "an incident" }));
    acme.world.expect(&acme.worker, off, 200);
    let response = acme.ask(&question("auto", TEXT));
    assert_eq!(response.told("x-ai-operation"), "translate");
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    acme.check_released();
}

#[test]
fn the_budget_of_an_operation_is_charged_for_what_turns_out_to_be_for_it() {
    let acme = ruled(&json!({ "budgets": [{ "per": "operation", "usd": "1", "period": "day" }] }));
    let response = acme.ask(&question("auto", TEXT));
    let cost = acme.record(&response).cost.to_usd();
    assert_eq!(spent_by_operation(&acme), [("translate".to_owned(), cost)]);
    acme.check_released();
    let none = json!({ "per": "operation", "only": "translate", "usd": "0", "period": "day" });
    let acme = ruled(&json!({ "budgets": [none] }));
    served_as_chat(&acme, TEXT, "budget_exhausted");
    assert_eq!(spent_by_operation(&acme), []);
    acme.check_released();
}

#[test]
fn the_limit_of_an_operation_counts_what_turns_out_to_be_for_it() {
    let one = json!({ "per": "operation", "count": "requests", "limit": 1, "seconds": 60 });
    let acme = ruled(&json!({ "limits": [one] }));
    let first = acme.ask(&question("auto", TEXT));
    assert_eq!(first.told("x-ai-operation"), "translate");
    served_as_chat(&acme, "Hello everybody", "rate_limit_exceeded");
    let third = acme.send(&question("auto", "Hello you"));
    check_error(&third, 429, "rate_limit_exceeded");
    acme.check_released();
}

#[test]
fn a_request_that_was_admitted_from_a_lease_keeps_to_the_rules_of_its_operation_too() {
    let acme = ruled(&json!({
        "admission": "leased",
        "budgets": [{ "per": "operation", "only": "translate", "usd": "0", "period": "day" }],
    }));
    acme.world.shared.latency.set(5);
    let greet = |index| acme.ask(&question("auto", &format!("Hello {index}")));
    let responses: Vec<Response> = (0..60).map(greet).collect();
    let leased = acme.world.governors.of("acme").borrow().ledger().leased;
    assert!(leased > 0, "there was a lease");
    acme.world.shared.executor.pass(5_000);
    for response in &responses {
        check_served_as_chat(&acme, response, "budget_exhausted");
    }
    assert_eq!(spent_by_operation(&acme), []);
    acme.check_released();
}

/// Of a built-in operation, as the org has it instead, which a request like `body` does not fit.
fn translates(own: &Value, intent: &Value) -> Acme {
    let mut operation = json!({ "tier": "light", "models": [LLAMA_SMALL] });
    for (name, value) in own.as_object().unwrap() {
        operation[name] = value.clone();
    }
    Acme::with(&json!({ "intent": intent, "operations": { "translate": operation } }))
}

#[test]
fn what_does_not_fit_a_guessed_operation_is_served_by_the_default_one() {
    const FRENCH: &str = "Translate this into French: good day";
    let plain = question("auto", FRENCH);
    let mut formed = plain.clone();
    formed["response_format"] = json!({ "type": "json_object" });
    let prompt = json!({ "prompt": {
        "versions": { "1": "For {{ audience }}." }, "variables": { "audience": { "required": true } },
    } });
    let output = json!({ "output": { "schema": { "type": "object" } } });
    let cases = [
        (prompt, &plain),
        (output, &formed),
        (json!({ "input_tokens": 1 }), &plain),
    ];
    for (own, body) in cases {
        let acme = translates(&own, &json!({}));
        let guessed = acme.ask(body);
        assert_eq!(guessed.told("x-ai-operation"), "chat");
        let policy = acme.record(&guessed).draft.policy;
        assert_eq!(
            policy,
            ["guessed translate", "served as chat: invalid_request"]
        );
        let mut named_so = body.clone();
        named_so["model"] = json!("operation/translate");
        check_error(&acme.send(&named_so), 400, "invalid_request");
        acme.check_released();
        let acme = translates(&own, &json!({ "threshold": 1, "below": "ask" }));
        acme.world.provider.once(LLAMA_SMALL, named("translate"));
        let asked = acme.ask(body);
        assert_eq!(asked.told("x-ai-operation"), "chat");
        let policy = acme.record(&asked).draft.policy;
        assert_eq!(
            policy,
            ["asked for translate", "served as chat: invalid_request"]
        );
        acme.check_released();
    }
}

#[test]
fn a_section_that_makes_no_sense_is_refused_with_its_path() {
    let acme = Acme::new();
    for (section, told) in [
        (json!({ "threshold": 2 }), "intent.threshold"),
        (json!({ "threshold": "high" }), "intent.threshold"),
        (json!({ "below": "guess" }), "intent.below"),
        (json!({ "above": 1 }), "intent.above"),
    ] {
        let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
        let put = put.json(&json!({ "intent": section }));
        let refused = acme.world.expect(&acme.worker, put, 400);
        assert!(refused.text().contains(told), "{}", refused.text());
    }
}

#[test]
fn a_short_turn_that_says_little_stays_with_what_it_goes_on_with() {
    let acme = Acme::learned();
    let mut body = question("auto", QUESTION);
    let ends = [("And for Portugal?", "faq"), ("Tell me a joke.", "chat")];
    for (last, operation) in ends {
        body["messages"].as_array_mut().unwrap().extend([
            json!({ "role": "assistant", "content": "30 days." }),
            json!({ "role": "user", "content": last }),
        ]);
        let response = acme.ask(&body);
        assert_eq!(response.told("x-ai-operation"), operation, "{last}");
    }
    let alone = acme.ask(&question("auto", "And for Portugal?"));
    assert_eq!(alone.told("x-ai-operation"), "chat");
}
