//! What a caller's headers ask for: attempts, and what the record keeps.

use esclusa::audit::Scalar;
use serde_json::json;

use super::support::*;

/// Asks a model by its name, with headers.
fn asked(acme: &Acme, model: &str, headers: &[(&str, &str)]) -> Response {
    let request = acme.request(&question(model, "Hello"));
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    });
    acme.world.send(&acme.worker, request)
}

#[test]
fn a_model_is_asked_again_as_often_as_the_caller_says() {
    let acme = Acme::new();
    for _ in 0..2 {
        acme.world.provider.once(QWEN, Act::Status(500, "broken"));
    }
    let response = asked(&acme, QWEN, &[("cf-aig-max-attempts", "3")]);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.told("x-ai-attempts"), "3");
    assert_eq!(response.told("cf-aig-step"), "0");
    let results: Vec<String> = acme
        .record(&response)
        .draft
        .attempts
        .into_iter()
        .map(|attempt| attempt.result)
        .collect();
    assert_eq!(results, ["error", "error", "ok"]);
}

#[test]
fn after_its_attempts_the_next_model_is_asked() {
    let acme = Acme::new();
    acme.world.provider.always(QWEN, Act::Html);
    let response = asked(&acme, "light", &[("cf-aig-max-attempts", "2")]);
    assert_eq!(response.told("cf-aig-step"), "1");
    assert_eq!(acme.world.provider.answered_by(), [QWEN, QWEN, LLAMA_SMALL]);
}

