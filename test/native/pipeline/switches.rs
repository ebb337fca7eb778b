//! Kill switches: what is off is neither asked nor served, in every isolate, from the answer on.

mod names;
mod root;

use std::cell::RefCell;
use std::rc::Rc;

use esclusa::audit::Outcome;
use esclusa::governor::lease::EFFECTIVE_MS;
use esclusa::governor::root::{GOOD_MS, LONGEST_MS, ROOT};
use serde_json::{Value, json};

use super::support::*;

/// Milliseconds between two requests of an isolate.
const PACE_MS: u64 = 50;

fn put(path: &str, body: &Value) -> Request {
    Request::new("PUT", path).admin().json(body)
}

fn of_org(switch: &str) -> String {
    format!("/admin/v1/orgs/acme/switches/{switch}")
}

fn of_all(switch: &str) -> String {
    format!("/admin/v1/switches/{switch}")
}

fn turn_on(acme: &Acme, path: &str) -> Value {
    let on = put(path, &json!({ "why": "an incident" }));
    acme.world.expect(&acme.worker, on, 200).json()
}

fn turn_off(acme: &Acme, path: &str) -> Value {
    let off = Request::new("DELETE", path).admin();
    acme.world.expect(&acme.worker, off, 200).json()
}

fn list(acme: &Acme, path: &str) -> Vec<Value> {
    let listed = Request::new("GET", path).admin();
    let listed = acme.world.expect(&acme.worker, listed, 200).json();
    listed["data"].as_array().unwrap().clone()
}

fn refused(acme: &Acme, worker: &Worker, request: Request) -> String {
    check_error(&acme.world.send(worker, request), 503, "kill_switch")
}

fn key_id(acme: &Acme) -> String {
    acme.key.split('_').nth(2).unwrap().to_owned()
}

#[test]
fn what_is_off_is_refused_in_every_isolate_and_comes_back() {
    let acme = Acme::learned();
    let tiers = json!({ "tiers": { "light": [QWEN, LLAMA_SMALL] } });
    acme.world.configure(&acme.worker, "acme", &tiers);
    let other = acme.world.worker(2);
    acme.world.expect(&other, acme.request(&faq()), 200);
    let switches = [
        of_org("org"),
        of_org("operation/faq"),
        of_org(&format!("key/{}", key_id(&acme))),
        of_all("everything"),
        of_all("operation/faq"),
        // Of Workers AI are all models of the operation.
        of_org("provider/workers-ai"),
        of_all("provider/workers-ai"),
    ];
    for path in switches {
        let shown = turn_on(&acme, &path);
        let name = shown["switch"].as_str().unwrap().to_owned();
        assert!(path.ends_with(&name), "{shown}");
        for worker in [&acme.worker, &other] {
            let message = refused(&acme, worker, acme.request(&faq()));
            assert_eq!(
                message,
                format!("`{name}` is switched off by an administrator.")
            );
        }
        turn_off(&acme, &path);
        for worker in [&acme.worker, &other] {
            acme.world.expect(worker, acme.request(&faq()), 200);
        }
    }
    acme.check_released();
}

#[test]
fn other_keys_operations_and_orgs_go_on() {
    let acme = Acme::new();
    let globex = acme.world.org(&acme.worker, "globex", &json!({}));
    let second = acme.world.mint(&acme.worker, "acme")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let expect = |key: &str, body: &Value, status| {
        acme.world
            .expect(&acme.worker, Request::chat(key, body), status);
    };
    turn_on(&acme, &of_org(&format!("key/{}", key_id(&acme))));
    expect(&acme.key, &faq(), 503);
    expect(&second, &faq(), 200);
    turn_on(&acme, &of_org("operation/faq"));
    expect(&second, &faq(), 503);
    expect(&second, &question("operation/summarize", "Text"), 200);
    turn_on(&acme, &of_org("org"));
    expect(&second, &question("operation/summarize", "Text"), 503);
    expect(&globex, &faq(), 200);
}

