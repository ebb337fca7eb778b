//! Responses of providers that speak them: what is asked of them, and reasoning that only its maker
//! can read.

use serde_json::{Value, json};

use super::support::*;

const PATH: &str = "/v1/responses";
const GPT: &str = "openai/gpt-4o";
const THINKS: &str = "openai/o4-mini";
const SEALED: &str = "gAAAA.sealed==";

fn with_keys(keys: &[(&str, &str)]) -> Acme {
    let acme = Acme::new();
    set(&acme, keys);
    acme
}

fn set(acme: &Acme, keys: &[(&str, &str)]) {
    let keys = keys
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    acme.world.secrets.0.borrow_mut().extend(keys);
}

fn asked(model: &str, input: &Value) -> Value {
    json!({ "model": model, "input": input })
}

/// What the last call sent.
fn sent(acme: &Acme) -> Value {
    let calls = acme.world.provider.calls.borrow();
    calls.last().unwrap().input.clone()
}

/// Where the last call over HTTPS went.
fn url(acme: &Acme) -> String {
    let calls = acme.world.provider.web.calls.borrow();
    calls.last().unwrap().url.clone()
}

/// The items of reasoning in what the last call sent.
fn thoughts(acme: &Acme) -> Vec<Value> {
    let sent = sent(acme);
    let items = sent["input"].as_array().into_iter().flatten();
    let thoughts = items.filter(|item| item["type"] == "reasoning");
    thoughts.cloned().collect()
}

/// The conversation after a first answer, as a client that stores nothing sends it again.
fn second(first: &Value) -> Value {
    let mut input = vec![json!({ "role": "user", "content": "Hi" })];
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    input.push(json!({ "role": "user", "content": "And now?" }));
    json!(input)
}

/// A first answer whose reasoning the client keeps itself.
fn first(acme: &Acme) -> Value {
    let mut body = asked(THINKS, &json!("Hi"));
    body["store"] = json!(false);
    body["include"] = json!(["reasoning.encrypted_content"]);
    acme.posted(PATH, &body).json()
}

#[test]
fn a_response_is_asked_for_as_one_whichever_way_it_goes() {
    let acme = Acme::new();
    let reply = acme.posted(PATH, &asked(GPT, &json!("Hi"))).json();
    assert_eq!(sent(&acme)["input"][0]["content"][0]["text"], "Hi");
    assert_eq!(sent(&acme)["store"], false);
    assert!(sent(&acme).get("model").is_none(), "the binding names it");
    assert!(
        reply["output"][0]["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Hi")
    );

    set(
        &acme,
        &[
            ("OPENAI_API_KEY", "sk-one-0123456789"),
            ("AZURE_OPENAI_API_KEY", "az-0123456789"),
            ("AZURE_OPENAI_BASE_URL", "https://acme.openai.azure.com"),
        ],
    );
    acme.posted(PATH, &asked(GPT, &json!("Hi")));
    assert_eq!(url(&acme), "https://api.openai.com/v1/responses");
    assert_eq!(sent(&acme)["model"], "gpt-4o");
    acme.posted(PATH, &asked("azure-openai/gpt-4o", &json!("Hi")));
    assert_eq!(
        url(&acme),
        "https://acme.openai.azure.com/openai/v1/responses"
    );
    acme.ask(&question(GPT, "Hi"));
    assert_eq!(url(&acme), "https://api.openai.com/v1/chat/completions");
    acme.check_released();
}

#[test]
fn a_streamed_response_has_ids_of_here_and_is_stored_as_it_came() {
    let acme = Acme::new();
    let mut body = asked(THINKS, &json!("Hi"));
    body["stream"] = json!(true);
    let reply = acme.posted(PATH, &body);
    assert_eq!(sent(&acme)["stream"], true);
    let last = reply
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .next_back();
    let last: Value = serde_json::from_str(last.unwrap()).unwrap();
    assert_eq!(last["type"], "response.completed");
    let request = reply.told("x-request-id");
    let response = &last["response"];
    assert_eq!(response["id"], format!("resp_{request}"));
    assert_eq!(response["output"][0]["id"], format!("rs_{request}_0"));
    assert_eq!(response["output"][1]["id"], format!("msg_{request}_1"));
    let target = format!("{PATH}/resp_{request}");
    let stored = acme
        .world
        .send(&acme.worker, Request::new("GET", &target).key(&acme.key));
    assert_eq!(stored.json()["output"], response["output"]);
    assert!(!reply.text().contains(SEALED), "nobody asked for it");
    acme.check_released();
}

