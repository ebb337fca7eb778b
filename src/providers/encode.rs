//! A chat request as the input of the AI binding's `run`.
//!
//! The same request always gives the same bytes: fields in a fixed order, then what passes through
//! in the order it came, so that a provider's prompt cache finds its prefix again.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::Wire;
use crate::ports::{BindingCall, ModelCall};
use crate::protocol::{ChatRequest, Content, Message, Part, ResponseFormat, Role};

/// Third-party models go through a gateway of the account, which must neither log prompts, nor
/// cache, nor retry: Esclusa does.
const THIRD_PARTY: &str = r#"{"returnRawResponse":true,"gateway":{"id":"default","collectLog":false,"skipCache":true,"retries":{"maxAttempts":1}}}"#;
pub(super) const WORKERS_AI: &str = r#"{"returnRawResponse":true}"#;

impl Wire {
    /// The call that asks model `id` to answer `messages`, the request's own or with more context.
    ///
    /// `max_tokens` bounds each answer. A native Workers AI model gives one answer whatever
    /// [`ChatRequest::choices`] says.
    #[must_use]
    pub fn encode(
        self,
        request: &ChatRequest,
        messages: &[Message],
        id: &str,
        max_tokens: u32,
    ) -> ModelCall {
        let input = Input {
            wire: self,
            request,
            messages,
            max_tokens,
        };
        let options = match self {
            Self::Anthropic | Self::Gemini | Self::OpenAiChat => THIRD_PARTY,
            Self::WorkersAiChat | Self::WorkersAiNative => WORKERS_AI,
        };
        ModelCall::Binding(BindingCall {
            model: id.to_owned(),
            input: serde_json::to_string(&input).unwrap_or_default(),
            options: options.to_owned(),
        })
    }
}

struct Input<'a> {
    wire: Wire,
    request: &'a ChatRequest,
    messages: &'a [Message],
    max_tokens: u32,
}

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (wire, request) = (self.wire, self.request);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("messages", &Messages(wire, self.messages))?;
        let bound = match wire {
            Wire::OpenAiChat => "max_completion_tokens",
            _ => "max_tokens",
        };
        map.serialize_entry(bound, &self.max_tokens)?;
        map.serialize_entry("stream", &request.stream)?;
        if wire != Wire::WorkersAiNative {
            if request.stream {
                map.serialize_entry(
                    "stream_options",
                    &IncludeUsage {
                        include_usage: true,
                    },
                )?;
            }
            if request.choices > 1 {
                map.serialize_entry("n", &request.choices)?;
            }
        }
        if !request.tools.is_empty() {
            map.serialize_entry("tools", &request.tools)?;
        }
        match &request.response_format {
            ResponseFormat::Text => {}
            format => map.serialize_entry("response_format", &Format(wire, format))?,
        }
        request.rest.write(&mut map)?;
        map.end()
    }
}

#[derive(serde::Serialize)]
struct IncludeUsage {
    include_usage: bool,
}

/// `Workers AI` takes the bare schema where `OpenAI` takes it with a name around it.
struct Format<'a>(Wire, &'a ResponseFormat);

impl Serialize for Format<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.1 {
            ResponseFormat::JsonObject => map.serialize_entry("type", "json_object")?,
            ResponseFormat::JsonSchema { schema, envelope } => {
                let schema = if self.0.is_workers_ai() {
                    schema
                } else {
                    envelope
                };
                map.serialize_entry("type", "json_schema")?;
                map.serialize_entry("json_schema", schema)?;
            }
            ResponseFormat::Text => map.serialize_entry("type", "text")?,
        }
        map.end()
    }
}

struct Messages<'a>(Wire, &'a [Message]);

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.1.iter().map(|message| MessageBody(self.0, message)))
    }
}

struct MessageBody<'a>(Wire, &'a Message);

impl Serialize for MessageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(wire, message) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", role(*wire, message.role))?;
        match &message.content {
            // The binding's schema refuses null, and an absent content in some models.
            Content::Empty if wire.is_workers_ai() => map.serialize_entry("content", "")?,
            Content::Empty => map.serialize_entry("content", &())?,
            Content::Text(text) => map.serialize_entry("content", text)?,
            content @ Content::Parts(parts) => {
                if *wire == Wire::WorkersAiNative && parts.iter().all(is_text) {
                    map.serialize_entry("content", &content.text())?;
                } else {
                    map.serialize_entry("content", &Parts(parts))?;
                }
            }
        }
        message.rest.write(&mut map)?;
        map.end()
    }
}

/// The role `developer` is `OpenAI`'s alone; everywhere else it is `system`.
const fn role(wire: Wire, role: Role) -> &'static str {
    match role {
        Role::Assistant => "assistant",
        Role::Developer if matches!(wire, Wire::OpenAiChat) => "developer",
        Role::Developer | Role::System => "system",
        Role::Tool => "tool",
        Role::User => "user",
    }
}

const fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text { .. })
}

struct Parts<'a>(&'a [Part]);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(PartBody))
    }
}

struct PartBody<'a>(&'a Part);

impl Serialize for PartBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Part::Audio(raw) | Part::File(raw) | Part::Image(raw) | Part::Refusal(raw) => {
                RawValue::serialize(raw, serializer)
            }
            Part::Text { text, rest } => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
                rest.write(&mut map)?;
                map.end()
            }
        }
    }
}
