//! Workers AI's own wire, as its REST interface has it: the wire of `POST /workers-ai/{model}`.
//!
//! The body is that of chat completions, with the differences that its documentation names: the model
//! stands in the path, `prompt` may stand for the messages, tools may be flat, and a schema is bare.
//! Answers come in Cloudflare's envelope, in the form that the model has: `{response}` or a chat
//! completion.
//!
//! <https://developers.cloudflare.com/workers-ai/models/>

use serde::Serialize;
use serde_json::value::RawValue;

use super::dialect::Bill;
use super::json::{self, Fields, Json, Object};
use super::openai_chat::{self, ChunkWriter};
use super::writer::{Head, StreamWriter};
use super::{Answer, ChatRequest, Choice, Event, ToolCall, cloudflare_error};
use crate::config::{self, Wire};
use crate::error::Error;
use crate::money::Nanos;
use crate::sse;
use crate::usage::Usage;

/// The name of a schema that came without one.
const SCHEMA_NAME: &str = "answer";

/// Parses the body of a request for `model`.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param` where the fault has one.
pub fn parse(body: &[u8], model: &str) -> Result<ChatRequest, Error> {
    let mut fields = Fields::default();
    fields.keep("model", Json::of(model).raw());
    let mut prompt = false;
    for (name, raw) in json::document(body)? {
        prompt = prompt || name == "prompt";
        match name.as_ref() {
            "model" => {}
            "prompt" => fields.keep("messages", messages(raw).raw()),
            "tools" => fields.keep("tools", tools(raw).raw()),
            "response_format" => fields.keep("response_format", format(raw).raw()),
            name => fields.keep(name, raw),
        }
    }
    let mut request = openai_chat::parse(&serde_json::to_vec(&fields).unwrap_or_default())?;
    if prompt {
        request.rename_origins(|_| "prompt".to_owned());
    }
    Ok(request)
}

/// A prompt as the one message it is.
fn messages(prompt: &RawValue) -> Json {
    #[derive(Serialize)]
    struct Message<'a> {
        role: &'static str,
        content: &'a RawValue,
    }
    Json::of(&[Message {
        role: "user",
        content: prompt,
    }])
}

/// Tools with each function under `function`. What is no list of objects stays, to be refused.
fn tools(raw: &RawValue) -> Json {
    #[derive(Serialize)]
    struct Tool<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        function: &'a RawValue,
    }
    let nested = |item: &RawValue| {
        let flat = Object::of(item).is_some_and(|tool| tool.get("function").is_none());
        if flat {
            Json::of(&Tool {
                kind: "function",
                function: item,
            })
        } else {
            Json::from(item)
        }
    };
    json::elements(raw).map_or_else(
        || Json::from(raw),
        |items| Json::of(&items.into_iter().map(nested).collect::<Vec<_>>()),
    )
}

/// An answer's form with its schema under a name.
fn format(raw: &RawValue) -> Json {
    #[derive(Serialize)]
    struct Format<'a> {
        #[serde(rename = "type")]
        kind: &'a RawValue,
        json_schema: Named<'a>,
    }
    #[derive(Serialize)]
    struct Named<'a> {
        name: &'static str,
        schema: &'a RawValue,
    }
    let bare = || {
        let object = Object::of(raw)?;
        let schema = object.get("json_schema")?;
        let named = Object::of(schema)?.get("schema").is_some();
        let kind = object.get("type")?;
        let json_schema = Named {
            name: SCHEMA_NAME,
            schema,
        };
        (!named).then(|| Json::of(&Format { kind, json_schema }))
    };
    bare().unwrap_or_else(|| Json::from(raw))
}

/// Whether a model answers in chat completions.
fn completes(model: &str) -> bool {
    let model = config::catalogue().ok().and_then(|all| all.model(model));
    model.is_some_and(|model| model.wire != Some(Wire::WorkersAiNative))
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    result: &'a T,
    success: bool,
    errors: [(); 0],
    messages: [(); 0],
}

#[derive(Serialize)]
struct Native {
    response: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    usage: Figures,
}

#[derive(Serialize)]
struct Call {
    name: String,
    arguments: Json,
}

#[expect(clippy::struct_field_names, reason = "Workers AI calls them so")]
#[derive(Serialize)]
struct Figures {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

impl Figures {
    const fn new(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
        }
    }
}

impl Call {
    /// Arguments that are no JSON go on as the text they are.
    fn new(call: &ToolCall) -> Self {
        let arguments = Json::parse(&call.arguments);
        Self {
            name: call.name.clone(),
            arguments: arguments.unwrap_or_else(|| Json::of(&call.arguments)),
        }
    }
}

/// The body of a whole answer.
#[must_use]
pub fn render(answer: &Answer, head: &Head, bill: Bill<'_>) -> Vec<u8> {
    if completes(&head.model) {
        let body = openai_chat::render(answer, head, bill.usage, bill.cost);
        let result: Option<Box<RawValue>> = serde_json::from_slice(&body).ok();
        return envelope(&result);
    }
    let choice = answer.choices.first();
    let calls = choice.into_iter().flat_map(Choice::tool_calls);
    envelope(&Native {
        response: choice.and_then(Choice::text).unwrap_or_default(),
        tool_calls: calls.map(Call::new).collect(),
        usage: Figures::new(bill.usage),
    })
}

fn envelope<T: Serialize>(result: &T) -> Vec<u8> {
    let envelope = Envelope {
        result,
        success: true,
        errors: [],
        messages: [],
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// A writer of a streamed answer.
#[must_use]
pub fn writer(head: Head) -> Box<dyn StreamWriter> {
    if completes(&head.model) {
        Box::new(ChunkWriter::new(head, true))
    } else {
        Box::new(NativeWriter::default())
    }
}

/// Writes `{response}` chunks; calls come whole, at the end.
#[derive(Debug, Default)]
struct NativeWriter {
    calls: Vec<ToolCall>,
}

#[derive(Serialize)]
struct Chunk<'a> {
    response: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Figures>,
}

impl<'a> Chunk<'a> {
    const fn text(response: &'a str) -> Self {
        Self {
            response,
            tool_calls: Vec::new(),
            usage: None,
        }
    }
}

impl StreamWriter for NativeWriter {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { text, .. } | Event::Refusal { text, .. } => {
                sse::write_json(out, &Chunk::text(text));
            }
            Event::ToolCall {
                name, arguments, ..
            } => {
                if let Some(name) = name {
                    self.calls.push(ToolCall {
                        name: name.clone(),
                        ..ToolCall::default()
                    });
                }
                if let Some(call) = self.calls.last_mut() {
                    call.arguments.push_str(arguments);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, usage: &Usage, _: Nanos, out: &mut Vec<u8>) {
        let chunk = Chunk {
            tool_calls: self.calls.iter().map(Call::new).collect(),
            usage: Some(Figures::new(usage)),
            ..Chunk::text("")
        };
        sse::write_json(out, &chunk);
        sse::write_data(out, "[DONE]");
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        let body = cloudflare_error::body(error);
        sse::write_data(out, &String::from_utf8_lossy(&body));
    }
}
