//! The messages of a request as items. Items have no ids: they are nowhere stored, and an id would be
//! looked up; reasoning alone keeps its own.

use std::borrow::Cow;

use serde::Serialize;

use crate::protocol::{
    Content, Family, Field, Json, Media, MediaSource, Message, Part, Role, Signature, ToolResult,
    Warning,
};
use crate::providers::chat_completions::data_url;
use crate::providers::encode::{Target, Unsupported};

/// Writes the messages, all but the first `skipped`.
///
/// # Errors
/// A part that this wire has no place for.
pub(super) fn items<'a>(
    messages: &'a [Message],
    skipped: usize,
    target: &Target<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Item<'a>>, Unsupported> {
    let mut items = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let mut writer = Writer {
            target,
            path: message.origin.path_or(|| format!("messages[{index}]")),
            warnings: &mut *warnings,
        };
        writer.leave_out_fields(message);
        if index >= skipped {
            writer.message(message, &mut items)?;
        }
    }
    Ok(items)
}

/// An item of the input.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: Output<'a>,
    },
    Message {
        role: &'static str,
        content: Vec<PartBody<'a>>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "str::is_empty")]
        id: &'a str,
        summary: Vec<PartBody<'a>>,
        encrypted_content: &'a str,
    },
    #[serde(untagged)]
    Native(&'a Json),
}

/// What a function gave.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Parts(Vec<PartBody<'a>>),
    Text(Cow<'a, str>),
}

/// A part of an item.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartBody<'a> {
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(flatten)]
        source: FileSource<'a>,
    },
    InputImage {
        #[serde(flatten)]
        source: ImageSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    InputText {
        text: &'a str,
    },
    OutputText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
    SummaryText {
        text: &'a str,
    },
}