#[test]
fn a_model_that_is_off_is_passed_over_and_named_in_vain() {
    let acme = Acme::new();
    let usual = acme.ask(&question("light", "Hello"));
    let model = usual.told("cf-aig-model").to_owned();
    for path in [
        of_org(&format!("model/{model}")),
        of_all(&format!("model/{}", model.replace('@', "%40"))),
    ] {
        turn_on(&acme, &path);
        let instead = acme.ask(&question("light", "Hello there"));
        assert_ne!(instead.told("cf-aig-model"), model);
        refused(
            &acme,
            &acme.worker,
            acme.request(&question(&model, "Hello")),
        );
        turn_off(&acme, &path);
        let again = acme.ask(&question("light", "Hello again"));
        assert_eq!(again.told("cf-aig-model"), model);
    }
}

#[test]
fn a_fallback_that_is_off_is_passed_over() {
    let tiers = json!({ "tiers": { "light": [QWEN, LLAMA_SMALL, GLM] } });
    let acme = Acme::with(&tiers);
    turn_on(&acme, &of_org(&format!("model/{LLAMA_SMALL}")));
    acme.world.provider.once(QWEN, Act::Status(500, "{}"));
    let answer = acme.ask(&question("light", "Hello"));
    assert_eq!(answer.told("cf-aig-model"), GLM);
    assert_eq!(acme.world.provider.answered_by(), [QWEN, GLM]);
}

#[test]
fn a_request_under_way_does_not_fall_back_to_what_was_switched_off_meanwhile() {
    let tiers = json!({ "tiers": { "light": [QWEN, LLAMA_SMALL, GLM] } });
    let acme = Acme::with(&tiers);
    acme.world.provider.once(QWEN, Act::Hang);
    let (worker, request) = (
        acme.worker.clone(),
        acme.request(&question("light", "Hello")),
    );
    let answer: Rc<RefCell<Option<Response>>> = Rc::default();
    let done = Rc::clone(&answer);
    let task = async move {
        let response = worker.open(request).await.finish().await;
        done.replace(Some(response));
    };
    acme.world.shared.executor.spawn(1, Box::pin(task));
    acme.world.shared.executor.pass(1_000);
    turn_on(&acme, &of_org(&format!("model/{LLAMA_SMALL}")));
    // Another request of the isolate hears of it.
    acme.ask(&question(GLM, "Hello"));
    acme.world.shared.executor.pass(300_000);
    let answer = answer.take().unwrap();
    assert_eq!((answer.status, answer.told("cf-aig-model")), (200, GLM));
}

#[test]
fn a_helper_that_is_off_is_not_asked() {
    let acme = Acme::learned();
    turn_on(&acme, &of_org(&format!("model/{EMBED}")));
    let answer = acme.ask(&faq());
    assert_eq!(answer.told("x-ai-sources"), "0");
    let draft = acme.record(&answer).draft;
    let reason = draft.ungrounded.unwrap();
    assert!(reason.contains("switched_off"), "{reason}");
    let embedding = &draft.attempts[0];
    assert_eq!(
        (embedding.purpose.as_str(), embedding.result.as_str()),
        ("embed", "switched_off")
    );
    let document = json!({ "id": "x", "title": "X", "text": "A text." });
    let upload = Request::new("POST", "/v1/knowledge/documents").key(&acme.key);
    refused(&acme, &acme.worker, upload.json(&document));
    acme.check_released();
}

