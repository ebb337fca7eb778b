//! `OpenAI`'s Responses, as the scripted provider writes them.

use serde_json::{Value, json};

use super::{Said, pieces};

/// What stands for reasoning that only this provider can read.
const SEALED: &str = "gAAAA.sealed==";

/// A whole response.
pub(super) fn whole(said: &Said) -> String {
    response(said, &items(said)).to_string()
}

/// The data of a stream's events.
pub(super) fn chunks(said: &Said) -> Vec<String> {
    let begun = json!({ "id": "resp_x", "object": "response", "status": "in_progress" });
    let mut events = vec![json!({ "type": "response.created", "response": begun })];
    let items = items(said);
    for (index, item) in items.iter().enumerate() {
        events.push(event("output_item.added", index, json!({ "item": item })));
        for delta in deltas(said, item) {
            events.push(delta);
        }
        events.push(event("output_item.done", index, json!({ "item": item })));
    }
    let kind = match status(said) {
        "incomplete" => "response.incomplete",
        _ => "response.completed",
    };
    events.push(json!({ "type": kind, "response": response(said, &items) }));
    events.iter().map(Value::to_string).collect()
}

fn deltas(said: &Said, item: &Value) -> Vec<Value> {
    let index = usize::from(said.sealed);
    let delta = |kind, text: String| event(kind, index, json!({ "delta": text }));
    match item["type"].as_str() {
        Some("message") => pieces(&said.text)
            .into_iter()
            .map(|text| delta("output_text.delta", text))
            .collect(),
        Some("function_call") => {
            let arguments = item["arguments"].as_str().unwrap().to_owned();
            vec![delta("function_call_arguments.delta", arguments)]
        }
        _ => Vec::new(),
    }
}

fn event(kind: &str, index: usize, mut fields: Value) -> Value {
    fields["type"] = json!(format!("response.{kind}"));
    fields["output_index"] = json!(index);
    fields
}

fn items(said: &Said) -> Vec<Value> {
    let thought = json!({
        "type": "reasoning", "id": "rs_x", "summary": [], "encrypted_content": SEALED,
    });
    let text = json!({ "type": "output_text", "text": said.text, "annotations": [] });
    let message = json!({
        "type": "message", "id": "msg_x", "role": "assistant", "status": "completed",
        "content": [text],
    });
    let spoken = said.tool.as_ref().map_or(message, |name| {
        json!({
            "type": "function_call", "id": "fc_x", "call_id": "call_1", "name": name,
            "arguments": "{\"city\":\"Lima\"}", "status": "completed",
        })
    });
    let thought = said.sealed.then_some(thought);
    thought.into_iter().chain([spoken]).collect()
}

fn response(said: &Said, items: &[Value]) -> Value {
    let mut response = json!({
        "id": "resp_x", "object": "response", "status": status(said), "error": null,
        "output": items,
    });
    if said.finish == "length" {
        response["incomplete_details"] = json!({ "reason": "max_output_tokens" });
    }
    if let Some(usage) = said.usage {
        response["usage"] = json!({
            "input_tokens": usage.input_tokens,
            "input_tokens_details": { "cached_tokens": usage.cached_input_tokens },
            "output_tokens": usage.output_tokens,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": usage.input_tokens + usage.output_tokens,
        });
    }
    response
}

fn status(said: &Said) -> &'static str {
    match said.finish {
        "length" => "incomplete",
        _ => "completed",
    }
}
