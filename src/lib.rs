//! Esclusa: an AI gateway and orchestrator in one Worker.

pub mod admin;
pub mod audit;
pub mod auth;
pub mod cache;
pub mod config;
pub mod context;
pub mod error;
pub mod governor;
pub mod health;
pub mod http;
pub mod intent;
pub mod isolate;
pub mod knowledge;
pub mod models;
pub mod money;
pub mod ports;
pub mod protocol;
pub mod providers;
pub mod request;
pub mod routing;
pub mod sse;
pub mod usage;

#[cfg(target_family = "wasm")]
mod edge;
#[cfg(test)]
mod golden;
