//! What must survive between a client of any wire and a provider of any other.

use serde_json::{Value, json};

use super::crosses::{Client, Maker, pairs};
use super::support::*;

const WEATHER: &str =
    r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"number"}}}"#;

/// A world with the keys of all providers.
pub(crate) fn keyed() -> Acme {
    let acme = Acme::new();
    acme.world.secrets.0.borrow_mut().extend(Maker::keys());
    acme
}

pub(crate) fn send(
    acme: &Acme,
    client: Client,
    maker: Maker,
    body: &str,
    stream: bool,
) -> Response {
    let request = client.request(&acme.key, maker.model(client), body, stream);
    acme.world.send(&acme.worker, request)
}

/// A question in each wire, with `bound` for the most tokens of the answer.
pub(crate) fn bounded(client: Client, bound: u32) -> String {
    let said = r#"[{"role":"user","content":"Hi"}]"#;
    match client {
        Client::Chat | Client::Messages => {
            format!(r#"{{"messages":{said},"max_tokens":{bound}}}"#)
        }
        Client::Gemini => format!(
            r#"{{"contents":[{{"parts":[{{"text":"Hi"}}]}}],"generationConfig":{{"maxOutputTokens":{bound}}}}}"#
        ),
        Client::Responses => format!(r#"{{"input":{said},"max_output_tokens":{bound}}}"#),
    }
}

#[test]
fn the_bound_of_tokens_reaches_every_provider() {
    for (client, maker) in pairs() {
        let acme = keyed();
        send(&acme, client, maker, &bounded(client, 77), false);
        let sent: Value = serde_json::from_str(&acme.world.provider.sent()[0]).unwrap();
        let bounds = [
            &sent["max_tokens"],
            &sent["max_completion_tokens"],
            &sent["generationConfig"]["maxOutputTokens"],
        ];
        assert!(
            bounds.contains(&&json!(77)),
            "{} to {}: {sent}",
            client.name(),
            maker.name()
        );
    }
}

#[test]
fn marks_of_the_cache_reach_anthropic_from_all_five_places() {
    let mark = r#""cache_control":{"type":"ephemeral"}"#;
    let body = format!(
        r#"{{"max_tokens":9,"system":[{{"type":"text","text":"S",{mark}}}],"tools":[{{"name":"f","input_schema":{WEATHER},{mark}}}],"messages":[{{"role":"user","content":[{{"type":"text","text":"Hi",{mark}}}]}},{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"f","input":{{}},{mark}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"1",{mark}}}]}}]}}"#
    );
    let acme = keyed();
    let response = send(&acme, Client::Messages, Maker::Anthropic, &body, false);
    assert_eq!(response.header("x-ai-warnings"), None);
    let sent: Value = serde_json::from_str(&acme.world.provider.sent()[0]).unwrap();
    let marked = json!({ "type": "ephemeral" });
    for place in [
        "/system/0",
        "/tools/0",
        "/messages/0/content/0",
        "/messages/1/content/0",
        "/messages/2/content/0",
    ] {
        assert_eq!(
            sent.pointer(place).unwrap()["cache_control"],
            marked,
            "{place}: {sent}"
        );
    }
}

#[test]
fn a_request_is_the_same_bytes_in_every_isolate_and_keeps_its_order() {
    let body = format!(
        r#"{{"messages":[{{"role":"system","content":"S"}},{{"role":"user","content":"Hi"}}],"tools":[{{"type":"function","function":{{"name":"y","parameters":{WEATHER}}}}},{{"type":"function","function":{{"name":"b"}}}}]}}"#
    );
    for maker in [
        Maker::ChatCompletions,
        Maker::Anthropic,
        Maker::Gemini,
        Maker::WorkersAi,
    ] {
        let acme = keyed();
        for isolate in [1, 2, 3] {
            let worker = acme.world.worker(isolate);
            let request = Client::Chat.request(&acme.key, maker.model(Client::Chat), &body, false);
            acme.world.send(&worker, request);
        }
        let sent = acme.world.provider.sent();
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|body| *body == sent[0]), "{sent:?}");
        assert!(sent[0].contains(WEATHER), "{}", sent[0]);
        let (first, second) = (sent[0].find("\"y\""), sent[0].find("\"b\""));
        assert!(first.unwrap() < second.unwrap(), "{}", sent[0]);
    }
}

#[test]
fn no_empty_text_reaches_a_provider() {
    let chat = r#"{"messages":[{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"Hi"}]}]}"#;
    let messages = r#"{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":""},{"type":"text","text":"Hi"}]}]}"#;
    let responses = r#"{"input":[{"role":"user","content":[{"type":"input_text","text":""},{"type":"input_text","text":"Hi"}]}]}"#;
    let gemini = r#"{"contents":[{"parts":[{"text":""},{"text":"Hi"}]}]}"#;
    for (client, maker) in pairs() {
        let body = match client {
            Client::Chat => chat,
            Client::Gemini => gemini,
            Client::Messages => messages,
            Client::Responses => responses,
        };
        let acme = keyed();
        send(&acme, client, maker, body, false);
        let sent = acme.world.provider.sent().remove(0);
        assert!(sent.contains("\"Hi\"") && !sent.contains("\"\""), "{sent}");
    }
}

