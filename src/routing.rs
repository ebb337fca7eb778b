//! From what a caller wants to the models that may answer, in order, and the worst that may cost.
//! No I/O.

pub mod bound;
pub mod custom_cost;
pub mod graph;
pub mod plan;
pub mod single;

pub use self::plan::{Plan, Wanted};

#[cfg(test)]
mod tests;
