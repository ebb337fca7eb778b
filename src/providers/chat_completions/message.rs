//! The messages of a request as chat completions have them.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::call_id;
use crate::config::{Quirks, Wire};
use crate::protocol::anthropic::body::CacheBody;
use crate::protocol::{
    CacheControl, Content, Family, Fields, Media, MediaSource, Message, Part, Role, ToolCall,
    ToolResult, Warning,
};
use crate::providers::encode::{Target, Unsupported};

/// A message of the body.
pub(super) struct MessageBody<'a> {
    role: &'static str,
    content: ContentBody<'a>,
    reasoning: Option<String>,
    refusal: Option<&'a str>,
    tool_calls: Vec<CallBody<'a>>,
    tool_call_id: Option<Cow<'a, str>>,
    name: Option<&'a str>,
    extras: Option<&'a Fields>,
}

/// What a message says.
enum ContentBody<'a> {
    Null,
    Text(Cow<'a, str>),
    Parts(Vec<PartBody<'a>>),
}

/// Writes the messages; each result of a tool becomes a message of its own.
///
/// # Errors
/// A part that this wire has no place for.
pub(super) fn messages<'a>(
    messages: &'a [Message],
    target: &Target<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<MessageBody<'a>>, Unsupported> {
    let mut bodies = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let mut writer = Writer {
            wire: target.wire,
            quirks: target.quirks,
            path: message.origin.path_or(|| format!("messages[{index}]")),
            warnings: &mut *warnings,
        };
        writer.cache_marks(message);
        if message.role == Role::Tool {
            for result in message.tool_results() {
                bodies.push(writer.result(message, result)?);
            }
        } else {
            bodies.push(writer.message(message)?);
        }
    }
    Ok(bodies)
}

/// Writes one message.
struct Writer<'w> {
    wire: Wire,
    quirks: &'w Quirks,
    path: String,
    warnings: &'w mut Vec<Warning>,
}

