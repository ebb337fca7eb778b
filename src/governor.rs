//! The governor of an org.

pub mod command;
