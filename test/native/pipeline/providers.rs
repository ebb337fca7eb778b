//! Providers over HTTPS: which way a call takes, what goes out, and that no key comes back.

use serde_json::{Value, json};

use super::support::*;
use super::world::web::Page;

const KEY: &str = "gsk-very-secret-0123456789";
const VISION: &str = "@cf/meta/llama-3.2-11b-vision-instruct";
const CAT: &str = "https://images.example/cat.png";

fn keyed(secrets: &[(&str, &str)]) -> Acme {
    let acme = Acme::new();
    let mut set = acme.world.secrets.0.borrow_mut();
    set.extend(
        secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    drop(set);
    acme
}

fn saying(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "Hi" }] })
}

fn seeing(model: &str, url: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "What is this?" },
        { "type": "image_url", "image_url": { "url": url } },
    ] }] })
}

/// A world with a picture of a cat.
fn with_cat() -> Acme {
    let acme = Acme::new();
    let page = Page {
        status: 200,
        content_type: "image/png",
        chunks: vec![Ok(b"\x89PNG\r\n\x1a\n".to_vec())],
        delay: 0,
    };
    acme.world.provider.web.put(CAT, page);
    acme
}

#[test]
fn a_provider_with_a_key_is_called_directly() {
    for stream in [false, true] {
        let acme = keyed(&[("GROQ_API_KEY", KEY)]);
        let mut body = saying("groq/llama-3.3-70b-versatile");
        body["stream"] = json!(stream);
        let response = acme.ask(&body);
        assert!(response.text().contains(" all."), "{}", response.text());
        assert_eq!(acme.record(&response).draft.attempts[0].provider, "groq");
        let calls = acme.world.provider.web.calls.borrow();
        assert_eq!(calls.len(), 1);
        assert_eq!(
            calls[0].url,
            "https://api.groq.com/openai/v1/chat/completions"
        );
        let bearer = ("authorization".to_owned(), format!("Bearer {KEY}"));
        assert!(calls[0].headers.contains(&bearer));
        let sent = calls[0].body.as_ref().unwrap();
        assert_eq!(sent.content_type, "application/json");
        let sent: Value = serde_json::from_slice(&sent.bytes).unwrap();
        assert_eq!(sent["model"], "llama-3.3-70b-versatile");
    }
}

#[test]
fn a_provider_without_one_is_reached_over_the_binding() {
    let acme = Acme::new();
    acme.ask(&saying("openai/gpt-4o"));
    assert!(acme.world.provider.web.calls.borrow().is_empty());
    let acme = keyed(&[("OPENAI_API_KEY", KEY)]);
    acme.ask(&saying("openai/gpt-4o"));
    assert_eq!(acme.world.provider.web.calls.borrow().len(), 1);
}

#[test]
fn a_provider_that_nothing_reaches_names_its_secret() {
    let acme = Acme::new();
    let response = acme.send(&saying("groq/llama-3.3-70b-versatile"));
    assert_eq!(response.status, 404, "{}", response.text());
    assert!(
        response.text().contains("GROQ_API_KEY"),
        "{}",
        response.text()
    );
    assert_eq!(acme.spent(), "0");
    acme.check_released();
}

#[test]
fn a_free_provider_serves_any_model_for_nothing() {
    let acme = Acme::new();
    let response = acme.ask(&saying("ollama/llama3.2:3b"));
    assert_eq!(response.told("cf-aig-provider"), "ollama");
    assert_eq!(acme.spent(), "0");
    let calls = acme.world.provider.web.calls.borrow();
    assert_eq!(calls[0].url, "http://127.0.0.1:11434/v1/chat/completions");
    let sent: Value = serde_json::from_slice(&calls[0].body.as_ref().unwrap().bytes).unwrap();
    assert_eq!(sent["model"], "llama3.2:3b");
}

#[test]
fn a_model_without_a_price_is_not_free_by_accident() {
    let acme = keyed(&[("GROQ_API_KEY", KEY)]);
    let response = acme.send(&saying("groq/llama-9"));
    assert_eq!(response.status, 404, "{}", response.text());
    assert!(
        response.text().contains("config/ai_cost_model.yaml"),
        "{}",
        response.text()
    );
    assert!(acme.world.provider.web.calls.borrow().is_empty());
}

