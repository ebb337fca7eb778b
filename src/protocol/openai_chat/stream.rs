//! A streamed answer as `chat.completion.chunk` objects in server-sent events.
//!
//! Each choice begins with a chunk that carries its role. `sources` ride on the very first chunk, so
//! that a client has them even where the stream breaks. With `include_usage` each chunk carries
//! `usage: null` and the last one the figures with `cost_usd`, as `OpenAI` does it. A stream that fails
//! ends with an `error` object and without `[DONE]`, so that no client takes it for a whole answer.

use serde::Serialize;

use super::{FunctionBody, Head, UsageBody, finish_reason};
use crate::error::Error;
use crate::money::Nanos;
use crate::protocol::{Event, Source, openai_error};
use crate::sse;
use crate::usage::Usage;

/// Writes the chunks of one stream.
#[derive(Debug)]
pub struct ChunkWriter {
    head: Head,
    include_usage: bool,
    /// Choices whose role has been sent.
    begun: Vec<u32>,
}

impl ChunkWriter {
    /// A writer of a stream that has not begun.
    #[must_use]
    pub const fn new(head: Head, include_usage: bool) -> Self {
        Self {
            head,
            include_usage,
            begun: Vec::new(),
        }
    }

    /// Appends the chunks of an event. [`Event::Usage`] has none: usage is for [`Self::finish`].
    pub fn push(&mut self, event: &Event, out: &mut Vec<u8>) {
        let (choice, delta, reason) = match event {
            Event::Finish { choice, reason } => {
                (*choice, Delta::default(), Some(finish_reason(*reason)))
            }
            Event::Reasoning { choice, text } => (*choice, Delta::reasoning(text), None),
            Event::Refusal { choice, text } => (*choice, Delta::refusal(text), None),
            Event::Text { choice, text } => (*choice, Delta::content(text), None),
            Event::ToolCall {
                choice,
                index,
                id,
                name,
                arguments,
            } => {
                let call = CallDelta::new(*index, id.as_deref(), name.as_deref(), arguments);
                (*choice, Delta::call(call), None)
            }
            Event::Usage(_) => return,
        };
        self.begin(choice, delta.tool_calls.is_none(), out);
        self.chunk(choice, delta, reason, &[], out);
    }

    /// Ends a whole stream: the usage chunk where the client asked for it, and `[DONE]`.
    pub fn finish(&mut self, usage: &Usage, cost: Nanos, out: &mut Vec<u8>) {
        if self.include_usage {
            let usage = UsageBody::new(usage, cost);
            self.write(Vec::new(), Some(ChunkUsage::Figures(usage)), &[], out);
        }
        sse::write_data(out, "[DONE]");
    }

    /// Ends a stream that failed: an error object, and no `[DONE]`.
    pub fn error(&mut self, error: &Error, out: &mut Vec<u8>) {
        sse::write_json(out, &openai_error::object(error));
    }

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
        self.chunk(choice, Delta::role(text), None, &sources, out);
    }

    fn chunk(
        &self,
        index: u32,
        delta: Delta<'_>,
        finish_reason: Option<&'static str>,
        sources: &[Source],
        out: &mut Vec<u8>,
    ) {
        let choice = ChoiceBody {
            index,
            delta,
            logprobs: None,
            finish_reason,
        };
        self.write(
            vec![choice],
            self.include_usage.then_some(ChunkUsage::NotYet),
            sources,
            out,
        );
    }

    fn write(
        &self,
        choices: Vec<ChoiceBody<'_>>,
        usage: Option<ChunkUsage>,
        sources: &[Source],
        out: &mut Vec<u8>,
    ) {
        let chunk = ChunkBody {
            id: &self.head.id,
            object: "chat.completion.chunk",
            created: self.head.created,
            model: &self.head.model,
            choices,
            usage,
            sources,
        };
        sse::write_json(out, &chunk);
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
    logprobs: Option<()>,
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
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallDelta<'a>; 1]>,
}

impl<'a> Delta<'a> {
    /// Where text follows, the role comes with the empty beginning of it.
    fn role(text: bool) -> Self {
        Self {
            role: Some("assistant"),
            content: text.then_some(""),
            ..Self::default()
        }
    }

    fn content(text: &'a str) -> Self {
        Self {
            content: Some(text),
            ..Self::default()
        }
    }

    fn reasoning(text: &'a str) -> Self {
        Self {
            reasoning_content: Some(text),
            ..Self::default()
        }
    }

    fn refusal(text: &'a str) -> Self {
        Self {
            refusal: Some(text),
            ..Self::default()
        }
    }

    fn call(call: CallDelta<'a>) -> Self {
        Self {
            tool_calls: Some([call]),
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
}

impl<'a> CallDelta<'a> {
    fn new(index: u32, id: Option<&'a str>, name: Option<&'a str>, arguments: &'a str) -> Self {
        Self {
            index,
            id,
            kind: id.map(|_| "function"),
            function: FunctionBody { name, arguments },
        }
    }
}
