//! What a provider is asked to do, and the path of its interface for that.

use crate::config::Wire;

/// Work that providers offer over HTTPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Answers a conversation, as a stream or whole.
    Chat {
        /// Whether the answer is streamed.
        stream: bool,
    },
    /// Counts the tokens of a conversation.
    CountTokens,
    /// Turns texts into vectors.
    Embed,
    /// Draws pictures.
    Image,
    /// Judges texts.
    Moderate,
    /// Answers a conversation, in `OpenAI`'s newer form.
    Respond,
    /// Speaks a text.
    Speak,
    /// Turns speech into text.
    Transcribe,
    /// Turns speech into English text.
    Translate,
}

impl Work {
    /// The path below the base address, with the query that belongs to it. `model` is the model's
    /// name as a segment of a path. `None` where there is none.
    ///
    /// <https://platform.openai.com/docs/api-reference>
    /// <https://docs.anthropic.com/en/api>
    /// <https://ai.google.dev/api>
    pub(super) fn path(self, wire: Wire, model: &str) -> Option<String> {
        match wire {
            Wire::Anthropic => self.anthropic().map(str::to_owned),
            Wire::Gemini => Some(format!("/models/{model}:{}", self.gemini()?)),
            Wire::OpenAiChat | Wire::OpenAiResponses => self.openai().map(str::to_owned),
            Wire::WorkersAiChat | Wire::WorkersAiNative => None,
        }
    }

    const fn anthropic(self) -> Option<&'static str> {
        match self {
            Self::Chat { .. } => Some("/messages"),
            Self::CountTokens => Some("/messages/count_tokens"),
            _ => None,
        }
    }

    const fn gemini(self) -> Option<&'static str> {
        match self {
            Self::Chat { stream: false } => Some("generateContent"),
            Self::Chat { stream: true } => Some("streamGenerateContent?alt=sse"),
            Self::CountTokens => Some("countTokens"),
            Self::Embed => Some("batchEmbedContents"),
            _ => None,
        }
    }

    const fn openai(self) -> Option<&'static str> {
        Some(match self {
            Self::Chat { .. } => "/chat/completions",
            Self::CountTokens => return None,
            Self::Embed => "/embeddings",
            Self::Image => "/images/generations",
            Self::Moderate => "/moderations",
            Self::Respond => "/responses",
            Self::Speak => "/audio/speech",
            Self::Transcribe => "/audio/transcriptions",
            Self::Translate => "/audio/translations",
        })
    }
}
