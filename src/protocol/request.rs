//! A chat request, whichever wire it came by.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::field::Origin;
use super::json::{Fields, Json, Object, text};
use super::message::{CacheControl, Content, Family, MediaSource, Message, Part, Role};
use super::openai_responses::Thread;
use super::warning::Warning;

/// A chat request, parsed and valid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// The model as the caller wrote it.
    pub model: String,
    /// The operation that the body names.
    pub operation: Option<String>,
    /// Values that the body has for the variables of the operation's prompt.
    pub variables: Option<BTreeMap<String, String>>,
    /// At least one.
    pub messages: Vec<Message>,
    /// The tools; at most 128.
    pub tools: Vec<Tool>,
    /// Which of them the model shall call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// What form the answer must have.
    pub response_format: ResponseFormat,
    /// The caller's bound of the answer, in tokens.
    pub max_output_tokens: Option<u32>,
    /// How many answers, 1 to 8; 0 stands for 1.
    pub choices: u32,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream of chat completions ends with a chunk of usage.
    pub include_usage: bool,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// How the model thinks.
    pub reasoning: Reasoning,
    /// How many alternatives of each token are told with their probability, 0 to 20; absent: none is.
    pub logprobs: Option<u32>,
    /// The provider's class of service, e.g. `flex`.
    pub service_tier: Option<String>,
    /// An opaque name of the end user.
    pub user: Option<String>,
    /// How many words the answer takes: `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// What only a request for a response has.
    pub thread: Option<Rc<Thread>>,
    /// Fields that the model does not know, for providers of the same family.
    pub extras: Extras,
    /// What was left out on the way in.
    pub warnings: Vec<Warning>,
}

/// Fields of the caller's own wire that the model does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Whose wire it is; absent only where there are no fields.
    pub family: Option<Family>,
    /// The fields, as they came.
    pub fields: Fields,
}

/// How tokens are drawn. What is absent is left to the provider.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// At least 1.
    pub top_k: Option<u32>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// For answers that repeat.
    pub seed: Option<i64>,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
    /// `OpenAI`'s map from token to bias.
    pub logit_bias: Option<Json>,
}

/// How the model thinks before it answers. What is absent is left to the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// Whether it does.
    pub mode: Option<ReasoningMode>,
    /// How hard.
    pub effort: Option<Effort>,
    /// Whether the effort is that of the whole answer and asks for no thought by itself; Anthropic's.
    pub effort_of_answer: bool,
    /// At most so many tokens.
    pub budget_tokens: Option<u32>,
    /// Whether and how the answer shows it: `auto`, `concise`, `detailed`, `none`.
    pub summary: Option<String>,
}

/// Whether a model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningMode {
    /// As much as it finds right.
    Adaptive,
    /// Not at all.
    Off,
    /// Always.
    On,
}

/// How hard a model thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Hard.
    High,
    /// As hard as it can.
    Max,
}

impl Effort {
    /// All efforts, least first.
    pub const ALL: [Self; 5] = [
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Max,
    ];

    /// The word for it that most wires share.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Max => "max",
        }
    }

    /// The effort of a word; `xhigh` is `OpenAI`'s for `max`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "xhigh" => Some(Self::Max),
            _ => Self::ALL.into_iter().find(|effort| effort.as_str() == word),
        }
    }
}

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    /// A function of the application.
    Function(FunctionTool),
    /// A tool that the provider runs.
    Hosted(HostedTool),
}

impl Tool {
    /// The name by which it is called, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Function(tool) => Some(Cow::Borrowed(&tool.name)),
            Self::Hosted(tool) => {
                let definition = Object::of(tool.definition.raw())?;
                definition.get("name").and_then(text).map(Cow::Owned)
            }
        }
    }
}

/// A function of the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionTool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON schema of its arguments.
    pub parameters: Option<Json>,
    /// Whether the arguments keep to the schema exactly.
    pub strict: Option<bool>,
    /// Whether the provider shall remember the prompt up to here.
    pub cache: Option<CacheControl>,
}

