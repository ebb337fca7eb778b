//! The messages of a request as turns: the user and the assistant in alternation, the results of tools
//! first in the user's turn, and nothing that is empty.

use std::borrow::Cow;

use serde::Serialize;

use crate::protocol::anthropic::body::{Block, CacheBody, Cited, Source, input};
use crate::protocol::anthropic::citation;
use crate::protocol::anthropic::source::IMAGE_TYPES;
use crate::protocol::{
    CacheControl, Content, Family, Field, Media, MediaSource, Message, Part, Role, ToolResult,
    Warning,
};
use crate::providers::body::Body;
use crate::providers::encode::Unsupported;

/// What stands in the first turn where the conversation does not begin with the user.
const PLACEHOLDER: &str = ".";

/// The instructions and the turns.
#[derive(Default)]
pub(super) struct Turns<'a> {
    system: Vec<Block<'a>>,
    turns: Vec<Turn<'a>>,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

impl<'a> Turns<'a> {
    /// The turns of a conversation.
    ///
    /// # Errors
    /// A part that this wire has no place for.
    pub(super) fn of(
        messages: &'a [Message],
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, Unsupported> {
        let mut turns = Self::default();
        for (index, message) in messages.iter().enumerate() {
            let mut writer = Writer {
                path: message.origin.path_or(|| format!("messages[{index}]")),
                warnings: &mut *warnings,
            };
            let blocks = writer.blocks(message)?;
            match message.role {
                Role::Assistant => turns.say("assistant", blocks),
                Role::Developer | Role::System => {
                    if !turns.turns.is_empty() && !blocks.is_empty() {
                        writer.leave_out("role", "moved to the beginning as an instruction");
                    }
                    turns.system.extend(blocks);
                }
                Role::Tool | Role::User => turns.say("user", blocks),
            }
        }
        turns.trim_end();
        Ok(turns)
    }

    /// Adds the fields `system` and `messages`.
    pub(super) fn write(self, body: &mut Body<'_>) {
        body.maybe(
            "system",
            Some(&self.system).filter(|blocks| !blocks.is_empty()),
        );
        let placeholder = Turn {
            role: "user",
            content: vec![text(PLACEHOLDER, None)],
        };
        let begins = self.turns.first().is_some_and(|turn| turn.role == "user");
        let first = (!begins).then_some(placeholder);
        let turns: Vec<Turn<'_>> = first.into_iter().chain(self.turns).collect();
        body.add("messages", &turns);
    }

    fn say(&mut self, role: &'static str, content: Vec<Block<'a>>) {
        match self.turns.last_mut() {
            _ if content.is_empty() => {}
            Some(last) if last.role == role => last.content.extend(content),
            _ => self.turns.push(Turn { role, content }),
        }
    }

    /// Anthropic refuses to go on with an answer that ends in white space.
    fn trim_end(&mut self) {
        let last = self.turns.last_mut();
        let Some(turn) = last.filter(|turn| turn.role == "assistant") else {
            return;
        };
        if let Some(Block::Text { text, .. }) = turn.content.last_mut() {
            *text = text.trim_end();
        }
    }
}

fn text<'a>(text: &'a str, cache: Option<&'a CacheControl>) -> Block<'a> {
    Block::Text {
        text,
        citations: Vec::new(),
        cache_control: cache.map(CacheBody::new),
    }
}

/// Whether a text is one that Anthropic refuses.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// An id of a call in the letters that Anthropic takes; others become their code.
fn call_id(id: &str) -> Cow<'_, str> {
    let taken = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if id.chars().all(taken) {
        return Cow::Borrowed(id);
    }
    let letters = id.chars().map(|letter| {
        if taken(letter) {
            letter.to_string()
        } else {
            format!("_{:x}", u32::from(letter))
        }
    });
    Cow::Owned(letters.collect())
}

/// Writes one message.
struct Writer<'w> {
    path: String,
    warnings: &'w mut Vec<Warning>,
}

