//! The paths of Cloudflare's AI Gateway: the same limits, cache, keys and records as everywhere.

use esclusa::audit::CacheStatus;
use esclusa::auth::mint_member;
use serde_json::{Value, json};

use super::support::*;

const OWN: &str = "sk-own-0123456789abcdef";
const DEPLOYMENTS: &str = "sk-deployment-0123456789";
const TAG: &str = "0123456789abcdef0123456789abcdef";

/// A key of acme's that may bring providers' own keys.
fn bringing(acme: &Acme) -> String {
    let new = Request::new("POST", "/admin/v1/orgs/acme/keys").admin();
    let new = new.json(&json!({ "scopes": ["inference", "byok"] }));
    let minted = acme.world.expect(&acme.worker, new, 201).json();
    minted["key"].as_str().unwrap().to_owned()
}

/// With the deployment's own key of `OpenAI`.
fn keyed() -> Acme {
    let acme = Acme::new();
    let secret = ("OPENAI_API_KEY".to_owned(), DEPLOYMENTS.to_owned());
    acme.world.secrets.0.borrow_mut().extend([secret]);
    acme
}

/// A request to `OpenAI`'s path, without any key.
fn to_openai(path: &str) -> Request {
    Request::new("POST", path).json(&question("gpt-4o", "Hi"))
}

/// The headers of the only call over HTTPS.
fn sent_headers(acme: &Acme) -> Vec<(String, String)> {
    let calls = acme.world.provider.web.calls.borrow();
    assert_eq!(calls.len(), 1);
    calls[0].headers.clone()
}

fn bearer(key: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {key}"))
}

#[test]
fn every_form_of_path_leads_to_its_model() {
    let said = |model| question(model, "Hi");
    let message = json!({ "model": "claude-haiku-4-5", "max_tokens": 9,
        "messages": [{ "role": "user", "content": "Hi" }] });
    let embedding = json!({ "model": EMBED, "input": "Hi" });
    let prompt = json!({ "prompt": "Hi" });
    let native = format!("/workers-ai/{QWEN}");
    let native_of_account = format!("/v1/acme/main/workers-ai/{QWEN}");
    let cases = [
        ("/openai/chat/completions", said("gpt-4o"), "openai/gpt-4o"),
        (
            "/openai/v1/chat/completions",
            said("gpt-4o"),
            "openai/gpt-4o",
        ),
        (
            "/v1/acme/main/openai/chat/completions",
            said("gpt-4o"),
            "openai/gpt-4o",
        ),
        (
            "/v1/acme/main/openai/chat/completions",
            said("openai/gpt-4o"),
            "openai/gpt-4o",
        ),
        ("/v1/acme/main/openai/chat/completions", said(QWEN), QWEN),
        (
            "/v1/acme/main/openai/responses",
            json!({ "model": "gpt-4o", "input": "Hi" }),
            "openai/gpt-4o",
        ),
        (
            "/v1/acme/main/compat/chat/completions",
            said("openai/gpt-4o"),
            "openai/gpt-4o",
        ),
        (
            "/v1/acme/main/compat/chat/completions",
            said(&format!("workers-ai/{QWEN}")),
            QWEN,
        ),
        ("/compat/chat/completions", said("light"), QWEN),
        (
            "/anthropic/v1/messages",
            message,
            "anthropic/claude-haiku-4-5",
        ),
        (
            "/v1/acme/main/workers-ai/v1/chat/completions",
            said(QWEN),
            QWEN,
        ),
        ("/v1/acme/main/workers-ai/v1/embeddings", embedding, EMBED),
        (&native, prompt.clone(), QWEN),
        (&native_of_account, prompt, QWEN),
    ];
    for (path, body, model) in cases {
        let acme = keyed();
        let response = acme.posted(path, &body);
        assert_eq!(response.told("cf-aig-model"), model, "{path}");
        assert_eq!(
            response.told("cf-aig-log-id"),
            response.told("x-request-id")
        );
        let record = acme.record(&response);
        assert_eq!(record.draft.attempts[0].model, model, "{path}");
        assert!(record.cost.get() > 0, "{path}");
        acme.check_released();
    }
}