/// A tool that the provider runs, e.g. a search of the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostedTool {
    /// Whose it is.
    pub family: Family,
    /// Its type in that family's wire.
    pub kind: String,
    /// The whole definition.
    pub definition: Json,
    /// Where it stands in the caller's request.
    pub origin: Origin,
}

/// Which tools the model shall call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// Those it finds useful.
    Auto,
    /// This one.
    Function(String),
    /// None.
    None,
    /// At least one.
    Required,
}

/// What form an answer must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResponseFormat {
    /// Any JSON object.
    JsonObject,
    /// An instance of a schema.
    JsonSchema {
        /// The schema's name, where the wire has one.
        name: Option<String>,
        /// What the answer is.
        description: Option<String>,
        /// The schema itself.
        schema: Json,
        /// Whether the answer keeps to it exactly.
        strict: Option<bool>,
    },
    /// Text.
    #[default]
    Text,
}

/// What a request asks of a model, found in its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, not a state"
)]
pub struct Needs {
    /// Tools.
    pub tools: bool,
    /// Pictures.
    pub vision: bool,
    /// Sound.
    pub audio: bool,
    /// Documents.
    pub files: bool,
    /// An instance of a schema, or JSON.
    pub json: bool,
    /// An answer piece by piece.
    pub streaming: bool,
}

impl ChatRequest {
    /// The text of the last turn of the user, which says what the request is about.
    #[must_use]
    pub fn last_user_text(&self) -> Cow<'_, str> {
        self.user_texts().next().unwrap_or_default()
    }

    /// The texts of the user's turns, newest first.
    pub fn user_texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let turns = self.messages.iter().rev();
        let turns = turns.filter(|message| message.role == Role::User);
        turns.map(Message::plain_text)
    }

    /// What the caller says in all turns, results of tools and documents of text included, without what
    /// the application says.
    #[must_use]
    pub fn text_of_caller(&self) -> String {
        let texts = self.parts_of_caller().flat_map(|part| part.content.texts());
        let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        texts.join("\n")
    }

    /// Whether the caller brings media that are not here as text.
    #[must_use]
    pub fn has_media_of_caller(&self) -> bool {
        let inner = |part: &Part| match &part.content {
            Content::ToolResult(result) => result.parts.iter().any(is_medium),
            _ => is_medium(part),
        };
        self.parts_of_caller().any(inner)
    }

    fn parts_of_caller(&self) -> impl Iterator<Item = &Part> {
        let turns = self.messages.iter();
        let turns = turns.filter(|message| matches!(message.role, Role::Tool | Role::User));
        turns.flat_map(|message| &message.parts)
    }

    /// Every part of every message, those inside the results of tools included.
    pub fn contents(&self) -> impl Iterator<Item = &Content> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.flat_map(|part| {
            let inner = match &part.content {
                Content::ToolResult(result) => result.parts.as_slice(),
                _ => &[],
            };
            std::iter::once(&part.content).chain(inner.iter().map(|part| &part.content))
        })
    }

    /// Gives everything that stands somewhere another path there, for a wire that was read as another.
    pub(super) fn rename_origins(&mut self, rename: impl Fn(&str) -> String) {
        for message in &mut self.messages {
            message.origin = message.origin.renamed(&rename);
            for part in &mut message.parts {
                part.origin = part.origin.renamed(&rename);
                if let Content::ToolResult(result) = &mut part.content {
                    for part in &mut result.parts {
                        part.origin = part.origin.renamed(&rename);
                    }
                }
            }
        }
    }

    /// What the request asks of a model.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let mut needs = Needs {
            tools: !self.tools.is_empty(),
            json: !matches!(self.response_format, ResponseFormat::Text),
            streaming: self.stream,
            ..Needs::default()
        };
        for content in self.contents() {
            match content {
                Content::Audio(_) => needs.audio = true,
                Content::File(_) => needs.files = true,
                Content::Image(_) => needs.vision = true,
                _ => {}
            }
        }
        needs
    }
}

fn is_medium(part: &Part) -> bool {
    match &part.content {
        Content::Audio(media) | Content::File(media) | Content::Image(media) => {
            !matches!(media.source, MediaSource::Text(_))
        }
        _ => false,
    }
}
