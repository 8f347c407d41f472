//! The Rubrica server: configuration, HTTP API, access, adapters, command line.

pub mod access;
pub mod cache;
pub mod camara;
pub mod catalogue;
pub mod channels;
pub mod code_limits;
pub mod codes;
pub mod config;
pub mod connections;
pub mod consents;
pub mod cpu_pool;
pub mod demo;
#[cfg(test)]
mod deployment;
pub mod engine;
pub mod erasure;
pub mod escrow_command;
pub mod fill_queue;
pub mod filling;
pub mod fonts;
pub mod forms_command;
pub mod handwriting;
pub mod http;
pub mod identity_reader;
pub mod installation;
pub mod keys;
mod objects;
pub mod outbound;
pub mod p12_command;
pub mod page_view;
pub mod pages;
mod percent;
pub mod periodic_task;
mod pictures;
mod private_files;
pub mod processes;
pub mod public_url;
pub mod receipts;
pub mod recent;
pub mod records;
pub mod render_command;
pub mod render_workers;
pub mod room;
pub mod sandbox_clock;
pub mod scoring;
pub mod server;
pub mod signers;
mod tenant_addresses;
pub mod transfer;
pub mod trust_services;
pub mod verify;

/// How this program was called, for the commands that it suggests.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "rubrica".into())
}

pub use workflows::values::duration as iso_duration;