#[test]
fn what_is_off_is_not_served_from_the_cache_or_read() {
    let acme = Acme::learned();
    acme.ask(&faq());
    assert_eq!(acme.ask(&faq()).told("x-ai-cache-status"), "HIT");
    let key = of_org(&format!("key/{}", key_id(&acme)));
    for path in [of_org("org"), key, of_all("everything")] {
        turn_on(&acme, &path);
        refused(&acme, &acme.worker, acme.request(&faq()));
        for path in ["/v1/models", "/v1/models/auto", "/v1/knowledge/documents"] {
            let read = Request::new("GET", path).key(&acme.key);
            refused(&acme, &acme.worker, read);
        }
        let remove = Request::new("DELETE", "/v1/knowledge/documents/returns").key(&acme.key);
        refused(&acme, &acme.worker, remove);
        turn_off(&acme, &path);
    }
    turn_on(&acme, &of_org("operation/faq"));
    refused(&acme, &acme.worker, acme.request(&faq()));
    turn_off(&acme, &of_org("operation/faq"));
    assert_eq!(acme.ask(&faq()).told("x-ai-cache-status"), "HIT");
}

#[test]
fn what_a_model_that_is_off_once_answered_is_not_served_from_the_cache() {
    let text = &question("operation/translate", "Good day");
    let gpt = "openai/gpt-4o-mini";
    let tiers = json!({ "tiers": { "light": [QWEN, gpt] } });
    for switch in [format!("model/{QWEN}"), "provider/workers-ai".to_owned()] {
        let acme = Acme::with(&tiers);
        let other = acme.world.worker(2);
        assert_eq!(acme.ask(text).told("cf-aig-model"), QWEN);
        assert_eq!(acme.ask(text).told("x-ai-cache-status"), "HIT");
        turn_on(&acme, &of_org(&switch));
        let instead = acme.world.expect(&other, acme.request(text), 200);
        let told = (
            instead.told("x-ai-cache-status"),
            instead.told("cf-aig-model"),
        );
        assert_eq!(told, ("MISS", gpt));
        assert_eq!(acme.ask(text).told("x-ai-cache-status"), "HIT");
        acme.check_released();
    }
}

#[test]
fn a_spent_budget_serves_nothing_cached_of_what_is_off() {
    let soft = json!({ "usd": "0.01", "period": "day", "when_spent": "cache_only" });
    let tiers = json!({ "light": [QWEN, LLAMA_SMALL] });
    let acme = Acme::with(&json!({ "budgets": [soft], "limits": [], "tiers": tiers }));
    let text = &question("operation/translate", "Good day");
    acme.ask(text);
    let usage = esclusa::usage::Usage {
        input_tokens: 1_000,
        output_tokens: 30_000,
        ..Default::default()
    };
    acme.world.provider.once(QWEN, Act::Use(usage));
    acme.ask(&question("light", "Spend it all"));
    let cached = acme.ask(text);
    assert_eq!(
        acme.record(&cached).draft.policy,
        ["cached only"],
        "{}",
        acme.limits()
    );
    turn_on(&acme, &of_org(&format!("model/{QWEN}")));
    let other = acme.world.worker(2);
    for worker in [&acme.worker, &other] {
        let response = acme.world.send(worker, acme.request(text));
        assert!([402, 503].contains(&response.status), "{}", response.text());
    }
    turn_off(&acme, &of_org(&format!("model/{QWEN}")));
    assert_eq!(acme.ask(text).told("x-ai-cache-status"), "HIT");
    acme.check_released();
}

#[test]
fn a_cached_answer_of_what_is_off_is_not_found_where_a_model_removed_the_doubt() {
    let acme = Acme::with(&json!({
        "intent": { "threshold": 1, "below": "ask" },
        "tiers": { "light": [QWEN, LLAMA_SMALL] },
    }));
    let reply = json!({ "response": { "operation": "translate" } });
    let reply = Act::Reply(200, None, reply.to_string());
    acme.world.provider.once(LLAMA_SMALL, reply);
    let vague = question("auto", "Hello there");
    assert_eq!(acme.ask(&vague).told("cf-aig-model"), QWEN);
    assert_eq!(acme.ask(&vague).told("x-ai-cache-status"), "HIT");
    turn_on(&acme, &of_org(&format!("model/{QWEN}")));
    let other = acme.world.worker(2);
    let instead = acme.world.expect(&other, acme.request(&vague), 200);
    assert_ne!(instead.told("cf-aig-model"), QWEN);
    assert_ne!(instead.told("x-ai-cache-status"), "HIT");
}

