//! Operations that are guarded: what callers say and what models answer is judged.

use serde_json::{Value, json};

use super::support::*;

fn guarded(guard: &str, more: &Value) -> Acme {
    let mut quote = json!({ "tier": "light", "models": [LLAMA_SMALL], "guard": guard });
    for (name, value) in more.as_object().unwrap() {
        quote[name] = value.clone();
    }
    Acme::with(&json!({ "operations": { "quote": quote } }))
}

fn models(acme: &Acme) -> Vec<String> {
    let calls = acme.world.provider.calls.borrow();
    calls.iter().map(|call| call.model.clone()).collect()
}

#[test]
fn what_is_safe_goes_through_and_every_verdict_is_paid_for() {
    let acme = guarded("both", &json!({}));
    let response = acme.ask(&question("operation/quote", "Hello"));
    assert_eq!(models(&acme), [GUARD, LLAMA_SMALL, GUARD]);
    let record = acme.record(&response);
    let purposes: Vec<&str> = record
        .draft
        .attempts
        .iter()
        .map(|it| it.purpose.as_str())
        .collect();
    assert_eq!(purposes, ["guard", "answer", "guard"]);
    assert!(
        record
            .draft
            .attempts
            .iter()
            .all(|attempt| attempt.cost.get() > 0)
    );
    assert!(record.cost <= record.bound);
    assert_eq!(response.told("x-ai-cost-usd"), record.cost.to_usd());
    assert_eq!(response.told("x-ai-attempts"), "1");
    acme.check_released();
}

#[test]
fn an_unsafe_request_reaches_no_model_in_any_wire() {
    let acme = guarded("input", &json!({}));
    let mut body = question("operation/quote", "How to build S9 and S1");
    body["messages"].as_array_mut().unwrap().extend([
        json!({ "role": "assistant", "content": "No." }),
        json!({ "role": "user", "content": "Go on." }),
    ]);
    let response = acme.send(&body);
    let message = check_error(&response, 403, "content_blocked");
    assert!(
        message.contains("S9 indiscriminate weapons, S1 violent crimes"),
        "{message}"
    );
    assert_eq!(models(&acme), [GUARD]);
    let record = acme.record(&response);
    assert_eq!(record.draft.policy, ["guard: request S9 S1"]);
    assert!(record.cost.get() > 0);
    acme.check_released();
    let theirs = acme.post("/v1/messages", &json!({
        "model": "operation/quote", "max_tokens": 9, "messages": [{ "role": "user", "content": "S9" }],
    }));
    assert_eq!(
        (theirs.status, &theirs.json()["error"]["type"]),
        (403, &json!("permission_error"))
    );
    let gemini = acme.post(
        "/v1beta/models/operation/quote:generateContent",
        &json!({
            "contents": [{ "role": "user", "parts": [{ "text": "S9" }] }],
        }),
    );
    assert_eq!(
        (gemini.status, &gemini.json()["error"]["status"]),
        (403, &json!("PERMISSION_DENIED"))
    );
    let run = json!({ "operation": "quote", "input": "S9" });
    check_error(&acme.post("/v1/run", &run), 403, "content_blocked");
    assert!(models(&acme).iter().all(|model| model == GUARD));
}

#[test]
fn an_unsafe_answer_is_kept_back_streamed_too_and_paid_for() {
    let acme = guarded("output", &json!({ "cache_seconds": 600 }));
    acme.world
        .provider
        .always(LLAMA_SMALL, Act::Say("Take S9 then".to_owned()));
    for body in [
        question("operation/quote", "Hi"),
        streamed("operation/quote", "Hi"),
    ] {
        let response = acme.send(&body);
        let message = check_error(&response, 403, "content_blocked");
        assert!(message.contains("finds the answer unsafe"), "{message}");
        let record = acme.record(&response);
        let costs: Vec<i64> = record
            .draft
            .attempts
            .iter()
            .map(|it| it.cost.get())
            .collect();
        assert!(
            costs.len() == 2 && costs.iter().all(|cost| *cost > 0),
            "{costs:?}"
        );
        assert_eq!(response.header("x-ai-cache-status"), None);
    }
    acme.check_released();
    acme.world
        .provider
        .always(LLAMA_SMALL, Act::Say("All is well".to_owned()));
    let safe = acme.ask(&streamed("operation/quote", "Hi"));
    assert_eq!(safe.answer(), "All is well");
    assert_eq!(
        safe.told("x-ai-cache-status"),
        "MISS",
        "what was kept back is not cached"
    );
}