#[test]
fn workers_ai_answers_in_its_own_envelope() {
    let acme = Acme::new();
    let path = format!("/workers-ai/{LLAMA_SMALL}");
    let answer = acme.posted(&path, &json!({ "prompt": "Hi" })).json();
    assert_eq!(answer["success"], true);
    let text = answer["result"]["response"].as_str().unwrap();
    assert!(text.contains("Hi"), "{answer}");
    let refused = acme.post(&path, &json!({ "prompt": 7 }));
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["success"], false);
    assert!(refused.json()["errors"][0]["code"].is_number());
}

#[test]
fn the_account_must_be_the_callers() {
    let acme = Acme::new();
    acme.world.org(&acme.worker, "bolt", &json!({}));
    let embedding = json!({ "model": EMBED, "input": "Hi" });
    let step = json!([{ "provider": "workers-ai", "endpoint": QWEN, "query": { "prompt": "Hi" } }]);
    for (rest, body) in [
        ("/compat/chat/completions", question("light", "Hi")),
        ("/workers-ai/embeddings", embedding),
        ("", step),
    ] {
        for (account, status) in [("acme", 200), (TAG, 200), ("bolt", 404), ("nobody", 404)] {
            let path = format!("/v1/{account}/main{rest}");
            let calls = acme.world.provider.calls.borrow().len();
            let response = acme.post(&path, &body);
            assert_eq!(response.status, status, "{path}: {}", response.text());
            let asked = acme.world.provider.calls.borrow().len() > calls;
            assert_eq!(asked, status == 200, "{path}");
        }
    }
    assert!(acme.world.records("bolt").is_empty());
}

#[test]
fn a_provider_that_nobody_knows_is_404() {
    let acme = Acme::new();
    let embedding = json!({ "model": "text-embedding-3-small", "input": "Hi" });
    for (path, body) in [
        ("/nobody/chat/completions", question("gpt-4o", "Hi")),
        ("/v1/acme/main/nobody/embeddings", embedding),
    ] {
        check_error(&acme.post(path, &body), 404, "not_found");
    }
    let unkeyed = acme
        .world
        .send(&acme.worker, to_openai("/openai/chat/completions"));
    check_error(&unkeyed, 401, "invalid_api_key");
}

#[test]
fn a_callers_own_key_is_used_on_the_paths_of_its_provider() {
    let acme = keyed();
    let ours = bringing(&acme);
    let request = to_openai("/v1/acme/main/openai/chat/completions")
        .header("cf-aig-authorization", &format!("Bearer {ours}"))
        .key(OWN);
    acme.world.expect(&acme.worker, request, 200);
    let headers = sent_headers(&acme);
    assert!(headers.contains(&bearer(OWN)), "{headers:?}");
}

#[test]
fn a_callers_own_key_goes_to_no_other_provider() {
    for path in [
        "/anthropic/v1/messages",
        "/v1/acme/main/anthropic/v1/messages",
    ] {
        let acme = keyed();
        for model in [QWEN, LLAMA_SMALL] {
            let broken = Act::Status(500, "broken");
            acme.world.provider.always(model, broken);
        }
        let ours = bringing(&acme);
        let ask = |model: &str| {
            acme.world.provider.web.calls.borrow_mut().clear();
            let body = json!({ "model": model, "max_tokens": 9,
                "messages": [{ "role": "user", "content": "Hi" }] });
            let request = Request::new("POST", path)
                .header("cf-aig-authorization", &format!("Bearer {ours}"))
                .header("x-api-key", OWN)
                .json(&body);
            acme.world.expect(&acme.worker, request, 200)
        };
        let response = ask("light");
        assert_eq!(response.told("cf-aig-model"), "openai/gpt-4.1-nano");
        let headers = sent_headers(&acme);
        assert!(
            headers.contains(&bearer(DEPLOYMENTS)),
            "{path}: {headers:?}"
        );
        let all = format!("{headers:?}");
        assert!(!all.contains(OWN), "{path}: {all}");
        // What the deployment's own accounts met counts, whoever asked.
        for _ in 0..5 {
            ask("light");
        }
        let asked = acme.world.provider.answered_by();
        assert_eq!(asked.iter().filter(|model| *model == QWEN).count(), 5);
        let response = ask("claude-haiku-4-5");
        let own = ("x-api-key".to_owned(), OWN.to_owned());
        assert!(sent_headers(&acme).contains(&own), "{path}");
        assert_eq!(response.told("cf-aig-model"), "anthropic/claude-haiku-4-5");
    }
}