impl Writer<'_> {
    fn message<'a>(&mut self, message: &'a Message) -> Result<MessageBody<'a>, Unsupported> {
        let mut body = self.begin(self.role(message.role), message);
        let mut parts = Vec::new();
        for part in &message.parts {
            match &part.content {
                Content::Reasoning { .. } | Content::RedactedReasoning(_) => {
                    self.reasoning(part, &mut body);
                }
                // A field of `OpenAI`'s, which models of Workers AI do not read.
                Content::Refusal(text) if self.wire == Wire::OpenAiChat => {
                    body.refusal = Some(text);
                }
                Content::Refusal(text) => parts.push(PartBody::text(text)),
                Content::ToolCall(call) => {
                    body.tool_calls.push(CallBody::new(call, self.quirks));
                }
                _ => parts.push(self.part(part)?),
            }
        }
        let calls = !body.tool_calls.is_empty() || body.refusal.is_some();
        body.content = content(parts, self.wire, calls);
        Ok(body)
    }

    fn result<'a>(
        &mut self,
        message: &'a Message,
        result: &'a ToolResult,
    ) -> Result<MessageBody<'a>, Unsupported> {
        let mut body = self.begin("tool", message);
        let parts: Result<Vec<_>, _> = result.parts.iter().map(|part| self.part(part)).collect();
        body.content = content(parts?, self.wire, false);
        if result.is_error {
            body.content.prefix("Error: ");
        }
        body.tool_call_id = Some(call_id::told(&result.call_id, self.quirks.tool_call_ids));
        Ok(body)
    }

    fn begin<'a>(&mut self, role: &'static str, message: &'a Message) -> MessageBody<'a> {
        let mut body = MessageBody::new(role, message);
        if body.name.is_some() && self.quirks.unsupported.contains_key("messages[].name") {
            body.name = None;
            self.drop("name", "not taken by this model");
        }
        body
    }

    /// The role `developer` is `OpenAI`'s alone; everywhere else it is `system`.
    const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Assistant => "assistant",
            Role::Developer if self.quirks.developer_role => "developer",
            Role::Developer | Role::System => "system",
            Role::Tool => "tool",
            Role::User => "user",
        }
    }

    /// Models of Workers AI and some others take their reasoning back; `OpenAI` does not.
    fn reasoning(&mut self, part: &Part, body: &mut MessageBody<'_>) {
        let reason = match &part.content {
            Content::Reasoning { text, .. } if self.takes_reasoning() && !text.is_empty() => {
                body.reasoning.get_or_insert_default().push_str(text);
                return;
            }
            Content::Reasoning {
                signature: None, ..
            } => "not taken by this model",
            _ => "only its maker can read it",
        };
        let field = self.place(part, "reasoning");
        self.warnings.push(Warning::new(field, reason));
    }

    fn takes_reasoning(&self) -> bool {
        self.wire == Wire::WorkersAiChat || self.quirks.reasoning_content
    }

    /// Calls and results of tools have no place for a mark in any dialect of this wire.
    fn cache_marks(&mut self, message: &Message) {
        let taken = self.takes_cache_marks();
        let lost = |part: &Part| {
            let placed = !matches!(part.content, Content::ToolCall(_) | Content::ToolResult(_));
            part.cache.is_some() && !(taken && placed)
        };
        if message.parts.iter().any(lost) {
            self.drop("cache_control", "not taken by this model");
        }
    }

    fn takes_cache_marks(&self) -> bool {
        !self.quirks.unsupported.contains_key("cache_control")
    }

    fn drop(&mut self, field: &str, reason: &str) {
        let field = format!("{}.{field}", self.path);
        self.warnings.push(Warning::new(field, reason));
    }

    /// Where a part stands; in a field of the message where that is not known.
    fn place(&self, part: &Part, field: &str) -> String {
        part.origin.path_or(|| format!("{}.{field}", self.path))
    }

    fn part<'a>(&mut self, part: &'a Part) -> Result<PartBody<'a>, Unsupported> {
        let body = match &part.content {
            Content::Text { text, .. } => Inner::Text(text),
            Content::Image(media) => self.image(part, media)?,
            Content::Audio(media) => self.audio(part, media)?,
            Content::File(media) => self.file(part, media)?,
            Content::Native { .. } => {
                return Err(self.unsupported(part, "a block of another provider"));
            }
            _ => return Err(self.unsupported(part, "a part out of its place")),
        };
        Ok(PartBody {
            body,
            cache: part.cache.as_ref().filter(|_| self.takes_cache_marks()),
        })
    }

    fn unsupported(&self, part: &Part, what: &str) -> Unsupported {
        Unsupported::new(
            self.place(part, "content"),
            format!("holds {what}, which this model does not take."),
        )
    }

    fn image<'a>(&self, part: &Part, media: &'a Media) -> Result<Inner<'a>, Unsupported> {
        let url = match &media.source {
            MediaSource::Url(_) if !self.quirks.image_urls => {
                return Err(self.unsupported(part, "a picture by its address"));
            }
            MediaSource::Url(url) => Cow::Borrowed(url.as_str()),
            MediaSource::Base64(data) => data_url(media, data),
            _ => return Err(self.unsupported(part, "a picture without bytes or address")),
        };
        let detail = media.detail.as_deref();
        Ok(Inner::Image { url, detail })
    }

    fn audio<'a>(&self, part: &Part, media: &'a Media) -> Result<Inner<'a>, Unsupported> {
        let MediaSource::Base64(data) = &media.source else {
            return Err(self.unsupported(part, "a sound without its bytes"));
        };
        let format = match media.media_type.as_deref() {
            Some("audio/mpeg" | "audio/mp3") => "mp3",
            Some("audio/wav" | "audio/x-wav" | "audio/wave") => "wav",
            _ => return Err(self.unsupported(part, "a sound that is neither WAV nor MP3")),
        };
        Ok(Inner::Audio { data, format })
    }

    fn file<'a>(&self, part: &Part, media: &'a Media) -> Result<Inner<'a>, Unsupported> {
        let name = media.name.as_deref();
        match &media.source {
            _ if self.wire != Wire::OpenAiChat => Err(self.unsupported(part, "a document")),
            MediaSource::Base64(data) => Ok(Inner::File {
                data: data_url(media, data),
                name,
            }),
            MediaSource::Id(id) if !id.contains('/') => Ok(Inner::FileId(id)),
            MediaSource::Id(_) => Err(self.unsupported(part, "a file that another provider keeps")),
            MediaSource::Text(text) => Ok(Inner::Text(text)),
            MediaSource::Url(_) => Err(self.unsupported(part, "a document by its address")),
        }
    }
}

/// A medium whose bytes are here, as an address.
pub(in crate::providers) fn data_url<'a>(media: &Media, data: &str) -> Cow<'a, str> {
    let media_type = media.media_type.as_deref();
    let media_type = media_type.unwrap_or("application/octet-stream");
    Cow::Owned(format!("data:{media_type};base64,{data}"))
}

