//! The HTTP side: one module per resource of the contract. Handlers are thin: parse, authorize, ask, answer.

pub mod context;
pub mod documents;
pub mod error;
pub mod json;
pub mod multipart;
pub mod responses;
pub mod sign_configuration;
#[cfg(test)]
mod testing;

pub use context::{Caller, State};
pub use error::ApiError;
