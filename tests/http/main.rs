//! The server over HTTP, end to end: each operation with good and bad input, on the real program.

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod journey;
