//! The messages of a request as turns of the user and of the model.
//!
//! Instructions have a field of their own, results of functions are said by the user, and what two
//! messages in a row say in one role is one turn.

use std::borrow::Cow;

use serde::Serialize;

use super::traits::Traits;
use crate::protocol::gemini::body::{
    BlobBody, CallBody, ContentBody, Data, FileBody, PartBody, ResponseBody, ResponsePart,
};
use crate::protocol::json::Object;
use crate::protocol::message::plain_text;
use crate::protocol::{
    Content, Family, Field, Json, Media, MediaSource, Message, Part, Role, Signature, ToolCall,
    ToolResult, Warning,
};
use crate::providers::encode::Unsupported;

/// Stands for the signature of a call that another model made, or that lost its own on the way.
/// <https://ai.google.dev/gemini-api/docs/thought-signatures#faqs>
const NO_SIGNATURE: &str = "skip_thought_signature_validator";
const USER: &str = "user";
const MODEL: &str = "model";

/// A conversation in this wire.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    /// The application's instructions.
    pub(super) system: Vec<PartBody<'a>>,
    /// What user and model say in turn.
    pub(super) turns: Vec<ContentBody<'a>>,
}

/// Writes the messages.
///
/// # Errors
/// A part that this wire has no place for.
pub(super) fn conversation<'a>(
    messages: &'a [Message],
    traits: Traits<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Conversation<'a>, Unsupported> {
    let mut writer = Writer {
        traits,
        warnings,
        path: String::new(),
        calls: Vec::new(),
        results: Vec::new(),
        written: Conversation::default(),
    };
    for (index, message) in messages.iter().enumerate() {
        writer.path = message.origin.path_or(|| format!("messages[{index}]"));
        writer.message(message)?;
    }
    writer.end_results();
    if writer.written.turns.is_empty() {
        let reason =
            "hold no turn that says something, which this model needs beside instructions.";
        return Err(Unsupported::new("messages", reason));
    }
    Ok(writer.written)
}

struct Writer<'a, 'w> {
    traits: Traits<'w>,
    warnings: &'w mut Vec<Warning>,
    /// Where the message stands that is being written.
    path: String,
    /// The calls of the last turn of the model.
    calls: Vec<&'a ToolCall>,
    /// Their results so far, each with the place of its call.
    results: Vec<(usize, Gave<'a>)>,
    written: Conversation<'a>,
}

/// The result of a function and what stands beside it.
struct Gave<'a> {
    response: PartBody<'a>,
    beside: Vec<PartBody<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn message(&mut self, message: &'a Message) -> Result<(), Unsupported> {
        if message.name.is_some() {
            self.warn("name", "not taken by this model");
        }
        self.unasked(&message.parts);
        for (name, _) in &message.extras.0 {
            self.warn(name, "not known to this model");
        }
        if message.role == Role::Tool {
            return self.results(message);
        }
        self.end_results();
        match message.role {
            Role::Assistant => {
                let parts = self.assistant(message)?;
                self.calls = message.tool_calls().collect();
                self.say(MODEL, parts);
            }
            Role::Developer | Role::System => self.system(message)?,
            Role::Tool | Role::User => {
                let parts = self.parts(&message.parts)?;
                self.say(USER, parts);
            }
        }
        Ok(())
    }

    /// Tells what parts ask for beside what they say.
    fn unasked(&mut self, parts: &[Part]) {
        let tell = |part: &Part, name, reason| {
            let place = self.place(part, "content");
            Warning::new(Field::within(&place, name), reason)
        };
        let cached = parts.iter().find(|part| part.cache.is_some());
        let cached = cached.map(|part| {
            tell(
                part,
                "cache_control",
                "this model remembers prompts by itself",
            )
        });
        let detailed = parts.iter().find(|part| asks_for_detail(part));
        let detailed = detailed.map(|part| tell(part, "detail", "not taken by this model"));
        let found: Vec<Warning> = cached.into_iter().chain(detailed).collect();
        self.warnings.extend(found);
    }

    fn say(&mut self, role: &'static str, parts: Vec<PartBody<'a>>) {
        if parts.is_empty() {
            return;
        }
        match self.written.turns.last_mut() {
            Some(turn) if turn.role == Some(role) => turn.parts.extend(parts),
            _ => self.written.turns.push(ContentBody {
                parts,
                role: Some(role),
            }),
        }
    }

