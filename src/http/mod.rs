//! The HTTP side: one module per resource of the contract. Handlers are thin: parse, authorize, ask, answer.

pub mod context;
pub mod device;
pub mod documents;
pub mod error;
pub mod json;
pub mod multipart;
pub mod openapi;
pub mod operations;
pub mod otp;
pub mod people;
pub mod processes;
pub mod query;
pub mod receipts;
mod refusals;
pub mod responses;
pub mod sandbox;
pub mod securize;
pub mod sign_configuration;
pub mod sign_process;
pub mod simple_sign;
#[cfg(test)]
mod testing;

pub use context::{Caller, State};
pub use error::ApiError;
