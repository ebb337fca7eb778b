//! What is said in a conversation: messages and their parts, in requests and in answers alike.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::field::Origin;
use super::json::{Fields, Json, Path};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The model.
    Assistant,
    /// The application, to newer models.
    Developer,
    /// The application.
    System,
    /// The results of tools, and nothing else.
    Tool,
    /// The person.
    User,
}

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order. Empty only for an assistant that said nothing.
    pub parts: Vec<Part>,
    /// The speaker's name, where one was given.
    pub name: Option<String>,
    /// Fields of the caller's own wire that the model does not know.
    pub extras: Fields,
    /// Where it stands in the caller's request.
    pub origin: Origin,
}

#[expect(
    clippy::missing_fields_in_debug,
    reason = "where it stands is no part of what is said"
)]
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("role", &self.role)
            .field("parts", &self.parts)
            .field("name", &self.name)
            .field("extras", &self.extras)
            .finish()
    }
}

impl Message {
    /// A message of parts.
    #[must_use]
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            name: None,
            extras: Fields(Vec::new()),
            origin: Origin::NONE,
        }
    }

    /// A message of text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::text(text)])
    }

    /// The same message, standing at a path.
    #[must_use]
    pub fn at(mut self, path: &Path<'_>) -> Self {
        self.origin = Origin::at(path);
        self
    }

    /// All text, parts joined by line breaks.
    #[must_use]
    pub fn plain_text(&self) -> Cow<'_, str> {
        plain_text(&self.parts)
    }

    /// The calls it makes.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(Part::tool_call)
    }

    /// The results it brings.
    pub fn tool_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.parts.iter().filter_map(|part| match &part.content {
            Content::ToolResult(result) => Some(result),
            _ => None,
        })
    }
}

/// The text among parts, joined by line breaks.
#[must_use]
pub fn plain_text(parts: &[Part]) -> Cow<'_, str> {
    let mut texts = parts.iter().filter_map(Part::as_text);
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(only), None) => Cow::Borrowed(only),
        (Some(first), Some(second)) => {
            let all: Vec<&str> = [first, second].into_iter().chain(texts).collect();
            Cow::Owned(all.join("\n"))
        }
    }
}

/// A part of a message or of an answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// Whether the provider shall remember the prompt up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheControl>,
    /// Where it stands in the caller's request.
    #[serde(skip)]
    pub origin: Origin,
}

#[expect(
    clippy::missing_fields_in_debug,
    reason = "where it stands is no part of what is said"
)]
impl fmt::Debug for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Part")
            .field("content", &self.content)
            .field("cache", &self.cache)
            .finish()
    }
}

impl Part {
    /// A part that nobody shall remember.
    #[must_use]
    pub const fn new(content: Content) -> Self {
        Self {
            content,
            cache: None,
            origin: Origin::NONE,
        }
    }

    /// The same part, standing at a path unless it already stands somewhere.
    #[must_use]
    pub fn at(mut self, path: &Path<'_>) -> Self {
        self.origin.or_at(path);
        self
    }

    /// A part of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text {
            text: text.into(),
            citations: Vec::new(),
        })
    }

    /// Its text, where it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The call, where it is one.
    #[must_use]
    pub const fn tool_call(&self) -> Option<&ToolCall> {
        match &self.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        }
    }
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self::new(content)
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Sound.
    Audio(Media),
    /// A document.
    File(Media),
    /// A picture.
    Image(Media),
    /// A block of one family of providers that no other understands (hosted tools and their
    /// results), as it came.
    Native {
        /// Whose it is.
        family: Family,
        /// The whole block.
        block: Json,
    },
    /// The model's reasoning.
    Reasoning {
        /// The text or its summary; may be empty beside a signature.
        text: String,
        /// The provider's proof of it, without which some refuse to take it back.
        signature: Option<Signature>,
    },
    /// Reasoning that the provider shows to nobody but takes back.
    RedactedReasoning(Signature),
    /// The model's refusal in so many words.
    Refusal(String),
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What it rests on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        citations: Vec<Citation>,
    },
    /// A call of a tool by the model.
    ToolCall(ToolCall),
    /// What a tool gave.
    ToolResult(ToolResult),
}

impl Content {
    /// Every text in it, those inside the result of a tool included. Of media, what is here as text.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Audio(media) | Self::File(media) | Self::Image(media) => {
                let text = match &media.source {
                    MediaSource::Text(text) => Some(text.as_str()),
                    _ => None,
                };
                text.into_iter().chain(media.context.as_deref()).collect()
            }
            Self::Native { block, .. } => vec![block.get()],
            Self::Reasoning { text, .. } | Self::Refusal(text) | Self::Text { text, .. } => {
                vec![text]
            }
            Self::RedactedReasoning(_) => Vec::new(),
            Self::ToolCall(call) => vec![&call.name, &call.arguments],
            Self::ToolResult(result) => {
                let parts = result.parts.iter();
                parts.flat_map(|part| part.content.texts()).collect()
            }
        }
    }
}

/// A picture, a sound or a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where its bytes are.
    pub source: MediaSource,
    /// Its media type, e.g. `image/png`; known where the bytes are inline.
    pub media_type: Option<String>,
    /// A file's name or a document's title.
    pub name: Option<String>,
    /// How closely a picture is looked at: `low`, `high`, `auto`.
    pub detail: Option<String>,
    /// What is known of a document beside its text; Anthropic's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the answer cites the document; Anthropic's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cited: bool,
}

