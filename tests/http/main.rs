//! The server over HTTP, end to end: each operation with good and bad input, on the real program. Every answer is held
//! against the published description and the contract.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/operator.rs"]
mod operator;

#[path = "../support/authority.rs"]
mod authority;

#[path = "../support/certificates.rs"]
mod certificates;

mod access;
mod agent;
mod attacks;
mod biometric;
mod chain;
mod components;
mod configuration;
mod consents_configuration;
mod consents_customers;
mod consents_proofs;
mod console;
mod contacts;
mod contract;
mod contracts;
mod document_pages;
mod documents_api;
mod drawing;
mod dynamic_fills;
mod dynamic_templates;
mod erasure;
mod every_operation;
mod fills;
mod forms;
mod html_workers;
mod identity_images;
mod journey;
mod moving;
mod nodes;
mod operations;
mod otp;
mod scoring;
mod scoring_internal;
mod scoring_memory;
mod seal_levels;
mod sections;
mod sign_process;
mod signers;
mod template_configurations;
mod templates;
mod tour;
mod verification;

use std::sync::Arc;

use support::{Journey, Options, Server, Shared};

/// The server of all tests that do not move its clock.
fn shared() -> (Arc<Server>, Journey) {
    static SHARED: Shared = Shared::new();
    let server = SHARED.get(Some(contract::check));
    let journey = Journey::new(server.client());
    (server, journey)
}

/// A server of the test's own, for moving the clock or for another configuration.
fn own(config: Option<&str>) -> (Server, Journey) {
    let options = Options { config: config.map(str::to_owned), observer: Some(contract::check), ..Options::default() };
    let server = Server::start_with(options);
    let journey = Journey::new(server.client());
    (server, journey)
}

/// An address that no other test writes to.
fn address() -> String {
    format!("{}@example.org", uuid::Uuid::new_v4().simple())
}

/// A contract without fields for signatures.
fn pdf() -> Vec<u8> {
    documents::fixtures::contract(&[])
}

/// An identifier that nothing has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";