#[test]
fn what_a_model_cannot_do_it_is_not_asked_again() {
    let acme = Acme::new();
    acme.world
        .provider
        .always(QWEN, Act::Status(400, r#"{"error":"no such parameter"}"#));
    asked(&acme, QWEN, &[("cf-aig-max-attempts", "5")]);
    assert_eq!(acme.world.provider.answered_by().len(), 1);
}

#[test]
fn pauses_are_those_of_the_headers() {
    for (backoff, least) in [("constant", 300), ("linear", 600), ("exponential", 700)] {
        let acme = Acme::new();
        acme.world.provider.always(QWEN, Act::Status(500, "broken"));
        let begun = acme.world.shared.clock.elapsed();
        let headers = [
            ("cf-aig-max-attempts", "4"),
            ("cf-aig-retry-delay", "100"),
            ("cf-aig-backoff", backoff),
        ];
        check_error(&asked(&acme, QWEN, &headers), 502, "upstream_failed");
        let took = acme.world.shared.clock.elapsed() - begun;
        assert!((least..least + 90).contains(&took), "{backoff}: {took}");
        assert_eq!(acme.world.provider.answered_by().len(), 4);
    }
}

#[test]
fn attempts_of_unknown_cost_are_all_held() {
    let acme = Acme::new();
    for _ in 0..2 {
        acme.world.provider.once(QWEN, Act::Hang);
    }
    let headers = [
        ("cf-aig-max-attempts", "3"),
        ("cf-aig-request-timeout", "2000"),
    ];
    let response = asked(&acme, QWEN, &headers);
    let record = acme.record(&response);
    assert_eq!(record.draft.attempts.len(), 3);
    assert!(record.draft.attempts[1].bounded);
    assert!(record.cost <= record.bound);
    acme.check_released();
}

#[test]
fn no_pause_outlasts_the_request() {
    let acme = Acme::new();
    acme.world.provider.always(QWEN, Act::Status(500, "broken"));
    let headers = [
        ("cf-aig-max-attempts", "5"),
        ("cf-aig-retry-delay", "60000"),
        ("cf-aig-backoff", "exponential"),
    ];
    check_error(&asked(&acme, QWEN, &headers), 502, "upstream_failed");
    assert_eq!(acme.world.provider.answered_by().len(), 3, "60 and 120 s");
}

#[test]
fn other_work_is_tried_again_too() {
    let acme = Acme::new();
    acme.world.provider.once(EMBED, Act::Status(500, "broken"));
    let request = Request::new("POST", "/v1/embeddings")
        .key(&acme.key)
        .header("cf-aig-max-attempts", "2")
        .json(&json!({ "model": EMBED, "input": "a" }));
    let response = acme.world.expect(&acme.worker, request, 200);
    assert_eq!(response.told("x-ai-attempts"), "2");
}

#[test]
fn the_callers_own_values_are_in_the_record() {
    let acme = Acme::new();
    let headers = [
        ("cf-aig-event-id", "event-7"),
        (
            "cf-aig-metadata",
            r#"{"team":"a \"b\"","user":7,"ratio":-0.5,"paid":true}"#,
        ),
        ("cf-aig-collect-log", "false"),
        ("cf-aig-collect-log-payload", "false"),
    ];
    let response = asked(&acme, "light", &headers);
    assert_eq!(response.told("cf-aig-event-id"), "event-7");
    let draft = acme.record(&response).draft;
    assert_eq!(draft.event.as_deref(), Some("event-7"));
    let expected = [
        ("paid", Scalar::Boolean(true)),
        ("ratio", Scalar::Number("-0.5".parse().unwrap())),
        ("team", Scalar::Text("a \"b\"".to_owned())),
        ("user", Scalar::Number(7.into())),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(draft.metadata, expected.into_iter().collect());
}

#[test]
fn a_callers_id_comes_back_with_errors_and_streams() {
    let acme = Acme::new();
    let id = ("cf-aig-event-id", "event-7");
    for (body, status) in [
        (question("nonsense", "Hello"), 404),
        (streamed("light", "Hello"), 200),
    ] {
        let request = acme.request(&body).header(id.0, id.1);
        let response = acme.world.expect(&acme.worker, request, status);
        assert_eq!(response.told(id.0), id.1);
    }
    let unknown = Request::new("POST", "/v1/chat/completions").header(id.0, id.1);
    let refused = acme.world.send(&acme.worker, unknown);
    assert_eq!((refused.status, refused.told(id.0)), (401, id.1));
}

#[test]
fn bad_values_are_refused_with_the_headers_name() {
    let six = r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}"#;
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(2_048));
    let long_id = "x".repeat(129);
    let cases = [
        (
            "cf-aig-max-attempts",
            vec!["0", "6", "-1", "1.5", "many", ""],
        ),
        ("cf-aig-retry-delay", vec!["-1", "60001", "1s"]),
        ("cf-aig-backoff", vec!["none", "Linear", ""]),
        ("cf-aig-request-timeout", vec!["0", "300001", "x"]),
        ("cf-aig-cache-ttl", vec!["59", "x"]),
        ("cf-aig-event-id", vec!["", "a b", "é", &long_id]),
        ("cf-aig-collect-log", vec!["no", "1", ""]),
        ("cf-aig-collect-log-payload", vec!["yes"]),
        (
            "cf-aig-metadata",
            vec![
                "",
                "x",
                "[]",
                r#"{"a":{}}"#,
                r#"{"a":[1]}"#,
                r#"{"a":null}"#,
                r#"{"a":1e999}"#,
                r#"{"cf.user_id":"u"}"#,
                r#"{"":1}"#,
                six,
                &long,
            ],
        ),
    ];
    let acme = Acme::new();
    for (name, values) in cases {
        for value in values {
            let response = asked(&acme, "light", &[(name, value)]);
            let message = check_error(&response, 400, "invalid_request");
            assert_eq!(response.json()["error"]["param"], name, "{value}");
            assert!(message.contains(name), "{message}");
            acme.record(&response);
        }
    }
    assert!(acme.world.provider.answered_by().is_empty());
}

#[test]
fn bad_values_are_refused_on_every_path() {
    let acme = Acme::new();
    let body = json!({ "model": "embed", "input": "a" });
    for (name, value) in [
        ("cf-aig-max-attempts", "9"),
        ("cf-aig-metadata", "x"),
        ("cf-aig-backoff", "none"),
    ] {
        let request = Request::new("POST", "/v1/embeddings").key(&acme.key);
        let request = request.header(name, value).json(&body);
        let response = acme.world.send(&acme.worker, request);
        check_error(&response, 400, "invalid_request");
        assert_eq!(response.json()["error"]["param"], name);
    }
}

/// What every answer to a request says of itself.
const TOLD: [&str; 18] = [
    "x-request-id",
    "cf-aig-log-id",
    "cf-aig-event-id",
    "x-ai-cache-status",
    "cf-aig-cache-status",
    "cf-aig-provider",
    "cf-aig-model",
    "x-ai-operation",
    "x-ai-tier",
    "x-ai-attempts",
    "x-ai-budget-remaining-usd",
    "x-ai-sources",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "server-timing",
];

#[test]
fn every_path_tells_what_was_decided() {
    let said = json!([{ "role": "user", "content": "Hi" }]);
    let chat = |stream: bool| json!({ "model": "light", "messages": said, "stream": stream });
    let message = |stream: bool| json!({ "model": "light", "max_tokens": 9, "messages": said, "stream": stream });
    let response = |stream: bool| json!({ "model": "light", "input": "Hi", "stream": stream });
    let run = |stream: bool| json!({ "operation": "faq", "input": "Hi", "stream": stream });
    let native = |stream: bool| json!({ "prompt": "Hi", "stream": stream });
    let contents = json!({ "contents": [{ "parts": [{ "text": "Hi" }] }] });
    let workers_ai = format!("/workers-ai/{QWEN}");
    let cases = [
        ("/v1/chat/completions", chat(false)),
        ("/v1/chat/completions", chat(true)),
        ("/v1/acme/main/compat/chat/completions", chat(true)),
        ("/v1/messages", message(false)),
        ("/v1/messages", message(true)),
        ("/v1/responses", response(false)),
        ("/v1/responses", response(true)),
        ("/v1/run", run(false)),
        ("/v1/run", run(true)),
        (&workers_ai, native(false)),
        (&workers_ai, native(true)),
        ("/v1beta/models/light:generateContent", contents.clone()),
        ("/v1beta/models/light:streamGenerateContent", contents),
        ("/v1/embeddings", json!({ "model": "embed", "input": "Hi" })),
        (
            "/v1/audio/speech",
            json!({ "model": "tts", "voice": "alloy", "input": "Hi" }),
        ),
        (
            "/v1/images/generations",
            json!({ "model": "auto", "prompt": "A cat", "response_format": "b64_json" }),
        ),
        ("/v1/moderations", json!({ "input": "Hi" })),
        (
            "/v1/rerank",
            json!({ "query": "a", "documents": ["a", "b"] }),
        ),
        (
            "/v1/run",
            json!({ "operation": "search_semantic", "input": "Hi" }),
        ),
        (
            "/v1/run",
            json!({ "operation": "transcribe", "input": "c291bmQ=" }),
        ),
    ];
    for (path, body) in cases {
        let acme = Acme::new();
        let request = Request::new("POST", path).key(&acme.key);
        let request = request.header("cf-aig-event-id", "event-7").json(&body);
        let response = acme.world.expect(&acme.worker, request, 200);
        for name in TOLD {
            assert!(!response.told(name).is_empty(), "{path} {body}: {name}");
        }
        let is_search = body["operation"] == "search_semantic";
        assert_eq!(
            response.header("cf-aig-step").is_none(),
            is_search,
            "{path}"
        );
        let is_stream = path.ends_with("streamGenerateContent") || body["stream"] == true;
        assert_eq!(
            response.header("x-ai-cost-usd").is_none(),
            is_stream,
            "{path}"
        );
    }
}
