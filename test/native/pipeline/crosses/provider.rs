//! The five wires of providers.

use serde_json::Value;
use serde_json::value::RawValue;

use super::client::Client;
use crate::support::*;

/// A provider of one wire.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Anthropic,
    ChatCompletions,
    Gemini,
    WorkersAi,
    WorkersAiNative,
}

/// A model of chat completions of a provider that speaks nothing else.
pub(crate) const OTHERS_CHAT: &str = "xai/grok-4.5";

impl Maker {
    pub(crate) const ALL: [Self; 5] = [
        Self::ChatCompletions,
        Self::Anthropic,
        Self::Gemini,
        Self::WorkersAi,
        Self::WorkersAiNative,
    ];

    /// Its name in the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::ChatCompletions => "chat_completions",
            Self::Gemini => "gemini",
            Self::WorkersAi => "workers_ai",
            Self::WorkersAiNative => "workers_ai_native",
        }
    }

    /// Its model, where a case does not name another. `OpenAI` itself is asked for responses where the
    /// client speaks them.
    pub(crate) const fn model(self, client: Client) -> &'static str {
        match self {
            Self::ChatCompletions if matches!(client, Client::Responses) => OTHERS_CHAT,
            Self::Anthropic => "anthropic/claude-sonnet-4-5",
            Self::ChatCompletions => "openai/gpt-4o",
            Self::Gemini => "google/gemini-2.5-flash",
            Self::WorkersAi => QWEN,
            Self::WorkersAiNative => LLAMA_SMALL,
        }
    }

    /// Keys with which the models are called in their own wire.
    pub(crate) fn keys() -> impl Iterator<Item = (String, String)> {
        let names = ["ANTHROPIC", "GOOGLE", "GROQ", "OPENAI", "XAI"];
        names.into_iter().map(|name| {
            let key = format!("secret-of-{}", name.to_lowercase());
            (format!("{name}_API_KEY"), key)
        })
    }

    /// A stream of events in its wire: their data, and their names where it names them.
    pub(crate) fn events(self, data: &[Box<RawValue>]) -> String {
        let event = |data: &RawValue| {
            if data.get() == "\"[DONE]\"" {
                return "data: [DONE]\n\n".to_owned();
            }
            let value: Value = serde_json::from_str(data.get()).unwrap();
            let name = value["type"].as_str().filter(|_| self == Self::Anthropic);
            let name = name.map_or(String::new(), |name| format!("event: {name}\n"));
            format!("{name}data: {}\n\n", data.get())
        };
        data.iter().map(|data| event(data)).collect()
    }
}

/// A body without what asks for a stream.
pub(crate) fn unstreamed(sent: Option<&str>) -> Option<Value> {
    let mut body: Value = serde_json::from_str(sent?).unwrap();
    let fields = body.as_object_mut().unwrap();
    fields.remove("stream");
    fields.remove("stream_options");
    Some(body)
}
