//! The Rubrica server: configuration, HTTP API, access, adapters, command line.

pub mod catalogue;
pub mod http;
