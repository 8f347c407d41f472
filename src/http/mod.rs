//! The HTTP side: the [`table`] of operations, the [`api`] that serves it, and one module per resource with its handlers, which ask and
//! answer and decide nothing.

pub mod agent;
pub mod api;
pub mod biometric_sign;
mod call;
mod chain;
pub mod consents;
pub mod context;
mod contracts;
pub mod cors;
pub mod device;
mod document_pages;
pub mod documents;
pub mod download;
mod durations;
pub mod dynamic_fills;
pub mod dynamic_templates;
mod erasure;
pub mod error;
pub mod fills;
pub mod forms;
pub mod headers;
pub mod identification;
pub mod identity_document;
pub mod intake;
pub mod json;
mod legal_holds;
mod mapping;
pub mod multipart;
pub mod openapi;
pub mod operation;
pub mod operations;
pub mod otp;
pub mod paging;
pub mod people;
pub mod processes;
pub mod query;
pub mod readiness;
pub mod receipts;
mod refusals;
pub mod roles;
pub mod sandbox;
pub mod scoring;
pub mod sections;
pub mod securize;
pub mod sign_configuration;
pub mod sign_process;
pub mod signers;
pub mod simple_sign;
pub mod table;
pub mod template_configurations;
pub mod templates;
#[cfg(test)]
mod testing;

pub use context::State;
pub use error::ApiError;
