//! From what a caller wants to the models that may answer, in order, and the worst that may cost; and
//! which of them are worth asking now. No I/O.

pub mod bound;
pub mod breaker;
pub mod custom_cost;
pub mod doubt;
mod fitting;
pub mod graph;
pub mod handling;
pub mod health;
pub mod instructions;
pub mod left_out;
pub mod plan;
mod retry_budget;
mod routed;
pub mod single;
pub mod wanted;

pub use self::plan::Plan;
pub use self::wanted::Wanted;

#[cfg(test)]
mod tests;
