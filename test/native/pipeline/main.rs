//! Whole requests through `serve`, as a user sees them: bodies, headers, records, money.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

#[expect(dead_code, reason = "two test targets share it, and each uses a part")]
#[path = "../world/lib.rs"]
mod world;

mod acts;
mod admin;
mod answers;
mod api_keys;
mod archive;
mod audit;
mod bad_input;
mod breakers;
mod caching;
mod configuration;
mod crosses;
mod deployment;
mod doubt;
mod embeddings;
mod erasure;
mod fallback;
mod faults;
mod feedback;
mod gateway;
mod gemini;
#[path = "../../../src/golden.rs"]
mod golden;
mod guards;
mod headers;
mod idempotency;
mod images;
mod isolation;
mod leases;
mod limits;
mod live_config;
mod members;
mod messages;
mod moderations;
mod money;
mod openai_media;
mod outages;
mod outputs;
mod own_catalogue;
mod pains;
mod prompts;
mod providers;
mod reasoning;
mod remote_images;
mod rerank;
mod responses;
mod routes;
mod run;
mod scopes;
mod speech;
mod streams;
mod support;
mod switches;
mod tool_calls;
mod transcriptions;
mod transcripts;
mod translation;
mod trimming;