    fn system(&mut self, message: &'a Message) -> Result<(), Unsupported> {
        if let Some(part) = message.parts.iter().find(|part| part.as_text().is_none()) {
            return Err(self.unsupported(part, "more than text in an instruction"));
        }
        if !self.written.turns.is_empty() {
            self.warn("role", "moved to the beginning as an instruction");
        }
        let parts = self.parts(&message.parts)?;
        self.written.system.extend(parts);
        Ok(())
    }

    /// A signature without a thought is that of the part after it, or stands alone at the end.
    fn assistant(&mut self, message: &'a Message) -> Result<Vec<PartBody<'a>>, Unsupported> {
        let mut parts = Vec::new();
        let mut carried = None;
        for part in &message.parts {
            match &part.content {
                Content::Reasoning { text, signature } => {
                    let Some(own) = self.own(part, "reasoning", signature.as_ref()) else {
                        continue;
                    };
                    if text.is_empty() {
                        parts.extend(carried.replace(own).map(alone));
                    } else {
                        parts.push(PartBody {
                            thought: true,
                            thought_signature: Some(own),
                            ..PartBody::text(text)
                        });
                    }
                }
                Content::RedactedReasoning(_) => {
                    self.own(part, "reasoning", None);
                }
                Content::ToolCall(call) => {
                    let own = call.signature.as_ref();
                    let own = own.and_then(|own| self.own(part, "tool_calls", Some(own)));
                    parts.push(PartBody {
                        thought_signature: own.or_else(|| carried.take()),
                        ..self.call(part, call)?
                    });
                }
                _ => {
                    let Some(body) = self.part(part, carried.is_some())? else {
                        continue;
                    };
                    parts.push(PartBody {
                        thought_signature: carried.take(),
                        ..body
                    });
                }
            }
        }
        parts.extend(carried.map(alone));
        if self.traits.wants_signatures() {
            sign_first_call(&mut parts);
        }
        Ok(parts)
    }

    /// The text of a signature of Google's; others are worth nothing here.
    fn own(
        &mut self,
        part: &Part,
        field: &str,
        signature: Option<&'a Signature>,
    ) -> Option<Cow<'a, str>> {
        let own = signature.filter(|signature| signature.family == Family::Google);
        if own.is_none() {
            let reason = "only its maker can read it";
            let field = self.place(part, field);
            self.warnings.push(Warning::new(field, reason));
        }
        own.map(|signature| Cow::Borrowed(signature.value.as_str()))
    }

    fn call(&self, part: &Part, call: &'a ToolCall) -> Result<PartBody<'a>, Unsupported> {
        let args = match call.arguments.trim() {
            "" => "{}",
            arguments => arguments,
        };
        let args = Json::parse(args).filter(|args| Object::of(args.raw()).is_some());
        let args = args.ok_or_else(|| {
            let field = self.place(part, "tool_calls");
            let reason = "has arguments that are no JSON object, which this model does not take.";
            Unsupported::new(field, reason)
        })?;
        Ok(PartBody::new(Data::FunctionCall(CallBody {
            id: Some(&call.id),
            name: &call.name,
            args,
        })))
    }

    fn results(&mut self, message: &'a Message) -> Result<(), Unsupported> {
        for result in message.tool_results() {
            let mut calls = self.calls.iter();
            let place = calls.position(|call| call.id == result.call_id);
            let name = place.and_then(|place| self.calls.get(place));
            let name = name.map_or(result.call_id.as_str(), |call| call.name.as_str());
            let gave = self.result(name, result)?;
            self.results.push((place.unwrap_or(usize::MAX), gave));
        }
        Ok(())
    }

    fn result(&mut self, name: &'a str, result: &'a ToolResult) -> Result<Gave<'a>, Unsupported> {
        let mut inside = Vec::new();
        let mut beside = Vec::new();
        for part in &result.parts {
            match self.part(part, false)? {
                _ if part.as_text().is_some() => {}
                Some(PartBody {
                    data: Data::Inline(inline_data),
                    ..
                }) if self.traits.takes_pictures_in_results() => {
                    inside.push(ResponsePart { inline_data });
                }
                body => beside.extend(body),
            }
        }
        let response = PartBody::new(Data::FunctionResponse(ResponseBody {
            id: &result.call_id,
            name,
            response: response(result),
            parts: inside,
        }));
        Ok(Gave { response, beside })
    }