#[test]
fn a_key_that_a_provider_quotes_is_nowhere_to_be_seen() {
    const QUOTED: &str =
        r#"{"error":{"message":"Incorrect API key provided:gsk-very-secret-0123456789"}}"#;
    for act in [
        Act::Status(401, QUOTED),
        Act::Status(500, "gsk-very-secret-0123456789"),
        Act::Status(200, QUOTED),
        Act::Say(format!("Your key is {KEY}, is it not?")),
    ] {
        for stream in [false, true] {
            let acme = keyed(&[("GROQ_API_KEY", KEY)]);
            let model = "groq/llama-3.3-70b-versatile";
            acme.world.provider.once(model, act.clone());
            let mut body = saying(model);
            body["stream"] = json!(stream);
            let response = acme.send(&body);
            let records = serde_json::to_string(&acme.world.records("acme")).unwrap();
            let log = acme.world.shared.log.borrow().join("\n");
            for (what, text) in [
                ("answer", response.text()),
                ("records", &records),
                ("log", &log),
            ] {
                assert!(!text.contains("very-secret"), "{what} of {act:?}: {text}");
            }
        }
    }
}

#[test]
fn a_picture_is_fetched_where_the_model_takes_bytes_only() {
    let acme = with_cat();
    acme.ask(&seeing(VISION, CAT));
    let calls = acme.world.provider.calls.borrow();
    let part = &calls.last().unwrap().input["messages"][0]["content"][1];
    assert_eq!(
        part["image_url"]["url"],
        "data:image/png;base64,iVBORw0KGgo="
    );
    let fetched = acme.world.provider.web.calls.borrow();
    assert_eq!(fetched.len(), 1);
    assert_eq!(fetched[0].url, CAT);
}

#[test]
fn a_picture_is_not_fetched_where_the_provider_does_it_itself() {
    let acme = with_cat();
    acme.ask(&seeing("openai/gpt-4o", CAT));
    assert!(acme.world.provider.web.calls.borrow().is_empty());
    let calls = acme.world.provider.calls.borrow();
    let part = &calls.last().unwrap().input["messages"][0]["content"][1];
    assert_eq!(part["image_url"]["url"], CAT);
}

#[test]
fn a_picture_that_cannot_be_had_names_its_place() {
    for url in [
        "https://images.example/nothing.png",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/cat.png",
        "http://images.example/cat.png",
    ] {
        let acme = with_cat();
        let response = acme.send(&seeing(VISION, url));
        assert_eq!(response.status, 400, "{url}: {}", response.text());
        let param = response.json()["error"]["param"].clone();
        let param = param.as_str().unwrap().to_owned();
        assert!(
            param.starts_with("messages[0].content[1]"),
            "{url}: {param}"
        );
        assert_eq!(acme.spent(), "0");
        acme.check_released();
    }
}

#[test]
fn pictures_are_bounded_in_number() {
    let acme = with_cat();
    let parts: Vec<Value> = (0..21)
        .map(|number| {
            let url = format!("{CAT}?{number}");
            json!({ "type": "image_url", "image_url": { "url": url } })
        })
        .collect();
    let body = json!({ "model": VISION, "messages": [{ "role": "user", "content": parts }] });
    let response = acme.send(&body);
    assert_eq!(response.status, 400, "{}", response.text());
    assert!(acme.world.provider.web.calls.borrow().is_empty());
    let same: Vec<Value> = (0..30)
        .map(|_| json!({ "type": "image_url", "image_url": { "url": CAT } }))
        .collect();
    let body = json!({ "model": VISION, "messages": [{ "role": "user", "content": same }] });
    acme.ask(&body);
    assert_eq!(
        acme.world.provider.web.calls.borrow().len(),
        1,
        "fetched once"
    );
}

#[test]
fn usage_that_a_provider_does_not_send_is_estimated_for_who_asks() {
    let acme = keyed(&[("GROQ_API_KEY", KEY)]);
    let model = "groq/llama-3.3-70b-versatile";
    acme.world.provider.always(model, Act::Unmetered);
    let response = acme.ask(&streamed(model, "Hi"));
    let events = response.events();
    let [.., usage, done] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(done, "[DONE]");
    let chunk: Value = serde_json::from_str(usage).unwrap();
    assert_eq!(chunk["choices"], json!([]));
    let record = acme.record(&response);
    let told = &chunk["usage"];
    assert_eq!(told["prompt_tokens"], record.draft.usage.input_tokens);
    assert_eq!(told["completion_tokens"], record.draft.usage.output_tokens);
    assert_eq!(told["cost_usd"], record.cost.to_usd());
    assert!(record.cost.get() > 0);
    let mut unasked = saying(model);
    unasked["stream"] = json!(true);
    assert!(!acme.ask(&unasked).text().contains("usage"));
}
