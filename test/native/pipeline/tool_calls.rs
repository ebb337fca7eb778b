//! Calls of tools in streams: whole, whatever pieces they come in, for clients of every wire.

use serde_json::{Value, json};

use super::crosses::{Client, Maker};
use super::support::*;
use super::translation::{bounded, keyed, send};

#[test]
fn arguments_in_no_one_or_many_chunks_come_whole() {
    for (chunks, expected) in [
        (&[][..], json!({})),
        (&["{}"], json!({})),
        (&["{\"a\":1}"], json!({ "a": 1 })),
        (&["{", "\"a\"", ":", "", "1", "}"], json!({ "a": 1 })),
    ] {
        for client in Client::ALL {
            let acme = keyed();
            let pieces = chunks.iter().map(|chunk| more(0, chunk));
            let pieces: Vec<Value> = std::iter::once(begun(0, "")).chain(pieces).collect();
            let act = deltas(&pieces, "tool_calls");
            acme.world.provider.once(QWEN, act);
            let response = send(&acme, client, Maker::WorkersAi, &bounded(client, 100), true);
            let call = ("call_0".to_owned(), "f0".to_owned(), expected.clone());
            assert_eq!(
                calls(client, &response),
                [call],
                "{chunks:?} for {}",
                client.name()
            );
        }
    }
}

#[test]
fn three_interleaved_calls_keep_their_ids_and_arguments() {
    let pieces = [
        begun(0, ""),
        begun(1, "{\"n\""),
        more(0, "{\"n\":"),
        begun(2, "{"),
        more(1, ":1"),
        more(2, "\"n\":2"),
        more(0, "0}"),
        more(2, "}"),
        more(1, "}"),
    ];
    for client in Client::ALL {
        for maker in [Maker::ChatCompletions, Maker::WorkersAi] {
            let acme = keyed();
            let act = deltas(&pieces, "tool_calls");
            acme.world.provider.once(maker.model(client), act);
            let response = send(&acme, client, maker, &bounded(client, 100), true);
            let expected = [0, 1, 2].map(|number| {
                (
                    format!("call_{number}"),
                    format!("f{number}"),
                    json!({ "n": number }),
                )
            });
            let mut calls = calls(client, &response);
            calls.sort_by(|one, other| one.0.cmp(&other.0));
            assert_eq!(calls, expected, "{} of {}", client.name(), maker.name());
        }
    }
}

#[test]
fn an_empty_list_of_calls_ends_no_text() {
    let chunks = [
        json!({ "role": "assistant", "content": "Ho", "tool_calls": [] }),
        json!({ "content": "l", "tool_calls": [] }),
        json!({ "content": "a" }),
    ];
    for (client, beginning) in [
        (Client::Messages, "content_block_start"),
        (Client::Responses, "response.output_item.added"),
    ] {
        let acme = keyed();
        acme.world.provider.once(QWEN, deltas(&chunks, "stop"));
        let response = send(&acme, client, Maker::WorkersAi, &bounded(client, 100), true);
        let beginnings = format!("event: {beginning}\n");
        assert_eq!(
            response.text().matches(&beginnings).count(),
            1,
            "{}",
            response.text()
        );
        assert!(!response.text().contains("tool_use"), "{}", response.text());
    }
}

/// The stream of chat completions whose deltas are these.
fn deltas(deltas: &[Value], reason: &str) -> Act {
    let chunk = |delta: &Value, reason: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
        format!("data: {}\n\n", json!({ "id": "x", "choices": [choice] }))
    };
    let told: String = deltas
        .iter()
        .map(|delta| chunk(delta, Value::Null))
        .collect();
    let end = chunk(&json!({}), json!(reason));
    Act::Raw(format!("{told}{end}data: [DONE]\n\n"))
}

fn begun(index: u32, arguments: &str) -> Value {
    let function = json!({ "name": format!("f{index}"), "arguments": arguments });
    let call = json!({ "index": index, "id": format!("call_{index}"), "type": "function", "function": function });
    json!({ "tool_calls": [call] })
}

fn more(index: u32, arguments: &str) -> Value {
    json!({ "tool_calls": [{ "index": index, "function": { "arguments": arguments } }] })
}

/// The calls that a stream brings: id, name and arguments. Anthropic's clients take no text for no arguments.
fn calls(client: Client, response: &Response) -> Vec<(String, String, Value)> {
    assert_eq!(response.status, 200, "{}", response.text());
    let data = response
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let events: Vec<Value> = data
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect();
    let mut calls: Vec<(String, String, String)> = Vec::new();
    for event in &events {
        match client {
            Client::Chat => {
                for call in event["choices"][0]["delta"]["tool_calls"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let function = &call["function"];
                    if call["id"].is_string() {
                        assert_eq!(call["index"], calls.len(), "{event}");
                        calls.push((text(&call["id"]), text(&function["name"]), String::new()));
                    }
                    let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
                    calls[index].2 += &text(&function["arguments"]);
                }
            }
            Client::Gemini => {
                for part in event["candidates"][0]["content"]["parts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                {
                    let call = &part["functionCall"];
                    if call.is_object() {
                        calls.push((
                            text(&call["id"]),
                            text(&call["name"]),
                            call["args"].to_string(),
                        ));
                    }
                }
            }
            Client::Messages => {
                let block = &event["content_block"];
                if block["type"] == "tool_use" {
                    assert_eq!(block["input"], json!({}));
                    calls.push((text(&block["id"]), text(&block["name"]), String::new()));
                }
                if event["delta"]["type"] == "input_json_delta" {
                    assert_eq!(event["index"], calls.len() - 1, "one block after the other");
                    calls.last_mut().unwrap().2 += &text(&event["delta"]["partial_json"]);
                }
            }
            Client::Responses => {
                let item = &event["item"];
                if event["type"] == "response.output_item.done" && item["type"] == "function_call" {
                    calls.push((
                        text(&item["call_id"]),
                        text(&item["name"]),
                        text(&item["arguments"]),
                    ));
                }
            }
        }
    }
    let parsed = calls.into_iter().map(|(id, name, arguments)| {
        let none = client == Client::Messages && arguments.is_empty();
        let arguments = if none { "{}" } else { &arguments };
        (id, name, serde_json::from_str(arguments).unwrap())
    });
    parsed.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
