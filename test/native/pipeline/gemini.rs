//! Gemini's wire: clients of Google's SDKs, and Google's own interface behind it.

use esclusa::audit::Outcome;
use serde_json::{Value, json};

use super::support::*;

const FLASH: &str = "google/gemini-2.5-flash";
const KEY: &str = "AIza-very-secret-0123456789";

fn path(model: &str, method: &str) -> String {
    format!("/v1beta/models/{model}:{method}")
}

fn saying(text: &str) -> Value {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] })
}

fn post(acme: &Acme, path: &str, body: &Value) -> Response {
    let request = Request::new("POST", path)
        .header("x-goog-api-key", &acme.key)
        .json(body);
    acme.world.send(&acme.worker, request)
}

fn posted(acme: &Acme, path: &str, body: &Value) -> Response {
    let response = post(acme, path, body);
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

/// With a key of Google's own, so that its models are called over HTTPS.
fn direct() -> Acme {
    let acme = Acme::new();
    let mut secrets = acme.world.secrets.0.borrow_mut();
    secrets.insert("GOOGLE_API_KEY".to_owned(), KEY.to_owned());
    drop(secrets);
    acme
}

fn chunks(response: &Response) -> Vec<Value> {
    let events = response.events();
    let parsed = events
        .iter()
        .map(|data| serde_json::from_str(data).unwrap());
    parsed.collect()
}

fn text(chunks: &[Value]) -> String {
    let texts = chunks.iter().flat_map(|chunk| {
        let parts = chunk["candidates"][0]["content"]["parts"].as_array();
        parts.cloned().unwrap_or_default()
    });
    texts
        .filter_map(|part| part["text"].as_str().map(str::to_owned))
        .collect()
}

#[test]
fn any_model_answers_clients_of_gemini() {
    for model in ["auto", QWEN, "gemini-2.5-flash", "google/gemini-2.5-flash"] {
        let acme = Acme::new();
        let response = posted(&acme, &path(model, "generateContent"), &saying("Hello"));
        assert_eq!(response.told("content-type"), "application/json");
        let body = response.json();
        assert!(
            text(std::slice::from_ref(&body)).contains("You asked: Hello"),
            "{body}"
        );
        assert_eq!(body["candidates"][0]["content"]["role"], "model");
        assert_eq!(body["candidates"][0]["finishReason"], "STOP");
        let usage = &body["usageMetadata"];
        assert!(usage["totalTokenCount"].as_u64().unwrap() > 0, "{usage}");
        let record = acme.record(&response);
        assert_eq!(record.draft.endpoint, "generate.content");
        assert_eq!(usage["costUsd"], record.cost.to_usd());
        assert_eq!(acme.spent(), record.cost.to_usd());
        assert_eq!(body["responseId"], response.told("x-request-id"));
        acme.check_released();
    }
}

#[test]
fn streams_are_events_or_an_array() {
    let acme = Acme::new();
    let path = path("auto", "streamGenerateContent");
    let events = posted(&acme, &format!("{path}?alt=sse"), &saying("Hello"));
    assert!(events.told("content-type").starts_with("text/event-stream"));
    let array = posted(&acme, &path, &saying("Hello"));
    assert!(array.told("content-type").starts_with("application/json"));
    let array: Vec<Value> = serde_json::from_str(array.text()).unwrap();
    for chunks in [chunks(&events), array] {
        assert!(chunks.len() > 2, "one by one");
        assert!(text(&chunks).contains("You asked: Hello"), "{chunks:?}");
        let last = chunks.last().unwrap();
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert!(last["usageMetadata"]["costUsd"].is_string(), "{last}");
    }
    acme.check_released();
}

#[test]
fn a_cut_stream_ends_with_an_error_of_googles_form() {
    for query in ["?alt=sse", ""] {
        let acme = Acme::new();
        acme.world.provider.once(QWEN, Act::Cut(3));
        let path = path(QWEN, "streamGenerateContent");
        let response = posted(&acme, &format!("{path}{query}"), &saying("Hello"));
        let chunks = if query.is_empty() {
            serde_json::from_str(response.text()).unwrap()
        } else {
            chunks(&response)
        };
        let last = &chunks.last().unwrap()["error"];
        assert_eq!(
            (&last["code"], &last["status"]),
            (&json!(502), &json!("UNAVAILABLE"))
        );
        assert!(!response.text().contains("finishReason"));
        assert!(!text(&chunks).is_empty(), "what came was delivered");
        let record = acme.record(&response);
        assert_eq!(record.draft.outcome, Outcome::Truncated);
        assert!(record.cost.get() > 0, "what was used is charged");
        acme.check_released();
    }
}

#[test]
fn errors_have_googles_form_and_names() {
    let acme = Acme::new();
    let generate = |model: &str| path(model, "generateContent");
    let cases = [
        (
            generate("auto"),
            json!({}),
            400,
            "INVALID_ARGUMENT",
            "`contents` is required",
        ),
        (
            generate("gemini-0"),
            saying("Hi"),
            404,
            "NOT_FOUND",
            "gemini-0",
        ),
        (
            path("auto", "embedText"),
            saying("Hi"),
            404,
            "NOT_FOUND",
            "nothing at this path",
        ),
    ];
    for (path, body, code, status, message) in cases {
        let response = post(&acme, &path, &body);
        let error = &response.json()["error"];
        assert_eq!(response.status, code, "{error}");
        assert_eq!(
            (&error["code"], &error["status"]),
            (&json!(code), &json!(status))
        );
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
        assert!(!response.told("x-request-id").is_empty());
    }
    let get = Request::new("GET", &generate("auto")).key(&acme.key);
    let response = acme.world.send(&acme.worker, get);
    assert_eq!(
        (response.status, response.header("allow")),
        (405, Some("POST"))
    );
    let nobody = Request::new("POST", &generate("auto")).json(&saying("Hi"));
    let response = acme.world.send(&acme.worker, nobody);
    assert_eq!(response.json()["error"]["status"], "UNAUTHENTICATED");
    acme.world.provider.always(QWEN, Act::Busy(7));
    let response = post(&acme, &generate(QWEN), &saying("Hi"));
    assert_eq!(
        response.json()["error"]["status"],
        "RESOURCE_EXHAUSTED",
        "{}",
        response.text()
    );
    assert_eq!(acme.spent(), "0");
    acme.check_released();
}

#[test]
fn the_key_may_stand_in_the_query() {
    let acme = Acme::new();
    let path = path("auto", "generateContent");
    for (query, status) in [
        (format!("?key={}", acme.key), 200),
        (format!("?alt=json&key={}", acme.key), 200),
        (format!("?key={KEY}"), 401),
        (format!("?monkey={}", acme.key), 401),
    ] {
        let request = Request::new("POST", &format!("{path}{query}")).json(&saying("Hi"));
        let response = acme.world.send(&acme.worker, request);
        assert_eq!(response.status, status, "{query}: {}", response.text());
    }
}

#[test]
fn tokens_are_counted_for_nothing() {
    let acme = Acme::new();
    let count = |body: &Value| {
        let response = posted(&acme, &path("gemini-2.5-flash", "countTokens"), body);
        response.json()["totalTokens"].as_u64().unwrap()
    };
    let short = count(&saying("Hello"));
    assert!(short > 0);
    assert!(count(&saying(&"Hello ".repeat(100))) > short);
    assert_eq!(
        count(&json!({ "generateContentRequest": saying("Hello") })),
        short
    );
    assert!(acme.world.provider.calls.borrow().is_empty());
    assert_eq!(acme.spent(), "0");
}

#[test]
fn googles_own_interface_is_asked_and_its_thoughts_kept() {
    const ANSWER: &str = r#"{"candidates":[{"content":{"parts":[{"text":"Hm.","thought":true},{"functionCall":{"name":"f","args":{"b": 1.0}},"thoughtSignature":"Eg=="}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":10,"thoughtsTokenCount":20,"cachedContentTokenCount":40,"totalTokenCount":130},"responseId":"g1"}"#;
    let acme = direct();
    acme.world.provider.once(FLASH, Act::Status(200, ANSWER));
    let mut body = saying("Hello");
    body["tools"] = json!([{ "functionDeclarations": [{ "name": "f" }] }]);
    body["safetySettings"] = json!([{ "category": "X", "threshold": "BLOCK_NONE" }]);
    body["generationConfig"] =
        json!({ "thinkingConfig": { "includeThoughts": true, "thinkingBudget": 2000 } });
    for gateway in ["", "/google-ai-studio", "/v1/acme/main/google-ai-studio"] {
        acme.world.provider.once(FLASH, Act::Status(200, ANSWER));
        let path = format!("{gateway}{}", path("gemini-2.5-flash", "generateContent"));
        let response = posted(&acme, &path, &body);
        let parts = &response.json()["candidates"][0]["content"]["parts"];
        let call = json!({
            "functionCall": { "id": "call_g1_0", "name": "f", "args": { "b": 1.0 } },
            "thoughtSignature": "Eg==",
        });
        assert_eq!(*parts, json!([{ "text": "Hm.", "thought": true }, call]));
        let usage = &response.json()["usageMetadata"];
        let told = [
            "promptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
            "cachedContentTokenCount",
            "totalTokenCount",
        ];
        assert_eq!(
            told.map(|name| usage[name].as_u64()),
            [Some(100), Some(10), Some(20), Some(40), Some(130)]
        );
        assert_eq!(usage["costUsd"], acme.record(&response).cost.to_usd());
        assert_eq!(response.header("x-ai-warnings"), None);
    }
    let calls = acme.world.provider.web.calls.borrow();
    let call = calls.first().unwrap();
    let base = "https://generativelanguage.googleapis.com/v1beta/models";
    assert_eq!(call.url, format!("{base}/gemini-2.5-flash:generateContent"));
    assert!(
        call.headers
            .contains(&("x-goog-api-key".to_owned(), KEY.to_owned()))
    );
    let sent: Value = serde_json::from_slice(&call.body.as_ref().unwrap().bytes).unwrap();
    assert_eq!(sent["safetySettings"], body["safetySettings"]);
    assert_eq!(sent["contents"], body["contents"]);
    let thinking = json!({ "includeThoughts": true, "thinkingBudget": 2000 });
    assert_eq!(sent["generationConfig"]["thinkingConfig"], thinking);
}

#[test]
fn googles_own_streams_pass_as_they_came() {
    let first =
        r#"{"candidates":[{"content":{"parts":[{"text":"Ho","x": 1}]}}],"modelVersion":"v"}"#;
    let last = r#"{"candidates":[{"content":{"parts":[{"text":"la"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":10}}"#;
    let stream = format!("data: {first}\n\ndata: {last}\n\n");
    let path = path("gemini-2.5-flash", "streamGenerateContent");
    let acme = direct();
    acme.world.provider.once(FLASH, Act::Raw(stream.clone()));
    let response = posted(&acme, &format!("{path}?alt=sse"), &saying("Hello"));
    assert!(
        response.text().starts_with(&format!("data: {first}\n\n")),
        "{}",
        response.text()
    );
    let record = acme.record(&response);
    let chunks = chunks(&response);
    assert_eq!(chunks[1]["usageMetadata"]["costUsd"], record.cost.to_usd());
    assert_eq!(record.draft.usage.output_tokens, 10);
    let url = acme.world.provider.web.calls.borrow()[0].url.clone();
    assert!(url.ends_with(":streamGenerateContent?alt=sse"), "{url}");
    acme.world.provider.once(FLASH, Act::Raw(stream));
    let mut body = streamed("google/gemini-2.5-flash", "Hello");
    body["stream"] = json!(true);
    let translated = acme.ask(&body);
    assert_eq!(translated.answer(), "Hola");
}

/// A stream of Google's has no mark of its end but the reason.
#[test]
fn a_stream_of_googles_without_a_reason_is_truncated() {
    let acme = direct();
    let body = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Ho\"}]}}]}\n\n";
    acme.world.provider.once(FLASH, Act::Raw(body.to_owned()));
    let path = path("gemini-2.5-flash", "streamGenerateContent?alt=sse");
    let response = posted(&acme, &path, &saying("Hello"));
    let chunks = chunks(&response);
    assert_eq!(chunks.last().unwrap()["error"]["status"], "UNAVAILABLE");
    assert_eq!(acme.record(&response).draft.outcome, Outcome::Truncated);
    acme.check_released();
}

#[test]
fn any_model_embeds_for_clients_of_gemini() {
    let acme = Acme::new();
    let content = |text: &str| json!({ "parts": [{ "text": text }] });
    let one = json!({ "content": content("A canal") });
    let response = post(&acme, "/v1beta/models/embed:embedContent", &one);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.told("cf-aig-model"), EMBED);
    let vector = response.json()["embedding"]["values"].clone();
    let record = acme.record(&response);
    assert_eq!(record.draft.endpoint, "embed.content");
    assert!(record.cost.get() > 0);
    let several = json!({ "requests": [
        { "model": "models/embed", "content": content("A lock") },
        { "model": "models/embed", "content": content("A canal") },
    ] });
    let path = format!("/v1beta/models/{EMBED}:batchEmbedContents");
    let response = post(&acme, &path, &several);
    let embeddings = response.json()["embeddings"].clone();
    assert_eq!(embeddings.as_array().map(Vec::len), Some(2));
    assert_eq!(embeddings[1]["values"], vector, "in their order");
    acme.check_released();
}

