//! The Rubrica server: configuration, HTTP API, access, adapters, command line.

pub mod access;
pub mod catalogue;
pub mod http;
pub mod iso_duration;
pub mod keys;
pub mod public_url;