#[test]
fn switches_are_listed_with_who_when_and_why() {
    let acme = Acme::new();
    let now = acme.world.shared.clock.wall();
    let until = now + 60_000;
    let body = json!({ "why": "leaked", "until": until, "abort": true });
    let on = put(&of_org("operation/faq"), &body);
    let shown = acme.world.expect(&acme.worker, on, 200).json();
    let expected = json!({
        "switch": "operation/faq", "on": true, "by": "admin", "at": now, "why": "leaked",
        "until": until, "abort": true, "known": true, "effective_at": now,
    });
    assert_eq!(shown, expected);
    let mystery = format!("{}?unlisted=true", of_all("model/mystery"));
    assert_eq!(turn_on(&acme, &mystery)["known"], false);
    let listed = list(&acme, "/admin/v1/orgs/acme/switches");
    let expected = json!([{
        "switch": "operation/faq", "on": true, "by": "admin", "at": now, "why": "leaked",
        "until": until, "abort": true,
    }]);
    assert_eq!(json!(listed), expected);
    assert_eq!(
        list(&acme, "/admin/v1/switches")[0]["switch"],
        "model/mystery"
    );
    let response = acme.send(&faq());
    check_error(&response, 503, "kill_switch");
    assert_eq!(response.told("retry-after"), "60");
    acme.world.shared.executor.pass(60_000);
    assert_eq!(
        list(&acme, "/admin/v1/orgs/acme/switches"),
        [json!(null); 0]
    );
    acme.ask(&faq());
}

