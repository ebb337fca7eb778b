//! A streamed answer as `chat.completion.chunk` objects in server-sent events.
//!
//! Each choice begins with a chunk that carries its role. `sources` ride on the very first chunk, so
//! that a client has them even where the stream breaks. With `include_usage` each chunk carries
//! `usage: null` and the last one the figures with `cost_usd`, as `OpenAI` does it. A stream that fails
//! ends with an `error` object and without `[DONE]`, so that no client takes it for a whole answer.

use serde::Serialize;

use super::reasoning::Detail;
use super::{Annotation, ExtraContent, FunctionBody, Logprobs, UsageBody, finish_reason, id};
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::writer::{Head, StreamWriter};
use crate::protocol::{Event, Json, Source, openai_error};
use crate::sse;
use crate::usage::Usage;

/// Writes the chunks of one stream.
#[derive(Debug)]
pub struct ChunkWriter {
    id: String,
    head: Head,
    include_usage: bool,
    /// The reasoning since the last signature: a client sends both back as one.
    reasoning: String,
    service_tier: Option<String>,
    /// Choices whose role has been sent.
    begun: Vec<u32>,
}

impl ChunkWriter {
    /// A writer of a stream that has not begun.
    #[must_use]
    pub fn new(head: Head, include_usage: bool) -> Self {
        Self {
            id: id(&head),
            head,
            include_usage,
            reasoning: String::new(),
            service_tier: None,
            begun: Vec::new(),
        }
    }
}

impl StreamWriter for ChunkWriter {
    /// [`Event::Usage`] has no chunk: usage is for [`Self::finish`].
    fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        let mut signed = String::new();
        match event {
            Event::PartEnd { .. } | Event::Text { .. } => self.reasoning.clear(),
            Event::Reasoning { text, .. } => self.reasoning.push_str(text),
            Event::ReasoningSignature { .. } => signed = std::mem::take(&mut self.reasoning),
            Event::ServiceTier(tier) => self.service_tier = Some(tier.clone()),
            _ => {}
        }
        let Some((choice, update)) = Update::of(event, &signed) else {
            return;
        };
        self.begin(choice, update.delta.tool_calls.is_none(), out);
        self.chunk(choice, update, &[], out);
    }

    fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        if self.include_usage {
            let usage = UsageBody::new(usage, cost);
            self.write(Vec::new(), Some(ChunkUsage::Figures(usage)), &[], out);
        }
        sse::write_data(out, "[DONE]");
    }

    fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        sse::write_json(out, &openai_error::object(error));
    }
}

impl ChunkWriter {
    fn begin(&mut self, choice: u32, text: bool, out: &mut Vec<u8>) {
        if self.begun.contains(&choice) {
            return;
        }
        let sources = if self.begun.is_empty() {
            std::mem::take(&mut self.head.sources)
        } else {
            Vec::new()
        };
        self.begun.push(choice);
        let update = Update {
            delta: Delta::role(text),
            ..Update::default()
        };
        self.chunk(choice, update, &sources, out);
    }

    fn chunk(&self, index: u32, update: Update<'_>, sources: &[Source], out: &mut Vec<u8>) {
        let choice = ChoiceBody {
            index,
            delta: update.delta,
            logprobs: Logprobs::of(update.logprobs),
            finish_reason: update.reason,
        };
        let usage = self.include_usage.then_some(ChunkUsage::NotYet);
        self.write(vec![choice], usage, sources, out);
    }

    fn write(
        &self,
        choices: Vec<ChoiceBody<'_>>,
        usage: Option<ChunkUsage>,
        sources: &[Source],
        out: &mut Vec<u8>,
    ) {
        let chunk = ChunkBody {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.head.created,
            model: &self.head.model,
            choices,
            usage,
            service_tier: self.service_tier.as_deref(),
            sources,
        };
        sse::write_json(out, &chunk);
    }
}

/// What an event changes in its choice.
#[derive(Default)]
struct Update<'a> {
    delta: Delta<'a>,
    logprobs: &'a [Json],
    reason: Option<&'static str>,
}

impl<'a> Update<'a> {
    /// The choice and what changes in it; `None` for an event that this wire has no chunk for.
    ///
    /// `signed` is the reasoning that a signature is of.
    fn of(event: &'a Event, signed: &'a str) -> Option<(u32, Self)> {
        let mut update = Self::default();
        let delta = &mut update.delta;
        let choice = match event {
            Event::Citation { choice, citation } => {
                delta.annotations = Some([Annotation::of(citation)?]);
                choice
            }
            Event::Finish { choice, reason, .. } => {
                update.reason = Some(finish_reason(*reason));
                choice
            }
            Event::Logprobs { choice, tokens } => {
                update.logprobs = tokens;
                choice
            }
            Event::Reasoning { choice, text } => {
                delta.reasoning_content = Some(text);
                choice
            }
            Event::ReasoningSignature { choice, signature } => {
                delta.reasoning_details = Some([Detail::signed(signed, signature)]);
                choice
            }
            Event::Refusal { choice, text } => {
                delta.refusal = Some(text);
                choice
            }
            Event::Text { choice, text } => {
                delta.content = Some(text);
                choice
            }
            Event::ToolCall { choice, .. } => {
                delta.tool_calls = Some([CallDelta::of(event)?]);
                choice
            }
            Event::Whole { choice, part } => {
                delta.reasoning_details = Some([Detail::of(&part.content)?]);
                choice
            }
            Event::PartEnd { .. } | Event::ServiceTier(_) | Event::Usage(_) => return None,
        };
        Some((*choice, update))
    }
}

#[derive(Serialize)]
struct ChunkBody<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: Vec<ChoiceBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<ChunkUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    sources: &'a [Source],
}

/// The usage of a chunk where the client asked for it: null until the last one.
#[derive(Serialize)]
#[serde(untagged)]
enum ChunkUsage {
    Figures(UsageBody),
    NotYet,
}

#[derive(Serialize)]
struct ChoiceBody<'a> {
    index: u32,
    delta: Delta<'a>,
    logprobs: Option<Logprobs<'a>>,
    finish_reason: Option<&'static str>,
}

#[derive(Default, Serialize)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<[Detail<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[Annotation<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallDelta<'a>; 1]>,
}

impl Delta<'_> {
    /// Where text follows, the role comes with the empty beginning of it.
    fn role(text: bool) -> Self {
        Self {
            role: Some("assistant"),
            content: text.then_some(""),
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
struct CallDelta<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    function: FunctionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent<'a>>,
}

impl<'a> CallDelta<'a> {
    fn of(event: &'a Event) -> Option<Self> {
        let Event::ToolCall {
            index,
            id,
            name,
            arguments,
            signature,
            ..
        } = event
        else {
            return None;
        };
        Some(Self {
            index: *index,
            id: id.as_deref(),
            kind: id.as_ref().map(|_| "function"),
            function: FunctionBody {
                name: name.as_deref(),
                arguments,
            },
            extra_content: ExtraContent::of(signature.as_ref()),
        })
    }
}
