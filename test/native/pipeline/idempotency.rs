//! `Idempotency-Key`: one answer and one charge for each name, whatever is repeated.

use esclusa::audit::Outcome;
use esclusa::upkeep::hourly;
use serde_json::json;

use super::support::*;

const DAY_MS: u64 = 86_400_000;

fn named(acme: &Acme, name: &str, body: &serde_json::Value) -> Request {
    acme.request(body).header("idempotency-key", name)
}

fn send(acme: &Acme, name: &str, body: &serde_json::Value) -> Response {
    acme.world.send(&acme.worker, named(acme, name, body))
}

#[test]
fn a_repetition_gets_the_same_answer_for_free() {
    let acme = Acme::new();
    for body in [question(GLM, "Hello"), streamed(GLM, "Hello there")] {
        let name = format!("once-{}", body["stream"]);
        let first = send(&acme, &name, &body);
        assert_eq!(first.status, 200, "{}", first.text());
        assert_eq!(first.header("idempotent-replayed"), None);
        let (spent, calls) = (acme.spent(), acme.world.provider.answered_by().len());
        let again = send(&acme, &name, &body);
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert_eq!(again.told("idempotent-replayed"), "true");
        assert_eq!(again.told("content-type"), first.told("content-type"));
        assert_eq!(again.told("cf-aig-model"), first.told("cf-aig-model"));
        assert_eq!(again.told("x-ai-cost-usd"), "0");
        assert_eq!(acme.spent(), spent, "not charged");
        assert_eq!(acme.world.provider.answered_by().len(), calls, "not asked");
        let record = acme.record(&again);
        assert_eq!(record.draft.outcome, Outcome::Replayed);
        let original = first.told("x-request-id");
        assert_eq!(record.draft.note, format!("replays {original}"));
        assert_eq!(record.cost.get(), 0);
    }
    acme.check_released();
}

#[test]
fn every_endpoint_of_inference_knows_the_key() {
    let acme = Acme::learned();
    acme.world
        .configure(&acme.worker, "acme", &json!({ "limits": [] }));
    let text = |text: &str| json!([{ "role": "user", "content": text }]);
    let cases = [
        ("/v1/responses", json!({ "model": GLM, "input": "Hi" })),
        (
            "/v1/messages",
            json!({ "model": GLM, "max_tokens": 9, "messages": text("Hi") }),
        ),
        (
            "/v1beta/models/auto:generateContent",
            json!({ "contents": [{ "parts": [{ "text": "Hi" }] }] }),
        ),
        (
            "/workers-ai/@cf/zai-org/glm-4.7-flash",
            json!({ "messages": text("Hi") }),
        ),
        (
            "/v1/run",
            json!({ "operation": "summarize", "input": "A text." }),
        ),
        (
            "/v1/run",
            json!({ "operation": "search_semantic", "input": QUESTION }),
        ),
        ("/v1/run", json!({ "operation": "speak", "input": "Hi" })),
        ("/v1/embeddings", json!({ "model": EMBED, "input": "Hi" })),
        (
            "/v1/rerank",
            json!({ "model": RERANK, "query": "q", "documents": ["a", "b"] }),
        ),
        ("/v1/moderations", json!({ "input": "Hi" })),
        (
            "/v1/images/generations",
            json!({ "model": FLUX, "prompt": "A lock" }),
        ),
        (
            "/v1/audio/speech",
            json!({ "model": AURA, "input": "Hi", "voice": "asteria" }),
        ),
        (
            "/v1/acme/gateway",
            json!([{ "provider": "workers-ai", "endpoint": GLM, "query": { "messages": text("Hi") } }]),
        ),
    ];
    for (number, (path, body)) in cases.iter().enumerate() {
        let name = format!("case-{number}");
        let request = Request::new("POST", path).key(&acme.key).json(body);
        let request = request.header("idempotency-key", &name);
        let first = acme.world.expect(&acme.worker, request.clone(), 200);
        let again = acme.world.expect(&acme.worker, request, 200);
        assert_eq!(again.told("idempotent-replayed"), "true", "{path} {body}");
        assert_eq!(again.body, first.body, "{path} {body}");
    }
}