#[test]
fn a_call_without_its_result_is_refused_before_any_provider_sees_it() {
    let call = r#"{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}"#;
    let chat = format!(
        r#"{{"messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","tool_calls":[{call}]}},{{"role":"user","content":"So?"}}]}}"#
    );
    let responses = r#"{"input":[{"role":"user","content":"Hi"},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"role":"user","content":"So?"}]}"#;
    let messages = r#"{"max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":"So?"}]}"#;
    let gemini = r#"{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"user","parts":[{"text":"So?"}]}]}"#;
    for (client, body) in [
        (Client::Chat, chat.as_str()),
        (Client::Responses, responses),
        (Client::Messages, messages),
        (Client::Gemini, gemini),
    ] {
        let acme = keyed();
        let response = send(&acme, client, Maker::Anthropic, body, false);
        assert_eq!(
            response.status,
            400,
            "{}: {}",
            client.name(),
            response.text()
        );
        assert!(
            response.text().contains("without a result"),
            "{}",
            response.text()
        );
        assert!(acme.world.provider.sent().is_empty());
        assert_eq!(acme.spent(), "0");
    }
}

#[test]
fn signed_thoughts_go_through_a_loop_of_tools_to_the_byte() {
    const ANSWER: &str = r#"{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"Hm. \"é\"","signature":"c2ln+/=="},{"type":"redacted_thinking","data":"cmVk"},{"type":"thinking","thinking":"","signature":"ZW1wdHk="},{"type":"tool_use","id":"toolu_1","name":"f","input":{"b": 1.0}}],"stop_reason":"tool_use","usage":{"input_tokens":9,"output_tokens":4}}"#;
    let thoughts = r#"{"type":"thinking","thinking":"Hm. \"é\"","signature":"c2ln+/=="},{"type":"redacted_thinking","data":"cmVk"},{"type":"thinking","thinking":"","signature":"ZW1wdHk="},{"type":"tool_use","id":"toolu_1","name":"f","input":{"b": 1.0}}"#;
    let user = json!({ "role": "user", "content": "Hi" });
    for client in [Client::Chat, Client::Messages] {
        let acme = keyed();
        acme.world
            .provider
            .once(Maker::Anthropic.model(client), Act::Status(200, ANSWER));
        let first = json!({ "max_tokens": 9, "messages": [user] }).to_string();
        let answer = send(&acme, client, Maker::Anthropic, &first, false).json();
        let (turn, result) = match client {
            Client::Chat => (
                answer["choices"][0]["message"].clone(),
                json!({ "role": "tool", "tool_call_id": "toolu_1", "content": "1" }),
            ),
            _ => (
                json!({ "role": "assistant", "content": answer["content"] }),
                json!({ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "toolu_1", "content": "1" }] }),
            ),
        };
        let second = json!({ "max_tokens": 9, "messages": [user, turn, result] }).to_string();
        send(&acme, client, Maker::Anthropic, &second, false);
        let sent = acme.world.provider.sent();
        let plain = |text: &str| text.replace(' ', "");
        assert!(
            plain(&sent[1]).contains(&plain(thoughts)),
            "{}: {}",
            client.name(),
            sent[1]
        );
    }
}

#[test]
fn a_lost_network_is_a_typed_502_in_every_wire() {
    for (client, kind) in [
        (Client::Chat, "/error/type"),
        (Client::Responses, "/error/type"),
        (Client::Messages, "/error/type"),
        (Client::Gemini, "/error/status"),
    ] {
        for act in [Act::ResetBefore, Act::ResetAfter] {
            for (maker, stream) in Maker::ALL
                .into_iter()
                .flat_map(|maker| [(maker, false), (maker, true)])
            {
                let acme = keyed();
                acme.world.provider.once(maker.model(client), act.clone());
                let response = send(&acme, client, maker, &bounded(client, 9), stream);
                let told = format!("{act:?} {}: {}", client.name(), response.text());
                assert_eq!(response.status, 502, "{told}");
                let kind = response.json().pointer(kind).cloned().unwrap();
                let known = ["upstream_error", "api_error", "UNAVAILABLE"];
                assert!(known.contains(&kind.as_str().unwrap()), "{told}");
                assert_eq!(response.told("x-should-retry"), "true");
                acme.check_released();
            }
        }
    }
}

#[test]
fn a_named_model_is_asked_once_and_no_other_in_its_place() {
    for (client, maker) in pairs() {
        let acme = keyed();
        let broken = Act::Status(500, "broken");
        acme.world.provider.always(maker.model(client), broken);
        let response = send(&acme, client, maker, &bounded(client, 9), false);
        assert_eq!(response.status, 502, "{}", response.text());
        assert_eq!(acme.world.provider.answered_by(), [maker.model(client)]);
    }
}

#[test]
fn an_answer_in_the_background_is_refused_and_not_taken_up_again() {
    let acme = keyed();
    for stream in [false, true] {
        let body = r#"{"input":"Hi","background":true}"#;
        let response = send(&acme, Client::Responses, Maker::WorkersAi, body, stream);
        let message = check_error(&response, 400, "invalid_request");
        assert!(message.contains("answers in the background"), "{message}");
        assert_eq!(response.json()["error"]["param"], "background");
    }
    let body = r#"{"input":"Hi"}"#;
    let stored = send(&acme, Client::Responses, Maker::WorkersAi, body, false).json();
    let path = format!("/v1/responses/{}", stored["id"].as_str().unwrap());
    let resumed = format!("{path}?stream=true&starting_after=3");
    let get = |path: &str, key: &str| {
        let request = Request::new("GET", path).key(key);
        acme.world.send(&acme.worker, request)
    };
    let response = get(&resumed, &acme.key);
    let message = check_error(&response, 400, "invalid_request");
    assert!(message.contains("not streamed again"), "{message}");
    let stranger = acme.world.org(&acme.worker, "other", &json!({}));
    assert_eq!(get(&path, &stranger).status, 404);
    assert_eq!(get(&path, &acme.key).status, 200);
}
