//! Esclusa: an AI gateway and orchestrator in one Worker.

pub mod audit;
pub mod error;
pub mod governor;
pub mod http;
pub mod money;
pub mod ports;
pub mod protocol;
pub mod request;
pub mod usage;

#[cfg(target_family = "wasm")]
mod edge;
