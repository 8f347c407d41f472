//! Ways to identify a person.

pub mod agent;
pub mod chain;
pub mod identity_document;
pub mod lifecycle;
pub mod otp;

pub use lifecycle::{Data, Identification, Method, Purpose};
