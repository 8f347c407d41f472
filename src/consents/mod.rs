//! The consents of customers: what is shown to them, the key that says what was shown, and what is made of both.

pub mod check;
pub mod display;
pub mod import;
pub mod key;
pub mod metrics;
pub mod past;
pub mod service;
#[cfg(test)]
mod testing;
