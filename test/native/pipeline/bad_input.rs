//! Bad input: the right status, an error object that says what to do, a request id, a record where
//! the key is known, and no charge.

use esclusa::audit::Outcome;
use serde_json::{Value, json};

use super::support::*;

fn post(acme: &Acme, body: &[u8]) -> Request {
    Request::new("POST", "/v1/chat/completions")
        .key(&acme.key)
        .header("content-type", "application/json")
        .bytes(body.to_vec())
}

/// Sends what must be refused: recorded, free, and without any call of a model.
fn refused(acme: &Acme, request: Request, status: u16, code: &str) -> Response {
    let response = acme.world.send(&acme.worker, request);
    check_error(&response, status, code);
    let record = acme.record(&response);
    assert_eq!(record.draft.outcome, Outcome::Refused);
    assert_eq!((record.draft.status, record.cost.get()), (status, 0));
    assert!(acme.world.provider.calls.borrow().is_empty());
    assert_eq!(acme.spent(), "0");
    acme.check_released();
    response
}

#[test]
fn malformed_bodies_are_refused_with_their_path() {
    let acme = Acme::new();
    let messages = json!([{ "role": "user", "content": "hi" }]);
    let with = |name: &str, value: Value| {
        let mut body = json!({ "model": "auto", "messages": messages });
        body[name] = value;
        body.to_string().into_bytes()
    };
    let cases: Vec<(Vec<u8>, Option<&str>)> = vec![
        (b"{\"model\":".to_vec(), None),
        (b"".to_vec(), None),
        (b"[]".to_vec(), None),
        (b"\"text\"".to_vec(), None),
        (
            json!({ "model": "auto" }).to_string().into_bytes(),
            Some("messages"),
        ),
        (
            json!({ "messages": messages }).to_string().into_bytes(),
            Some("model"),
        ),
        (with("messages", json!([])), Some("messages")),
        (with("messages", json!("hi")), Some("messages")),
        (
            with("messages", json!([{ "role": "wizard", "content": "hi" }])),
            Some("messages[0].role"),
        ),
        (
            with("messages", json!([{ "role": "user", "content": 7 }])),
            Some("messages[0].content"),
        ),
        (with("model", json!(7)), Some("model")),
        (with("max_tokens", json!(-1)), Some("max_tokens")),
        (with("max_tokens", json!(1e30)), Some("max_tokens")),
        (with("max_tokens", json!(1.5)), Some("max_tokens")),
        (with("temperature", json!(99)), Some("temperature")),
        (with("n", json!(0)), Some("n")),
        (with("n", json!(1_000)), Some("n")),
        (with("stream", json!("yes")), Some("stream")),
        (
            with("response_format", json!({ "type": "poem" })),
            Some("response_format.type"),
        ),
        (with("prompt", json!("around the messages")), Some("prompt")),
    ];
    for (body, param) in cases {
        let response = refused(&acme, post(&acme, &body), 400, "invalid_request");
        if let Some(param) = param {
            assert_eq!(
                response.json()["error"]["param"],
                param,
                "{}",
                response.text()
            );
        }
    }
}