impl Writer<'_> {
    fn blocks<'a>(&mut self, message: &'a Message) -> Result<Vec<Block<'a>>, Unsupported> {
        if message.name.is_some() {
            self.leave_out("name", "has no place");
        }
        for (name, _) in &message.extras.0 {
            self.leave_out(name, "not known to this model");
        }
        self.all(&message.parts)
    }

    fn all<'a>(&mut self, parts: &'a [Part]) -> Result<Vec<Block<'a>>, Unsupported> {
        let mut blocks = Vec::with_capacity(parts.len());
        for part in parts {
            blocks.extend(self.block(part)?);
        }
        Ok(blocks)
    }

    /// The block of a part; `None` for one that says nothing to Anthropic.
    fn block<'a>(&mut self, part: &'a Part) -> Result<Option<Block<'a>>, Unsupported> {
        let cache = part.cache.as_ref();
        let cache_control = cache.map(CacheBody::new);
        Ok(match &part.content {
            Content::Refusal(said) => (!is_blank(said)).then(|| text(said, cache)),
            Content::Text { text, citations } => (!is_blank(text)).then(|| Block::Text {
                text,
                citations: citations
                    .iter()
                    .filter_map(citation::own)
                    .map(Cow::Borrowed)
                    .collect(),
                cache_control,
            }),
            Content::Image(media) => Some(Block::Image {
                source: self.image(part, media)?,
                cache_control,
            }),
            Content::File(media) => Some(Block::Document {
                source: self.document(part, media)?,
                title: media.name.as_deref(),
                context: media.context.as_deref(),
                citations: media.cited.then_some(Cited { enabled: true }),
                cache_control,
            }),
            Content::ToolCall(call) => Some(Block::ToolUse {
                id: call_id(&call.id),
                name: &call.name,
                input: input(&call.arguments),
                signature: None,
                cache_control,
            }),
            Content::ToolResult(result) => Some(self.result(result, cache)?),
            Content::Native { family, block } if *family == Family::Anthropic => {
                Some(Block::Native(block))
            }
            Content::Native { .. } => {
                return Err(self.unsupported(part, "a block of another provider"));
            }
            Content::Audio(_) => return Err(self.unsupported(part, "a sound")),
            Content::Reasoning { .. } | Content::RedactedReasoning(_) => self.thought(part),
        })
    }

    /// Anthropic takes back what it signed, and nothing else.
    fn thought<'a>(&mut self, part: &'a Part) -> Option<Block<'a>> {
        match &part.content {
            Content::Reasoning {
                text,
                signature: Some(signature),
            } if signature.family == Family::Anthropic => Some(Block::Thinking {
                thinking: text,
                signature: Cow::Borrowed(&signature.value),
            }),
            Content::RedactedReasoning(signature) if signature.family == Family::Anthropic => {
                Some(Block::RedactedThinking {
                    data: Cow::Borrowed(&signature.value),
                })
            }
            _ => {
                let field = self.place(part, "reasoning");
                let reason = "not signed by this model's maker";
                self.warnings.push(Warning::new(field, reason));
                None
            }
        }
    }

    fn result<'a>(
        &mut self,
        result: &'a ToolResult,
        cache: Option<&'a CacheControl>,
    ) -> Result<Block<'a>, Unsupported> {
        Ok(Block::ToolResult {
            tool_use_id: call_id(&result.call_id),
            content: self.all(&result.parts)?,
            is_error: result.is_error,
            cache_control: cache.map(CacheBody::new),
        })
    }

    fn image<'a>(&mut self, part: &Part, media: &'a Media) -> Result<Source<'a>, Unsupported> {
        if matches!(media.detail.as_deref(), Some("high" | "low")) {
            let field = Field::within(&self.place(part, "content"), "detail");
            self.warnings.push(Warning::new(field, "has no place"));
        }
        let media_type = media.media_type.as_deref().unwrap_or_default();
        match &media.source {
            MediaSource::Base64(data) if IMAGE_TYPES.contains(&media_type) => {
                Ok(Source::Base64 { media_type, data })
            }
            MediaSource::Base64(_) => {
                Err(self.unsupported(part, "a picture that is none of JPEG, PNG, GIF and WebP"))
            }
            _ => self.elsewhere(part, media, "a picture"),
        }
    }

    fn document<'a>(&self, part: &Part, media: &'a Media) -> Result<Source<'a>, Unsupported> {
        let media_type = media.media_type.as_deref().unwrap_or_default();
        match &media.source {
            MediaSource::Base64(data) if media_type == "application/pdf" => {
                Ok(Source::Base64 { media_type, data })
            }
            MediaSource::Base64(_) => Err(self.unsupported(part, "a document that is no PDF")),
            MediaSource::Text(data) => Ok(Source::Text {
                media_type: "text/plain",
                data,
            }),
            _ => self.elsewhere(part, media, "a document"),
        }
    }

    /// The ids of Anthropic's files begin with `file_`, those of `OpenAI`'s with `file-`.
    fn elsewhere<'a>(
        &self,
        part: &Part,
        media: &'a Media,
        what: &str,
    ) -> Result<Source<'a>, Unsupported> {
        match &media.source {
            MediaSource::Url(url) => Ok(Source::Url { url }),
            MediaSource::Id(file_id) if file_id.starts_with("file_") => {
                Ok(Source::File { file_id })
            }
            _ => Err(self.unsupported(part, &format!("{what} in the files of another provider"))),
        }
    }

    /// Where a part stands; in a field of the message where that is not known.
    fn place(&self, part: &Part, field: &str) -> String {
        part.origin.path_or(|| format!("{}.{field}", self.path))
    }

    fn unsupported(&self, part: &Part, what: &str) -> Unsupported {
        Unsupported::new(
            self.place(part, "content"),
            format!("holds {what}, which this model does not take."),
        )
    }

    fn leave_out(&mut self, field: &str, reason: &str) {
        let field = format!("{}.{field}", self.path);
        self.warnings.push(Warning::new(field, reason));
    }
}
