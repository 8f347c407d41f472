//! The Rubrica server: configuration, HTTP API, access, adapters, command line.
