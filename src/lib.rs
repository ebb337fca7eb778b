//! Esclusa: an AI gateway and orchestrator in one Worker.
//!
//! [`serve`] knows every path of the API. The path of a chat request, one file a phase, read top-down in [`request`]: [`request::admit`]
//! finds out who asks, [`request::classify`] what for, [`request::reserve`] holds the worst it may
//! cost while [`request::recall`] looks for a cached answer, [`request::ground`] adds the org's
//! documents, [`request::dispatch`] asks the models, [`request::release`] answers, and
//! [`request::settle`] charges and records.
//!
//! All of it is pure and reaches the world through [`ports`]; `edge` alone names the platform.

// The border: HTTP, and what else a deployment answers.
pub mod error;
pub mod health;
pub mod http;
pub mod models;
pub mod openapi;
pub mod serve;
pub mod tokens;

// The path of a request.
pub mod request;

// What the path consults, in its order.
pub mod audit;
pub mod auth;
pub mod cache;
pub mod context;
pub mod dlp;
pub mod governor;
pub mod intent;
pub mod malformed;
pub mod money;
pub mod output;
pub mod protocol;
pub mod providers;
pub mod remote_image;
pub mod responses;
pub mod routing;
pub mod schema;
pub mod sse;
pub mod template;
pub mod usage;
pub mod webhook;

// What an org sets and stores.
pub mod admin;
pub mod config;
pub mod feedback;
pub mod isolate;
pub mod knowledge;
pub mod request_files;
pub mod transcript;
pub mod upkeep;

// The world.
pub mod ports;

#[cfg(target_family = "wasm")]
mod edge;
#[cfg(test)]
mod golden;
