//! The consents of customers: what is shown to them, the key that says what was shown, and what is made of both.

pub mod check;
pub mod display;
pub mod export;
pub mod history;
pub mod import;
mod journal;
pub mod key;
pub mod links;
pub mod metrics;
pub mod panel;
pub mod past;
pub mod preview;
pub mod profile;
pub mod proofs;
pub mod receipts;
pub mod service;
#[cfg(test)]
mod testing;