/// Where a document is; each its own field.
#[derive(Serialize)]
pub(super) enum FileSource<'a> {
    #[serde(rename = "file_data")]
    Data(Cow<'a, str>),
    #[serde(rename = "file_id")]
    Id(&'a str),
    #[serde(rename = "file_url")]
    Url(&'a str),
}

/// Where a picture is; each its own field.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ImageSource<'a> {
    FileId(&'a str),
    ImageUrl(Cow<'a, str>),
}

/// Writes one message.
struct Writer<'w> {
    target: &'w Target<'w>,
    path: String,
    warnings: &'w mut Vec<Warning>,
}

impl Writer<'_> {
    /// What messages of this wire have no place for.
    fn leave_out_fields(&mut self, message: &Message) {
        if message.name.is_some() {
            self.leave_out("name", "has no place");
        }
        for (name, _) in &message.extras.0 {
            self.leave_out(name, "not known to this model");
        }
        if message.parts.iter().any(|part| part.cache.is_some()) {
            self.leave_out("cache_control", "this model remembers prompts by itself");
        }
    }

    fn message<'a>(
        &mut self,
        message: &'a Message,
        items: &mut Vec<Item<'a>>,
    ) -> Result<(), Unsupported> {
        match message.role {
            Role::Assistant => return self.turn(message, items),
            Role::Tool => {
                for result in message.tool_results() {
                    items.push(self.result(result)?);
                }
            }
            role => items.push(Item::Message {
                role: self.role(role),
                content: self.given(&message.parts)?,
            }),
        }
        Ok(())
    }

    /// The role `developer` is `OpenAI`'s alone; everywhere else it is `system`.
    const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Assistant => "assistant",
            Role::Developer if self.target.quirks.developer_role => "developer",
            Role::Developer | Role::System => "system",
            Role::Tool | Role::User => "user",
        }
    }

    /// What the model said in one turn, each kind an item of its own.
    fn turn<'a>(
        &mut self,
        message: &'a Message,
        items: &mut Vec<Item<'a>>,
    ) -> Result<(), Unsupported> {
        // Many write an empty text beside their calls.
        let beside = message.parts.iter().any(|part| part.as_text().is_none());
        let mut said = Vec::new();
        for part in &message.parts {
            let item = match &part.content {
                Content::Text { text, .. } if text.is_empty() && beside => continue,
                Content::Text { text, .. } => {
                    said.push(PartBody::OutputText { text });
                    continue;
                }
                Content::Refusal(refusal) => {
                    said.push(PartBody::Refusal { refusal });
                    continue;
                }
                Content::Reasoning { text, signature } => {
                    self.reasoning(part, text, signature.as_ref())
                }
                Content::RedactedReasoning(signature) => self.reasoning(part, "", Some(signature)),
                Content::ToolCall(call) => Some(Item::FunctionCall {
                    call_id: &call.id,
                    name: &call.name,
                    arguments: Some(call.arguments.as_str())
                        .filter(|text| !text.is_empty())
                        .unwrap_or("{}"),
                }),
                Content::Native {
                    family: Family::OpenAi,
                    block,
                } => Some(Item::Native(block)),
                Content::Native { .. } => {
                    return Err(self.unsupported(part, "a block of another provider"));
                }
                _ => return Err(self.unsupported(part, "a part out of its place")),
            };
            if let Some(item) = item {
                items.extend(spoken(&mut said));
                items.push(item);
            }
        }
        items.extend(spoken(&mut said));
        Ok(())
    }

    /// Reasoning goes back to who made it, as it came. Nobody else could read it.
    fn reasoning<'a>(
        &mut self,
        part: &Part,
        text: &'a str,
        signature: Option<&'a Signature>,
    ) -> Option<Item<'a>> {
        let deployment = self.target.deployment;
        let made = |signature: &&Signature| deployment.is_some_and(|it| it.made(signature));
        let Some(signature) = signature.filter(made) else {
            let reason = "only the provider and key that made it can read it";
            let field = self.place(part, "reasoning");
            self.warnings.push(Warning::new(field, reason));
            return None;
        };
        let maker = signature.maker.as_ref();
        Some(Item::Reasoning {
            id: maker.map_or("", |maker| &maker.item),
            summary: Some(PartBody::SummaryText { text })
                .filter(|_| !text.is_empty())
                .into_iter()
                .collect(),
            encrypted_content: &signature.value,
        })
    }

    fn result<'a>(&mut self, result: &'a ToolResult) -> Result<Item<'a>, Unsupported> {
        let prefix = if result.is_error { "Error: " } else { "" };
        let output = match result.parts.as_slice() {
            [] => Output::Text(Cow::Borrowed(prefix)),
            [only] if only.as_text().is_some() => {
                let text = only.as_text().unwrap_or_default();
                Output::Text(match prefix {
                    "" => Cow::Borrowed(text),
                    prefix => Cow::Owned(format!("{prefix}{text}")),
                })
            }
            parts => {
                let first = PartBody::InputText { text: prefix };
                let first = Some(first).filter(|_| result.is_error);
                let parts = self.given(parts)?;
                Output::Parts(first.into_iter().chain(parts).collect())
            }
        };
        Ok(Item::FunctionCallOutput {
            call_id: &result.call_id,
            output,
        })
    }

    /// Parts of what the model is given, without empty texts.
    fn given<'a>(&self, parts: &'a [Part]) -> Result<Vec<PartBody<'a>>, Unsupported> {
        let said = |part: &&Part| part.as_text() != Some("");
        let bodies = parts.iter().filter(said).map(|part| match &part.content {
            Content::Text { text, .. } => Ok(PartBody::InputText { text }),
            Content::Image(media) => self.image(part, media),
            Content::File(media) => self.file(part, media),
            Content::Audio(_) => Err(self.unsupported(part, "a sound")),
            Content::Native { .. } => Err(self.unsupported(part, "a block of another provider")),
            _ => Err(self.unsupported(part, "a part out of its place")),
        });
        bodies.collect()
    }

    fn image<'a>(&self, part: &Part, media: &'a Media) -> Result<PartBody<'a>, Unsupported> {
        let source = match &media.source {
            MediaSource::Base64(data) => ImageSource::ImageUrl(data_url(media, data)),
            MediaSource::Id(id) if !id.contains('/') => ImageSource::FileId(id),
            MediaSource::Url(url) if self.target.quirks.image_urls => {
                ImageSource::ImageUrl(Cow::Borrowed(url))
            }
            MediaSource::Url(_) => return Err(self.unsupported(part, "a picture by its address")),
            _ => return Err(self.unsupported(part, "a picture without bytes or address")),
        };
        let detail = media.detail.as_deref();
        Ok(PartBody::InputImage { source, detail })
    }

    fn file<'a>(&self, part: &Part, media: &'a Media) -> Result<PartBody<'a>, Unsupported> {
        let name = media.name.as_deref();
        let (filename, source) = match &media.source {
            MediaSource::Base64(data) => {
                let data = FileSource::Data(data_url(media, data));
                (Some(name.unwrap_or("file")), data)
            }
            MediaSource::Id(id) if !id.contains('/') => (None, FileSource::Id(id)),
            MediaSource::Id(_) => {
                return Err(self.unsupported(part, "a file that another provider keeps"));
            }
            MediaSource::Text(text) => return Ok(PartBody::InputText { text }),
            MediaSource::Url(url) => (None, FileSource::Url(url)),
        };
        Ok(PartBody::InputFile { filename, source })
    }

    fn leave_out(&mut self, field: &str, reason: &str) {
        let field = Field::within(&self.path, field);
        self.warnings.push(Warning::new(field, reason));
    }

    /// Where a part stands; in a field of the message where that is not known.
    fn place(&self, part: &Part, field: &str) -> String {
        part.origin.path_or(|| format!("{}.{field}", self.path))
    }

    fn unsupported(&self, part: &Part, what: &str) -> Unsupported {
        let reason = format!("holds {what}, which this model does not take.");
        Unsupported::new(self.place(part, "content"), reason)
    }
}

/// What was said so far, as one message.
fn spoken<'a>(said: &mut Vec<PartBody<'a>>) -> Option<Item<'a>> {
    let content = std::mem::take(said);
    (!content.is_empty()).then_some(Item::Message {
        role: "assistant",
        content,
    })
}