#[test]
fn a_form_is_the_same_with_another_boundary() {
    let acme = Acme::new();
    let upload = |boundary: &str, file: &str| {
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{WHISPER}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n{file}\r\n\
             --{boundary}--\r\n"
        );
        let request = Request::new("POST", "/v1/audio/transcriptions")
            .key(&acme.key)
            .header("idempotency-key", "\"form\"")
            .header(
                "content-type",
                &format!("multipart/form-data; boundary={boundary}"),
            );
        acme.world
            .send(&acme.worker, request.bytes(body.into_bytes()))
    };
    let first = upload("----one", "RIFF");
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(upload("----another", "RIFF").body, first.body);
    check_error(&upload("----one", "RIFX"), 422, "idempotency_key_reused");
}

#[test]
fn another_body_path_or_key_is_another_request() {
    let acme = Acme::new();
    assert_eq!(send(&acme, "n", &question(GLM, "Hello")).status, 200);
    let other = send(&acme, "n", &question(GLM, "Bye"));
    check_error(&other, 422, "idempotency_key_reused");
    assert_eq!(acme.record(&other).draft.status, 422);
    let elsewhere = Request::new("POST", "/v1/responses")
        .key(&acme.key)
        .header("idempotency-key", "n");
    let elsewhere = elsewhere.json(&json!({ "model": GLM, "input": "Hello" }));
    let elsewhere = acme.world.send(&acme.worker, elsewhere);
    check_error(&elsewhere, 422, "idempotency_key_reused");
    let other_key = acme.world.mint(&acme.worker, "acme");
    let request = Request::chat(other_key["key"].as_str().unwrap(), &question(GLM, "Bye"));
    let answer = acme
        .world
        .expect(&acme.worker, request.header("idempotency-key", "n"), 200);
    assert_eq!(
        answer.header("idempotent-replayed"),
        None,
        "names are the key's own"
    );
}

#[test]
fn a_malformed_name_is_refused() {
    let acme = Acme::new();
    for name in ["", "\"\"", "two words", "ü", &"x".repeat(256)] {
        let refused = send(&acme, name, &question(GLM, "Hello"));
        check_error(&refused, 400, "invalid_request");
        assert_eq!(
            refused.json()["error"]["param"],
            "idempotency-key",
            "{name}"
        );
    }
    assert_eq!(
        send(&acme, &"x".repeat(255), &question(GLM, "Hello")).status,
        200
    );
}

#[test]
fn two_at_once_are_worked_on_once() {
    let acme = Acme::new();
    let request = || {
        (
            acme.worker.clone(),
            named(&acme, "n", &question(GLM, "Hello")),
        )
    };
    let mut replies = acme.world.send_all(vec![request(), request(), request()]);
    replies.sort_by_key(|reply| reply.status);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 409, 409]);
    check_error(&replies[1], 409, "still_running");
    assert_eq!(replies[1].told("retry-after"), "2");
    assert_eq!(acme.world.provider.answered_by().len(), 1);
    assert_eq!(
        send(&acme, "n", &question(GLM, "Hello")).body,
        replies[0].body
    );
}

#[test]
fn a_failure_frees_the_name() {
    let acme = Acme::new();
    let model = "openai/gpt-4o";
    let once = |body: &serde_json::Value| {
        let request = named(&acme, "n", body).header("cf-aig-max-attempts", "1");
        acme.world.send(&acme.worker, request)
    };
    acme.world.provider.once(model, Act::Status(500, "{}"));
    assert_eq!(once(&question(model, "Hello")).status, 502);
    acme.world.provider.once(model, Act::Cut(2));
    let cut = once(&streamed(model, "Hello"));
    assert!(!cut.text().contains("[DONE]"));
    let answer = once(&question(model, "Hello"));
    assert_eq!(
        (answer.status, answer.header("idempotent-replayed")),
        (200, None)
    );
}