#[test]
fn googles_own_embeddings_are_asked_over_https() {
    let acme = Acme::new();
    let path = "/v1/acme/main/google-ai-studio/v1beta/models/gemini-embedding-001:embedContent";
    let body =
        json!({ "content": { "parts": [{ "text": "A canal" }] }, "outputDimensionality": 2 });
    let unreached = post(&acme, path, &body);
    assert_eq!(unreached.status, 404, "{}", unreached.text());
    assert!(unreached.text().contains("GOOGLE_API_KEY"));
    let secret = ("GOOGLE_API_KEY".to_owned(), "AIza-0123456789".to_owned());
    acme.world.secrets.0.borrow_mut().extend([secret]);
    let model = "google/gemini-embedding-001";
    let answer = r#"{"embeddings":[{"values":[0.6,0.8]}]}"#;
    acme.world.provider.once(model, Act::Status(200, answer));
    let response = post(&acme, path, &body);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(
        response.json(),
        json!({ "embedding": { "values": [0.6, 0.8] } })
    );
    let calls = acme.world.provider.web.calls.borrow();
    assert!(
        calls[0]
            .url
            .ends_with("/models/gemini-embedding-001:batchEmbedContents")
    );
    let sent: Value = serde_json::from_slice(&calls[0].body.as_ref().unwrap().bytes).unwrap();
    assert_eq!(
        sent,
        json!({ "requests": [{
            "model": "models/gemini-embedding-001",
            "content": { "parts": [{ "text": "A canal" }] },
            "outputDimensionality": 2,
        }] })
    );
    drop(calls);
    for answer in [
        r#"{"embeddings":[]}"#,
        r#"{"embeddings":[{"values":[]}]}"#,
        r#"{"embedding":{}}"#,
    ] {
        acme.world.provider.once(model, Act::Status(200, answer));
        assert_eq!(post(&acme, path, &body).status, 502, "{answer}");
    }
}

#[test]
fn errors_of_embeddings_have_googles_form() {
    let acme = Acme::new();
    let path = "/v1beta/models/embed:embedContent";
    let refused = post(&acme, path, &json!({ "content": {} }));
    assert_eq!(refused.json()["error"]["status"], "INVALID_ARGUMENT");
    assert!(refused.text().contains("content.parts"));
    acme.record(&refused);
    let chat = post(
        &acme,
        &format!("/v1beta/models/{QWEN}:embedContent"),
        &json!({ "content": { "parts": [{ "text": "a" }] } }),
    );
    assert_eq!(chat.status, 400, "{}", chat.text());
    assert_eq!(chat.json()["error"]["status"], "INVALID_ARGUMENT");
    let bare = Request::new("POST", path).json(&json!({}));
    let bare = acme.world.send(&acme.worker, bare);
    assert_eq!(bare.json()["error"]["status"], "UNAUTHENTICATED");
}
