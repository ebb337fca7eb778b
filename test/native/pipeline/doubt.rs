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
    let html = Act::Reply(200, None, json!({ "response": "no idea" }).to_string());
    for act in [broken, Act::Hang, Act::ResetAfter, html, named("dance")] {
        let acme = in_doubt("ask");
        acme.world.provider.once(LLAMA_SMALL, act);
        let response = acme.ask(&question("auto", "Translate this into French: good day"));
        assert_eq!(response.told("x-ai-operation"), "chat");
        assert_eq!(purposes(&acme, &response), ["intent", "answer"]);
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
