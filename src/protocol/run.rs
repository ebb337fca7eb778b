//! Esclusa's own wire: one call for any operation that answers in text, `POST /v1/run`.
//!
//! Request: `{"operation"?, "input", "variables"?, "stream"?, "max_output_tokens"?, "response_format"?,
//! "metadata"?}`, where `input` is a text, a picture as a data URL, an array of messages as chat completions
//! have them, or an object of `text` and `image` or `document` (a data URL or an https address), and
//! `variables` are those of the operation's prompt. Without an operation the input is classified.
//!
//! Answer: `{"id", "object": "run", "operation", "model", "output", "tool_calls"?, "finish_reason", "usage",
//! "sources"?}`. A stream is `{"delta"}` after `{"delta"}`, the answer without its output, and `[DONE]`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::assembly::Assembler;
use super::dialect::Bill;
use super::json::{self, Fields, Json, Path, Shape, Value};
use super::openai_chat;
use super::writer::{Head, StreamWriter};
use super::{
    Answer, ChatRequest, Choice, Content, Event, FinishReason, Message, Part, Role, Source,
    openai_error,
};
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::media;
use crate::sse;
use crate::usage::Usage;

const AUTO: &str = "auto";
/// Before the name of an operation in the internal model.
const OPERATION: &str = "operation/";
/// What a picture begins with that stands as the input itself.
const PICTURE: &str = "data:image/";

/// Parses the body.
///
/// # Errors
/// `InvalidRequest`, with the JSON path in `param` where the fault has one.
pub fn parse(body: &[u8]) -> Result<ChatRequest, Error> {
    let document = json::document(body)?;
    let operation = document.optional(&Path::Root, "operation", |value| {
        value.filled_string("an operation")
    })?;
    let variables = document.optional(&Path::Root, "variables", variables)?;
    let advice = "Send a text, messages, or an object of `text` and `image` or `document`.";
    let path = Path::Field(&Path::Root, "input");
    let raw = document.get("input").ok_or_else(|| path.missing(advice))?;
    let input = Value::new(raw, &path);
    let mut fields = Fields::default();
    let model = operation.map_or_else(|| AUTO.to_owned(), |name| format!("{OPERATION}{name}"));
    fields.keep("model", Json::of(&model).raw());
    fields.keep("messages", messages(input.raw).raw());
    for (name, raw) in document.entries() {
        match name {
            "operation" | "input" | "model" | "messages" | "variables" => {}
            "max_output_tokens" => fields.keep("max_tokens", raw),
            name => fields.keep(name, raw),
        }
    }
    let several = input.shape() == Shape::Array;
    let mut request = openai_chat::parse(&serde_json::to_vec(&fields).unwrap_or_default())
        .map_err(|error| renamed(error, several))?;
    if request.choices > 1 {
        let message = "`/v1/run` gives one answer. Leave `n` out, or set it to 1.";
        return Err(Error::invalid("n", message));
    }
    request.variables = variables;
    let picture = json::text(input.raw).is_some_and(|text| text.starts_with(PICTURE));
    if picture {
        let image = media::address(input, "image")?;
        let parts = vec![Part::new(Content::Image(image)).at(&path)];
        request.messages = vec![Message::new(Role::User, parts).at(&path)];
    } else if input.shape() == Shape::Object {
        request.messages = vec![Message::new(Role::User, parts(input)?).at(&path)];
    } else {
        request.rename_origins(|path| known_as(path, several).unwrap_or_else(|| path.to_owned()));
    }
    Ok(request)
}

/// Reads values for the variables of a prompt: texts, and numbers and booleans as texts.
///
/// # Errors
/// `InvalidRequest`, with the variable's name.
pub fn variables(value: Value<'_, '_>) -> Result<BTreeMap<String, String>, Error> {
    let object = value.object()?;
    let read = |(name, raw): (&str, &RawValue)| {
        let path = Path::Field(value.path, name);
        let text = match json::shape(raw) {
            Shape::Boolean | Shape::Number => Some(raw.get().to_owned()),
            _ => json::text(raw),
        };
        let text = text.ok_or_else(|| path.error("must be a text, a number or a boolean."))?;
        Ok((name.to_owned(), text))
    };
    object.entries().map(read).collect()
}