#[test]
fn elsewhere_and_without_the_scope_a_foreign_key_goes_nowhere() {
    let acme = keyed();
    let cases = [
        ("/openai/chat/completions", acme.key.clone()),
        ("/compat/chat/completions", bringing(&acme)),
        ("/v1/chat/completions", bringing(&acme)),
    ];
    for (path, ours) in cases {
        acme.world.provider.web.calls.borrow_mut().clear();
        let request = Request::new("POST", path)
            .header("cf-aig-authorization", &format!("Bearer {ours}"))
            .key(OWN)
            .json(&question("openai/gpt-4o", "Hi"));
        acme.world.expect(&acme.worker, request, 200);
        let headers = sent_headers(&acme);
        assert!(
            headers.contains(&bearer(DEPLOYMENTS)),
            "{path}: {headers:?}"
        );
        let all = format!("{headers:?}");
        assert!(!all.contains(OWN), "{path}: {all}");
    }
}

#[test]
fn a_key_of_ours_never_goes_to_a_provider() {
    let acme = keyed();
    let ours = bringing(&acme);
    let (member, _) = mint_member("ana", [7; 32]);
    let others = [(bringing(&acme), false), (member, true)];
    for (other, stream) in others {
        acme.world.provider.web.calls.borrow_mut().clear();
        let mut body = question("gpt-4o", "Hi");
        body["stream"] = json!(stream);
        let request = Request::new("POST", "/openai/chat/completions")
            .header("cf-aig-authorization", &format!("Bearer {ours}"))
            .key(&other)
            .header("x-api-key", &other)
            .header("x-goog-api-key", &other)
            .json(&body);
        acme.world.expect(&acme.worker, request, 200);
        let calls = format!("{:?}", acme.world.provider.web.calls.borrow());
        for hidden in ["esk_", "esa_"] {
            assert!(!calls.contains(hidden), "{calls}");
        }
        assert!(sent_headers(&acme).contains(&bearer(DEPLOYMENTS)));
    }
}

#[test]
fn limits_hold_on_these_paths_too() {
    let paths = [
        "/compat/chat/completions",
        "/v1/acme/main/compat/chat/completions",
    ];
    for path in paths {
        let acme =
            Acme::with(&json!({ "limits": [{ "count": "requests", "limit": 1, "seconds": 60 }] }));
        let first = acme.posted(path, &question("light", "Hi"));
        assert_eq!(first.told("x-ratelimit-remaining-requests"), "0");
        check_error(
            &acme.post(path, &question("light", "Hi")),
            429,
            "rate_limit_exceeded",
        );
        let native = acme.post(&format!("/workers-ai/{QWEN}"), &json!({ "prompt": "Hi" }));
        assert_eq!(
            (native.status, &native.json()["success"]),
            (429, &json!(false))
        );
        let poor = Acme::with(&json!({ "budgets": [{ "usd": "0", "period": "day" }] }));
        check_error(
            &poor.post(path, &question("light", "Hi")),
            402,
            "budget_exhausted",
        );
    }
}

#[test]
fn answers_are_cached_as_the_headers_say() {
    let acme = Acme::new();
    let path = "/v1/acme/main/compat/chat/completions";
    let ask = |name: &str, value: &str| {
        let request = Request::new("POST", path).key(&acme.key);
        let request = request.header(name, value).json(&question("light", "Hi"));
        acme.world.expect(&acme.worker, request, 200)
    };
    let first = ask("cf-aig-cache-ttl", "60");
    assert_eq!(first.told("cf-aig-cache-status"), "MISS");
    let second = ask("cf-aig-cache-ttl", "60");
    assert_eq!(second.told("cf-aig-cache-status"), "HIT");
    assert_eq!(second.answer(), first.answer());
    assert_eq!(acme.record(&second).draft.cache, CacheStatus::Hit);
    let third = ask("cf-aig-skip-cache", "true");
    assert_eq!(third.told("cf-aig-cache-status"), "BYPASS");
}