#[test]
fn without_a_verdict_nothing_goes_on_unless_the_operation_says_so() {
    let acme = guarded("input", &json!({}));
    acme.world
        .provider
        .always(GUARD, Act::Status(500, "broken"));
    let response = acme.send(&question("operation/quote", "Hello"));
    check_error(&response, 503, "unavailable");
    assert!(response.header("retry-after").is_some());
    assert_eq!(models(&acme), [GUARD]);
    acme.check_released();
    let acme = guarded("both", &json!({ "guard_failure": "allow" }));
    acme.world.provider.always(GUARD, Act::Hang);
    let response = acme.ask(&question("operation/quote", "Hello"));
    let record = acme.record(&response);
    assert_eq!(
        record.draft.policy,
        ["guard: request not judged", "guard: answer not judged"]
    );
}

#[test]
fn a_verdict_that_cannot_be_read_is_paid_for() {
    let acme = guarded("input", &json!({}));
    let verdict = r#"{"response":"perhaps"}"#;
    acme.world.provider.always(GUARD, Act::Status(200, verdict));
    let response = acme.send(&question("operation/quote", "Hello"));
    check_error(&response, 503, "unavailable");
    let record = acme.record(&response);
    assert_eq!(record.draft.attempts[0].result, "malformed");
    assert!(record.cost.get() > 0);
    assert_eq!(record.cost, record.draft.attempts[0].cost);
    acme.check_released();
    acme.world
        .provider
        .always(GUARD, Act::Status(500, r#"{"response":"perhaps"}"#));
    let response = acme.send(&question("operation/quote", "Hello"));
    assert_eq!(acme.record(&response).cost.get(), 0, "none came");
}

#[test]
fn a_model_by_its_name_does_not_pass_the_guard_of_the_default_operation() {
    let acme =
        Acme::with(&json!({ "operations": { "chat": { "tier": "medium", "guard": "input" } } }));
    check_error(&acme.send(&question(LLAMA, "S9")), 403, "content_blocked");
    assert_eq!(models(&acme), [GUARD]);
}

#[test]
fn what_tools_gave_and_what_variables_say_is_judged() {
    let prompt = json!({
        "versions": { "1": "You sell to {{ audience }}." },
        "variables": { "audience": {} },
    });
    let acme = guarded("input", &json!({ "prompt": prompt }));
    let call =
        json!({ "id": "a", "type": "function", "function": { "name": "look", "arguments": "{}" } });
    let said = |content: &Value| {
        let mut body = question("operation/quote", "Look");
        body["messages"].as_array_mut().unwrap().extend([
            json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
            json!({ "role": "tool", "tool_call_id": "a", "content": content }),
        ]);
        body
    };
    for content in [json!("About S9"), json!([{ "type": "text", "text": "S9" }])] {
        check_error(&acme.send(&said(&content)), 403, "content_blocked");
    }
    let theirs = acme.post("/v1/messages", &json!({
        "model": "operation/quote", "max_tokens": 9, "messages": [
            { "role": "user", "content": "Look" },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "a", "name": "look", "input": {} }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "a", "content": "S9" }] },
        ],
    }));
    assert_eq!(theirs.status, 403, "{}", theirs.text());
    let run = json!({ "operation": "quote", "input": "Hi", "variables": { "audience": "S9" } });
    check_error(&acme.post("/v1/run", &run), 403, "content_blocked");
    assert!(models(&acme).iter().all(|model| model == GUARD));
    let long = said(&json!("word ".repeat(20_000)));
    let record = acme.record(&acme.ask(&long));
    assert!(record.cost <= record.bound, "{:?}", record.flags);
    acme.check_released();
}

#[test]
fn media_are_not_judged_and_nothing_else_is_no_verdict() {
    const SEEING: &str = "@cf/meta/llama-3.2-11b-vision-instruct";
    let picture = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgo=" } });
    let body = |more: &[Value]| {
        let content: Vec<Value> = std::iter::once(&picture).chain(more).cloned().collect();
        json!({ "model": "operation/quote", "messages": [{ "role": "user", "content": content }] })
    };
    let more = |failure: &str| json!({ "models": [SEEING], "guard_failure": failure });
    let acme = guarded("input", &more("refuse"));
    let refused = acme.send(&body(&[]));
    let message = check_error(&refused, 403, "content_blocked");
    assert!(message.contains("reads texts"), "{message}");
    assert_eq!(
        acme.record(&refused).draft.policy,
        ["guard: request not judged"]
    );
    assert!(models(&acme).is_empty());
    let described = acme.ask(&body(&[json!({ "type": "text", "text": "What is this?" })]));
    assert_eq!(
        acme.record(&described).draft.policy,
        ["guard: media not judged"]
    );
    assert_eq!(models(&acme), [GUARD, SEEING]);
    let acme = guarded("input", &more("allow"));
    let allowed = acme.ask(&body(&[]));
    assert_eq!(
        acme.record(&allowed).draft.policy,
        ["guard: request not judged"]
    );
}

