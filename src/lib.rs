//! The Rubrica server: configuration, HTTP API, access, adapters, command line.

pub mod access;
pub mod channels;
pub mod iso_duration;
pub mod keys;
pub mod public_url;
