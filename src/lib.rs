//! The Rubrica server: configuration, HTTP API, access, adapters, command line.

pub mod access;
pub mod catalogue;
pub mod channels;
pub mod codes;
pub mod config;
pub mod demo;
pub mod http;
pub mod iso_duration;
pub mod keys;
pub mod processes;
pub mod public_url;
pub mod server;
pub mod verify;