#[test]
fn an_answer_that_could_not_be_kept_is_given_anew_once_it_cannot_be_running() {
    let acme = Acme::new();
    let body = question(GLM, "Hello");
    acme.world.shared.faults.once(Port::Files, Fault::Down);
    let first = send(&acme, "n", &body);
    assert_eq!(first.status, 200, "the answer is given all the same");
    check_error(&send(&acme, "n", &body), 409, "still_running");
    acme.world.shared.executor.pass(61_000);
    let anew = send(&acme, "n", &body);
    assert_eq!(
        (anew.status, anew.header("idempotent-replayed")),
        (200, None)
    );
    assert_eq!(send(&acme, "n", &body).told("idempotent-replayed"), "true");
}

#[test]
fn a_store_that_is_out_of_reach_starts_nothing_twice() {
    let acme = Acme::new();
    let body = question(GLM, "Hello");
    assert_eq!(send(&acme, "n", &body).status, 200);
    acme.world.shared.faults.once(Port::Files, Fault::Down);
    let refused = send(&acme, "n", &body);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(acme.world.provider.answered_by().len(), 1);
    assert_eq!(send(&acme, "n", &body).told("idempotent-replayed"), "true");
}

#[test]
fn names_and_answers_are_forgotten_after_a_day() {
    let acme = Acme::new();
    let body = question(GLM, "Hello");
    assert_eq!(send(&acme, "n", &body).status, 200);
    let files = || {
        acme.world
            .files
            .files
            .borrow()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let kept = || {
        files()
            .into_iter()
            .filter(|name| name.starts_with("idempotency/"))
            .count()
    };
    let upkeep = || {
        let ports = acme.worker.ports.clone();
        acme.world
            .shared
            .executor
            .block_on(async move { hourly(&ports).await });
    };
    upkeep();
    assert_eq!(kept(), 1);
    acme.world.shared.clock.jump(i64::try_from(DAY_MS).unwrap());
    let anew = send(&acme, "n", &question(GLM, "Something else"));
    assert_eq!(
        (anew.status, anew.header("idempotent-replayed")),
        (200, None)
    );
    acme.world.shared.clock.jump(i64::try_from(DAY_MS).unwrap());
    upkeep();
    assert_eq!(kept(), 1, "that of the day before yesterday is gone");
}

#[test]
fn a_universal_request_is_repeated_as_a_whole() {
    let acme = Acme::new();
    let call = |model: &str| json!({ "provider": "openai", "endpoint": "chat/completions", "query": question(model, "Hello") });
    let body = json!([call("gpt-4o"), call("gpt-4o-mini")]);
    let request = || {
        let request = Request::new("POST", "/v1/acme/gateway")
            .key(&acme.key)
            .json(&body);
        request.header("idempotency-key", "n")
    };
    for _ in 0..4 {
        acme.world
            .provider
            .once("openai/gpt-4o", Act::Status(500, "{}"));
    }
    let first = acme.world.expect(&acme.worker, request(), 200);
    assert_eq!(first.told("cf-aig-step"), "1");
    let again = acme.world.expect(&acme.worker, request(), 200);
    assert_eq!(again.told("idempotent-replayed"), "true");
    assert_eq!(
        again.body, first.body,
        "the second step's, although the first would answer now"
    );
}

#[test]
fn a_step_of_whatever_path_is_known_by_the_whole() {
    let acme = Acme::new();
    let openai = json!({ "provider": "openai", "endpoint": "chat/completions", "query": question("gpt-4o", "Hello") });
    let run = json!({ "provider": "v1", "endpoint": "run", "query": { "operation": "summarize", "input": "A text." } });
    let body = json!([openai, run]);
    let request = || {
        let request = Request::new("POST", "/v1/acme/gateway")
            .key(&acme.key)
            .json(&body);
        let request = request.header("cf-aig-max-attempts", "1");
        request.header("idempotency-key", "n")
    };
    acme.world
        .provider
        .once("openai/gpt-4o", Act::Status(500, "{}"));
    let first = acme.world.expect(&acme.worker, request(), 200);
    let again = acme.world.expect(&acme.worker, request(), 200);
    assert_eq!(again.told("idempotent-replayed"), "true");
    assert_eq!(again.body, first.body);
    let statuses: Vec<u16> = acme
        .world
        .records("acme")
        .iter()
        .map(|it| it.draft.status)
        .collect();
    assert!(!statuses.contains(&422), "{statuses:?}");
}