/// Two calls of one body: the first of `OpenAI`, the second of Workers AI.
fn two_steps() -> Value {
    json!([
        { "provider": "openai", "endpoint": "chat/completions",
          "headers": { "Authorization": format!("Bearer {OWN}") },
          "config": { "maxAttempts": 2 },
          "query": question("gpt-4o", "Hi") },
        { "provider": "workers-ai", "endpoint": QWEN, "query": { "prompt": "Hi" } },
    ])
}

#[test]
fn the_first_call_that_is_answered_counts() {
    let acme = Acme::new();
    let response = acme.posted("/v1/acme/main", &two_steps());
    assert_eq!(response.told("cf-aig-step"), "0");
    assert_eq!(response.told("cf-aig-model"), "openai/gpt-4o");
    assert_eq!(acme.world.records("acme").len(), 1);
    acme.world
        .provider
        .always("openai/gpt-4o", Act::Status(500, "broken"));
    let response = acme.posted("/v1/acme/main", &two_steps());
    assert_eq!(response.told("cf-aig-step"), "1");
    assert_eq!(response.told("cf-aig-model"), QWEN);
    assert_eq!(response.json()["success"], true);
    let records = acme.world.records("acme");
    assert_eq!(records.len(), 3, "each call has its own");
    assert_eq!(records[1].draft.attempts.len(), 2, "its `config` says so");
    acme.check_released();
}

#[test]
fn a_call_that_nobody_answers_ends_with_the_last_error() {
    let acme = Acme::new();
    acme.world
        .provider
        .always("openai/gpt-4o", Act::Status(500, "broken"));
    acme.world.provider.always(QWEN, Act::Busy(9));
    let response = acme.post("/v1/acme/main", &two_steps());
    assert_eq!((response.status, response.told("retry-after")), (429, "9"));
    assert_eq!(response.json()["success"], false);
}

#[test]
fn a_calls_own_key_is_its_providers_and_never_says_who_asks() {
    let acme = keyed();
    let ours = bringing(&acme);
    let send = |key: &str, body: &Value| {
        acme.world.provider.web.calls.borrow_mut().clear();
        let request = Request::new("POST", "/v1/acme/main").key(key).json(body);
        acme.world.send(&acme.worker, request)
    };
    assert_eq!(send(&ours, &two_steps()).status, 200);
    assert!(sent_headers(&acme).contains(&bearer(OWN)));
    assert_eq!(send(&acme.key, &two_steps()).status, 200);
    assert!(
        sent_headers(&acme).contains(&bearer(DEPLOYMENTS)),
        "no scope"
    );
    let bolt = acme.world.org(&acme.worker, "bolt", &json!({}));
    for name in ["authorization", "cf-aig-authorization", "x-api-key"] {
        let mut body = two_steps();
        body[0]["headers"] = json!({ name: format!("Bearer {bolt}") });
        assert_eq!(send(&ours, &body).status, 200);
        assert!(acme.world.records("bolt").is_empty(), "{name}");
        let calls = format!("{:?}", acme.world.provider.web.calls.borrow());
        assert!(!calls.contains("esk_"), "{name}");
    }
    let unkeyed = Request::new("POST", "/v1/acme/main");
    let mut body = two_steps();
    body[0]["headers"] = json!({ "authorization": format!("Bearer {ours}") });
    let refused = acme.world.send(&acme.worker, unkeyed.json(&body));
    assert_eq!(refused.status, 401, "{}", refused.text());
}

#[test]
fn malformed_calls_are_refused_with_their_path() {
    let acme = Acme::new();
    for (body, path) in [
        (json!([]), "calls"),
        (json!([{}]), "calls[0].provider"),
        (
            json!([{ "provider": "openai", "endpoint": "chat/completions" }]),
            "calls[0].query",
        ),
    ] {
        let refused = acme.post("/v1/acme/main", &body);
        assert_eq!(refused.status, 400);
        let message = refused.json()["errors"][0]["message"].clone();
        assert!(message.as_str().unwrap().contains(path), "{message}");
    }
    let nonsense = json!([{ "provider": "openai", "endpoint": "chat/completions",
        "config": { "backoff": "never" }, "query": question("gpt-4o", "Hi") }]);
    let refused = acme.post("/v1/acme/main", &nonsense);
    check_error(&refused, 400, "invalid_request");
    assert_eq!(refused.json()["error"]["param"], "cf-aig-backoff");
}