#[test]
fn reasoning_goes_back_byte_for_byte_to_the_key_that_made_it() {
    let acme = with_keys(&[("OPENAI_API_KEY", "sk-one-0123456789")]);
    let answer = first(&acme);
    let sealed = answer["output"][0]["encrypted_content"].as_str().unwrap();
    assert!(sealed.ends_with(SEALED), "{sealed}");
    let body = asked(THINKS, &second(&answer));
    let reply = acme.posted(PATH, &body);
    let own = json!({
        "type": "reasoning", "id": "rs_x", "summary": [], "encrypted_content": SEALED,
    });
    assert_eq!(thoughts(&acme), [own]);
    assert_eq!(reply.header("x-ai-warnings"), None);
}

#[test]
fn reasoning_of_a_stored_response_goes_on_although_its_client_never_saw_it() {
    for stream in [false, true] {
        let acme = Acme::new();
        let mut body = asked(THINKS, &json!("Hi"));
        body["stream"] = json!(stream);
        let reply = acme.posted(PATH, &body);
        let mut next = asked(THINKS, &json!("And now?"));
        next["previous_response_id"] = json!(format!("resp_{}", reply.told("x-request-id")));
        acme.posted(PATH, &next);
        assert_eq!(thoughts(&acme)[0]["encrypted_content"], SEALED);
    }
}

#[test]
fn reasoning_goes_to_no_other_key_and_no_other_provider() {
    let azure = [
        ("AZURE_OPENAI_API_KEY", "sk-one-0123456789"),
        ("AZURE_OPENAI_BASE_URL", "https://acme.openai.azure.com"),
    ];
    let acme = with_keys(&[("OPENAI_API_KEY", "sk-one-0123456789")]);
    set(&acme, &azure);
    let input = second(&first(&acme));
    let elsewhere: [(&str, &[(&str, &str)]); 3] = [
        (THINKS, &[("OPENAI_API_KEY", "sk-two-0123456789")]),
        ("azure-openai/gpt-4o", &azure),
        (QWEN, &[]),
    ];
    for (model, keys) in elsewhere {
        set(&acme, keys);
        let reply = acme.posted(PATH, &asked(model, &input));
        assert!(
            !sent(&acme).to_string().contains(SEALED),
            "{model} {keys:?}"
        );
        let warnings = reply.told("x-ai-warnings");
        assert!(warnings.contains("can read it"), "{model}: {warnings}");
    }
}

#[test]
fn reasoning_crosses_to_clients_of_messages_and_back() {
    let acme = Acme::new();
    let sealed = first(&acme)["output"][0]["encrypted_content"].clone();
    let body = json!({ "model": THINKS, "max_tokens": 500, "messages": [
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "", "signature": sealed },
            { "type": "text", "text": "Hello." },
        ] },
        { "role": "user", "content": "And now?" },
    ] });
    acme.posted("/v1/messages", &body);
    assert_eq!(thoughts(&acme)[0]["encrypted_content"], SEALED);
}

#[test]
fn a_response_that_breaks_off_is_no_whole_one() {
    let acme = Acme::new();
    for act in [Act::Cut(4), Act::ErrorEvent(4)] {
        acme.world.provider.once(GPT, act);
        let mut body = asked(GPT, &json!("Hi"));
        body["stream"] = json!(true);
        let broken = acme.post(PATH, &body);
        assert!(broken.text().contains("response.output_text.delta"));
        assert!(broken.text().contains("response.failed"));
        assert!(!broken.text().contains("response.completed"));
    }
    acme.check_released();
}
