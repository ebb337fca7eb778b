//! What the scripted provider writes, in the wires of the catalogue's models.

mod anthropic;
mod responses;

use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine};
use esclusa::config::{ModelKind, Wire, catalogue};
use esclusa::ports::BindingCall;
use esclusa::usage::Usage;
use serde_json::{Value, json};

use super::provider::Act;

/// Dimensions of an embedding.
const DIMENSIONS: u64 = 64;
/// How every text ends, so that half an answer shows.
pub(crate) const END: &str = "That is all.";
/// Bytes of a prompt's passages that are repeated in an answer.
const QUOTED: usize = 400;

/// An answer, before it is written.
pub(crate) struct Said {
    pub(crate) act: Act,
    pub(crate) wire: Wire,
    pub(crate) streamed: bool,
    pub(crate) text: String,
    pub(crate) finish: &'static str,
    pub(crate) tool: Option<String>,
    /// Whether its reasoning is asked for as only its maker can read it.
    pub(crate) sealed: bool,
    /// What is told of it.
    pub(crate) usage: Option<Usage>,
}

/// The answer to a chat call: the user's text and the passages, again.
pub(crate) fn say(call: &BindingCall, input: &Value, act: &Act) -> Said {
    let named = catalogue().unwrap().named(&call.model, ModelKind::Chat);
    let wire = match named.unwrap().model.wire.unwrap() {
        Wire::OpenAiChat if !input["input"].is_null() => Wire::OpenAiResponses,
        wire => wire,
    };
    let tool = &input["tools"][0];
    let tool = tool["function"]["name"].as_str().or(tool["name"].as_str());
    let tool = tool.filter(|_| *act == Act::CallTool).map(str::to_owned);
    let text = match act {
        Act::Say(text) => text.clone(),
        _ if tool.is_some() => String::new(),
        _ => echo(input),
    };
    let used = match act {
        Act::Use(usage) => *usage,
        _ => Usage {
            input_tokens: call.input.len() as u64 / 4 + 1,
            output_tokens: text.len() as u64 / 4 + 1,
            ..Usage::default()
        },
    };
    let finish = match act {
        Act::Length => "length",
        _ if tool.is_some() => "tool_calls",
        _ => "stop",
    };
    Said {
        act: act.clone(),
        wire,
        streamed: input["stream"] == true,
        text,
        finish,
        tool,
        sealed: input["include"][0] == "reasoning.encrypted_content",
        usage: (*act != Act::Unmetered && completes(act)).then_some(used),
    }
}

/// Whether the answer comes to its end, where usage stands.
const fn completes(act: &Act) -> bool {
    !matches!(
        act,
        Act::Busy(_)
            | Act::Cut(_)
            | Act::ErrorEvent(_)
            | Act::ErrorObject
            | Act::Hang
            | Act::Html
            | Act::InvalidJson
            | Act::ResetAfter
            | Act::ResetBefore
            | Act::Stall(_)
            | Act::Reply(..)
            | Act::Status(..)
    )
}

fn echo(input: &Value) -> String {
    let messages = input["messages"].as_array();
    let Some(messages) = messages.or_else(|| input["input"].as_array()) else {
        return END.to_owned();
    };
    let of_role = |role: &str| {
        messages
            .iter()
            .rev()
            .find(|message| message["role"] == role)
    };
    let user = of_role("user")
        .map(|message| content(&message["content"]))
        .unwrap_or_default();
    let top = ["system", "instructions"].map(|name| &input[name]);
    let top = top.into_iter().find(|value| !value.is_null());
    let system = of_role("system").map(|message| &message["content"]);
    let system = system.or(top).unwrap_or(&Value::Null);
    let system = content(system);
    let passages: String = system.split("<passage").skip(1).collect();
    let quoted: String = passages.chars().take(QUOTED).collect();
    format!("You asked: {user} I know: {quoted} {END}")
}

fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

