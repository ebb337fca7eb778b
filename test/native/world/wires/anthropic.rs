//! Anthropic's messages, as the scripted provider writes them.

use serde_json::{Value, json};

use super::{Said, pieces};

/// A whole message.
pub(super) fn whole(said: &Said) -> String {
    let text = json!({ "type": "text", "text": said.text });
    let content = said.tool.as_ref().map_or(text, |name| call(name, true));
    let mut message = json!({
        "id": "msg_x", "type": "message", "role": "assistant", "model": "claude",
        "content": [content], "stop_reason": stop_reason(said), "stop_sequence": null,
    });
    if let Some(usage) = usage(said) {
        message["usage"] = usage;
    }
    message.to_string()
}

/// The data of a stream's events.
pub(super) fn chunks(said: &Said) -> Vec<String> {
    let mut start = json!({
        "type": "message_start",
        "message": { "id": "msg_x", "type": "message", "role": "assistant", "model": "claude", "content": [] },
    });
    let mut end = json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(said), "stop_sequence": null },
    });
    if let Some(usage) = usage(said) {
        start["message"]["usage"] = usage.clone();
        start["message"]["usage"]["output_tokens"] = json!(1);
        end["usage"] = usage;
    }
    let empty = json!({ "type": "text", "text": "" });
    let block = said.tool.as_ref().map_or(empty, |name| call(name, false));
    let mut events = vec![
        start,
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        json!({ "type": "ping" }),
    ];
    let deltas: Vec<Value> = match &said.tool {
        Some(_) => {
            vec![json!({ "type": "input_json_delta", "partial_json": "{\"city\":\"Lima\"}" })]
        }
        None => pieces(&said.text)
            .into_iter()
            .map(|text| json!({ "type": "text_delta", "text": text }))
            .collect(),
    };
    for delta in deltas {
        events.push(json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    }
    events.push(json!({ "type": "content_block_stop", "index": 0 }));
    events.push(end);
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(Value::to_string).collect()
}

fn call(name: &str, whole: bool) -> Value {
    let input = if whole {
        json!({ "city": "Lima" })
    } else {
        json!({})
    };
    json!({ "type": "tool_use", "id": "toolu_1", "name": name, "input": input })
}

fn stop_reason(said: &Said) -> &'static str {
    match said.finish {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        _ => "end_turn",
    }
}

/// Tokens from the cache, and those written to it, stand apart from the others.
fn usage(said: &Said) -> Option<Value> {
    let usage = said.usage?;
    let cached = usage.cached_input_tokens + usage.cache_write_tokens;
    Some(json!({
        "input_tokens": usage.input_tokens - cached,
        "cache_read_input_tokens": usage.cached_input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }))
}