#[test]
fn calls_of_tools_thoughts_and_refusals_are_judged_like_answers() {
    let call = json!({ "id": "a", "type": "function", "function": { "name": "look", "arguments": "{\"what\": \"all of S9 there is\"}" } });
    let messages = [
        json!({ "role": "assistant", "content": null, "tool_calls": [call] }),
        json!({ "role": "assistant", "content": "No.", "reasoning_content": "It is about S9" }),
        json!({ "role": "assistant", "content": null, "refusal": "Nothing about S9" }),
    ];
    for message in messages {
        let acme = guarded("output", &json!({ "models": [GLM] }));
        let answer =
            json!({ "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] });
        let act = Act::Reply(200, None, answer.to_string());
        acme.world.provider.always(GLM, act);
        let mut body = question("operation/quote", "Hi");
        body["tools"] = json!([{ "type": "function", "function": { "name": "look" } }]);
        check_error(&acme.send(&body), 403, "content_blocked");
        assert_eq!(models(&acme), [GLM, GUARD], "{message}");
        acme.check_released();
    }
}

#[test]
fn a_guard_that_one_org_chose_badly_guards_the_others_still() {
    let acme = guarded("input", &json!({}));
    let mut quote = json!({ "tier": "light", "models": [LLAMA_SMALL], "guard": "input" });
    quote["guard_failure"] = json!("refuse");
    let other = acme.world.org(
        &acme.worker,
        "other",
        &json!({
            "tiers": { "medium": [QWEN] },
            "models": { GLM: {
                "provider": "workers-ai", "kind": "guard", "context_window": 8_000, "max_output": 100,
                "price": { "tokens": { "input": "1", "output": "1" } },
            } },
            "helpers": { "decide": "@cf/cloudflare/clef-flash", "embed": EMBED, "guard": GLM, "rerank": RERANK },
            "operations": { "quote": quote },
        }),
    );
    acme.world.provider.always(GLM, Act::Status(500, "broken"));
    let ask = || {
        let request = Request::chat(&other, &question("operation/quote", "Hello"));
        acme.world.send(&acme.worker, request).status
    };
    for _ in 0..6 {
        assert_eq!(ask(), 503);
    }
    let asked = models(&acme).iter().filter(|model| *model == GLM).count();
    assert_eq!(asked, 5, "then it is left alone");
    acme.ask(&question("operation/quote", "Hello"));
}

#[test]
fn a_cheaper_route_does_not_lose_the_guard_of_what_is_guessed() {
    let faq = json!({ "tier": "medium", "guard": "both" });
    let mut bound_to_a_model = faq.clone();
    bound_to_a_model["models"] = json!([GLM]);
    let cases = [
        (&faq, LLAMA_SMALL, LLAMA_SMALL),
        (&faq, "light", QWEN),
        (&bound_to_a_model, LLAMA_SMALL, GLM),
    ];
    for (operation, downgrade, answers) in cases {
        let acme = Acme::with(&json!({
            "operations": { "faq": operation },
            "budgets": [{ "usd": "0", "period": "day", "when_spent": { "downgrade": downgrade } }],
        }));
        let response = acme.ask(&question("auto", "What is your return policy?"));
        assert_eq!(response.told("x-ai-operation"), "faq", "{downgrade}");
        assert_eq!(models(&acme), [GUARD, answers, GUARD]);
        let policy = acme.record(&response).draft.policy;
        assert_eq!(policy, [format!("downgraded to {downgrade}")]);
        let mut unsafe_one = question("auto", "How to build S9");
        unsafe_one["messages"].as_array_mut().unwrap().extend([
            json!({ "role": "assistant", "content": "No." }),
            json!({ "role": "user", "content": "What is your return policy?" }),
        ]);
        check_error(&acme.send(&unsafe_one), 403, "content_blocked");
        acme.check_released();
    }
}

#[test]
fn what_nobody_judged_is_not_given_again() {
    let body = |stream: bool| {
        if stream {
            streamed("operation/quote", "Hello")
        } else {
            question("operation/quote", "Hello")
        }
    };
    for (guard, stream) in [
        ("input", false),
        ("input", true),
        ("output", false),
        ("both", false),
    ] {
        let more = json!({ "guard_failure": "allow", "cache_seconds": 86_400 });
        let acme = guarded(guard, &more);
        acme.world.provider.once(GUARD, Act::Status(500, "broken"));
        let first = acme.ask(&body(stream));
        let policy = acme.record(&first).draft.policy;
        assert!(policy[0].ends_with("not judged"), "{policy:?}");
        let status = |stream| acme.ask(&body(stream)).told("x-ai-cache-status").to_owned();
        assert_eq!(status(stream), "MISS", "{guard}");
        assert_eq!(status(stream), "HIT", "{guard}: this one was judged");
        acme.check_released();
    }
}
