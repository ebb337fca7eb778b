//! What is fuzzed: functions that take any bytes and panic where a promise of the crate is broken.
//!
//! `targets/` runs each under libFuzzer; `test/native/corpora.rs` feeds them the corpora in
//! `cargo test`, on the stable toolchain.

mod answers;
mod bodies;
mod chats;
mod failures;
mod forms;
mod keys;
mod operations;
mod sounds;
mod splits;
mod sse;
mod streams;
mod written;

use esclusa::config::Wire;
use esclusa::protocol::Dialect;
use esclusa::protocol::gemini::Framing;

/// A name, that of its corpus and of its file in `targets/`, and what is fed.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by name.
pub const TARGETS: [Target; 34] = [
    ("answer_anthropic", |bytes| {
        answers::answer(Wire::Anthropic, bytes);
    }),
    ("answer_gemini", |bytes| {
        answers::answer(Wire::Gemini, bytes);
    }),
    ("answer_openai_chat", |bytes| {
        answers::answer(Wire::OpenAiChat, bytes);
    }),
    ("answer_responses", |bytes| {
        answers::answer(Wire::OpenAiResponses, bytes);
    }),
    ("answer_tasks", answers::tasks),
    ("answer_workers_ai", |bytes| {
        answers::answer(Wire::WorkersAiChat, bytes);
        answers::answer(Wire::WorkersAiNative, bytes);
    }),
    ("failure", failures::failure),
    ("key", keys::key),
    ("markdown", operations::markdown),
    ("path", keys::path),
    ("request_anthropic", |bytes| {
        chats::chat(Dialect::Anthropic, bytes);
    }),
    ("request_embeddings", bodies::embeddings),
    ("request_gemini", |bytes| {
        chats::chat(Dialect::Gemini(Framing::Events), bytes);
    }),
    ("request_images", bodies::images),
    ("request_moderations", bodies::moderations),
    ("request_openai_chat", |bytes| {
        chats::chat(Dialect::OpenAiChat, bytes);
    }),
    ("request_rerank", bodies::rerank),
    ("request_responses", |bytes| {
        chats::chat(Dialect::OpenAiResponses, bytes);
    }),
    ("request_run", |bytes| chats::chat(Dialect::Run, bytes)),
    ("request_speech", bodies::speech),
    ("request_transcription", forms::transcription),
    ("request_universal", bodies::universal),
    ("request_workers_ai", |bytes| {
        chats::chat(Dialect::WorkersAi, bytes);
    }),
    ("schema", operations::schema),
    ("sound", sounds::sound),
    ("sse", sse::sse),
    ("stream_anthropic", |bytes| {
        streams::stream(Wire::Anthropic, bytes);
    }),
    ("stream_gemini", |bytes| {
        streams::stream(Wire::Gemini, bytes);
    }),
    ("stream_openai_chat", |bytes| {
        streams::stream(Wire::OpenAiChat, bytes);
    }),
    ("stream_responses", |bytes| {
        streams::stream(Wire::OpenAiResponses, bytes);
    }),
    ("stream_workers_ai", |bytes| {
        streams::stream(Wire::WorkersAiChat, bytes);
        streams::stream(Wire::WorkersAiNative, bytes);
    }),
    ("template", operations::template),
    ("tenant_config", bodies::tenant_config),
    ("yaml", bodies::yaml),
];

/// Feeds the target of a name.
///
/// # Panics
/// Where a promise is broken, or no target has the name.
pub fn feed(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.expect("a target of this name");
    target(bytes);
}