/// The JSON body of a whole answer.
pub(crate) fn whole(said: &Said) -> String {
    match said.wire {
        Wire::Anthropic => return anthropic::whole(said),
        Wire::OpenAiResponses => return responses::whole(said),
        _ => {}
    }
    let calls = said.tool.as_ref().map(|name| match said.wire {
        Wire::WorkersAiNative => json!([{"name": name, "arguments": {"city": "Lima"}}]),
        _ => json!([{"id": "call_1", "type": "function", "function": function(name)}]),
    });
    let mut body = match said.wire {
        Wire::WorkersAiNative => json!({ "response": said.text }),
        _ => json!({
            "id": "x", "object": "chat.completion",
            "choices": [{
                "index": 0, "finish_reason": said.finish,
                "message": { "role": "assistant", "content": said.text },
            }],
        }),
    };
    if let Some(calls) = calls {
        match said.wire {
            Wire::WorkersAiNative => body["tool_calls"] = calls,
            _ => body["choices"][0]["message"]["tool_calls"] = calls,
        }
    }
    if said.wire == Wire::WorkersAiNative && said.finish == "length" {
        body["finish_reason"] = json!("length");
    }
    if let Some(usage) = said.usage {
        body["usage"] = usage_object(usage);
    }
    body.to_string()
}

fn function(name: &str) -> Value {
    json!({ "name": name, "arguments": "{\"city\":\"Lima\"}" })
}

/// The data of a stream's events, `[DONE]` included where the wire has it.
pub(crate) fn chunks(said: &Said) -> Vec<String> {
    match said.wire {
        Wire::Anthropic => return anthropic::chunks(said),
        Wire::OpenAiResponses => return responses::chunks(said),
        _ => {}
    }
    let mut chunks: Vec<Value> = pieces(&said.text)
        .into_iter()
        .map(|text| match said.wire {
            Wire::WorkersAiNative => json!({ "response": text }),
            _ => delta(&json!({ "content": text }), None),
        })
        .collect();
    if let Some(name) = &said.tool {
        let native = json!([{ "name": name, "arguments": { "city": "Lima" } }]);
        let call =
            json!([{ "index": 0, "id": "call_1", "type": "function", "function": function(name) }]);
        chunks.push(match said.wire {
            Wire::WorkersAiNative => json!({ "response": "", "tool_calls": native }),
            _ => delta(&json!({ "tool_calls": call }), None),
        });
    }
    chunks.push(match said.wire {
        Wire::WorkersAiNative => json!({ "response": "", "finish_reason": said.finish }),
        _ => delta(&json!({}), Some(said.finish)),
    });
    if let Some(usage) = said.usage {
        chunks.push(match said.wire {
            Wire::WorkersAiNative => json!({ "response": "", "usage": usage_object(usage) }),
            _ => json!({ "choices": [], "usage": usage_object(usage) }),
        });
    }
    let mut texts: Vec<String> = chunks.iter().map(Value::to_string).collect();
    texts.push("[DONE]".to_owned());
    texts
}

fn delta(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "object": "chat.completion.chunk",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

/// The name of an event, where the wire has one.
pub(crate) fn event_name(said: &Said, data: &str) -> String {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let name = data["type"].as_str().unwrap_or("error");
    let named = matches!(said.wire, Wire::Anthropic | Wire::OpenAiResponses);
    if named {
        format!("event: {name}\n")
    } else {
        String::new()
    }
}

/// A text in up to six pieces.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let size = characters.len().div_ceil(6).max(1);
    characters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

fn usage_object(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": { "cached_tokens": usage.cached_input_tokens },
    })
}

/// Embeddings in which texts with the same words are near.
pub(crate) fn embeddings(input: &Value) -> String {
    let texts = input["text"].as_array().unwrap();
    let vectors: Vec<Vec<f32>> = texts
        .iter()
        .map(|text| embed(text.as_str().unwrap()))
        .collect();
    json!({ "shape": [texts.len(), DIMENSIONS], "data": vectors }).to_string()
}

fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.01; usize::try_from(DIMENSIONS).unwrap()];
    for word in words(text) {
        let hash = word.bytes().fold(7_u64, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u64::from(byte))
        });
        vector[usize::try_from(hash % DIMENSIONS).unwrap()] += 1.0;
    }
    vector
}