/// The messages of an input; those of an object are read afterwards.
fn messages(input: &RawValue) -> Json {
    #[derive(Serialize)]
    struct Said<'a> {
        role: &'static str,
        content: &'a RawValue,
    }
    let user = |content| {
        Json::of(&[Said {
            role: "user",
            content,
        }])
    };
    match json::shape(input) {
        Shape::Array => Json::from(input),
        Shape::Object => {
            Json::parse(r#"[{"role":"user","content":""}]"#).unwrap_or_else(|| Json::from(input))
        }
        _ => user(input),
    }
}

/// An error about a field that the caller has under another name.
fn renamed(error: Error, several: bool) -> Error {
    let Some(param) = &error.param else {
        return error;
    };
    match known_as(param, several) {
        Some(own) => Error {
            message: error.message.replacen(param.as_str(), &own, 1),
            param: Some(own),
            ..error
        },
        None => error,
    }
}

/// The path of a field that the caller has under another name; `several` messages or one text are the
/// input.
fn known_as(path: &str, several: bool) -> Option<String> {
    let names = [
        ("messages[0].content", "input"),
        ("messages", "input"),
        ("max_tokens", "max_output_tokens"),
    ];
    let mut names = names.into_iter().skip(usize::from(several));
    names.find_map(|(known, name)| {
        let rest = path.strip_prefix(known)?;
        Some(format!("{name}{rest}"))
    })
}

fn parts(input: Value<'_, '_>) -> Result<Vec<Part>, Error> {
    let (object, path) = (input.object()?, input.path);
    let text = object.optional_string(path, "text")?;
    let image = object.optional(path, "image", |value| media::address(value, "image"))?;
    let document = object.optional(path, "document", |value| media::address(value, ""))?;
    let text = text.filter(|text| !text.is_empty()).map(Part::text);
    let image = image.map(|image| Part::new(Content::Image(image)));
    let document = document.map(|document| Part::new(Content::File(document)));
    let named = [("text", text), ("image", image), ("document", document)];
    let parts: Vec<Part> = named
        .into_iter()
        .filter_map(|(name, part)| Some(part?.at(&Path::Field(path, name))))
        .collect();
    if parts.is_empty() {
        return Err(path.error("must have `text`, `image` or `document`."));
    }
    Ok(parts)
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    object: &'static str,
    operation: &'a str,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    finish_reason: &'static str,
    usage: UsageBody,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    sources: &'a [Source],
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct UsageBody {
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: String,
}

impl UsageBody {
    fn new(usage: &Usage, cost: Nanos) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: cost.to_usd(),
        }
    }
}

/// The body of a whole answer.
#[must_use]
pub fn render(answer: &Answer, head: &Head, bill: Bill<'_>) -> Vec<u8> {
    let choice = answer.choices.first();
    let reason = choice.map_or(FinishReason::Stop, |choice| choice.finish_reason);
    let body = Body {
        id: &head.request,
        object: "run",
        operation: &head.operation,
        model: &head.model,
        output: Some(choice.and_then(said).unwrap_or_default()),
        tool_calls: choice.map(calls).unwrap_or_default(),
        finish_reason: openai_chat::finish_reason(reason),
        usage: UsageBody::new(bill.usage, bill.cost),
        sources: &head.sources,
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

fn calls(choice: &Choice) -> Vec<Call<'_>> {
    let calls = choice.tool_calls().map(|call| Call {
        id: &call.id,
        name: &call.name,
        arguments: &call.arguments,
    });
    calls.collect()
}

fn said(choice: &Choice) -> Option<String> {
    choice.text().or_else(|| choice.refusal())
}

/// Writes the stream of one answer.
#[derive(Debug)]
pub struct DeltaWriter {
    head: Head,
    /// What the last line says: the calls of tools and how the answer ended.
    told: Assembler,
}

#[derive(Serialize)]
struct Delta<'a> {
    delta: &'a str,
}