    /// Says the results in the order of their calls, which is how older models know them.
    fn end_results(&mut self) {
        let mut results = std::mem::take(&mut self.results);
        results.sort_by_key(|(place, _)| *place);
        let (responses, beside): (Vec<_>, Vec<_>) = results
            .into_iter()
            .map(|(_, gave)| (gave.response, gave.beside))
            .unzip();
        self.say(USER, responses);
        self.say(USER, beside.into_iter().flatten().collect());
    }

    fn parts(&mut self, parts: &'a [Part]) -> Result<Vec<PartBody<'a>>, Unsupported> {
        let bodies = parts.iter().map(|part| self.part(part, false));
        let bodies: Vec<Option<PartBody<'a>>> = bodies.collect::<Result<_, _>>()?;
        Ok(bodies.into_iter().flatten().collect())
    }

    /// A part, or nothing for an empty text, which this wire refuses without a signature.
    fn part(&self, part: &'a Part, signed: bool) -> Result<Option<PartBody<'a>>, Unsupported> {
        let body = match &part.content {
            Content::Refusal(text) | Content::Text { text, .. } => {
                let said = signed || !text.is_empty();
                return Ok(said.then(|| PartBody::text(text)));
            }
            Content::Audio(media) | Content::File(media) | Content::Image(media) => {
                self.media(part, media)?
            }
            Content::Native {
                family: Family::Google,
                block,
            } => PartBody::new(Data::Native(block)),
            Content::Native { .. } => {
                return Err(self.unsupported(part, "a block of another provider"));
            }
            _ => return Err(self.unsupported(part, "a part out of its place")),
        };
        Ok(Some(body))
    }

    fn media(&self, part: &Part, media: &'a Media) -> Result<PartBody<'a>, Unsupported> {
        let mime_type = media.media_type.as_deref();
        let data = match &media.source {
            MediaSource::Base64(data) => Data::Inline(BlobBody {
                mime_type: mime_type.unwrap_or("application/octet-stream"),
                data,
            }),
            MediaSource::Id(id) if !is_address(id) => {
                return Err(self.unsupported(part, "a file by the id of another provider"));
            }
            MediaSource::Id(file_uri) | MediaSource::Url(file_uri) => Data::File(FileBody {
                mime_type,
                file_uri,
            }),
            MediaSource::Text(text) => Data::Text(Cow::Borrowed(text)),
        };
        Ok(PartBody::new(data))
    }

    fn warn(&mut self, field: &str, reason: &str) {
        let field = format!("{}.{field}", self.path);
        self.warnings.push(Warning::new(field, reason));
    }

    /// Where a part stands; in a field of the message where that is not known.
    fn place(&self, part: &Part, field: &str) -> String {
        part.origin.path_or(|| format!("{}.{field}", self.path))
    }

    fn unsupported(&self, part: &Part, what: &str) -> Unsupported {
        let field = self.place(part, "content");
        let reason = format!("holds {what}, which this model does not take.");
        Unsupported::new(field, reason)
    }
}

/// Whether a picture shall be looked at more or less closely than usual.
fn asks_for_detail(part: &Part) -> bool {
    let Content::Image(media) = &part.content else {
        return false;
    };
    media
        .detail
        .as_deref()
        .is_some_and(|detail| detail != "auto")
}

/// A part of nothing but a signature, as streams bring them.
fn alone(signature: Cow<'_, str>) -> PartBody<'_> {
    PartBody {
        thought_signature: Some(signature),
        ..PartBody::text("")
    }
}

/// Of parallel calls only the first is signed.
fn sign_first_call(parts: &mut [PartBody<'_>]) {
    let mut calls = parts.iter().filter(|part| part.is_call());
    if calls.any(|call| call.thought_signature.is_some()) {
        return;
    }
    if let Some(first) = parts.iter_mut().find(|part| part.is_call()) {
        first.thought_signature = Some(Cow::Borrowed(NO_SIGNATURE));
    }
}

/// Whether an id is one of Google's, which are addresses.
fn is_address(id: &str) -> bool {
    id.contains("://") || id.starts_with("files/")
}

/// What a function gave, as the object that this wire wants.
fn response(result: &ToolResult) -> Json {
    let text = plain_text(&result.parts);
    if result.is_error {
        return Json::of(&Wrapped::Error(&text));
    }
    let object = Json::parse(&text).filter(|json| Object::of(json.raw()).is_some());
    object.unwrap_or_else(|| Json::of(&Wrapped::Output(&text)))
}

/// What is no object, under the names that the models know.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Wrapped<'a> {
    Error(&'a str),
    Output(&'a str),
}
