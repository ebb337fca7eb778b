//! The one internal model of a chat request, its answer and its stream, between every wire in and
//! every provider out.
//!
//! The model holds what any of the wires can say. Each wire in is a module here: its requests to the
//! model, the model's answers and events back. Each provider's wire out is one in
//! [`crate::providers`].

pub mod answer;
pub mod anthropic;
pub mod assembly;
pub mod audio;
pub mod cloudflare_error;
pub(crate) mod content;
pub mod dialect;
pub mod embeddings;
pub mod field;
pub mod forward;
pub mod gemini;
pub mod images;
pub mod input_usage;
pub mod json;
pub(crate) mod media;
pub mod message;
pub mod model_name;
pub mod moderations;
#[cfg(test)]
pub(crate) mod mutations;
pub mod openai_chat;
pub mod openai_error;
pub mod openai_responses;
pub mod public_url;
pub mod request;
pub mod rerank;
pub mod run;
pub mod search;
pub(crate) mod tool_order;
pub mod warning;
pub mod workers_ai;
pub mod writer;

pub use self::answer::{Answer, Choice, Event, FinishReason, Source};
pub use self::dialect::{Bill, ChatPath, Dialect};
pub use self::field::{Field, Origin};
pub use self::json::{Fields, Json};
pub use self::message::{
    CacheControl, Citation, Content, Family, Maker, Media, MediaSource, Message, Part, Role,
    Signature, ToolCall, ToolResult,
};
pub use self::public_url::{NotPublic, PublicUrl};
pub use self::request::{
    ChatRequest, Effort, FunctionTool, HostedTool, Needs, Reasoning, ReasoningMode, ResponseFormat,
    Sampling, Tool, ToolChoice,
};
pub use self::warning::Warning;