/// A ranking by the share of the query's words that a text has.
pub(crate) fn ranks(input: &Value) -> String {
    let query = words(input["query"].as_str().unwrap());
    let score = |text: &Value| {
        let text = words(text["text"].as_str().unwrap());
        let common = query.intersection(&text).count();
        f64::from(u32::try_from(common).unwrap()) / f64::from(u32::try_from(query.len()).unwrap())
    };
    let contexts = input["contexts"].as_array().unwrap().iter().enumerate();
    let ranks: Vec<Value> = contexts
        .map(|(id, text)| json!({ "id": id, "score": score(text) }))
        .collect();
    json!({ "response": ranks }).to_string()
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// A transcript that tells what was asked, of a sound of two and a half seconds.
pub(crate) fn transcript(input: &Value) -> String {
    let text = format!(
        "{} {} {}: Hello there.",
        input["task"], input["language"], input["initial_prompt"]
    );
    let word = |word: &str, start: f64| json!({ "word": word, "start": start, "end": start + 0.5 });
    json!({
        "text": format!(" {text} "),
        "word_count": 2,
        "transcription_info": { "language": "en", "language_probability": 0.9, "duration": 2.5 },
        "segments": [
            { "start": 0.0, "end": 1.2345, "text": "Hello", "temperature": 0, "avg_logprob": -0.2,
              "compression_ratio": 0.8, "no_speech_prob": 0.01, "words": [word(" Hello", 0.1)] },
            { "start": 1.2345, "end": 2.5, "text": " <there> & gone.", "words": [word(" there", 1.3)] },
        ],
        "vtt": "WEBVTT",
    })
    .to_string()
}

/// A sound of a tenth of a second for each character, in JSON.
pub(crate) fn sound(input: &Value) -> String {
    let characters = input["prompt"].as_str().unwrap().chars().count();
    let samples = vec![0_u8; characters * 1_600];
    let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0data";
    let size = u32::try_from(samples.len()).unwrap().to_le_bytes();
    let file = [b"RIFF\0\0\0\0", &format[..], &size, &samples].concat();
    json!({ "audio": BASE64_STANDARD.encode(file) }).to_string()
}

/// A picture that is another for each seed.
pub(crate) fn picture(input: &Value) -> String {
    let seed = input["seed"].as_u64().unwrap().to_le_bytes();
    let file = [&b"\xFF\xD8\xFF\xE0"[..], &seed].concat();
    json!({ "image": BASE64_STANDARD.encode(file) }).to_string()
}

/// The option whose name the state has, else the first.
pub(crate) fn decision(input: &Value) -> String {
    let state = input["state"].as_str().unwrap();
    let options = input["questions"]["operation"]["criteria"].as_object();
    let options: Vec<&String> = options.unwrap().keys().collect();
    let named = options.iter().find(|option| state.contains(**option));
    let choice = named.unwrap_or(&options[0]);
    let answer = json!({ "type": "choice", "choice": choice, "probabilities": { *choice: 1 }, "confidence": 1 });
    let usage = json!({ "input_tokens": 200, "output_tokens": 0 });
    json!({ "model": "clef-flash", "answers": { "operation": answer }, "usage": usage }).to_string()
}

/// A verdict by the hazards that the text itself names, such as `S9`.
pub(crate) fn verdict(input: &Value) -> String {
    let text = input["messages"][0]["content"].as_str().unwrap();
    let named = text.split_whitespace().filter(|word| {
        let number = word.strip_prefix('S').map(str::parse::<u8>);
        matches!(number, Some(Ok(1..=14)))
    });
    let named: Vec<&str> = named.collect();
    let response = if named.is_empty() {
        "\n\nsafe".to_owned()
    } else {
        format!("\n\nunsafe\n{}", named.join(","))
    };
    let usage = json!({ "prompt_tokens": 200, "completion_tokens": 5, "total_tokens": 205 });
    json!({ "response": response, "usage": usage }).to_string()
}