/// Parts of plain text are one string where that loses nothing: every model takes it. Some refuse a
/// part that says nothing.
fn content(mut parts: Vec<PartBody<'_>>, wire: Wire, calls: bool) -> ContentBody<'_> {
    parts.retain(|part| !matches!(part.body, Inner::Text("")));
    let plain = |part: &PartBody<'_>| part.cache.is_none() && matches!(part.body, Inner::Text(_));
    let texts = || {
        parts.iter().filter_map(|part| match part.body {
            Inner::Text(text) => Some(text),
            _ => None,
        })
    };
    match parts.as_slice() {
        // The binding's schema refuses null, and an absent content in some models.
        [] if calls && wire == Wire::OpenAiChat => ContentBody::Null,
        [] => ContentBody::Text(Cow::Borrowed("")),
        [only] if plain(only) => ContentBody::Text(texts().collect()),
        all if all.iter().all(plain) && wire == Wire::WorkersAiNative => {
            ContentBody::Text(Cow::Owned(texts().collect::<Vec<_>>().join("\n")))
        }
        _ => ContentBody::Parts(parts),
    }
}

impl ContentBody<'_> {
    fn prefix(&mut self, prefix: &'static str) {
        match self {
            Self::Null => *self = Self::Text(Cow::Borrowed(prefix)),
            Self::Text(text) => *text = Cow::Owned(format!("{prefix}{text}")),
            Self::Parts(parts) => parts.insert(0, PartBody::text(prefix)),
        }
    }
}

impl<'a> MessageBody<'a> {
    fn new(role: &'static str, message: &'a Message) -> Self {
        Self {
            role,
            content: ContentBody::Null,
            reasoning: None,
            refusal: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            name: message.name.as_deref(),
            extras: Some(&message.extras),
        }
    }
}

impl Serialize for MessageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", self.role)?;
        match &self.content {
            ContentBody::Null => map.serialize_entry("content", &())?,
            ContentBody::Text(text) => map.serialize_entry("content", text)?,
            ContentBody::Parts(parts) => map.serialize_entry("content", parts)?,
        }
        let optional = [
            ("reasoning_content", self.reasoning.as_deref()),
            ("refusal", self.refusal),
            ("tool_call_id", self.tool_call_id.as_deref()),
            ("name", self.name),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        if !self.tool_calls.is_empty() {
            map.serialize_entry("tool_calls", &self.tool_calls)?;
        }
        if let Some(extras) = self.extras {
            extras.write(&mut map)?;
        }
        map.end()
    }
}

/// A call of a tool.
#[derive(Serialize)]
struct CallBody<'a> {
    id: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    function: CalledBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

#[derive(Serialize)]
struct CalledBody<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct ExtraContent<'a> {
    google: ThoughtSignature<'a>,
}

#[derive(Serialize)]
struct ThoughtSignature<'a> {
    thought_signature: &'a str,
}

impl<'a> CallBody<'a> {
    fn new(call: &'a ToolCall, quirks: &Quirks) -> Self {
        let signature = call.signature.as_ref();
        let google = signature.filter(|signature| signature.family == Family::Google);
        Self {
            id: call_id::told(&call.id, quirks.tool_call_ids),
            kind: "function",
            function: CalledBody {
                name: &call.name,
                arguments: &call.arguments,
            },
            extra_content: google.map(|signature| ExtraContent {
                google: ThoughtSignature {
                    thought_signature: &signature.value,
                },
            }),
        }
    }
}

/// A part of a content.
struct PartBody<'a> {
    body: Inner<'a>,
    cache: Option<&'a CacheControl>,
}

impl<'a> PartBody<'a> {
    const fn text(text: &'a str) -> Self {
        Self {
            body: Inner::Text(text),
            cache: None,
        }
    }
}

enum Inner<'a> {
    Audio {
        data: &'a str,
        format: &'static str,
    },
    File {
        data: Cow<'a, str>,
        name: Option<&'a str>,
    },
    FileId(&'a str),
    Image {
        url: Cow<'a, str>,
        detail: Option<&'a str>,
    },
    Text(&'a str),
}

impl Serialize for PartBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.body {
            Inner::Audio { data, format } => {
                map.serialize_entry("type", "input_audio")?;
                let fields = [("data", *data), ("format", *format)];
                map.serialize_entry("input_audio", &Strings(&fields))?;
            }
            Inner::File { data, name } => {
                map.serialize_entry("type", "file")?;
                let fields = [
                    ("file_data", data.as_ref()),
                    ("filename", name.unwrap_or("file")),
                ];
                map.serialize_entry("file", &Strings(&fields))?;
            }
            Inner::FileId(id) => {
                map.serialize_entry("type", "file")?;
                map.serialize_entry("file", &Strings(&[("file_id", id)]))?;
            }
            Inner::Image { url, detail } => {
                map.serialize_entry("type", "image_url")?;
                let all = [
                    ("url", url.as_ref()),
                    ("detail", detail.unwrap_or_default()),
                ];
                let fields = if detail.is_some() {
                    &all[..]
                } else {
                    &all[..1]
                };
                map.serialize_entry("image_url", &Strings(fields))?;
            }
            Inner::Text(text) => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
            }
        }
        if let Some(cache) = self.cache {
            map.serialize_entry("cache_control", &CacheBody::new(cache))?;
        }
        map.end()
    }
}

/// An object of strings.
struct Strings<'a>(&'a [(&'static str, &'a str)]);

impl Serialize for Strings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}