impl DeltaWriter {
    /// A writer of an answer.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self {
            head,
            told: Assembler::default(),
        }
    }
}

impl StreamWriter for DeltaWriter {
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        match event {
            Event::Text { choice: 0, text } | Event::Refusal { choice: 0, text } => {
                sse::write_json(out, &Delta { delta: text });
            }
            Event::Finish { choice: 0, .. } | Event::ToolCall { choice: 0, .. } => {
                self.told.push(event);
            }
            _ => {}
        }
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        let told = std::mem::take(&mut self.told).finish();
        let choice = told.choices.first();
        let reason = choice.map_or(FinishReason::Stop, |choice| choice.finish_reason);
        let body = Body {
            id: &self.head.request,
            object: "run",
            operation: &self.head.operation,
            model: &self.head.model,
            output: None,
            tool_calls: choice.map(calls).unwrap_or_default(),
            finish_reason: openai_chat::finish_reason(reason),
            usage: UsageBody::new(usage, cost),
            sources: &self.head.sources,
        };
        sse::write_json(out, &body);
        sse::write_data(out, "[DONE]");
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        sse::write_json(out, &openai_error::object(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> ChatRequest {
        parse(body.as_bytes()).unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    #[test]
    fn every_form_of_input_is_read() {
        let text =
            parsed(r#"{"operation":"faq","input":"Hi","max_output_tokens":5,"stream":true}"#);
        assert_eq!((text.model.as_str(), text.stream), ("operation/faq", true));
        assert_eq!(text.max_output_tokens, Some(5));
        assert_eq!(text.last_user_text(), "Hi");
        let messages = parsed(
            r#"{"operation":"chat","input":[{"role":"system","content":"S"},{"role":"user","content":"Hi"}]}"#,
        );
        assert_eq!(messages.messages.len(), 2);
        let document = parsed(
            r#"{"operation":"read_document","input":{"text":"Read","image":"data:image/png;base64,AAAA"}}"#,
        );
        assert!(document.needs().vision);
        assert_eq!(document.last_user_text(), "Read");
        let picture =
            parsed(r#"{"operation":"read_document","input":"data:image/png;base64,AAAA"}"#);
        assert!(picture.needs().vision);
        let unnamed = parsed(r#"{"input":"Hi","variables":{"a":"b","n":1.50,"on":true}}"#);
        assert_eq!(unnamed.model, "auto");
        let variables = unnamed.variables.unwrap();
        assert_eq!(
            (&*variables["a"], &*variables["n"], &*variables["on"]),
            ("b", "1.50", "true")
        );
    }

    #[test]
    fn malformed_bodies_are_refused_with_their_path() {
        let cases = [
            (r"{}", "input"),
            (r#"{"operation":7,"input":"a"}"#, "operation"),
            (r#"{"operation":"faq"}"#, "input"),
            (r#"{"operation":"faq","input":7}"#, "input"),
            (r#"{"operation":"faq","input":[]}"#, "input"),
            (r#"{"operation":"faq","input":["a"]}"#, "input[0]"),
            (r#"{"operation":"faq","input":{}}"#, "input"),
            (
                r#"{"operation":"faq","input":"a","variables":["b"]}"#,
                "variables",
            ),
            (
                r#"{"operation":"faq","input":"a","variables":{"b":{}}}"#,
                "variables.b",
            ),
            (
                r#"{"operation":"faq","input":"a","variables":{"b":null}}"#,
                "variables.b",
            ),
            (
                r#"{"operation":"read_document","input":"data:image/png;base64,%%"}"#,
                "input",
            ),
            (
                r#"{"operation":"faq","input":{"image":"file:///a"}}"#,
                "input.image",
            ),
            (
                r#"{"operation":"faq","input":"a","max_output_tokens":0}"#,
                "max_output_tokens",
            ),
        ];
        for (body, param) in cases {
            let error = parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{body}: {error}");
        }
    }
}