#[test]
fn a_switch_turns_off_what_its_name_means_to_the_org_or_is_refused() {
    let acme = Acme::with(&json!({
        "aliases": { "house": QWEN },
        "operations": { "quote_price": { "tier": "light" } },
        "tiers": { "light": [QWEN, LLAMA_SMALL] },
    }));
    let shown = turn_on(&acme, &of_org("model/house"));
    assert_eq!(
        (&shown["switch"], &shown["known"]),
        (&json!(format!("model/{QWEN}")), &json!(true))
    );
    let instead = acme.ask(&question("light", "Hello"));
    assert_eq!(instead.told("cf-aig-model"), LLAMA_SMALL);
    turn_off(&acme, &of_org("model/house"));
    assert!(list(&acme, "/admin/v1/orgs/acme/switches").is_empty());
    let shown = turn_on(&acme, &of_org("operation/quote_price"));
    assert_eq!(shown["known"], true);
    refused(
        &acme,
        &acme.worker,
        acme.request(&question("operation/quote_price", "Hi")),
    );
    for unknown in [
        of_org("operation/quote_prise"),
        of_org("model/nobody/nothing"),
        of_org("provider/nobody"),
        of_all("operation/quote_price"),
        of_all("model/house"),
    ] {
        let response = acme.world.send(&acme.worker, put(&unknown, &json!({})));
        let message = check_error(&response, 404, "not_found");
        assert!(message.contains("?unlisted=true"), "{message}");
        let forced = turn_on(&acme, &format!("{unknown}?unlisted=true"));
        assert_eq!(
            (&forced["on"], &forced["known"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(turn_off(&acme, &unknown)["on"], false);
    }
    let twisted = format!("{}?unlisted=perhaps", of_org("model/x"));
    let response = acme.world.send(&acme.worker, put(&twisted, &json!({})));
    check_error(&response, 400, "invalid_request");
    assert!(list(&acme, "/admin/v1/switches").is_empty());
}

#[test]
fn every_turn_has_its_record_also_of_the_deployment() {
    let acme = Acme::new();
    turn_on(&acme, &of_all("everything"));
    turn_off(&acme, &of_all("everything"));
    turn_on(&acme, &of_org("org"));
    let told = |org: &str| -> Vec<(String, String, Outcome)> {
        let acts = acme.world.acts(org).into_iter().map(|record| record.draft);
        let of = |change: Option<Box<esclusa::audit::Change>>| change.unwrap().object;
        acts.map(|draft| (draft.operation, of(draft.change), draft.outcome))
            .collect()
    };
    let of = |action: &str, object: &str| (action.to_owned(), object.to_owned(), Outcome::Changed);
    assert_eq!(
        told(ROOT),
        [
            of("switch.on", "switch/everything"),
            of("switch.off", "switch/everything")
        ]
    );
    assert_eq!(told("acme").pop(), Some(of("switch.on", "switch/org")));
    let read = Request::new("GET", "/admin/v1/audit?org=_root").admin();
    let page = acme.world.expect(&acme.worker, read, 200).json();
    assert_eq!(page["data"][1]["record"]["note"], "an incident");
    let verify = Request::new("GET", "/admin/v1/audit/verify?org=_root").admin();
    let verified = acme.world.expect(&acme.worker, verify, 200).json();
    assert_eq!(verified["verified"], true);
}

#[test]
fn malformed_switches_are_refused() {
    let acme = Acme::new();
    let past = json!({ "until": acme.world.shared.clock.wall() });
    let long = json!({ "why": "x".repeat(501) });
    let none = json!({});
    let cases = [
        (of_org("everything"), &none, 404, "not_found"),
        (of_org("tier/light"), &none, 404, "not_found"),
        (of_org("model/"), &none, 404, "not_found"),
        (of_org("key/0123456789ab"), &none, 404, "not_found"),
        (of_org("key/NO"), &none, 404, "not_found"),
        (of_all("org"), &none, 404, "not_found"),
        (of_all("key/0123456789ab"), &none, 404, "not_found"),
        (
            "/admin/v1/orgs/none/switches/org".to_owned(),
            &none,
            404,
            "not_found",
        ),
        (
            "/admin/v1/orgs/_root/switches/org".to_owned(),
            &none,
            404,
            "not_found",
        ),
        (of_org("org"), &past, 400, "invalid_request"),
        (of_org("org"), &long, 400, "invalid_request"),
        (
            of_org("org"),
            &json!({ "reason": "x" }),
            400,
            "invalid_request",
        ),
        (
            of_org("org"),
            &json!({ "abort": "yes" }),
            400,
            "invalid_request",
        ),
    ];
    for (path, body, status, code) in cases {
        let response = acme.world.send(&acme.worker, put(&path, body));
        check_error(&response, status, code);
    }
    let get = Request::new("GET", &of_org("org")).admin();
    check_error(
        &acme.world.send(&acme.worker, get),
        405,
        "method_not_allowed",
    );
    let stranger = Request::new("PUT", &of_org("org"))
        .key(&acme.key)
        .json(&none);
    check_error(
        &acme.world.send(&acme.worker, stranger),
        401,
        "invalid_api_key",
    );
    assert!(list(&acme, "/admin/v1/orgs/acme/switches").is_empty());
    assert!(list(&acme, "/admin/v1/switches").is_empty());
    acme.ask(&faq());
}

#[test]
fn switches_are_turned_without_the_database() {
    let acme = Acme::new();
    acme.ask(&faq());
    let (shared, key) = (
        &acme.world.shared,
        of_org(&format!("key/{}", key_id(&acme))),
    );
    for fault in [Fault::Down, Fault::Slow(600_000)] {
        shared.faults.always(Port::Tenants, fault);
        for path in [of_org("org"), key.clone(), of_all("everything")] {
            let before = shared.clock.wall();
            turn_on(&acme, &path);
            let took = shared.clock.wall() - before;
            assert!(took < 10_000, "{path}: {took}");
            refused(&acme, &acme.worker, acme.request(&faq()));
            turn_off(&acme, &path);
            acme.ask(&faq());
        }
    }
}
