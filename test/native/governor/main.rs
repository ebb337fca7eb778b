//! The governor through its public interface: its rules one by one, and its invariants under any
//! interleaving of commands, repetitions, crashes, snapshots and clocks that go back.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

#[path = "../world/random.rs"]
mod random;

mod acts;
mod bad_input;
mod budgets;
mod deployment;
mod gates;
mod hints;
mod holder;
mod idempotency;
mod leases;
mod ledger;
mod limits;
mod model;
mod people;
mod properties;
mod purpose;
mod refusals;
mod restart;
mod simulation;
mod storage;
mod switches;
mod window;