#[test]
fn hostile_bytes_are_refused() {
    let acme = Acme::new();
    let nested = format!(
        "{{\"model\":\"auto\",\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}],\"x\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let invalid_utf8 =
        b"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}";
    let raw_nul = b"{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"a\0b\"}]}";
    for body in [nested.as_bytes(), invalid_utf8, raw_nul] {
        refused(&acme, post(&acme, body), 400, "invalid_request");
    }
}

#[test]
fn a_body_of_10_mb_is_too_large() {
    let acme = Acme::new();
    let request = post(&acme, &vec![b'x'; 10_000_000]);
    refused(&acme, request, 413, "payload_too_large");
}

#[test]
fn another_content_type_is_refused() {
    let acme = Acme::new();
    for content_type in ["text/plain", "multipart/form-data; boundary=x", ""] {
        let request = Request::new("POST", "/v1/chat/completions")
            .key(&acme.key)
            .header("content-type", content_type)
            .bytes(faq().to_string().into_bytes());
        refused(&acme, request, 415, "unsupported_media_type");
    }
    let request = Request::new("POST", "/v1/chat/completions")
        .key(&acme.key)
        .header("content-type", "Application/JSON; charset=utf-8")
        .bytes(faq().to_string().into_bytes());
    acme.world.expect(&acme.worker, request, 200);
}

#[test]
fn unknown_models_and_operations_are_refused() {
    let acme = Acme::new();
    let response = refused(
        &acme,
        acme.request(&question("nobody/knows", "hi")),
        404,
        "model_not_found",
    );
    assert_eq!(response.json()["error"]["param"], "model");
    for model in ["operation/none", "operation/speak", "tts", EMBED] {
        refused(
            &acme,
            acme.request(&question(model, "hi")),
            400,
            "invalid_request",
        );
    }
    let request = acme
        .request(&question("auto", "hi"))
        .header("x-ai-operation", "none");
    let response = refused(&acme, request, 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "x-ai-operation");
    let mut body = question("auto", "hi");
    body["metadata"] = json!({ "operation": "none" });
    let response = refused(&acme, acme.request(&body), 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "metadata.operation");
}

#[test]
fn what_no_model_can_do_is_refused() {
    let acme = Acme::new();
    let mut tools = question(LLAMA_SMALL, "hi");
    tools["tools"] = json!([{ "type": "function", "function": { "name": "f" } }]);
    refused(&acme, acme.request(&tools), 400, "invalid_request");
    let long = question("light", &"word ".repeat(1_000_000));
    let response = refused(&acme, acme.request(&long), 400, "invalid_request");
    assert_eq!(response.json()["error"]["param"], "messages");
}

#[test]
fn wrong_headers_are_refused() {
    let acme = Acme::new();
    for (name, value) in [
        ("cf-aig-cache-ttl", "59"),
        ("cf-aig-cache-ttl", "soon"),
        ("cf-aig-request-timeout", "0"),
        ("cf-aig-request-timeout", "-5"),
    ] {
        let response = refused(
            &acme,
            acme.request(&faq()).header(name, value),
            400,
            "invalid_request",
        );
        assert_eq!(response.json()["error"]["param"], name);
    }
}

#[test]
fn wrong_paths_and_methods_are_told_so() {
    let acme = Acme::new();
    let send = |request: Request| acme.world.send(&acme.worker, request.key(&acme.key));
    check_error(&send(Request::new("GET", "/v1/nothing")), 404, "not_found");
    let wrong = send(Request::new("GET", "/v1/chat/completions"));
    check_error(&wrong, 405, "method_not_allowed");
    assert_eq!(wrong.told("allow"), "POST");
    let odd = send(Request::new("BREW", "/v1/models"));
    check_error(&odd, 405, "method_not_allowed");
}

#[test]
fn strangers_are_refused_without_a_record() {
    let acme = Acme::new();
    let minted = acme.key.clone();
    let mistyped = minted.replacen("acme", "acmf", 1);
    let (forged, _) = esclusa::auth::mint("acme", "none", [3; 32]);
    let id = minted.split('_').nth(2).unwrap();
    let (wrong_secret, _) = esclusa::auth::mint("acme", id, [3; 32]);
    let none = Request::new("POST", "/v1/chat/completions").json(&faq());
    let with = |key: &str| Request::chat(key, &faq());
    for request in [
        none,
        with("sk-123"),
        with(&mistyped),
        with(&forged),
        with(&wrong_secret),
    ] {
        check_error(
            &acme.world.send(&acme.worker, request),
            401,
            "invalid_api_key",
        );
    }
    assert_eq!(acme.world.records("acme"), []);
    assert!(acme.world.provider.calls.borrow().is_empty());
}

#[test]
fn a_key_is_taken_from_the_first_header_that_has_one() {
    let acme = Acme::new();
    for name in [
        "cf-aig-authorization",
        "authorization",
        "x-api-key",
        "x-goog-api-key",
    ] {
        let request = Request::new("POST", "/v1/chat/completions").header(name, &acme.key);
        acme.world.expect(&acme.worker, request.json(&faq()), 200);
    }
    let request = acme
        .request(&faq())
        .header("x-api-key", "sk-a-providers-own");
    acme.world.expect(&acme.worker, request, 200);
}

#[test]
fn documents_are_checked() {
    let acme = Acme::new();
    let send = |body: &Value| {
        let new = Request::new("POST", "/v1/knowledge/documents").key(&acme.key);
        acme.world.send(&acme.worker, new.json(body))
    };
    let good = json!({ "id": "a", "title": "A", "text": "text" });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let cases = [
        (json!({}), "."),
        (with("id", json!("Not An Id")), "id"),
        (with("title", json!(" ")), "title"),
        (with("title", json!("t".repeat(501))), "title"),
        (with("text", json!("  ")), "text"),
        (with("text", json!("a\0b")), "text"),
        (with("uri", json!(7)), "uri"),
        (with("colour", json!("red")), "colour"),
    ];
    for (body, param) in cases {
        let response = send(&body);
        check_error(&response, 400, "invalid_request");
        assert_eq!(
            response.json()["error"]["param"],
            param,
            "{}",
            response.text()
        );
    }
    assert_eq!(acme.spent(), "0");
    assert_eq!(
        acme.world.records("acme").len(),
        8,
        "each refusal has a record"
    );
}