impl Media {
    /// A medium of which nothing but the source is known.
    #[must_use]
    pub const fn new(source: MediaSource) -> Self {
        Self {
            source,
            media_type: None,
            name: None,
            detail: None,
            context: None,
            cited: false,
        }
    }

    /// A medium whose bytes are here.
    pub fn inline(media_type: impl Into<String>, base64: impl Into<String>) -> Self {
        Self {
            media_type: Some(media_type.into()),
            ..Self::new(MediaSource::Base64(base64.into()))
        }
    }
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Here, in standard base64.
    Base64(String),
    /// With the provider, under this id.
    Id(String),
    /// Here, as plain text: documents only.
    Text(String),
    /// At this address.
    Url(String),
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names this call in the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text of the arguments; `{}` where there are none.
    pub arguments: String,
    /// The provider's proof of the thought behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// What a tool gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The id of the call it answers.
    pub call_id: String,
    /// Text, pictures, documents.
    pub parts: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// Providers that understand each other's signatures, ids and native blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Anthropic.
    Anthropic,
    /// Google.
    Google,
    /// `OpenAI`.
    OpenAi,
}

impl Family {
    /// The name in tagged signatures.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Google => "google",
            Self::OpenAi => "openai",
        }
    }

    const ALL: [Self; 3] = [Self::Anthropic, Self::Google, Self::OpenAi];
}

/// A provider's proof that reasoning or a call is its own, worth something to that provider only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Who made it.
    pub family: Family,
    /// Its opaque text.
    pub value: String,
    /// Where it was made, where nobody else of the family can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maker: Option<Maker>,
}

/// Where a signature was made that only its maker's own deployment and key can read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maker {
    /// The provider with its address and its key, as a fingerprint.
    pub deployment: String,
    /// The provider's id of the item that was signed; empty where it has none that can be told.
    pub item: String,
}

/// Before the family in a signature that stands in another family's wire.
const FOREIGN: &str = "esclusa.";
/// Between family, deployment and item.
const APART: char = '@';

impl Signature {
    /// A signature of a family.
    pub fn new(family: Family, value: impl Into<String>) -> Self {
        Self {
            family,
            value: value.into(),
            maker: None,
        }
    }

    /// Its text in the wire of `home`: the value alone, or tagged with the family that made it
    /// (`esclusa.google.…`), so that a client of one wire can carry the signatures of another, and
    /// with where it was made where that matters (`esclusa.openai@0a1b2c@rs_1.…`).
    #[must_use]
    pub fn to_wire(&self, home: Family) -> Cow<'_, str> {
        let family = self.family.as_str();
        match &self.maker {
            Some(Maker { deployment, item }) => Cow::Owned(format!(
                "{FOREIGN}{family}{APART}{deployment}{APART}{item}.{}",
                self.value
            )),
            None if self.family == home => Cow::Borrowed(&self.value),
            None => Cow::Owned(format!("{FOREIGN}{family}.{}", self.value)),
        }
    }

    /// The signature behind a text in the wire of `home`.
    #[must_use]
    pub fn from_wire(text: &str, home: Family) -> Self {
        let tagged = text.strip_prefix(FOREIGN).and_then(|rest| {
            let (tag, value) = rest.split_once('.')?;
            let mut words = tag.splitn(3, APART);
            let name = words.next()?;
            let family = Family::ALL.into_iter().find(|it| it.as_str() == name)?;
            let maker = words.next().zip(words.next());
            let maker = maker.map(|(deployment, item)| Maker {
                deployment: deployment.to_owned(),
                item: item.to_owned(),
            });
            Some(Self {
                maker,
                ..Self::new(family, value)
            })
        });
        tagged.unwrap_or_else(|| Self::new(home, text))
    }
}

/// A wish that the provider remember the prompt up to a part.
/// <https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching>
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheControl {
    /// For how long: `5m` or `1h`; the provider's usual time where absent.
    pub ttl: Option<String>,
}

/// What a text rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The address, for a page of the web.
    pub url: Option<String>,
    /// The title of the page or document.
    pub title: Option<String>,
    /// The words that are cited.
    pub quote: Option<String>,
    /// Where in the answer's text the cited statement begins and ends, in characters.
    pub span: Option<(u32, u32)>,
    /// The citation as its provider's family wrote it.
    pub native: Option<(Family, Json)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_survive_foreign_wires() {
        for family in Family::ALL {
            for home in Family::ALL {
                let signature = Signature::new(family, "Eq.Xs=");
                let text = signature.to_wire(home);
                assert_eq!(text == "Eq.Xs=", family == home);
                assert_eq!(Signature::from_wire(&text, home), signature);
            }
        }
        let maker = Some(Maker {
            deployment: "0a1b".to_owned(),
            item: "rs_1".to_owned(),
        });
        let made = Signature {
            maker,
            ..Signature::new(Family::OpenAi, "gA.x=")
        };
        for home in Family::ALL {
            assert_eq!(made.to_wire(home), "esclusa.openai@0a1b@rs_1.gA.x=");
            assert_eq!(Signature::from_wire(&made.to_wire(home), home), made);
        }
        let odd = Signature::from_wire("esclusa.nobody.x", Family::Anthropic);
        assert_eq!(odd.value, "esclusa.nobody.x");
    }
}
